/// <reference lib="dom" />
import type { Browser, Page } from 'playwright-core';
import t from 'tap';
import { systemActor } from '../../src/actor.js';
import { readListValue } from '../../src/list/read.js';
import { replaceDraft } from '../../src/versions/draft.js';
import { publish } from '../../src/versions/publish.js';
import { startApp, type TestAppOptions } from '../support/app.js';
import { accessibilityFaults, browserMissing, openPage, startBrowser, type View } from '../support/browser.js';
import { freePort } from '../support/process.js';
import { listYaml, newVendor, publishList, sendForm } from './support.js';

const skip = browserMissing();

// A browser on a busy machine.
t.setTimeout(170_000);

/** The app behind a real port, which is also its PUBLIC_URL. */
async function listen(t: Tap, options: TestAppOptions = {}) {
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const app = await startApp(t, { ...options, env: { PUBLIC_URL: base, ...options.env } });
  await app.http.listen({ port, host: '127.0.0.1' });
  return { app, base };
}
type Tap = Parameters<typeof startApp>[0];

const views: readonly View[] = [
  { width: 320, colorScheme: 'dark' },
  { width: 360, colorScheme: 'light' },
  { width: 1280, colorScheme: 'light' },
];

/** Opens a page and notes whatever it asks of others, and whatever the browser complains about. */
async function open(browser: Browser, url: string, view: View): Promise<{ page: Page; faults: string[] }> {
  // A page that says 404 is noted by the browser as such.
  const { page, faults } = await openPage(browser, view, /404/);
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== new URL(url).origin) faults.push(`asks ${request.url()}`);
  });
  await page.goto(url);
  return { page, faults };
}

t.test('a keyboard gets past the navigation, and to the form that compares', { skip }, async (t) => {
  const browser = await startBrowser(t);
  const { app, base } = await listen(t);
  await publishList(app, listYaml());
  await publishList(app, listYaml(newVendor));
  const { page } = await open(browser, `${base}/versions`, { width: 1280, colorScheme: 'light' });
  await page.keyboard.press('Tab');
  t.equal(await page.evaluate(() => document.activeElement?.textContent), 'Skip to content');
  t.ok(await page.locator('.skip-link').evaluate((link) => link.getBoundingClientRect().top >= 0), 'it can be seen');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  t.equal(await page.evaluate(() => document.activeElement?.textContent), 'Version 2');
  await page.getByLabel('From').selectOption('2');
  await page.getByLabel('To').selectOption('1');
  await page.getByRole('button', { name: 'Compare' }).click();
  await page.waitForURL(`${base}/compare/2...1`);
  t.equal(await page.getByRole('heading', { level: 1 }).textContent(), 'From version 2 to version 1');
});

t.test('on a phone a table is still a table to who cannot see it', { skip }, async (t) => {
  const browser = await startBrowser(t);
  const { app, base } = await listen(t);
  await publishList(app, listYaml());
  const { page } = await open(browser, `${base}/`, { width: 320, colorScheme: 'light' });
  const table = page.getByRole('table');
  t.equal(await table.count(), 1);
  t.equal(await table.getByRole('rowheader', { name: 'email address' }).count(), 1);
  t.equal(await table.getByRole('columnheader', { name: 'Retention period' }).count(), 1);
  t.equal(await table.getByRole('cell', { name: '2 years' }).count(), 1);
});

// Case 21 of the collected faults: names that some stage would take for markup.
const dangerous = [
  'Less <$100 & "Co"',
  '&lt;b&gt;Bold&lt;/b&gt;',
  '</mj-text></mj-column>',
  '{{unsubscribe}}',
  '<%= 1 %>',
  ']]>',
  "O'Neil </script><script>alert(1)</script>",
  'شركة <b>أمثلة</b>',
  '示例 & 子公司',
  '$& $1 {name}',
];
const harmless = dangerous.map((_, index) => `Vendor ${index}`);

function namedList(names: readonly string[], introduction: string) {
  return readListValue({
    title: `List of ${names[0]}`,
    introduction,
    services: names.map((name, index) => ({ id: `s${index}`, name })),
    statements: names.map((text, index) => ({ id: `t${index}`, text })),
    dataSubjects: [
      {
        id: 'members',
        name: names[1] ?? '',
        description: names[2] ?? '',
        dataCategories: names.map((name, index) => ({
          id: `c${index}`,
          name,
          purpose: name,
          description: name,
          example: name,
          legalBasis: name,
          source: name,
          retention: name,
        })),
      },
    ],
    subProcessors: names.map((name, index) => ({
      id: `v${index}`,
      name,
      address: name,
      country: 'DE',
      product: name,
      group: name,
      condition: name,
      contact: name,
      notes: name,
      legalName: name,
      duration: name,
      links: [{ label: name, url: 'https://vendor.example/?a=1&b="2"\'<' }],
      purposes: [name],
      dataLocations: [name],
      securityMeasures: [name],
      transferMechanisms: [name],
      services: [`s${index}`],
      dataCategories: { members: [`c${index}`] },
    })),
  });
}

/** The skeleton of a page: elements and attribute names, without texts. */
function skeletonOf(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll('*')].map(
      (element) => `${element.tagName} ${[...element.attributes].map(({ name }) => name).join(' ')}`,
    ),
  );
}

t.test(
  'names that look like markup stand letter for letter, and change no element of any page',
  { skip },
  async (t) => {
    const browser = await startBrowser(t);
    const view: View = { width: 1280, colorScheme: 'light' };
    const urls = ['/', '/versions', '/versions/2', '/compare/1...2', '/embed', '/embed?part=vendors'];
    const skeletons: Record<string, string[][]> = {};
    for (const names of [harmless, dangerous]) {
      const { app, base } = await listen(t, { env: { COMPANY_NAME: names[0] ?? '', EMBED_ORIGINS: '*' } });
      const first = namedList(names.slice(0, 3), 'Text.');
      await replaceDraft(app.deps, { document: first, source: null }, {}, systemActor);
      await publish(app.deps, {}, systemActor);
      app.clock.advance({ days: 1 });
      await replaceDraft(app.deps, { document: namedList(names, 'Text.'), source: null }, {}, systemActor);
      await publish(app.deps, { message: names.join('\n\n') }, systemActor);
      app.deps.kept.markStale();
      for (const url of urls) {
        const { page, faults } = await open(browser, base + url, view);
        t.same(faults, [], `${url}: nothing runs, nothing is loaded`);
        skeletons[url] = [...(skeletons[url] ?? []), await skeletonOf(page)];
        const text = (await page.locator('body').textContent()) ?? '';
        // A comparison shows what was not there before, a table of the vendors those that are there.
        const parts: Record<string, string[]> = {
          '/versions': [],
          '/compare/1...2': names.slice(3),
          '/embed?part=vendors': names.slice(0, 3),
        };
        const shown = parts[url] ?? names;
        for (const name of shown) t.ok(text.includes(name), `${url} shows ${name}`);
        t.same(
          await page
            .locator('a')
            .evaluateAll((links) =>
              links
                .map((link) => link.getAttribute('href') ?? '')
                .filter((href) => !/^(https?:|mailto:|\/|#)/.test(href)),
            ),
          [],
        );
        await page.context().close();
      }
      // A feed reader takes the entry's content as a document of its own.
      const { page } = await open(browser, `${base}/feed.json`, view);
      const { items } = (await app.inject('/feed.json')).json();
      const content = await page.evaluate((markup) => {
        const { body } = new DOMParser().parseFromString(markup, 'text/html');
        return {
          text: body.textContent ?? '',
          elements: [...body.querySelectorAll('*')].map(({ tagName }) => tagName),
        };
      }, items[0].content_html);
      for (const name of names.slice(3)) t.ok(content.text.includes(name), `the feed shows ${name}`);
      const atom = await page.evaluate(
        (xml) => {
          const parsed = new DOMParser().parseFromString(xml, 'application/xml');
          return {
            broken: parsed.querySelector('parsererror')?.textContent ?? null,
            content: parsed.querySelector('entry > content')?.textContent ?? '',
            author: parsed.querySelector('feed > author > name')?.textContent ?? '',
            entries: parsed.querySelectorAll('entry').length,
          };
        },
        (await app.inject('/feed.atom')).body,
      );
      t.equal(atom.broken, null, 'the Atom feed is well-formed');
      t.equal(atom.entries, 2);
      t.equal(atom.author, names[0]);
      t.equal(atom.content.trim(), items[0].content_html.trim(), 'and says what the JSON feed says');
      skeletons['/feed.json'] = [...(skeletons['/feed.json'] ?? []), content.elements];
    }
    for (const [url, [plain, strange]] of Object.entries(skeletons)) t.same(strange, plain, `${url} is built alike`);
  },
);

t.test('the introduction is Markdown, and can neither run nor load nor lead astray', { skip }, async (t) => {
  const browser = await startBrowser(t);
  const { app, base } = await listen(t);
  const introduction = [
    '### Three',
    '# One',
    '<img src=x onerror=alert(1)> <b>raw</b>',
    '[bad](javascript:alert(1)) [odd](jaVasCript:x) [tab](java&#9;script:x) [data](data:text/html,x) [there](//evil.example)',
    '![picture](https://evil.example/p.png)',
    '[good](https://example.org/a?b=c&d=e) [mail](mailto:privacy@example.org) **strong**',
  ].join('\n\n');
  await replaceDraft(
    app.deps,
    { document: namedList(harmless.slice(0, 3), introduction), source: null },
    {},
    systemActor,
  );
  await publish(app.deps, {}, systemActor);
  const { page, faults } = await open(browser, `${base}/`, { width: 1280, colorScheme: 'light' });
  t.same(faults, []);
  const found = await page.locator('.introduction').evaluate((part) => ({
    elements: [...part.querySelectorAll('*')].map(({ tagName }) => tagName),
    links: [...part.querySelectorAll('a')].map((link) => [link.getAttribute('href'), link.getAttribute('rel')]),
    text: part.textContent ?? '',
  }));
  t.same(new Set(found.elements), new Set(['H3', 'H2', 'P', 'A', 'STRONG']));
  t.same(found.links, [
    ['https://evil.example/p.png', 'noopener'],
    ['https://example.org/a?b=c&d=e', 'noopener'],
    ['mailto:privacy@example.org', 'noopener'],
  ]);
  t.match(found.text, '<img src=x onerror=alert(1)>');
});

t.test(
  'the built-in mailbox shows a mail in a frame that runs and loads nothing, and its links open on top',
  { skip },
  async (t) => {
    const browser = await startBrowser(t);
    const { app, base } = await listen(t, { smtp: 'mailbox' });
    await publishList(app, listYaml());
    const view: View = { width: 1280, colorScheme: 'light' };
    const before = await open(browser, `${base}/dev/mailbox`, view);
    t.same(await accessibilityFaults(before.page), []);
    t.match(await before.page.locator('main').textContent(), 'No mail yet.');

    await sendForm(app, '/subscribe', { email: 'new@example.org' });
    await app.settle();
    const { page, faults } = await open(browser, `${base}/dev/mailbox`, view);
    await page.getByRole('row').nth(1).getByRole('link').click();
    t.match(await page.locator('main').textContent(), 'new@example.org');
    t.match(await page.locator('.mail-text').textContent(), `${base}/confirm/`);
    const frame = page.frameLocator('iframe');
    const link = frame.locator(`a[href^="${base}/confirm/"]`).first();
    const address = await link.getAttribute('href');
    t.same(faults, [], 'nothing of it is refused, so nothing of it looks broken');
    await link.click();
    await page.waitForURL(`${base}/confirm/**`);
    t.equal(page.url().split('?')[0], address, 'the page itself went there');

    for (const small of views) {
      for (const path of ['/dev/mailbox', '/dev/mailbox/00000001']) {
        const shown = await open(browser, base + path, small);
        t.same(await accessibilityFaults(shown.page), [], `${path} at ${small.width}`);
        t.ok((await shown.page.evaluate(() => document.documentElement.scrollWidth)) <= small.width);
        await shown.page.context().close();
      }
    }
    const inside = await app.inject('/dev/mailbox/00000001/html');
    t.match(inside.headers['content-security-policy'], /default-src 'none'.*sandbox/);
    t.notMatch(inside.headers['content-security-policy'], 'allow-scripts');
    for (const path of [
      '/dev/mailbox/9',
      '/dev/mailbox/99999999',
      '/dev/mailbox/99999999/html',
      '/dev/mailbox/..%2f..',
    ]) {
      t.equal((await app.inject(path)).statusCode, 404, path);
    }
  },
);

t.test('where a relay sends the mail there is no mailbox', async (t) => {
  const app = await startApp(t);
  t.equal((await app.inject('/dev/mailbox')).statusCode, 404);
});
