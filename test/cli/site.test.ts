/// <reference lib="dom" />
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import t, { type Test } from 'tap';
import { listYaml, newVendor, publishList } from '../pages/support.js';
import { browserMissing, openPage, startBrowser } from '../support/browser.js';
import { freePort } from '../support/process.js';
import { openService } from './support.js';

// A browser on a busy machine.
t.setTimeout(170_000);

/** A service whose pages know where it is, with as many versions as are named: the third is announced. */
async function open(t: Test, { path = '', versions }: { path?: string; versions: number }) {
  const port = await freePort();
  const live = `http://127.0.0.1:${port}${path}`;
  const service = await openService(t, { env: { PUBLIC_URL: live, EMBED_ORIGINS: '*' }, port });
  const sample = readFileSync(new URL('../../samples/sub-processors.yaml', import.meta.url), 'utf8');
  if (versions > 0) await publishList(service.app, listYaml());
  if (versions > 1) await publishList(service.app, listYaml(newVendor), { emergency: true, reason: 'At once.' });
  service.app.clock.advance({ days: 1 });
  if (versions > 2) await publishList(service.app, sample, { message: 'A new list.' });
  service.app.deps.kept.markStale();
  return { ...service, live, site: join(service.folder, 'site') };
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.svg': 'image/svg+xml',
};

/** A web server that knows files and folders and nothing else, with the copy below a path. */
async function serveFiles(t: Test, folder: string) {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '/').replace(/^\/some\/where/, '');
    let file = join(folder, path);
    if (existsSync(file) && statSync(file).isDirectory()) {
      if (!path.endsWith('/')) return response.writeHead(301, { location: `${request.url}/` }).end();
      file = join(file, 'index.html');
    }
    if (!existsSync(file) || !request.url?.startsWith('/some/where')) return response.writeHead(404).end();
    return response
      .setHeader('content-type', types[extname(file)] ?? 'application/octet-stream')
      .end(readFileSync(file));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => new Promise((done) => server.close(done)));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { url: `http://127.0.0.1:${port}/some/where` };
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => statSync(join(folder, file)).isFile())
    .sort();
}

function contents(folder: string): Record<string, string> {
  return Object.fromEntries(filesOf(folder).map((file) => [file, readFileSync(join(folder, file), 'base64')]));
}

t.test(
  'every link of the copy leads to a file of it or to the service, and every permanent address is there',
  async (t) => {
    const { site, live, here, app } = await open(t, { path: '/trust', versions: 3 });
    t.match(await here('export', '--site', site), { code: 0, said: /site: \d+ files$/ });
    const files = filesOf(site);
    for (const file of [
      'index.html',
      'versions/index.html',
      ...[1, 2, 3].flatMap((number) => [`versions/${number}/index.html`, `versions/${number}.json`]),
      'compare/1...2/index.html',
      'compare/2...3/index.html',
      'compare/1...2.json',
      'list.json',
      'list.csv',
      'feed.atom',
      'feed.json',
      'de/index.html',
      'de/versions/2/index.html',
      'sub-processors/letterbird/index.html',
    ]) {
      t.ok(files.includes(file), file);
    }
    t.notOk(
      files.some((file) => /^(admin|subscribe|embed|at|dev|api)\//.test(file)),
      'only what is public and has an end',
    );
    for (const file of ['list.json', 'feed.atom', 'versions/1.json', 'list.csv']) {
      t.equal(
        readFileSync(join(site, file), 'utf8'),
        (await app.inject(`/${file}`)).body,
        `${file} is what the service sends`,
      );
    }
    let links = 0;
    for (const file of files.filter((name) => name.endsWith('.html'))) {
      const markup = readFileSync(join(site, file), 'utf8');
      const ids = new Set([...markup.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
      for (const [, name, address = ''] of markup.matchAll(/ (href|src|srcset|action)="([^"]*)"/g)) {
        const [path = '', fragment] = address.replaceAll('&amp;', '&').split('#');
        if (/^(https?|mailto):/.test(address)) {
          if (name === 'src') t.fail(`${file} loads ${address}`);
          continue;
        }
        links += 1;
        const target = path === '' ? file : join(dirname(file), decodeURIComponent(path));
        if (!files.includes(target)) t.fail(`${file}: ${address} leads nowhere`);
        if (path === '' && fragment && !ids.has(decodeURIComponent(fragment))) t.fail(`${file}: no ${address}`);
      }
      for (const [, action] of markup.matchAll(/ action="([^"]*)"/g)) t.ok(action?.startsWith(`${live}/`), `${action}`);
      t.match(markup, `<link rel="canonical" href="${live}/`);
    }
    t.ok(links > 500, `${links} links`);

    t.test(
      'a plain web server shows it below any path, as the service shows it, and so does a folder',
      { skip: browserMissing() },
      async (t) => {
        const copy = await serveFiles(t, site);
        const browser = await startBrowser(t);
        const { page, faults } = await openPage(browser, { width: 1280, colorScheme: 'light' });
        page.on('request', (request) => {
          const known = [copy.url, live, 'file:'].some((start) => request.url().startsWith(start));
          if (!known) faults.push(`asks ${request.url()}`);
        });
        const textOf = async () => {
          const texts = await page.locator('main').evaluate((main) => {
            for (const note of main.querySelectorAll('.copy-note')) note.remove();
            return main.textContent ?? '';
          });
          return texts.replace(/\s+/g, ' ').trim();
        };
        const pages = [
          '/',
          '/versions',
          '/versions/2',
          '/compare/1...2',
          '/compare/2...3',
          '/sub-processors/letterbird',
        ];
        for (const path of pages) {
          for (const lang of ['', 'de']) {
            await page.goto(live + path + (lang === '' ? '' : `?lang=${lang}`));
            const original = await textOf();
            await page.goto(`${copy.url}${lang === '' ? '' : `/${lang}`}${path}`);
            t.equal(await page.locator('.copy-note').count(), 1, `${path} ${lang}: says that it is a copy`);
            t.equal(
              await page.locator('.copy-note a').getAttribute('href'),
              live + path + (lang === '' ? '' : `?lang=${lang}`),
            );
            t.equal(await textOf(), original, `${path} ${lang}: the same words`);
            t.not(
              await page.evaluate(() => getComputedStyle(document.body).fontFamily),
              'Times New Roman',
              'with its style',
            );
          }
        }
        await page.goto(`${copy.url}/`);
        await page.getByRole('link', { name: 'Deutsch' }).click();
        await page.waitForURL(`${copy.url}/de/index.html`);
        await page.getByRole('link', { name: 'Alle Versionen' }).first().click();
        await page.waitForURL(`${copy.url}/de/versions/index.html`);
        await page.getByRole('link', { name: 'Version 2', exact: true }).click();
        await page.waitForURL(`${copy.url}/de/versions/2/index.html`);
        t.same(faults, [], 'nothing is missing, nothing is asked of others');
        await page.goto(pathToFileURL(join(site, 'index.html')).href);
        await page.getByRole('link', { name: 'All versions' }).first().click();
        await page.waitForURL('file://**/versions/index.html');
        t.ok(
          await page.evaluate(() => getComputedStyle(document.body).fontFamily.includes('system-ui')),
          'with its style',
        );
        t.same(faults, []);
      },
    );
  },
);

t.test('the same state gives the same bytes, from the database and from the service', async (t) => {
  const { site, here, with: run, live, folder, app } = await open(t, { versions: 1 });
  await here('export', '--site', site);
  const first = contents(site);
  const remote = join(folder, 'remote');
  t.match(await run({}, 'export', '--site', remote, '--url', live), { code: 0 }, 'without a token');
  t.strictSame(contents(remote), first);
  await publishList(app, listYaml(newVendor), { emergency: true, reason: 'At once.' });
  app.deps.kept.markStale();
  t.equal((await here('export', '--site', site)).code, 0, 'in place of the one before');
  t.ok(filesOf(site).includes('versions/2/index.html'));
  t.strictSame(
    readdirSync(folder).filter((name) => name.includes('.new-') || name.includes('.old-')),
    [],
    'nothing is left beside it',
  );
});

t.test('what no export has made is left alone, and a failed one changes nothing', async (t) => {
  const { site, here, with: run, folder, live } = await open(t, { versions: 0 });
  const own = join(folder, 'own');
  mkdirSync(own);
  writeFileSync(join(own, 'index.html'), 'mine');
  t.match(await here('export', '--site', own), { code: 1, complained: /own: holds files that no export has made/ });
  t.equal(readFileSync(join(own, 'index.html'), 'utf8'), 'mine');
  mkdirSync(join(folder, 'empty'));
  symlinkSync(join(folder, 'empty'), join(folder, 'link'));
  t.match(await here('export', '--site', join(folder, 'link')), { code: 0, complained: '' }, 'an empty one, by a link');
  t.ok(existsSync(join(folder, 'empty', 'index.html')));

  await here('export', '--site', site);
  const before = contents(site);
  t.match(await run({}, 'export', '--site', site, '--url', `${live}/nowhere`), { code: 1, complained: /answers 404/ });
  t.strictSame(contents(site), before);
  writeFileSync(join(site, 'CNAME'), 'trust.example.org');
  t.match(await here('export', '--site', site), { code: 1, complained: /holds CNAME, which no export has made/ });
  t.match(await run({}, 'export', '--site', join(folder, 'away'), '--url', `http://127.0.0.1:${await freePort()}`), {
    code: 1,
    complained: /nothing listens there/,
  });
  t.notOk(existsSync(join(folder, 'away')));
  t.match(await here('export', 'list.yaml', '--site', site), { code: 2 });
});
