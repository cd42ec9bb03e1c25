import type { LightMyRequestResponse } from 'fastify';
import { systemActor } from '../../src/actor.js';
import { readList } from '../../src/list/read.js';
import { replaceDraft } from '../../src/versions/draft.js';
import { publish } from '../../src/versions/publish.js';
import type { PublishRequest } from '../../src/versions/version.js';
import type { TestApp } from '../support/app.js';

/** An invented list with services; `extra` is put behind its entries. */
export function listYaml(extra = ''): string {
  return `title: Sub-processors
services:
  - id: community
    name: Community
  - id: surveys
    name: Surveys
dataSubjects:
  - id: members
    name: Members
    dataCategories:
      - id: email-address
        name: email address
        retention: 2 years
subProcessors:
  - id: nordwind
    name: Nordwind Hosting GmbH
    country: DE
    purposes: [Hosting]
    dataCategories:
      members: [email-address]
${extra}`;
}

export const newVendor = `  - id: letterbird
    name: Letterbird, Inc.
    country: US
    purposes: [Sending of e-mail]
`;

/** Publishes a list as the next version. */
export async function publishList(app: TestApp, yaml: string, request: PublishRequest = {}): Promise<void> {
  await replaceDraft(app.deps, { document: readList(yaml, 'yaml'), source: yaml }, {}, systemActor);
  await publish(app.deps, request, systemActor);
}

export interface FormOptions {
  headers?: Record<string, string>;
  cookies?: Record<string, string>;
  from?: string;
}

/** Sends a form as a browser does; a field with several values is sent several times. */
export async function sendForm(
  app: TestApp,
  url: string,
  fields: Readonly<Record<string, string | readonly string[]>>,
  { headers = {}, cookies = {}, from = '192.0.2.1' }: FormOptions = {},
): Promise<LightMyRequestResponse> {
  const pairs = Object.entries(fields).flatMap(([name, value]) =>
    [value].flat().map((one): [string, string] => [name, one]),
  );
  return app.inject({
    method: 'POST',
    url,
    remoteAddress: from,
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    cookies,
    payload: new URLSearchParams(pairs).toString(),
  });
}

/** The path of the newest link of that sort in mail to an address. */
export async function linkTo(app: TestApp, address: string, path: string): Promise<string> {
  for (const mail of app.relay.mailTo(address).reverse()) {
    const links = await mail.links();
    const found = links.find((link) => link.startsWith(`${app.deps.config.publicUrl}/${path}/`));
    if (found !== undefined) return new URL(found).pathname;
  }
  throw new Error(`no mail to ${address} has a link to /${path}`);
}

/** Subscribes by form and confirms by the page's button. */
export async function subscribeAndConfirm(app: TestApp, email: string, fields: Record<string, string> = {}) {
  await sendForm(app, '/subscribe', { email, ...fields });
  await app.settle();
  await app.inject({ method: 'POST', url: await linkTo(app, email, 'confirm') });
  await app.settle();
}

export async function statusOf(app: TestApp, email: string): Promise<string | undefined> {
  const { rows } = await app.database.pool.query('select status from subscribers where email_key = lower($1)', [email]);
  return rows[0]?.status;
}

/** Every row of every table, apart from counters that a view may move. */
export async function dump(app: TestApp): Promise<Record<string, unknown[]>> {
  const { pool } = app.database;
  const { rows: tables } = await pool.query<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = 'public' order by 1`,
  );
  const all: Record<string, unknown[]> = {};
  for (const { name } of tables) {
    const { rows } = await pool.query(`select to_jsonb(x) as row from "${name}" x order by 1`);
    all[name] = rows.map(({ row }) => row);
  }
  return all;
}

/** The text of a page without its markup. */
export function textOf(html: string): string {
  return html
    .replace(/<(style|head)[\s\S]*?<\/\1>/g, ' ')
    .replace(/<[^>]+>/g, ' ')
    .replace(/&#39;/g, "'")
    .replace(/&quot;/g, '"')
    .replace(/&amp;/g, '&')
    .replace(/\s+/g, ' ')
    .replace(/ ([,.:;?!”)])/g, '$1')
    .replace(/([“(]) /g, '$1');
}
