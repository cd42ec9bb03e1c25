import t from 'tap';
import { addContact } from '../../src/subscribers/contact.js';
import { saveGroup } from '../../src/subscribers/groups.js';
import { listYaml, newVendor, publishList } from '../pages/support.js';
import { bearer, startApp } from '../support/app.js';
import { awaitFocus, browserMissing, inspect, startBrowser } from '../support/browser.js';
import { freePort } from '../support/process.js';
import { openConsole } from './browser.js';
import { setUp } from './support.js';

const skip = browserMissing();
const admin = { kind: 'admin', id: 1, role: 'admin' } as const;

// A browser on a busy machine.
t.setTimeout(170_000);

t.test('the review from severity to message to the mail on a phone', { skip }, async (t) => {
  const browser = await startBrowser(t);
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const app = await startApp(t, { env: { PUBLIC_URL: base, FOUR_EYES: 'off' } });
  await app.http.listen({ port, host: '127.0.0.1' });
  await publishList(app, listYaml());
  await setUp(app);
  const name = 'Sixty days by the data processing agreement';
  await saveGroup(app.deps, { id: 'long', name, noticeDays: 60 }, admin);
  const contact = { email: 'legal@example.com', company: '', group: 'long', locale: 'en', entitlement: 'DPA, 7' };
  await addContact(app.deps, contact, admin, { knownServices: null });
  const headers = { ...bearer, 'content-type': 'application/yaml' };
  const payload = listYaml(newVendor).replace('country: DE', 'country: FR');
  await app.inject({ method: 'PUT', url: '/api/v1/draft', headers, payload });

  await t.test('light and wide: refused, raised, written', async (t) => {
    const view = { width: 1280, colorScheme: 'light' } as const;
    const { page, faults } = await openConsole(browser, base, view, { expected: /422/ });
    await page.goto(`${base}/admin/review`);
    await page.getByRole('link', { name: /^Set the severity by hand.*Letterbird/ }).click();
    await page.locator('#severity-editorial').check();
    await page.fill('#reason', 'It is small.');
    await page.getByRole('button', { name: 'Set the severity' }).click();
    await awaitFocus(page, '[role=alert]');
    await inspect(t, page, 'lowering refused');
    t.equal(await page.inputValue('#reason'), 'It is small.');

    await page.goto(`${base}/admin/review/severity?kind=sub-processor-changed&id=nordwind`);
    await page.locator('#severity-reducing').check();
    await page.fill('#reason', 'The data stays within the EEA, at the same vendor.');
    await page.getByRole('button', { name: 'Set the severity' }).click();
    await page.waitForURL(/done=severity/);
    t.match(await page.locator('#sub-processor-nordwind').textContent(), /less grave than .* within the EEA/);

    await page.fill('#message', 'We send our mail by another vendor from spring on.');
    await page.locator('[data-save-state=saved]').waitFor();
    await page.reload();
    t.equal(await page.inputValue('#message'), 'We send our mail by another vendor from spring on.');
    for (const frame of await page.locator('.mail-frame-desktop, .mail-frame-phone').all()) {
      await frame.scrollIntoViewIfNeeded();
      await frame.contentFrame().getByText('We send our mail by another vendor').waitFor();
    }
    const widths = await page
      .locator('.mail-view iframe')
      .evaluateAll((all) => all.map(({ clientWidth }) => clientWidth));
    t.same(widths, [718, 358], 'desktop and phone, within their borders');
    await inspect(t, page, 'review');
    t.same(faults, []);
    await page.context().close();
  });

  await t.test('dark, small, in German', async (t) => {
    const { page, faults } = await openConsole(browser, base, { width: 360, colorScheme: 'dark' });
    const reader = 'mail=de&reader=group:long&appearance=dark';
    await page.goto(`${base}/admin/review?lang=de&${reader}`);
    const phone = page.locator('.mail-frame-phone');
    await phone.scrollIntoViewIfNeeded();
    const mail = phone.contentFrame();
    await mail.getByText('Letterbird, Inc.').first().waitFor();
    const background = await mail
      .locator('.page')
      .first()
      .evaluate((body) => getComputedStyle(body).backgroundColor);
    t.equal(background, 'rgb(20, 24, 28)', 'what a dark client shows');
    await page.locator('summary').filter({ hasText: 'Nur Text' }).click();
    await page.locator('details .mail-frame').contentFrame().getByText('WESENTLICHE ÄNDERUNGEN').waitFor();
    await inspect(t, page, 'review in German');
    await page.goto(`${base}/admin/review/checklist?lang=de`);
    await inspect(t, page, 'checklist in German');
    t.same(faults, []);
    await page.context().close();
  });
});
