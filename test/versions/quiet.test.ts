import t from 'tap';
import { fanOut } from '../../src/notices/fan-out.js';
import { untoldVersions } from '../../src/notices/quiet.js';
import { previewPublish } from '../../src/versions/preview.js';
import { publish } from '../../src/versions/publish.js';
import { readVersion } from '../../src/versions/read.js';
import { publishDue } from '../../src/versions/scheduled.js';
import { sendNow } from '../../src/versions/send-now.js';
import { aList, officer, refuses } from './make.js';
import { end, openQuiet } from './quiet.js';

/*
 * The quiet time, as publishers meet it: which notice tells of what, when it goes, and what the dates
 * count from. What recipients get is in test/notices/quiet.test.ts.
 */

t.test('versions within the quiet time are told by one notice, when the first one’s time is over', async (t) => {
  const stage = await openQuiet(t);
  const two = await stage.publish(aList('Twilio', 'OpenAI'));
  t.same(two.notice, { ordered: true, sendAfter: new Date(end) });
  stage.clock.advance({ minutes: 50 });
  const three = await stage.publish(aList('Twilio', 'OpenAI', 'Mistral'));
  t.same(three.notice, { ordered: true, sendAfter: new Date(end) }, 'it keeps the end: no change waits for ever');
  t.match(await stage.audit('version.published'), [{ detail: { tookOver: 2 } }, {}, {}]);
  t.same([...(await untoldVersions(stage.deps.db, 1))], [2, 3]);
  t.equal(await stage.fanOut(), 0);
  t.match(await stage.report(2), {
    toldWith: 3,
    takenBackBy: null,
    sendAfter: new Date(end),
    waits: true,
    complete: false,
  });
  t.match(await stage.report(3), { toldWith: null, sendAfter: new Date(end), waits: true, complete: false });

  stage.clock.advance({ minutes: 10 });
  const [first, second] = await Promise.all([fanOut(stage.deps), fanOut(stage.deps)]);
  t.equal(first + second, 1, 'two instances make it once');
  t.same(await stage.told(), ['3 change since 1: Mistral added, OpenAI added']);
  t.same([...(await untoldVersions(stage.deps.db, 1))], []);
  t.match(await stage.report(2), { toldWith: 3, waits: false, complete: false, counts: { queued: 0 } });
  await stage.markSent();
  t.match(await stage.report(2), { complete: true });
  t.equal((await readVersion(stage.deps.db, 2))?.changes.length, 1, 'each version stays as it was published');

  const four = await stage.publish(aList('Twilio', 'OpenAI', 'Mistral', 'AWS'));
  t.same(four.notice, { ordered: true, sendAfter: new Date('2027-01-04T11:00:00Z') }, 'what follows has its own time');
  t.same((await stage.notices()).at(-1), { kind: 'change', version: 4, base: 3, changes: 1 });
});

t.test('dates count from the end of the quiet time, which is when readers are told', async (t) => {
  const stage = await openQuiet(t, { QUIET_MINUTES: '120' });
  stage.clock.set('2027-01-04T23:00:00Z');
  // The mail goes at 01:00 on the 5th: the 6th is day 1, the 4th of February day 30.
  await stage.draft(aList('Twilio', 'OpenAI'));
  const preview = await previewPublish(stage.deps, { effectiveAt: '2027-02-04' });
  t.equal(preview.refusal?.code, 'date.too-early');
  t.equal(preview.defaults.earliest.toISOString(), '2027-02-04T01:00:00.000Z');
  await refuses(
    t,
    'date.too-early',
    publish(stage.deps, { effectiveAt: '2027-02-04' }, officer),
    /mail goes at 2027-01-05T01:00/,
  );
  const { version } = await stage.publish(aList('Twilio', 'OpenAI'));
  t.equal(version.effectiveAt.toISOString(), '2027-02-05T00:00:00.000Z');
  t.equal(version.objectionDeadline?.toISOString(), '2027-02-05T00:00:00.000Z');
  stage.clock.advance({ minutes: 90 });
  const joined = await stage.publish(aList('Twilio', 'OpenAI', 'Mistral'));
  t.same(joined.version.effectiveAt, version.effectiveAt, 'one that joins counts from the same end');
  t.same(joined.version.objectionDeadline, version.objectionDeadline);

  const small = await stage.publish(aList('Twilio', 'OpenAI', 'Mistral'), {}).catch((error: unknown) => error);
  t.match(small, { code: 'version.unchanged' });
});

t.test('without a quiet time nothing waits, and nothing is joined', async (t) => {
  const stage = await openQuiet(t, { QUIET_MINUTES: '0' });
  t.same((await stage.publish(aList('Twilio', 'OpenAI'))).notice, { ordered: true });
  t.same((await stage.publish(aList('Twilio', 'OpenAI', 'AWS'))).notice, { ordered: true });
  await stage.fanOut();
  await stage.fanOut();
  t.same(await stage.told(), ['2 change since 1: OpenAI added', '3 change since 2: AWS added']);
});

t.test('what is added and taken back within the quiet time is told to nobody', async (t) => {
  const stage = await openQuiet(t);
  await stage.publish(aList('Twilio', 'OpenAI'));
  const back = await stage.publish(aList('Twilio'));
  t.same(back.notice, { ordered: false, because: 'no-net-change' });
  t.match(await stage.report(2), { toldWith: null, takenBackBy: 3, complete: true });
  t.same([...(await untoldVersions(stage.deps.db, 1))], [2, 3], 'no welcome tells of them either');
  await refuses(t, 'notice.not-waiting', sendNow(stage.deps, 2, officer));
  // Still within the time: another one joins, with the base that readers know.
  stage.clock.advance({ minutes: 30 });
  t.same((await stage.publish(aList('Twilio', 'AWS'))).notice, { ordered: true, sendAfter: new Date(end) });
  stage.clock.advance({ minutes: 30 });
  await stage.fanOut();
  t.same(await stage.told(), ['4 change since 1: AWS added']);
  t.match(await stage.report(2), { takenBackBy: 3 }, 'it was not told along');
});

t.test('what nobody was told of is no base of a later notice, however late that comes', async (t) => {
  const stage = await openQuiet(t);
  await stage.publish(aList('Twilio', 'OpenAI'));
  await stage.publish(aList('Twilio'));
  stage.clock.advance({ days: 2 });
  await stage.publish(aList('Twilio', 'AWS'));
  stage.clock.advance({ hours: 1 });
  await stage.fanOut();
  t.same(await stage.told(), ['4 change since 1: AWS added']);
});

t.test('a version that nobody is to be told of leaves what waits alone, unless it takes all of it back', async (t) => {
  const stage = await openQuiet(t);
  await stage.publish(aList('Twilio', 'OpenAI'));
  const silent = { notify: false, reason: 'agreed with everybody' };
  t.same((await stage.publish(aList('Twilio', 'OpenAI', 'AWS'), silent)).notice, {
    ordered: false,
    because: 'not-wanted',
  });
  t.match(await stage.report(2), { toldWith: null, waits: true });
  t.same((await stage.publish(aList('Twilio'), silent)).notice, { ordered: false, because: 'not-wanted' });
  t.match(await stage.report(2), { takenBackBy: 4 });
  stage.clock.advance({ hours: 1 });
  await stage.fanOut();
  t.same(await stage.told(), []);
});

t.test('a silent version opens no quiet time', async (t) => {
  const stage = await openQuiet(t);
  await stage.publish(aList('Twilio', 'OpenAI'), { notify: false, reason: 'agreed with everybody' });
  stage.clock.advance({ minutes: 30 });
  const { notice } = await stage.publish(aList('Twilio', 'OpenAI', 'AWS'));
  t.same(notice, { ordered: true, sendAfter: new Date('2027-01-04T10:30:00Z') });
});

t.test('an emergency waits for nothing, and takes along what waits', async (t) => {
  const stage = await openQuiet(t);
  await stage.publish(aList('Twilio', 'OpenAI'));
  stage.clock.advance({ minutes: 5 });
  const emergency = { emergency: true, reason: 'Twilio is insolvent', effectiveAt: '2027-01-05' };
  const { notice } = await stage.publish(aList('OpenAI', 'Vonage'), emergency);
  t.same(notice, { ordered: true });
  await stage.fanOut();
  t.same(await stage.told(), ['3 change since 1: OpenAI added, Vonage added, Twilio removed']);
  t.match(await stage.report(2), { toldWith: 3, waits: false });
  t.same(
    (await stage.publish(aList('OpenAI', 'Vonage', 'AWS'))).notice,
    { ordered: true, sendAfter: new Date('2027-01-04T10:05:00Z') },
    'its quiet time is over: what follows has its own',
  );
});

t.test('what waits can be sent now', async (t) => {
  const stage = await openQuiet(t);
  await stage.publish(aList('Twilio', 'OpenAI'));
  await stage.publish(aList('Twilio', 'OpenAI', 'AWS'));
  stage.clock.advance({ minutes: 5 });
  await refuses(t, 'version.missing', sendNow(stage.deps, 9, officer));
  await refuses(t, 'notice.not-waiting', sendNow(stage.deps, 1, officer));
  t.same(await sendNow(stage.deps, 2, officer), { version: 3, sendAfter: stage.clock.now() }, 'by any of its versions');
  t.match(await stage.audit('notice.sent-now'), [{ actor: officer, subject: 'version 3', detail: { askedFor: 2 } }]);
  await stage.fanOut();
  t.same(await stage.told(), ['3 change since 1: AWS added, OpenAI added']);
  await refuses(t, 'notice.not-waiting', sendNow(stage.deps, 3, officer));
});

t.test('a shorter quiet time, or none, holds for what waits already', async (t) => {
  const stage = await openQuiet(t);
  await stage.publish(aList('Twilio', 'OpenAI'));
  const deps = { ...stage.deps, config: { ...stage.deps.config, quietMinutes: 0 } };
  await stage.draft(aList('Twilio', 'OpenAI', 'AWS'));
  t.match(await publish(deps, {}, officer), { notice: { ordered: true, sendAfter: undefined } });
  await stage.fanOut();
  t.same(await stage.told(), ['3 change since 1: AWS added, OpenAI added'], 'in one mail, not the later one first');
});

t.test('a publication that is cut off leaves what waits as it was', async (t) => {
  const stage = await openQuiet(t);
  const { db } = stage.deps;
  await stage.publish(aList('Twilio', 'OpenAI'));
  const waits = async () => (await db.query('select * from notices order by id')).rows;
  const before = await waits();
  // The audit entry is the last thing that is written: all else is there by then.
  await db.query(`create function cut_off() returns trigger language plpgsql as $$ begin raise 'cut off'; end $$`);
  await db.query('create trigger cut_off before insert on audit_log for each row execute function cut_off()');
  await stage.draft(aList('Twilio', 'OpenAI', 'AWS')).catch(() => undefined);
  await db.query(`update drafts set document = $1`, [JSON.stringify(aList('Twilio', 'OpenAI', 'AWS'))]);
  await t.rejects(publish(stage.deps, {}, officer), /cut off/);
  await t.rejects(stage.take(2), /cut off/);
  await t.rejects(sendNow(stage.deps, 2, officer), /cut off/);
  t.same(await waits(), before);
  await db.query('drop trigger cut_off on audit_log');
  await publish(stage.deps, {}, officer);
  stage.clock.advance({ hours: 1 });
  await stage.fanOut();
  t.same(await stage.told(), ['3 change since 1: AWS added, OpenAI added']);
});

t.test('a planned publication opens its quiet time when it is published', async (t) => {
  const stage = await openQuiet(t);
  await stage.publish(aList('Twilio', 'OpenAI'));
  await stage.draft(aList('Twilio', 'OpenAI', 'AWS'));
  // Planned for a time at which version 2 still waits; it may have been sent by then, so its dates must
  // fit a time of its own, and then fit the earlier end all the more.
  await refuses(
    t,
    'date.too-early',
    publish(stage.deps, { publishAt: '2027-01-04T09:30:00Z', effectiveAt: '2027-02-03T10:10:00Z' }, officer),
  );
  await publish(stage.deps, { publishAt: '2027-01-04T09:30:00Z', effectiveAt: '2027-02-04T10:30:00Z' }, officer);
  stage.clock.set('2027-01-04T09:30:01Z');
  t.equal(await publishDue(stage.deps), 1);
  t.match(await stage.report(3), { sendAfter: new Date(end), waits: true });
  stage.clock.set(end);
  await stage.fanOut();
  t.same(await stage.told(), ['3 change since 1: AWS added, OpenAI added']);

  await stage.draft(aList('Twilio', 'OpenAI', 'AWS', 'Mistral'));
  await publish(stage.deps, { publishAt: '2027-01-06T08:00:00Z' }, officer);
  stage.clock.set('2027-01-06T08:00:00Z');
  await publishDue(stage.deps);
  t.match(await stage.report(4), { sendAfter: new Date('2027-01-06T09:00:00Z'), waits: true });
});

t.test('what a hold keeps back is not joined', async (t) => {
  const stage = await openQuiet(t);
  await stage.publish(aList('Twilio', 'OpenAI'));
  stage.clock.advance({ minutes: 5 });
  await stage.deps.db.query(
    `insert into service_state (last_seen_at, cluster, database_oid, held_since, held_because) values ($1, 'x', 1, $1, 'copy')
     on conflict (id) do update set held_since = excluded.held_since, held_because = 'copy'`,
    [stage.clock.now()],
  );
  const { notice } = await stage.publish(aList('Twilio', 'OpenAI', 'AWS'));
  t.same(notice, { ordered: true, sendAfter: new Date('2027-01-04T10:05:00Z') });
  stage.clock.advance({ hours: 2 });
  while ((await stage.fanOut()) > 0);
  t.same(await stage.told(), ['3 change since 2: AWS added'], 'the original may have told of version 2 already');
  await stage.deps.db.query('update service_state set held_since = null, held_because = null');
  while ((await stage.fanOut()) > 0);
  t.same((await stage.told()).slice(1), ['2 change since 1: OpenAI added']);
});

t.test('an answer that is repeated says again until when its notice waits', async (t) => {
  const stage = await openQuiet(t);
  await stage.draft(aList('Twilio', 'OpenAI'));
  const first = await publish(stage.deps, {}, officer, { idempotencyKey: 'one' });
  t.same(await publish(stage.deps, {}, officer, { idempotencyKey: 'one' }), first);
  t.match(first, { notice: { sendAfter: new Date(end) } });
});
