import t, { type Test } from 'tap';
import { systemActor } from '../src/actor.js';
import { run } from '../src/database/query.js';
import { sql } from '../src/database/sql.js';
import { checkIn, readHold, release, stayAwake } from '../src/holds/hold.js';
import { bearer, startApp, type TestApp } from './support/app.js';

/*
 * After a long stop, or on a restored copy of the database, nothing overdue is sent by itself: the
 * original may have sent it already, or it is out of date (bug 28; HOLD_AFTER_HOURS).
 */

async function withLetterWaiting(t: Test): Promise<TestApp> {
  const app = await startApp(t, { env: { HOLD_AFTER_HOURS: '24' } });
  t.equal(await checkIn(app.deps), null, 'a first start holds nothing');
  await app.inject({ method: 'POST', url: '/api/v1/subscriptions', payload: { email: 'wait@example.org' } });
  return app;
}

t.test('a stop within HOLD_AFTER_HOURS holds nothing', async (t) => {
  const app = await withLetterWaiting(t);
  app.clock.advance({ hours: 20 });
  await stayAwake(app.deps);
  app.clock.advance({ hours: 23 });
  t.equal(await checkIn(app.deps), null);
  await app.send();
  t.equal(app.relay.mailTo('wait@example.org').length, 1);
});

t.test('after a longer one what is overdue waits for a release, and what comes anew does not', async (t) => {
  const app = await withLetterWaiting(t);
  app.clock.advance({ hours: 25 });
  const hold = await checkIn(app.deps);
  t.match(hold, { because: 'gap', waiting: { deliveries: 1, notices: 0, publications: 0 } });
  app.clock.advance({ minutes: 1 });
  await app.inject({ method: 'POST', url: '/api/v1/subscriptions', payload: { email: 'new@example.org' } });
  await app.send();
  t.strictSame(
    app.relay.received.map(({ to }) => to),
    [['new@example.org']],
  );

  t.match(await checkIn(app.deps), { because: 'gap' }, 'another start does not lift it');
  t.match(await release(app.deps, systemActor), { because: 'gap' });
  t.equal(await release(app.deps, systemActor), null, 'a second release finds nothing');
  await app.send();
  t.equal(app.relay.mailTo('wait@example.org').length, 1);
  const audit = await app.inject({ url: '/api/v1/audit', headers: bearer });
  t.match(audit.body, 'sending.held');
  t.match(audit.body, 'sending.released');
});

t.test('a restored copy holds what it brought along, however fresh it is', async (t) => {
  const app = await withLetterWaiting(t);
  await run(app.deps.db, sql`update service_state set database_oid = database_oid + 1`);
  app.clock.advance({ seconds: 1 });
  t.match(await checkIn(app.deps), { because: 'copy' });
  await app.send();
  t.equal(app.relay.received.length, 0);
  await release(app.deps, systemActor);
  await app.send();
  t.equal(app.relay.received.length, 1);
});

t.test('a publication planned for the time of the stop waits as well, then follows its own rule', async (t) => {
  const app = await startApp(t);
  await checkIn(app.deps);
  const list = (...names: string[]) => ({
    title: 'Sub-processors',
    dataSubjects: [],
    subProcessors: names.map((name) => ({ name })),
  });
  const put = (payload: object) => app.inject({ method: 'PUT', url: '/api/v1/draft', headers: bearer, payload });
  const publish = (payload: object) =>
    app.inject({ method: 'POST', url: '/api/v1/versions', headers: bearer, payload });
  await put(list('One'));
  t.equal((await publish({ notify: false })).statusCode, 201);
  await put(list('One', 'Two'));
  const publishAt = new Date(app.clock.now().getTime() + 3_600_000).toISOString();
  t.equal((await publish({ publishAt, effectiveAt: '2027-06-01' })).statusCode, 202);

  app.clock.advance({ hours: 48 });
  t.match(await checkIn(app.deps), { because: 'gap', waiting: { publications: 1 } });
  t.equal(await app.publishDue(), 0);
  t.match(await readHold(app.deps.db), { waiting: { publications: 1 } });
  await release(app.deps, systemActor);
  t.equal(await app.publishDue(), 1, 'its dates still keep the notice period');
  t.equal((await app.inject({ url: '/versions/2.json' })).statusCode, 200);
});

t.test('a long stop without anything overdue is no reason to hold', async (t) => {
  const app = await startApp(t);
  await checkIn(app.deps);
  app.clock.advance({ days: 30 });
  t.equal(await checkIn(app.deps), null);
});
