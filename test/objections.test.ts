import t, { type Test } from 'tap';
import { readConfig } from '../src/config.js';
import { transaction } from '../src/database/transaction.js';
import { forgetRecipient } from '../src/deliveries/suppress.js';
import { fanOut } from '../src/notices/fan-out.js';
import { decideObjection } from '../src/objections/decide.js';
import { object, readObjectionForm } from '../src/objections/object.js';
import { countUnanswered, listObjections } from '../src/objections/report.js';
import { signLink } from '../src/subscribers/tokens.js';
import { aChange, addSubscribers, addVersions, deliveries, order, start, withdrawVersion } from './deliveries/make.js';
import { createClock } from './support/clock.js';
import { openDatabase } from './support/database.js';

const secretKeys = ['n'.repeat(32), 'k'.repeat(32)];
const config = { ...readConfig({ DATABASE_URL: 'postgresql://unused', SECRET_KEY: secretKeys.join() }) };
const admin = { kind: 'admin', id: 1, role: 'admin' } as const;

/** Version 2 is announced to ann and bob, with a window until 1 March 2027. */
async function announced(t: Test) {
  const { pool } = await openDatabase(t);
  await addVersions(pool, 3);
  const [ann = 0] = await addSubscribers(pool, [
    { email: 'ann@example.org', services: ['shop'] },
    { email: 'bob@example.org' },
  ]);
  await order(pool, 2, [aChange({ id: 'a', services: ['shop'] }), aChange({ id: 'b', services: ['chat'] })]);
  await fanOut({ db: pool, now: () => start });
  const rows = await deliveries(pool);
  const linkOf = (email: string) => signLink(secretKeys, 'objection', rows.find((row) => row.email === email)?.id ?? 0);
  const clock = createClock(start);
  return { pool, ann, clock, deps: { db: pool, config, now: clock.now }, linkOf };
}

t.test('the form shows what the person was told, and nothing is written for it', async (t) => {
  const { pool, deps, linkOf } = await announced(t);
  const form = await readObjectionForm(deps, linkOf('ann@example.org'));
  t.match(form, {
    state: 'open',
    version: 2,
    late: false,
    address: 'a•••@e•••.org',
    objectionDeadline: new Date('2027-03-01T00:00:00Z'),
    objection: null,
  });
  t.same(
    form.changes.map(({ id }) => id),
    ['a'],
  );
  t.same(
    (await readObjectionForm(deps, linkOf('bob@example.org'))).changes.map(({ id }) => id),
    ['a', 'b'],
  );
  t.equal((await pool.query('select from objections')).rowCount, 0);
});

t.test('an objection is taken once, with a receipt and an entry in the log', async (t) => {
  const { pool, ann, deps, linkOf, clock } = await announced(t);
  const link = linkOf('ann@example.org');
  clock.advance({ days: 1 });
  const taken = await object(deps, link, { grounds: ' We object:\r\nno transfer mechanism. ' });
  t.match(taken, {
    again: false,
    objection: {
      version: 2,
      subscriberId: ann,
      email: 'ann@example.org',
      late: false,
      state: 'received',
      grounds: 'We object:\nno transfer mechanism.',
    },
  });
  const again = await Promise.all([1, 2, 3].map(() => object(deps, link, { grounds: 'something else' })));
  t.ok(again.every((result) => result.again && result.objection.id === taken.objection.id));
  t.match(await readObjectionForm(deps, link), { state: 'received', objection: { grounds: /no transfer/ } });

  t.match((await deliveries(pool)).filter(({ email }) => email === 'ann@example.org').slice(1), [
    { kind: 'objection-receipt', state: 'queued', priority: 0, params: { objectionId: taken.objection.id } },
  ]);
  const audit = await pool.query('select action, subject, actor, detail from audit_log');
  t.same(audit.rows, [
    {
      action: 'objection.received',
      subject: `objection ${taken.objection.id}`,
      actor: { kind: 'subscriber', id: ann },
      detail: { version: 2, late: false },
    },
  ]);
});

t.test('sent twice at the same moment it is one', async (t) => {
  const { pool, deps, linkOf } = await announced(t);
  const link = linkOf('bob@example.org');
  const results = await Promise.all([1, 2, 3, 4].map(() => object(deps, link, { grounds: '' })));
  t.equal(results.filter(({ again }) => !again).length, 1);
  t.equal((await pool.query('select from objections')).rowCount, 1);
  t.equal((await pool.query(`select from deliveries where kind = 'objection-receipt'`)).rowCount, 1);
});

t.test('a late one is stored and marked, not refused', async (t) => {
  const { deps, clock, linkOf } = await announced(t);
  clock.set('2027-02-28T23:59:59Z');
  t.match(await object(deps, linkOf('ann@example.org'), { grounds: 'in time' }), { objection: { late: false } });
  clock.set('2027-03-01T00:00:00Z');
  t.match(await readObjectionForm(deps, linkOf('bob@example.org')), { state: 'open', late: true });
  t.match(await object(deps, linkOf('bob@example.org'), { grounds: 'too late' }), { objection: { late: true } });
});

t.test('a withdrawn version has nothing to object to', async (t) => {
  const { pool, deps, linkOf } = await announced(t);
  const early = await object(deps, linkOf('ann@example.org'), { grounds: 'no' });
  await withdrawVersion(pool, 2);
  await t.rejects(object(deps, linkOf('bob@example.org'), { grounds: 'no' }), { code: 'objection.closed' });
  t.match(await readObjectionForm(deps, linkOf('bob@example.org')), { state: 'closed' });
  t.match(await object(deps, linkOf('ann@example.org'), { grounds: 'no' }), {
    again: true,
    objection: { id: early.objection.id },
  });
});

t.test('a link that is not ours opens nothing', async (t) => {
  const { pool, ann, deps, linkOf } = await announced(t);
  const link = linkOf('ann@example.org');
  const wrong = [
    `${link.slice(0, -2)}${link.endsWith('AA') ? 'BA' : 'AA'}`,
    signLink(secretKeys, 'unsubscribe', 1),
    signLink(secretKeys, 'objection', 99_999),
    '',
    'x',
  ];
  for (const token of wrong) {
    await t.rejects(readObjectionForm(deps, token), { code: 'token.unknown' });
    await t.rejects(object(deps, token, { grounds: 'no' }), { code: 'token.unknown' });
  }
  const old = signLink(['k'.repeat(32)], 'objection', (await deliveries(pool))[0]?.id ?? 0);
  t.match(await readObjectionForm(deps, old), { state: 'open' }, 'an older key still opens');

  await transaction(pool, async (tx) => {
    await forgetRecipient(tx, ann, deps.now());
    await tx.query('delete from subscribers where id = $1', [ann]);
  });
  await t.rejects(object(deps, link, { grounds: 'no' }), { code: 'token.unknown' });
});

t.test('grounds are text', async (t) => {
  const { deps, linkOf } = await announced(t);
  for (const grounds of ['a\u0000b', 'a'.repeat(10_001), '\ud800']) {
    await t.rejects(object(deps, linkOf('ann@example.org'), { grounds }), {
      code: 'input.invalid',
      errors: [{ path: 'grounds' }],
    });
  }
});

t.test('objections are listed, taken up and decided; the erased keep theirs without their name', async (t) => {
  const { pool, ann, deps, linkOf } = await announced(t);
  const first = await object(deps, linkOf('ann@example.org'), {
    grounds: 'one; answer to ann@example.org, please',
  });
  const second = await object(deps, linkOf('bob@example.org'), { grounds: 'two' });
  t.same(
    (await listObjections(pool)).map(({ id }) => id),
    [second.objection.id, first.objection.id],
  );
  t.equal(await countUnanswered(pool), 2);

  const talks = await decideObjection(
    deps,
    first.objection.id,
    { state: 'in-talks', note: 'called, and wrote to ann@example.org' },
    admin,
  );
  t.match(talks, { state: 'in-talks', note: /^called/ });
  t.match(await decideObjection(deps, first.objection.id, { state: 'resolved' }, admin), {
    state: 'resolved',
    note: /^called/,
  });
  t.equal(await countUnanswered(pool), 1);
  t.same(
    (await listObjections(pool, { state: 'resolved' })).map(({ id }) => id),
    [first.objection.id],
  );
  t.same(await listObjections(pool, { version: 3 }), []);
  await t.rejects(decideObjection(deps, 99_999, { state: 'resolved' }, admin), { code: 'objection.missing' });
  const audit = await pool.query(`select detail from audit_log where action = 'objection.decided' order by id`);
  t.same(
    audit.rows.map(({ detail }) => detail),
    [
      { before: { state: 'received' }, after: { state: 'in-talks' } },
      { before: { state: 'in-talks' }, after: { state: 'resolved' } },
    ],
  );

  await transaction(pool, async (tx) => {
    await forgetRecipient(tx, ann, deps.now());
    await tx.query('delete from subscribers where id = $1', [ann]);
  });
  t.match((await listObjections(pool)).at(-1), {
    id: first.objection.id,
    email: null,
    subscriberId: null,
    grounds: 'one; answer to [address], please',
    note: 'called, and wrote to [address]',
  });
});
