import { createHash } from 'node:crypto';
import t from 'tap';
import { run } from '../../src/database/query.js';
import { sql } from '../../src/database/sql.js';
import { dryRun } from '../../src/versions/dry-run.js';
import { publish } from '../../src/versions/publish.js';
import { withdraw } from '../../src/versions/withdraw.js';
import { aList, officer, openStage, type Stage } from './make.js';

interface Person {
  email: string;
  locale?: string;
  status?: 'pending' | 'confirmed' | 'unsubscribed';
  services?: string[];
  toldOf?: 'all' | 'material';
  /** A contact by contract, in that group. */
  group?: string | null;
  suppressed?: 'hard-bounce' | 'complaint';
}

async function add({ deps, clock }: Stage, ...people: Person[]): Promise<void> {
  for (const person of people) {
    const hash = createHash('sha256').update(person.email).digest();
    const contractual = person.group !== undefined;
    await run(
      deps.db,
      sql`insert into subscribers (email, email_key, email_hash, locale, services, told_of, status, created_at,
          confirmed_at, confirmed_moment, kind, entitlement, notice_group)
        values (${person.email}, ${person.email}, ${hash}, ${person.locale ?? 'en'}, ${person.services ?? null},
          ${person.toldOf ?? 'all'}, ${person.status ?? 'confirmed'}, ${clock.now()}, ${clock.now()}, nextval('moments'),
          ${contractual ? 'contractual' : 'voluntary'}, ${contractual ? 'DPA' : null}, ${person.group ?? null})`,
    );
    if (person.suppressed === undefined) continue;
    await run(
      deps.db,
      sql`insert into suppressions (email_hash, reason, created_at) values (${hash}, ${person.suppressed}, ${clock.now()})`,
    );
  }
}

async function addGroup({ deps, clock }: Stage, id: string, days: number): Promise<void> {
  await run(
    deps.db,
    sql`insert into notice_groups (id, name, notice_days, created_at) values (${id}, ${`Group ${id}`}, ${days}, ${clock.now()})`,
  );
}

const services = {
  services: [
    { id: 'mail', name: 'Mail' },
    { id: 'chat', name: 'Chat' },
  ],
};

t.test('everybody is counted once, by what decides whether and how they are told', async (t) => {
  const stage = await openStage(t);
  await stage.publish({ ...aList('Aa'), ...services });
  await addGroup(stage, 'long', 60);
  await addGroup(stage, 'short', 10);
  await add(
    stage,
    { email: 'a@example.org' },
    { email: 'b@example.org', locale: 'de' },
    { email: 'c@example.org', services: ['mail'] },
    { email: 'd@example.org', services: ['chat'] },
    { email: 'e@example.org', group: 'long', locale: 'de' },
    { email: 'f@example.org', group: 'short' },
    { email: 'g@example.org', group: null },
    { email: 'h@example.org', suppressed: 'complaint' },
    { email: 'i@example.org', suppressed: 'hard-bounce', group: 'short' },
    { email: 'j@example.org', status: 'unsubscribed', group: 'long' },
    { email: 'k@example.org', status: 'unsubscribed' },
    { email: 'l@example.org', status: 'pending' },
    { email: 'm@example.org', suppressed: 'hard-bounce', services: ['chat'] },
    { email: 'n@example.org', suppressed: 'hard-bounce', services: ['chat'], group: null },
  );
  await stage.draft({ ...aList('Aa', { id: 'bb', name: 'Bb', services: ['mail'] }), ...services });
  const found = await dryRun(stage.deps, {});
  t.same(found.recipients, {
    total: 6,
    byLocale: { en: 4, de: 2 },
    byGroup: [
      { group: 'short', name: 'Group short', noticeDays: 10, count: 1 },
      { group: null, name: null, noticeDays: 30, count: 4 },
      { group: 'long', name: 'Group long', noticeDays: 60, count: 1 },
    ],
    byKind: { voluntary: 3, contractual: 3 },
    outOfScope: 1,
    notMaterial: 0,
  });
  t.same(
    [...found.unreachable].sort((a, b) => a.reason.localeCompare(b.reason)),
    [
      { reason: 'complaint', count: 1, contractual: 0 },
      { reason: 'hard-bounce', count: 1, contractual: 1 },
      { reason: 'unsubscribed', count: 1, contractual: 1 },
    ],
    'only whom the changes concern, and whoever left only where a contract entitles them',
  );
  t.same(
    found.lostContacts.map(({ email, reason, group }) => ({ email, reason, group })),
    [
      { email: 'i@example.org', reason: 'hard-bounce', group: 'short' },
      { email: 'j@example.org', reason: 'unsubscribed', group: 'long' },
    ],
    'they are named',
  );
  t.same(found.noticePeriods, [60, 30, 10]);
  t.same(found.changes, { material: 1, reducing: 0, editorial: 0 });
  t.equal(found.version, 2);
  t.same(found.refusals, []);
  t.equal(found.effectiveAt?.toISOString(), '2027-03-06T00:00:00.000Z', 'the longest period decides');
  t.ok(found.earliestEffectiveAt !== null && found.earliestEffectiveAt <= (found.effectiveAt ?? new Date(0)));
});

t.test('what is not material is not told to those who want only that', async (t) => {
  const stage = await openStage(t);
  await stage.publish(aList('Aa'));
  await add(stage, { email: 'a@example.org' }, { email: 'b@example.org', toldOf: 'material' });
  await stage.draft(aList({ id: 'aa', name: 'Aa Limited' }));
  const { recipients, changes, objectionDeadline } = await dryRun(stage.deps, {});
  t.same([recipients.total, recipients.notMaterial], [1, 1]);
  t.same(changes, { material: 0, reducing: 0, editorial: 1 });
  t.equal(objectionDeadline, null);
});

t.test('it tells whom publishing then tells, with the same dates', async (t) => {
  const stage = await openStage(t);
  await stage.publish(aList('Aa'));
  await add(
    stage,
    { email: 'a@example.org' },
    { email: 'b@example.org', toldOf: 'material' },
    { email: 'c@example.org', suppressed: 'complaint' },
  );
  for (const [list, request] of [
    [aList('Aa', 'Bb'), {}],
    [aList('Aa', 'Bb', 'Cc'), { effectiveAt: '2027-06-01', objectionDeadline: '2027-05-01' }],
    [aList('Aa', 'Bb', { id: 'cc', name: 'Cc Inc.' }), {}],
    [aList('Aa', 'Cc'), { emergency: true, reason: 'It failed.', effectiveAt: '2027-01-04' }],
  ] as const) {
    await stage.draft(list);
    const foretold = await dryRun(stage.deps, request);
    const { version, notice } = await stage.publish(list, request);
    t.same(foretold.refusals, []);
    t.same(foretold.notice, notice);
    t.equal(foretold.version, version.number);
    t.same([foretold.effectiveAt, foretold.objectionDeadline], [version.effectiveAt, version.objectionDeadline]);
  }
});

t.test('all that publishing would refuse is told at once, and nothing is written', async (t) => {
  const stage = await openStage(t);
  const codes = async (request = {}) => (await dryRun(stage.deps, request)).refusals.map(({ code }) => code);
  const empty = await dryRun(stage.deps, {});
  t.same([empty.refusals.map(({ code }) => code), empty.version, empty.notice], [['draft.missing'], null, null]);
  t.equal(empty.recipients.total, 0);

  await stage.publish(aList('Aa'));
  await add(stage, { email: 'a@example.org' });
  t.same(await codes(), ['version.unchanged']);
  await stage.draft(aList('Aa', 'Bb'));
  const before = await stage.deps.db.query('select xmin, * from drafts');
  t.same(await codes(), []);
  t.same(await codes({ effectiveAt: '2027-01-10' }), ['date.too-early']);
  t.same(await codes({ effectiveAt: 'soon' }), ['date.invalid']);
  t.same(await codes({ objectionDeadline: '2026-12-01' }), ['date.in-past']);
  t.same(await codes({ emergency: true, effectiveAt: '2027-01-10' }), ['reason.missing']);
  t.same(await codes({ publishAt: '2026-12-01' }), ['date.in-past']);
  t.same(await codes({ publishAt: 'soon' }), ['date.invalid']);
  const untold = await dryRun(stage.deps, { notify: false });
  t.same(
    untold.refusals.map(({ code }) => code),
    ['reason.missing'],
  );
  t.same(untold.notice, { ordered: false, because: 'not-wanted' }, 'the rest is told all the same');
  t.equal(untold.recipients.total, 0);
  const early = await dryRun(stage.deps, { effectiveAt: '2027-01-10' });
  t.same([early.recipients.total, early.effectiveAt], [1, null]);
  t.equal(early.earliestEffectiveAt?.toISOString(), '2027-02-03T09:00:00.000Z');

  await publish(stage.deps, { publishAt: '2027-02-01' }, officer);
  t.same(await codes({ effectiveAt: '2027-01-10' }), ['version.scheduled-already', 'date.too-early']);
  t.same(await codes({ publishAt: '2026-12-01' }), ['version.scheduled-already', 'date.in-past']);
  t.same((await stage.deps.db.query('select xmin, * from drafts')).rows, before.rows);
  t.same((await stage.notices()).length, 0);
});

t.test('what stands in the way of mail is told', async (t) => {
  const stage = await openStage(t, { QUIET_MINUTES: '60' });
  await stage.publish(aList('Aa'));
  await stage.draft(aList('Aa', 'Bb'));
  const clear = await dryRun(stage.deps, {});
  t.same([clear.relay.down, clear.held], [false, null]);
  t.equal(clear.quietUntil?.toISOString(), '2027-01-04T10:00:00.000Z');
  t.equal((await dryRun(stage.deps, { emergency: true, reason: 'x' })).quietUntil, null, 'an emergency does not wait');
  await stage.publish(aList('Aa', 'Bb'));
  stage.clock.advance({ minutes: 10 });
  await stage.draft(aList('Aa', 'Bb', 'Cc'));
  const joining = await dryRun(stage.deps, {});
  t.same([joining.takesOver, joining.quietUntil?.toISOString()], [2, '2027-01-04T10:00:00.000Z']);
  await withdraw(stage.deps, 2, 'No.', officer);

  const at = stage.clock.now();
  await run(stage.deps.db, sql`update relay set down_since = ${at}, probe_at = ${at}, fault = '421 later'`);
  await run(
    stage.deps.db,
    sql`insert into service_state (last_seen_at, cluster, database_oid, held_since, held_because)
      values (${at}, 'x', 1, ${at}, 'gap')`,
  );
  const stuck = await dryRun(stage.deps, {});
  t.same(stuck.relay, { down: true, since: at, says: '421 later' });
  t.same(stuck.held, { since: at, because: 'gap' });
});
