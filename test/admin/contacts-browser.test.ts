import t from 'tap';
import { transaction } from '../../src/database/transaction.js';
import { addContact } from '../../src/subscribers/contact.js';
import { saveGroup } from '../../src/subscribers/groups.js';
import { openTask } from '../../src/tasks/open.js';
import { startApp } from '../support/app.js';
import { awaitFocus, browserMissing, inspect, startBrowser } from '../support/browser.js';
import { freePort } from '../support/process.js';
import { openConsole } from './browser.js';
import { setUp } from './support.js';

const skip = browserMissing();
const admin = { kind: 'admin', id: 1, role: 'admin' } as const;

// A browser on a busy machine.
t.setTimeout(170_000);

t.test('the pages of contacts, groups and tasks are accessible and fit, light and dark', { skip }, async (t) => {
  const browser = await startBrowser(t);
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const app = await startApp(t, { env: { PUBLIC_URL: base } });
  await app.http.listen({ port, host: '127.0.0.1' });
  const { deps, clock } = app;
  await setUp(app);
  for (const [id, noticeDays] of [
    ['dpa-14', 14],
    ['dpa-60', 60],
  ] as const) {
    await saveGroup(deps, { id, name: `${noticeDays} days by the data processing agreement`, noticeDays }, admin);
  }
  for (const [email, company, group] of [
    ['legal@example.org', 'Nordlicht Versicherung a. G.', 'dpa-60'],
    ['a-very-long-mailbox-name-of-a-data-protection-office@mail.example.org', 'شركة أمثلة', 'dpa-60'],
    ['privacy@example.com', '', null],
  ] as const) {
    const contact = { email, company, group, locale: 'en', entitlement: 'DPA of 4 January 2027, section 7, annex 3' };
    await addContact(deps, contact, admin, { knownServices: null });
  }
  await transaction(deps.db, async (tx) => {
    const at = clock.now();
    for (const id of [1, 2, 3]) {
      const subject = `subscriber ${id}`;
      await openTask(tx, { kind: id === 1 ? 'bounced-contact' : 'contact-left', subscriberId: id, subject, at });
    }
    await openTask(tx, { kind: 'relay-down', subscriberId: null, subject: 'relay', at });
  });

  for (const { lang, ...view } of [
    { width: 320, colorScheme: 'dark', lang: 'de' },
    { width: 360, colorScheme: 'light', lang: 'de' },
    { width: 1280, colorScheme: 'light', lang: 'en' },
  ] as const) {
    const { page, faults } = await openConsole(browser, base, view, { expected: /422/ });
    for (const path of [
      '/admin/subscribers',
      '/admin/subscribers?kind=contractual&group=dpa-60',
      '/admin/subscribers/contact',
      '/admin/subscribers/groups',
      '/admin/subscribers/groups?edit=dpa-60',
      '/admin/tasks',
      '/admin/tasks?show=done',
      '/admin',
    ]) {
      await page.goto(`${base}${path}${path.includes('?') ? '&' : '?'}lang=${lang}`);
      await inspect(t, page, `${path} in ${lang}`);
    }
    // A fault takes the focus, and leads to its field.
    await page.goto(`${base}/admin/subscribers/contact?lang=${lang}`);
    await page.fill('#email', 'legal');
    await page.click('main button[type=submit]');
    await awaitFocus(page, '[role=alert]');
    await page.click('a[href="#email"]');
    await awaitFocus(page, '#email');
    t.same(faults, [], 'the browser has nothing to complain about');
    await page.context().close();
  }
});
