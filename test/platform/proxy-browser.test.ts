/// <reference lib="dom" />
import { once } from 'node:events';
import { request as forward } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { BrowserContext } from 'playwright-core';
import t, { type Test } from 'tap';
import { fillSignIn } from '../admin/browser.js';
import { addAdmin } from '../admin/support.js';
import { makeCertificate } from '../mail/certificate.js';
import { listYaml, newVendor, publishList } from '../pages/support.js';
import { startApp } from '../support/app.js';
import { browserMissing, startBrowser } from '../support/browser.js';
import { freePort } from '../support/process.js';

// A browser on a busy machine.
t.setTimeout(170_000);

const path = '/trust';

/** A reverse proxy that speaks TLS outside: our service below a path, and another site everywhere else. */
async function startProxy(t: Test, tls: { key: string; cert: string }, inner: number, strips: boolean) {
  const strayed: string[] = [];
  const server = createServer(tls, (request, response) => {
    const { url = '/', method, headers } = request;
    if (url !== path && !url.startsWith(`${path}/`) && !url.startsWith(`${path}?`)) {
      // What every browser asks for by itself.
      if (url !== '/favicon.ico') strayed.push(`${method} ${url}`);
      return void response.writeHead(404).end('another site');
    }
    const onward = forward(
      {
        host: '127.0.0.1',
        port: inner,
        method,
        path: strips ? url.slice(path.length).replace(/^(?!\/)/, '/') : url,
        headers: { ...headers, host: 'inner.internal', 'x-forwarded-for': '203.0.113.7', 'x-forwarded-proto': 'https' },
      },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    onward.on('error', () => response.writeHead(502).end());
    request.pipe(onward);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { base: `https://127.0.0.1:${port}${path}`, strayed };
}

/** Follows every link of ours from a page on, pictures and scripts too; how many addresses there are. */
async function crawl(t: Test, { request }: BrowserContext, base: string): Promise<number> {
  const known = new Set([`${base}/`]);
  for (const address of known) {
    const answer = await request.get(address, { maxRedirects: 0 });
    const { location } = answer.headers();
    if (location !== undefined) t.ok(location.startsWith(`${base}/`), `${address} leads to ${location}`);
    else if (answer.status() !== 200) t.fail(`${address}: ${answer.status()}`);
    if (!(answer.headers()['content-type'] ?? '').startsWith('text/html')) continue;
    const markup = await answer.text();
    for (const [, found = ''] of markup.matchAll(/ (?:href|src|srcset|action)="([^"]*)"/g)) {
      const link = new URL(found.replaceAll('&amp;', '&'), address);
      link.hash = '';
      if (!['http:', 'https:'].includes(link.protocol) || !/^(https?:\/\/127\.0\.0\.1|\/|#|\?|[^:]*$)/.test(found))
        continue;
      if (!link.href.startsWith(base)) t.fail(`${address} names ${found}`);
      // One language and one page of each sort are enough, and the forms come by hand.
      if (/[?&](lang|q|country|service|category|optional)=|\/(admin|api)\b/.test(link.href)) continue;
      known.add(link.href);
    }
  }
  return known.size;
}

for (const strips of [false, true]) {
  t.test(
    `below a path, behind a proxy that ${strips ? 'strips' : 'keeps'} it: links, files, redirects, forms and cookies`,
    { skip: browserMissing() },
    async (t) => {
      const tls = await makeCertificate(t, 'IP:127.0.0.1');
      if (tls === null) return;
      const inner = await freePort();
      const { base, strayed } = await startProxy(t, tls, inner, strips);
      const env = { PUBLIC_URL: base, TRUST_PROXY: '127.0.0.1', EMBED_ORIGINS: '*' };
      const app = await startApp(t, { env });
      await app.http.listen({ port: inner, host: '127.0.0.1' });
      await publishList(app, listYaml());
      app.clock.advance({ days: 1 });
      await publishList(app, listYaml(newVendor));
      app.deps.kept.markStale();
      const anna = await addAdmin(app, 'anna@example.org', 'admin');

      const browser = await startBrowser(t);
      const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: 'en' });
      const page = await context.newPage();
      const faults: string[] = [];
      page.on('console', (message) => {
        if (message.type() === 'error') faults.push(message.text());
      });
      t.ok((await crawl(t, context, base)) > 15, 'every public page and file');

      for (const [from, to] of [
        ['/feed', '/feed.atom'],
        ['/compare?from=1&to=2', '/compare/1...2'],
        ['/admin', '/admin/sign-in'],
      ]) {
        const { location = '' } = (await context.request.get(base + from, { maxRedirects: 0 })).headers();
        t.ok(new URL(location, base).href.startsWith(base + to), `${from} leads to ${location}`);
      }

      await page.goto(base);
      t.match(await page.locator('h1').textContent(), 'Sub-processors');
      await page.getByRole('link', { name: 'All versions' }).first().click();
      await page.getByLabel('From').selectOption('2');
      await page.getByLabel('To').selectOption('1');
      await page.getByRole('button', { name: 'Compare' }).click();
      await page.waitForURL(`${base}/compare/2...1`);

      await page.goto(`${base}/?lang=de`);
      await page.locator('#subscribe-email').fill('ann@example.org');
      await page.locator('.call-form button').click();
      await page.waitForURL(`${base}/subscribe?lang=de`);
      const cookies = await context.cookies();
      t.match(cookies, [{ name: '__Host-browser', path: '/', secure: true, httpOnly: true }]);
      await app.settle();
      const mailed = async (kind: string) => {
        const links = (await app.relay.mailTo('ann@example.org').at(-1)?.links()) ?? [];
        for (const link of links) t.ok(link.startsWith(base), `mail: ${link}`);
        return links.find((link) => link.startsWith(`${base}/${kind}/`)) ?? '';
      };
      // This browser sent the form, which its cookie shows: the link alone confirms.
      await page.goto(await mailed('confirm'));
      await app.settle();
      await page.goto(await mailed('preferences'));
      await page.getByRole('button').first().click();
      await page.waitForURL(`${base}/preferences/**`);
      await page.goto(await mailed('unsubscribe'));
      await page.locator('main button[type=submit]').click();
      await page.waitForURL(`${base}/unsubscribe/**`);

      await page.goto(`${base}/admin/subscribers`);
      await page.waitForURL(`${base}/admin/sign-in?next=**`);
      await fillSignIn(page, anna.email);
      await page.waitForURL(`${base}/admin/subscribers`);
      for (const link of await page
        .locator('.site-nav a')
        .evaluateAll((links) => links.map((link) => link.getAttribute('href') ?? ''))) {
        t.ok(link.startsWith(`${path}/`), link);
      }
      await page.locator('.site-actions button').click();
      await page.waitForURL((url) => url.href.startsWith(`${base}/`) && !url.pathname.endsWith('/subscribers'));
      t.notOk(
        (await context.cookies()).some(({ name }) => name.endsWith('session')),
        'signed out',
      );

      await page.goto(`${base}/embed?part=vendors`);
      t.match(await page.locator('main').textContent(), 'Nordwind');
      t.same(faults, [], 'nothing is missing, nothing is refused');
      t.same(strayed, [], 'nothing is asked of the site around it');
      await context.close();
    },
  );
}
