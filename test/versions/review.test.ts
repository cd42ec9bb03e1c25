import t, { type Test } from 'tap';
import type { Actor } from '../../src/actor.js';
import type { SubProcessor } from '../../src/list/document.js';
import { loadTexts } from '../../src/texts.js';
import { askApproval, readApprovalState } from '../../src/versions/approval-request.js';
import { approveDraft, readApprovals } from '../../src/versions/approve.js';
import { diffDraft, readDraft } from '../../src/versions/draft.js';
import { draftHash, reviewMark } from '../../src/versions/draft-hash.js';
import { previewNotice, previewPublish } from '../../src/versions/preview.js';
import { publish } from '../../src/versions/publish.js';
import { compareVersions, readVersion } from '../../src/versions/read.js';
import { gradeChange, putGradings, readGradings, saveMessage } from '../../src/versions/review.js';
import { cancelScheduled, publishDue } from '../../src/versions/scheduled.js';
import { aList, officer, openStage, published, refuses, type Stage } from './make.js';

t.setTimeout(170_000);

const colleague: Actor = { kind: 'admin', id: 2, role: 'publisher' };
const twilio: SubProcessor = { id: 'twilio', name: 'Twilio', purposes: ['Text messages'], dataLocations: ['Germany'] };
const moved = { ...twilio, dataLocations: ['Germany', 'Frankfurt'] };
const ofTwilio = { kind: 'sub-processor-changed', id: 'twilio' } as const;
const lowering = { ...ofTwilio, severity: 'editorial', reason: 'Frankfurt lies in Germany.' } as const;

/** Version 1 in force, and a draft that changes one place. */
async function openMoved(t: Test): Promise<Stage> {
  const stage = await openStage(t);
  await stage.publish(aList(twilio, 'Other'));
  await stage.draft(aList(moved, 'Other'));
  return stage;
}

const draftOf = async ({ deps }: Stage) => {
  const draft = await readDraft(deps.db);
  if (draft === null) throw new Error('there is no draft');
  return draft;
};

t.test('a lowered change needs no notice period, says why, and is told all the same', async (t) => {
  const stage = await openMoved(t);
  const { deps } = stage;
  t.equal((await previewPublish(deps, {})).plan.severity, 'material');
  await gradeChange(deps, lowering, { seen: null }, officer);
  t.match((await diffDraft(deps.db)).changes, [
    { severity: 'editorial', grading: { from: 'material', reason: 'Frankfurt lies in Germany.' } },
  ]);
  const { plan, defaults } = await previewPublish(deps, {});
  t.match({ severity: plan.severity, material: plan.facts.material }, { severity: 'editorial', material: false });
  t.same([defaults.effectiveAt, defaults.objectionDeadline], [deps.now(), null], 'at once, and no window');
  const { text } = await previewNotice({ ...deps, texts: loadTexts({ timeZone: 'UTC' }) }, {}, { locale: 'en' });
  t.match(text, /less grave than its general rule does: Frankfurt lies in Germany\./);
  await refuses(t, 'reason.missing', publish(deps, { notify: false }, officer), /nobody is to be notified/);

  const { version, notice } = published(await publish(deps, {}, officer));
  t.match(notice, { ordered: true });
  t.match(version, { changes: [{ severity: 'editorial', reasons: ['new-location', 'lowered-by-processor'] }] });
  const { rows } = await deps.db.query('select changes, material_services from notices');
  t.match(rows, [{ material_services: null }], 'whoever asked for material changes only is told');
  t.match(rows[0].changes, [{ grading: { from: 'material' } }]);
  t.match((await compareVersions(deps.db, 1, 2)).changes, [{ severity: 'editorial' }]);
  t.match((await compareVersions(deps.db, 2, 1)).changes, [{ severity: 'reducing' }], 'backwards nobody graded it');
  t.match(await readGradings(deps), { gradings: [] }, 'and the next draft begins without');
  t.match(await stage.audit('draft.graded'), [
    {
      detail: {
        rules: 'material',
        before: null,
        after: { severity: 'editorial', reason: 'Frankfurt lies in Germany.' },
      },
    },
  ]);
});

t.test('a lowering ends with what it was made for, a raise stays', async (t) => {
  const stage = await openMoved(t);
  const { deps } = stage;
  await gradeChange(deps, lowering, {}, officer);
  await stage.draft(aList({ ...moved, dataLocations: ['Germany', 'Mumbai'] }, 'Other'));
  t.match((await diffDraft(deps.db)).changes, [{ severity: 'material', grading: undefined }]);
  t.match((await readGradings(deps)).gradings, [{ severity: 'editorial', holds: false }]);

  await stage.draft(aList({ ...twilio, notes: 'one' }, 'Other'));
  await gradeChange(deps, { ...ofTwilio, severity: 'material', reason: 'It matters.' }, {}, officer);
  await stage.draft(aList({ ...twilio, notes: 'two' }, 'Other'));
  const { plan } = await previewPublish(deps, {});
  t.match(plan, { severity: 'material', facts: { material: true } }, 'so the notice period applies');
  await refuses(t, 'date.too-early', publish(deps, { effectiveAt: '2027-01-05' }, officer));
  await gradeChange(deps, { ...ofTwilio, severity: 'editorial', reason: '' }, {}, officer);
  t.match(await readGradings(deps), { gradings: [] }, 'the severity of the rules takes it back, without a reason');
});

t.test('what cannot be set is refused, and two do not overwrite each other', async (t) => {
  const stage = await openMoved(t);
  const { deps } = stage;
  await stage.draft(aList({ ...moved, name: 'Twilio' }, 'Other', 'Newcomer'));
  const added = { kind: 'sub-processor-added', id: 'newcomer', severity: 'editorial', reason: 'small' } as const;
  await refuses(t, 'severity.too-low', gradeChange(deps, added, {}, officer), /Art\. 28\(2\)/);
  await refuses(t, 'change.missing', gradeChange(deps, { ...added, id: 'nobody' }, {}, officer));
  await refuses(t, 'reason.missing', gradeChange(deps, { ...lowering, reason: ' \n ' }, {}, officer));
  await refuses(t, 'input.invalid', gradeChange(deps, { ...lowering, reason: 'x'.repeat(501) }, {}, officer));
  await gradeChange(deps, lowering, { seen: null }, officer);
  await refuses(t, 'draft.stale', gradeChange(deps, { ...lowering, reason: 'mine' }, { seen: null }, colleague));
  await gradeChange(deps, { ...lowering, reason: 'mine' }, { seen: lowering }, colleague);
  const { tag } = await readGradings(deps);
  await putGradings(deps, [], { ifTag: tag }, officer);
  await refuses(t, 'draft.stale', putGradings(deps, [lowering], { ifTag: tag }, officer));

  t.match(await saveMessage(deps, ' We move.\r\n', { base: null }, officer), { saved: true, message: 'We move.' });
  t.match(await saveMessage(deps, 'No.', { base: null }, colleague), { saved: false, theirs: 'We move.' });
  t.match(await saveMessage(deps, 'No.', { base: 'We move.' }, colleague), { saved: true });
  await refuses(t, 'input.invalid', saveMessage(deps, 'x'.repeat(10_001), {}, officer));
  t.equal((await stage.audit('draft.message-changed')).length, 2);
});

t.test('the message of the draft is published when none is given, and goes with its version', async (t) => {
  const stage = await openMoved(t);
  const { deps } = stage;
  await saveMessage(deps, 'We move.', {}, officer);
  const { text } = await previewNotice({ ...deps, texts: loadTexts({ timeZone: 'UTC' }) }, {}, { locale: 'de' });
  t.match(text, /We move\./);
  t.equal(published(await publish(deps, {}, officer, { idempotencyKey: 'a' })).version.message, 'We move.');
  t.equal(
    published(await publish(deps, {}, officer, { idempotencyKey: 'a' })).version.number,
    2,
    'a repeat is a repeat',
  );
  t.equal((await draftOf(stage)).message, null);
  await stage.draft(aList(twilio));
  await saveMessage(deps, 'Never mind.', {}, officer);
  t.equal(published(await publish(deps, { message: '' }, officer)).version.message, null, 'empty means none');
  t.equal((await draftOf(stage)).message, null, 'and it is not kept for the next');
});

t.test('what is planned keeps its message and severities, and clears only its own', async (t) => {
  const stage = await openMoved(t);
  const { deps } = stage;
  await gradeChange(deps, lowering, {}, officer);
  await saveMessage(deps, 'We move.', {}, officer);
  await publish(deps, { publishAt: '2027-01-05T10:00:00Z', message: 'We really move.' }, officer);
  t.equal((await draftOf(stage)).message, 'We really move.', 'what was typed last is kept, should it be called off');
  await cancelScheduled(deps, officer);
  t.match(await draftOf(stage), { message: 'We really move.', gradings: [{ severity: 'editorial' }] });

  await publish(deps, { publishAt: '2027-01-05T10:00:00Z' }, officer);
  await saveMessage(deps, 'For the next one.', {}, officer);
  await putGradings(deps, [], {}, officer);
  stage.clock.set('2027-01-05T10:00:00Z');
  t.equal(await publishDue(deps), 1);
  t.match(await readVersion(deps.db, 2), { message: 'We really move.', changes: [{ severity: 'editorial' }] });
  t.equal((await draftOf(stage)).message, 'For the next one.');

  await stage.draft(aList({ ...moved, notes: 'n' }, 'Other'));
  await saveMessage(deps, 'Held back.', {}, officer);
  await publish(deps, { holdBackMinutes: 5 }, officer);
  stage.clock.advance({ minutes: 5 });
  await publishDue(deps);
  t.equal((await readVersion(deps.db, 3))?.message, 'Held back.');
  t.equal((await draftOf(stage)).message, null);
});

t.test('an approval is bound to message and severities as well', async (t) => {
  const free = await openMoved(t);
  const strict = { ...free.deps, config: { ...free.deps.config, fourEyes: true } };
  const approve = async () => {
    const draft = await draftOf(free);
    await approveDraft(strict, { revision: draft.revision, reviewed: reviewMark(draft) }, colleague);
  };
  const bare = await draftOf(free);
  await askApproval(strict, officer);
  t.match((await readApprovalState(strict)).asked, { by: { id: 1 } });
  await saveMessage(strict, 'Not yet.', {}, officer);
  t.equal((await readApprovalState(strict)).asked, null, 'what was asked for is no more');
  await saveMessage(strict, null, {}, officer);
  await approve();
  t.match(await readApprovals(strict.db, bare), [{ by: { id: 2 } }]);
  await saveMessage(strict, 'We move.', {}, officer);
  t.same(await readApprovals(strict.db, await draftOf(free)), [], 'a message ends it');
  const stale = { revision: bare.revision, reviewed: reviewMark(bare) };
  await refuses(t, 'draft.stale', approveDraft(strict, stale, colleague));
  await refuses(t, 'approval.missing', publish(strict, {}, officer));
  await approve();
  await gradeChange(strict, lowering, {}, officer);
  await refuses(t, 'approval.missing', publish(strict, {}, officer));
  await approve();
  await refuses(t, 'approval.missing', publish(strict, { message: 'Other words.' }, officer), /Another admin/);
  await refuses(t, 'draft.stale', publish(strict, {}, officer, { ifReviewed: stale.reviewed }));
  await putGradings(strict, [], {}, officer);
  await saveMessage(strict, null, {}, officer);
  t.equal(draftHash(await draftOf(free)), draftHash(bare), 'taken back, the first approval holds again');
  t.equal((await publish(strict, {}, officer)).status, 201);
});

t.test('a version that nobody was told of is told later as it was graded', async (t) => {
  const stage = await openMoved(t);
  const { deps } = stage;
  await gradeChange(deps, lowering, {}, officer);
  await publish(deps, { notify: false, reason: 'A detail.' }, officer);
  const { version } = await stage.publish(aList(moved, { id: 'other', name: 'Other', notes: 'new' }));
  t.match(version.changes, [{ id: 'other', severity: 'editorial' }]);
  const { rows } = await deps.db.query('select base_version, changes from notices');
  t.match(rows, [{ base_version: 1, changes: [{ id: 'other' }, { id: 'twilio', severity: 'editorial' }] }]);
  t.match((await compareVersions(deps.db, 1, 3)).changes, [{}, { id: 'twilio', grading: { from: 'material' } }]);
});

t.test('the mail of somebody who uses one service tells what concerns it', async (t) => {
  const stage = await openStage(t);
  const withServices = (...entries: SubProcessor[]) => ({
    ...aList(...entries),
    services: [
      { id: 'a', name: 'A' },
      { id: 'b', name: 'B' },
    ],
  });
  await stage.publish(withServices(twilio));
  await stage.draft(
    withServices(twilio, { id: 'one', name: 'One', services: ['a'] }, { id: 'two', name: 'Two', services: ['b'] }),
  );
  const deps = { ...stage.deps, texts: loadTexts({ timeZone: 'UTC' }) };
  const a = await previewNotice(deps, {}, { locale: 'en', services: ['a'], why: 'contractual' });
  t.match(a.text, /One/);
  t.notMatch(a.text, /Two/);
  t.match(a.text, /contract/);
});
