import { parse } from 'csv-parse/sync';
import t, { type Test } from 'tap';
import { z } from 'zod';
import { documentSchema, versionSchema } from '../../src/routes/api/wire.js';
import { seal } from '../../src/versions/chain.js';
import { bearer, startApp, type TestAppOptions } from '../support/app.js';
import { aList } from '../versions/make.js';

async function open(t: Test, options: TestAppOptions = {}) {
  const app = await startApp(t, options);
  return {
    app,
    get: (url: string, headers: object = {}) => app.inject({ url, headers: { ...headers } }),
    async publish(list: object, request: object = {}) {
      await app.inject({ method: 'PUT', url: '/api/v1/draft', headers: bearer, payload: list });
      const answer = await app.inject({ method: 'POST', url: '/api/v1/versions', headers: bearer, payload: request });
      if (answer.statusCode !== 201) throw new Error(answer.body);
      return answer.json();
    },
  };
}

t.test('before anything is published the list is a 404 that says so', async (t) => {
  const { get } = await open(t);
  for (const url of ['/list.json', '/list.csv', '/versions/1.json', '/compare/1...2.json']) {
    const answer = await get(url);
    t.match(answer.json(), { status: 404, code: 'version.missing' }, url);
    t.match(answer.headers['content-type'], 'application/problem+json');
  }
});

t.test('the list in force and what is announced, with all that their hashes cover', async (t) => {
  const { app, get, publish } = await open(t);
  await publish(aList('Twilio'), { message: 'Our first list' });
  await publish(aList('Twilio', 'OpenAI'));
  const list = (await get('/list.json')).json();
  t.match(list, {
    version: 1,
    state: 'in-force',
    message: 'Our first list',
    announced: [{ version: 2, state: 'announced', previousHash: list.hash, document: { title: 'Sub-processors' } }],
  });
  t.same(
    Object.keys((await get('/versions/2.json')).json()),
    // Only in a version that corrects another.
    Object.keys(versionSchema.shape).filter((field) => field !== 'corrects'),
  );

  // Anybody can recompute a hash from what is public.
  const second = versionSchema.extend({ document: documentSchema }).parse((await get('/versions/2.json')).json());
  const { objectionDeadline: deadline, publishedAt, effectiveAt, ...facts } = second;
  t.equal(
    seal({
      ...facts,
      publishedAt: new Date(publishedAt),
      effectiveAt: new Date(effectiveAt),
      objectionDeadline: deadline === null ? null : new Date(deadline),
    }),
    second.hash,
  );
  app.clock.set('2027-02-04T00:00:00Z');
  t.match((await get('/list.json')).json(), { version: 2, state: 'in-force', announced: [] }, 'by time alone');
  t.match((await get('/versions/1.json')).json(), { state: 'superseded' });
  t.match((await get('/compare/1...2.json')).json(), {
    from: 1,
    to: 2,
    changes: [
      { kind: 'sub-processor-added', name: 'OpenAI', severity: 'material', notifiable: true, knownVendor: false },
    ],
    suggestions: [],
  });
  for (const url of [
    '/versions/0.json',
    '/versions/x.json',
    '/versions/99999999999.json',
    '/compare/1...x.json',
    '/compare/1...9.json',
  ]) {
    t.equal((await get(url)).statusCode, 404, url);
  }
});

t.test('readers ask whether their copy still holds', async (t) => {
  const { app, get, publish } = await open(t);
  await publish(aList('Twilio'));
  for (const url of ['/list.json', '/list.csv', '/versions/1.json', '/compare/1...1.json', '/openapi.json']) {
    const first = await get(url);
    t.equal(first.statusCode, 200, url);
    const head = await app.inject({ method: 'HEAD', url });
    t.same([head.statusCode, head.body, head.headers.etag], [200, '', first.headers.etag]);
    if (url === '/openapi.json') continue;
    const etag = String(first.headers.etag);
    t.match(etag, /^"[\w-]+"$/, 'strong');
    t.equal(first.headers['cache-control'], 'public, no-cache');
    for (const tag of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      const again = await get(url, { 'if-none-match': tag });
      t.same([again.statusCode, again.body, again.headers.etag], [304, '', etag], tag);
    }
    t.equal((await get(url, { 'if-none-match': '"x"' })).statusCode, 200);
    t.equal(first.headers['set-cookie'], undefined);
  }
  const before = (await get('/list.json')).headers.etag;
  await publish(aList('Twilio', 'OpenAI'));
  t.not((await get('/list.json')).headers.etag, before);
});

t.test('another instance shows a new version at once', async (t) => {
  const one = await open(t);
  const two = await open(t, { database: one.app.database, clock: one.app.clock });
  await one.publish(aList('Twilio'));
  t.equal((await two.get('/list.json')).json().announced.length, 0);
  await one.publish(aList('Twilio', 'OpenAI'));
  t.equal((await two.get('/list.json')).json().announced.length, 1);
});

t.test('the table bites no spreadsheet', async (t) => {
  const { get, publish } = await open(t);
  const formulas = ['=1+1', '+49 30', '-2+3', '@SUM(A1)', '＝1+1'];
  await publish(
    aList(...formulas.map((name, index) => ({ id: `v${index}`, name })), {
      id: 'quoted',
      name: 'A "B", C',
      purposes: ['one', 'two; three'],
      optional: true,
      dataCategories: { users: ['email'] },
    }),
  );
  const answer = await get('/list.csv');
  t.equal(answer.headers['content-type'], 'text/csv; charset=utf-8; header=present');
  const Rows = z.array(z.record(z.string(), z.string()));
  const rows = Rows.parse(parse(answer.body, { columns: true }));
  t.same(
    rows.map((row) => row.name),
    [...formulas.map((name) => `'${name}`), 'A "B", C'],
  );
  t.match(rows.at(-1), {
    id: 'quoted',
    purposes: 'one\ntwo; three',
    optional: 'yes',
    'dataCategories.users': 'Email',
    country: '',
  });
});

t.test('the service says whether it lives and whether it can work', async (t) => {
  const { app, get } = await open(t);
  t.same((await get('/healthz')).json(), { status: 'ok' });
  t.same((await get('/readyz')).json(), { status: 'ok', checks: { database: 'ok', migrations: 'ok' } });
  await app.database.pool.query('delete from migrations where number = (select max(number) from migrations)');
  const behind = await get('/readyz');
  t.equal(behind.statusCode, 503);
  t.match(behind.json(), { status: 'not-ready', checks: { migrations: 'missing' } });
});

t.test('the API describes itself, and nothing that is not there', async (t) => {
  const { get } = await open(t);
  const document = (await get('/openapi.json')).json();
  t.match(document, {
    openapi: /^3\.1/,
    info: { title: String, version: String },
    servers: [{ url: 'http://notices.example.org' }],
  });
  const operations = new Set<string>();
  const refs = new Set<string>();
  const walk = (node: unknown): void => {
    if (Array.isArray(node)) {
      for (const item of node) walk(item);
      return;
    }
    if (typeof node !== 'object' || node === null) return;
    for (const [key, value] of Object.entries(node)) {
      if (key === '$ref' && typeof value === 'string') refs.add(value);
      if (key === 'operationId' && typeof value === 'string') {
        t.notOk(operations.has(value), `${value} is used once`);
        operations.add(value);
      }
      walk(value);
    }
  };
  walk(document);
  const schemas = Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`);
  t.same([...refs].sort(), schemas.sort(), 'what is referred to is there, and nothing else');
  for (const path of [
    '/list.json',
    '/list.csv',
    '/versions/{number}.json',
    '/compare/{from}...{to}.json',
    '/healthz',
    '/readyz',
    '/api/v1/draft',
    '/api/v1/draft/diff',
    '/api/v1/draft/preview',
    '/api/v1/versions',
    '/api/v1/versions/{number}/deliveries',
    '/api/v1/subscribers.csv',
  ]) {
    t.ok(document.paths[path], path);
  }
  t.notOk(document.paths['/admin'], 'pages are for people');
  t.match(document.components.schemas.ListDocument, {
    type: 'object',
    required: ['title', 'dataSubjects', 'subProcessors'],
  });
  t.match(document.paths['/api/v1/draft'].put.requestBody.content, { 'application/json': {}, 'application/yaml': {} });
  t.same(document.paths['/api/v1/subscriptions'].post.security, [], 'open to all');
});
