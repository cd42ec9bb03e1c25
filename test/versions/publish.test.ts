import t from 'tap';
import { Refusal } from '../../src/errors.js';
import { verifyChain } from '../../src/versions/chain.js';
import { diffDraft, readDraft, replaceDraft, writeDraft } from '../../src/versions/draft.js';
import { previewPublish } from '../../src/versions/preview.js';
import { publish } from '../../src/versions/publish.js';
import {
  compareVersions,
  readBoard,
  readFingerprint,
  readVersion,
  readVersionState,
  readVersions,
} from '../../src/versions/read.js';
import { withdraw } from '../../src/versions/withdraw.js';
import { aList, officer, openStage, published, refuses } from './make.js';

const day = 24 * 60 * 60 * 1000;

t.test('version 1 is in force at once and tells nobody', async (t) => {
  const stage = await openStage(t);
  await refuses(t, 'draft.missing', publish(stage.deps, {}, officer));
  const { version, state, notice } = await stage.publish(aList('Twilio', 'AWS'), { message: 'Our first list' });
  t.match(version, { number: 1, message: 'Our first list', objectionDeadline: null, previousHash: null });
  t.same(version.effectiveAt, stage.clock.now());
  t.equal(state, 'in-force');
  t.same(notice, { ordered: false, because: 'first-version' });
  t.same(await stage.notices(), []);
  t.match(await stage.audit('version.published'), [
    { actor: officer, subject: 'version 1', detail: { hash: version.hash } },
  ]);
});

t.test('a material change is announced with its dates, and its notice ordered, in one transaction', async (t) => {
  const stage = await openStage(t);
  await stage.publish(aList('Twilio'));
  stage.clock.advance({ hours: 1 });
  const { version, state, notice } = await stage.publish(aList('Twilio', 'OpenAI'));
  t.equal(state, 'announced');
  t.same(notice, { ordered: true });
  t.equal(version.effectiveAt.toISOString(), '2027-02-04T00:00:00.000Z');
  t.equal(version.objectionDeadline?.toISOString(), '2027-02-04T00:00:00.000Z');
  t.match(version.changes, [{ kind: 'sub-processor-added', name: 'OpenAI', severity: 'material' }]);
  t.same(await stage.notices(), [{ kind: 'change', version: 2, base: 1, changes: 1 }]);

  const board = await readBoard(stage.deps.db, stage.clock.now());
  t.equal(board.inForce?.number, 1);
  t.same(
    board.announced.map(({ number }) => number),
    [2],
  );
  t.equal(board.latest?.number, 2);
  stage.clock.set('2027-02-04T00:00:00Z');
  const later = await readBoard(stage.deps.db, stage.clock.now());
  t.equal(later.inForce?.number, 2);
  t.same(later.announced, []);
  t.not(later.fingerprint, board.fingerprint, 'time alone changes what is shown');
  t.equal(later.fingerprint, await readFingerprint(stage.deps.db, stage.clock.now()));
});

t.test('twenty publishers at once leave no gap and no fork in the chain', async (t) => {
  const stage = await openStage(t);
  await stage.publish(aList('Base'));
  const publisher = async (index: number) => {
    // Whoever is overtaken between draft and publish finds it published already, and tries again.
    for (let attempt = 1; ; attempt++) {
      try {
        return (await stage.publish(aList('Base', `Vendor ${index}-${attempt}`))).version.number;
      } catch (error) {
        if (!(error instanceof Refusal) || error.code !== 'version.unchanged') throw error;
      }
    }
  };
  const numbers = await Promise.all(Array.from({ length: 20 }, (_, index) => publisher(index)));
  t.same(
    numbers.sort((a, b) => a - b),
    Array.from({ length: 20 }, (_, index) => index + 2),
  );
  const versions = (await readVersions(stage.deps.db, stage.clock.now())).reverse();
  t.same(
    versions.map(({ number }) => number),
    Array.from({ length: 21 }, (_, index) => index + 1),
  );

  const whole = await Promise.all(versions.map(({ number }) => readVersion(stage.deps.db, number)));
  const chain = whole.flatMap((version) => (version === null ? [] : [{ ...version, version: version.number }]));
  t.equal(chain.length, versions.length);
  t.same(verifyChain(chain), [], 'the stored rows give the hashes that were written');
});

t.test('the database itself refuses to change, delete or empty what is published', async (t) => {
  const stage = await openStage(t);
  await stage.publish(aList('Twilio'));
  await stage.publish(aList('Twilio', 'OpenAI'));
  await withdraw(stage.deps, 2, 'a mistake', officer);
  const { db } = stage.deps;
  for (const statement of [
    `update versions set message = 'forged' where number = 1`,
    `delete from versions where number = 2`,
    'truncate versions cascade',
    `update withdrawals set reason = 'forged'`,
    'delete from withdrawals',
    'truncate withdrawals',
    `update audit_log set action = 'forged'`,
    'delete from audit_log',
    'truncate audit_log cascade',
    `insert into versions select 7, document, changes, message, published_at, effective_at, objection_deadline,
       emergency, reason, notify, published_by, repeat('a', 64), hash from versions where number = 2`,
  ]) {
    await t.rejects(db.query(statement), { code: '23001' }, statement.slice(0, 40));
  }
  t.equal((await readVersion(db, 1))?.message, null);
});

t.test('spelling, order and typography are nothing to publish', async (t) => {
  const stage = await openStage(t);
  const entry = {
    id: 'acme',
    name: 'Acme Analytics Inc.',
    purposes: ['It’s “analytics”', 'Support'],
    address: 'Café 1',
  };
  await stage.publish(aList(entry, 'Twilio'));
  await writeDraft(
    stage.deps,
    {
      format: 'json',
      text: JSON.stringify({
        ...aList(),
        subProcessors: [
          { name: 'Twilio' },
          {
            name: 'Acme\u00a0Analytics Inc',
            purposes: ['Support', 'It\'s  "analytics"'],
            address: 'Cafe\u0301 1',
          },
        ],
      }),
    },
    {},
    officer,
  );
  t.same((await diffDraft(stage.deps.db)).changes, []);
  await refuses(
    t,
    'version.unchanged',
    publish(stage.deps, {}, officer),
    /nothing changes, so there is nothing to publish/,
  );
  t.equal((await readDraft(stage.deps.db))?.document.subProcessors[1]?.id, 'acme', 'the id goes on');
});

t.test('what was added and taken back between two notices is told to nobody', async (t) => {
  const stage = await openStage(t);
  await stage.publish(aList('Twilio'));
  const silent = await stage.publish(aList('Twilio', 'OpenAI'), { notify: false, reason: 'no customer uses it yet' });
  t.same(silent.notice, { ordered: false, because: 'not-wanted' });
  const back = await stage.publish(aList('Twilio'));
  t.same(back.notice, { ordered: false, because: 'no-net-change' });
  t.equal(back.version.changes.length, 1, 'the version itself says what it changed');
  t.same(await stage.notices(), []);

  const next = await stage.publish(aList('Twilio', 'OpenAI', 'Mistral'));
  t.same(next.notice, { ordered: true });
  t.same(await stage.notices(), [{ kind: 'change', version: 4, base: 1, changes: 2 }], 'all that readers do not know');
});

t.test('an editorial version that first tells of something material keeps the notice period', async (t) => {
  const stage = await openStage(t);
  await stage.publish(aList('Twilio'));
  await stage.publish(aList('Twilio', 'OpenAI'), {
    notify: false,
    emergency: true,
    reason: 'outage',
    effectiveAt: '2027-01-04',
  });
  const { version } = await stage.publish({ ...aList('Twilio', 'OpenAI'), title: 'Our sub-processors' });
  t.match(version.changes, [{ kind: 'list-changed', severity: 'editorial' }]);
  t.equal(version.effectiveAt.toISOString(), '2027-02-04T00:00:00.000Z');
  t.not(version.objectionDeadline, null);
});

t.test('an announced version that an emergency has overtaken holds up none of those after it', async (t) => {
  const stage = await openStage(t);
  await stage.publish(aList('Twilio'));
  await stage.publish(aList('Twilio', 'OpenAI'), { effectiveAt: '2027-06-01' });
  const emergency = { emergency: true, reason: 'outage', effectiveAt: '2027-01-04' };
  await stage.publish(aList('Twilio', 'OpenAI', 'Mistral'), emergency);
  const { version, state } = await stage.publish({
    ...aList('Twilio', 'OpenAI', 'Mistral'),
    title: 'Our sub-processors',
  });
  t.equal(state, 'in-force', 'all that it contains is in force already');
  t.same(version.effectiveAt, stage.clock.now());
});

t.test('nobody is left untold of something material without a reason', async (t) => {
  const stage = await openStage(t);
  await stage.publish(aList('Twilio', 'AWS'), { notify: false });
  await stage.draft(aList('Twilio', 'AWS', 'OpenAI'));
  await refuses(t, 'reason.missing', publish(stage.deps, { notify: false }, officer));
  await stage.draft(aList('Twilio'));
  const { version } = published(await publish(stage.deps, { notify: false }, officer));
  t.match(version, { number: 2, notify: false, reason: null }, 'a removal needs none');
});

t.test('a date before the notice period is refused unless it is an emergency with a reason', async (t) => {
  const stage = await openStage(t, { TIME_ZONE: 'Europe/Brussels', NOTICE_PERIOD_DAYS: '14' });
  await stage.publish(aList('Twilio'));
  await stage.draft(aList('Twilio', 'OpenAI'));
  await refuses(
    t,
    'date.too-early',
    publish(stage.deps, { effectiveAt: '2027-01-18' }, officer),
    /earliest is 2027-01-19/,
  );
  await refuses(t, 'reason.missing', publish(stage.deps, { effectiveAt: '2027-01-18', emergency: true }, officer));
  t.equal((await readVersions(stage.deps.db, stage.clock.now())).length, 1, 'a refusal leaves nothing behind');
  const { version } = published(
    await publish(stage.deps, { effectiveAt: '2027-01-05', emergency: true, reason: 'the old one went dark' }, officer),
  );
  t.match(version, { number: 2, emergency: true, reason: 'the old one went dark' });
  t.equal(version.effectiveAt.toISOString(), '2027-01-04T23:00:00.000Z');
  t.match(await stage.audit('version.published'), [
    { detail: { emergency: true, reason: 'the old one went dark' } },
    {},
  ]);
});

t.test('one key publishes once, whoever repeats it, and remembers its request', async (t) => {
  const stage = await openStage(t);
  await stage.publish(aList('Twilio'));
  await stage.draft(aList('Twilio', 'OpenAI'));
  const options = { idempotencyKey: 'run-1' };
  const results = await Promise.all(
    Array.from({ length: 20 }, () => publish(stage.deps, { message: 'm' }, officer, options)),
  );
  for (const result of results) t.same(result, results[0]);
  stage.clock.advance({ days: 40 });
  t.same(await publish(stage.deps, { message: 'm' }, officer, options), results[0], 'the same answer, also later');
  await refuses(t, 'idempotency.mismatch', publish(stage.deps, { message: 'other' }, officer, options));
  await refuses(t, 'version.unchanged', publish(stage.deps, { message: 'm' }, officer, { idempotencyKey: 'run-2' }));
  t.equal((await readVersions(stage.deps.db, stage.clock.now())).length, 2);
});

t.test('a draft is not overwritten by somebody who has not seen it', async (t) => {
  const stage = await openStage(t);
  const write = (name: string, ifRevision?: number) =>
    replaceDraft(stage.deps, { document: aList(name), source: null }, { ifRevision }, officer);
  await refuses(t, 'draft.stale', write('A', 1));
  t.equal((await write('A')).revision, 1);
  t.equal((await write('B', 1)).revision, 2);
  await refuses(t, 'draft.stale', write('C', 1), /at revision 2, not 1/);
  const races = await Promise.allSettled([write('D', 2), write('E', 2), write('F', 2)]);
  t.equal(races.filter(({ status }) => status === 'fulfilled').length, 1, 'of three who saw the same one wins');
  await refuses(t, 'draft.stale', publish(stage.deps, {}, officer, { ifRevision: 2 }));
  t.match(await stage.audit('draft.replaced'), [{ subject: 'draft revision 3' }, {}, {}]);
});

t.test('a text without ids goes on with those of the draft and of what is published', async (t) => {
  const stage = await openStage(t);
  await stage.publish(aList({ id: 'twilio-sms', name: 'Twilio Inc.' }, 'AWS'));
  const write = (...names: string[]) =>
    writeDraft(
      stage.deps,
      {
        format: 'yaml',
        text: `title: Sub-processors\ndataSubjects: []\nsubProcessors:\n${names.map((name) => `  - name: ${name}\n`).join('')}`,
      },
      {},
      officer,
    );
  const ids = async (...names: string[]) => (await write(...names)).document.subProcessors.map(({ id }) => id);
  t.same(await ids('AWS', 'Twilio, Inc', 'OpenAI'), ['aws', 'twilio-sms', 'openai']);
  // An admin joins a new name to the old entry; from now on both names mean it.
  await stage.draft(aList({ id: 'twilio-sms', name: 'Segment' }, 'AWS'));
  t.same(await ids('AWS', 'Segment'), ['aws', 'twilio-sms']);
  t.same(await ids('AWS', 'Twilio Inc.'), ['aws', 'twilio-sms'], 'back under its published name');
  t.equal((await readDraft(stage.deps.db))?.source?.includes('- name: Twilio Inc.'), true, 'the text is kept as typed');
});

t.test('an announced version can be withdrawn, is told of, and stays as it was', async (t) => {
  const stage = await openStage(t);
  await stage.publish(aList('Twilio'));
  await refuses(t, 'version.not-withdrawable', withdraw(stage.deps, 1, 'why', officer), /is in-force/);
  await refuses(t, 'version.missing', withdraw(stage.deps, 9, 'why', officer));
  await refuses(t, 'reason.missing', withdraw(stage.deps, 1, '  ', officer));
  const second = await stage.publish(aList('Twilio', 'OpenAI'));
  const third = await stage.publish(aList('Twilio', 'OpenAI', 'Mistral'));
  await refuses(
    t,
    'version.not-withdrawable',
    withdraw(stage.deps, 2, 'why', officer),
    /Version 3 was published after/,
  );

  t.same((await withdraw(stage.deps, 3, 'the contract fell through', officer)).notice, { ordered: true });
  await refuses(t, 'version.not-withdrawable', withdraw(stage.deps, 3, 'again', officer), /is withdrawn/);
  const { version, state } = await readVersionState(stage.deps.db, 3, stage.clock.now());
  t.equal(state, 'withdrawn');
  t.match(version, { withdrawalReason: 'the contract fell through', hash: third.version.hash });
  t.same(await stage.notices(), [
    { kind: 'change', version: 2, base: 1, changes: 1 },
    { kind: 'change', version: 3, base: 2, changes: 1 },
    { kind: 'withdrawal', version: 3, base: 2, changes: 1 },
  ]);
  t.match(await stage.audit('version.withdrawn'), [
    { subject: 'version 3', detail: { reason: 'the contract fell through' } },
  ]);

  const fourth = await stage.publish(aList('Twilio', 'OpenAI', 'Cohere'));
  t.equal(fourth.version.number, 4);
  t.equal(fourth.version.previousHash, third.version.hash, 'the chain runs through what was withdrawn');
  t.match(fourth.version.changes, [{ kind: 'sub-processor-added', name: 'Cohere' }], 'compared with what stands');
  t.same((await stage.notices()).at(-1), { kind: 'change', version: 4, base: 2, changes: 1 });
  t.ok(second.version.effectiveAt <= fourth.version.effectiveAt);

  stage.clock.set('2027-03-01T00:00:00Z');
  await refuses(t, 'version.not-withdrawable', withdraw(stage.deps, 4, 'late', officer));
  t.same(
    (await readVersions(stage.deps.db, stage.clock.now())).map(({ number, state }) => [number, state]),
    [
      [4, 'in-force'],
      [3, 'withdrawn'],
      [2, 'superseded'],
      [1, 'superseded'],
    ],
  );
});

t.test('a silently published version is withdrawn silently', async (t) => {
  const stage = await openStage(t);
  await stage.publish(aList('Twilio'));
  await stage.publish(aList('Twilio', 'OpenAI'), { notify: false, reason: 'not used yet' });
  const { notice } = await withdraw(stage.deps, 2, 'not after all', officer);
  t.equal(notice.ordered, false);
  t.same(await stage.notices(), []);
});

t.test('the preview says what publishing does, and writes nothing', async (t) => {
  const stage = await openStage(t);
  await stage.publish(aList('Twilio'));
  await stage.draft(aList('Twilio', 'OpenAI'));
  const before = await readFingerprint(stage.deps.db, stage.clock.now());
  const preview = await previewPublish(stage.deps, { effectiveAt: '2027-01-10' });
  t.equal(preview.refusal?.code, 'date.too-early');
  t.equal(preview.dates, null);
  t.equal(preview.defaults.effectiveAt.toISOString(), '2027-02-04T00:00:00.000Z');
  t.match(preview.plan, { number: 2, severity: 'material', notice: { ordered: true }, told: { number: 1 } });

  const good = await previewPublish(stage.deps, { effectiveAt: '2027-03-01' });
  const { version } = published(await publish(stage.deps, { effectiveAt: '2027-03-01' }, officer));
  t.same(good.dates?.effectiveAt, version.effectiveAt);
  t.same(good.dates?.objectionDeadline, version.objectionDeadline);
  t.same(good.plan.changes, version.changes);
  t.not(before, await readFingerprint(stage.deps.db, stage.clock.now()));
  await refuses(t, 'version.unchanged', previewPublish(stage.deps, {}));
});

t.test('any two versions can be compared, in either direction', async (t) => {
  const stage = await openStage(t);
  await stage.publish(aList('Twilio'));
  stage.clock.advance({ seconds: day / 1000 });
  await stage.publish(aList('Twilio', 'OpenAI'));
  t.match(await compareVersions(stage.deps.db, 1, 2), { from: 1, to: 2, changes: [{ kind: 'sub-processor-added' }] });
  t.match(await compareVersions(stage.deps.db, 2, 1), { from: 2, to: 1, changes: [{ kind: 'sub-processor-removed' }] });
  t.same((await compareVersions(stage.deps.db, 2, 2)).changes, []);
  await refuses(t, 'version.missing', compareVersions(stage.deps.db, 1, 3));
  t.equal(await readVersion(stage.deps.db, 2 ** 40), null);
});
