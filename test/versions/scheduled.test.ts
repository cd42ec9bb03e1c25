import t from 'tap';
import { publish } from '../../src/versions/publish.js';
import { readScheduled, readVersion, readVersions } from '../../src/versions/read.js';
import { cancelScheduled, publishDue } from '../../src/versions/scheduled.js';
import type { PublishRequest } from '../../src/versions/version.js';
import { aList, officer, openStage, refuses, type Stage } from './make.js';

/** A published first version, a changed draft, and the plan to publish it. */
async function plan(stage: Stage, request: PublishRequest) {
  if ((await readVersion(stage.deps.db, 1)) === null) await stage.publish(aList('Twilio'));
  await stage.draft(aList('Twilio', 'OpenAI'));
  const result = await publish(stage.deps, request, officer);
  if (result.status !== 202) throw new Error('it was not planned');
  return result.scheduled;
}

t.test('a planned publication happens at its time, once, whoever asks', async (t) => {
  const stage = await openStage(t);
  const scheduled = await plan(stage, { publishAt: '2027-01-04T10:00:00Z', message: 'planned' });
  t.match(scheduled, { number: 2, state: 'scheduled', publishAt: new Date('2027-01-04T10:00:00Z') });
  await stage.draft(aList('Twilio', 'Mistral'));
  t.equal(await publishDue(stage.deps), 0);
  stage.clock.set('2027-01-04T10:00:02Z');
  const done = await Promise.all(Array.from({ length: 8 }, () => publishDue(stage.deps)));
  t.equal(
    done.reduce((sum, count) => sum + count),
    1,
  );
  const version = await readVersion(stage.deps.db, 2);
  t.match(version, { message: 'planned', changes: [{ name: 'OpenAI' }] }, 'the document of the planning');
  t.equal(version?.publishedAt.toISOString(), '2027-01-04T10:00:00.000Z', 'on time: its own moment counts');
  t.same(await stage.notices(), [{ kind: 'change', version: 2, base: 1, changes: 1 }]);
  t.match(await stage.audit('version.published'), [
    { actor: officer, detail: { plannedFor: '2027-01-04T10:00:00.000Z', lateSeconds: 2 } },
    {},
  ]);
  t.equal(await readScheduled(stage.deps.db), null);
  stage.clock.advance({ days: 1 });
  t.equal(await publishDue(stage.deps), 0);
});

t.test('what could not be published at its time is refused while somebody looks', async (t) => {
  const stage = await openStage(t);
  await refuses(t, 'date.in-past', plan(stage, { publishAt: '2027-01-04T09:00:00Z' }));
  await refuses(t, 'date.too-early', plan(stage, { publishAt: '2027-01-10T00:00:00Z', effectiveAt: '2027-02-08' }));
  await refuses(t, 'date.invalid', plan(stage, { publishAt: 'soon' }));
  await refuses(t, 'reason.missing', plan(stage, { publishAt: '2027-01-10', notify: false }));
  t.equal(await readScheduled(stage.deps.db), null);
});

t.test('one publication is planned at a time, and nothing is published past it', async (t) => {
  const stage = await openStage(t);
  const request = { publishAt: '2027-01-05T10:00:00Z' };
  await plan(stage, request);
  await refuses(t, 'version.scheduled-already', publish(stage.deps, {}, officer));
  await refuses(t, 'version.scheduled-already', publish(stage.deps, request, officer));
  t.match(await cancelScheduled(stage.deps, officer), { number: 2 });
  await refuses(t, 'version.not-scheduled', cancelScheduled(stage.deps, officer));
  t.match(await stage.audit('version.schedule-cancelled'), [{ subject: 'version 2', detail: { wasHeld: false } }]);
  stage.clock.advance({ days: 2 });
  t.equal(await publishDue(stage.deps), 0, 'what was cancelled never happens');
  const { version } = await stage.publish(aList('Twilio', 'OpenAI'));
  t.equal(version.number, 2, 'the number was not used up');
});

t.test('late, but its dates still keep the notice period: published with the real time', async (t) => {
  const stage = await openStage(t);
  await plan(stage, { publishAt: '2027-01-04T09:00:20Z', effectiveAt: '2027-03-05' });
  stage.clock.advance({ seconds: 95 });
  t.equal(await publishDue(stage.deps), 1);
  const version = await readVersion(stage.deps.db, 2);
  t.equal(version?.publishedAt.toISOString(), '2027-01-04T09:01:35.000Z');
  t.equal(version?.effectiveAt.toISOString(), '2027-03-05T00:00:00.000Z');
  t.match(await stage.audit('version.published'), [{ detail: { lateSeconds: 75 } }, {}]);
  t.equal(await publishDue(stage.deps), 0);
});

t.test('late, and its dates were not named: the earliest lawful ones count from the real time', async (t) => {
  const stage = await openStage(t);
  await plan(stage, { publishAt: '2027-01-04T10:00:00Z' });
  stage.clock.advance({ days: 3 });
  t.equal(await publishDue(stage.deps), 1);
  t.equal((await readVersion(stage.deps.db, 2))?.effectiveAt.toISOString(), '2027-02-07T00:00:00.000Z');
});

t.test('late, and the notice would be too short: held with a reason, never silently', async (t) => {
  const stage = await openStage(t);
  await plan(stage, { publishAt: '2027-01-04T09:00:20Z', effectiveAt: '2027-02-03T09:00:20Z' });
  stage.clock.advance({ seconds: 95 });
  const done = await Promise.all([publishDue(stage.deps), publishDue(stage.deps)]);
  t.same(done.sort(), [0, 1]);
  t.equal((await readVersions(stage.deps.db, stage.clock.now())).length, 1);
  t.same(await stage.notices(), [], 'nobody is told of it');
  t.match(await readScheduled(stage.deps.db), { state: 'held', heldBecause: 'date.too-early', number: 2 });
  t.match(await stage.audit('version.held'), [
    { actor: { kind: 'system' }, subject: 'version 2', detail: { because: 'date.too-early', lateSeconds: 75 } },
  ]);
  t.equal(await publishDue(stage.deps), 0, 'and not again');
  await refuses(t, 'version.scheduled-already', publish(stage.deps, {}, officer));
  await cancelScheduled(stage.deps, officer);
  const { version } = await stage.publish(aList('Twilio', 'OpenAI'));
  t.equal(version.effectiveAt.toISOString(), '2027-02-04T00:00:00.000Z');
});

t.test('a tick that is a moment late does not break a notice period of exactly N days', async (t) => {
  const stage = await openStage(t);
  await plan(stage, { publishAt: '2027-01-04T09:00:20Z', effectiveAt: '2027-02-03T09:00:20Z' });
  stage.clock.advance({ seconds: 21 });
  t.equal(await publishDue(stage.deps), 1);
  t.equal((await readVersion(stage.deps.db, 2))?.publishedAt.toISOString(), '2027-01-04T09:00:20.000Z');
});

t.test('02:30 on the two Sundays when the clocks change comes once, when it was said to', async (t) => {
  for (const { eve, publishAt, instant } of [
    // 02:30 does not exist: the clock goes from 02:00 to 03:00.
    { eve: '2027-03-27T12:00:00Z', publishAt: '2027-03-28T02:30', instant: '2027-03-28T01:30:00.000Z' },
    // 02:30 comes twice: the first counts.
    { eve: '2027-10-30T12:00:00Z', publishAt: '2027-10-31T02:30', instant: '2027-10-31T00:30:00.000Z' },
  ]) {
    const stage = await openStage(t, { TIME_ZONE: 'Europe/Brussels' });
    stage.clock.set(eve);
    const scheduled = await plan(stage, { publishAt });
    t.equal(scheduled.publishAt.toISOString(), instant, 'shown beforehand');
    let published = 0;
    // Every half minute, through both hours.
    stage.clock.set(new Date(new Date(instant).getTime() - 60 * 60 * 1000));
    for (let step = 0; step < 240; step++) {
      published += await publishDue(stage.deps);
      stage.clock.advance({ seconds: 30 });
    }
    t.equal(published, 1);
    t.equal((await readVersion(stage.deps.db, 2))?.publishedAt.toISOString(), instant);
  }
});

t.test('a repeated request with a key gets the plan that it made', async (t) => {
  const stage = await openStage(t);
  await stage.publish(aList('Twilio'));
  await stage.draft(aList('Twilio', 'OpenAI'));
  const ask = () => publish(stage.deps, { publishAt: '2027-01-05T10:00:00Z' }, officer, { idempotencyKey: 'plan' });
  const first = await ask();
  t.equal(first.status, 202);
  t.same(await ask(), first);
});
