import t from 'tap';
import { transaction } from '../../src/database/transaction.js';
import { suppressQueued } from '../../src/deliveries/suppress.js';
import { readAudience } from '../../src/notices/audience.js';
import { fanOut } from '../../src/notices/fan-out.js';
import { lastNotified } from '../../src/notices/order.js';
import { browseDeliveries, deliveryReport } from '../../src/notices/report.js';
import {
  aChange,
  addCrowd,
  addSubscribers,
  addVersions,
  at,
  deliveries,
  hashOf,
  order,
  start,
  withdrawVersion,
} from '../deliveries/make.js';
import { openDatabase } from '../support/database.js';

const now = () => start;

async function aService(t: Parameters<typeof openDatabase>[0], versions = 3) {
  const { pool } = await openDatabase(t);
  await addVersions(pool, versions);
  return { pool, deps: { db: pool, now } };
}

async function fanOutWhole(deps: {
  db: Awaited<ReturnType<typeof openDatabase>>['pool'];
  now: () => Date;
}): Promise<number> {
  let made = 0;
  for (let rows = await fanOut(deps); rows > 0; rows = await fanOut(deps)) made += rows;
  return made;
}

t.test('those who were confirmed when the notice was ordered get a row, and nobody else', async (t) => {
  const { pool, deps } = await aService(t);
  await addSubscribers(pool, [
    { email: 'ann@example.org' },
    { email: 'pending@example.org', status: 'pending' },
    { email: 'left@example.org', status: 'unsubscribed' },
    { email: 'bob@example.org', locale: 'de' },
  ]);
  await order(pool, 2);
  await addSubscribers(pool, [{ email: 'later@example.org' }]);

  t.equal(await fanOut(deps), 2);
  t.equal(await fanOut(deps), 0);
  t.match(await deliveries(pool), [
    { email: 'ann@example.org', kind: 'notice', state: 'queued', locale: 'en', priority: 1, due_at: start },
    { email: 'bob@example.org', kind: 'notice', state: 'queued', locale: 'de', priority: 1, due_at: start },
  ]);
  t.match(await deliveryReport(pool, 2), { complete: false, counts: { queued: 2 }, notices: [{ fannedOutAt: start }] });
});

t.test('those whom a notice does not concern have a row that says why', async (t) => {
  const { pool, deps } = await aService(t);
  await addSubscribers(pool, [
    { email: 'all@example.org' },
    { email: 'shop@example.org', services: ['shop'] },
    { email: 'chat@example.org', services: ['chat'] },
    { email: 'chat-material@example.org', services: ['chat'], toldOf: 'material' },
    { email: 'both-material@example.org', services: ['chat', 'shop'], toldOf: 'material' },
    { email: 'all-material@example.org', toldOf: 'material' },
    { email: 'dead@example.org' },
  ]);
  await pool.query(`insert into suppressions values ($1, 'hard-bounce', null, $2)`, [
    hashOf('dead@example.org'),
    start,
  ]);
  const changes = [
    aChange({ id: 'a', services: ['shop'] }),
    aChange({ id: 'b', services: ['chat'], severity: 'editorial' }),
  ];
  t.equal((await readAudience(pool, changes, { noticePeriodDays: 30 })).recipients.total, 5);
  await order(pool, 2, changes);
  await order(pool, 3, [aChange({ services: ['mail'] })]);
  await fanOutWhole(deps);

  const seen = (await deliveries(pool)).map(({ email, state, reason }) => [email, reason ?? state]);
  t.same(seen.slice(0, 7), [
    ['all@example.org', 'queued'],
    ['shop@example.org', 'queued'],
    ['chat@example.org', 'queued'],
    ['chat-material@example.org', 'not-material'],
    ['both-material@example.org', 'queued'],
    ['all-material@example.org', 'queued'],
    ['dead@example.org', 'hard-bounce'],
  ]);
  t.same(
    seen.slice(7).map(([, reason]) => reason),
    ['queued', 'out-of-scope', 'out-of-scope', 'out-of-scope', 'out-of-scope', 'queued', 'hard-bounce'],
  );
});

t.test('a notice of nothing material goes to those who asked for everything', async (t) => {
  const { pool, deps } = await aService(t);
  await addSubscribers(pool, [{ email: 'all@example.org' }, { email: 'material@example.org', toldOf: 'material' }]);
  await order(pool, 2, [aChange({ severity: 'editorial' })]);
  await fanOut(deps);
  t.same(
    (await deliveries(pool)).map(({ state, reason }) => [state, reason]),
    [
      ['queued', null],
      ['suppressed', 'not-material'],
    ],
  );
});

t.test('a crowd is fanned out in chunks, a repeat after a crash makes nothing twice', async (t) => {
  const { pool, deps } = await aService(t);
  await addCrowd(pool, 25_000);
  const notice = await order(pool, 2);

  t.equal(await fanOut(deps), 10_000);
  t.match(await deliveryReport(pool, 2), { complete: false, counts: { queued: 10_000 } });
  // As if the rows were there and the progress was lost (no such state can be left by us).
  await pool.query('update notices set fanned_out_to = 0 where id = $1', [notice]);
  t.equal(await fanOutWhole(deps), 15_000);
  t.equal((await deliveryReport(pool, 2)).counts.queued, 25_000);
  const { rows } = await pool.query(
    'select count(distinct subscriber_id)::integer as people, count(*)::integer as rows from deliveries',
  );
  t.same(rows, [{ people: 25_000, rows: 25_000 }]);
});

t.test('instances share the work of a fan-out and make each row once', async (t) => {
  const { pool, deps } = await aService(t);
  await addCrowd(pool, 12_000);
  await order(pool, 2);
  await order(pool, 3);
  await Promise.all([fanOutWhole(deps), fanOutWhole(deps), fanOutWhole(deps)]);
  await fanOutWhole(deps);
  t.equal((await deliveryReport(pool, 2)).counts.queued, 12_000);
  t.equal((await deliveryReport(pool, 3)).counts.queued, 12_000);
});

t.test('a notice to nobody is complete, and does not stop the next one', async (t) => {
  const { pool, deps } = await aService(t);
  await order(pool, 2);
  await addSubscribers(pool, [{ email: 'ann@example.org' }]);
  await order(pool, 3);
  t.equal(await fanOut(deps), 1);
  t.match(await deliveryReport(pool, 2), { complete: true, counts: { queued: 0 } });
  t.match(await deliveryReport(pool, 3), { complete: false, counts: { queued: 1 } });
});

t.test('a version without notice has empty counts', async (t) => {
  const { pool } = await aService(t);
  t.match(await deliveryReport(pool, 1), { complete: true, counts: { queued: 0, sent: 0 }, notices: [] });
  t.same(await browseDeliveries(pool, 1), { deliveries: [], next: null });
});

t.test('the withdrawal goes to those who were told, and ends the announcement', async (t) => {
  const { pool, deps } = await aService(t);
  const [told, , , left] = await addSubscribers(pool, [
    { email: 'told@example.org' },
    { email: 'perhaps@example.org' },
    { email: 'queued@example.org' },
    { email: 'told-and-left@example.org' },
    { email: 'shop@example.org', services: ['shop'] },
    { email: 'left-and-came-back@example.org' },
  ]);
  await order(pool, 2, [aChange({ services: ['chat'] })]);
  await fanOutWhole(deps);
  // Left before the announcement went, and was told of it by the welcome.
  await pool.query(
    `update deliveries set state = 'suppressed', reason = 'unsubscribed' where email = 'left-and-came-back@example.org'`,
  );
  await pool.query(
    `update subscribers set confirmed_moment = nextval('moments') where email = 'left-and-came-back@example.org'`,
  );
  await pool.query(`update deliveries set state = 'sent', attempts = 1, sent_at = $2 where subscriber_id = any($1)`, [
    [told, left],
    start,
  ]);
  await pool.query(`update deliveries set state = 'deferred', attempts = 1 where email = 'perhaps@example.org'`);
  await pool.query(`update subscribers set status = 'unsubscribed' where id = $1`, [left]);
  await addSubscribers(pool, [
    { email: 'welcomed@example.org' },
    { email: 'welcomed-shop@example.org', services: ['shop'] },
  ]);
  await withdrawVersion(pool, 2);
  await order(pool, 2, [aChange({ services: ['chat'] })], 'withdrawal');
  await addSubscribers(pool, [{ email: 'after@example.org' }]);
  await fanOutWhole(deps);

  const { rows } = await pool.query<{ email: string; state: string; reason: string | null }>(
    `select d.email, d.state, d.reason from deliveries d join notices n on n.id = d.notice_id
     where n.kind = 'withdrawal' order by d.id`,
  );
  t.same(rows, [
    { email: 'told@example.org', state: 'queued', reason: null },
    { email: 'perhaps@example.org', state: 'queued', reason: null },
    { email: 'left-and-came-back@example.org', state: 'queued', reason: null },
    { email: 'welcomed@example.org', state: 'queued', reason: null },
  ]);
  const announcement = (await deliveries(pool)).filter(({ email }) => /^(queued|perhaps)@/.test(email ?? ''));
  t.match(announcement[0], { state: 'suppressed', reason: 'withdrawn' });
  t.match(announcement[1], { state: 'suppressed', reason: 'withdrawn' });
});

t.test(
  'a withdrawal reaches whoever heard of the version by a late welcome, before its announcement went',
  async (t) => {
    const { pool, deps } = await aService(t);
    const people = ['early', 'late', 'late-shop'].map((name) => ({
      email: `${name}@example.org`,
      services: name === 'late-shop' ? ['shop'] : null,
    }));
    const ids = await addSubscribers(pool, people);
    await order(pool, 2, [aChange({ services: ['chat'] })]);
    const welcomed = async (id: number | undefined, sentAt: string) =>
      pool.query(
        `insert into deliveries (kind, subscriber_id, recipient_hash, locale, priority, state, due_at, created_at, sent_at)
       values ('welcome', $1, '\\x00', 'en', 0, 'sent', $2, $2, $2)`,
        [id, at(sentAt)],
      );
    await welcomed(ids[0], '2027-01-04T08:59:00Z');
    await welcomed(ids[1], '2027-01-04T09:01:00Z');
    await welcomed(ids[2], '2027-01-04T09:01:00Z');
    await withdrawVersion(pool, 2);
    await order(pool, 2, [aChange({ services: ['chat'] })], 'withdrawal');
    await fanOutWhole(deps);
    t.same(
      (await deliveries(pool)).flatMap((row) => (row.state === 'queued' ? [row.email] : [])),
      ['late@example.org'],
    );
  },
);

t.test('a version withdrawn in the middle of its fan-out is told to nobody further', async (t) => {
  const { pool, deps } = await aService(t);
  await addCrowd(pool, 12_000);
  await order(pool, 2);
  await fanOut(deps);
  await withdrawVersion(pool, 2);
  await order(pool, 2, [aChange()], 'withdrawal');
  t.equal(await fanOutWhole(deps), 0);
  t.match(await deliveryReport(pool, 2), { complete: true, counts: { suppressed: 10_000, queued: 0 } });
});

t.test('the last notified version is the latest with a notice that stands', async (t) => {
  const { pool } = await aService(t);
  t.equal(await lastNotified(pool), null);
  await order(pool, 2);
  await order(pool, 3);
  t.same(await lastNotified(pool), { version: 3 });
  await withdrawVersion(pool, 3);
  await order(pool, 3, [aChange()], 'withdrawal');
  t.same(await lastNotified(pool), { version: 2 });
});

t.test('deliveries are browsed page by page, whatever their state', async (t) => {
  const { pool, deps } = await aService(t);
  await addCrowd(pool, 25);
  await order(pool, 2);
  await fanOut(deps);
  const all = await deliveries(pool);
  await pool.query(`update deliveries set state = 'failed', reason = 'policy' where id % 3 = 0`);
  const walk = async (state?: 'failed') => {
    const ids: number[] = [];
    let after: number | null = 0;
    while (after !== null) {
      const page = await browseDeliveries(pool, 2, { state, after, limit: 4 });
      ids.push(...page.deliveries.map(({ id }) => id));
      after = page.next;
    }
    return ids;
  };
  t.same(
    await walk(),
    all.map(({ id }) => id),
  );
  t.same(
    await walk('failed'),
    all.map(({ id }) => id).filter((id) => id % 3 === 0),
  );
  const [first] = (await browseDeliveries(pool, 2, { limit: 1 })).deliveries;
  t.match(first, {
    notice: 'change',
    email: 'p1@example.org',
    state: 'queued',
    attempts: 0,
    messageId: null,
    sentAt: null,
  });
});

t.test('who leaves loses what is queued of notices; letters they asked for still go', async (t) => {
  const { pool, deps } = await aService(t);
  const [id = 0] = await addSubscribers(pool, [{ email: 'ann@example.org' }]);
  await order(pool, 2);
  await fanOut(deps);
  await pool.query(
    `insert into deliveries (kind, subscriber_id, email, recipient_hash, locale, priority, state, due_at, created_at)
     values ('manage-link', $1, 'ann@example.org', $2, 'en', 0, 'queued', $3, $3)`,
    [id, hashOf('ann@example.org'), start],
  );
  t.equal(await transaction(pool, (tx) => suppressQueued(tx, id, 'unsubscribed', start)), 1);
  t.same(
    (await deliveries(pool)).map(({ state, reason }) => [state, reason]),
    [
      ['suppressed', 'unsubscribed'],
      ['queued', null],
    ],
  );
  t.equal(
    await transaction(pool, (tx) => suppressQueued(tx, id, 'hard-bounce', start)),
    1,
    'a dead address gets nothing',
  );
});

t.test('what is held waits; what is ordered afterwards does not', async (t) => {
  const { pool, deps } = await aService(t);
  await addSubscribers(pool, [{ email: 'ann@example.org' }]);
  await order(pool, 2);
  const hold = (since: Date | null) =>
    pool.query(
      `insert into service_state (last_seen_at, cluster, database_oid, held_since, held_because) values ($1, '', 1, $2, $3)
       on conflict (id) do update set held_since = excluded.held_since, held_because = excluded.held_because`,
      [start, since, since === null ? null : 'gap'],
    );
  await hold(new Date(start.getTime() + 1));
  t.equal(await fanOut(deps), 0);
  await hold(start);
  t.equal(await fanOut(deps), 1, 'ordered at the moment of the hold or later');
});
