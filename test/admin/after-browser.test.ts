/// <reference lib="dom" />
import { AxeBuilder } from '@axe-core/playwright';
import t from 'tap';
import { listYaml, newVendor, publishList } from '../pages/support.js';
import { bearer, startApp } from '../support/app.js';
import { browserMissing, startBrowser } from '../support/browser.js';
import { freePort } from '../support/process.js';
import { password, setUp } from './support.js';

const skip = browserMissing();

// A browser on a busy machine.
t.setTimeout(170_000);

t.test('deliveries, people, the audit log, approval and hold-back are accessible and fit', { skip }, async (t) => {
  const browser = await startBrowser(t);
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const answer = ({ stage, subject }: { stage: string; subject: string }) =>
    stage === 'rcpt' && subject.startsWith('gone@')
      ? '550 5.1.1 The email account that you tried to reach does not exist, a-very-long-word-without-any-break-in-it'
      : undefined;
  const app = await startApp(t, { env: { PUBLIC_URL: base, FOUR_EYES: 'on' }, smtp: { answer } });
  await app.http.listen({ port, host: '127.0.0.1' });
  const loose = await startApp(t, {
    env: { PUBLIC_URL: base },
    database: app.database,
    clock: app.clock,
    smtp: app.relay,
  });
  await publishList(loose, listYaml());
  await app.inject({
    method: 'POST',
    url: '/api/v1/subscribers/import',
    headers: { ...bearer, 'content-type': 'text/csv' },
    payload:
      'email,company,status,consent\nhere@example.org,Nordlicht a. G.,confirmed,by contract\ngone@a-very-long-name-of-a-mail-domain.example.org,شركة أمثلة,confirmed,by contract\n',
  });
  await publishList(loose, listYaml(newVendor));
  await app.settle();
  await setUp(app);
  const draft = (text: string) =>
    app.inject({
      method: 'PUT',
      url: '/api/v1/draft',
      headers: { ...bearer, 'content-type': 'application/yaml' },
      payload: text,
    });
  await draft(listYaml());

  for (const { width, colorScheme, lang } of [
    { width: 360, colorScheme: 'dark', lang: 'de' },
    { width: 1280, colorScheme: 'light', lang: 'en' },
  ] as const) {
    const context = await browser.newContext({
      viewport: { width, height: 900 },
      colorScheme,
      reducedMotion: 'reduce',
    });
    const page = await context.newPage();
    const faults: string[] = [];
    page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
    await page.goto(`${base}/admin/sign-in`);
    await page.fill('#email', 'officer@example.org');
    await page.fill('#password', password);
    await page.click('main button[type=submit]');
    await page.waitForURL(/\/admin(\?|$)/);
    for (const path of [
      '/admin/deliveries',
      '/admin/deliveries?version=all',
      '/admin/deliveries/1',
      '/admin/deliveries/2',
      '/admin/subscribers/2',
      '/admin/audit',
      '/admin/publish',
    ]) {
      await page.goto(`${base}${path}${path.includes('?') ? '&' : '?'}lang=${lang}`);
      const where = `${path} at ${width} in ${lang}`;
      const { violations } = await new AxeBuilder({ page })
        .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
        .analyze();
      t.same(
        violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' · ')}`),
        [],
        where,
      );
      const shown = await page.evaluate(() => document.documentElement.scrollWidth);
      t.ok(shown <= width, `${where}: no sideways scrolling (${shown})`);
      if (process.env.SHOTS !== undefined) {
        const name = path.replace(/\W+/g, '-').replace(/^-/, '');
        await page.screenshot({ path: `${process.env.SHOTS}/${width}-${name}.png`, fullPage: true });
      }
    }
    t.same(faults, [], 'the browser has nothing to complain about');
    await context.close();
  }
});
