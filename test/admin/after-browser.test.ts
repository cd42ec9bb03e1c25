import t from 'tap';
import { listYaml, newVendor, publishList } from '../pages/support.js';
import { bearer, startApp } from '../support/app.js';
import { browserMissing, inspect, startBrowser } from '../support/browser.js';
import { freePort } from '../support/process.js';
import { openConsole } from './browser.js';
import { setUp } from './support.js';

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
  await publishList(loose, listYaml(newVendor).replace('country: US', 'country: CA'), { corrects: 2 });
  await setUp(app);
  const draft = (text: string) =>
    app.inject({
      method: 'PUT',
      url: '/api/v1/draft',
      headers: { ...bearer, 'content-type': 'application/yaml' },
      payload: text,
    });
  await draft(listYaml());

  for (const { lang, ...view } of [
    { width: 360, colorScheme: 'dark', lang: 'de' },
    { width: 1280, colorScheme: 'light', lang: 'en' },
  ] as const) {
    const { page, faults } = await openConsole(browser, base, view);
    for (const path of [
      '/admin/deliveries',
      '/admin/deliveries?version=all',
      '/admin/deliveries/1',
      '/admin/deliveries/2',
      '/admin/subscribers/2',
      '/admin/audit',
      '/admin/review',
      '/admin/publish?corrects=2',
      '/admin/versions/2',
    ]) {
      await page.goto(`${base}${path}${path.includes('?') ? '&' : '?'}lang=${lang}`);
      await inspect(t, page, `${path} in ${lang}`);
    }
    t.same(faults, [], 'the browser has nothing to complain about');
    await page.context().close();
  }
});
