import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { countDeliveries } from '../../src/deliveries/figures.js';
import { countSubscribers } from '../../src/subscribers/figures.js';
import { dayOf } from '../../src/versions/clock.js';
import { startApp } from '../support/app.js';
import { browserMissing, inspect, startBrowser } from '../support/browser.js';
import { freePort, temporaryFolder } from '../support/process.js';
import { openConsole } from './browser.js';
import { setUp } from './support.js';

const skip = browserMissing();

// A browser on a busy machine.
t.setTimeout(170_000);

t.test('a file is chosen, looked at and put into effect; figures are shown, light and dark', { skip }, async (t) => {
  const browser = await startBrowser(t);
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const app = await startApp(t, { env: { PUBLIC_URL: base } });
  await app.http.listen({ port, host: '127.0.0.1' });
  await setUp(app);
  // Some weeks of history.
  await app.database.pool.query(
    `insert into subscriber_days select $1::date - n, 1240 - n * 7, 40 + n % 5, 60 - n, 12, 9 + n * 13 % 17, n % 4, n % 3 / 2, n % 7 / 6, now()
     from generate_series(1, 40) n`,
    [dayOf(app.clock.now(), 'UTC')],
  );
  await app.database.pool.query(
    `insert into delivery_days select $1::date - n, s, (n * 37 % 90) / w, now()
     from generate_series(1, 40) n, (values ('sent', 1), ('bounced', 6), ('failed', 15), ('suppressed', 4)) as x (s, w)`,
    [dayOf(app.clock.now(), 'UTC')],
  );
  const folder = temporaryFolder(t);
  const fileFor = (place: number) => {
    const path = join(folder, `people-${place}.csv`);
    const rows = Array.from(
      { length: 60 },
      (_, i) => `person-${place}-${i}@customer.example.org;Nordlicht Versicherung;;`,
    );
    const others = [
      `legal-${place}@example.org;Müller & Söhne;confirmed;Bestellformular vom 1. März 2026, Kästchen`,
      `claimed-${place}@example.org;;confirmed;`,
      'no-address;;;',
    ];
    writeFileSync(path, ['email;company;status;consent', ...others, ...rows].join('\r\n'), 'latin1');
    return path;
  };

  const views = [
    { width: 360, colorScheme: 'dark', lang: 'de', submit: 'In Kraft setzen', done: 'in Kraft gesetzt' },
    { width: 1280, colorScheme: 'light', lang: 'en', submit: 'Put into effect', done: 'has taken effect' },
  ] as const;
  for (const [place, { lang, submit, done, ...view }] of views.entries()) {
    const { page, faults } = await openConsole(browser, base, view, { expected: /422/ });
    await page.goto(`${base}/admin/subscribers/import?lang=${lang}`);
    await inspect(t, page, `import in ${lang}`);
    await page.setInputFiles('#file', fileFor(place));
    await page.click('main form[enctype] button[type=submit]');
    await page.waitForURL(/\/import\/[0-9a-f-]{36}/);
    await page.goto(`${page.url().split('?')[0]}?lang=${lang}`);
    t.equal(await page.locator('tbody tr').count(), 50, 'a page of lines');
    await inspect(t, page, `import preview in ${lang}`);
    await page.locator('a[href*="after="]').click();
    await page.locator('tbody tr').nth(12).waitFor();
    t.equal(await page.locator('tbody tr').count(), 13, 'and the rest');
    await page.getByRole('button', { name: submit }).click();
    await page.locator('h1', { hasText: done }).waitFor();
    await inspect(t, page, `import done in ${lang}`);

    const today = dayOf(app.clock.now(), 'UTC');
    await countSubscribers(app.deps, today);
    await countDeliveries(app.deps, today);
    await page.goto(`${base}/admin/figures?lang=${lang}`);
    await page.locator('details summary').first().click();
    await page.locator('details[open] table').waitFor();
    await inspect(t, page, `figures in ${lang}`);
    await page.locator('a[href*="range=90-days"]').click();
    await page.waitForURL(/range=90-days/);
    await inspect(t, page, `figures of 90 days in ${lang}`, { axe: false });
    t.same(faults, [], 'the browser has nothing to complain about');
    await page.context().close();
  }
});
