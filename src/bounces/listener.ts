import { once } from 'node:events';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';
import type { Config } from '../config.js';
import { deliveryOfReturnPath } from '../deliveries/return-path.js';
import type { Deps } from '../deps.js';
import { OperatorError } from '../errors.js';
import { type ArrivedDeps, type ArrivedKind, takeMail } from './arrived-mail.js';

/*
 * A door for reports alone: a mail server hands them over by LMTP or SMTP. It knows the recipients that
 * our own mail was sent from and no other, so it is neither a relay nor of use to senders of spam.
 */

export interface BounceListener {
  port: number;
  /** Mails in hand are answered, then every connection ends. */
  close(): Promise<void>;
}

const largest = 1024 * 1024;
const mostConnections = 20;
/** A report has one recipient. */
const mostRecipients = 10;
/** Recipients that are not ours, in one connection, after which it ends: somebody is trying addresses. */
const mostStrangers = 20;

/**
 * Listens as BOUNCE_LISTEN says. A mail is answered with 250 only after what it reports is booked; while
 * the database is away with 451, so that the mail server brings it again.
 * @throws OperatorError when it cannot listen there
 */
export async function startBounceListener(
  deps: Pick<Deps, 'db' | 'config' | 'now' | 'log'> & ArrivedDeps,
  listen: NonNullable<Config['bounceListen']>,
): Promise<BounceListener> {
  const strangers = new WeakMap<SMTPServerSession, number>();
  const inHand = new Set<Promise<unknown>>();
  let isClosing = false;

  const server = new SMTPServer({
    lmtp: listen.protocol === 'lmtp',
    disabledCommands: ['AUTH', 'STARTTLS'],
    authOptional: true,
    disableReverseLookup: true,
    logger: false,
    // The replies carry their own, which say more.
    hideENHANCEDSTATUSCODES: true,
    name: new URL(deps.config.publicUrl).hostname,
    banner: 'reports of undelivered mail only',
    size: largest,
    maxClients: mostConnections,
    maxRecipients: mostRecipients,
    socketTimeout: 60_000,
    closeTimeout: 1_000,
    onMailFrom(_address, _session, done) {
      // Later, since the library waits for ever on a mail that came in one piece with the mail before it
      // when every handler answers at once (its parser's `continue` forgets what the next one has set).
      setImmediate(() => done(isClosing ? reply(421, '4.3.2 the service is ending') : null));
    },
    onRcptTo({ address }, session, done) {
      if (takesMailTo(deps.config, address)) return done();
      const count = (strangers.get(session) ?? 0) + 1;
      strangers.set(session, count);
      if (count > mostStrangers) return done(reply(421, '4.7.0 too many unknown recipients'));
      done(reply(550, '5.1.1 no such address here'));
    },
    onData(stream, session, done) {
      const taking = take(stream, session).then(
        (answer) => (typeof answer === 'string' ? done(null, answer) : done(answer)),
        (err: unknown) => {
          deps.log.error({ err, session: session.id }, 'a mail to the bounce listener could not be taken');
          done(reply(451, '4.3.0 it cannot be taken now, try again later'));
        },
      );
      inHand.add(taking);
      void taking.finally(() => inHand.delete(taking));
    },
  });

  async function take(stream: SMTPServerDataStream, session: SMTPServerSession): Promise<string | Error> {
    const source = await readAll(stream);
    if (source === null) return reply(552, '5.3.4 the mail is too large');
    const envelopeTo = session.envelope.rcptTo.map(({ address }) => address);
    const kind = await takeMail(deps, source, envelopeTo);
    if (kind !== 'report')
      deps.log.info({ kind, session: session.id }, 'a mail to the bounce listener is no report of ours');
    return answerTo(deps.config, kind, session);
  }

  // A client that goes away in the middle is no fault of ours.
  server.on('error', () => undefined);
  server.listen(listen.port, listen.host);
  try {
    await once(server.server, 'listening');
  } catch (error) {
    throw new OperatorError(`BOUNCE_LISTEN: ${whyNot(error, listen)}`);
  }
  const address = server.server.address();
  return {
    port: address === null || typeof address === 'string' ? listen.port : address.port,
    async close() {
      isClosing = true;
      await Promise.all(inHand);
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** PURE. Whether mail to that address is for this door: what our mail was sent from, and nothing else. */
export function takesMailTo(
  config: Pick<Config, 'bounceAddress' | 'mailFrom' | 'secretKeys'>,
  address: string,
): boolean {
  const typed = address.toLowerCase();
  const { bounceAddress, mailFrom } = config;
  if (typed === mailFrom.address.toLowerCase() || typed === bounceAddress?.toLowerCase()) return true;
  return deliveryOfReturnPath(config.secretKeys, address) !== null;
}

/** People are told where to write, by their own mail server; machines are not answered. */
function answerTo(config: Config, kind: ArrivedKind, session: SMTPServerSession): string | Error {
  const { mailFrom } = session.envelope;
  const isFromMachine = mailFrom === false || mailFrom.address === '';
  if (kind === 'no-report' && !isFromMachine) {
    const where = config.mailReplyTo === null ? `see ${config.publicUrl}` : `write to ${config.mailReplyTo}`;
    return reply(550, `5.7.1 nobody reads mail to this address; ${where}`);
  }
  return kind === 'report' ? '2.0.0 booked' : '2.0.0 taken, nothing to do';
}

function reply(responseCode: number, text: string): Error {
  return Object.assign(new Error(text), { responseCode });
}

/** Null: it is larger than `largest`. What is too much is read and thrown away. */
async function readAll(stream: SMTPServerDataStream): Promise<Buffer | null> {
  const parts: Buffer[] = [];
  for await (const part of stream) {
    if (stream.sizeExceeded) parts.length = 0;
    else if (Buffer.isBuffer(part)) parts.push(part);
  }
  return stream.sizeExceeded ? null : Buffer.concat(parts);
}

function whyNot(error: unknown, { host, port }: { host: string; port: number }): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  const place = `${host}:${port}`;
  if (code === 'EADDRINUSE') return `${place} is taken by another program; choose another port`;
  if (code === 'EACCES') return `${place} may not be used by this user; choose a port above 1023`;
  return `${place} cannot be listened on (${code}); name an address of this machine`;
}
