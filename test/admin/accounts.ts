import { TOTP } from 'otpauth';
import type { TestApp } from '../support/app.js';
import { password, type Visitor } from './support.js';

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
