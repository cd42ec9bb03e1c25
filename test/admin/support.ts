import type { LightMyRequestResponse } from 'fastify';
import type { Role } from '../../src/actor.js';
import { hashPassword } from '../../src/admins/password.js';
import { ensureSetupLink } from '../../src/admins/setup.js';
import type { TestApp } from '../support/app.js';

export const password = 'four quiet words here';

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

/** The first admin, come in by the set-up link. */
export async function setUp(app: TestApp, email = 'officer@example.org'): Promise<Visitor> {
  const visitor = newVisitor(app);
  const link = new URL((await ensureSetupLink(app.deps)) ?? '').pathname;
  const page = await visitor.get(link);
  await visitor.submit(page, link, { email, password, repeat: password });
  return visitor;
}

/** Another admin with a role, signed in by address and password. */
export async function signInAs(app: TestApp, role: Role): Promise<Visitor> {
  const email = `${role}@example.org`;
  await app.database.pool.query(
    `insert into admins (email, email_key, password_hash, role, created_at) values ($1, $1, $2, $3, now())
     on conflict do nothing`,
    [email, await hashPassword(password), role],
  );
  const visitor = newVisitor(app);
  await visitor.submit(await visitor.get('/admin/sign-in'), '/admin/sign-in', { email, password });
  return visitor;
}
