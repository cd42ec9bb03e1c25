import { once } from 'node:events';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';

/*
 * The built-in mailbox: a real SMTP server on the loopback interface that keeps what it gets as
 * files. Without SMTP_URL all mail goes there, through the same transport as in production.
 */

export interface MailboxEntry {
  /** Eight digits; the highest is the newest. */
  id: string;
  subject: string;
  from: string;
  to: string;
  date: Date | null;
}

export interface MailboxMessage extends MailboxEntry {
  /** Null: the message has no such part. Foreign markup: show it in a sandboxed frame only. */
  html: string | null;
  text: string | null;
  /** In the order of the message, as they stand there. */
  headers: { name: string; value: string }[];
  source: string;
}

export interface Mailbox {
  /** For `createTransport`. */
  url: string;
  /** The newest first. */
  list(): Promise<MailboxEntry[]>;
  /** Null: there is none (any more), or the id is malformed. */
  read(id: string): Promise<MailboxMessage | null>;
  close(): Promise<void>;
}

const kept = 500;
const largest = 10 * 1024 * 1024;
const fileName = /^(?<id>\d{8})\.eml$/;

/**
 * Starts the mailbox on a free port of 127.0.0.1.
 * @param folder where the messages are kept, the newest 500; made if it is missing
 */
export async function startMailbox(folder: string): Promise<Mailbox> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  let last = Number((await ids())[0] ?? 0);
  const entries = new Map<string, MailboxEntry>();

  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    authOptional: true,
    disableReverseLookup: true,
    logger: false,
    size: largest,
    closeTimeout: 1_000,
    onData(stream, _session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => {
        if (!stream.sizeExceeded) chunks.push(chunk);
      });
      stream.on('end', () => {
        if (stream.sizeExceeded) {
          done(Object.assign(new Error('5.3.4 the message is too large'), { responseCode: 552 }));
          return;
        }
        keep(Buffer.concat(chunks)).then(
          () => done(null, '2.0.0 kept in the built-in mailbox'),
          () => done(Object.assign(new Error('4.3.1 the message could not be kept'), { responseCode: 452 })),
        );
      });
    },
  });
  // A client that goes away in the middle of a command is no fault of the mailbox.
  server.on('error', () => {});
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  const address = server.server.address();
  if (address === null || typeof address === 'string') throw new Error('the mailbox has no port');

  return {
    url: `smtp://127.0.0.1:${address.port}`,
    list: async () => Promise.all((await ids()).map(entryOf)).then((all) => all.filter((entry) => entry !== null)),
    read: async (id) => {
      const source = await read(id);
      return source === null ? null : readMessage(id, source);
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };

  async function ids(): Promise<string[]> {
    const names = await readdir(folder);
    return names
      .flatMap((name) => fileName.exec(name)?.groups?.id ?? [])
      .sort()
      .reverse();
  }

  async function keep(message: Buffer): Promise<void> {
    last += 1;
    const id = String(last).padStart(8, '0');
    // First under another name: what list() sees is always whole, also after a kill -9.
    const unfinished = join(folder, `${id}.part`);
    await writeFile(unfinished, message, { mode: 0o600 });
    await rename(unfinished, join(folder, `${id}.eml`));
    for (const old of (await ids()).slice(kept)) {
      entries.delete(old);
      await rm(join(folder, `${old}.eml`), { force: true });
    }
  }

  async function read(id: string): Promise<Buffer | null> {
    if (!/^\d{8}$/.test(id)) return null;
    try {
      return await readFile(join(folder, `${id}.eml`));
    } catch {
      return null;
    }
  }

  async function entryOf(id: string): Promise<MailboxEntry | null> {
    const known = entries.get(id);
    if (known) return known;
    const source = await read(id);
    if (source === null) return null;
    const entry = toEntry(id, await parse(headerOf(source)));
    entries.set(id, entry);
    return entry;
  }
}

async function readMessage(id: string, source: Buffer): Promise<MailboxMessage> {
  const mail = await parse(source);
  return {
    ...toEntry(id, mail),
    html: typeof mail.html === 'string' ? mail.html : null,
    text: mail.text ?? null,
    headers: headerOf(source)
      .toString('utf8')
      .trimEnd()
      .split(/\r\n(?![ \t])/)
      .map((line) => ({ name: line.replace(/:[\s\S]*$/, ''), value: line.slice(line.indexOf(':') + 1).trim() })),
    source: source.toString('utf8'),
  };
}

function parse(source: Buffer): Promise<ParsedMail> {
  return simpleParser(source, { skipHtmlToText: true, skipTextToHtml: true, skipImageLinks: true });
}

function headerOf(source: Buffer): Buffer {
  const end = source.indexOf('\r\n\r\n');
  return end < 0 ? source : source.subarray(0, end + 4);
}

function toEntry(id: string, mail: ParsedMail): MailboxEntry {
  const to = Array.isArray(mail.to) ? mail.to.map(({ text }) => text).join(', ') : (mail.to?.text ?? '');
  return { id, subject: mail.subject ?? '', from: mail.from?.text ?? '', to, date: mail.date ?? null };
}
