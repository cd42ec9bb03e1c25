import t from 'tap';
import { startOwnPostgres } from '../support/own-postgres.js';
import { type Service, startService, until } from '../support/process.js';
import { startSmtp } from '../support/smtp.js';
import {
  type Answer,
  asAdmin,
  confirmedCsv,
  headerOf,
  importCsv,
  listOf,
  mailedLink,
  outsideEnv,
  publish,
  quiet,
  send,
  sendForm,
  sendJson,
  wordsOf,
} from './outside.js';
import { people, reportOf } from './report.js';

/* The database goes away under a running service, and comes back (case 15 of the collected faults). */

t.setTimeout(150_000);
// Each of them mostly waits.
t.jobs = 2;

/** Reads a page fifty times a second until it is stopped, and keeps what came of each. */
function readSteadily(url: string) {
  const reads: { status: number; retryAfter: string | undefined; ms: number }[] = [];
  const running = new Set<Promise<void>>();
  const timer = setInterval(() => {
    const from = performance.now();
    const read = send(url)
      .then(({ status, headers }) => ({ status, retryAfter: headers['retry-after'] }))
      // No answer at all.
      .catch(() => ({ status: 0, retryAfter: undefined }))
      .then((result) => {
        reads.push({ ...result, ms: performance.now() - from });
        running.delete(read);
      });
    running.add(read);
  }, 20);
  return {
    async stop() {
      clearInterval(timer);
      await Promise.all(running);
      return reads;
    },
  };
}

const shows = async (service: Service, vendor: string) =>
  (await send(`${service.url}/versions/2`)).body.includes(vendor);

t.test('case 15: sessions are ended, the database is away for 20 s, and comes back', { buffered: true }, async (t) => {
  const postgres = await startOwnPostgres(t);
  const { pool } = postgres;
  const relay = await startSmtp(t);
  const env = outsideEnv({ DATABASE_URL: postgres.url, SMTP_URL: relay.url, LOG_LEVEL: 'error' });
  const one = await startService(t, env);
  const two = await startService(t, env);
  await publish(one, listOf('Vendor One'), { notify: false });
  const everybody = people(60);
  await importCsv(one, confirmedCsv(...everybody));
  const listeners = async () => {
    const { rows } = await pool.query<{ count: number }>(
      `select count(*)::integer as count from pg_stat_activity where query like 'listen %'`,
    );
    return rows[0]?.count;
  };
  await until('both to listen', async () => (await listeners()) === 2);
  for (const service of [one, two]) t.equal((await send(service.url)).status, 200);

  await pool.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname is not null',
  );
  for (const service of [one, two])
    t.equal((await send(service.url)).status, 200, 'it lives, and has its page in memory');
  await until('both to listen again', async () => (await listeners()) === 2, 10_000);

  const draft = JSON.stringify(listOf('Vendor One', 'Vendor Two'));
  t.equal((await asAdmin(two, '/api/v1/draft', { method: 'PUT', body: draft })).status, 200);
  const reading = readSteadily(one.url);
  await postgres.stop();
  const stopped = performance.now();

  const form = await sendForm(`${one.url}/subscribe`, { email: 'form@example.org' });
  isClearlyAway(form, 'the form');
  t.match(form.headers['content-type'], /^text\/html/, 'the form: a page');
  t.notMatch(wordsOf(form.body), /Look into your mailbox/, 'which does not say that it was taken');
  isClearlyAway(await sendJson(`${one.url}/api/v1/subscriptions`, { email: 'api@example.org' }), 'the API');
  // Another instance is told to publish meanwhile, and again until it says that it did.
  const refusals: number[] = [];
  const publishing = until(
    'the publication',
    async () => {
      const headers = { 'idempotency-key': 'meanwhile' };
      const { status } = await asAdmin(two, '/api/v1/versions', { method: 'POST', headers, body: '{}' });
      if (status !== 201) refusals.push(status);
      return status === 201 && performance.now();
    },
    60_000,
  );
  await until('twenty seconds', async () => {
    for (const service of [one, two]) t.equal((await send(`${service.url}/healthz`)).status, 200);
    return performance.now() - stopped >= 20_000;
  });
  await postgres.start();
  const back = performance.now();

  const publishedAt = await publishing;
  for (const service of [one, two]) await until('the new version', () => shows(service, 'Vendor Two'));
  const again = await sendForm(`${one.url}/subscribe`, { email: 'form@example.org' });
  t.equal(again.status, 200, 'the form is taken');
  await mailedLink(relay, 'form@example.org', 'confirm');
  const took = performance.now() - back;
  t.ok(took < 10_000, `all of it works ${Math.round(took)} ms after the start`);
  t.ok(publishedAt > stopped + 20_000, 'nothing was published before');
  t.same(new Set(refusals), new Set([503]), 'the publication was clearly refused till then');
  await quiet({ database: postgres });

  const reads = await reading.stop();
  const missing = reads.filter(
    ({ status, retryAfter }) => status !== 200 && !(status === 503 && retryAfter !== undefined),
  );
  t.same(missing, [], `each of ${reads.length} reads has the page, or 503 with a time to come back`);
  t.ok(reads.length > 500, 'read all the while');
  const slowest = Math.max(...reads.map(({ ms }) => ms));
  t.ok(slowest < 5_000, `the slowest took ${Math.round(slowest)} ms`);
  const notices = relay.received.filter(({ raw }) => raw.includes('/compare/1...2'));
  t.same(notices.flatMap(({ to }) => to).sort(), [...everybody].sort(), 'no delivery is lost, none doubled');
  t.equal(relay.mailTo('api@example.org').length, 0, 'what was refused did not happen');
  t.equal(relay.mailTo('form@example.org').length, 1);
  await until('both to listen once more', async () => (await listeners()) === 2);
  for (const service of [one, two]) t.equal(await service.stop(), 0, 'it is the same process, and ends in order');

  function isClearlyAway(answer: Answer, what: string) {
    t.equal(answer.status, 503, `${what}: 503`);
    t.match(answer.headers['retry-after'], /^\d+$/, `${what}: with a time to come back`);
  }
});

t.test('case 15: kill -9 of the database server in the middle of a run', { buffered: true }, async (t) => {
  const postgres = await startOwnPostgres(t);
  const taken = { count: 0, onEnough: () => {} };
  const relay = await startSmtp(t, {
    delayMs: 10,
    answer: ({ stage }) => {
      if (stage === 'data') taken.count += 1;
      if (taken.count === 700) taken.onEnough();
      return undefined;
    },
  });
  const enough = new Promise<void>((resolve) => {
    taken.onEnough = resolve;
  });
  const connections = 8;
  const service = await startService(
    t,
    outsideEnv({
      DATABASE_URL: postgres.url,
      SMTP_URL: relay.url,
      MAIL_CONCURRENCY: String(connections),
      LOG_LEVEL: 'error',
    }),
  );
  await publish(service, listOf('Vendor One'), { notify: false });
  const everybody = people(2_000);
  await importCsv(service, confirmedCsv(...everybody));
  await publish(service, listOf('Vendor One', 'Vendor Two'));
  await enough;
  postgres.kill();
  await postgres.start();
  t.comment(`killed after ${taken.count} mails`);
  await until('the end of the run', async () => (await reportOf(service, 2, 1).catch(() => null))?.complete, 60_000);

  const got = relay.received.flatMap(({ to }) => to);
  t.same([...new Set(got)].sort(), [...everybody].sort(), 'everybody has the notice');
  const { rows } = await postgres.pool.query<{ email: string; state: string; message_id: string }>(
    'select email, state, message_id from deliveries',
  );
  t.equal(rows.length, 2_000);
  t.same(new Set(rows.map(({ state }) => state)), new Set(['sent']), 'and the record says so');
  const ids = new Map(rows.map(({ email, message_id }) => [email, message_id]));
  t.same(
    relay.received.filter((mail) => headerOf(mail, 'Message-ID') !== ids.get(mail.to[0] ?? '')),
    [],
    'a double has the same Message-ID',
  );
  const doubles = got.length - everybody.length;
  t.ok(doubles <= connections * 2, `doubles are at most the mails in flight: ${doubles}`);
  t.equal(await service.stop(), 0, 'the service has lived through it');
});
