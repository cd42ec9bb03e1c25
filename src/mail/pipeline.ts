import type { Socket } from 'node:net';
import type SMTPConnection from 'nodemailer/lib/smtp-connection';
import { type Commands, commandsOf, endOf, refuseUnsent, stuffed } from './envelope.js';
import { createReplyReader, type Reply, toReply } from './reply.js';
import type { Keeper, Mail, Offers, Session } from './session.js';

/*
 * The fast layer of a session, on the connection that nodemailer has opened. With PIPELINING (RFC 2920)
 * MAIL, RCPT and DATA go out in one piece; on the 354 the message, and in the same write the next mail's
 * three commands: one round trip a mail. What was sent ahead is an envelope only; without its message
 * nothing comes of it, so whatever happens, that mail can go by another session. Where the relay does
 * not offer it each command waits for the reply to the one before.
 *
 * At most one message is in the socket at a time, since the next waits for a 354: that is all the
 * back-pressure there has to be. The 354 is also where both sides find out whether they still agree
 * which reply is whose: anything else in its place that is not a refusal ends the session.
 */

/** The reply that is due next. */
type Step = 'idle' | 'reset' | 'mail' | 'rcpt' | 'data' | 'message' | 'dot' | 'quit';

type End =
  /** A reply that does not fit. */
  | 'surprise'
  /** Silence, or the connection broke. */
  | 'lost'
  /** The relay or we wanted it. */
  | 'closed';

/** A session that speaks SMTP itself, by PIPELINING where that is offered. */
export function fastSession({
  connection,
  socket,
  offers,
  keeper,
}: {
  connection: SMTPConnection;
  socket: Socket;
  offers: Offers;
  keeper: Keeper;
}): Session {
  const pipelining = offers.extensions.has('PIPELINING');
  let step: Step = 'idle';
  /** The mail whose replies are due. */
  let mail: Mail | null = null;
  let commands: Commands = ['', '', ''];
  /** Its refusal, which is known before the last of its replies has come. */
  let refusal: Reply | null = null;
  /** The mail whose envelope went out behind the message of the other. */
  let ahead: Mail | null = null;
  /** A transaction was refused half-way, and a strict relay waits for RSET (RFC 5321, 4.1.1.5). */
  let unfinished = false;
  let isFirst = true;
  let ended = false;

  const session: Session = {
    used: 0,
    // A new session costs the CPU of some thirty mails. Exim, for one, has enough after a thousand.
    most: 500,
    get open() {
      return !ended && step !== 'quit' && socket.writable;
    },
    work: () => {
      if (ended) return;
      if (step === 'idle') begin();
      else if ((step === 'message' || step === 'dot') && ahead === null) {
        ahead = takeAhead();
        if (ahead !== null) socket.write(commandsOf(ahead, offers).join(''));
      }
    },
    quit: () => {
      if (ended || step !== 'idle') return;
      step = 'quit';
      socket.write('QUIT\r\n');
      // A relay that leaves QUIT unanswered does not keep the process alive.
      setTimeout(() => end('closed', ''), 2_000).unref();
    },
  };
  const reader = createReplyReader({ reply: hear, nonsense: (words) => end('surprise', words) });
  // From here on nodemailer reads no more. Silence, errors and the end are still seen by it, and told.
  socket.removeAllListeners('data');
  socket.on('data', (chunk: Buffer) => {
    if (!ended) reader.push(chunk);
  });
  connection.on('error', (error) => lose(error.message));
  connection.once('end', () => lose('Connection closed unexpectedly'));
  return session;

  function hear(code: number, words: string): void {
    if (ended) return;
    isFirst = isFirst && step === 'mail';
    if (step === 'quit' || code === 421) end('closed', words);
    else if (!goOnBy(code, words)) end('surprise', words);
  }

  /** Does what is to be done at a reply; false when it does not fit. */
  function goOnBy(code: number, words: string): boolean {
    const isTaken = code < 300;
    // 503: the two have lost the thread, which says nothing of the recipient. After a refusal it is
    // what the rest of the envelope is to get.
    const isRefused = code >= 400 && (code !== 503 || refusal !== null || step === 'dot');
    switch (step) {
      case 'idle':
      case 'quit':
        return false;
      case 'reset':
        if (isTaken) say('mail');
        return isTaken;
      case 'mail':
        if (isRefused) refusal = toReply('rejected', 'mail', words);
        else if (!isTaken) return false;
        if (refusal === null || pipelining) say('rcpt');
        else settle(refusal);
        return true;
      case 'rcpt':
        if (isRefused) refusal ??= toReply('rejected', 'rcpt', words);
        else if (!isTaken || refusal !== null) return false;
        if (refusal === null || pipelining) say('data');
        else settle(refusal, true);
        return true;
      case 'data':
        if (code === 354) return refusal === null ? sendMessage() : withdraw();
        if (!isRefused) return false;
        // Without a sender there is no transaction.
        settle(refusal ?? toReply('rejected', 'data', words), refusal?.stage !== 'mail');
        return true;
      case 'message':
        if (!isTaken && !isRefused) return false;
        // It cannot have what has not left yet. (With TLS what is counted has often left.)
        if (isTaken && !('encrypted' in socket) && socket.writableLength > 0) return false;
        if (isRefused && socket.writableLength > 0) {
          // Refused before the end: the rest stays unsent, as the caller may use its bytes again.
          refusal = toReply('rejected', 'data', words);
          end('closed', words);
        } else settle(toReply(isTaken ? 'accepted' : 'rejected', 'data', words));
        return true;
      case 'dot':
        if (!isTaken && !isRefused) return false;
        goOn();
        return true;
    }
  }

  function begin(): void {
    mail = take(false);
    if (mail === null) {
      step = 'idle';
      keeper.onIdle(session);
      return;
    }
    commands = commandsOf(mail, offers);
    if (pipelining) socket.write(`${unfinished ? 'RSET\r\n' : ''}${commands.join('')}`);
    else if (unfinished) socket.write('RSET\r\n');
    if (unfinished) step = 'reset';
    else say('mail');
    unfinished = false;
  }

  /** Waits for the reply to a command, which is sent now unless it went out with the others. */
  function say(command: 'mail' | 'rcpt' | 'data'): void {
    step = command;
    if (!pipelining) socket.write(commands[command === 'mail' ? 0 : command === 'rcpt' ? 1 : 2]);
  }

  function take(isAhead: boolean): Mail | null {
    for (let next = keeper.next(session, isAhead); next !== null; next = keeper.next(session, isAhead)) {
      const unsent = refuseUnsent(next, offers);
      if (unsent === null) return next;
      next.settle(unsent);
    }
    return null;
  }

  function takeAhead(): Mail | null {
    return pipelining ? take(true) : null;
  }

  function sendMessage(): boolean {
    if (mail === null) return false;
    const message = mail.dotFree ? mail.message : stuffed(mail.message);
    ahead = takeAhead();
    step = 'message';
    socket.cork();
    socket.write(message);
    socket.write(ahead === null ? endOf(message) : endOf(message) + commandsOf(ahead, offers).join(''));
    socket.uncork();
    return true;
  }

  /** DATA was granted though nobody is to get it: an empty message ends that (RFC 2920, 3.1). */
  function withdraw(): boolean {
    // A relay that takes a message without a sender cannot be trusted with an empty one either.
    if (refusal === null || refusal.stage === 'mail') return false;
    mail?.settle(refusal);
    mail = null;
    refusal = null;
    ahead = takeAhead();
    step = 'dot';
    socket.write(ahead === null ? '.\r\n' : `.\r\n${commandsOf(ahead, offers).join('')}`);
    return true;
  }

  function settle(reply: Reply, isUnfinished = false): void {
    mail?.settle(reply);
    unfinished = isUnfinished;
    goOn();
  }

  function goOn(): void {
    refusal = null;
    mail = ahead;
    ahead = null;
    if (mail === null) begin();
    else step = 'mail';
  }

  function lose(words: string): void {
    if (ended) return;
    // A last word whose line was cut off is still the reason.
    const rest = reader.rest();
    if (/^[45]\d\d[ -]/.test(rest)) hear(Number(rest.slice(0, 3)), rest);
    end('lost', words);
  }

  function end(how: End, words: string): void {
    if (ended) return;
    ended = true;
    // Not by halves: what the relay has not read of a message it is not to read later.
    connection.close();
    socket.destroy();
    if (ahead !== null) keeper.giveBack(ahead, toReply('unreachable', 'mail', words));
    if (mail !== null) giveUp(mail, how, words);
    const inHand = mail !== null || ahead !== null;
    const isStale = (step === 'mail' || step === 'reset') && !isFirst && ahead === null;
    if (how === 'surprise') keeper.onDoubt('surprise');
    else if (how === 'lost' && inHand && !isStale) keeper.onDoubt('lost');
    keeper.onEnd(session);
  }

  function giveUp(unanswered: Mail, how: End, words: string): void {
    const stage = step === 'message' ? 'data' : step === 'rcpt' || step === 'data' ? step : 'mail';
    const reply = toReply('unreachable', stage, words);
    if (refusal !== null) unanswered.settle(refusal);
    // The relay may have it.
    else if (step === 'message') unanswered.settle(reply);
    // The replies got out of step before anything of it was sent.
    else if (how === 'surprise') keeper.giveBack(unanswered, reply);
    // A kept session that the relay has closed meanwhile, or after so many mails.
    else if (stage === 'mail' && !isFirst) keeper.giveBack(unanswered, reply);
    else unanswered.settle(reply);
  }
}
