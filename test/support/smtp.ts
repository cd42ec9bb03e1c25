import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer, type SMTPServerAddress, type SMTPServerSession } from 'smtp-server';
import type { Test } from 'tap';

/** `body`: the message has begun to come, and can be cut off by `close`. `data`: all of it is there. */
export type Stage = 'greeting' | 'auth' | 'mail' | 'rcpt' | 'body' | 'data';

/** What an answer may depend on. */
export interface Situation {
  stage: Stage;
  /** The recipient at `rcpt`, `body` and `data`, the sender at `mail`, the user name at `auth`. */
  subject: string;
  /** How often this stage was reached with this subject, from 1. */
  attempt: number;
}

/**
 * A reply such as `550 5.1.1 no such user`, `close` to drop the connection, `take and close` to do so after the
 * mail was taken and before that is said, or undefined to accept.
 */
export type Answer = string | 'close' | 'take and close' | undefined;

export interface ReceivedMail {
  from: string;
  to: string[];
  /** Parameters of MAIL FROM in capitals, such as `{ SMTPUTF8: true, BODY: '8BITMIME' }`. */
  mailParameters: Readonly<Record<string, string | true>>;
  raw: Buffer;
  /** What an independent parser reads. */
  parse(): Promise<ParsedMail>;
  /** Links of the text part, in order. */
  links(): Promise<string[]>;
}

export interface SmtpOptions {
  answer?: (situation: Situation) => Answer;
  /** Wait before the answer to DATA. */
  delayMs?: number;
  /** A relay that does not offer these. */
  without?: readonly ('8BITMIME' | 'SMTPUTF8' | 'PIPELINING')[];
  /** Credentials that it asks for; none: it takes mail from anybody. */
  login?: { user: string; password: string };
  /** Offers STARTTLS with these, in PEM. */
  tls?: { key: string; cert: string };
  /** The largest mail that it says to take, in bytes. */
  size?: number;
  port?: number;
}

export interface SmtpRelay {
  url: string;
  port: number;
  received: ReceivedMail[];
  /** Each stage reached, refused ones included. */
  commands: { stage: Stage; subject: string; answer: string }[];
  /** Connections made so far. */
  readonly connections: number;
  /** Changes the script from now on. */
  answerWith(answer: (situation: Situation) => Answer): void;
  mailTo(address: string): ReceivedMail[];
  close(): Promise<void>;
}

/** A real SMTP server on a free port, which answers as it is told and keeps every byte. */
export async function startSmtp(t: Test, options: SmtpOptions = {}): Promise<SmtpRelay> {
  let answer = options.answer ?? (() => undefined);
  let connections = 0;
  const received: ReceivedMail[] = [];
  const commands: SmtpRelay['commands'] = [];
  const attempts = new Map<string, number>();
  const without = new Set<string>(options.without ?? []);

  const respond = (stage: Stage, subject: string, session: SMTPServerSession): Error | null => {
    const key = `${stage} ${subject}`;
    const attempt = (attempts.get(key) ?? 0) + 1;
    attempts.set(key, attempt);
    const said = answer({ stage, subject, attempt });
    if (stage !== 'body' || said !== undefined) commands.push({ stage, subject, answer: said ?? 'accepted' });
    if (said === undefined) return null;
    if (said === 'close' || said === 'take and close') {
      for (const connection of server.connections) if (connection.id === session.id) connection._socket.destroy();
      return new Error('the connection is closed');
    }
    return Object.assign(new Error(said.slice(4)), { responseCode: Number(said.slice(0, 3)) });
  };

  const server = new SMTPServer({
    hide8BITMIME: without.has('8BITMIME'),
    hideSMTPUTF8: without.has('SMTPUTF8'),
    hidePIPELINING: without.has('PIPELINING'),
    // The replies of a script carry their own enhanced codes.
    hideENHANCEDSTATUSCODES: true,
    disabledCommands: [
      ...(options.login === undefined ? ['AUTH'] : []),
      ...(options.tls === undefined ? ['STARTTLS'] : []),
    ],
    ...options.tls,
    ...(options.size === undefined ? {} : { size: options.size }),
    authOptional: options.login === undefined,
    allowInsecureAuth: true,
    disableReverseLookup: true,
    logger: false,
    onConnect(session, done) {
      connections += 1;
      done(respond('greeting', session.remoteAddress, session));
    },
    onAuth(auth, session, done) {
      const refused = respond('auth', auth.username ?? '', session);
      if (refused !== null) return done(refused);
      const right = auth.username === options.login?.user && auth.password === options.login?.password;
      if (right) return done(null, { user: auth.username ?? '' });
      done(Object.assign(new Error('5.7.8 authentication credentials invalid'), { responseCode: 535 }));
    },
    onMailFrom(address, session, done) {
      done(respond('mail', address.address, session));
    },
    onRcptTo(address, session, done) {
      done(respond('rcpt', address.address, session));
    },
    onData(stream, session, done) {
      const parts: Buffer[] = [];
      const to = session.envelope.rcptTo.map(({ address }) => address);
      let isCutOff = false;
      stream.once('data', () => {
        isCutOff = respond('body', to.join(', '), session) !== null;
      });
      stream.on('data', (part: Buffer) => parts.push(part));
      stream.on('end', async () => {
        if (isCutOff) return;
        if (options.delayMs !== undefined) await pause(options.delayMs);
        const refused = respond('data', to.join(', '), session);
        const isTaken = refused === null || commands.at(-1)?.answer === 'take and close';
        if (isTaken) received.push(mail(session.envelope.mailFrom, to, Buffer.concat(parts)));
        if (refused !== null) return done(refused);
        done(null, '2.0.0 taken');
      });
    },
  });
  // A client that goes away in the middle is no fault here.
  server.on('error', () => undefined);
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server.server, 'listening');
  const address = server.server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');

  let closed = false;
  const close = async () => {
    if (closed) return;
    closed = true;
    for (const connection of server.connections) connection._socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  t.teardown(close);

  const credentials =
    options.login === undefined
      ? ''
      : `${encodeURIComponent(options.login.user)}:${encodeURIComponent(options.login.password)}@`;
  return {
    url: `smtp://${credentials}127.0.0.1:${address.port}`,
    port: address.port,
    received,
    commands,
    get connections() {
      return connections;
    },
    answerWith(next) {
      answer = next;
    },
    mailTo: (wanted) => received.filter(({ to }) => to.includes(wanted)),
    close,
  };
}

function mail(from: SMTPServerAddress | false, to: string[], raw: Buffer): ReceivedMail {
  const given = from === false ? {} : from.args === false ? {} : from.args;
  const mailParameters: Record<string, string | true> = {};
  for (const [name, value] of Object.entries(given))
    mailParameters[name.toUpperCase()] = value === true ? true : String(value);
  const parse = () => simpleParser(raw);
  return {
    from: from === false ? '' : from.address,
    to,
    mailParameters,
    raw,
    parse,
    async links() {
      const { text = '' } = await parse();
      return text.match(/https?:\/\/[^\s<>]+/g) ?? [];
    },
  };
}
