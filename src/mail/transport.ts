import { createSigner, type DkimKey } from './dkim.js';
import { type Envelope, openSession, type Relay, type Reply, type Session, type Timeouts } from './session.js';

export type { Reply } from './session.js';

/*
 * send(envelope, bytes) → reply, over a few kept SMTP sessions.
 *
 * TLS by RFC 8314: `smtps:` speaks TLS from the first byte, `smtp:` must be able to turn to TLS by
 * STARTTLS, and a certificate must be right; there is no silent fall-back to plain text. Exempt is
 * a relay on the loopback interface, where there is no wire to listen on and the usual certificate
 * is self-signed. A relay in a network of one's own that has no TLS needs `?tls=off`.
 */

export interface Transport {
  /**
   * Hands one mail to the relay. Never throws for what a relay does.
   * @param envelope addresses by the rule of `parseAddress`
   * @param message the whole message, CRLF, 7-bit
   */
  send(envelope: Envelope, message: Buffer): Promise<Reply>;
  /** Waits for mails in hand, then ends the sessions. Mails sent later are refused as unreachable. */
  close(): Promise<void>;
}

export interface TransportOptions {
  smtpUrl: string;
  /** Most sessions at a time. */
  mailConcurrency: number;
  /** Signs each mail here; without it that is the relay's business. */
  dkim?: DkimKey | null;
  timeouts?: Partial<Timeouts & { idle: number; again: number }>;
}

// Relays count the mails of a session and end long ones with a 421; going first is cheaper.
const mailsPerSession = 100;

/** A transport for the relay; nothing is connected before the first mail. */
export function createTransport(options: TransportOptions): Transport {
  const relay = readRelayUrl(options.smtpUrl);
  const sign = createSigner(options.dkim ?? null);
  const timeouts = { connect: 15_000, silence: 120_000, idle: 20_000, again: 10_000, ...options.timeouts };
  const idle: { session: Session; timer: NodeJS.Timeout }[] = [];
  const waiting: ((session: Session | Reply) => void)[] = [];
  let sessions = 0;
  let opening = false;
  let enough = false;
  let closed = false;
  let inHand = 0;
  let whenDone: (() => void) | null = null;

  return {
    send: async (envelope, message) => {
      if (closed) return closedReply;
      checkEnvelope(envelope);
      inHand += 1;
      try {
        return await deliver(envelope, await sign(message));
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
      for (const { session, timer } of idle.splice(0)) {
        clearTimeout(timer);
        session.quit();
      }
    },
  };

  async function deliver(envelope: Envelope, message: Buffer): Promise<Reply> {
    const session = await acquire();
    if (!('send' in session)) return session;
    const kept = session.used > 0;
    const reply = await session.send(envelope, message);
    release(session);
    // A kept session that the relay closed meanwhile fails at MAIL without a word. The mail was not
    // even begun, so it is tried once more on a fresh one.
    const stale = kept && reply.outcome === 'unreachable' && reply.stage === 'mail' && reply.code === null;
    return stale && !session.open ? deliver(envelope, message) : reply;
  }

  function acquire(): Promise<Session | Reply> {
    for (let kept = idle.pop(); kept; kept = idle.pop()) {
      clearTimeout(kept.timer);
      if (kept.session.open) return Promise.resolve(kept.session);
    }
    return new Promise((resolve) => {
      waiting.push(resolve);
      openOneMore();
    });
  }

  // One at a time: with a wrong password a batch of 500 is one log-in and 500 equal answers, not
  // 500 log-ins (which lock accounts).
  function openOneMore(): void {
    if (opening || waiting.length === 0 || sessions >= options.mailConcurrency) return;
    if (enough && sessions > 0) return;
    opening = true;
    sessions += 1;
    void openSession(relay, timeouts).then((session) => {
      opening = false;
      if (!('send' in session)) {
        sessions -= 1;
        if (sessions > 0) takeWhatThereIs();
        else for (const refuse of waiting.splice(0)) refuse(session);
        return;
      }
      session.onEnd = () => {
        sessions -= 1;
        openOneMore();
      };
      if (!session.open) session.onEnd();
      release(session);
      openOneMore();
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

  function release(session: Session): void {
    if (!session.open) return;
    if (session.used >= mailsPerSession) {
      session.quit();
      return;
    }
    const next = waiting.shift();
    if (next) {
      next(session);
      return;
    }
    if (closed) {
      session.quit();
      return;
    }
    const timer = setTimeout(() => {
      idle.splice(
        idle.findIndex((kept) => kept.session === session),
        1,
      );
      session.quit();
    }, timeouts.idle);
    timer.unref();
    idle.push({ session, timer });
  }
}

/**
 * The relay of an SMTP_URL: `smtp://user:password@host:587`, `smtps://host`, `smtp://host?tls=off`.
 * Ports default to 587 and 465 (RFC 8314), without credentials to 25.
 */
export function readRelayUrl(smtpUrl: string): Relay {
  const url = new URL(smtpUrl);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const secure = url.protocol === 'smtps:';
  const auth =
    url.username === '' ? null : { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) };
  const plain = isLoopback(host) || url.searchParams.get('tls') === 'off';
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
