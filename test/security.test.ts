import type { InjectOptions } from 'fastify';
import t, { type Test } from 'tap';
import { createApiToken } from '../src/admins/api-tokens.js';
import { ensureConfiguredAdmin } from '../src/admins/setup.js';
import { readList } from '../src/list/read.js';
import { areaOf, networkOf } from '../src/routes/network.js';
import { linkTo, sendForm, statusOf } from './pages/support.js';
import { adminToken, startApp, type TestApp, type TestAppOptions } from './support/app.js';

/*
 * What strangers may not: faults that a review has found, kept from coming back.
 */

const credentials = { email: 'anna@example.org', password: 'copper lantern on the quiet sea' };
const environment = { kind: 'token', id: 'environment', role: 'admin' } as const;

/** The service as somebody runs it who has set no relay. */
async function withMailbox(t: Test, env: TestAppOptions['env'] = {}) {
  const app = await startApp(t, {
    smtp: 'mailbox',
    env: {
      PUBLIC_URL: 'http://127.0.0.1:3000',
      ADMIN_EMAIL: credentials.email,
      ADMIN_PASSWORD: credentials.password,
      ...env,
    },
  });
  await ensureConfiguredAdmin(app.deps);
  await sendForm(app, '/subscribe', { email: 'somebody@example.org' });
  await app.settle();
  return app;
}

/** Signs in; the cookies of the session. */
async function signIn(app: TestApp, next = ''): Promise<{ cookies: Record<string, string>; location: unknown }> {
  const page = await app.inject(`/admin/sign-in?next=${encodeURIComponent(next)}`);
  const cookies = Object.fromEntries(page.cookies.map(({ name, value }) => [name, value]));
  const field = (name: string) => new RegExp(`name="${name}" value="([^"]*)"`).exec(page.body)?.[1] ?? '';
  const fields = { ...credentials, _csrf: field('_csrf'), next: field('next') };
  const entered = await sendForm(app, '/admin/sign-in', fields, { cookies });
  for (const { name, value } of entered.cookies) cookies[name] = value;
  return { cookies, location: entered.headers.location };
}

const mailPages = ['/dev/mailbox', '/dev/mailbox/00000001', '/dev/mailbox/00000001/html'];
const atThisMachine = { host: '127.0.0.1:3000' };

t.test('the built-in mailbox is open at the machine itself, and to no other site that is open there', async (t) => {
  const app = await withMailbox(t);
  for (const url of mailPages) {
    for (const host of ['127.0.0.1:3000', 'localhost:3000', '[::1]:3000', 'localhost']) {
      t.equal((await app.inject({ url, headers: { host } })).statusCode, 200, `${host} ${url}`);
    }
    const foreign: Record<string, InjectOptions> = {
      'a name that was pointed to this machine': { url, headers: { host: 'evil.example:3000' } },
      'a name that only begins like it': { url, headers: { host: 'localhost.evil.example' } },
      'another machine': { url, headers: atThisMachine, remoteAddress: '192.0.2.7' },
      'a proxy here': { url, headers: { ...atThisMachine, 'x-forwarded-for': '192.0.2.7' } },
    };
    for (const [who, request] of Object.entries(foreign)) {
      const answer = await app.inject(request);
      t.match([answer.statusCode, answer.headers.location], [303, /\/admin\/sign-in/], `${who} ${url}`);
      t.notMatch(answer.body, 'somebody@example.org');
    }
  }
});

t.test('where others can reach the service, the built-in mailbox is for a signed-in admin', async (t) => {
  const app = await withMailbox(t, { PUBLIC_URL: 'https://notices.example.org/trust' });
  for (const url of mailPages) {
    t.equal((await app.inject({ url, headers: atThisMachine })).statusCode, 303, url);
  }
  const sent = await sendForm(app, '/subscribe', { email: 'other@example.org' });
  t.notMatch(sent.body, '/dev/mailbox', 'visitors are not sent there');
  const { cookies, location } = await signIn(app, '/dev/mailbox');
  t.equal(location, 'https://notices.example.org/trust/dev/mailbox');
  for (const url of mailPages) t.equal((await app.inject({ url, cookies })).statusCode, 200, url);
});

t.test('a sign-in leads into the console and nowhere else', async (t) => {
  const app = await withMailbox(t, { PUBLIC_URL: 'https://notices.example.org' });
  for (const next of [
    '//evil.example',
    'https://evil.example',
    '/admin@evil.example',
    '/dev/mailbox/..//evil.example',
  ]) {
    t.equal((await signIn(app, next)).location, 'https://notices.example.org/admin', next);
  }
});

t.test('no link of a page leads to a host that stands in the address', async (t) => {
  const app = await startApp(t);
  for (const url of ['//evil.example/x', '///evil.example', '/\\evil.example/x']) {
    const answer = await app.inject({ method: 'GET', url: `http://localhost${url}` });
    t.equal(answer.statusCode, 404, url);
    const links = [...answer.body.matchAll(/(?:href|src|action)="([^"]*)"/g)].map(([, link = '']) => link);
    const origins = new Set(links.map((link) => new URL(link, 'https://here.example').origin));
    origins.delete('http://notices.example.org');
    t.same([...origins], ['https://here.example'], url);
  }
});

t.test('what is no address at all is answered like any other', async (t) => {
  const app = await startApp(t);
  const token = 'q'.repeat(300);
  for (const [url, status] of [
    ['/confirm/%zz', 400],
    [`/confirm/${token}`, 404],
    ['/api/v1/versions/%zz', 400],
  ] as const) {
    const answer = await app.inject(url);
    t.equal(answer.statusCode, status, url);
    t.match(answer.headers, {
      'content-type': url.startsWith('/api') ? 'application/problem+json; charset=utf-8' : 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'content-security-policy': /default-src 'none'.*frame-ancestors 'none'/,
    });
    t.notMatch(answer.body, url.startsWith('/api') ? /zz|FST_/ : /FST_/, url);
  }
  t.notMatch(app.log.join(''), /%zz|qqqq/);
});

t.test('nobody guesses ADMIN_TOKEN: wrong ones are counted, tokens of ours go on working', async (t) => {
  const app = await startApp(t, { env: { TRUST_PROXY: '127.0.0.1' } });
  const ask = async (authorization: string, from = '192.0.2.1') =>
    app.inject({ url: '/api/v1/versions', headers: { authorization, 'x-forwarded-for': from } });
  const { secret } = await createApiToken(app.deps, { name: 'reader', role: 'viewer' }, environment);
  for (let guess = 0; guess < 200; guess += 1) t.equal((await ask(`Bearer guess-${guess}`)).statusCode, 401);
  const refused = await ask('Bearer guess-200');
  t.match([refused.statusCode, refused.headers['retry-after']], [429, /^[1-9]\d*$/]);
  t.equal((await ask(`Bearer ${adminToken}`)).statusCode, 429, 'not even the right one is told apart');
  t.equal((await ask(`Bearer ${secret}`)).statusCode, 200);
  t.equal((await ask('Bearer sn_wrong')).statusCode, 401);
  t.equal((await ask(`Bearer ${adminToken}`, '198.51.100.1')).statusCode, 200, 'others are not held up');
});

t.test('the network of an IPv6 address is one place for sign-ins', async (t) => {
  const app = await withMailbox(t);
  const page = await app.inject('/admin/sign-in');
  const cookies = Object.fromEntries(page.cookies.map(({ name, value }) => [name, value]));
  const _csrf = /name="_csrf" value="([^"]+)"/.exec(page.body)?.[1] ?? '';
  const statuses = [];
  for (const host of [1, 2, 3, 4, 5, 6]) {
    const fields = { email: credentials.email, password: 'wrong', _csrf };
    statuses.push(
      (await sendForm(app, '/admin/sign-in', fields, { cookies, from: `2001:db8:1:2::${host}` })).statusCode,
    );
  }
  t.equal(statuses.at(-1), 429, statuses.join());
});

t.test('what guards refuse is in the log, without who it was or what they sent', async (t) => {
  const app = await withMailbox(t, { LOG_LEVEL: 'info' });
  const page = await app.inject('/admin/sign-in');
  const cookies = Object.fromEntries(page.cookies.map(({ name, value }) => [name, value]));
  const _csrf = /name="_csrf" value="([^"]+)"/.exec(page.body)?.[1] ?? '';
  const from = '203.0.113.77';
  await sendForm(
    app,
    '/admin/sign-in',
    { email: credentials.email, password: 'a wrong one', _csrf },
    { cookies, from },
  );
  await sendForm(app, '/admin/sign-in', { ...credentials, _csrf: 'guess' }, { cookies, from });
  await app.inject({
    url: '/api/v1/draft',
    headers: { authorization: 'Bearer sn_stolen-from-somewhere' },
    remoteAddress: from,
  });
  const { secret } = await createApiToken(app.deps, { name: 'reader', role: 'viewer' }, environment);
  await app.inject({
    method: 'PUT',
    url: '/api/v1/draft',
    headers: { authorization: `Bearer ${secret}` },
    remoteAddress: from,
  });
  const refused = app.log.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'refused');
  t.same(
    refused.map(({ code, route, from: area }) => [code, route, area]),
    [
      ['credentials.wrong', '/admin/sign-in', '203.0.113.0/24'],
      ['csrf.wrong', '/admin/sign-in', '203.0.113.0/24'],
      ['bearer.missing', '/api/v1/draft', '203.0.113.0/24'],
      ['permission.missing', '/api/v1/draft', '203.0.113.0/24'],
    ],
  );
  t.notMatch(app.log.join(''), /anna|a wrong one|copper|sn_|113\.77/);
});

t.test('areas of the network name nobody', async (t) => {
  t.equal(areaOf('203.0.113.77'), '203.0.113.0/24');
  t.equal(areaOf('::ffff:203.0.113.77'), '203.0.113.0/24');
  t.equal(areaOf('2001:db8:1:2:3:4:5:6'), '2001:db8:1::/48');
  t.equal(areaOf('::1'), '0:0:0::/48');
  t.equal(networkOf('2001:db8::1'), '2001:db8:0:0::/64');
});

t.test('a stranger’s text is not read by the console, whatever cookie comes with it', async (t) => {
  const app = await startApp(t);
  for (const cookies of [{}, { 'subnotice-form': 'made-up' }, { 'subnotice-form': 'made.up' }]) {
    const answer = await sendForm(
      app,
      '/admin/draft/text',
      { source: 'x'.repeat(100_000), revision: '0' },
      { cookies },
    );
    t.equal(answer.statusCode, 403);
    t.notMatch(answer.body, 'xxxxx');
  }
});

t.test('a form that another page has sent makes no browser one that confirms at once', async (t) => {
  for (const headers of [
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'cross-site' },
    { origin: 'https://evil.example' },
  ]) {
    const app = await startApp(t);
    const sent = await sendForm(app, '/subscribe', { email: 'a@example.org' }, { headers });
    t.equal(sent.statusCode, 200);
    const cookies = Object.fromEntries(sent.cookies.map(({ name, value }) => [name, value]));
    await app.settle();
    t.equal((await app.inject({ url: await linkTo(app, 'a@example.org', 'confirm'), cookies })).statusCode, 200);
    t.equal(await statusOf(app, 'a@example.org'), 'pending', JSON.stringify(headers));
  }
});

t.test('a text of many faults is refused in a moment', async (t) => {
  const many = Array.from({ length: 5_000 }, (_, index) => ({ name: `vendor ${index}`, parent: `parent-${index}` }));
  const bombs = {
    'one key again and again': ['a: 1\n'.repeat(400_000), 'yaml'],
    'keys twice in many maps': ['- {a: 1,a: 1}\n'.repeat(140_000), 'yaml'],
    'references to nothing': [JSON.stringify({ title: 'x', dataSubjects: [], subProcessors: many }), 'json'],
  } as const;
  for (const [name, [text, format]] of Object.entries(bombs)) {
    const begun = performance.now();
    t.throws(() => readList(text, format), { code: 'document.invalid' }, name);
    // A machine that does other things as well takes a few seconds; it was minutes.
    t.ok(performance.now() - begun < 20_000, name);
  }
});
