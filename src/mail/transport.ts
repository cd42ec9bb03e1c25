import { createSigner, type DkimKeys } from './dkim.js';
import type { Reply } from './reply.js';
import {
  type Envelope,
  type Keeper,
  type Mail,
  openSession,
  type Relay,
  type Session,
  type Timeouts,
} from './session.js';

export type { Reply } from './reply.js';

/*
 * send(envelope, bytes) → reply, over a few kept SMTP sessions, which take the waiting mails in turn.
 *
 * TLS by RFC 8314: `smtps:` speaks TLS from the first byte, `smtp:` must be able to turn to TLS by
 * STARTTLS, and a certificate must be right; there is no silent fall-back to plain text. Exempt is
 * a relay on the loopback interface, where there is no wire to listen on and the usual certificate
 * is self-signed (`?tls=on` makes it a duty there as well). A relay in a network of one's own that has
 * no TLS needs `?tls=off`.
 */

export interface Transport {
  /**
   * Hands one mail to the relay. Never throws for what a relay does.
   * @param envelope addresses by the rule of `parseAddress`
   * @param message the whole message, CRLF, 7-bit; not to be changed before the answer, and free after it
   * @param options.dotFree no line of it begins with a dot, as message.ts sees to: it is not searched for one
   */
  send(envelope: Envelope, message: Buffer, options?: { dotFree?: boolean }): Promise<Reply>;
  /** Waits for mails in hand, then ends the sessions. Mails sent later are refused as unreachable. */
  close(): Promise<void>;
}

export interface TransportOptions {
  smtpUrl: string;
  /** Most sessions at a time. */
  mailConcurrency: number;
  /** Signs each mail here; without it that is the relay's business. */
  dkim?: DkimKeys | null;
  timeouts?: Partial<Timeouts & { idle: number; again: number; surprise: number; lost: number }>;
  /** Whether to use the fast layer while there is no doubt about the relay; yes unless told otherwise. */
  fast?: boolean;
  /** Certificates (PEM) of the authorities to trust instead of the usual ones. */
  ca?: string;
}

/**
 * So many `send` at a time for each session keep it busy: a mail whose answer is due, one whose envelope
 * went ahead, and one that waits.
 */
export const sendsPerSession = 3;

const usual = {
  connect: 15_000,
  silence: 120_000,
  /** How long a session is kept without a mail. */
  idle: 20_000,
  /** When to ask a relay again that has granted fewer sessions than wished. */
  again: 10_000,
  /** How long new sessions are of the safe layer after replies that did not fit, */
  surprise: 600_000,
  /** and after a connection that broke with mails in hand. */
  lost: 60_000,
};

/** A transport for the relay; nothing is connected before the first mail. */
export function createTransport(options: TransportOptions): Transport {
  const relay = readRelayUrl(options.smtpUrl);
  const sign = options.dkim ? createSigner(options.dkim) : null;
  const timeouts = { ...usual, ...options.timeouts };
  const sessions = new Set<Session>();
  const idle: Session[] = [];
  const idleTimers = new Map<Session, NodeJS.Timeout>();
  const waiting: Mail[] = [];
  const doubts = { surprise: 0, lost: 0 };
  let opening = false;
  let enough = false;
  let closed = false;
  let inHand = 0;
  let whenDone: (() => void) | null = null;

  const keeper: Keeper = {
    next: (session, ahead) => {
      const [mail] = waiting;
      if (mail === undefined || session.used >= session.most) return null;
      // What went ahead waits for the mail before it: it had better have a session of its own, while
      // there are some to be had. And one that was given back goes alone, so that it is clear what
      // answers it gets.
      if (ahead && (mail.returns > 0 || waiting.length <= toBeOpened())) return null;
      waiting.shift();
      session.used += 1;
      return mail;
    },
    giveBack: (mail, reply) => {
      mail.returns += 1;
      if (mail.returns > options.mailConcurrency) mail.settle(reply);
      else waiting.unshift(mail);
    },
    onIdle: keep,
    onEnd: forget,
    onDoubt: (kind) => {
      doubts[kind] += 1;
      setTimeout(() => {
        doubts[kind] -= 1;
      }, timeouts[kind]).unref();
    },
  };

  return {
    send: async (envelope, message, { dotFree = false } = {}) => {
      if (closed) return closedReply;
      checkEnvelope(envelope);
      inHand += 1;
      try {
        return await deliver(envelope, sign === null ? message : await sign(message), dotFree);
      } finally {
        inHand -= 1;
        if (inHand === 0) whenDone?.();
      }
    },
    close: async () => {
      closed = true;
      if (inHand > 0) {
        await new Promise<void>((resolve) => {
          whenDone = resolve;
        });
      }
      for (const session of [...idle]) dismiss(session);
    },
  };

  function deliver(envelope: Envelope, message: Buffer, dotFree: boolean): Promise<Reply> {
    return new Promise((settle) => {
      waiting.push({ envelope, message, dotFree, returns: 0, settle });
      dispatch();
    });
  }

  /** Sees to it that the waiting mails find a session. */
  function dispatch(): void {
    while (waiting.length > 0) {
      const session = idle.pop();
      if (session === undefined) break;
      if (session.open) session.work();
    }
    openOneMore();
    if (toBeOpened() > 0) return;
    for (const session of sessions) {
      if (waiting.length === 0) return;
      session.work();
    }
  }

  /** Sessions that are still to come for the mails that wait now. */
  function toBeOpened(): number {
    return enough && sessions.size > 0 ? 0 : options.mailConcurrency - sessions.size;
  }

  // One at a time: with a wrong password a batch of 500 is one log-in and 500 equal answers, not
  // 500 log-ins (which lock accounts).
  function openOneMore(): void {
    if (opening || waiting.length === 0 || toBeOpened() <= 0) return;
    opening = true;
    const fast = options.fast !== false && doubts.surprise === 0 && doubts.lost === 0;
    void openSession(relay, timeouts, keeper, { fast, ca: options.ca }).then((session) => {
      opening = false;
      if ('work' in session) {
        sessions.add(session);
        session.work();
      } else if (sessions.size > 0) {
        takeWhatThereIs();
      } else {
        for (const mail of waiting.splice(0)) mail.settle(session);
      }
      dispatch();
    });
  }

  // A relay that allows fewer sessions than we would like refuses the next one; those it has granted
  // serve everybody, and after a while we ask again.
  function takeWhatThereIs(): void {
    enough = true;
    setTimeout(() => {
      enough = false;
      openOneMore();
    }, timeouts.again).unref();
  }

  function keep(session: Session): void {
    if (closed || session.used >= session.most) {
      dismiss(session);
      return;
    }
    idle.push(session);
    const timer = idleTimers.get(session);
    if (timer !== undefined) timer.refresh();
    else {
      const whenIdle = () => {
        if (idle.includes(session)) dismiss(session);
      };
      idleTimers.set(session, setTimeout(whenIdle, timeouts.idle).unref());
    }
  }

  function dismiss(session: Session): void {
    putAside(session);
    session.quit();
  }

  function forget(session: Session): void {
    putAside(session);
    sessions.delete(session);
    clearTimeout(idleTimers.get(session));
    idleTimers.delete(session);
    dispatch();
  }

  function putAside(session: Session): void {
    const at = idle.indexOf(session);
    if (at >= 0) idle.splice(at, 1);
  }
}

/**
 * The relay of an SMTP_URL: `smtp://user:password@host:587`, `smtps://host`, `smtp://host?tls=off`,
 * `smtp://localhost?tls=on`.
 * Ports default to 587 and 465 (RFC 8314), without credentials to 25.
 */
export function readRelayUrl(smtpUrl: string): Relay {
  const url = new URL(smtpUrl);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const secure = url.protocol === 'smtps:';
  const auth =
    url.username === '' ? null : { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) };
  const tls = url.searchParams.get('tls');
  const plain = tls === 'off' || (tls !== 'on' && isLoopback(host));
  return {
    host,
    port: url.port === '' ? (secure ? 465 : auth ? 587 : 25) : Number(url.port),
    secure,
    startTls: plain ? 'never' : 'required',
    auth,
  };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

const closedReply: Reply = {
  outcome: 'unreachable',
  stage: 'connect',
  code: null,
  enhanced: null,
  response: 'The service is stopping.',
};

// The last gate before the wire. Every address has passed parseAddress or the settings; one that
// could end the command or add a parameter to it is a fault of ours, so it throws.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const unsafe = /[\u0000-\u0020\u007f-\u00a0\u2028\u2029<>()[\]\\,;:"]/u;

function checkEnvelope({ from, to }: Envelope): void {
  for (const address of [from, to]) {
    if (unsafe.test(address) || address.split('@').length !== 2) throw new Error('an envelope address is malformed');
  }
}
