import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import Fastify from 'fastify';
import t, { type Test } from 'tap';
import { codingsFor, isPackable } from '../../src/routes/codings.js';
import { createKeptPages } from '../../src/routes/kept-pages.js';
import { type LocaleChoice, renderedOf } from '../../src/routes/render.js';
import { readVersions } from '../../src/versions/read.js';
import { bearer, startApp, type TestApp } from '../support/app.js';
import { until } from '../support/process.js';
import { listYaml, newVendor, publishList } from './support.js';

/* Public pages come from memory, packed once, and are what is published: at every instance. */

const html = 'text/html; charset=utf-8';

/** More than one packet, in every form. */
const many = Array.from({ length: 20 }, (_, index) => `  - name: Vendor ${index}\n    purposes: [Hosting]\n`).join('');

async function open(t: Test): Promise<TestApp> {
  const app = await startApp(t);
  await publishList(app, listYaml(many));
  app.deps.kept.markStale();
  return app;
}

/** What a client of that kind is sent once it is packed, as on a busy machine the first may get it as it is. */
async function readPacked(app: TestApp, url: string, coding: string) {
  const found = async () => {
    const answer = await read(app, url, { 'accept-encoding': coding });
    return answer.coding === coding && answer;
  };
  return until(`${url} in ${coding}`, found);
}

/** What a client of that kind is sent, unpacked. */
async function read(app: Pick<TestApp, 'inject'>, url: string, headers: Record<string, string> = {}) {
  const { statusCode, headers: got, rawPayload } = await app.inject({ url, headers });
  const coding = got['content-encoding'] ?? 'identity';
  const body =
    coding === 'br' ? brotliDecompressSync(rawPayload) : coding === 'gzip' ? gunzipSync(rawPayload) : rawPayload;
  return {
    status: statusCode,
    headers: got,
    coding,
    body: body.toString(),
    etag: String(got.etag),
    bytes: rawPayload.length,
  };
}

t.test('a client gets the coding that it likes best of those that there are', async (t) => {
  const wishes: [string | undefined, readonly string[]][] = [
    [undefined, ['identity']],
    ['', ['identity']],
    ['gzip, deflate, br, zstd', ['br', 'gzip', 'identity']],
    ['gzip', ['gzip', 'identity']],
    ['x-gzip', ['gzip', 'identity']],
    ['BR;Q=0.5, GZIP', ['gzip', 'br', 'identity']],
    ['br;q=0.2, gzip;q=0.8, identity;q=0.5', ['gzip', 'identity', 'br']],
    ['br;q=0, *', ['gzip', 'identity']],
    ['*', ['br', 'gzip', 'identity']],
    ['*;q=0.1, gzip', ['gzip', 'br', 'identity']],
    ['identity;q=0, gzip', ['gzip']],
    ['br;q=1.5, gzip', ['br', 'gzip', 'identity']],
    ['zstd', ['identity']],
    ['*;q=0', ['identity']],
  ];
  for (const [header, codings] of wishes) t.same(codingsFor(header), codings, String(header));
  for (const type of [html, 'application/json', 'application/atom+xml', 'text/calendar', 'image/svg+xml', 'text/csv']) {
    t.ok(isPackable(type, 5_000), type);
    t.notOk(isPackable(type, 500), `${type}, in one packet`);
  }
  const workbook = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet';
  for (const type of ['application/pdf', 'image/png', 'font/woff2', workbook]) t.notOk(isPackable(type, 5_000), type);
});

const fromMemory = ['/', '/?lang=de', '/versions', '/versions/1', '/feed.atom', '/list.json', '/schemas/list.json'];
// Made for each who asks.
const passing = ['/?q=vendor', '/at/2027-01-04', '/at/2027-01-04.json'];

t.test('the same page in three codings, each with a strong tag of its own', async (t) => {
  const app = await open(t);
  for (const url of [...fromMemory, ...passing]) {
    const plain = await read(app, url);
    t.same([plain.status, plain.coding], [200, 'identity'], url);
    const tags = new Set([plain.etag]);
    for (const coding of ['br', 'gzip']) {
      const packed = await readPacked(app, url, coding);
      t.same([packed.status, packed.coding, packed.body === plain.body], [200, coding, true], `${url} ${coding}`);
      t.ok(packed.bytes < plain.bytes, 'it is smaller');
      t.equal(Number(packed.headers['content-length']), packed.bytes);
      tags.add(packed.etag);
      const head = await app.inject({ method: 'HEAD', url, headers: { 'accept-encoding': coding } });
      t.same([head.statusCode, head.body, head.headers.etag], [200, '', packed.etag], 'HEAD says the same');
      t.equal(head.headers['content-length'], packed.headers['content-length']);
      t.equal(head.headers['content-encoding'], coding);
    }
    t.equal(tags.size, 3);
    for (const tag of tags) t.match(tag, /^"[\w-]+"$/, 'strong');
    t.match(plain.headers.vary, /\bAccept-Encoding\b/, 'a cache keeps them apart');
    t.equal(plain.headers['cache-control'], 'public, no-cache');
    t.equal(plain.headers['cdn-cache-control'], 'max-age=1, stale-if-error=86400');
  }
});

t.test('whoever holds a page in a coding that they take is told that it holds', async (t) => {
  const app = await open(t);
  const tagOf = async (coding: string) => (await readPacked(app, '/', coding)).etag;
  const [plain, br, gzip] = [await tagOf('identity'), await tagOf('br'), await tagOf('gzip')];
  const ask = async (tag: string, accepts: string) => {
    const { status, etag, body } = await read(app, '/', { 'if-none-match': tag, 'accept-encoding': accepts });
    if (status === 304) t.equal(body, '');
    return status === 304 ? etag : status;
  };
  const all = 'gzip, deflate, br';
  t.equal(await ask(br, all), br);
  t.equal(await ask(gzip, all), gzip, 'the answer names the one that holds');
  t.equal(await ask(plain, all), plain);
  t.equal(await ask(`W/${gzip}`, all), gzip, 'made weak by a proxy');
  t.equal(await ask(`"x", ${plain}, ${br}`, all), br);
  t.equal(await ask('*', all), br);
  t.equal(await ask('"x"', all), 200);
  t.equal(await ask(br, 'gzip'), 200, 'what the client cannot read does not count');
  t.equal(await ask(br, 'identity'), 200);
  t.equal(await ask(plain, 'identity;q=0, br'), 200);
});

t.test('a cache keeps languages apart only where the address does not name one', async (t) => {
  const app = await open(t);
  const varyOf = async (url: string) => String((await read(app, url)).headers.vary);
  t.equal(await varyOf('/'), 'Accept-Encoding, Accept-Language');
  t.equal(await varyOf('/?lang=de'), 'Accept-Encoding');
  t.equal(await varyOf('/list.json'), 'Accept-Encoding');
  t.equal((await read(app, '/list.json')).headers['content-language'], undefined);
  t.equal((await read(app, '/')).headers['content-language'], 'en');
});

t.test('files of a page are packed too, and kept for a year at the address of their content', async (t) => {
  const app = await open(t);
  const path = app.deps.pages.assets.path('style.css');
  const plain = await read(app, path);
  for (const coding of ['br', 'gzip']) {
    const packed = await readPacked(app, path, coding);
    t.same([packed.coding, packed.body === plain.body], [coding, true]);
    t.equal(packed.headers['cache-control'], 'public, max-age=31536000, immutable');
    t.equal(packed.headers.vary, 'Accept-Encoding');
  }
  t.equal((await read(app, path.replace(/\.\w{12}\./, '.000000000000.'))).headers['cache-control'], 'no-cache');
});

t.test('what holds a token or a session is sent as it is', async (t) => {
  const app = await open(t);
  for (const url of ['/subscribe', '/admin/sign-in', '/preferences/none', '/nowhere']) {
    const { coding, headers } = await read(app, url, { 'accept-encoding': 'br, gzip' });
    t.equal(coding, 'identity', url);
    t.equal(headers['cache-control'], 'no-store');
    t.equal(headers['cdn-cache-control'], undefined);
  }
});

t.test('since when it is so is said once no other change can fall into the same second', async (t) => {
  const app = await open(t);
  t.equal((await read(app, '/')).headers['last-modified'], undefined);
  app.clock.advance({ seconds: 2 });
  const { headers } = await read(app, '/');
  const since = String(headers['last-modified']);
  t.ok(Date.parse(since) <= app.clock.now().getTime());
  const ask = async (given: string) => (await read(app, '/', { 'if-modified-since': given })).status;
  t.equal(await ask(since), 304);
  t.equal(await ask('yesterday'), 200);
  t.equal(await ask(new Date(Date.parse(since) - 1_000).toUTCString()), 200);
  const both = { 'if-modified-since': since, 'if-none-match': '"x"' };
  t.equal((await read(app, '/', both)).status, 200, 'a tag says it better');
});

/** A page of the test's own, kept as all are; in `made` is each making of it. */
async function withPage(t: Test) {
  const app = await open(t);
  const kept = createKeptPages(app.deps);
  const made: string[] = [];
  const make = async ({ locale }: LocaleChoice) => {
    made.push(locale);
    const versions = await readVersions(app.deps.db, app.clock.now());
    return renderedOf(`${versions.length} ${locale} `.repeat(1_000), html, locale);
  };
  const http = Fastify();
  t.teardown(() => http.close());
  http.get('/page', (request, reply) => kept.send(request, reply, '/page', make));
  const ask = (language = 'en') => read(http, '/page', { 'accept-encoding': 'br, gzip', 'accept-language': language });
  return { app, kept, made, make, ask };
}

t.test('a thousand readers at once have a page made once', async (t) => {
  const { app, kept, made, ask } = await withPage(t);
  for (const versions of [1, 2]) {
    if (versions === 2) await publishList(app, listYaml(many + newVendor));
    kept.markStale();
    made.length = 0;
    const crowd = await Promise.all(Array.from({ length: 1_000 }, () => ask()));
    t.same([...new Set(crowd.map(({ body }) => body.slice(0, 4)))], [`${versions} en`]);
    t.same(made, ['en'], 'made once');
  }
});

t.test('what readers have asked for is made anew before they ask again', async (t) => {
  const { app, kept, made, make, ask } = await withPage(t);
  kept.prepare('/page', make);
  await kept.renew();
  await until('the page in the first language', async () => made.length === 1);
  t.same(made, ['en'], 'at the start, before anybody asks');
  for (const language of ['en', 'de', 'de', 'fr']) await ask(language);
  t.same(made, ['en', 'de', 'fr']);
  await publishList(app, listYaml(many + newVendor));
  await kept.renew();
  await until('the page in three languages', async () => made.length === 6);
  t.same(made.slice(3), ['de', 'en', 'fr'], 'the language of most readers first');
  for (const language of ['en', 'de', 'fr']) t.match((await ask(language)).body, /^2/);
  t.equal(made.length, 6, 'nobody had to wait for one');
});

t.test('a version published at one instance is shown by the other within a second', async (t) => {
  const one = await open(t);
  const two = await startApp(t, { database: one.database, clock: one.clock });
  for (const app of [one, two]) t.notMatch((await read(app, '/')).body, /Letterbird/);
  const draft = { method: 'PUT' as const, url: '/api/v1/draft', payload: listYaml(many + newVendor) };
  await one.inject({ ...draft, headers: { ...bearer, 'content-type': 'application/yaml' } });
  const published = await one.inject({ method: 'POST', url: '/api/v1/versions', headers: bearer, payload: {} });
  t.equal(published.statusCode, 201);
  t.match((await read(one, '/')).body, /Letterbird/, 'at once where it was published');
  one.clock.advance({ seconds: 1 });
  t.match((await read(two, '/')).body, /Letterbird/);
  t.equal((await read(two, '/')).etag, (await read(one, '/')).etag, 'the same bytes');

  const { effectiveAt } = published.json();
  const before = (await readPacked(two, '/list.json', 'br')).etag;
  one.clock.set(effectiveAt);
  for (const app of [one, two]) {
    t.match(
      JSON.parse((await read(app, '/list.json')).body),
      { version: 2, state: 'in-force', announced: [] },
      'by time',
    );
    t.notMatch((await read(app, '/')).body, /id="announced"/);
  }
  t.not((await readPacked(two, '/list.json', 'br')).etag, before);
});

t.test('whoever reads after a publication gets it, though a wake-up comes while the database is asked', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml());
  await app.inject('/');
  for (let turns = 1; turns <= 6; turns += 1) {
    const name = `Vendor number ${turns}`;
    await publishList(app, listYaml().replace('Nordwind Hosting GmbH', name), { notify: false, reason: 'A test.' });
    app.deps.kept.markStale();
    const reading = app.inject('/');
    // The call of the publication's own instance, at different moments of the look.
    for (let turn = 0; turn < turns; turn += 1) await new Promise((done) => setImmediate(done));
    app.deps.kept.markStale();
    t.match((await reading).body, name);
  }
});
