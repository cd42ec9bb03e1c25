import { readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { systemActor } from '../../src/actor.js';
import { withdraw } from '../../src/versions/withdraw.js';
import { startApp } from '../support/app.js';
import { listYaml, newVendor, publishList } from './support.js';

t.test('before anything is published the pages are friendly, and the feeds are whole', async (t) => {
  const app = await startApp(t);
  const page = await app.inject('/');
  t.equal(page.statusCode, 200);
  t.match(page.body, 'No list has been published yet');
  t.match(page.body, 'href="/subscribe"');
  t.match((await app.inject('/versions')).body, 'No version has been published yet');
  t.equal((await app.inject('/versions/1')).statusCode, 404);
  t.equal((await app.inject('/compare/1...2')).statusCode, 404);
  const atom = await app.inject('/feed.atom');
  t.match(atom.headers['content-type'], 'application/atom+xml');
  t.match(atom.body, '<updated>1970-01-01T00:00:00.000Z</updated>', 'nothing in it depends on when it is asked for');
  t.same((await app.inject('/feed.json')).json().items, []);
});

t.test('the list in force is shown, what is announced stands above it, and takes its place on its day', async (t) => {
  const app = await startApp(t, { env: { TIME_ZONE: 'Europe/Brussels', COMPANY_NAME: 'Ärger & Söhne <GmbH>' } });
  await publishList(app, listYaml());
  const first = await app.inject('/');
  t.match(first.body, 'Nordwind Hosting GmbH');
  t.notMatch(first.body, 'Announced changes');
  t.match(first.body, 'Ärger &amp; Söhne &lt;GmbH&gt;');

  app.clock.set('2027-01-20T09:00:00Z');
  await publishList(app, listYaml(newVendor).replace('retention: 2 years', 'retention: 5 years'), {
    message: 'Letterbird sends our mail.\n\nMore <soon>.',
    effectiveAt: '2027-03-01',
    objectionDeadline: '2027-02-19',
  });
  app.deps.kept.markStale();
  const both = await app.inject('/');
  t.match(both.body, 'Version 1 of the list of', 'version 1 is still the one in force');
  t.match(both.body, 'From <time datetime="2027-02-28T23:00:00.000Z">1 March 2027</time>');
  t.match(both.body, '<time datetime="2027-02-19T23:00:00.000Z">19 February 2027, 24:00 CET</time>');
  t.match(both.body, '1 sub-processor added');
  t.match(both.body, '<bdi>Letterbird, Inc.</bdi>');
  t.match(both.body, 'Retention period: <bdi>2 years</bdi> → <bdi>5 years</bdi>');
  t.match(both.body, '<p>Letterbird sends our mail.</p><p>More &lt;soon&gt;.</p>');
  t.match(both.body, 'href="/compare/1...2"');
  t.notMatch(both.body, 'id="sub-processor-letterbird"', 'the list itself does not have the new one yet');

  app.clock.set('2027-02-28T23:00:00Z');
  const after = await app.inject('/');
  t.match(after.body, 'Version 2 of the list of', 'time alone puts it in force, without anybody publishing');
  t.match(after.body, 'id="sub-processor-letterbird"');
  t.notMatch(after.body, 'Announced changes');
});

t.test('an entry that will change or go says so in its place', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml(newVendor));
  app.clock.advance({ days: 1 });
  await publishList(app, listYaml().replace('country: DE', 'country: US'));
  app.deps.kept.markStale();
  const { body } = await app.inject('/');
  t.match(
    body,
    /id="sub-processor-nordwind"[\s\S]*?class="mark">Changes on <time[\s\S]*?id="sub-processor-letterbird"/,
  );
  t.match(body, /id="sub-processor-letterbird"[\s\S]*?class="mark">Will be removed on <time/);
  t.match(body, 'href="#announced-2"');
});

t.test('one vendor with several entries is shown once, and who engages whom is shown both ways', async (t) => {
  const app = await startApp(t);
  await publishList(
    app,
    listYaml(`  - id: cloud-storage
    name: Example Cloud, Inc.
    group: Infrastructure
    product: Storage
    country: IE
  - id: cloud-mail
    name: Example Cloud LLC
    group: Infrastructure
    product: Mail
    parent: nordwind
    country: IE
    contact: privacy@cloud.example
    website: https://cloud.example/?a=1&b=2
    optional: true
`),
  );
  const { body } = await app.inject('/');
  t.match(body, '2 sub-processors');
  t.equal(body.match(/<bdi>Example Cloud, Inc\.<\/bdi><\/h4>/g)?.length, 1);
  t.match(body, 'id="sub-processor-cloud-storage"');
  t.match(body, 'id="sub-processor-cloud-mail"');
  t.match(body, '<dd><bdi>Example Cloud LLC</bdi></dd>', 'no name is lost where spellings differ');
  t.match(body, '<h3 class="group-heading" id="group-2"><bdi>Infrastructure</bdi></h3>');
  t.match(body, '<dt>Engaged by</dt><dd><a href="#sub-processor-nordwind">');
  t.match(body, '<dt>Engages</dt><dd><a href="#sub-processor-cloud-mail">');
  t.match(body, '<a href="mailto:privacy@cloud.example">');
  t.match(body, '<a href="https://cloud.example/?a=1&amp;b=2" rel="noopener">');
  t.match(body, 'Not stated: Purpose and Data categories.', 'what a controller would ask is not passed over');
  t.match(body, 'Data location, Transfer mechanism and Security measures, for every sub-processor', 'and said once');
});

t.test('the catalogue and the vendors lead to each other', async (t) => {
  const app = await startApp(t);
  await publishList(
    app,
    listYaml().replace(
      'retention: 2 years',
      'retention: 2 years\n        optional: true\n        specialCategory: true',
    ),
  );
  const { body } = await app.inject('/');
  t.match(body, '<a href="#data-category-members-email-address"><bdi>email address</bdi></a>');
  t.match(body, 'id="data-category-members-email-address"');
  t.match(body, '<a href="#sub-processor-nordwind"><bdi>Nordwind Hosting GmbH</bdi></a>');
  t.match(body, '<span class="visually-hidden"> (optional)</span>', 'a star is never the only sign');
  t.match(body, 'special category');
  t.notMatch(body, 'Legal basis', 'no column of blanks where nobody states a legal basis');
  const ids = [...body.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
  t.equal(new Set(ids).size, ids.length, 'each id is there once');
  for (const [, anchor = ''] of body.matchAll(/href="#([^"]*)"/g))
    t.ok(ids.includes(anchor), `#${anchor} leads somewhere`);
});

t.test('a page is sent once and then only confirmed, until something is published', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml());
  const first = await app.inject('/');
  const etag = String(first.headers.etag);
  t.match(etag, /^"[\w-]{27}"$/);
  t.equal(first.headers['cache-control'], 'public, no-cache');
  t.match(first.headers.vary, /Accept-Language/);
  const again = await app.inject({ url: '/', headers: { 'if-none-match': `"x", W/${etag}` } });
  t.equal(again.statusCode, 304);
  t.equal(again.body, '');
  const head = await app.inject({ method: 'HEAD', url: '/' });
  t.equal(head.statusCode, 200);
  t.equal(head.headers.etag, etag);
  t.equal(head.body, '');

  await publishList(app, listYaml(newVendor));
  app.deps.kept.markStale();
  const changed = await app.inject({ url: '/', headers: { 'if-none-match': etag } });
  t.equal(changed.statusCode, 200);
});

t.test('who publishes by the API finds it on the page with the answer', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml());
  t.notMatch((await app.inject('/')).body, 'Letterbird');
  const headers = { authorization: 'Bearer admin-token-of-the-tests', 'content-type': 'application/yaml' };
  t.equal(
    (await app.inject({ method: 'PUT', url: '/api/v1/draft', headers, payload: listYaml(newVendor) })).statusCode,
    200,
  );
  const published = await app.inject({
    method: 'POST',
    url: '/api/v1/versions',
    headers: { ...headers, 'content-type': 'application/json' },
    payload: {},
  });
  t.equal(published.statusCode, 201);
  t.match((await app.inject('/')).body, 'Letterbird');
});

t.test('while the database is away readers get what was last known', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml());
  t.match((await app.inject('/')).body, 'Nordwind');
  const { db } = app.deps;
  const query = db.query;
  t.teardown(() => Object.assign(db, { query }));
  // The pool of the service alone: the test's own database stays.
  Object.assign(db, { query: () => Promise.reject(Object.assign(new Error('gone'), { code: 'ECONNREFUSED' })) });
  app.deps.kept.markStale();
  const kept = await app.inject('/');
  t.equal(kept.statusCode, 200);
  t.match(kept.body, 'Nordwind');
  const unknown = await app.inject('/versions');
  t.equal(unknown.statusCode, 503, 'what was never rendered cannot be served');
  t.ok(unknown.headers['retry-after']);
  t.match(unknown.headers['content-type'], 'text/html');
});

t.test('every version stays at its address, with its state, dates, message, changes and whole list', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml());
  app.clock.advance({ days: 1 });
  await publishList(app, listYaml(newVendor), { message: 'For our mail.' });
  app.clock.advance({ days: 1 });
  await publishList(app, listYaml(newVendor.replace('US', 'CA')), { message: 'From Canada.' });
  await withdraw(app.deps, 3, 'The contract was not signed.', systemActor);
  app.deps.kept.markStale();

  const archive = await app.inject('/versions');
  for (const state of ['in force', 'announced', 'withdrawn']) t.match(archive.body, `>${state}</span>`);
  t.match(archive.body, 'For our mail.');
  const [one, two, three] = await Promise.all([1, 2, 3].map((n) => app.inject(`/versions/${n}`)));
  t.match(one?.body, 'is the list of <bdi>Example Company</bdi> in force');
  t.notMatch(one?.body, 'What changed since', 'before the first there was nothing');
  t.match(two?.body, 'What changed since version 1');
  t.match(two?.body, 'id="change-sub-processor-letterbird"');
  t.match(two?.body, 'id="sub-processor-letterbird"');
  t.match(two?.body, /<dd class="hash">[0-9a-f]{64}<\/dd>/);
  t.match(three?.body, 'The contract was not signed.');
  t.match(three?.body, 'It does not take effect.');

  const comparison = await app.inject('/compare/1...2');
  t.match(comparison.body, '1 sub-processor added');
  t.match(comparison.body, 'Sending of e-mail');
  t.match((await app.inject('/compare/2...1')).body, '1 sub-processor removed', 'in either direction');
  t.match((await app.inject('/compare/2...2')).body, 'Both versions say the same');
  for (const path of ['/versions/9', '/versions/0', '/versions/99999999999999999999', '/compare/1...9', '/nowhere']) {
    const missing = await app.inject(path);
    t.equal(missing.statusCode, 404, path);
    t.match(missing.body, 'There is no such page');
    t.equal(missing.headers['cache-control'], 'no-store');
  }
  const chosen = await app.inject('/compare?from=1&to=2&lang=de');
  t.equal(chosen.statusCode, 302);
  t.equal(chosen.headers.location, 'http://notices.example.org/compare/1...2?lang=de');
  t.match((await app.inject('/compare?from=x')).headers.location, '/versions');
});

t.test('old and new stand side by side, and what came and went is said in words', async (t) => {
  const app = await startApp(t);
  const before = listYaml().replace('[Hosting]', '[Hosting, Backups, Logs, Metrics, Search]');
  await publishList(app, before);
  await publishList(app, before.replace('Backups', 'Archives').replace('retention: 2 years', 'retention: 3 years'));
  const { body } = await app.inject('/compare/1...2');
  t.match(body, '<li><del><bdi>Backups</bdi></del> <span class="word">removed</span></li>');
  t.match(body, '<li><ins><bdi>Archives</bdi></ins> <span class="word">added</span></li>');
  t.match(body, 'unchanged: Hosting, Logs, Metrics and Search');
  t.match(body, '<td role="cell" data-label="Before"><p><del>2 years</del></p></td>');
  t.match(body, '<td role="cell" data-label="After"><p><ins>3 years</ins></p></td>');
});

t.test('pages are in the language of the address, else of the browser, and links keep the chosen one', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml(newVendor));
  const german = await app.inject({ url: '/', headers: { 'accept-language': 'fi, de-AT;q=0.8, en;q=0.5' } });
  t.match(german.body, '<html lang="de" dir="ltr">');
  t.match(german.body, '2 Unterauftragsverarbeiter');
  t.match(german.body, 'href="/versions"');
  t.equal(german.headers['content-language'], 'de');
  const chosen = await app.inject({ url: '/?lang=de', headers: { 'accept-language': 'en' } });
  t.match(chosen.body, '<html lang="de"');
  t.match(chosen.body, 'href="/versions?lang=de"');
  t.match((await app.inject('/?lang=xx')).body, '<html lang="en"', 'an unknown language is no error');
  t.match(chosen.body, '<a href="/?lang=en" lang="en" hreflang="en"');
  t.notOk(chosen.headers['set-cookie'], 'public pages set no cookie');
});

t.test('behind a path every link has it, whether the proxy strips it or not', async (t) => {
  const app = await startApp(t, { env: { PUBLIC_URL: 'https://example.org/trust' } });
  await publishList(app, listYaml());
  for (const url of ['/trust/', '/trust/versions', '/versions/1', '/trust/nowhere', '/trust/subscribe']) {
    const { body } = await app.inject(url);
    for (const [, address = ''] of body.matchAll(/ (?:href|src|action)="([^"]*)"/g)) {
      if (/^(#|mailto:)/.test(address)) continue;
      t.ok(/^(https:\/\/example\.org)?\/trust(\/|$)/.test(address), `${url}: ${address}`);
    }
  }
  const { body } = await app.inject('/trust/');
  const style = /href="(\/trust\/assets\/style\.[0-9a-f]{12}\.css)"/.exec(body)?.[1] ?? '';
  const file = await app.inject(style);
  t.equal(file.statusCode, 200);
  t.equal(file.headers['cache-control'], 'public, max-age=31536000, immutable');
  t.match(file.headers['content-type'], 'text/css');
  const dated = await app.inject(style.replace(/[0-9a-f]{12}/, '0123456789ab'));
  t.equal(dated.headers['cache-control'], 'no-cache', 'an older address gets the present file, not for long');
  t.equal((await app.inject('/assets/../layout.eta')).statusCode, 404);
  t.match(body, '<link rel="canonical" href="https://example.org/trust/">');
});

t.test('what a client writes into its headers leaves no trace on a page', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml());
  const forged = {
    host: 'evil.example',
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'gopher',
    'x-forwarded-for': '203.0.113.66',
    referer: 'https://evil.example/',
  };
  for (const url of ['/', '/versions', '/versions/1', '/feed.atom', '/feed.json', '/nowhere', '/compare?from=1&to=1']) {
    const attacked = await app.inject({ url, headers: forged });
    t.notMatch(attacked.body + JSON.stringify(attacked.headers), /evil\.example|gopher/, url);
    const plain = await app.inject(url);
    t.equal(plain.body, attacked.body, `${url} is the same for the next reader`);
  }
});

t.test('nothing is loaded from elsewhere, nothing is inline', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml(newVendor));
  for (const url of ['/', '/versions', '/versions/1', '/compare/1...1', '/nowhere']) {
    const { body, headers } = await app.inject(url);
    t.notMatch(body, /<script|<style|\sstyle=|\son\w+=|javascript:/i, url);
    t.notMatch(String(headers['content-security-policy']), /unsafe|https?:/);
    for (const [element] of body.matchAll(/<(?:link|img|iframe|source|form)\b[^>]*>/g)) {
      const address = / (?:src|href|action)="([^"]*)"/.exec(element)?.[1] ?? '';
      t.ok(/^(\/|http:\/\/notices\.example\.org\/)/.test(address), element);
    }
  }
});

t.test('templates print raw markup only of partials and of the page in the layout', async (t) => {
  const folder = new URL('../../templates/pages/', import.meta.url);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.eta'));
  for (const file of files) {
    for (const [raw] of readFileSync(new URL(file, folder), 'utf8').matchAll(/<%~.*?%>/gs)) {
      t.match(raw, /^<%~ (include\('[^']+', |it\.body %>)/, file);
    }
  }
});

t.test('a day is the same day on every page, in whatever zone the process runs', async (t) => {
  const zone = process.env.TZ;
  t.teardown(() => {
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
  });
  const cases = [
    // Days on which clocks change, and the instant at which each ends.
    {
      TIME_ZONE: 'Europe/Brussels',
      effectiveAt: '2027-03-28',
      objectionDeadline: '2027-03-28',
      begins: '2027-03-27T23:00:00.000Z',
      ends: '2027-03-28T22:00:00.000Z',
      shown: '28 March 2027',
    },
    {
      TIME_ZONE: 'Pacific/Auckland',
      effectiveAt: '2027-04-04',
      objectionDeadline: '2027-04-04',
      begins: '2027-04-03T11:00:00.000Z',
      ends: '2027-04-04T12:00:00.000Z',
      shown: '4 April 2027',
    },
  ];
  for (const { TIME_ZONE, effectiveAt, objectionDeadline, begins, ends, shown } of cases) {
    const app = await startApp(t, { env: { TIME_ZONE } });
    await publishList(app, listYaml());
    await publishList(app, listYaml(newVendor), { effectiveAt, objectionDeadline });
    for (const process_ of ['Asia/Shanghai', 'America/Los_Angeles', 'UTC']) {
      process.env.TZ = process_;
      app.clock.advance({ minutes: 1 });
      for (const url of ['/', '/versions', '/versions/2', '/compare/1...2', '/feed.atom', '/feed.json']) {
        const { body } = await app.inject(url);
        const where = `${TIME_ZONE}, process in ${process_}, ${url}`;
        const plain = body.replaceAll('\\"', '"');
        t.match(plain, `<time datetime="${begins}">${shown}</time>`, where);
        t.match(plain, new RegExp(`<time datetime="${ends}">${shown}[,<]`), where);
      }
    }
  }
});

t.test('feeds have one entry a version, the diff as content, and ids that nothing changes', async (t) => {
  const app = await startApp(t, { env: { COMPANY_NAME: 'R&D &amp; Söhne' } });
  await publishList(app, listYaml());
  app.clock.advance({ days: 1 });
  await publishList(app, listYaml(newVendor), { message: 'From <May> on.' });
  app.deps.kept.markStale();
  const feed = (await app.inject('/feed.json')).json();
  t.equal(feed.version, 'https://jsonfeed.org/version/1.1');
  t.equal(feed.language, 'en');
  t.equal(feed.feed_url, 'http://notices.example.org/feed.json');
  t.same(feed.authors, [{ name: 'R&D &amp; Söhne', url: 'http://notices.example.org/' }]);
  t.equal(feed.items.length, 2);
  const [newest] = feed.items;
  t.equal(newest.title, 'Version 2: 1 sub-processor added');
  t.equal(newest.url, 'http://notices.example.org/versions/2');
  t.match(newest.content_html, 'New sub-processor: <bdi>Letterbird, Inc.</bdi>');
  t.match(newest.content_html, 'Purpose: Sending of e-mail');
  t.match(newest.content_html, '<p>From &lt;May&gt; on.</p>');
  t.match(newest.content_html, 'href="http://notices.example.org/compare/1...2"');

  const atom = (await app.inject('/feed.atom')).body;
  t.match(atom, '<link rel="self" href="http://notices.example.org/feed.atom"/>');
  t.match(atom, '<title>Changes to the sub-processors of R&amp;D &amp;amp; Söhne</title>');
  t.match(atom, '<name>R&amp;D &amp;amp; Söhne</name>');
  for (const { id } of feed.items) {
    t.match(id, /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    t.match(atom, `<id>${id}</id>`, 'both feeds name an entry alike');
  }
  const ids = (from: { items: { id: string }[] }) => from.items.map(({ id }) => id);
  const moved = await startApp(t, {
    database: app.database,
    clock: app.clock,
    env: { PUBLIC_URL: 'https://new.example/x' },
  });
  t.same(ids((await moved.inject('/feed.json?lang=de')).json()), ids(feed), 'nor does another host or language');
  t.equal((await moved.inject('/feed.json?lang=de')).json().feed_url, 'https://new.example/x/feed.json?lang=de');
  const same = await startApp(t, {
    database: app.database,
    clock: app.clock,
    env: { COMPANY_NAME: 'R&D &amp; Söhne' },
  });
  t.equal((await same.inject('/feed.atom')).body, atom, 'every instance sends the same bytes');

  await withdraw(app.deps, 2, 'Not signed.', systemActor);
  app.deps.kept.markStale();
  const after = (await app.inject('/feed.json')).json();
  t.match(after.items[0].title, '(withdrawn)');
  t.match(after.items[0].content_html, 'Not signed.');
  t.same(ids(after), ids(feed));
});
