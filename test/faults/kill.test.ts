import t, { type Test } from 'tap';
import { openDatabase } from '../support/database.js';
import { startService, until } from '../support/process.js';
import { startSmtp } from '../support/smtp.js';

/*
 * The service as a process, killed right after it acknowledged something (bugs 1 and 6): what was
 * acknowledged is there after the next start, and what it causes happens without anybody asking again.
 */

const token = 'a-token-for-the-tests-of-kill';
const bearer = { authorization: `Bearer ${token}` };

async function killable(t: Test) {
  const database = await openDatabase(t);
  const relay = await startSmtp(t);
  const env = {
    DATABASE_URL: database.url,
    SMTP_URL: relay.url,
    SECRET_KEY: 'a key of the tests that is long enough to sign with',
    ADMIN_TOKEN: token,
    LOG_LEVEL: 'warn',
  };
  return { database, relay, start: () => startService(t, env) };
}

function post(url: string, body: unknown, headers: Record<string, string> = {}) {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

function put(url: string, body: unknown) {
  return fetch(url, {
    method: 'PUT',
    headers: { 'content-type': 'application/json', ...bearer },
    body: JSON.stringify(body),
  });
}

const listOf = (...names: string[]) => ({
  title: 'Sub-processors',
  dataSubjects: [],
  subProcessors: names.map((name) => ({ name, purposes: ['Hosting'] })),
});

t.test(
  'a subscription acknowledged while the relay is down survives kill -9 and gets its one mail (bug 6)',
  async (t) => {
    const { relay, start } = await killable(t);
    relay.answerWith(({ stage }) => (stage === 'greeting' ? '421 4.3.2 not now' : undefined));
    const first = await start();
    const answer = await post(`${first.url}/api/v1/subscriptions`, { email: 'wait@example.org' });
    await first.stop('SIGKILL');
    t.equal(answer.status, 202);

    const second = await start();
    relay.answerWith(() => undefined);
    await until('the confirmation mail', async () => relay.mailTo('wait@example.org').length > 0, 90_000);
    const [mail] = relay.mailTo('wait@example.org');
    const link = (await mail?.links())?.find((url) => url.includes('/confirm/'));
    t.ok(link, 'it holds the link');
    const path = new URL(link ?? '').pathname;
    const confirmed = await fetch(`${second.url}${path}`, { method: 'POST' });
    t.equal(confirmed.status, 200, 'the link works');
    t.equal(
      relay.mailTo('wait@example.org').filter(({ raw }) => raw.includes('/confirm/')).length,
      1,
      'nobody was asked twice',
    );
  },
);

t.test('a confirmation and a publication acknowledged before kill -9 are not lost', async (t) => {
  const { database, relay, start } = await killable(t);
  let service = await start();
  await post(`${service.url}/api/v1/subscriptions`, { email: 'here@example.org' });
  await until('the confirmation mail', async () => relay.mailTo('here@example.org').length > 0);
  const link = (await relay.mailTo('here@example.org')[0]?.links())?.find((url) => url.includes('/confirm/')) ?? '';
  const confirmed = await fetch(`${service.url}${new URL(link).pathname}`, { method: 'POST' });
  await service.stop('SIGKILL');
  t.equal(confirmed.status, 200);
  const { rows } = await database.pool.query<{ status: string }>('select status from subscribers');
  t.strictSame(rows, [{ status: 'confirmed' }], 'the confirmation is kept');

  service = await start();
  await put(`${service.url}/api/v1/draft`, listOf('Vendor One'));
  await post(`${service.url}/api/v1/versions`, { notify: false }, bearer);
  await put(`${service.url}/api/v1/draft`, listOf('Vendor One', 'Vendor Two'));
  const published = await post(`${service.url}/api/v1/versions`, {}, bearer);
  await service.stop('SIGKILL');
  t.equal(published.status, 201);

  service = await start();
  const version = await fetch(`${service.url}/api/v1/versions/2`, { headers: bearer });
  t.equal(version.status, 200, 'the version is kept');
  const notices = () => relay.mailTo('here@example.org').filter(({ raw }) => raw.includes('/objections/'));
  await until('the notice', async () => notices().length > 0, 90_000);
  await until('the record of it', async () => {
    const answer = await fetch(`${service.url}/api/v1/versions/2/deliveries`, { headers: bearer });
    const body: unknown = await answer.json();
    return JSON.stringify(body).includes('"sent":1');
  });
  const ids = new Set(await Promise.all(notices().map(async (mail) => (await mail.parse()).messageId)));
  t.equal(ids.size, 1, 'a repeat, if any, is the same message');
});
