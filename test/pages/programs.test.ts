import { Ajv2020 } from 'ajv/dist/2020.js';
import t, { type Test } from 'tap';
import { systemActor } from '../../src/actor.js';
import { withdraw } from '../../src/versions/withdraw.js';
import { childOf, readXml } from '../bugs/xml.js';
import { foundingV2, foundingV3, realLists } from '../cases/real-lists.js';
import { startApp, type TestApp } from '../support/app.js';
import { listYaml, newVendor, publishList } from './support.js';

/** Validates an answer against the schema that the answer itself names. */
async function fitsItsSchema(t: Test, app: TestApp, url: string): Promise<void> {
  const answer = await app.inject(url);
  t.equal(answer.statusCode, 200, url);
  const [, address = ''] = /<([^>]+)>; rel="describedby"/.exec(String(answer.headers.link)) ?? [];
  const schema = await app.inject(address.replace(app.deps.config.publicUrl, ''));
  t.match(schema.headers['content-type'], 'application/schema+json');
  t.equal(schema.json().$id, address);
  const validate = new Ajv2020({ strict: false, validateFormats: false, allErrors: true }).compile(schema.json());
  validate(answer.json());
  t.same(validate.errors ?? [], [], `${url} is as its schema says`);
}

t.test('every JSON that is read by anybody names its schema and keeps to it', async (t) => {
  const app = await startApp(t, { env: { PUBLIC_URL: 'https://example.org/trust' } });
  await fitsItsSchema(t, app, '/.well-known/sub-processors.json');
  await publishList(app, JSON.stringify(foundingV2()));
  await publishList(app, JSON.stringify(foundingV3()), { message: 'More to come.' });
  app.deps.kept.markStale();
  for (const url of [
    '/.well-known/sub-processors.json',
    '/list.json',
    '/versions/1.json',
    '/versions/2.json',
    '/compare/1...2.json',
    '/compare/2...1.json',
  ]) {
    await fitsItsSchema(t, app, url);
  }
  const written = await app.inject('/schemas/document.json');
  const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(written.json());
  for (const [name, versions] of Object.entries(realLists)) {
    for (const list of versions) t.ok(validate(list), `${name}: ${JSON.stringify(validate.errors)}`);
  }
  t.ok(validate({ title: 'List', dataSubjects: [], subProcessors: [{ name: 'Nordwind' }] }), 'ids may be left out');
  t.notOk(validate({ title: 'List', dataSubjects: [], subProcessors: [{ nome: 'Nordwind' }] }), 'keys may not be new');
});

t.test('one address tells a program where the list and all about it is', async (t) => {
  const app = await startApp(t, { env: { PUBLIC_URL: 'https://example.org/trust', MAIL_REPLY_TO: 'dpo@example.org' } });
  await publishList(app, listYaml());
  await publishList(app, listYaml(newVendor), { effectiveAt: '2027-03-01' });
  app.deps.kept.markStale();
  const directory = (await app.inject('/.well-known/sub-processors.json')).json();
  t.match(directory, {
    title: 'Sub-processors',
    version: 1,
    announced: [{ version: 2, effectiveAt: '2027-03-01T00:00:00.000Z' }],
    changedAt: '2027-01-04T09:00:00.000Z',
    contact: 'dpo@example.org',
    links: { page: 'https://example.org/trust/', subscribe: 'https://example.org/trust/subscribe' },
  });
  for (const { url, type } of directory.formats) {
    const answer = await app.inject(url.replace('https://example.org/trust', ''));
    t.equal(answer.statusCode, 200, url);
    t.match(answer.headers['content-type'], type, url);
  }
  app.clock.advance({ days: 1 });
  await withdraw(app.deps, 2, 'Not signed.', systemActor);
  app.deps.kept.markStale();
  t.match((await app.inject('/.well-known/sub-processors.json')).json(), {
    announced: [],
    changedAt: '2027-01-05T09:00:00.000Z',
  });
});

t.test(
  'security.txt names the contact of the settings and expires within a year; without one it is not there',
  async (t) => {
    const app = await startApp(t);
    t.equal((await app.inject('/.well-known/security.txt')).statusCode, 404);
    const told = await startApp(t, { database: app.database, env: { SECURITY_CONTACT: 'security@example.org' } });
    const answer = await told.inject('/.well-known/security.txt');
    t.match(answer.headers['content-type'], 'text/plain; charset=utf-8');
    t.match(answer.body, /^Contact: mailto:security@example\.org$/m);
    t.match(answer.body, /^Canonical: http:\/\/notices\.example\.org\/\.well-known\/security\.txt$/m);
    const expires = new Date(/^Expires: (.+)$/m.exec(answer.body)?.[1] ?? '').getTime();
    const days = (expires - told.clock.now().getTime()) / (24 * 60 * 60_000);
    t.ok(days > 30 && days < 365, `in ${days} days`);
    told.clock.advance({ days: 300 });
    const later = await told.inject('/.well-known/security.txt');
    t.ok(new Date(/^Expires: (.+)$/m.exec(later.body)?.[1] ?? '') > told.clock.now(), 'nobody has to renew it');
    t.match((await told.inject('/security.txt')).headers.location, '/.well-known/security.txt');
  },
);

t.test('search engines find each public page in each language, and nothing behind a link of a person', async (t) => {
  const app = await startApp(t, { env: { PUBLIC_URL: 'https://example.org/trust' } });
  await publishList(app, listYaml());
  app.deps.kept.markStale();
  const robots = await app.inject('/robots.txt');
  t.match(robots.body, 'Disallow: /trust/preferences/');
  t.match(robots.body, 'Sitemap: https://example.org/trust/sitemap.xml');
  const sitemap = await app.inject('/sitemap.xml');
  const urls = readXml(sitemap.body).children;
  const places = urls.map((url) => childOf(url, 'loc').text);
  t.same(places, [
    'https://example.org/trust/',
    'https://example.org/trust/versions',
    'https://example.org/trust/subscribe',
    'https://example.org/trust/versions/1',
    'https://example.org/trust/sub-processors/nordwind',
  ]);
  for (const place of places)
    t.equal((await app.inject(place.replace('https://example.org/trust', ''))).statusCode, 200);
  t.match(sitemap.body, 'hreflang="de" href="https://example.org/trust/versions/1?lang=de"');
});

t.test(
  'the API is a page: every operation with what it takes and answers, and every link leads somewhere',
  async (t) => {
    const app = await startApp(t, { env: { PUBLIC_URL: 'https://example.org/trust' } });
    const { body } = await app.inject('/api');
    const { paths, components } = (await app.inject('/openapi.json')).json();
    const ids = new Set([...body.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
    for (const operations of Object.values<Record<string, { operationId: string }>>(paths)) {
      for (const { operationId } of Object.values(operations)) t.ok(ids.has(operationId), operationId);
    }
    t.ok(Object.keys(components.schemas).length > 20);
    const missing = [...body.matchAll(/href="#([^"]+)"/g)].filter(([, id]) => !ids.has(id));
    t.same(missing, []);
    t.match(body, 'https://example.org/trust/api/v1/versions/NUMBER/withdraw');
    for (const path of ['/calendar.ics', '/feed.atom', '/list.pdf', '/versions/{number}.xlsx', '/schemas/list.json']) {
      t.ok(paths[path], `${path} is told of`);
    }
  },
);
