import { type IncomingHttpHeaders, request } from 'node:http';
import type pg from 'pg';
import type { Test } from 'tap';
import { z } from 'zod';
import { openDatabase, type TestDatabase } from '../support/database.js';
import { type Service, startService, until } from '../support/process.js';
import { type ReceivedMail, type SmtpOptions, type SmtpRelay, startSmtp } from '../support/smtp.js';

/*
 * The service as strangers, subscribers and programs meet it: a process of its own, HTTP and SMTP. SQL is
 * only read, to compare.
 */

export const adminToken = 'a-token-for-the-tests-from-outside';
const bearer = { authorization: `Bearer ${adminToken}` };

export interface Outside {
  database: TestDatabase;
  relay: SmtpRelay;
  service: Service;
}

/** A service with a database and a relay of the test. */
export async function startOutside(
  t: Test,
  options: { env?: Readonly<Record<string, string>>; smtp?: SmtpOptions } = {},
): Promise<Outside> {
  const database = await openDatabase(t);
  const relay = await startSmtp(t, options.smtp);
  const service = await startService(
    t,
    outsideEnv({ DATABASE_URL: database.url, SMTP_URL: relay.url, ...options.env }),
  );
  return { database, relay, service };
}

/** The settings that a service of these tests needs anyway. */
export function outsideEnv(env: Readonly<Record<string, string>>): Record<string, string> {
  return {
    SECRET_KEY: 'a key of the tests that is long enough to sign with',
    ADMIN_TOKEN: adminToken,
    LOG_LEVEL: 'warn',
    ...env,
  };
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface Sent {
  method?: string;
  headers?: Readonly<Record<string, string>>;
  body?: string | Buffer;
}

/** One request as it is told, `Host` included, on a connection of its own; redirects are not followed. */
export function send(url: string, { method = 'GET', headers = {}, body }: Sent = {}): Promise<Answer> {
  const bytes = body === undefined ? null : Buffer.from(body);
  const length = bytes === null ? {} : { 'content-length': String(bytes.length) };
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, agent: false, headers: { ...length, ...headers } }, (incoming) => {
      const parts: Buffer[] = [];
      incoming.on('data', (part: Buffer) => parts.push(part));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const text = Buffer.concat(parts).toString();
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: text });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(bytes);
  });
}

export const urlencoded = { 'content-type': 'application/x-www-form-urlencoded' };

export type Fields = Readonly<Record<string, string | readonly string[]>>;

/** Sends a form as a browser does without JavaScript; a field with several values is sent several times. */
export function sendForm(url: string, fields: Fields, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const pairs = Object.entries(fields).flatMap(([name, value]) => [value].flat().map((one) => [name, one]));
  const body = new URLSearchParams(pairs).toString();
  return send(url, { method: 'POST', headers: { ...urlencoded, ...headers }, body });
}

/** Sends JSON to the API without a token, as strangers do. */
export function sendJson(
  url: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
  method = 'POST',
): Promise<Answer> {
  return send(url, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

/** An admin's request to the API. */
export function asAdmin(
  service: Service,
  path: string,
  { method, headers, body }: Sent & { method?: 'GET' | 'PUT' | 'POST' | 'DELETE' } = {},
): Promise<Answer> {
  return send(service.url + path, {
    ...(method === undefined ? {} : { method }),
    headers: { 'content-type': 'application/json', ...headers, ...bearer },
    ...(body === undefined ? {} : { body }),
  });
}

/** Replaces the draft and publishes it; both must succeed. */
export async function publish(
  service: Service,
  document: unknown,
  options: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  for (const [method, path, value] of [
    ['PUT', '/api/v1/draft', document],
    ['POST', '/api/v1/versions', options],
  ] as const) {
    const answer = await asAdmin(service, path, { method, body: JSON.stringify(value) });
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.body}`);
  }
}

/** An invented list of these vendors. */
export function listOf(...names: string[]) {
  return {
    title: 'Sub-processors',
    dataSubjects: [],
    subProcessors: names.map((name) => ({ name, purposes: ['Hosting'], country: 'DE' })),
  };
}

const importResult = z.object({
  imported: z.number(),
  updated: z.number(),
  skipped: z.number(),
  errors: z.array(z.object({ line: z.number(), message: z.string() })),
});

/** Sends a file; the answer must be 200. */
export async function importCsv(service: Service, csv: string): Promise<z.infer<typeof importResult>> {
  const answer = await postCsv(service, csv);
  if (answer.status !== 200) throw new Error(`import: ${answer.status} ${answer.body}`);
  return importResult.parse(JSON.parse(answer.body));
}

export function postCsv(service: Service, csv: string): Promise<Answer> {
  const headers = { 'content-type': 'text/csv; charset=utf-8' };
  return asAdmin(service, '/api/v1/subscribers/import', { method: 'POST', headers, body: csv });
}

/** A file that states consent for each, whose lines begin with the addresses as they are given. */
export function confirmedCsv(...addresses: string[]): string {
  const rows = addresses.map((address) => `"${address.replaceAll('"', '""')}",confirmed,signed the contract\n`);
  return `email,status,consent\n${rows.join('')}`;
}

const subscriber = z.looseObject({
  id: z.number(),
  email: z.string(),
  status: z.string(),
  confirmedAt: z.string().nullable(),
  unsubscribedAt: z.string().nullable(),
  unreached: z.object({ state: z.string(), reason: z.string().nullable() }).nullable(),
});
export type Subscriber = z.infer<typeof subscriber>;

/** All subscribers as the API lists them. */
export async function subscribers(service: Service): Promise<Subscriber[]> {
  const { body } = await asAdmin(service, '/api/v1/subscribers?limit=1000');
  return z.object({ subscribers: z.array(subscriber), next: z.null() }).parse(JSON.parse(body)).subscribers;
}

export async function statusOf(service: Service, email: string): Promise<string | undefined> {
  return (await subscribers(service)).find((one) => one.email === email)?.status;
}

const auditEntries = z.object({
  entries: z.array(z.looseObject({ action: z.string(), subject: z.string() })),
});

/** How often the audit log has that action of that subscriber. */
export async function audited(service: Service, action: string, subscriberId: number): Promise<number> {
  const { body } = await asAdmin(service, '/api/v1/audit?limit=1000');
  const { entries } = auditEntries.parse(JSON.parse(body));
  return entries.filter((entry) => entry.action === action && entry.subject === `subscriber ${subscriberId}`).length;
}

/** Waits until every ordered notice has its deliveries and nothing is on its way any more. */
export async function quiet({ database }: Pick<Outside, 'database'>): Promise<void> {
  await until('the last mail to be settled', async () => {
    const { rows } = await database.pool.query<{ quiet: boolean }>(
      `select not exists (select from notices where fanned_out_at is null)
          and not exists (select from deliveries where state in ('queued', 'sending', 'deferred')) as quiet`,
    );
    return rows[0]?.quiet === true;
  });
}

/** The newest link to `/PATH/…` in mail to an address, as it stands in the text part. */
export async function linkTo(relay: SmtpRelay, address: string, path: string): Promise<string> {
  for (const mail of relay.mailTo(address).reverse()) {
    const found = (await mail.links()).find((link) => link.includes(`/${path}/`));
    if (found !== undefined) return found;
  }
  throw new Error(`no mail to ${address} has a link to /${path}`);
}

/** Waits for mail to an address that has a link to `/PATH/…`, and gives the link. */
export function mailedLink(relay: SmtpRelay, address: string, path: string, timeoutMs = 30_000): Promise<string> {
  const what = `a mail to ${address} with a link to /${path}`;
  return until(what, () => linkTo(relay, address, path).catch(() => null), timeoutMs);
}

/** A header of a mail as it was sent, unfolded; undefined when there is none. */
export function headerOf({ raw }: Pick<ReceivedMail, 'raw'>, name: string): string | undefined {
  const text = raw.toString('latin1');
  const head = text.slice(0, text.indexOf('\r\n\r\n')).replace(/\r\n[ \t]+/g, ' ');
  const prefix = `${name.toLowerCase()}:`;
  const line = head.split('\r\n').find((one) => one.toLowerCase().startsWith(prefix));
  return line?.slice(prefix.length).trim();
}

/** The address of the header that mail programs send their one click to. */
export function oneClickUrl(mail: Pick<ReceivedMail, 'raw'>): string {
  const url = /^<(https?:[^<>\s]+)>$/.exec(headerOf(mail, 'List-Unsubscribe') ?? '')?.[1];
  if (url === undefined) throw new Error('the mail has no List-Unsubscribe header with one web address');
  return url;
}

/** What a mail program sends there (RFC 8058, 3.2). */
export function oneClick(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return send(url, { method: 'POST', headers: { ...urlencoded, ...headers }, body: 'List-Unsubscribe=One-Click' });
}

/** Every row of every table but what the clock alone writes: the sign of life of the instances, and daily figures. */
export async function dump(pool: pg.Pool): Promise<Record<string, unknown[]>> {
  const { rows: tables } = await pool.query<{ name: string }>(
    `select table_name as name from information_schema.tables
     where table_schema = 'public' and table_name not in ('service_state', 'delivery_days', 'subscriber_days')
     order by 1`,
  );
  const all: Record<string, unknown[]> = {};
  for (const { name } of tables) {
    const { rows } = await pool.query<{ row: unknown }>(`select to_jsonb(x) as row from "${name}" x order by 1`);
    all[name] = rows.map(({ row }) => row);
  }
  return all;
}

/** The words of a page, without markup and with single spaces. */
export function wordsOf(html: string): string {
  return html
    .replace(/<(style|head)[\s\S]*?<\/\1>/g, ' ')
    .replace(/<[^>]+>/g, ' ')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&#39;/g, "'")
    .replace(/&quot;/g, '"')
    .replace(/&amp;/g, '&')
    .replace(/\s+/g, ' ')
    .trim();
}
