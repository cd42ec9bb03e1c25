/// <reference lib="dom" />
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { listYaml, newVendor, publishList, sendForm } from '../pages/support.js';
import { startApp } from '../support/app.js';
import { accessibilityFaults, browserMissing, openPage, startBrowser } from '../support/browser.js';
import { freePort, temporaryFolder } from '../support/process.js';
import { aFont, aPng } from './files.js';

// A browser on a busy machine.
t.setTimeout(170_000);

const svg =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 30"><style>.a{fill:#5b2a86}</style><path class="a" d="M0 0h120v30H0z"/><script>alert(1)</script></svg>';

t.test(
  'logo, colours and font of the settings are on every page, and can be read',
  { skip: browserMissing() },
  async (t) => {
    const folder = temporaryFolder(t);
    const file = (name: string, body: string | Buffer) => {
      writeFileSync(join(folder, name), body);
      return join(folder, name);
    };
    const port = await freePort();
    const base = `http://127.0.0.1:${port}/trust`;
    const env = {
      PUBLIC_URL: base,
      COMPANY_NAME: 'Brightwave & Sons',
      LOGO_FILE: file('logo.svg', svg),
      LOGO_DARK_FILE: file('dark.png', aPng(480, 120)),
      BRAND_COLOR: '#5b2a86',
      FONT_STACK: 'geometric',
      EMBED_ORIGINS: '*',
    };
    const app = await startApp(t, { env });
    await app.http.listen({ port, host: '127.0.0.1' });
    await publishList(app, listYaml());
    app.clock.advance({ days: 1 });
    await publishList(app, listYaml(newVendor));
    app.deps.kept.markStale();
    const browser = await startBrowser(t);
    const dark = app.deps.config.look.accent?.dark ?? '';
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const width of [360, 1280]) {
        const { page, faults } = await openPage(browser, { width, colorScheme });
        page.on('request', (request) => {
          if (!request.url().startsWith(base)) faults.push(`asks ${request.url()}`);
        });
        for (const path of ['/', '/versions/2', '/compare/1...2', '/subscribe', '/admin/sign-in', '/embed']) {
          await page.goto(base + path);
          const where = `${path} at ${width} in ${colorScheme}`;
          t.same(await accessibilityFaults(page), [], where);
          t.same(faults, [], `${where}: nothing refused, nothing asked of others`);
          if (path === '/embed') continue;
          const logo = page.getByRole('img', { name: 'Brightwave & Sons' });
          const shown = await logo.evaluate((image) => {
            const { currentSrc, naturalWidth } = image instanceof HTMLImageElement ? image : new Image();
            const { width, height } = image.getBoundingClientRect();
            return { currentSrc, naturalWidth, width, height };
          });
          t.match(
            shown.currentSrc,
            colorScheme === 'light' ? /logo\.[0-9a-f]{12}\.svg$/ : /logo-dark\.[0-9a-f]{12}\.png$/,
          );
          t.ok(shown.naturalWidth > 0, `${where}: it is drawn`);
          t.ok(
            Math.abs(shown.width / shown.height - 4) < 0.1 && shown.height <= 40,
            `${where}: in its shape (${shown.width} × ${shown.height})`,
          );
          t.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width, where);
        }
        await page.goto(`${base}/`);
        const look = await page.evaluate(() => {
          const accent = getComputedStyle(document.documentElement).getPropertyValue('--accent').trim();
          return {
            accent,
            text: getComputedStyle(document.body).fontFamily,
            title: getComputedStyle(document.querySelector('h1') ?? document.body).fontFamily,
          };
        });
        t.equal(look.accent, colorScheme === 'light' ? '#5b2a86' : dark);
        t.match(look.text, /^Avenir/);
        t.equal(look.title, look.text);
        if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/look-${width}-${colorScheme}.png` });
        await page.emulateMedia({ media: 'print' });
        t.equal(
          await page.evaluate(() => getComputedStyle(document.documentElement).getPropertyValue('--accent').trim()),
          '#000000',
          'paper stays black',
        );
        await page.context().close();
      }
    }
    const logo = /\/trust(\/assets\/logo\.[0-9a-f]{12}\.svg)/.exec((await app.inject('/')).body)?.[1] ?? '';
    const sent = await app.inject(logo);
    t.match(sent.headers, { 'content-type': 'image/svg+xml', 'cache-control': /immutable/ });
    t.notMatch(sent.body, 'script');

    await sendForm(app, '/subscribe', { email: 'ann@example.org' });
    await app.settle();
    const html = (await app.relay.mailTo('ann@example.org')[0]?.parse())?.html || '';
    t.match(html, /#5b2a86/, 'mail has the colour');
    t.match(html, dark, 'and its tone for dark');
    t.match(html, 'Brightwave &amp; Sons', 'and the name');
    t.notMatch(html, /<img|14576b|8accdf/);
  },
);

t.test('a font of the settings is asked for first and never makes text jump', async (t) => {
  const folder = temporaryFolder(t);
  for (const [name, body] of [
    ['r.woff2', aFont()],
    ['b.woff2', aFont({ variable: true })],
  ] as const) {
    writeFileSync(join(folder, name), body);
  }
  const app = await startApp(t, {
    env: { FONT_FILE: join(folder, 'r.woff2'), FONT_BOLD_FILE: join(folder, 'b.woff2') },
  });
  const { body } = await app.inject('/');
  const [regular = '', bold = ''] = [...body.matchAll(/<link rel="preload" href="([^"]+)" as="font"/g)].map(
    ([, path]) => path,
  );
  t.match(regular, /^\/assets\/font\.[0-9a-f]{12}\.woff2$/);
  t.match(bold, /^\/assets\/font-bold\.[0-9a-f]{12}\.woff2$/);
  t.match((await app.inject(regular)).headers, { 'content-type': 'font/woff2', 'cache-control': /immutable/ });
  const style = /href="(\/assets\/style\.[^"]+)"/.exec(body)?.[1] ?? '';
  const css = (await app.inject(style)).body;
  t.match(
    css,
    `src: url("${regular.replace('/assets/', '')}") format("woff2"); font-weight: 400; font-display: optional;`,
  );
  t.match(css, `src: url("${bold.replace('/assets/', '')}") format("woff2"); font-weight: 600 900;`);
});
