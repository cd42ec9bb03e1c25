import t from 'tap';
import { startApp } from '../support/app.js';
import { browserMissing, inspect, openPage, startBrowser } from '../support/browser.js';
import { client, startProvider } from '../support/oidc-provider.js';
import { freePort } from '../support/process.js';
import { setUp } from './support.js';

// A browser on a busy machine.
t.setTimeout(170_000);

t.test('sign-in over the provider’s pages on another site, by keyboard', { skip: browserMissing() }, async (t) => {
  const browser = await startBrowser(t);
  const port = await freePort();
  // The provider is at 127.0.0.1: for the browser that is another site.
  const base = `http://localhost:${port}`;
  const provider = await startProvider(t, `${base}/admin/oidc/callback`);
  const app = await startApp(t, {
    env: {
      PUBLIC_URL: base,
      OIDC_ISSUER: provider.issuer,
      OIDC_CLIENT_ID: client.id,
      OIDC_CLIENT_SECRET: client.secret,
      OIDC_LABEL: 'Nordlicht Versicherungsgruppe Mitarbeitendenkonto',
    },
  });
  await app.http.listen({ port, host: '127.0.0.1' });
  await setUp(app);

  for (const { lang, ...view } of [
    { width: 360, colorScheme: 'dark', lang: 'de' },
    { width: 1280, colorScheme: 'light', lang: 'en' },
  ] as const) {
    const { page, faults } = await openPage(browser, view, /403/);
    provider.person = { sub: 'a-stranger', email: 'stranger@example.org', email_verified: true };
    await page.goto(`${base}/admin/sign-in?next=%2Fadmin%2Faudit&lang=${lang}`);
    await inspect(t, page, 'oidc sign-in');
    await page.focus('a[href*="/admin/oidc"]');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/admin\/oidc\/callback.*lang=/);
    t.equal(await page.getAttribute('html', 'lang'), lang, 'the chosen language is kept on the way');
    await inspect(t, page, 'oidc unknown');

    provider.person = { sub: 'ann', email: 'officer@example.org', email_verified: true };
    await page.context().clearCookies();
    await page.focus('main .actions a');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/admin\/sign-in/);
    // Begun under the other name of this machine, it comes back to the one of PUBLIC_URL.
    await page.goto(`http://127.0.0.1:${port}/admin/sign-in?next=%2Fadmin%2Faudit`);
    await page.focus('a[href*="/admin/oidc"]');
    await page.keyboard.press('Enter');
    await page.waitForURL(`${base}/admin/audit`);
    t.match(await page.locator('header').textContent(), 'officer@example.org');
    t.same(faults, [], 'the browser has nothing to complain about');
    await page.context().close();
  }
});
