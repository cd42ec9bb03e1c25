import { TOTP } from 'otpauth';
import type { Actor, Role } from '../../src/actor.js';
import { hashPassword } from '../../src/admins/password.js';
import { admit } from '../../src/admins/sessions.js';
import { transaction } from '../../src/database/transaction.js';
import type { TestApp } from '../support/app.js';
import { newVisitor, password, type Visitor } from './support.js';

/** One hash for all accounts of a file: each takes a third of a second. */
let hash: Promise<string> | null = null;

export interface Person {
  id: number;
  email: string;
  actor: Extract<Actor, { kind: 'admin' }>;
}

/** An account with the password of the tests. */
export async function addAdmin(app: TestApp, email: string, role: Role): Promise<Person> {
  hash ??= hashPassword(password);
  const { rows } = await app.database.pool.query<{ id: string | number }>(
    `insert into admins (email, email_key, password_hash, role, created_at) values ($1, $1, $2, $3, $4) returning id`,
    [email, await hash, role, app.clock.now()],
  );
  const id = Number(rows[0]?.id);
  return { id, email, actor: { kind: 'admin', id, role } };
}

/** A browser that has a session of the account, without the way over the pages. */
export async function letIn(
  app: TestApp,
  { id, actor }: Person,
  how: 'password' | 'oidc' = 'password',
): Promise<Visitor> {
  const visitor = newVisitor(app);
  const from = { at: app.clock.now(), ip: '203.0.113.9', area: '203.0.113.0/24', how };
  const token = await transaction(app.deps.db, (tx) => admit(tx, { id, role: actor.role }, from));
  visitor.cookies.set('subnotice-session', token);
  return visitor;
}

/** The code that an app shows with that secret, at the time of the test's clock, so many steps on. */
export function codeOf(app: TestApp, secret: string, steps = 0): string {
  const timestamp = app.clock.now().getTime() + steps * 30_000;
  return new TOTP({ secret: secret.replaceAll(' ', '') }).generate({ timestamp });
}

/** The secret that a page shows as text. */
export function secretOf(html: string): string {
  const secret = /<p class="code[^>]*secret[^>]*>([A-Z2-7 ]+)</.exec(html)?.[1];
  if (secret === undefined) throw new Error('the page shows no secret');
  return secret;
}

/** The recovery codes that a page shows. */
export function codesOf(html: string): string[] {
  return [...html.matchAll(/<li><code>([0-9a-z-]+)<\/code>/g)].map(([, code = '']) => code);
}

const factorPath = '/admin/account/second-factor';

/** Sets up a second factor over the pages. */
export async function enrolAt(app: TestApp, visitor: Visitor): Promise<{ secret: string; codes: string[] }> {
  const page = await visitor.get(factorPath);
  const secret = secretOf(page.body);
  const done = await visitor.submit(page, factorPath, { code: codeOf(app, secret) });
  return { secret, codes: codesOf(done.body) };
}

/** Fills in the sign-in page; the answer of the form. */
export async function signInAt(visitor: Visitor, email: string, more: { next?: string; from?: string } = {}) {
  const page = await visitor.get(`/admin/sign-in?next=${encodeURIComponent(more.next ?? '')}`);
  const headers = more.from === undefined ? {} : { 'x-forwarded-for': more.from };
  return visitor.submit(page, '/admin/sign-in', { email, password }, headers);
}
