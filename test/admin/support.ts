import type { LightMyRequestResponse } from 'fastify';
import type { Actor, Role } from '../../src/actor.js';
import { admit } from '../../src/admins/sessions.js';
import { transaction } from '../../src/database/transaction.js';
import type { TestApp } from '../support/app.js';

export const password = 'four quiet words here';
/** Of that password, with the parameters that are in use; made once, as each takes a third of a second. */
const passwordHash = '$scrypt$ln=17,r=8,p=1$VtA/qqNs3d3ZQ3GLbftqQg$Dss0lc8bjsBkPEpbC1HKVFZXJtNUxNdgLFA1/80mI+A';

/** A browser without script: it keeps cookies, follows forms, and sends their hidden fields along. */
export interface Visitor {
  cookies: Map<string, string>;
  get(url: string, headers?: Record<string, string>): Promise<LightMyRequestResponse>;
  /** Fills in the form of a page that leads to `action` and sends it. */
  submit(
    page: LightMyRequestResponse,
    action: string,
    fields?: Readonly<Record<string, string>>,
    headers?: Record<string, string>,
  ): Promise<LightMyRequestResponse>;
  /** Follows a redirect, if the answer is one. */
  follow(answer: LightMyRequestResponse): Promise<LightMyRequestResponse>;
}

export function newVisitor(app: TestApp): Visitor {
  const cookies = new Map<string, string>();
  const keep = (answer: LightMyRequestResponse) => {
    for (const { name, value } of answer.cookies) {
      if (value === '') cookies.delete(name);
      else cookies.set(name, value);
    }
    return answer;
  };
  const visitor: Visitor = {
    cookies,
    async get(url, headers = {}) {
      return keep(await app.inject({ url, headers, cookies: Object.fromEntries(cookies) }));
    },
    async submit(page, action, fields = {}, headers = {}) {
      const payload = new URLSearchParams({ ...fieldsOf(page.body, action), ...fields }).toString();
      return keep(
        await app.inject({
          method: 'POST',
          url: action,
          headers: { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin', ...headers },
          cookies: Object.fromEntries(cookies),
          payload,
        }),
      );
    },
    async follow(answer) {
      if (answer.statusCode !== 303) return answer;
      const { pathname, search } = new URL(String(answer.headers.location));
      return visitor.get(pathname + search);
    },
  };
  return visitor;
}

/** The hidden fields of the form that leads to `action`. */
export function fieldsOf(html: string, action: string): Record<string, string> {
  const form = html.split('<form').find((part) => part.includes(`action="${action}"`));
  if (form === undefined) throw new Error(`the page has no form to ${action}`);
  const inputs = [...(form.split('</form>')[0] ?? '').matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)];
  return Object.fromEntries(inputs.map(([, name = '', value = '']) => [name, decode(value)]));
}

/** What a text area holds. */
export function areaOf(html: string, id: string): string {
  const text = new RegExp(`<textarea id="${id}"[^>]*>\n?([\\s\\S]*?)</textarea>`).exec(html)?.[1];
  if (text === undefined) throw new Error(`the page has no text area ${id}`);
  return decode(text);
}

function decode(text: string): string {
  return text
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&quot;/g, '"')
    .replace(/&#39;/g, "'")
    .replace(/&amp;/g, '&');
}

/** A person who may sign in with the password of the tests. */
export interface Person {
  id: number;
  email: string;
  actor: Extract<Actor, { kind: 'admin' }>;
}

/** An account with a role; the same one when there is one of that address. */
export async function addAdmin(app: TestApp, email: string, role: Role): Promise<Person> {
  const { rows } = await app.database.pool.query<{ id: string | number; role: Role }>(
    `insert into admins (email, email_key, password_hash, role, created_at) values ($1, lower($1), $2, $3, $4)
     on conflict (email_key) do update set email = excluded.email returning id, role`,
    [email, passwordHash, role, app.clock.now()],
  );
  const [row] = rows;
  if (row === undefined) throw new Error('no account was made');
  const id = Number(row.id);
  return { id, email, actor: { kind: 'admin', id, role: row.role } };
}

/** A browser that has a session of the account, without the way over the pages: a password takes half a second. */
export async function letIn(
  app: TestApp,
  { id, actor }: Person,
  how: 'password' | 'oidc' = 'password',
): Promise<Visitor> {
  const visitor = newVisitor(app);
  const from = { at: app.clock.now(), ip: '203.0.113.9', area: '203.0.113.0/24', how };
  const token = await transaction(app.deps.db, (tx) => admit(tx, { id, role: actor.role }, from));
  const prefix = app.deps.config.publicUrl.startsWith('https:') ? '__Host-' : '';
  visitor.cookies.set(`${prefix}subnotice-session`, token);
  return visitor;
}

/** The first admin, signed in. */
export async function setUp(app: TestApp, email = 'officer@example.org'): Promise<Visitor> {
  return letIn(app, await addAdmin(app, email, 'admin'));
}

/** Another admin with a role, signed in. */
export async function signInAs(app: TestApp, role: Role): Promise<Visitor> {
  return letIn(app, await addAdmin(app, `${role}@example.org`, role));
}
