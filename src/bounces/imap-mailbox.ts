import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { ImapFlow } from 'imapflow';
import { z } from 'zod';
import { withoutAddresses } from '../mail/address.js';
import type { Folder } from './mailbox-queries.js';

/*
 * One session with the server of the bounce mailbox. What the server sends is bounded in size and time;
 * whatever goes wrong is a MailboxFault with a code that the admins are shown.
 */

export const mailboxFaults = [
  'unreachable',
  'no-tls',
  'certificate',
  'login-refused',
  'folder-missing',
  'broken-off',
] as const;
export type MailboxFaultCode = (typeof mailboxFaults)[number];

/** Why the mailbox cannot be read. */
export class MailboxFault extends Error {
  override readonly name = 'MailboxFault';
  readonly code: MailboxFaultCode;
  /** The server's own words, or those of the connection; without addresses. */
  readonly words: string;

  constructor(code: MailboxFaultCode, words: string) {
    super(`the bounce mailbox: ${code}`);
    this.code = code;
    this.words = withoutAddresses(words).slice(0, 300);
  }
}

export interface ArrivedMail {
  /** Its first `most` bytes, headers first. */
  source: Buffer;
  /** A person has opened it. */
  isSeen: boolean;
  isFlagged: boolean;
}

export interface ImapMailbox {
  folder: Folder;
  /** UIDs of what arrived since then and bears no mark of ours, the oldest first. */
  waiting(since: Date): Promise<number[]>;
  /** Null: it is gone. */
  read(uid: number, most: number): Promise<ArrivedMail | null>;
  /**
   * Puts it away: into the folder `Subnotice/Done`, or marked as read where that cannot be.
   * @returns false when it could not be marked, so that it would be found again
   */
  putAway(uid: number): Promise<boolean>;
  /** Marks it as looked at, and for people to see; likewise. */
  leave(uid: number, options: { flag: boolean }): Promise<boolean>;
  /** For people to see, without our mark: it is found again. */
  flag(uid: number): Promise<void>;
  close(): Promise<void>;
}

/** Where what was taken goes. */
const doneFolder = ['Subnotice', 'Done'];
/** On mails that were looked at and stay where they are. */
const lookedAt = '$SubnoticeSeen';

/**
 * Opens the mailbox of a URL such as `imaps://user:password@host/Folder`.
 * @param signal cuts the connection when it is aborted
 * @throws MailboxFault, also from the functions of what it returns
 */
export async function openMailbox(url: string, signal?: AbortSignal): Promise<ImapMailbox> {
  const place = readImapUrl(url);
  const client = new ImapFlow({
    host: place.host,
    port: place.port,
    secure: place.secure,
    doSTARTTLS: place.startTls,
    auth: { user: place.user, pass: place.password },
    tls: { minVersion: 'TLSv1.2' },
    clientInfo: { name: 'subnotice' },
    logger: false,
    disableAutoIdle: true,
    disableCompression: true,
    connectionTimeout: 15_000,
    greetingTimeout: 15_000,
    socketTimeout: 30_000,
    // A mail's first MiB is asked for; a server that sends more than this is not believed.
    maxLiteralSize: 4 * 1024 * 1024,
    maxLineLength: 16 * 1024 * 1024,
    maxResponseSize: 32 * 1024 * 1024,
  });
  // A connection that breaks says so to the command at hand as well.
  client.on('error', () => undefined);
  const cut = () => client.close();
  if (signal?.aborted === true) throw new MailboxFault('broken-off', 'the service is ending');
  signal?.addEventListener('abort', cut, { once: true });

  /** One exchange; what fails is told as a fault. */
  const ask = async <T>(work: () => Promise<T>): Promise<T> => {
    let answer: T;
    try {
      answer = await work();
    } catch (error) {
      throw faultOf(error);
    }
    // Most refusals come as `false`, and so does a connection that broke in the middle.
    if (!client.usable) throw new MailboxFault('broken-off', client.byeReason ?? 'the connection was lost');
    return answer;
  };

  const close = async () => {
    signal?.removeEventListener('abort', cut);
    if (client.usable) await client.logout().catch(() => undefined);
    client.close();
  };

  try {
    await ask(() => client.connect());
    const { uidValidity, permanentFlags } = await ask(() => client.mailboxOpen(place.folder));
    const keywords = permanentFlags === undefined || permanentFlags.has('\\*') || permanentFlags.has(lookedAt);
    const mark = (uid: number, flags: string[]) =>
      ask(() => client.messageFlagsAdd(String(uid), flags, { uid: true, silent: true }));
    const move = async (uid: number) => {
      const moved = await ask(() => client.messageMove(String(uid), doneFolder, { uid: true }));
      return moved !== false && moved !== undefined;
    };
    let hasDoneFolder: boolean | undefined;

    return {
      folder: { mailbox: place.id, uidValidity },
      async waiting(since) {
        const query = { deleted: false, since, ...(keywords ? { unKeyword: lookedAt } : {}) };
        const found = await ask(() => client.search(query, { uid: true }));
        if (!Array.isArray(found)) throw new MailboxFault('broken-off', 'the server does not search');
        return found.sort((a, b) => a - b);
      },
      async read(uid, most) {
        const query = { uid: true, flags: true, source: { start: 0, maxLength: most } };
        const found = await ask(() => client.fetchOne(String(uid), query, { uid: true }));
        if (found === false || found.source === undefined) return null;
        const flags = found.flags ?? new Set();
        return { source: found.source, isSeen: flags.has('\\Seen'), isFlagged: flags.has('\\Flagged') };
      },
      async putAway(uid) {
        if (hasDoneFolder !== false && (await move(uid))) return true;
        if (hasDoneFolder === undefined) {
          // "It is there already" is said in many ways: whether it is, the next move tells.
          await client.mailboxCreate(doneFolder).catch(() => undefined);
          hasDoneFolder = await move(uid);
          if (hasDoneFolder) return true;
        }
        return (await mark(uid, ['\\Seen', lookedAt])) && keywords;
      },
      async leave(uid, { flag }) {
        const flags = [...(flag ? ['\\Flagged'] : []), ...(keywords ? [lookedAt] : [])];
        return flags.length > 0 && (await mark(uid, flags)) && keywords;
      },
      async flag(uid) {
        await mark(uid, ['\\Flagged']);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

interface ImapPlace {
  host: string;
  port: number;
  secure: boolean;
  startTls: boolean;
  user: string;
  password: string;
  folder: string[];
  /** What tells this folder from any other. */
  id: Buffer;
}

/** Nothing is sent in the clear but to this machine itself. */
export function readImapUrl(text: string): ImapPlace {
  const url = new URL(text);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const secure = url.protocol === 'imaps:';
  const path = url.pathname.split('/').filter((part) => part !== '');
  const folder = path.length === 0 ? ['INBOX'] : path.map(decoded);
  const user = decoded(url.username);
  return {
    host,
    port: url.port === '' ? (secure ? 993 : 143) : Number(url.port),
    secure,
    startTls: !secure && !isLoopback(host),
    user,
    password: decoded(url.password),
    folder,
    id: createHash('sha256')
      .update(JSON.stringify([host.toLowerCase(), user, folder]))
      .digest(),
  };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** A password may hold a bare percent sign. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** What the library and the sockets below it say of a failure. */
const Failure = z.object({
  message: z.string().default(''),
  code: z.string().optional().catch(undefined),
  responseText: z.string().optional().catch(undefined),
  response: z.string().optional().catch(undefined),
  serverResponseCode: z.string().optional().catch(undefined),
  authenticationFailed: z.literal(true).optional().catch(undefined),
  tlsFailed: z.literal(true).optional().catch(undefined),
  mailboxMissing: z.literal(true).optional().catch(undefined),
});

function faultOf(error: unknown): MailboxFault {
  if (error instanceof MailboxFault) return error;
  const { data: failure } = Failure.safeParse(error);
  if (failure === undefined) return new MailboxFault('broken-off', String(error));
  return new MailboxFault(codeOf(failure), failure.responseText ?? failure.response ?? failure.message);
}

function codeOf(failure: z.infer<typeof Failure>): MailboxFaultCode {
  const { code = '', message } = failure;
  if (/CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ALTNAME|HOSTNAME_MISMATCH|ISSUER/.test(code)) return 'certificate';
  if (failure.tlsFailed === true || /^ERR_(SSL|TLS)/.test(code) || /STARTTLS/.test(message)) return 'no-tls';
  if (failure.authenticationFailed === true) return 'login-refused';
  if (failure.mailboxMissing === true || failure.serverResponseCode === 'NONEXISTENT') return 'folder-missing';
  if (/^(E[A-Z]+|EAI_\w+|CONNECT_TIMEOUT|GREETING_TIMEOUT)$/.test(code)) return 'unreachable';
  return 'broken-off';
}
