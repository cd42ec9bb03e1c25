/// <reference lib="dom" />
import type { Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { listYaml, newVendor, publishList } from '../pages/support.js';
import { startApp } from '../support/app.js';
import { awaitFocus, browserMissing, openPage, startBrowser, type View } from '../support/browser.js';
import { freePort } from '../support/process.js';
import { password, setUp } from './support.js';

const views: View[] = [
  { width: 1280, colorScheme: 'light' },
  { width: 360, colorScheme: 'dark' },
];

// A browser on a busy machine.
t.setTimeout(170_000);

t.test(
  'from sign-in to a version in force and out again by the keyboard alone',
  { skip: browserMissing() },
  async (t) => {
    const port = await freePort();
    const base = `http://127.0.0.1:${port}`;
    const app = await startApp(t, { env: { PUBLIC_URL: base } });
    await app.http.listen({ port, host: '127.0.0.1' });
    await publishList(app, listYaml(newVendor));
    await setUp(app);
    const browser = await startBrowser(t);
    for (const [index, view] of views.entries()) {
      const { page, faults } = await openPage(browser, view);
      const keys = keyboardOf(t, page, `${view.width} px`);
      const version = index + 2;
      const website = `https://www.letterbird.example/${version}`;

      await page.goto(`${base}/admin`);
      await keys.reach('#email');
      await page.keyboard.type('officer@example.org');
      await keys.press('Tab');
      await awaitFocus(page, '#password');
      await page.keyboard.type(password);
      await keys.press('Enter');
      await page.waitForURL(/\/admin$/);

      await keys.go('.site-nav a[href="/admin/draft"]', /\/admin\/draft$/);
      await keys.skip();
      await keys.go('#sub-processor-letterbird a', /\/entry\/sub-processor\/letterbird$/);
      await keys.skip();
      await keys.reach('#website');
      await page.keyboard.press('ControlOrMeta+a');
      await page.keyboard.type('letterbird.example');
      await keys.press('Tab');
      // The fault is told at its field, and by the field to whoever comes back to it.
      await page.locator('[data-field=website] [data-live]').waitFor();
      await keys.press('Shift+Tab');
      await awaitFocus(page, '#website[aria-invalid=true]');
      await page.keyboard.press('ControlOrMeta+a');
      await page.keyboard.type(website);
      await page.locator('[data-save-state=saved]').waitFor();
      await keys.told('[data-spoken]', /saved/i);
      await keys.press('Enter');
      await page.waitForURL(/done=saved/);
      await keys.told('#done', /saved/i);

      await keys.go('.site-subnav a[href="/admin/review"]', /\/admin\/review$/);
      t.match(await page.locator('main').textContent(), website);
      await keys.skip();
      await keys.go('main a[href="/admin/publish"]', /\/admin\/publish$/);
      await keys.skip();
      await keys.reach('#message');
      await page.keyboard.type('Letterbird has a new address.');
      await keys.reach('form[action="/admin/publish/check"] button[type=submit]');
      await keys.press('Enter');
      const publish = 'form[action="/admin/publish"] button';
      await page.locator(publish).waitFor();
      await keys.skip();
      await keys.reach(publish);
      await keys.press('Enter');
      await page.waitForURL(new RegExp(`/admin/versions/${version}\\b`));
      await keys.told('#done', /published/i);

      await keys.go('.site-nav a[href="/admin"]', /\/admin$/);
      t.match(await page.locator('main').textContent(), new RegExp(`Version ${version}, since`), 'it is in force');
      await keys.reach('.site-name a');
      await keys.press('Enter');
      await page.waitForURL(`${base}/`);
      t.match(await page.locator('main').innerHTML(), website, 'for everybody');
      await page.goBack();
      await keys.reach('.site-actions button');
      await keys.press('Enter');
      await page.waitForURL(/\/admin\/sign-in/);
      await keys.told('[role=status]', /signed out/i);
      t.same(faults, [], 'the browser has nothing to complain about');
      await page.context().close();
    }
  },
);

/** Hands on the keyboard: wherever they lead the focus it can be seen, and comes after where it was. */
function keyboardOf(t: Test, page: Page, where: string) {
  const look = async (key: string) => {
    const { faults, name } = await page.evaluate(focused, key);
    t.same(faults, [], `${where}: ${name || 'the focus'}, by ${key}`);
  };
  const press = async (key: string) => {
    await page.keyboard.press(key);
    if (key.endsWith('Tab')) await look(key);
  };
  const reach = async (selector: string) => {
    for (let step = 0; step < 80; step += 1) {
      if ((await page.locator(`${selector}:focus`).count()) > 0) return;
      await press('Tab');
    }
    throw new Error(`the keyboard does not lead to ${selector}`);
  };
  return {
    press,
    reach,
    /** To a link, and along it. */
    async go(selector: string, url: RegExp) {
      await reach(selector);
      await page.keyboard.press('Enter');
      await page.waitForURL(url);
    },
    /** Over the navigation: the first stop of a page leads to its content. */
    async skip() {
      await press('Tab');
      await awaitFocus(page, '.skip-link');
      await page.keyboard.press('Enter');
      await awaitFocus(page, '#content');
    },
    /** What a screen reader says by itself: a live region with those words. */
    async told(selector: string, words: RegExp) {
      const region = page.locator(selector).first();
      await region.filter({ hasText: words }).waitFor({ state: 'attached' });
      t.equal(await region.getAttribute('role'), 'status', `${where}: ${words} is announced`);
    },
  };
}

/** Runs in the page: what is wrong with where the focus is, for somebody who sees it and pressed that key. */
function focused(key: string): { name: string; faults: string[] } {
  const element = document.activeElement;
  if (!(element instanceof HTMLElement) || element === document.body)
    return { name: '', faults: ['the focus is lost'] };
  const faults: string[] = [];
  const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
  const ring = (outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 1) || boxShadow !== 'none';
  if (!ring) faults.push('nothing shows that it has the focus');
  const box = element.getBoundingClientRect();
  const [x, y] = [box.left + box.width / 2, box.top + Math.min(box.height, 20) / 2];
  const seen = document.elementFromPoint(x, y);
  const label = element.closest('label');
  const own = seen !== null && (element.contains(seen) || seen.contains(element) || label?.contains(seen) === true);
  if (box.width < 1 || !own) faults.push(`it cannot be seen: ${seen?.outerHTML.slice(0, 80) ?? 'outside the window'}`);
  const before = document.querySelector('[data-was-focused]');
  if (before !== null && before !== element && before.isConnected) {
    const wanted = key === 'Tab' ? Node.DOCUMENT_POSITION_FOLLOWING : Node.DOCUMENT_POSITION_PRECEDING;
    if ((before.compareDocumentPosition(element) & wanted) === 0) faults.push('it is out of order');
  }
  before?.removeAttribute('data-was-focused');
  element.setAttribute('data-was-focused', '');
  const name = element.id || element.textContent?.trim().slice(0, 40) || element.tagName;
  return { name, faults };
}
