/// <reference lib="dom" />
import type { Page } from 'playwright-core';
import t from 'tap';
import { readDraft } from '../../src/versions/draft.js';
import { listYaml, newVendor, publishList } from '../pages/support.js';
import { startApp } from '../support/app.js';
import { awaitFocus, browserMissing, inspect, startBrowser } from '../support/browser.js';
import { freePort } from '../support/process.js';
import { fillSignIn, openConsole } from './browser.js';
import { setUp, signInAs } from './support.js';

const wide = { width: 1280, colorScheme: 'light', lang: 'en' } as const;
const narrow = { width: 360, colorScheme: 'dark', lang: 'de' } as const;
const overview = '/admin/draft';
const entry = '/admin/draft/entry/sub-processor/letterbird';
const anna = 'officer@example.org';
const ben = 'editor@example.org';
/** Conflicts, faults and an ended session are answered so. */
const expected = /status of 4\d\d/;

// A browser on a busy machine.
t.setTimeout(170_000);

t.test('the draft in a browser', { skip: browserMissing() }, async (t) => {
  const browser = await startBrowser(t);
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const app = await startApp(t, { env: { PUBLIC_URL: base } });
  await app.http.listen({ port, host: '127.0.0.1' });
  await publishList(app, listYaml(newVendor));
  await setUp(app);
  await signInAs(app, 'editor');
  const letterbird = async () =>
    (await readDraft(app.deps.db))?.document.subProcessors.find(({ id }) => id === 'letterbird');

  await t.test('what is typed is saved as it is typed; two people at once lose nothing', async (t) => {
    const [a, b] = [
      await openConsole(browser, base, wide, { email: anna, expected }),
      await openConsole(browser, base, wide, { email: ben, expected }),
    ];
    await a.page.goto(base + entry);
    await b.page.goto(base + entry);
    await a.page.fill('#contact', 'privacy@letterbird.example');
    await saved(a.page);
    await b.page.fill('#duration', '30 days');
    // The last line of a set is filled, so another one comes.
    const purposes = b.page.locator('[data-field=purposes] input[name=purposes]');
    t.equal(await purposes.count(), 2);
    await purposes.last().fill('Sending of receipts');
    await purposes.nth(2).waitFor();
    await saved(b.page);
    t.match(await letterbird(), {
      contact: 'privacy@letterbird.example',
      duration: '30 days',
      purposes: ['Sending of e-mail', 'Sending of receipts'],
    });

    // The same field: both texts are shown, and the other fields are saved all the same.
    await b.page.fill('#notes', 'Asked for by sales.');
    await b.page.fill('#contact', 'dpo@letterbird.example');
    const conflict = b.page.locator('[data-field=contact] [data-live]');
    await conflict.getByText('privacy@letterbird.example').waitFor();
    t.match(await letterbird(), { contact: 'privacy@letterbird.example', notes: 'Asked for by sales.' });
    await inspect(t, b.page, 'a conflict while typing');
    // As long as a hand takes for it: the button must not go away under the finger.
    await conflict.getByRole('button', { name: 'Keep mine' }).click({ delay: 150 });
    await saved(b.page);
    await conflict.waitFor({ state: 'detached' });
    t.match(await letterbird(), { contact: 'dpo@letterbird.example', notes: 'Asked for by sales.' });

    // By the button, on a page that asks; it saves nothing by itself until then.
    await a.page.fill('#contact', 'office@letterbird.example');
    await a.page.locator('.entry-actions button:not([data-undo])').click();
    await awaitFocus(a.page, '[role=alert]');
    await inspect(t, a.page, 'a conflict');
    t.equal(await a.page.locator('#contact').inputValue(), 'office@letterbird.example');
    t.match(await letterbird(), { contact: 'dpo@letterbird.example' });
    await a.page.locator('.entry-actions button:not([data-undo])').click();
    await a.page.waitForURL(/done=saved/);
    t.match(await letterbird(), { contact: 'office@letterbird.example' });

    // Theirs comes into the form by one press.
    await b.page.fill('#contact', 'ben@letterbird.example');
    await conflict.getByRole('button', { name: 'Take theirs' }).click({ delay: 150 });
    await saved(b.page);
    t.equal(await b.page.locator('#contact').inputValue(), 'office@letterbird.example');

    // What was saved beside a fault is taken back like anything else, and so is the fault.
    await a.page.fill('#website', 'letterbird.example');
    await a.page.fill('#notes', 'To be taken back.');
    await a.page.locator('#legalName').focus();
    await a.page.locator('[data-field=website] [data-live]').waitFor();
    t.match(await letterbird(), { notes: 'To be taken back.' });
    await a.page.fill('#website', '');
    await a.page.fill('#notes', 'Asked for by sales.');
    await saved(a.page);
    t.equal(await a.page.locator('[data-field=website] [data-live]').count(), 0);
    t.match(await letterbird(), { notes: 'Asked for by sales.' });

    // A fault is told once the field is left, at the field, and holds up no other.
    await a.page.fill('#website', 'letterbird.example');
    await a.page.locator('#legalName').fill('Letterbird Incorporated');
    await a.page.locator('[data-field=website] [data-live]').waitFor();
    t.match(await letterbird(), { legalName: 'Letterbird Incorporated' });
    await a.page.fill('#website', '');
    await saved(a.page);

    // Ben's page says what Anna did, and the last change is taken back by its button.
    await b.page.locator('[data-others]', { hasText: anna }).waitFor();
    await a.page.locator('[data-undo]').click();
    await a.page.waitForURL(/done=undone/);
    t.equal((await letterbird())?.legalName, undefined);
    t.same([...a.faults, ...b.faults], []);
    await a.page.context().close();
    await b.page.context().close();
  });

  await t.test('a session that ends while somebody types loses none of it', async (t) => {
    const words = 'Words that nobody wants to type twice.';
    const { page, faults } = await openConsole(browser, base, wide, { email: anna, expected });
    await page.goto(base + entry);
    await app.database.pool.query('delete from sessions');
    await page.fill('#notes', words);
    await page.locator('[data-save-state=ended]').waitFor();
    // The page was left all the same, and comes back after signing in: what was typed is offered.
    page.on('dialog', (dialog) => void dialog.accept());
    await page.goto(base + entry);
    await fillSignIn(page, anna);
    await page.waitForURL(base + entry);
    await page.locator('[data-offer] [data-restore]').click();
    t.equal(await page.locator('#notes').inputValue(), words);
    await saved(page);
    t.match(await letterbird(), { notes: words });

    // Signed in again in another window, the same page goes on.
    await app.database.pool.query('delete from sessions');
    await page.fill('#duration', '60 days');
    await page.locator('[data-save-state=ended]').waitFor();
    const other = await page.context().newPage();
    await other.goto(`${base}/admin/sign-in`);
    await fillSignIn(other, anna);
    await other.waitForURL(/\/admin(\?|$)/);
    await page.fill('#duration', '90 days');
    await saved(page);
    t.match(await letterbird(), { notes: words, duration: '90 days' });

    // By the button alone: the page that says so sends everything again.
    await app.database.pool.query('delete from sessions');
    await page.fill('#duration', '10 days');
    await page.locator('.entry-actions button:not([data-undo])').click();
    await page.locator('#kept-duration').waitFor();
    await inspect(t, page, 'a session that has ended');
    await other.goto(`${base}/admin/sign-in`);
    await fillSignIn(other, anna);
    await other.waitForURL(/\/admin(\?|$)/);
    await page.locator('main form button').click();
    await page.locator('main .notice-success').waitFor();
    await page.locator('main form button').click();
    await page.waitForURL(/done=saved/);
    t.match(await letterbird(), { notes: words, duration: '10 days' });
    t.same(faults, []);
    await page.context().close();
  });

  await t.test('by keyboard alone: move an entry, change it, save it, take it back', async (t) => {
    const { page, faults } = await openConsole(browser, base, wide, { email: anna, expected });
    const order = () =>
      page.locator('#entries ~ .table-frame tbody tr').evaluateAll((rows) => rows.map(({ id }) => id));
    const [nordwind, letter] = ['sub-processor-nordwind', 'sub-processor-letterbird'];
    await page.goto(`${base}/admin/draft`);
    t.same(await order(), [nordwind, letter]);
    await reach(page, `#${nordwind} button[value=down]`);
    await page.keyboard.press('Enter');
    await page.waitForURL(/moved=/);
    // At the end it can go up only: that button has the focus.
    await awaitFocus(page, `#${nordwind} button[value=up]`);
    t.same(await order(), [letter, nordwind]);
    await page.keyboard.press('Enter');
    await page.waitForURL(/to=up/);
    await awaitFocus(page, `#${nordwind} button[value=down]`);
    t.same(await order(), [nordwind, letter]);

    await page.keyboard.press('Shift+Tab');
    await awaitFocus(page, `#${nordwind} a`);
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/entry\/sub-processor\/nordwind/);
    await reach(page, '#legalName');
    await page.keyboard.type('Nordwind Hosting & Co. KG');
    await page.keyboard.press('Enter');
    await page.waitForURL(/done=saved/);
    t.equal(await page.locator('#legalName').inputValue(), 'Nordwind Hosting & Co. KG');
    await reach(page, '[data-undo]');
    await page.keyboard.press('Enter');
    await page.waitForURL(/done=undone/);
    t.equal(await page.locator('#legalName').inputValue(), '');

    // Dragged by its handle it comes to where it is dropped.
    await page.goto(`${base}/admin/draft`);
    await page.locator(`#${letter} .drag-handle`).dragTo(page.locator(`#${nordwind}`));
    await page.waitForURL(/moved=/);
    t.same(await order(), [letter, nordwind]);
    t.same(faults, []);
    await page.context().close();
  });

  await t.test('every page of the draft is accessible and fits, light and dark', async (t) => {
    for (const view of [wide, narrow]) {
      const { page, faults } = await openConsole(browser, base, view, { email: anna, expected });
      for (const path of [
        overview,
        entry,
        '/admin/draft/new/sub-processor',
        '/admin/draft/entry/list',
        '/admin/draft/entry/data-subject/members',
        '/admin/draft/entry/data-category/members/email-address',
        '/admin/draft/removal/data-category/members/email-address',
        '/admin/draft/history',
        '/admin/draft/text',
      ]) {
        await page.goto(`${base}${path}?lang=${view.lang}`);
        // In light colours the pages of all components; every page in the dark.
        await inspect(t, page, path, { axe: view === narrow || path === overview || path === entry });
      }
      await page.goto(`${base}/admin/draft/new/sub-processor?lang=${view.lang}`);
      await page.fill('#website', 'javascript:alert(1)');
      await page.locator('.entry-actions button').click();
      await awaitFocus(page, '[role=alert]');
      await inspect(t, page, 'faults', { axe: view === narrow });
      t.equal(await page.locator('#website').inputValue(), 'javascript:alert(1)', 'what was typed is there still');
      await page.locator('[role=alert] a[href="#website"]').click();
      await awaitFocus(page, '#website');
      t.same(faults, []);
      await page.context().close();
    }
  });
});

/** The form as it is now is in the draft. */
async function saved(page: Page): Promise<void> {
  await page.locator('[data-save-state=saved]').waitFor();
}

/** Tab by tab, as somebody without a mouse gets there. */
async function reach(page: Page, selector: string): Promise<void> {
  const there = () => page.evaluate((wanted) => document.activeElement?.matches(wanted) ?? false, selector);
  for (let steps = 0; steps < 80; steps += 1) {
    if (await there()) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`the keyboard does not lead to ${selector}`);
}
