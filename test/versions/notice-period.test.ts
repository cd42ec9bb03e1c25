import t from 'tap';
import { saveGroup } from '../../src/subscribers/groups.js';
import { previewPublish } from '../../src/versions/preview.js';
import { publish } from '../../src/versions/publish.js';
import { readScheduled } from '../../src/versions/read.js';
import { publishDue } from '../../src/versions/scheduled.js';
import { addSubscribers } from '../deliveries/make.js';
import { aList, officer, refuses } from './make.js';
import { openQuiet } from './quiet.js';

t.test('the longest notice period of a group that has recipients is the one that counts', async (t) => {
  const stage = await openQuiet(t, { QUIET_MINUTES: '0' });
  const { db } = stage.deps;
  const group = (id: string, name: string, noticeDays: number) =>
    saveGroup(stage.deps, { id, name, noticeDays }, officer);
  await group('short', 'Short', 10);
  await group('banks', 'Banks', 60);
  const put = async (email: string, id: string) => {
    const [person] = await addSubscribers(db, [{ email }]);
    await db.query(
      `update subscribers set kind = 'contractual', entitlement = 'DPA', notice_group = $2 where id = $1`,
      [person, id],
    );
  };
  await put('short@example.org', 'short');
  await stage.draft(aList('Twilio', 'OpenAI'));
  const preview = async () => (await previewPublish(stage.deps, {})).defaults.effectiveAt.toISOString().slice(0, 10);
  t.equal(await preview(), '2027-02-04', 'Ann has no group: 30 days');
  await put('bank@example.org', 'banks');
  t.equal(await preview(), '2027-03-06');
  await refuses(
    t,
    'date.too-early',
    publish(stage.deps, { effectiveAt: '2027-02-04' }, officer),
    /the earliest is 2027-03-06, since material changes take effect 60 days .* notice group "Banks" is owed 60 days/,
  );
  await db.query(
    `update subscribers set status = 'unsubscribed' where email in ('bank@example.org', 'ann@example.org')`,
  );
  t.equal(await preview(), '2027-01-15', 'nobody is left who is owed more than 10 days');

  // Planned while 10 days are enough; when it is published a bank is among the readers again.
  await publish(stage.deps, { publishAt: '2027-01-05T08:00:00Z', effectiveAt: '2027-01-20' }, officer);
  await db.query(`update subscribers set status = 'confirmed' where email = 'bank@example.org'`);
  stage.clock.set('2027-01-05T08:00:00Z');
  t.equal(await publishDue(stage.deps), 1);
  t.match(await readScheduled(db), { state: 'held', heldBecause: 'date.too-early' });
  t.match((await stage.audit('version.held'))[0]?.detail.sentence, /Banks/);
});
