import t, { type Test } from 'tap';
import { z } from 'zod';
import { roles } from '../../src/actor.js';
import { createApiToken } from '../../src/admins/api-tokens.js';
import { problemCodes, problemOf } from '../../src/routes/problem.js';
import { loadTexts } from '../../src/texts.js';
import { bearer, startApp, type TestApp, type TestAppOptions } from '../support/app.js';
import { aList } from '../versions/make.js';

const json = { ...bearer, 'content-type': 'application/json' };

async function open(t: Test, options: TestAppOptions = {}) {
  const app = await startApp(t, options);
  return {
    app,
    get: (url: string, headers: object = bearer) => app.inject({ url, headers: { ...headers } }),
    send: (method: 'POST' | 'PUT' | 'DELETE', url: string, payload?: object | string, headers: object = json) =>
      app.inject({ method, url, headers: { ...headers }, ...(payload === undefined ? {} : { payload }) }),
    put: (list: object, headers: object = json) =>
      app.inject({ method: 'PUT', url: '/api/v1/draft', headers: { ...headers }, payload: list }),
    async publish(list: object, request: object = {}) {
      await app.inject({ method: 'PUT', url: '/api/v1/draft', headers: json, payload: list });
      return app.inject({ method: 'POST', url: '/api/v1/versions', headers: json, payload: request });
    },
  };
}

const Paths = z.object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) });
const methods = ['GET', 'POST', 'PUT', 'DELETE'] as const;

/** Every route below /api/v1 that /openapi.json tells of, with an address that fits it. */
async function apiRoutes({ inject }: TestApp) {
  const { paths } = Paths.parse((await inject('/openapi.json')).json());
  return Object.entries(paths).flatMap(([path, operations]) =>
    methods
      .filter((method) => path.startsWith('/api/') && method.toLowerCase() in operations)
      .map((method) => ({ method, url: path.replace(/\{\w+\}/g, '1') })),
  );
}

t.test('nothing but asking for a subscription works without a bearer', async (t) => {
  const { app, send } = await open(t);
  const routes = await apiRoutes(app);
  t.ok(routes.length >= 16, `${routes.length} routes`);
  for (const { method, url } of routes) {
    if (url === '/api/v1/subscriptions') continue;
    for (const authorization of [undefined, 'Bearer wrong', 'Basic YTpi', '']) {
      const headers = authorization === undefined ? {} : { authorization };
      const { statusCode, headers: answer } = await app.inject({ method, url, headers });
      t.match(
        [statusCode, answer['www-authenticate'], answer['content-type']],
        [401, 'Bearer', 'application/problem+json; charset=utf-8'],
        `${method} ${url} ${authorization}`,
      );
    }
  }
  const { statusCode } = await send('POST', '/api/v1/subscriptions', { email: 'a@example.org' }, {});
  t.equal(statusCode, 202);
});

t.test('each role may do what it says and no more', async (t) => {
  const { app } = await open(t);
  const needed: Record<string, (typeof roles)[number]> = {
    'GET /api/v1/draft': 'viewer',
    'GET /api/v1/audit': 'admin',
    'GET /api/v1/subscribers': 'viewer',
    'POST /api/v1/draft/preview': 'viewer',
    'PUT /api/v1/draft': 'editor',
    'POST /api/v1/bounces': 'editor',
    'POST /api/v1/versions': 'publisher',
    'POST /api/v1/versions/1/withdraw': 'publisher',
    'DELETE /api/v1/versions/scheduled': 'publisher',
    'DELETE /api/v1/subscribers/1': 'admin',
    'POST /api/v1/subscribers/import': 'admin',
  };
  const actor = { kind: 'token', id: 'environment', role: 'admin' } as const;
  for (const role of roles) {
    const { secret } = await createApiToken(app.deps, { name: role, role }, actor);
    for (const { method, url } of await apiRoutes(app)) {
      const least = needed[`${method} ${url}`];
      if (least === undefined) continue;
      const { statusCode } = await app.inject({ method, url, headers: { authorization: `Bearer ${secret}` } });
      const may = roles.indexOf(role) >= roles.indexOf(least);
      t.equal(statusCode === 403, !may, `${role}: ${method} ${url} ${statusCode}`);
    }
  }
});

t.test('a stranger’s body is not even read', async (t) => {
  const { app } = await open(t);
  for (const payload of ['['.repeat(50_000), 'x'.repeat(5 * 1024 * 1024)]) {
    for (const url of ['/api/v1/bounces', '/api/v1/versions']) {
      const { statusCode } = await app.inject({
        method: 'POST',
        url,
        headers: { 'content-type': 'application/json' },
        payload,
      });
      t.equal(statusCode, 401);
    }
  }
  const nested = { method: 'POST', url: '/api/v1/bounces', headers: json, payload: '['.repeat(50_000) } as const;
  t.match((await app.inject(nested)).json(), { status: 422, code: 'bounce.unreadable' });
  const large = {
    ...nested,
    headers: { ...bearer, 'content-type': 'message/rfc822' },
    payload: 'x'.repeat(1024 * 1024 + 1),
  };
  t.match((await app.inject(large)).json(), { status: 413, code: 'body.too-large' });
  const deep = {
    method: 'POST',
    url: '/api/v1/versions',
    headers: json,
    payload: '{"message":'.repeat(50_000),
  } as const;
  t.equal((await app.inject(deep)).statusCode, 400);
});

t.test('the draft is the bare document, in both directions, JSON and YAML', async (t) => {
  const { get, put, send } = await open(t);
  t.match((await get('/api/v1/draft')).json(), { status: 404, code: 'draft.missing' });
  const list = aList({ id: 'twilio', name: 'Twilio', country: 'US' });
  const first = await put(list);
  t.equal(first.statusCode, 200);
  t.same(first.json(), list);
  t.equal(first.headers.etag, '"r1"');
  const read = await get('/api/v1/draft');
  t.same(read.json(), list);
  t.equal(read.headers['content-type'], 'application/json; charset=utf-8');
  const asYaml = { ...bearer, accept: 'application/yaml' };
  const yaml = await get('/api/v1/draft', asYaml);
  t.equal(yaml.headers['content-type'], 'application/yaml; charset=utf-8');

  const text = `# Ours\n${yaml.body}`;
  for (const type of ['application/yaml', 'text/yaml; charset=utf-8']) {
    const back = await send('PUT', '/api/v1/draft', text, { ...bearer, 'content-type': type });
    t.equal(back.statusCode, 200);
    t.same(back.json(), list, 'the same document');
  }
  t.equal((await get('/api/v1/draft', asYaml)).body, text, 'with its comments');
});

t.test('what is wrong with a draft is told by path and line', async (t) => {
  const { put, send } = await open(t);
  const bad = await put({ ...aList(), subProcessors: [{ name: 'X', country: 'USA', dataCategories: { nobody: [] } }] });
  t.equal(bad.statusCode, 422);
  t.match(bad.headers['content-type'], 'application/problem+json');
  t.match(bad.json(), {
    type: 'urn:subnotice:problem:document.invalid',
    title: 'Unprocessable Entity',
    status: 422,
    detail: String,
    instance: /^urn:uuid:/,
    errors: [{ path: 'subProcessors.0.country', message: String }],
  });
  const yaml = 'title: List\ndataSubjects: []\nsubProcessors:\n  - name: X\n    website: javascript:alert(1)\n';
  const line = await send('PUT', '/api/v1/draft', yaml, { ...bearer, 'content-type': 'application/yaml' });
  t.match(line.json(), { status: 422, errors: [{ path: 'subProcessors.0.website', line: 5 }] });
  const broken = await send('PUT', '/api/v1/draft', '{"title": ', json);
  t.match(broken.json(), { status: 422, code: 'document.invalid' });
  t.match((await send('PUT', '/api/v1/draft', '<x/>', { ...bearer, 'content-type': 'text/xml' })).json(), {
    status: 415,
  });
  t.match((await send('PUT', '/api/v1/draft', undefined, bearer)).json(), { status: 400, code: 'input.invalid' });
  t.match((await put({ ...aList(), introduction: 'x'.repeat(3 * 1024 * 1024) })).json(), { status: 422 });
});

t.test('a stale If-Match is refused, none is unconditional', async (t) => {
  const { put } = await open(t);
  const etag = String((await put(aList('A'))).headers.etag);
  const next = await put(aList('B'), { ...json, 'if-match': etag });
  t.equal(next.statusCode, 200);
  t.match((await put(aList('C'), { ...json, 'if-match': etag })).json(), { status: 412, code: 'draft.stale' });
  t.equal((await put(aList('C'), { ...json, 'if-match': `W/${String(next.headers.etag)}` })).statusCode, 200);
  for (const tag of ['"other"', 'r3', '"r99999999999999999999"']) {
    t.equal((await put(aList('D'), { ...json, 'if-match': tag })).statusCode, 412, tag);
  }
  t.equal((await put(aList('D'))).statusCode, 200);
  t.equal((await put(aList('E'), { ...json, 'if-match': '*' })).statusCode, 200);
});

t.test('publishing answers with the version, its dates, and whether anybody is told', async (t) => {
  const { get, publish } = await open(t);
  const first = await publish(aList('Twilio'), { notify: false, message: 'First\r\nlist' });
  t.equal(first.statusCode, 201);
  t.equal(first.headers.location, 'http://notices.example.org/api/v1/versions/1');
  t.match(first.json(), {
    version: 1,
    state: 'in-force',
    publishedAt: '2027-01-04T09:00:00.000Z',
    effectiveAt: '2027-01-04T09:00:00.000Z',
    objectionDeadline: null,
    message: 'First\nlist',
    previousHash: null,
    hash: /^[0-9a-f]{64}$/,
    document: { title: 'Sub-processors' },
    notice: { ordered: false },
  });
  t.match((await publish(aList('Twilio'))).json(), {
    status: 409,
    code: 'version.unchanged',
    detail: /nothing changes/,
  });
  t.same((await get('/api/v1/draft/diff')).json(), { from: 1, to: null, changes: [], suggestions: [] });

  const second = await publish(aList('Twilio', 'OpenAI'));
  t.match(second.json(), {
    version: 2,
    state: 'announced',
    effectiveAt: '2027-02-04T00:00:00.000Z',
    objectionDeadline: '2027-02-04T00:00:00.000Z',
    previousHash: first.json().hash,
    changes: 1,
    notice: { ordered: true },
  });
  const list = (await get('/api/v1/versions')).json();
  t.match(list, {
    versions: [
      { version: 2, state: 'announced', changes: 1 },
      { version: 1, state: 'in-force' },
    ],
  });
  t.equal(list.versions[0].document, undefined);
  t.match((await get('/api/v1/versions/2')).json(), {
    version: 2,
    document: { subProcessors: [{}, { name: 'OpenAI' }] },
  });
  for (const none of ['9', '99999999999', 'x', '0', '-1', '1.5']) {
    t.equal((await get(`/api/v1/versions/${none}`)).statusCode, 404, none);
  }
});

t.test('refused dates and reasons name their field and the earliest date', async (t) => {
  const { publish, send } = await open(t);
  await publish(aList('Twilio'));
  const refused = await publish(aList('Twilio', 'OpenAI'), { effectiveAt: '2027-02-03' });
  t.match(refused.json(), {
    status: 422,
    code: 'date.too-early',
    detail: /earliest is 2027-02-04/,
    errors: [{ path: 'effectiveAt', message: /2027-02-04/ }],
  });
  const ask = (request: unknown) => send('POST', '/api/v1/versions', JSON.stringify(request));
  t.match((await ask({ effectiveAt: '2027-01-05', emergency: true })).json(), {
    status: 422,
    errors: [{ path: 'reason' }],
  });
  t.match((await ask({ notify: false })).json(), { status: 422, code: 'reason.missing' });
  t.match((await ask({ effectiveAt: '3 March' })).json(), { status: 422, code: 'date.invalid' });
  t.match((await ask({ effectiveAt: 5 })).json(), { status: 400, errors: [{ path: 'effectiveAt' }] });
  t.match((await ask({ surprise: true })).json(), { status: 400, code: 'input.invalid' });
  t.match((await ask({ message: 'a\u0000b' })).json(), { status: 400, errors: [{ path: 'message' }] });
  t.match((await ask([])).json(), { status: 400 });
  t.match((await send('POST', '/api/v1/versions', '{broken')).json(), { status: 400, code: 'request.malformed' });
  const emergency = await ask({ effectiveAt: '2027-01-05', emergency: true, reason: 'The old one went dark' });
  t.match(emergency.json(), {
    version: 2,
    emergency: true,
    reason: 'The old one went dark',
    effectiveAt: '2027-01-05T00:00:00.000Z',
  });
});

t.test('an empty body publishes with every default', async (t) => {
  const { put, send } = await open(t);
  await put(aList('Twilio'));
  t.equal((await send('POST', '/api/v1/versions', undefined, bearer)).statusCode, 201);
  t.equal((await send('POST', '/api/v1/versions', '', json)).statusCode, 409, 'a type without a body is no fault');
});

t.test('one Idempotency-Key publishes once over two instances', async (t) => {
  const one = await open(t);
  const two = await open(t, { database: one.app.database, clock: one.app.clock });
  await one.publish(aList('Twilio'));
  await one.put(aList('Twilio', 'OpenAI'));
  const headers = { ...json, 'idempotency-key': 'release-7' };
  const ask = (index: number, body: object = { message: 'm' }) =>
    (index % 2 === 0 ? one : two).send('POST', '/api/v1/versions', body, headers);
  const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => ask(index)));
  answers.push(await ask(1));
  for (const answer of answers) t.same([answer.statusCode, answer.body], [201, answers[0]?.body]);
  t.match(answers[0]?.json(), { version: 2 });
  t.match((await ask(0, { message: 'other' })).json(), { status: 422, code: 'idempotency.mismatch' });
  t.equal((await one.get('/api/v1/versions')).json().versions.length, 2);
  for (const key of ['', ' ', 'a b', 'ü', 'x'.repeat(256)]) {
    const { statusCode } = await one.send('POST', '/api/v1/versions', {}, { ...json, 'idempotency-key': key });
    t.equal(statusCode, 400, JSON.stringify(key.slice(0, 5)));
  }
});

t.test('a publication is planned, seen, called off', async (t) => {
  const { app, get, publish, send } = await open(t);
  await publish(aList('Twilio'));
  const planned = await publish(aList('Twilio', 'OpenAI'), { publishAt: '2027-01-06T10:00:00+01:00' });
  t.equal(planned.statusCode, 202);
  t.match(planned.json(), { version: 2, state: 'scheduled', publishAt: '2027-01-06T09:00:00.000Z', held: false });
  t.match((await get('/api/v1/versions')).json(), { versions: [{ version: 2, state: 'scheduled' }, { version: 1 }] });
  t.match((await publish(aList('Twilio', 'Mistral'))).json(), { status: 409, code: 'version.scheduled-already' });
  t.equal((await send('DELETE', '/api/v1/versions/scheduled', undefined, bearer)).statusCode, 200);
  t.match((await send('DELETE', '/api/v1/versions/scheduled', undefined, bearer)).json(), { status: 404 });
  app.clock.set('2027-01-07T00:00:00Z');
  t.equal(await app.publishDue(), 0);
});

t.test('withdrawing is for announced versions, with a reason', async (t) => {
  const { get, publish, send } = await open(t);
  await publish(aList('Twilio'));
  await publish(aList('Twilio', 'OpenAI'));
  t.match((await send('POST', '/api/v1/versions/2/withdraw', {})).json(), {
    status: 400,
    errors: [{ path: 'reason' }],
  });
  t.match((await send('POST', '/api/v1/versions/2/withdraw', { reason: ' ' })).json(), { status: 422 });
  t.match((await send('POST', '/api/v1/versions/1/withdraw', { reason: 'x' })).json(), { status: 409 });
  t.match((await send('POST', '/api/v1/versions/7/withdraw', { reason: 'x' })).json(), { status: 404 });
  t.match((await send('POST', '/api/v1/versions/2/withdraw', { reason: 'The contract fell through' })).json(), {
    version: 2,
    state: 'withdrawn',
    withdrawalReason: 'The contract fell through',
    notice: { ordered: true },
  });
  t.match((await get('/api/v1/audit?limit=1')).json(), {
    entries: [{ action: 'version.withdrawn', subject: 'version 2', actor: { kind: 'token', id: 'environment' } }],
    next: Number,
  });
});

t.test('the preview is the mail as readers get it, in their language', async (t) => {
  const { publish, put, send } = await open(t);
  await publish(aList('Twilio'));
  t.match((await send('POST', '/api/v1/draft/preview', {})).json(), { status: 409, code: 'version.unchanged' });
  await put(aList('Twilio', 'OpenAI <b>&'));
  const english = (await send('POST', '/api/v1/draft/preview', undefined, bearer)).json();
  const german = (await send('POST', '/api/v1/draft/preview', { locale: 'de', message: 'Hallo' })).json();
  t.match(english, { subject: String, html: /OpenAI &lt;b&gt;&amp;/, text: /OpenAI <b>&/ });
  t.match(german, { text: /Hallo/ });
  t.not(german.subject, english.subject);
  const early = await send('POST', '/api/v1/draft/preview', { effectiveAt: '2027-01-05' });
  t.match(early.json(), { status: 422, code: 'date.too-early' });
});

t.test('the audit log is read page by page, newest first', async (t) => {
  const { get, put } = await open(t);
  for (const name of ['A', 'B', 'C', 'D', 'E']) await put(aList(name));
  const seen: string[] = [];
  for (let next: number | null = null, pages = 0; pages < 5; pages++) {
    const page: { entries: { subject: string }[]; next: number | null } = (
      await get(`/api/v1/audit?limit=2${next === null ? '' : `&after=${next}`}`)
    ).json();
    seen.push(...page.entries.map(({ subject }) => subject));
    next = page.next;
    if (next === null) break;
  }
  t.same(
    seen,
    [5, 4, 3, 2, 1].map((revision) => `draft revision ${revision}`),
  );
  for (const query of ['limit=0', 'limit=1001', 'limit=x', 'after=-1']) {
    t.match((await get(`/api/v1/audit?${query}`)).json(), { status: 400, errors: [{ path: query.split('=')[0] }] });
  }
});

t.test('a parameter without a value was not given', async (t) => {
  const { get, publish } = await open(t);
  await publish(aList('Twilio'));
  for (const path of ['audit', 'subscribers', 'versions/1/deliveries']) {
    const query = '?state=&status=&q=&after=&limit=';
    t.same((await get(`/api/v1/${path}${query}`)).json(), (await get(`/api/v1/${path}`)).json(), path);
  }
});

t.test('a malformed address is refused by name, any other is accepted alike', async (t) => {
  const { send } = await open(t);
  const ask = (body: unknown) =>
    send('POST', '/api/v1/subscriptions', JSON.stringify(body), { 'content-type': 'application/json' });
  for (const email of [
    '"mallory@evil.example x"@example.org',
    '"a> ORCPT=rfc822;x@evil.example"@example.org',
    'user@good.example(x)evil.example',
    'a@example.org,b@evil.example',
    '<a@example.org>',
    'a@example.org\r\nBcc: b@evil.example',
    'nobody',
    '',
  ]) {
    t.match(
      (await ask({ email })).json(),
      { status: 422, code: 'address.invalid', errors: [{ path: 'email' }] },
      email,
    );
  }
  for (const email of [['a@example.org'], 5, null, { a: 1 }]) {
    t.match((await ask({ email })).json(), { status: 400, errors: [{ path: 'email' }] });
  }
  t.match((await ask({})).json(), { status: 400, errors: [{ path: 'email' }] });
  t.match((await ask([{ email: 'a@example.org' }])).json(), { status: 400 });
  t.match((await ask({ email: 'a@example.org', admin: true })).json(), { status: 400 });
  t.match((await ask({ email: 'a@example.org', company: 'x\u0000y' })).json(), { errors: [{ path: 'company' }] });
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  t.match((await send('POST', '/api/v1/subscriptions', 'email=a%40example.org', form)).json(), { status: 415 });
  const answers = [await ask({ email: 'new@example.org' }), await ask({ email: 'new@example.org' })];
  t.same(
    answers.map(({ statusCode }) => statusCode),
    [202, 202],
  );
  t.equal(answers[0]?.body, answers[1]?.body);
});

t.test('asking too often is answered with 429 and when to come back', async (t) => {
  const { app } = await open(t);
  const ask = (index: number) =>
    app.inject({
      method: 'POST',
      url: '/api/v1/subscriptions',
      headers: { 'x-forwarded-for': `203.0.113.${index % 250}` },
      payload: { email: `person${index}@example.org` },
    });
  let limited = null;
  for (let index = 0; index < 200 && limited === null; index++) {
    const answer = await ask(index);
    if (answer.statusCode !== 202) limited = answer;
  }
  t.match(limited?.json(), { status: 429, code: 'rate.exceeded', detail: /seconds/ });
  t.ok(Number(limited?.headers['retry-after']) > 0, 'whatever X-Forwarded-For says');
});

t.test('addresses and methods that there are not are problems too', async (t) => {
  const { app, get, send } = await open(t);
  t.match((await get('/api/v1/nothing')).json(), { status: 404, code: 'page.missing' });
  const wrong = await send('PUT', '/api/v1/versions', {});
  t.match(wrong.json(), { status: 405, code: 'method.not-allowed' });
  t.equal(wrong.headers.allow, 'GET, HEAD, POST');
  t.equal((await send('DELETE', '/list.json', undefined, {})).headers.allow, 'GET, HEAD');
  const page = await app.inject({ url: '/nothing', headers: { accept: 'text/html' } });
  t.match([page.statusCode, page.headers['content-type']], [404, /^text\/html/]);
  t.equal((await app.inject({ url: '/nothing', headers: { accept: 'application/json' } })).json().status, 404);
});

t.test('a fault of ours says nothing of our insides, and is in the log with its id', async (t) => {
  const { app, get } = await open(t);
  await app.database.pool.query('alter table audit_log rename to audit_log_gone');
  const broken = await get('/api/v1/audit');
  t.match(broken.json(), { status: 500, code: 'service.fault', detail: 'Something went wrong on our side.' });
  t.notMatch(broken.body, /audit_log|at |select/);
  const id = String(broken.json().instance).replace('urn:uuid:', '');
  t.ok(app.log.some((line) => line.includes(id) && line.includes('audit_log')));
  await app.database.pool.query('alter table audit_log_gone rename to audit_log');
});

t.test('every problem has its sentence in every language, and an outage is none of ours', async (t) => {
  const texts = loadTexts({ timeZone: 'UTC' });
  for (const locale of texts.locales) {
    for (const code of problemCodes) t.ok(texts.for(locale).has(`problems.${code}`), `${locale} ${code}`);
  }
  for (const away of [
    Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }),
    Object.assign(new Error('terminating connection'), { code: '57P01' }),
    Object.assign(new Error('the database system is starting up'), { code: '57P03' }),
    new Error('Connection terminated unexpectedly'),
    new Error('timeout exceeded when trying to connect'),
  ]) {
    t.match(problemOf(away), { status: 503, code: 'database.away', retryAfter: 5 }, away.message);
  }
  for (const ours of [new Error('division by zero'), Object.assign(new Error('x'), { code: '23505' }), null, 'text']) {
    t.match(problemOf(ours), { status: 500, code: 'service.fault', errors: [] });
  }
});

t.test('subscribers come and go by CSV', async (t) => {
  const { app, get, send } = await open(t);
  const csv = { ...bearer, 'content-type': 'text/csv; charset=utf-8' };
  const file =
    'email,company,status,consent\r\nann@example.org,Ann & Co,confirmed,signed 2026-01-02\r\nno address,,,\r\n';
  const imported = await send('POST', '/api/v1/subscribers/import', file, csv);
  t.match(imported.json(), { imported: 1, updated: 0, errors: [{ line: 3, message: String }] });
  t.match((await send('POST', '/api/v1/subscribers/import', {}, json)).json(), { status: 415 });
  t.match((await send('POST', '/api/v1/subscribers/import', '', csv)).json(), { status: 422, code: 'csv.invalid' });
  const { subscribers, next } = (await get('/api/v1/subscribers?q=ANN')).json();
  t.equal(next, null);
  t.match(subscribers, [{ email: 'ann@example.org', company: 'Ann & Co', status: 'confirmed', toldOf: 'all' }]);
  t.match((await get('/api/v1/subscribers?status=pending')).json(), { subscribers: [], next: null });
  t.match((await get('/api/v1/subscribers?status=gone')).json(), { status: 400, errors: [{ path: 'status' }] });
  const exported = await get('/api/v1/subscribers.csv');
  t.match(exported.headers['content-type'], 'text/csv');
  t.match(exported.body, /ann@example\.org,Ann & Co/);
  const erase = () => send('DELETE', `/api/v1/subscribers/${subscribers[0].id}`, undefined, bearer);
  t.equal((await erase()).statusCode, 204);
  t.match((await erase()).json(), { status: 404, code: 'subscriber.missing' });
  t.notMatch(app.log.join(''), 'ann@example.org', 'no address is in the log');
});

t.test('the deliveries of a version are counted and listed', async (t) => {
  const { app, get, publish, send } = await open(t);
  const csv = { ...bearer, 'content-type': 'text/csv' };
  const people = Array.from({ length: 5 }, (_, index) => `p${index}@example.org,confirmed,contract`);
  await send('POST', '/api/v1/subscribers/import', ['email,status,consent', ...people].join('\n'), csv);
  await publish(aList('Twilio'));
  await publish(aList('Twilio', 'OpenAI'));
  t.match((await get('/api/v1/versions/2/deliveries')).json(), { complete: false, deliveries: [] });
  await app.settle();
  const page = (await get('/api/v1/versions/2/deliveries?limit=3')).json();
  t.match(page, { counts: { sent: 5, queued: 0, bounced: 0 }, complete: true, next: Number });
  t.match(page.deliveries[0], {
    subscriberId: Number,
    state: 'sent',
    attempts: 1,
    response: String,
    messageId: String,
    sentAt: String,
  });
  t.equal((await get(`/api/v1/versions/2/deliveries?limit=3&after=${page.next}`)).json().deliveries.length, 2);
  t.equal((await get('/api/v1/versions/2/deliveries?state=failed')).json().deliveries.length, 0);
  t.equal((await get('/api/v1/versions/9/deliveries')).statusCode, 404);
  t.equal((await get('/api/v1/versions/2/deliveries?state=lost')).statusCode, 400);
});
