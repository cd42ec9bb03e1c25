/// <reference lib="dom" />
import { createServer } from 'node:http';
import type { Browser } from 'playwright-core';
import t from 'tap';
import { startApp } from '../support/app.js';
import { accessibilityFaults, browserMissing, openPage, startBrowser } from '../support/browser.js';
import { linkTo, publishList, subscribeAndConfirm } from './support.js';

/*
 * A language that nobody speaks: the English texts in Arabic letters, half as long again, from right to left. What
 * a page or mail takes for granted of English shows in it.
 */

t.setTimeout(170_000);
const skip = browserMissing();

const letters = 'ابتثجحخدذرزسشصضطظعغفقكلمن';
/** Letters for letters, so that no word of a catalogue can hide; placeholders stay. */
function pseudo(english: string): string {
  const made = english
    .split(/(\{\w+\})/)
    .map((piece, at) =>
      at % 2 === 1
        ? piece
        : piece.replace(/[A-Za-z]/g, (letter) => letters.charAt(letter.toLowerCase().charCodeAt(0) - 97) || 'ه'),
    )
    .join('');
  return /\{/.test(english) ? made : `${made}${' سشص'.repeat(Math.ceil(english.length / 12))}`;
}

const list = `title: Sub-processors
introduction: Who helps us, and why.
services: [{ id: community, name: Community }]
statements: [{ id: residency, text: All data stays in the EU. }]
dataSubjects:
  - id: members
    name: Members
    description: Who takes part.
    dataCategories:
      - { id: email-address, name: email address, purpose: Signing in, example: a@b.example, retention: 2 years, legalBasis: Consent, source: Form }
      - { id: photo, name: photo, optional: true, purpose: Profile }
subProcessors:
  - id: nordwind
    name: Nordwind Hosting GmbH
    address: Hafenstraße 1, 20457 Hamburg
    country: DE
    optional: true
    purposes: [Hosting, Backups]
    transferMechanisms: [SCC 2021/914 module 3]
    website: https://nordwind.example/
    dataCategories: { members: [email-address, photo] }
  - id: arabic
    name: شركة الخوادم (ش.م.م.)
    country: AE
    purposes: ["البريد الإلكتروني."]
  - { id: three, name: Three Inc., country: US, purposes: [Sending of e-mail] }
  - { id: four, name: Four Inc., country: US, purposes: [Support] }
`;
const changed = list
  .replace('[Hosting, Backups]', '[Hosting, Monitoring]')
  .replace('All data stays in the EU.', 'All data stays in the EU or the UK.')
  .replace('2 years', '5 years');

async function listen(t: Parameters<typeof startApp>[0]) {
  const app = await startApp(t, { made: { 'ar-XB': pseudo } });
  await publishList(app, list);
  await subscribeAndConfirm(app, 'reader@rtl.example', { locale: 'ar-XB' });
  app.clock.advance({ days: 1 });
  await publishList(app, changed, { message: 'Because of growth.' });
  await app.settle();
  const address = await app.http.listen({ host: '127.0.0.1', port: 0 });
  return { app, base: address };
}

/** What a page does that goes from left to right whatever the language. */
async function faultsOf(browser: Browser, url: string, width: number) {
  const { page, faults } = await openPage(browser, { width, colorScheme: 'light' }, /404/);
  await page.goto(url);
  const found = await page.evaluate(() => {
    const root = document.documentElement;
    const all = [...document.body.querySelectorAll('*')];
    const toTheLeft = all.filter((element) => {
      if (![...element.childNodes].some((node) => node.nodeType === 3 && node.textContent?.trim() !== '')) return false;
      const { textAlign, display } = getComputedStyle(element);
      return display !== 'inline' && /left/.test(textAlign);
    });
    const wide = all.filter((element) => {
      const { right, left, width } = element.getBoundingClientRect();
      if (width <= 1 || element.closest('.table-frame, [tabindex], .visually-hidden, pre') !== null) return false;
      return left < -1 || right > root.clientWidth + 1;
    });
    return {
      dir: root.dir,
      lang: root.lang,
      overflow: root.scrollWidth - root.clientWidth,
      toTheLeft: toTheLeft.slice(0, 5).map((element) => element.outerHTML.slice(0, 120)),
      wide: wide.slice(0, 5).map((element) => element.outerHTML.slice(0, 120)),
      start: Math.round(root.clientWidth - (document.querySelector('h1')?.getBoundingClientRect().right ?? 0)),
    };
  });
  const axe = width === 360 ? await accessibilityFaults(page) : [];
  if (process.env.SHOTS)
    await page.screenshot({
      path: `${process.env.SHOTS}/${new URL(url).pathname.replaceAll(/\W+/g, '-')}-${width}.png`,
      fullPage: true,
    });
  await page.context().close();
  return { ...found, axe, faults };
}

t.test('public pages and forms go from right to left, and fit', { skip }, async (t) => {
  const browser = await startBrowser(t);
  const { app, base } = await listen(t);
  const preferences = await linkTo(app, 'reader@rtl.example', 'preferences');
  const unsubscribe = await linkTo(app, 'reader@rtl.example', 'unsubscribe');
  const objection = await linkTo(app, 'reader@rtl.example', 'objections');
  const paths = [
    '/',
    '/?q=hosting',
    '/versions',
    '/versions/2',
    '/compare/1...2',
    '/at/2027-01-04',
    '/sub-processors/nordwind',
    '/subscribe',
    preferences,
    unsubscribe,
    objection,
    '/nowhere',
  ];
  for (const path of paths) {
    for (const width of [360, 1280]) {
      const url = `${base}${path}${path.includes('?') ? '&' : '?'}lang=ar-XB`;
      const found = await faultsOf(browser, url, width);
      const where = `${path.replace(/[\w-]{20,}/, '…')} at ${width}`;
      t.equal(found.dir, 'rtl', where);
      t.equal(found.lang, 'ar-XB', where);
      t.ok(found.overflow <= 0, `${where}: no sideways scrolling (${found.overflow})`);
      t.same(found.toTheLeft, [], `${where}: nothing is pushed to the left`);
      t.same(found.wide, [], `${where}: nothing sticks out`);
      t.ok(found.start < width / 2, `${where}: begins at the right (${found.start})`);
      t.same(found.axe, [], `${where}: accessible`);
      t.same(found.faults, [], where);
    }
  }
});

t.test('a name in another direction keeps its place on both sides', { skip }, async (t) => {
  const browser = await startBrowser(t);
  const { base } = await listen(t);
  const cases: [string, string][] = [
    ['en', 'شركة الخوادم (ش.م.م.)'],
    ['en', 'البريد الإلكتروني.'],
    ...['Nordwind Hosting GmbH', '2 years', 'SCC 2021/914 module 3', 'Who takes part.', 'Who helps us, and why.'].map(
      (name): [string, string] => ['ar-XB', name],
    ),
    ['ar-XB', 'All data stays in the EU.'],
  ];
  for (const [lang, name] of cases) {
    const { page } = await openPage(browser, { width: 1280, colorScheme: 'light' });
    await page.goto(`${base}/?lang=${lang}`);
    const loose = await page.evaluate((wanted) => {
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      const found: string[] = [];
      let count = 0;
      for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
        const { parentElement } = node;
        if (!node.textContent?.includes(wanted) || parentElement === null) continue;
        count += 1;
        const isIsolated = parentElement.closest('bdi, [dir]:not(html), title, option') !== null;
        const isPlain = getComputedStyle(parentElement).unicodeBidi === 'plaintext';
        if (!isIsolated && !isPlain) found.push(parentElement.outerHTML.slice(0, 120));
      }
      return { count, found };
    }, name);
    t.ok(loose.count > 0, `${lang}: ${name}`);
    t.same(loose.found, [], `${lang}: ${name}`);
    await page.context().close();
  }
});

t.test('a notice goes from right to left in both of its parts', { skip }, async (t) => {
  const browser = await startBrowser(t);
  const { app } = await listen(t);
  const mail = await app.relay.mailTo('reader@rtl.example').at(-1)?.parse();
  const html = String(mail?.html);
  t.match(html, /<html lang="ar-XB" dir="rtl"/);
  t.match(html, '<span dir="auto">Nordwind Hosting GmbH</span>');
  t.match(mail?.text, '\u2068Nordwind Hosting GmbH\u2069', 'isolated in plain text');
  const server = createServer((_, answer) => answer.setHeader('content-type', 'text/html; charset=utf-8').end(html));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  for (const width of [360, 1280]) {
    const { page } = await openPage(browser, { width, colorScheme: 'light' });
    await page.goto(`http://127.0.0.1:${port}/`);
    const found = await page.evaluate(() => ({
      overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      ltr: [...document.querySelectorAll('body *')]
        .filter((element) => getComputedStyle(element).direction === 'ltr' && element.closest('span[dir]') === null)
        .slice(0, 5)
        .map((element) => element.outerHTML.slice(0, 200)),
      left: [...document.querySelectorAll('body *')]
        .filter((element) =>
          [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent?.trim() !== ''),
        )
        .filter((element) => /left/.test(getComputedStyle(element).textAlign))
        .slice(0, 5)
        .map((element) => `${element.outerHTML.slice(0, 100)}`),
    }));
    t.ok(found.overflow <= 0, `${width}: no sideways scrolling (${found.overflow})`);
    t.same(found.left, [], `${width}: nothing is pushed to the left`);
    t.same(found.ltr, [], `${width}: nothing goes from left to right but what is in such letters`);
    if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/mail-${width}.png`, fullPage: true });
    await page.context().close();
  }
});
