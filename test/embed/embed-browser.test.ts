/// <reference lib="dom" />
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { contrast, readColour } from '../../src/colour.js';
import { listYaml, newVendor, publishList } from '../pages/support.js';
import { startApp } from '../support/app.js';
import { accessibilityFaults, browserMissing, openPage, startBrowser, type View } from '../support/browser.js';
import { freePort } from '../support/process.js';

const skip = browserMissing();

// A browser on a busy machine.
t.setTimeout(170_000);

/** What a careful company's page allows: our address, nothing inline, no markup from scripts. */
function strict(base: string): string {
  return [
    "default-src 'none'",
    `script-src ${base}`,
    `connect-src ${base}`,
    `frame-src ${base}`,
    "style-src 'self'",
    "img-src 'self'",
    "base-uri 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
}

const hostCss = {
  light: 'body { font: 18px "Liberation Serif", serif; color: #223311; background: #f4f9ee; }',
  dark: 'body { font: 16px "Liberation Mono", monospace; color: #f2e9da; background: #2a1038; } a { color: #ffd0ff; }',
};

/** A page of somebody else, on an origin of its own. */
async function startHost(t: Test, base: string) {
  let page = { body: '', css: '' };
  const server = createServer((request, response) => {
    if (request.url === '/host.css') return response.setHeader('content-type', 'text/css').end(page.css);
    if (request.url === '/favicon.ico') return response.writeHead(204).end();
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.setHeader('content-security-policy', strict(base));
    return response.end(
      `<!doctype html><html lang="en"><head><title>Trust</title><link rel="stylesheet" href="/host.css"></head><body><main><h1>Trust</h1>${page.body}</main></body></html>`,
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => new Promise((done) => server.close(done)));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    show(body: string, css = hostCss.light) {
      page = { body, css };
    },
  };
}

async function open(t: Test) {
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const app = await startApp(t, { env: { PUBLIC_URL: base, EMBED_ORIGINS: '*' } });
  await app.http.listen({ port, host: '127.0.0.1' });
  await publishList(app, listYaml());
  app.clock.advance({ days: 1 });
  await publishList(app, listYaml(newVendor), { message: 'A second supplier of mail.' });
  app.deps.kept.markStale();
  return { app, base, host: await startHost(t, base), browser: await startBrowser(t) };
}

const wide: View = { width: 1280, colorScheme: 'light' };

async function visit(browser: Browser, url: string, view = wide): Promise<{ page: Page; faults: string[] }> {
  const { page, faults } = await openPage(browser, view);
  page.on('response', (response) => {
    if (response.headers()['set-cookie'] !== undefined) faults.push(`a cookie from ${response.url()}`);
  });
  await page.goto(url);
  return { page, faults };
}

/** The contrast of an element's text with the ground that is under it. */
async function contrastOf(page: Page, selector: string): Promise<number> {
  const colours = await page
    .locator(selector)
    .evaluate((element) => [getComputedStyle(element).color, getComputedStyle(document.body).backgroundColor]);
  const [one = '#000', other = '#000'] = colours.map((color) => {
    const channels = (color.match(/\d+/g) ?? []).map((channel) => Number(channel).toString(16).padStart(2, '0'));
    return readColour(channels.join('')) ?? '#000000';
  });
  return contrast(readColour(one) ?? '#000000', readColour(other) ?? '#000000');
}

t.test('the script puts the list into a strict page, in its font and colours, light and dark', { skip }, async (t) => {
  const { app, base, host, browser } = await open(t);
  const body = `<div id="list"><a href="${base}/">Our sub-processors</a></div>
    <script src="${base}/embed.js" data-into="list"></script>
    <p>Below</p><script src="${base}/embed.js" data-part="vendors" data-lang="de"></script>
    <script src="${base}/embed.js" data-part="subscribe" async></script>`;
  for (const [scheme, css] of Object.entries(hostCss)) {
    for (const width of [360, 1280]) {
      host.show(body, css);
      const { page, faults } = await visit(browser, host.url, {
        width,
        colorScheme: scheme === 'dark' ? 'dark' : 'light',
      });
      const where = `${scheme} at ${width}`;
      await page.getByRole('heading', { name: 'Nordwind Hosting GmbH' }).waitFor();
      await page.getByRole('link', { name: 'Get notified' }).last().waitFor();
      await page.getByText('Letterbird, Inc.').first().waitFor();
      t.same(faults, [], `${where}: nothing is refused, no cookie is set`);
      t.equal(await page.locator('#list > a').count(), 0, 'the link is replaced');
      await page.getByText('Zweck').first().waitFor({ state: 'attached' });
      const look = await page
        .getByText('Hosting', { exact: true })
        .first()
        .evaluate((element) => {
          const { color, fontFamily } = getComputedStyle(element);
          return { color, fontFamily };
        });
      const expected = await page.locator('body').evaluate((element) => {
        const { color, fontFamily } = getComputedStyle(element);
        return { color, fontFamily };
      });
      t.same(look, expected, `${where}: font and colour are those of the page`);
      t.same(await accessibilityFaults(page), [], `${where}: axe`);
      const shown = await page.evaluate(() => document.documentElement.scrollWidth);
      t.ok(shown <= width, `${where}: no sideways scrolling (${shown})`);
      if (process.env.SHOTS)
        await page.screenshot({ path: `${process.env.SHOTS}/embed-${width}-${scheme}.png`, fullPage: true });
      await page.context().close();
    }
  }
  t.test('a link to what is shown stays in the page, every other one leads to ours', async (t) => {
    host.show(`<script src="${base}/embed.js" data-lang="de"></script>`);
    const { page } = await visit(browser, host.url);
    const category = page.getByRole('link', { name: 'email address' }).first();
    t.equal(await category.getAttribute('href'), `${base}/?lang=de#data-category-members-email-address`);
    await category.click();
    t.equal(page.url(), host.url);
    t.equal(
      await page.evaluate(() => document.querySelector('main > div > div')?.shadowRoot?.activeElement?.id),
      'data-category-members-email-address',
    );
    await page.getByRole('link', { name: 'Alle Versionen' }).click();
    await page.waitForURL(`${base}/versions?lang=de`);
  });
  t.test('the link stands where the script cannot run or the service is away', async (t) => {
    host.show(body);
    const still = await openPage(browser, { ...wide, javaScriptEnabled: false });
    await still.page.goto(host.url);
    t.equal(await still.page.getByRole('link', { name: 'Our sub-processors' }).count(), 1);
    const away = await openPage(browser, wide, /./);
    await away.page.route(`${base}/embed.json*`, (route) => route.abort());
    await away.page.goto(host.url);
    t.equal(await away.page.getByRole('link', { name: 'Our sub-processors' }).count(), 1);
    t.equal(await away.page.getByRole('link', { name: `${base}/` }).count(), 2, 'without one, an address');
  });
  t.test('a name that looks like markup is text', async (t) => {
    await publishList(app, listYaml(`${newVendor}  - name: "<img src=x onerror=alert(1)> </script><b>B"\n`), {
      emergency: true,
      reason: 'At once.',
    });
    app.deps.kept.markStale();
    host.show(`<script src="${base}/embed.js" data-part="announced"></script>`);
    const { page, faults } = await visit(browser, host.url);
    await page.getByText('<img src=x onerror=alert(1)> </script><b>B').first().waitFor();
    t.same(faults, []);
    t.equal(await page.locator('img').count(), 0);
  });
});

t.test(
  'the frame takes font and colours by its address, is as high as its content, and leads out',
  { skip },
  async (t) => {
    const { base, host, browser } = await open(t);
    const address = `${base}/embed?lang=de&amp;font=Liberation%20Serif,serif&amp;color=223311&amp;background=f4f9ee&amp;accent=225588`;
    host.show(`<iframe id="list" title="Liste" width="100%" src="${address}"></iframe>
    <script src="${base}/embed.js" data-for="list"></script>
    <script src="${base}/embed.js" data-as="frame" data-part="vendors"></script>`);
    for (const width of [360, 1280]) {
      const { page, faults } = await visit(browser, host.url, { width, colorScheme: 'light' });
      const frames = page.locator('iframe');
      for (const index of [0, 1]) {
        const inner = frames.nth(index).contentFrame();
        await inner.getByText('Nordwind Hosting GmbH').first().waitFor();
        const frame = await (await frames.nth(index).elementHandle())?.contentFrame();
        // A browser neither draws nor measures a frame that is out of sight.
        await frames.nth(index).scrollIntoViewIfNeeded();
        const fits = frame?.waitForFunction(
          () => document.documentElement.scrollHeight - window.innerHeight <= 2,
          undefined,
          { polling: 50 },
        );
        t.ok(await fits, `frame ${index} at ${width}: as high as its content`);
        t.ok(Number(await frames.nth(index).getAttribute('height')) > 150);
      }
      const look = await frames
        .first()
        .contentFrame()
        .locator('body')
        .evaluate((body) => {
          const { color, backgroundColor, fontFamily } = getComputedStyle(body);
          return { color, backgroundColor, fontFamily };
        });
      t.same(look, {
        color: 'rgb(34, 51, 17)',
        backgroundColor: 'rgb(244, 249, 238)',
        fontFamily: '"Liberation Serif", serif',
      });
      const made = await frames
        .nth(1)
        .contentFrame()
        .locator('body')
        .evaluate((body) => getComputedStyle(body).color);
      t.equal(made, 'rgb(34, 51, 17)', 'what the script makes takes over the look of its place');
      t.equal(await frames.nth(1).getAttribute('title'), 'Sub-processors');
      t.same(faults, []);
      await page.context().close();
    }
    const { page } = await visit(browser, host.url);
    await page.locator('iframe').first().contentFrame().getByRole('link', { name: 'Alle Versionen' }).click();
    await page.waitForURL(`${base}/versions?lang=de`);

    for (const view of [wide, { width: 320, colorScheme: 'dark' } as const]) {
      for (const part of ['all', 'vendors', 'announced', 'subscribe']) {
        const alone = await visit(browser, `${base}/embed?part=${part}`, view);
        t.same(await accessibilityFaults(alone.page), [], `${part} in ${view.colorScheme}: axe`);
        t.same(alone.faults, []);
        t.ok((await alone.page.evaluate(() => document.documentElement.scrollWidth)) <= view.width);
        await alone.page.context().close();
      }
    }
    for (const query of [
      'color=777777&background=888888&accent=999999',
      'color=ffee00&background=ffffff',
      'color=222&background=000&accent=00f',
    ]) {
      const { page } = await visit(browser, `${base}/embed?${query}`);
      t.ok((await contrastOf(page, '.version-line')) >= 4.5, `${query}: text can be read`);
      t.ok((await contrastOf(page, '.actions a >> nth=0')) >= 4.5, `${query}: links can be read`);
      t.same(await accessibilityFaults(page), [], query);
      await page.context().close();
    }
  },
);
