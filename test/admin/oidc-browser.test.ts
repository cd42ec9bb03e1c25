/// <reference lib="dom" />
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';
import t from 'tap';
import { startApp } from '../support/app.js';
import { browserMissing, startBrowser } from '../support/browser.js';
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

  const look = async (page: Page, name: string) => {
    const { violations } = await new AxeBuilder({ page })
      .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
      .analyze();
    t.same(
      violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' · ')}`),
      [],
      name,
    );
    const [shown, width] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
    t.ok((shown ?? 0) <= (width ?? 0), `${name}: no sideways scrolling (${shown})`);
    if (process.env.SHOTS !== undefined) {
      await page.screenshot({ path: `${process.env.SHOTS}/${width}-oidc-${name}.png`, fullPage: true });
    }
  };

  for (const { width, colorScheme, lang } of [
    { width: 360, colorScheme: 'dark', lang: 'de' },
    { width: 1280, colorScheme: 'light', lang: 'en' },
  ] as const) {
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
    const page = await context.newPage();
    const faults: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' && !message.text().includes('403')) faults.push(message.text());
    });
    provider.person = { sub: 'a-stranger', email: 'stranger@example.org', email_verified: true };
    await page.goto(`${base}/admin/sign-in?next=%2Fadmin%2Faudit&lang=${lang}`);
    await look(page, 'sign-in');
    await page.focus('a[href*="/admin/oidc"]');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/admin\/oidc\/callback.*lang=/);
    t.equal(await page.getAttribute('html', 'lang'), lang, 'the chosen language is kept on the way');
    await look(page, 'unknown');

    provider.person = { sub: 'ann', email: 'officer@example.org', email_verified: true };
    await context.clearCookies();
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
    await context.close();
  }
});
