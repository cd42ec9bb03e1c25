import SMTPConnection, { type SMTPError as NodemailerError } from 'nodemailer/lib/smtp-connection';
import { safeSession } from './one-by-one.js';
import { fastSession } from './pipeline.js';
import { type Reply, toReply } from './reply.js';

export type { Reply } from './reply.js';

/*
 * One SMTP session: connect, TLS, EHLO, AUTH, by nodemailer. What follows is one of two layers:
 * pipeline.ts is fast, one-by-one.ts is safe. transport.ts keeps the sessions.
 */

export interface Envelope {
  from: string;
  to: string;
}

/** A mail on its way through a session. */
export interface Mail {
  readonly envelope: Envelope;
  readonly message: Buffer;
  /** No line of it begins with a dot. */
  readonly dotFree: boolean;
  /** How often a session gave it back. */
  returns: number;
  /** To be called once. */
  settle(reply: Reply): void;
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

/** What a relay offers by EHLO. */
export interface Offers {
  extensions: ReadonlySet<string>;
  /** Bytes of the largest message, null where it does not say. */
  size: number | null;
}

export interface Session {
  /** Mails begun so far. */
  used: number;
  /** Mails after which it is to end: relays count, and end long sessions with a 421; going first is cheaper. */
  readonly most: number;
  /** Whether it can take another mail. */
  readonly open: boolean;
  /** Looks for a mail if it can send one now; told when there may be one. */
  work(): void;
  /** Says QUIT and closes; not while it has a mail in hand. */
  quit(): void;
}

/** Who keeps a session and has mails for it. */
export interface Keeper {
  /**
   * The next mail, null when there is none for this session.
   * @param ahead whether only its envelope goes out now, behind the body of another
   */
  next(session: Session, ahead: boolean): Mail | null;
  /**
   * Takes a mail back of which no byte was sent but the envelope, so that another session sends it.
   * @param reply the answer if there have been too many
   */
  giveBack(mail: Mail, reply: Reply): void;
  /** It has nothing in hand. */
  onIdle(session: Session): void;
  /** It is over, for whatever reason; called once. */
  onEnd(session: Session): void;
  /** What happened is no reason to trust the fast layer with this relay; `lost`: it may have been the network. */
  onDoubt(kind: 'surprise' | 'lost'): void;
}

/**
 * Opens a session: connect, TLS, EHLO, AUTH. It begins to work when told to.
 * @param options.ca certificates of authorities to trust instead of the usual ones
 * @param options.fast by which layer; the other one is for a relay that has given cause for doubt
 * @returns the session, or why there is none
 */
export async function openSession(
  relay: Relay,
  timeouts: Timeouts,
  keeper: Keeper,
  options: { fast: boolean; ca?: string | undefined },
): Promise<Session | Reply> {
  const counted = { replies: 0 };
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
    logger: countReplies(counted),
    ...(options.ca === undefined ? {} : { tls: { ca: options.ca } }),
  });
  // Every error also reaches the callback of the step it broke; without a listener it would end
  // the process.
  connection.on('error', () => {});

  let offers: Offers = { extensions: new Set(), size: null };
  const failure = (await connected()) ?? (await authenticated());
  if (failure !== null) {
    connection.close();
    return failure;
  }
  const socket = connection._socket;
  if (connection.destroyed || !socket) return toReply('unreachable', 'connect', 'Connection closed unexpectedly');
  return options.fast
    ? fastSession({ connection, socket, offers, keeper })
    : safeSession({ connection, offers, keeper, counted });

  function connected(): Promise<Reply | null> {
    return new Promise((resolve) => {
      const failed = (error: Failure) => resolve(broken(isTlsFault(error) ? 'tls' : 'connect', error));
      connection.once('error', failed);
      connection.connect((error) => {
        connection.off('error', failed);
        if (error) return failed(error);
        offers = readOffers(connection.lastServerResponse || '');
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
}

type Failure = NodemailerError;

function broken(stage: Reply['stage'], error: Failure): Reply {
  return toReply('unreachable', stage, error.response || error.message);
}

function isTlsFault(error: Failure): boolean {
  return error.code === 'ETLS' || error.command === 'STARTTLS' || /certificate|SSL|TLS/.test(error.message);
}

/** The keywords of an EHLO reply, such as `SIZE`, `8BITMIME`, `SMTPUTF8`. */
function readOffers(ehlo: string): Offers {
  const lines = ehlo
    .split(/\r?\n/)
    .slice(1)
    .map((line) => line.slice(4).trim().toUpperCase().split(/\s+/));
  const size = Number(lines.find(([keyword]) => keyword === 'SIZE')?.[1] ?? 0);
  return {
    extensions: new Set(lines.flatMap(([keyword]) => (keyword === undefined ? [] : [keyword]))),
    // RFC 1870, 4: 0 is no limit.
    size: size > 0 ? size : null,
  };
}

function countReplies(counted: { replies: number }): Record<string, (entry: unknown) => void> {
  const ignore = () => {};
  return {
    trace: ignore,
    info: ignore,
    warn: ignore,
    error: ignore,
    fatal: ignore,
    debug: (entry) => {
      if (typeof entry === 'object' && entry !== null && 'tnx' in entry && entry.tnx === 'server') counted.replies += 1;
    },
  };
}
