/// <reference lib="dom" />
import { HtmlValidate, StaticConfigLoader } from 'html-validate';
import type { Page } from 'playwright-core';
import t from 'tap';
import { foundingSample } from '../cases/real-lists.js';
import { startApp } from '../support/app.js';
import { browserMissing, openPage, startBrowser } from '../support/browser.js';
import { freePort } from '../support/process.js';
import { openRegister, states } from './register.js';
import { publishList, sendForm } from './support.js';

const skip = browserMissing();
t.setTimeout(170_000);

t.test('every public page is valid HTML, in every state', async (t) => {
  const app = await openRegister(t);
  const empty = await startApp(t);
  const validator = new HtmlValidate(new StaticConfigLoader({ root: true, extends: ['html-validate:standard'] }));
  const faultsOf = (body: string) =>
    validator
      .validateStringSync(body)
      .results.flatMap(({ messages }) => messages)
      .map(({ ruleId, message, line }) => `${ruleId}: ${message}, line ${line}: ${body.split('\n')[line - 1] ?? ''}`);
  for (const url of states) t.same(faultsOf((await app.inject(url)).body), [], url);
  for (const url of ['/', '/versions', '/at/2027-01-20'])
    t.same(faultsOf((await empty.inject(url)).body), [], `empty ${url}`);
  for (const email of ['dpo@customer.example', 'no address']) {
    t.same(faultsOf((await sendForm(app, '/subscribe', { email, company: 'x'.repeat(300) })).body), [], email);
    t.same(faultsOf((await sendForm(app, '/subscribe', { email })).body), [], email);
  }
});

t.test('in a browser', { skip }, async (t) => {
  const browser = await startBrowser(t);
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const app = await openRegister(t, { env: { PUBLIC_URL: base } });
  await app.http.listen({ port, host: '127.0.0.1' });

  await t.test('nothing moves while a page loads, and the first view of it is small', async (t) => {
    for (const width of [360, 1280]) {
      for (const url of ['/', '/?country=US', '/versions/1', '/sub-processors/cloud-mail']) {
        const { page } = await openPage(browser, { width, colorScheme: 'light' });
        let bytes = 0;
        page.on('response', async (response) => {
          bytes += (await response.body()).length;
        });
        await page.goto(base + url, { waitUntil: 'networkidle' });
        t.equal(await shiftsOf(page), 0, `${url} at ${width}: no layout shift`);
        t.ok(bytes < 150_000, `${url} at ${width}: ${bytes} bytes before any compression`);
        await page.context().close();
      }
    }
  });

  await t.test('the first view of the list that all began with is under 100 kB', async (t) => {
    const own = await freePort();
    const sample = await startApp(t, { env: { PUBLIC_URL: `http://127.0.0.1:${own}` } });
    await publishList(sample, JSON.stringify(foundingSample()));
    await sample.http.listen({ port: own, host: '127.0.0.1' });
    const sizes: number[] = [];
    // What is packed is packed beside the first answer, and the second reader gets it.
    for (const isMeasured of [false, true]) {
      const { page } = await openPage(browser, { width: 360, colorScheme: 'light' });
      page.on('requestfinished', async (request) => {
        if (isMeasured) sizes.push((await request.sizes()).responseBodySize);
      });
      await page.goto(`http://127.0.0.1:${own}/`, { waitUntil: 'networkidle' });
      await page.context().close();
    }
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    t.ok(sizes.length >= 3 && bytes > 5_000 && bytes < 100_000, `${bytes} bytes in ${sizes.length} files`);
  });

  await t.test('the list is filtered as one types, and on Enter by the server', async (t) => {
    const { page, faults } = await openPage(browser, { width: 1280, colorScheme: 'light' });
    await page.goto(`${base}/`);
    const seen = () => page.locator('.vendor:visible .vendor-name').allTextContents();
    await page.fill('#filter-q', 'ZURICH host');
    await page.locator('.filter-count', { hasText: '1 of 4 shown' }).waitFor();
    t.same(await seen(), ['Zürich Hosting AG']);
    t.equal(await page.locator('.contents li:visible').count(), 1, 'nor is anything else in the contents');
    t.equal(await page.locator('.group-heading:visible').count(), 1, 'an empty group has no heading');
    await page.fill('#filter-q', '');
    await page.locator('.filter-count:empty').waitFor({ state: 'attached' });
    t.equal((await seen()).length, 4);
    await page.fill('#filter-q', 'mail cloud');
    await page.press('#filter-q', 'Enter');
    await page.waitForURL(/q=mail\+cloud/);
    t.same(await seen(), ['Example Cloud LLC']);
    t.same(faults, []);
  });

  await t.test('without JavaScript everything is there, and a permalink comes with the keyboard', async (t) => {
    const { page } = await openPage(browser, { width: 1280, colorScheme: 'light', javaScriptEnabled: false });
    await page.goto(`${base}/`);
    await page.getByText('Filters', { exact: true }).click();
    await page.getByLabel('Data category').selectOption({ label: 'telephone number (1)' });
    await page.getByRole('button', { name: 'Search' }).click();
    t.same(await page.locator('.vendor-name').allTextContents(), ['Ringwood Telephony']);
    await page.getByRole('link', { name: 'Remove' }).click();
    t.equal(page.url(), `${base}/`);
    const permalink = page.getByRole('link', { name: 'Link to Ringwood Telephony' });
    t.equal(await permalink.evaluate((link) => getComputedStyle(link).opacity), '0');
    await permalink.focus();
    t.equal(await permalink.evaluate((link) => getComputedStyle(link).opacity), '1');
    await page.keyboard.press('Enter');
    t.equal(page.url(), `${base}/#sub-processor-ringwood`);
    await page.getByLabel('E-mail address').fill('dpo@customer.example');
    await page.getByRole('button', { name: 'Subscribe' }).click();
    t.equal(await page.getByRole('heading', { level: 1 }).textContent(), 'Look into your mailbox');
  });

  await t.test('on paper there are no buttons, and what is folded on the screen is open', async (t) => {
    const { page } = await openPage(browser, { width: 1280, colorScheme: 'dark' });
    await page.goto(`${base}/versions/2`);
    await page.emulateMedia({ media: 'print' });
    t.equal(await page.locator('button:visible, input:visible, .permalink:visible, .screen-only:visible').count(), 0);
    t.ok(await page.locator('.proof .hash').first().isVisible(), 'the hash is on paper');
    t.notOk(await page.locator('#compare').isVisible(), 'nor a heading of nothing but a form');
    t.equal(
      await page.locator('body').evaluate((body) => getComputedStyle(body).backgroundColor),
      'rgb(255, 255, 255)',
    );
    t.ok(
      await page
        .locator('.vendor')
        .first()
        .evaluate((vendor) => getComputedStyle(vendor).breakInside === 'avoid'),
    );
  });
});

/** How far things moved by themselves since the page was opened (CLS). */
function shiftsOf(page: Page): Promise<number> {
  return page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        let sum = 0;
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) if ('value' in entry) sum += Number(entry.value);
        }).observe({ type: 'layout-shift', buffered: true });
        requestAnimationFrame(() => setTimeout(() => resolve(sum), 50));
      }),
  );
}
