import type SMTPConnection from 'nodemailer/lib/smtp-connection';
import type { SMTPError } from 'nodemailer/lib/smtp-connection';
import { needsSmtpUtf8 } from './address.js';
import { withoutSmtpUtf8 } from './envelope.js';
import { type Reply, toReply } from './reply.js';
import type { Keeper, Mail, Offers, Session } from './session.js';

/*
 * The safe layer of a session: each mail by nodemailer, each command after the reply to the last.
 */

/**
 * A session that sends one mail after the other.
 * @param options.counted counts what the relay says: the library reports a broken connection without
 *   saying which command it broke
 */
export function safeSession({
  connection,
  offers,
  keeper,
  counted,
}: {
  connection: SMTPConnection;
  offers: Offers;
  keeper: Keeper;
  counted: { replies: number };
}): Session {
  withoutPipelining(connection);
  let ended = false;
  let busy = false;
  const session: Session = {
    used: 0,
    most: 100,
    get open() {
      return !ended;
    },
    work: () => {
      if (!busy && !ended) void sendAll();
    },
    quit: () => {
      if (ended) return;
      connection.quit();
      // A relay that leaves QUIT unanswered does not keep the process alive.
      setTimeout(() => connection.close(), 2_000).unref();
    },
  };
  connection.once('end', () => {
    ended = true;
    if (!busy) keeper.onEnd(session);
  });
  return session;

  async function sendAll(): Promise<void> {
    busy = true;
    for (let mail = keeper.next(session, false); mail !== null; mail = ended ? null : keeper.next(session, false)) {
      const isFirst = session.used === 1;
      const reply = await transact(mail);
      // A kept session that the relay has closed meanwhile fails at MAIL, without a word or with a
      // 421: the mail was not begun, and another session takes it.
      const isStale = reply.outcome === 'unreachable' && reply.stage === 'mail' && !isFirst && reply.code !== 503;
      if (isStale && ended) keeper.giveBack(mail, reply);
      else mail.settle(reply);
    }
    busy = false;
    if (ended) keeper.onEnd(session);
    else keeper.onIdle(session);
  }

  function transact({ envelope, message }: Mail): Promise<Reply> {
    if (needsSmtpUtf8(envelope.to) && !offers.extensions.has('SMTPUTF8')) return Promise.resolve(withoutSmtpUtf8);
    counted.replies = 0;
    return new Promise((resolve) => {
      const use8BitMime = needsSmtpUtf8(envelope.to);
      // A copy: a relay may refuse before the end, while the library goes on writing.
      const copy = Buffer.from(message);
      connection.send({ ...envelope, size: copy.length, use8BitMime }, copy, (error, info) => {
        if (!error) {
          resolve(toReply('accepted', 'data', info?.response ?? ''));
          return;
        }
        const reply = judge(error, counted.replies);
        if (reply.outcome === 'unreachable' || ended) {
          connection.close();
          resolve(reply);
          return;
        }
        // RFC 5321, 4.1.1.5: what is left of a refused transaction is put aside, else a strict
        // relay answers the next MAIL with 503, and that person pays for it.
        connection.reset((unreset) => {
          if (unreset) connection.close();
          resolve(reply);
        });
      });
    });
  }
}

/** A failed mail → what it means. `replies`: how many of the relay's came since MAIL. */
function judge(error: SMTPError, replies: number): Reply {
  // Larger than the SIZE that the relay offers: nothing was sent.
  if (error.code === 'EMESSAGE' && !error.responseCode) return toReply('rejected', 'mail', error.message);
  if (!error.responseCode) return toReply('unreachable', stageAfter(replies), error.response || error.message);
  // 421: the relay closes the session, whatever the mail. 503: the two have lost the thread. Both
  // are mended by another session and say nothing of the recipient.
  const ofSession = error.responseCode === 421 || error.responseCode === 503 || error.command === 'CONN';
  const stage = commandStages.get(error.command ?? '') ?? stageAfter(replies - 1);
  return toReply(ofSession ? 'unreachable' : 'rejected', stage, error.response ?? error.message);
}

/** The command that waits for its reply after so many replies. */
function stageAfter(replies: number): 'mail' | 'rcpt' | 'data' {
  return replies <= 0 ? 'mail' : replies === 1 ? 'rcpt' : 'data';
}

const commandStages: ReadonlyMap<string, Reply['stage']> = new Map([
  ['MAIL FROM', 'mail'],
  ['RCPT TO', 'rcpt'],
  ['DATA', 'data'],
]);

/**
 * The library pipelines an envelope by itself where the relay offers it and has no option against
 * that. Here nothing may depend on it: this layer is the way out when it went wrong.
 */
function withoutPipelining(connection: SMTPConnection): void {
  const extensions: unknown = Reflect.get(connection, '_supportedExtensions');
  if (!Array.isArray(extensions)) return;
  const at = extensions.indexOf('PIPELINING');
  if (at >= 0) extensions.splice(at, 1);
}
