import t from 'tap';
import type { Log } from '../../src/deps.js';
import { createLog, masked } from '../../src/log.js';
import { startLoop } from '../../src/loop.js';
import { startApp } from '../support/app.js';

t.test('a line of the log is masked whatever brought it there', async (t) => {
  t.equal(masked('sent to ada@example.org, and Jörg <jörg@bücher.example>'), 'sent to [address], and Jörg <[address]>');
  t.equal(masked('postgresql://user:pass@db/x'), 'postgresql://user:[address]/x');
  t.equal(masked('GET /confirm/AbCdEfGhIjKlMnOpQrStUv?x'), 'GET /confirm/[token]?x');
  t.equal(masked('authorization: Bearer sn_abc.def-g'), 'authorization: Bearer [token]');
  t.equal(masked('the version 3 is out'), 'the version 3 is out');
});

t.test('an error in the log has neither the rows nor the statement', async (t) => {
  const lines: string[] = [];
  const log = createLog('info', { write: (line) => void lines.push(line) });
  const error = Object.assign(new Error('duplicate key value'), {
    code: '23505',
    detail: 'Key (email_key)=(ada.lovelace) already exists.',
    where: 'SQL statement',
    response: '550 no such person: ada.lovelace',
  });
  log.error({ err: error, delivery: 17 }, 'it failed');
  const event = JSON.parse(lines[0] ?? '');
  t.match(event, {
    level: 'error',
    msg: 'it failed',
    delivery: 17,
    err: { code: '23505', message: 'duplicate key value' },
  });
  t.notMatch(lines[0], /lovelace|SQL statement/);
});

t.test('a loop works while there is work, rests, and wakes', async (t) => {
  let work = 3;
  let looks = 0;
  const idle = signals();
  const loop = startLoop({
    name: 'test',
    everyMs: 60_000,
    log: silent(),
    step: async () => {
      looks += 1;
      if (work === 0) idle.send();
      return work > 0 ? work-- : 0;
    },
  });
  await idle.next();
  t.equal(looks, 4, 'three that did something, one that found nothing');
  work = 1;
  loop.wake();
  await idle.next();
  t.equal(looks, 6);
  await loop.close();
  loop.wake();
  t.equal(looks, 6, 'closed is closed');
});

t.test('a step that fails is tried again, and said once', async (t) => {
  const said: string[] = [];
  const idle = signals();
  let failures = 2;
  const loop = startLoop({
    name: 'test',
    everyMs: 60_000,
    log: { ...silent(), error: () => said.push('failed'), info: () => said.push('works again') },
    step: async () => {
      if (failures-- > 0) throw new Error('the database is away');
      idle.send();
      return 0;
    },
  });
  await idle.next();
  await loop.close();
  t.strictSame(said, ['failed', 'failed', 'works again']);
});

t.test('closing a loop waits for the step in hand', async (t) => {
  const begun = signals();
  let finish = () => {};
  const loop = startLoop({
    name: 'test',
    everyMs: 60_000,
    log: silent(),
    step: () => {
      begun.send();
      return new Promise((resolve) => {
        finish = () => resolve(1);
      });
    },
  });
  await begun.next();
  let closed = false;
  const closing = loop.close().then(() => {
    closed = true;
  });
  await Promise.resolve();
  t.equal(closed, false);
  finish();
  await closing;
  t.equal(closed, true);
});

t.test('PUBLIC_URL with a path: answered with it and without, as proxies strip it or do not', async (t) => {
  const app = await startApp(t, { env: { PUBLIC_URL: 'https://example.org/trust' } });
  for (const url of ['/trust', '/trust/', '/trust?lang=de', '/', '/trust/subscribe', '/subscribe', '/trust/readyz']) {
    t.equal((await app.inject(url)).statusCode, 200, url);
  }
  for (const url of ['/trusted', '/trust/trust/nothing']) t.equal((await app.inject(url)).statusCode, 404, url);
});

t.test('headers: what a browser may do with a page', async (t) => {
  const plain = await startApp(t);
  const { headers } = await plain.inject('/');
  const policy = String(headers['content-security-policy']);
  t.notMatch(policy, /unsafe|upgrade-insecure/);
  for (const directive of [
    "default-src 'none'",
    "object-src 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "form-action 'self'",
  ]) {
    t.ok(policy.split(';').includes(directive), directive);
  }
  t.match(headers, {
    'x-content-type-options': 'nosniff',
    'cross-origin-opener-policy': 'same-origin',
    'x-frame-options': 'DENY',
  });
  t.notOk(headers['strict-transport-security'], 'plain http must stay reachable');
  t.notOk(headers['set-cookie'], 'the public page sets no cookie');

  const secure = await startApp(t, { env: { PUBLIC_URL: 'https://example.org' }, database: plain.database });
  const over = (await secure.inject('/')).headers;
  t.match(over['strict-transport-security'], /max-age=31536000; includeSubDomains/);
  t.match(over['content-security-policy'], /upgrade-insecure-requests/);
});

t.test('a closed app holds neither port nor connection', async (t) => {
  const app = await startApp(t);
  await app.inject('/readyz');
  await app.http.close();
  await t.rejects(app.deps.db.query('select 1'), 'the pool has ended');
});

function silent(): Log {
  const nothing = () => undefined;
  return { error: nothing, warn: nothing, info: nothing, debug: nothing };
}

/** `next` resolves at the next `send`, also one that came before it. */
function signals() {
  let sent = 0;
  let waiting: (() => void) | undefined;
  return {
    send() {
      sent += 1;
      waiting?.();
    },
    async next() {
      if (sent === 0) await new Promise<void>((resolve) => (waiting = resolve));
      waiting = undefined;
      sent -= 1;
    },
  };
}
