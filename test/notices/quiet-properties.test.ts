import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { Temporal } from 'temporal-polyfill';
import { Refusal } from '../../src/errors.js';
import type { Change } from '../../src/list/change.js';
import type { ListDocument } from '../../src/list/document.js';
import { severityOf } from '../../src/list/severity.js';
import { fanOut } from '../../src/notices/fan-out.js';
import { untoldVersions } from '../../src/notices/quiet.js';
import { readBoard, readVersion, readVersions } from '../../src/versions/read.js';
import { sendNow } from '../../src/versions/send-now.js';
import { withdraw } from '../../src/versions/withdraw.js';
import { addSubscribers } from '../deliveries/make.js';
import { applyChanges } from '../support/apply.js';
import { normalForm } from '../support/normal-form.js';
import { aList, officer, openStage, type Stage } from '../versions/make.js';

/*
 * Whatever is published, withdrawn and waited for, in whatever order: somebody who carries out what the
 * mails told knows in the end what is announced, and no mail told what was no more.
 */

type Deed =
  | { deed: 'publish'; vendors: (Variant | null)[]; how: How }
  | { deed: 'withdraw' }
  | { deed: 'wait'; minutes: number }
  /** The loops run; of those who are to get mail, this share gets it before the next deed. */
  | { deed: 'send'; share: number }
  | { deed: 'join' }
  | { deed: 'sendNow' };

const variants = ['plain', 'other-purpose', 'other-notes'] as const;
type Variant = (typeof variants)[number];
const names = ['Twilio', 'OpenAI', 'Mistral'];

function documentOf(vendors: readonly (Variant | null)[]): ListDocument {
  return aList(
    'Hetzner',
    ...names.flatMap((name, index) => {
      const variant = vendors[index] ?? null;
      if (variant === null) return [];
      const purposes = variant === 'other-purpose' ? ['Support'] : ['Hosting'];
      return [{ id: name.toLowerCase(), name, purposes, ...(variant === 'other-notes' ? { notes: 'See above' } : {}) }];
    }),
  );
}

const numRuns = 25;

/** Few lists come again and again, so that much is taken back. */
const few: readonly (Variant | null)[][] = [
  [null, null, null],
  ['plain', null, null],
  ['plain', 'plain', null],
  [null, 'other-purpose', null],
];
const vendors: fc.Arbitrary<(Variant | null)[]> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...few) },
  { weight: 2, arbitrary: fc.tuple(...names.map(() => fc.constantFrom(...variants, null))) },
);
type How = 'usual' | 'emergency' | 'late' | 'silent';

const single = (hows: readonly How[]): fc.Arbitrary<Deed> =>
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ deed: fc.constant('publish'), vendors, how: fc.constantFrom(...hows) }) },
    { weight: 3, arbitrary: fc.constant<Deed>({ deed: 'withdraw' }) },
    { weight: 5, arbitrary: fc.record({ deed: fc.constant('wait'), minutes: fc.constantFrom(1, 20, 45, 61, 600) }) },
    { weight: 4, arbitrary: fc.record({ deed: fc.constant('send'), share: fc.constantFrom(0, 0.5, 1) }) },
    { weight: 2, arbitrary: fc.constant<Deed>({ deed: 'join' }) },
    { weight: 1, arbitrary: fc.constant<Deed>({ deed: 'sendNow' }) },
  );

/** What takes many steps to come about by chance: mail of several versions, under way when they are withdrawn. */
const burst = (hows: readonly How[]): fc.Arbitrary<Deed[]> =>
  fc
    .tuple(
      fc.array(fc.tuple(vendors, fc.constantFrom(...hows)), { minLength: 2, maxLength: 4 }),
      fc.constantFrom(0, 0.5, 1),
      fc.integer({ min: 0, max: 3 }),
    )
    .map(([published, share, withdrawn]) => [
      ...published.map(([list, how]): Deed => ({ deed: 'publish', vendors: list, how })),
      { deed: 'wait', minutes: 61 },
      { deed: 'send', share },
      ...Array.from({ length: withdrawn }, (): Deed => ({ deed: 'withdraw' })),
    ]);

const deedsOf = (hows: readonly How[]): fc.Arbitrary<Deed[]> =>
  fc
    .array(
      fc.oneof({ weight: 5, arbitrary: single(hows).map((deed) => [deed]) }, { weight: 1, arbitrary: burst(hows) }),
      { minLength: 4, maxLength: 20 },
    )
    .map((parts) => parts.flat());

interface Mail {
  id: number;
  email: string;
  version: number;
  kind: 'change' | 'withdrawal';
  base: number;
  changes: Change[];
  sendAfter: Date;
}

/** A service with three readers; what each knows is worked out from what they were mailed. */
async function openWorld(stage: Stage) {
  const { db } = stage.deps;
  stage.clock.set('2027-01-04T09:00:00Z');
  // What is published refuses to be emptied; here a new world begins in the same database.
  await db.query(`do $$ begin
    set local session_replication_role = replica;
    truncate versions, withdrawals, notices, deliveries, subscribers, drafts, audit_log cascade;
  end $$`);
  await stage.publish(documentOf([null, null, null]));
  const knows = new Map<string, ListDocument>();
  const documentAt = async (number: number) => {
    const version = await readVersion(db, number);
    assert.ok(version);
    return version.document;
  };
  const join = async (email: string) => {
    await addSubscribers(db, [{ email }]);
    // What the welcome says: what is in force, and what is announced without what was not told yet.
    const { inForce, announced } = await readBoard(db, stage.clock.now());
    const untold = await untoldVersions(db, inForce?.number ?? null);
    const told = announced.findLast(({ number }) => !untold.has(number)) ?? inForce;
    knows.set(email, told?.document ?? documentOf([null, null, null]));
  };
  for (const email of ['ann', 'bob', 'cid']) await join(`${email}@example.org`);

  const standing = async () =>
    (await readVersions(db, stage.clock.now())).filter(({ withdrawnAt }) => withdrawnAt === null);

  const mailed = async (share: number): Promise<Mail[]> => {
    while ((await fanOut(stage.deps)) > 0);
    // The sender looks once more when a mail is to go, and lets none go that announces what is withdrawn: a
    // withdrawal of which nobody is told, as nothing of it is news, leaves that to it.
    await db.query(
      `update deliveries d set state = 'suppressed', reason = 'withdrawn' from notices n
       join withdrawals w on w.version = n.version
       where d.notice_id = n.id and n.kind = 'change' and d.state = 'queued'`,
    );
    const { rows } = await db.query<Mail>(
      `with due as (
         select d.id, row_number() over (order by hashint8(d.subscriber_id), d.id) as place, count(*) over () as all_of_them
         from deliveries d join notices n on n.id = d.notice_id
         where d.state = 'queued'
       ), sent as (
         update deliveries set state = 'sent', attempts = 1, sent_at = $1
         where id in (select id from due where place <= all_of_them * $2::float8) returning id, email, notice_id
       )
       select sent.id, sent.email, n.version, n.kind, n.base_version as base, n.changes, n.send_after as "sendAfter"
       from sent join notices n on n.id = sent.notice_id order by sent.id`,
      [stage.clock.now(), share],
    );
    return rows;
  };

  /** Reads a mail as its reader does. */
  const read = async (mail: Mail, isNewcomer: boolean) => {
    const [before, after] = [await documentAt(mail.base), await documentAt(mail.version)];
    const known = knows.get(mail.email);
    assert.ok(known);
    const [from, to] = mail.kind === 'change' ? [before, after] : [after, before];
    if (!isNewcomer) {
      assert.deepEqual(normalForm(known), normalForm(from), `${mail.email} does not know what ${mail.kind} builds on`);
    }
    assert.deepEqual(normalForm(applyChanges(before, mail.changes)), normalForm(after), 'the net change is whole');
    knows.set(mail.email, to);
  };

  /** Nothing in a mail was replaced or taken back while it waited, and its dates leave the time that is owed. */
  const check = async (mail: Mail) => {
    if (mail.kind === 'withdrawal') return [];
    const { rows } = await db.query<{ version: number; effective: Date; emergency: boolean; changes: Change[] }>(
      `select n.version, v.effective_at as effective, v.emergency, n.changes
       from notices told join notices n on n.moment = told.moment and n.kind = 'change'
       join versions v on v.number = n.version
       where told.version = $1 and told.kind = 'change'`,
      [mail.version],
    );
    for (const { effective, emergency, changes } of rows) {
      if (emergency || severityOf(changes) !== 'material') continue;
      const owed = Temporal.Instant.fromEpochMilliseconds(mail.sendAfter.getTime())
        .toZonedDateTimeISO('UTC')
        .add({ days: 30 });
      assert.ok(effective.getTime() >= owed.epochMilliseconds, `version ${mail.version} leaves less than 30 days`);
    }
    assert.ok(mail.sendAfter <= stage.clock.now(), 'mail went before its time');
    return (await standing()).filter(
      ({ number, publishedAt }) => number > mail.version && publishedAt < mail.sendAfter,
    );
  };
  return { ...stage, db, knows, join, standing, mailed, read, check, documentAt };
}

type World = Awaited<ReturnType<typeof openWorld>>;

async function act(world: World, deed: Deed, isSilentAllowed: boolean): Promise<void> {
  const isRefused = (error: unknown) => {
    if (!(error instanceof Refusal)) throw error;
  };
  switch (deed.deed) {
    case 'publish': {
      const request = {
        usual: {},
        emergency: { emergency: true, reason: 'at once', effectiveAt: world.clock.now().toISOString() },
        late: { effectiveAt: '2027-06-01' },
        silent: { notify: false, reason: 'agreed' },
      }[deed.how];
      return void (await world.publish(documentOf(deed.vendors), request).catch(isRefused));
    }
    case 'withdraw': {
      const top = (await world.standing())[0];
      if (top !== undefined) await withdraw(world.deps, top.number, 'a mistake', officer).catch(isRefused);
      return;
    }
    case 'wait':
      return world.clock.advance({ minutes: deed.minutes });
    case 'join':
      return world.join(`new${world.knows.size}@example.org`);
    case 'sendNow': {
      const top = (await world.standing())[0];
      if (top !== undefined) await sendNow(world.deps, top.number, officer).catch(isRefused);
      return;
    }
    case 'send':
      for (const mail of await world.mailed(deed.share)) {
        const later = await world.check(mail);
        if (!isSilentAllowed) assert.deepEqual(later, [], 'a mail tells what a later version had taken over');
        await world.read(mail, mail.email.startsWith('new'));
      }
  }
}

/** What was told along with a version says the same as that one, which is withdrawn while its mail waits. */
const takenBackOnTheWay: Deed[] = [
  { deed: 'publish', vendors: [null, 'other-purpose', null], how: 'usual' },
  { deed: 'publish', vendors: ['plain', 'plain', 'plain'], how: 'silent' },
  { deed: 'publish', vendors: [null, 'other-purpose', null], how: 'usual' },
  { deed: 'wait', minutes: 61 },
  { deed: 'send', share: 0 },
  { deed: 'withdraw' },
];

/** A removal is in force at once; what takes it back is announced, and news only for who joins in between. */
const joinedBetween: Deed[] = [
  { deed: 'publish', vendors: ['plain', null, null], how: 'emergency' },
  { deed: 'publish', vendors: [null, null, null], how: 'usual' },
  { deed: 'publish', vendors: ['plain', null, null], how: 'usual' },
  { deed: 'wait', minutes: 61 },
  { deed: 'send', share: 0 },
  { deed: 'publish', vendors: ['plain', 'plain', 'plain'], how: 'usual' },
  { deed: 'publish', vendors: ['plain', null, null], how: 'usual' },
  { deed: 'wait', minutes: 1 },
  { deed: 'join' },
];

const end: readonly Deed[] = [
  { deed: 'wait', minutes: 61 },
  { deed: 'send', share: 1 },
  { deed: 'send', share: 1 },
];

t.test('in the end everybody knows what is announced, and nobody was told what was taken back in time', async (t) => {
  const stage = await openStage(t, { QUIET_MINUTES: '60' });
  await fc.assert(
    fc.asyncProperty(deedsOf(['usual', 'usual', 'usual', 'emergency', 'late']), async (list) => {
      const world = await openWorld(stage);
      for (const deed of [...list, ...end]) await act(world, deed, false);
      const top = (await world.standing())[0];
      const announced = normalForm(await world.documentAt(top?.number ?? 1));
      for (const [email, known] of world.knows) assert.deepEqual(normalForm(known), announced, email);
    }),
    { numRuns, examples: [[joinedBetween]] },
  );
});

t.test('with versions that nobody is to be told of, each mail still builds on what its reader knows', async (t) => {
  const stage = await openStage(t, { QUIET_MINUTES: '60' });
  await fc.assert(
    fc.asyncProperty(deedsOf(['usual', 'usual', 'silent', 'emergency']), async (list) => {
      const world = await openWorld(stage);
      for (const deed of [...list, ...end]) await act(world, deed, true);
    }),
    { numRuns, examples: [[takenBackOnTheWay]] },
  );
});
