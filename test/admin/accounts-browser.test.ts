import type { Page } from 'playwright-core';
import t from 'tap';
import { startApp, type TestApp } from '../support/app.js';
import { awaitFocus, browserMissing, inspect, openPage, startBrowser } from '../support/browser.js';
import { freePort } from '../support/process.js';
import { codeOf } from './accounts.js';
import { addAdmin, letIn, type Person, password } from './support.js';

// A browser on a busy machine.
t.setTimeout(170_000);

t.test(
  'from the invitation to the end of a lost session, and in by keyboard alone',
  { skip: browserMissing() },
  async (t) => {
    const browser = await startBrowser(t);
    const port = await freePort();
    const base = `http://127.0.0.1:${port}`;
    const app = await startApp(t, { env: { PUBLIC_URL: base, SECOND_FACTOR: 'required' } });
    await app.http.listen({ port, host: '127.0.0.1' });
    const anna = await addAdmin(app, 'anna.von-und-zu-beispielhausen@datenschutz.example.org', 'admin');

    for (const { lang, ...view } of [
      { width: 1280, colorScheme: 'light', lang: 'en' },
      { width: 360, colorScheme: 'dark', lang: 'de' },
    ] as const) {
      const { page, faults } = await openPage(browser, view, /422/);
      const look = (where: string) => inspect(t, page, `accounts ${where} in ${lang}`);
      const at = (path: string) => `${base}${path}${path.includes('?') ? '&' : '?'}lang=${lang}`;
      const email = `bob-${lang}@example.org`;

      // Anna comes by a provider here, where no second factor is asked for.
      await enter(app, page, base, anna);
      await page.goto(at('/admin/admins'));
      await page.fill('#email', email);
      await page.check('input[name=role][value=admin]');
      await page.click('main form.form button[type=submit]');
      await page.waitForURL(/done=invited/);
      await look('admins');
      await page.goto(at(`/admin/admins/${anna.id}`));
      await look('admin');
      await page.context().clearCookies();

      await app.send();
      const link = (await app.relay.mailTo(email).at(-1)?.links())?.[0] ?? '';
      await page.goto(`${link}?lang=${lang}`);
      await look('invitation');
      await page.fill('#password', password);
      await page.fill('#repeat', password);
      await page.click('main button[type=submit]');
      await page.waitForURL(/\/admin\/account\/second-factor/);
      await look('enrolment');
      const secret = (await page.textContent('.secret'))?.trim() ?? '';
      await page.fill('#code', '000000');
      await page.click('main button[type=submit]');
      await awaitFocus(page, '[role=alert]');
      await page.fill('#code', codeOf(app, secret));
      await page.click('main button[type=submit]');
      await page.locator('.recovery-codes').waitFor();
      await look('recovery codes');
      const [file] = await Promise.all([page.waitForEvent('download'), page.click('main button[type=submit]')]);
      t.equal(file.suggestedFilename(), 'recovery-codes.txt');
      await page.click('main a.button:not(.button-quiet)');
      await page.waitForURL(/\/admin(\?|$)/);

      // A second session of the same account, which is left behind by accident.
      const account = await personOf(app, email);
      await letIn(app, account);
      await page.click('.site-actions button');
      await page.waitForURL(/why=signed-out/);

      app.clock.advance({ minutes: 1 });
      await page.goto(at('/admin/sign-in?next=%2Fadmin%2Faccount'));
      await page.keyboard.press('Tab');
      await awaitFocus(page, '.skip-link');
      await page.keyboard.press('Enter');
      await tabTo(page, '#email');
      await page.keyboard.type(email);
      await tabTo(page, '#password');
      await page.keyboard.type(password);
      await page.keyboard.press('Enter');
      await awaitFocus(page, '#code');
      await look('code');
      await page.keyboard.type(codeOf(app, secret));
      await page.keyboard.press('Enter');
      await page.waitForURL(/\/admin\/account\?/);
      await look('account');
      t.equal(await page.locator('form[action*="/sessions/"][action*="/end?"]').count(), 1);
      await tabTo(page, 'form[action*="/sessions/"] button');
      await page.keyboard.press('Enter');
      await page.waitForURL(/done=ended/);
      t.equal(await page.locator('form[action*="/sessions/"]').count(), 0, 'the other session is over');

      await page.goto(at('/admin/account/second-factor'));
      await look('second factor');
      await page.goto(at('/admin/api-tokens'));
      await look('tokens');
      await page.context().clearCookies();
      await page.goto(at('/admin/forgotten'));
      await look('forgotten');
      t.same(faults, [], 'the browser has nothing to complain about');
      await page.context().close();
    }
  },
);

async function enter(app: TestApp, page: Page, base: string, person: Person): Promise<void> {
  const { cookies } = await letIn(app, person, 'oidc');
  const added = [...cookies].map(([name, value]) => ({ name, value, url: base }));
  await page.context().addCookies(added);
}

async function personOf(app: TestApp, email: string): Promise<Person> {
  const { rows } = await app.database.pool.query('select id from admins where email = $1', [email]);
  const id = Number(rows[0].id);
  return { id, email, actor: { kind: 'admin', id, role: 'admin' } };
}

/** By the key alone, as somebody goes who has no mouse. */
async function tabTo(page: Page, selector: string): Promise<void> {
  for (let presses = 0; presses < 60; presses += 1) {
    if ((await page.locator(`${selector}:focus`).count()) > 0) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`no way to ${selector} by key`);
}
