import t from 'tap';
import { listYaml, newVendor, publishList } from '../pages/support.js';
import { startApp } from '../support/app.js';

const page = 'https://www.example.com';

t.test('nothing can be embedded until the settings allow it', async (t) => {
  const app = await startApp(t);
  for (const url of ['/embed', '/embed.json', '/embed.js', '/embed/frame.css', '/embed/frame.js']) {
    t.equal((await app.inject(url)).statusCode, 404, url);
  }
});

t.test('only the pages that are listed may show it, and no page but the embedded one is opened', async (t) => {
  const app = await startApp(t, { env: { EMBED_ORIGINS: `${page}, http://localhost:8080` } });
  await publishList(app, listYaml());
  const frame = await app.inject('/embed');
  t.match(frame.headers['content-security-policy'], `frame-ancestors ${page} http://localhost:8080`);
  t.notOk(frame.headers['x-frame-options']);
  t.notMatch(frame.body, /<style|\sstyle=|<script(?! src="\/embed\/frame\.js\?v=[0-9a-f]{12}" defer>)/);
  const fetched = async (origin: string) => (await app.inject({ url: '/embed.json', headers: { origin } })).headers;
  t.equal((await fetched(page))['access-control-allow-origin'], page);
  t.notOk((await fetched('https://www.example.com.evil.example'))['access-control-allow-origin']);
  t.notOk((await fetched('null'))['access-control-allow-origin']);
  t.match((await fetched(page)).vary, /Origin/, 'a cache keeps the answers apart');
  t.match((await fetched(page)).vary, /Accept-Language/);
  for (const url of ['/', '/list.json', '/subscribe', '/admin']) {
    const { headers } = await app.inject({ url, headers: { origin: page } });
    t.match(headers['content-security-policy'], "frame-ancestors 'none'", url);
    t.equal(headers['x-frame-options'], 'DENY', url);
    t.notOk(headers['access-control-allow-origin'], url);
  }
});

t.test('the same state gives the same bytes, another one others', async (t) => {
  const app = await startApp(t, { env: { EMBED_ORIGINS: '*' } });
  for (const url of ['/embed', '/embed.json?part=announced', '/embed.json?part=subscribe']) {
    t.equal((await app.inject(url)).statusCode, 200, `${url} before there is a list`);
  }
  await publishList(app, listYaml());
  const get = (url: string, etag = '') => app.inject({ url, headers: { 'if-none-match': etag } });
  for (const url of ['/embed?part=announced&lang=de', '/embed.json', '/embed.js', '/embed/frame.css?font=Georgia']) {
    app.deps.kept.markStale();
    const first = await get(url);
    t.equal(first.statusCode, 200, url);
    t.notOk(first.headers['set-cookie'], 'no cookie');
    t.equal((await get(url, String(first.headers.etag))).statusCode, 304, url);
  }
  const before = (await get('/embed?part=announced&lang=de')).body;
  await publishList(app, listYaml(newVendor));
  app.deps.kept.markStale();
  t.not((await get('/embed?part=announced&lang=de')).body, before);
});

t.test('font and colours of an address are names and digits, or they are refused', async (t) => {
  const app = await startApp(t, { env: { EMBED_ORIGINS: '*' } });
  await publishList(app, listYaml());
  const wrong = {
    'color=red&background=fff': 'color',
    'color=%23fff%3Bx&background=000': 'color',
    'color=fff': 'background',
    'background=fff': 'color',
    'accent=fff': 'color',
    'font=a%22%3B%7D*%7Bcolor%3Ared': 'font',
    'font=url(https://evil.example)': 'font',
    'font=a%5C22': 'font',
    'font=%3C/style%3E': 'font',
    'font=a%0Ab': 'font',
    'font=a&font=b': 'font',
    'part=everything': 'part',
  };
  for (const [query, name] of Object.entries(wrong)) {
    const refused = await app.inject(`/embed.json?${query}`);
    t.equal(refused.statusCode, 400, query);
    t.equal(refused.json().errors[0].path, name, query);
    t.equal((await app.inject(`/embed?${query}`)).statusCode, 400, query);
    if (name !== 'part') t.equal((await app.inject(`/embed/frame.css?${query}`)).statusCode, 400, query);
  }
  const { body } = await app.inject(
    '/embed/frame.css?font=Fira%20Sans,serif&color=%23333&background=fff&accent=14576b',
  );
  t.match(body, 'body { font-family: "Fira Sans", serif; }');
  t.match(body, 'body { color: #333333; background: #ffffff; --subnotice-accent: #14576b; }');
});
