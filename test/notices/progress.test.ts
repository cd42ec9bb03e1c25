import { get, type IncomingMessage } from 'node:http';
import t, { type Test } from 'tap';
import { createProgressFeed } from '../../src/notices/progress-feed.js';
import { createMeter } from '../../src/notices/rate.js';
import { addCrowd, addSubscribers } from '../deliveries/make.js';
import { listYaml, newVendor, publishList } from '../pages/support.js';
import { adminToken, bearer, startApp, type TestApp } from '../support/app.js';
import { freePort, until } from '../support/process.js';

t.test('the rate is that of the last ten seconds, and nothing is made up', async (t) => {
  const meter = createMeter();
  const at = (seconds: number) => new Date(Date.UTC(2027, 0, 4) + seconds * 1_000);
  t.equal(meter.observe(0, at(0)), null, 'one look measures nothing');
  t.equal(meter.observe(100, at(1)), null, 'nor does too short a time');
  t.equal(meter.observe(200, at(2)), 100);
  t.equal(meter.observe(200, at(2)), 100, 'two who look at once see the same');
  t.equal(meter.observe(400, at(4)), 100);
  for (let second = 5; second <= 14; second += 1) meter.observe(400, at(second));
  t.equal(meter.observe(400, at(15)), 0, 'it stands still');
  t.equal(meter.observe(350, at(16)), 0, 'what came back was sent all the same');
  t.equal(meter.observe(900, at(60)), null, 'long looked away');
});

t.test('what is told of a run: counts, times, who was not reached and why, the relay', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml());
  await addSubscribers(app.database.pool, [
    { email: 'a@example.org' },
    { email: 'b@example.org' },
    { email: 'gone@example.org' },
    { email: 'later@example.org' },
    { email: 'other@example.org', services: ['surveys'] },
  ]);
  await publishList(app, listYaml(`${newVendor}    services: [community]\n`));
  t.equal((await progress(app, 9)).statusCode, 404);
  t.match((await progress(app, 1)).json(), { total: 0, settled: 0, complete: true, secondsLeft: 0, startedAt: null });
  t.match((await progress(app, 2)).json(), {
    total: 0,
    complete: false,
    preparing: true,
    rate: null,
    secondsLeft: null,
  });
  await app.fanOut();
  t.match((await progress(app, 2)).json(), {
    counts: { queued: 4, suppressed: 1 },
    total: 5,
    settled: 1,
    preparing: false,
    notReached: [],
    nextAttemptAt: null,
  });
  app.relay.answerWith(({ stage, subject }) => {
    if (stage !== 'rcpt') return undefined;
    if (subject.startsWith('gone')) return '550 5.1.1 no such user';
    return subject.startsWith('later') ? '450 4.2.0 greylisted' : undefined;
  });
  app.clock.advance({ seconds: 20 });
  await app.send();
  const half = (await progress(app, 2)).json();
  t.match(half, {
    counts: { sent: 2, bounced: 1, deferred: 1, suppressed: 1 },
    settled: 4,
    complete: false,
    startedAt: '2027-01-04T09:00:20.000Z',
    lastAcceptedAt: '2027-01-04T09:00:20.000Z',
    relay: { down: false, since: null, says: null },
    held: false,
    notReached: [
      { state: 'bounced', reason: 'mailbox-unknown', count: 1 },
      { state: 'deferred', reason: 'greylisted', count: 1 },
    ],
  });
  t.ok(half.nextAttemptAt > '2027-01-04T09:01', 'the next attempt is told');

  app.relay.answerWith(() => undefined);
  app.clock.advance({ minutes: 5 });
  await app.send();
  t.match((await progress(app, 2)).json(), {
    complete: true,
    total: 5,
    settled: 5,
    rate: null,
    secondsLeft: 0,
    nextAttemptAt: null,
    lastAcceptedAt: '2027-01-04T09:05:20.000Z',
    notReached: [{ state: 'bounced', count: 1 }],
  });
});

t.test('time left goes by the rate, for what may go now, while the relay takes mail', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml());
  await addCrowd(app.database.pool, 100);
  await publishList(app, listYaml(newVendor));
  await app.fanOut();
  const { pool } = app.database;
  const take = (count: number) =>
    pool.query(
      `update deliveries set state = 'sent', sent_at = $1, state_at = $1 where id in (
        select id from deliveries where state = 'queued' order by id limit $2)`,
      [app.clock.now(), count],
    );
  const look = async () => (await progress(app, 2)).json();
  await look();
  app.clock.advance({ seconds: 4 });
  await take(20);
  t.match(await look(), { rate: 5, secondsLeft: 16 });
  await pool.query(`update relay set down_since = $1, probe_at = $1, fault = '421 busy'`, [app.clock.now()]);
  t.match(await look(), { secondsLeft: null, relay: { down: true, says: '421 busy' } });
});

t.test('whoever watches is told of changes only, and of the end', async (t) => {
  const { app, port } = await listen(t);
  await publishList(app, listYaml());
  await addCrowd(app.database.pool, 30);
  await publishList(app, listYaml(newVendor));
  await app.fanOut();
  const stream = await watch(t, port, 2);
  t.match(stream.response.headers, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store, no-transform',
    'x-accel-buffering': 'no',
  });
  await until('a first event', async () => stream.events().length > 0);
  t.match(stream.events()[0], { event: 'progress', data: { counts: { queued: 30 }, complete: false } });
  await app.send();
  await until('the end of the stream', async () => stream.ended());
  const events = stream.events();
  t.equal(events.at(-1)?.event, 'complete');
  t.match(events.at(-2), { event: 'progress', data: { counts: { sent: 30 }, complete: true } });
  t.equal(new Set(events.map((event) => JSON.stringify(event))).size, events.length, 'nothing twice');

  const late = await watch(t, port, 2);
  await until('the end of the stream', async () => late.ended());
  t.same(
    late.events().map(({ event }) => event),
    ['progress', 'complete'],
    'of what is over as well',
  );
});

t.test('the stream asks for a right, a version, and leaves HEAD alone', async (t) => {
  const { app, port } = await listen(t);
  await publishList(app, listYaml());
  const events = { accept: 'text/event-stream' };
  t.equal((await app.inject({ url: '/api/v1/versions/1/progress', headers: events })).statusCode, 401);
  t.equal((await progress(app, 7, events)).statusCode, 404);
  const head = await app.inject({
    method: 'HEAD',
    url: '/api/v1/versions/1/progress',
    headers: { ...bearer, ...events },
  });
  t.equal(head.statusCode, 200);
  t.match(head.headers['content-type'], /application\/json/);
  t.equal(app.deps.progress.watchers, 0);
  t.ok(port);
});

t.test('a version is looked at once however many watch, and not at all when nobody does', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml());
  await addCrowd(app.database.pool, 3);
  await publishList(app, listYaml(newVendor));
  await app.fanOut();
  let questions = 0;
  app.deps.db.on('acquire', () => {
    questions += 1;
  });
  const feed = createProgressFeed(app.deps, { everyMs: 5 });
  t.teardown(() => feed.close());
  await feed.read(2);
  const first = questions;
  await feed.read(2);
  const perLook = questions - first;
  t.ok(perLook > 0);
  const told: number[] = [];
  const stops = Array.from({ length: 100 }, (_, index) =>
    feed.watch(2, { progress: ({ total }) => told.push(total + index), end: () => told.push(-1) }),
  );
  t.ok(stops.every((stop) => stop !== null));
  t.equal(feed.watchers, 100);
  t.equal(feed.watch(2, { progress: () => undefined, end: () => undefined }), null, 'there is an end to it');
  await until('everybody is told', async () => told.length >= 100);
  const before = questions;
  await until('ten more looks', async () => questions >= before + 10 * perLook);
  t.equal(told.length, 100, 'nothing has changed, so nothing more is told');

  for (const stop of stops) stop?.();
  for (const stop of stops) stop?.();
  t.equal(feed.watchers, 0, 'who stops twice is counted once');
  // A look that was under way ends; none begins after it.
  await until('it is quiet', async () => {
    const from = questions;
    await feed.read(2);
    return questions === from + perLook;
  });
  const after = questions;
  for (let look = 0; look < 5; look += 1) await feed.read(2);
  t.equal(questions, after + 5 * perLook);
});

t.test('a database that is away for a moment ends no stream', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml());
  await addCrowd(app.database.pool, 3);
  await publishList(app, listYaml(newVendor));
  await app.fanOut();
  let away = true;
  const warned: unknown[] = [];
  const feed = createProgressFeed(
    {
      db: app.deps.db,
      now: () => {
        if (away) throw new Error('Connection terminated');
        return app.clock.now();
      },
      log: { ...app.deps.log, warn: (...said: unknown[]) => void warned.push(said) },
    },
    { everyMs: 5 },
  );
  t.teardown(() => feed.close());
  const told: string[] = [];
  feed.watch(2, { progress: () => told.push('progress'), end: (complete) => told.push(`end ${complete}`) });
  await until('it was noticed', async () => warned.length > 1);
  t.same(told, []);
  away = false;
  await until('it goes on', async () => told.length > 0);
  await app.send();
  await until('the end', async () => told.includes('end true'));
});

t.test('a service that ends waits for no watcher, and a watcher who leaves is forgotten', async (t) => {
  const { app, port } = await listen(t);
  await publishList(app, listYaml());
  await addCrowd(app.database.pool, 3);
  await publishList(app, listYaml(newVendor));
  const [one, two] = [await watch(t, port, 2), await watch(t, port, 2)];
  await until('both watch', async () => app.deps.progress.watchers === 2);
  one.response.destroy();
  await until('one has left', async () => app.deps.progress.watchers === 1);
  const begun = process.hrtime.bigint();
  await app.http.close();
  t.ok(process.hrtime.bigint() - begun < 3_000_000_000n, 'it ended at once');
  await until('the stream is over', async () => two.ended());
  t.notOk(two.events().some(({ event }) => event === 'complete'));
});

const progress = (app: TestApp, version: number, headers: Record<string, string> = {}) =>
  app.inject({ url: `/api/v1/versions/${version}/progress`, headers: { ...bearer, ...headers } });

async function listen(t: Test) {
  const app = await startApp(t);
  const port = await freePort();
  await app.http.listen({ port, host: '127.0.0.1' });
  return { app, port };
}

/** Opens a stream of events as a program does. */
async function watch(t: Test, port: number, version: number) {
  let text = '';
  let over = false;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(
      {
        port,
        host: '127.0.0.1',
        path: `/api/v1/versions/${version}/progress`,
        headers: { accept: 'text/event-stream', authorization: `Bearer ${adminToken}` },
      },
      resolve,
    ).on('error', reject);
  });
  response.setEncoding('utf8');
  response.on('data', (part: string) => {
    text += part;
  });
  for (const ending of ['end', 'close', 'error'] as const) {
    response.on(ending, () => {
      over = true;
    });
  }
  t.teardown(() => response.destroy());
  return {
    response,
    ended: () => over,
    events: () =>
      text.split('\n\n').flatMap((block) => {
        const [, event] = /^event: (.*)$/m.exec(block) ?? [];
        const [, data] = /^data: (.*)$/m.exec(block) ?? [];
        return event === undefined || data === undefined ? [] : [{ event, data: JSON.parse(data) }];
      }),
  };
}
