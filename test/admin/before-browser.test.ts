/// <reference lib="dom" />
import t, { type Test } from 'tap';
import { systemActor } from '../../src/actor.js';
import { readList } from '../../src/list/read.js';
import { replaceDraft } from '../../src/versions/draft.js';
import { aWorld } from '../deliverability/world.js';
import { addCrowd } from '../deliveries/make.js';
import { listYaml, newVendor, publishList } from '../pages/support.js';
import { startApp } from '../support/app.js';
import { browserMissing, inspect, startBrowser, type View } from '../support/browser.js';
import { freePort, until } from '../support/process.js';
import { openConsole } from './browser.js';
import { setUp } from './support.js';

const skip = browserMissing();
// A browser on a busy machine.
t.setTimeout(170_000);

/** The service with two versions, a crowd, people who cannot be reached, and a draft. */
async function prepare(t: Test) {
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const { outside } = aWorld({
    txt: {
      'example.org': ['v=spf1 include:a-very-long-name-of-a-relay-that-does-not-break.example include:b.example ?all'],
    },
    mx: { 'example.org': ['mx.example.org'] },
  });
  const app = await startApp(t, { outside, env: { PUBLIC_URL: base, MAIL_FROM: 'notices@example.org' } });
  await app.http.listen({ port, host: '127.0.0.1' });
  await publishList(app, listYaml());
  await addCrowd(app.database.pool, 200);
  const { pool } = app.database;
  await pool.query(
    `insert into notice_groups (id, name, notice_days, created_at) values ('dpa-60', 'Sixty days', 60, now())`,
  );
  await pool.query(
    `update subscribers set kind = 'contractual', entitlement = 'DPA', notice_group = 'dpa-60', locale = 'de' where id % 10 = 0`,
  );
  await pool.query(
    `insert into suppressions (email_hash, reason, created_at) select email_hash, 'hard-bounce', now() from subscribers where id in (10, 11, 20)`,
  );
  await pool.query(`update subscribers set services = '{surveys}' where id = 5`);
  const yaml = listYaml(`${newVendor}    services: [community]\n`);
  await replaceDraft(app.deps, { document: readList(yaml, 'yaml'), source: yaml }, {}, systemActor);
  await setUp(app);
  return { app, base };
}

t.test('before publishing everything is there to be seen, on a phone and at a desk', { skip }, async (t) => {
  const browser = await startBrowser(t);
  const { base } = await prepare(t);
  const views: View[] = [
    { width: 360, colorScheme: 'light' },
    { width: 360, colorScheme: 'dark' },
    { width: 1280, colorScheme: 'light' },
  ];
  for (const view of views) {
    const { page, faults } = await openConsole(browser, base, view);
    const lang = view.colorScheme === 'dark' ? 'de' : 'en';
    const where = `${view.width} ${view.colorScheme}`;
    for (const path of ['/admin/review', '/admin/publish', '/admin/deliverability']) {
      await page.goto(`${base}${path}?lang=${lang}`);
      await inspect(t, page, `${path} ${where}`);
    }
    await page.goto(`${base}/admin/publish?lang=${lang}`);
    if (lang === 'en') {
      await page.locator('#message').fill('Words that nobody wants to type twice.');
      await page.getByRole('button', { name: 'Send me a test' }).click();
      await page.getByText('A test is on its way to you.').waitFor();
      t.equal(await page.locator('#message').inputValue(), 'Words that nobody wants to type twice.', where);
    }
    await page.locator('form[action*="/publish/check"] button[type=submit]').click();
    await page.locator('#dry-run').waitFor();
    await inspect(t, page, `the plan ${where}`);
    if (lang === 'en') {
      const plan = await page.locator('main').textContent();
      t.match(plan?.replace(/\s+/g, ' '), /196 people get the notice/);
      t.match(plan, /2 contacts who are entitled by contract cannot be reached/);
      const [table, button] = [page.locator('#dry-run'), page.locator('.button-large')];
      const top = async (locator: typeof table) => (await locator.boundingBox())?.y ?? 0;
      t.ok((await top(table)) < (await top(button)), 'who is told stands above the button');
      await page.getByRole('button', { name: 'Send me a test' }).click();
      await page.getByText('A test is on its way to you.').waitFor();
      await inspect(t, page, `after a test ${where}`);
    }
    t.same(faults, [], where);
    await page.context().close();
  }
});

t.test('a running notice is seen to go, without loading the page anew', { skip }, async (t) => {
  const browser = await startBrowser(t);
  const { app, base } = await prepare(t);
  await publishList(app, listYaml(newVendor));
  await app.fanOut();
  const { page, faults } = await openConsole(browser, base, { width: 360, colorScheme: 'light' });
  await page.goto(`${base}/admin/versions/2`);
  await until('somebody watches', async () => app.deps.progress.watchers === 1);
  t.match(await page.locator('.figure').first().textContent(), /197\s+Waiting/);
  await inspect(t, page, 'a running notice');
  await page.evaluate(() => Object.assign(window, { stayed: true }));
  // At work in the page: at the end it is not taken from under one's hands.
  await page.locator('#state').focus();

  const { pool } = app.database;
  await pool.query(
    `update deliveries set state = 'sent', sent_at = $1, state_at = $1 where id in (select id from deliveries where state = 'queued' and kind = 'notice' limit 100)`,
    [app.clock.now()],
  );
  await page.locator('.figure', { hasText: 'Sent' }).filter({ hasText: '100' }).waitFor();
  t.equal(await page.locator('progress').getAttribute('value'), '103');
  t.match(await page.locator('.progress').textContent(), /103 of 200 have their result \(51 %\)\./);
  await app.send();
  await page.getByText('Every mail has its result.').first().waitFor();
  t.equal(await page.evaluate(() => 'stayed' in window), true, 'the page is the same');
  t.match(await page.locator('[data-progress-spoken]').textContent(), 'Every mail has its result.');
  await until('nobody watches', async () => app.deps.progress.watchers === 0);
  await inspect(t, page, 'a notice that is through');
  t.same(faults, []);
});

t.test('without script the page renews itself', { skip }, async (t) => {
  const browser = await startBrowser(t);
  const { app, base } = await prepare(t);
  await publishList(app, listYaml(newVendor));
  await app.fanOut();
  const { page } = await openConsole(browser, base, { width: 1280, colorScheme: 'dark', javaScriptEnabled: false });
  await page.goto(`${base}/admin/versions/2`);
  await app.send();
  await page.locator('.figure', { hasText: 'Sent' }).filter({ hasText: '197' }).waitFor({ timeout: 30_000 });
  t.equal(app.deps.progress.watchers, 0);
});
