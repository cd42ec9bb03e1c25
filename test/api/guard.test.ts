import t, { type Test } from 'tap';
import { ensureConfiguredAdmin } from '../../src/admins/setup.js';
import { startApp, type TestAppOptions } from '../support/app.js';

const credentials = { email: 'anna@example.org', password: 'copper lantern on the quiet sea' };
const form = { 'content-type': 'application/x-www-form-urlencoded' };

/** A browser that keeps cookies and fills in the hidden field of the page it is on. */
async function open(t: Test, env: TestAppOptions['env'] = {}) {
  const app = await startApp(t, {
    env: { ADMIN_EMAIL: credentials.email, ADMIN_PASSWORD: credentials.password, ...env },
  });
  await ensureConfiguredAdmin(app.deps);
  function browser() {
    let jar: Record<string, string> = {};
    let token = '';
    const request = async (method: 'GET' | 'POST', url: string, fields?: Record<string, string>, headers = {}) => {
      const answer = await app.inject({
        method,
        url,
        headers: { ...(fields === undefined ? {} : form), ...headers },
        cookies: jar,
        ...(fields === undefined ? {} : { payload: new URLSearchParams(fields).toString() }),
      });
      for (const { name, value } of answer.cookies) jar = { ...jar, [name]: value };
      token = /name="_csrf" value="([^"]+)"/.exec(answer.body)?.[1] ?? token;
      return answer;
    };
    return {
      get: (url: string) => request('GET', url),
      /** Posts with the token of the page seen last, unless the fields say otherwise. */
      post: (url: string, fields: Record<string, string>, headers = {}) =>
        request('POST', url, { _csrf: token, ...fields }, headers),
      get token() {
        return token;
      },
      cookies: () => ({ ...jar }),
    };
  }
  return { app, browser };
}

t.test('the console is closed to everybody who has not signed in', async (t) => {
  const { browser } = await open(t);
  const { get, post } = browser();
  for (const url of ['/admin', '/admin/draft/text', '/admin/audit']) {
    const answer = await get(url);
    t.match([answer.statusCode, answer.headers.location], [303, /\/admin\/sign-in/], url);
  }
  await get('/admin/sign-in');
  t.equal((await post('/admin/draft/text', { text: 'x' })).statusCode >= 400, true);
});

t.test('signing in needs the form of this site, from this site', async (t) => {
  const { browser } = await open(t);
  const { get, post } = browser();
  const page = await get('/admin/sign-in');
  t.equal(page.statusCode, 200);
  t.match(page.headers, { 'cache-control': 'no-store', 'content-security-policy': /frame-ancestors 'none'/ });
  for (const [fields, headers] of [
    [{ _csrf: '' }, {}],
    [{ _csrf: 'guess' }, {}],
    [{}, { 'sec-fetch-site': 'cross-site' }],
    [{}, { 'sec-fetch-site': 'same-site' }],
    [{}, { origin: 'https://evil.example' }],
    [{}, { origin: 'null' }],
  ] as const) {
    const answer = await post('/admin/sign-in', { ...credentials, ...fields }, headers);
    t.not(answer.statusCode, 303, JSON.stringify([fields, headers]));
    t.notOk(answer.cookies.some(({ name }) => name.endsWith('session')));
  }
  await get('/admin/sign-in');
  const entered = await post('/admin/sign-in', credentials, { origin: 'http://notices.example.org' });
  t.equal(entered.statusCode, 303);
  t.match(
    entered.cookies.find(({ name }) => name === 'subnotice-session'),
    { httpOnly: true, sameSite: 'Lax', path: '/', maxAge: 7 * 24 * 60 * 60 },
  );
  t.equal((await get('/admin')).statusCode, 200);
  t.equal((await post('/admin/sign-out', {}, { 'sec-fetch-site': 'same-origin' })).statusCode, 303);
  t.equal((await get('/admin')).statusCode, 303);
});

t.test('a form’s token is good in its own session only', async (t) => {
  const { browser } = await open(t);
  const [anna, eve] = [browser(), browser()];
  await anna.get('/admin/sign-in');
  const stale = anna.token;
  await anna.post('/admin/sign-in', credentials);
  await anna.get('/admin/draft/text');
  await eve.get('/admin/sign-in');
  for (const token of [stale, eve.token]) {
    const { statusCode } = await anna.post('/admin/sign-out', { _csrf: token });
    t.not(statusCode, 303);
  }
  t.equal((await anna.get('/admin')).statusCode, 200, 'still in');
});

t.test('over https the cookies are tied to the host, and public pages set none', async (t) => {
  const { app, browser } = await open(t, { PUBLIC_URL: 'https://example.org/trust' });
  const anna = browser();
  await anna.get('/admin/sign-in');
  await anna.post('/admin/sign-in', credentials);
  t.same(Object.keys(anna.cookies()).sort(), ['__Host-subnotice-form', '__Host-subnotice-session']);
  const entered = await app.inject({ url: '/admin', cookies: anna.cookies() });
  t.equal(entered.statusCode, 200);
  for (const url of ['/', '/versions', '/list.json', '/nothing']) {
    t.equal((await app.inject(url)).headers['set-cookie'], undefined, url);
  }
});
