import SMTPConnection, { type SMTPError as NodemailerError } from 'nodemailer/lib/smtp-connection';
import { needsSmtpUtf8 } from './address.js';

/*
 * One SMTP session: opened, used for mail after mail, closed. transport.ts keeps several.
 */

export interface Envelope {
  from: string;
  to: string;
}

/** What became of one mail, with the relay's own words. */
export interface Reply {
  /**
   * - `accepted`: the relay took it (no more: a 250 proves the hand-over, not the mailbox).
   * - `rejected`: the relay refused this mail; `stage` says at which command.
   * - `unreachable`: there was no session (`connect`, `tls`, `auth`: a fault of the relay or of our
   *   settings, it says nothing of the recipient), or it broke off in the middle (`mail`, `rcpt`,
   *   `data`; at `data` the relay may have taken the mail all the same), a 421 included.
   */
  outcome: 'accepted' | 'rejected' | 'unreachable';
  stage: 'connect' | 'tls' | 'auth' | 'mail' | 'rcpt' | 'data' | 'smtputf8';
  /** The SMTP code, null where the relay said none. */
  code: number | null;
  /** The enhanced code (RFC 3463), such as `5.1.1`. */
  enhanced: string | null;
  /** One line, at most 1,000 characters. May hold the address: never for a log. */
  response: string;
}

export interface Relay {
  host: string;
  port: number;
  /** TLS from the first byte (smtps). */
  secure: boolean;
  /** How plain `smtp:` is secured; see `readRelayUrl`. */
  startTls: 'required' | 'never';
  auth: { user: string; pass: string } | null;
}

export interface Timeouts {
  /** Milliseconds for name look-up, connect, TLS and greeting. */
  connect: number;
  /** Milliseconds without a byte from the relay. */
  silence: number;
}

export interface Session {
  /** Sends one mail; never throws. */
  send(envelope: Envelope, message: Buffer): Promise<Reply>;
  /** Mails sent so far. */
  used: number;
  /** Whether it can take another mail. */
  readonly open: boolean;
  /** Called once, when it ends for whatever reason. */
  onEnd: () => void;
  /** Says QUIT and closes. */
  quit(): void;
}

/**
 * Opens a session: connect, TLS, EHLO, AUTH.
 * @returns the session, or why there is none
 */
export async function openSession(relay: Relay, timeouts: Timeouts): Promise<Session | Reply> {
  // The library reports a broken connection without saying which command it broke; counting the
  // replies since MAIL tells it, and with it whether a fresh connection is worth a second try.
  const progress = { replies: 0 };
  const connection = new SMTPConnection({
    host: relay.host,
    port: relay.port,
    secure: relay.secure,
    requireTLS: relay.startTls === 'required' && !relay.secure,
    ignoreTLS: relay.startTls === 'never',
    connectionTimeout: timeouts.connect,
    greetingTimeout: timeouts.connect,
    socketTimeout: timeouts.silence,
    transactionLog: true,
    logger: countReplies(progress),
  });

  // Every error also reaches the callback of the step it broke; without a listener it would end
  // the process.
  connection.on('error', () => {});
  let ended = false;
  let extensions: ReadonlySet<string> = new Set();
  const session: Session = {
    used: 0,
    get open() {
      return !ended;
    },
    onEnd: () => {},
    send: (envelope, message) => {
      session.used += 1;
      return transact(envelope, message);
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
    session.onEnd();
  });

  const failure = (await connected()) ?? (await authenticated());
  if (failure === null) return session;
  connection.close();
  return failure;

  function connected(): Promise<Reply | null> {
    return new Promise((resolve) => {
      const failed = (error: Failure) => resolve(broken(isTlsFault(error) ? 'tls' : 'connect', error));
      connection.once('error', failed);
      connection.connect((error) => {
        connection.off('error', failed);
        if (error) return failed(error);
        extensions = readExtensions(connection.lastServerResponse || '');
        resolve(null);
      });
    });
  }

  function authenticated(): Promise<Reply | null> {
    const { auth } = relay;
    if (!auth) return Promise.resolve(null);
    return new Promise((resolve) => {
      const failed = (error: Failure) => resolve(broken('auth', error));
      connection.once('error', failed);
      connection.login({ user: auth.user, pass: auth.pass }, (error) => {
        connection.off('error', failed);
        if (error) return failed(error);
        resolve(null);
      });
    });
  }

  function transact(envelope: Envelope, message: Buffer): Promise<Reply> {
    if (needsSmtpUtf8(envelope.to) && !extensions.has('SMTPUTF8')) return Promise.resolve(withoutSmtpUtf8);
    progress.replies = 0;
    return new Promise((resolve) => {
      const use8BitMime = needsSmtpUtf8(envelope.to);
      connection.send({ ...envelope, size: message.length, use8BitMime }, message, (error, info) => {
        if (!error) {
          resolve(toReply('accepted', 'data', info?.response ?? ''));
          return;
        }
        const reply = judge(error, progress.replies);
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

type Failure = NodemailerError;

const withoutSmtpUtf8: Reply = {
  outcome: 'rejected',
  stage: 'smtputf8',
  code: null,
  enhanced: null,
  response: 'The relay does not offer SMTPUTF8 (RFC 6531), without which this address cannot be written.',
};

/** A failed mail → what it means. `replies`: how many of the relay's came since MAIL. */
function judge(error: Failure, replies: number): Reply {
  // Larger than the SIZE that the relay offers: nothing was sent.
  if (error.code === 'EMESSAGE' && !error.responseCode) return toReply('rejected', 'mail', error.message);
  if (!error.responseCode) return broken(stageAfter(replies), error);
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

function broken(stage: Reply['stage'], error: Failure): Reply {
  return toReply('unreachable', stage, error.response || error.message);
}

function isTlsFault(error: Failure): boolean {
  return error.code === 'ETLS' || error.command === 'STARTTLS' || /certificate|SSL|TLS/.test(error.message);
}

function toReply(outcome: Reply['outcome'], stage: Reply['stage'], words: string): Reply {
  const lines = words.trim().split(/\r?\n/);
  const first = /^(?<code>[2-5]\d\d)(?:[ -](?<enhanced>[245]\.\d{1,3}\.\d{1,3})\b)?/.exec(lines[0] ?? '')?.groups;
  return {
    outcome,
    stage,
    code: first?.code ? Number(first.code) : null,
    enhanced: first?.enhanced ?? null,
    // Each line repeats the codes ("550-5.1.1 …", RFC 5321, 4.2.1): once is enough.
    response: lines
      .map((line, index) => (index === 0 ? line.replace(/^(\d{3})-/, '$1 ') : line.replace(repeatedCodes, '')))
      .join(' ')
      .slice(0, 1_000),
  };
}

const repeatedCodes = /^\d{3}[ -](?:[245]\.\d{1,3}\.\d{1,3} )?/;

/** The keywords of an EHLO reply, such as `SIZE`, `8BITMIME`, `SMTPUTF8`. */
function readExtensions(ehlo: string): ReadonlySet<string> {
  const lines = ehlo.split(/\r?\n/).slice(1);
  return new Set(
    lines.map(
      (line) =>
        line
          .replace(/^\d{3}[ -]/, '')
          .split(' ')[0]
          ?.toUpperCase() ?? '',
    ),
  );
}

function countReplies(progress: { replies: number }): Record<string, (entry: unknown) => void> {
  const ignore = () => {};
  return {
    trace: ignore,
    info: ignore,
    warn: ignore,
    error: ignore,
    fatal: ignore,
    debug: (entry) => {
      if (typeof entry === 'object' && entry !== null && 'tnx' in entry && entry.tnx === 'server')
        progress.replies += 1;
    },
  };
}
