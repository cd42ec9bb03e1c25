import t from 'tap';
import { readVersion } from '../../src/versions/read.js';
import { addSubscribers } from '../deliveries/make.js';
import { aList, refuses } from './make.js';
import { end, openQuiet } from './quiet.js';

/*
 * Versions that are withdrawn before, in and after the moment when the quiet time ends.
 */

t.test('the one that carries is withdrawn in time: nobody hears of it, the others are told', async (t) => {
  const stage = await openQuiet(t);
  await stage.publish(aList('Twilio', 'OpenAI'));
  await stage.publish(aList('Twilio', 'OpenAI', 'AWS'));
  await stage.publish(aList('Twilio', 'AWS'));
  t.same((await stage.take(4)).notice, { ordered: false, because: 'not-told-yet' });
  t.match(await stage.report(2), { toldWith: 3, waits: true });
  t.same((await stage.take(3)).notice, { ordered: false, because: 'not-told-yet' });
  t.match(await stage.report(2), { toldWith: null, waits: true, sendAfter: new Date(end) });
  t.match(await stage.report(3), { waits: false, complete: true });
  stage.clock.advance({ hours: 1 });
  await stage.fanOut();
  t.same(await stage.told(), ['2 change since 1: OpenAI added']);
  t.equal(await stage.fanOut(), 0);
});

t.test('all are withdrawn in time: nobody hears of any, and the next has its own quiet time', async (t) => {
  const stage = await openQuiet(t);
  await stage.publish(aList('Twilio', 'OpenAI'));
  await stage.publish(aList('Twilio', 'OpenAI', 'AWS'));
  await stage.take(3);
  await stage.take(2);
  stage.clock.advance({ minutes: 20 });
  const { notice } = await stage.publish(aList('Twilio', 'Mistral'));
  t.same(notice, { ordered: true, sendAfter: new Date('2027-01-04T10:20:00Z') });
  stage.clock.advance({ hours: 2 });
  await stage.fanOut();
  t.same(await stage.told(), ['4 change since 1: Mistral added']);
});

t.test('who took something back is withdrawn: what it took back stands again, and is told', async (t) => {
  const stage = await openQuiet(t);
  await stage.publish(aList('Twilio', 'OpenAI'));
  await stage.publish(aList('Twilio'));
  t.same((await stage.take(3)).notice, { ordered: false, because: 'no-net-change' });
  t.match(await stage.report(2), { takenBackBy: null, waits: true });
  stage.clock.advance({ hours: 1 });
  await stage.fanOut();
  t.same(await stage.told(), ['2 change since 1: OpenAI added']);
});

t.test('but not when it would be told too late for its date', async (t) => {
  const stage = await openQuiet(t);
  await stage.publish(aList('Twilio', 'OpenAI'));
  await stage.publish(aList('Twilio'));
  stage.clock.advance({ days: 3 });
  await refuses(t, 'version.not-withdrawable', stage.take(3), /version 2, of which nobody was told/);
  t.equal((await readVersion(stage.deps.db, 3))?.withdrawnAt, null);

  const later = await openQuiet(t);
  await later.publish(aList('Twilio', 'OpenAI'), { effectiveAt: '2027-04-01' });
  await later.publish(aList('Twilio'));
  later.clock.advance({ days: 3 });
  await later.take(3);
  await later.fanOut();
  t.same(await later.told(), ['2 change since 1: OpenAI added'], 'its date leaves time enough');
});

t.test('withdrawn after the mail: who was told hears of what goes, and what was told along stands', async (t) => {
  const stage = await openQuiet(t);
  await stage.publish(aList('Twilio', 'OpenAI'));
  await stage.publish(aList('Twilio', 'OpenAI', 'AWS'));
  stage.clock.advance({ hours: 1 });
  await stage.fanOut();
  await stage.markSent();
  t.same((await stage.take(3)).notice, { ordered: true });
  await stage.fanOut();
  await stage.fanOut();
  await stage.markSent();
  t.same((await stage.told()).slice(1), ['3 withdrawal since 2: AWS added']);
  t.same((await stage.take(2)).notice, { ordered: true });
  await stage.fanOut();
  t.same((await stage.told()).slice(2), ['2 withdrawal since 1: OpenAI added'], 'told by the mail of version 3');
  await stage.publish(aList('Twilio', 'Mistral'));
  t.same((await stage.notices()).at(-1), { kind: 'change', version: 4, base: 1, changes: 1 });
});

t.test('a later notice builds on what was told along, when its carrier is gone', async (t) => {
  const stage = await openQuiet(t);
  await stage.publish(aList('Twilio', 'OpenAI'));
  await stage.publish(aList('Twilio', 'OpenAI', 'AWS'));
  stage.clock.advance({ hours: 1 });
  await stage.fanOut();
  await stage.markSent();
  await stage.take(3);
  await stage.publish(aList('Twilio', 'OpenAI', 'Mistral'));
  t.same((await stage.notices()).at(-1), { kind: 'change', version: 4, base: 2, changes: 1 });
});

t.test('withdrawn while the mail is on its way: who has none yet is told of what stands', async (t) => {
  const stage = await openQuiet(t);
  await addSubscribers(stage.deps.db, [{ email: 'bob@example.org' }, { email: 'cid@example.org' }]);
  await stage.publish(aList('Twilio', 'OpenAI'));
  await stage.publish(aList('Twilio', 'OpenAI', 'AWS'));
  stage.clock.advance({ hours: 1 });
  await stage.fanOut();
  await stage.deps.db.query(
    `update deliveries set state = 'sent', attempts = 1, sent_at = $1 where email = 'ann@example.org'`,
    [stage.clock.now()],
  );
  await stage.take(3);
  while ((await stage.fanOut()) > 0);
  const { rows } = await stage.deps.db.query<{ email: string; line: string }>(
    `select d.email, n.version || ' ' || n.kind || ' ' || coalesce(d.reason, d.state) as line
     from deliveries d join notices n on n.id = d.notice_id order by d.email, d.id`,
  );
  t.same(
    rows.map(({ email, line }) => `${email.split('@')[0]}: ${line}`),
    [
      'ann: 3 change sent',
      'ann: 3 withdrawal queued',
      'bob: 3 change withdrawn',
      'bob: 2 change queued',
      'cid: 3 change withdrawn',
      'cid: 2 change queued',
    ],
  );
  t.match(await stage.report(2), { toldWith: 3, complete: false, counts: { queued: 2 } });
  await stage.markSent();
  await stage.take(2);
  while ((await stage.fanOut()) > 0);
  const again = await stage.deps.db.query<{ email: string }>(
    `select d.email from deliveries d join notices n on n.id = d.notice_id
     where n.kind = 'withdrawal' and n.version = 2 order by d.email`,
  );
  t.same(
    again.rows.map(({ email }) => email),
    ['ann@example.org', 'bob@example.org', 'cid@example.org'],
    'by whichever mail they were told',
  );
});

t.test('withdrawn when the time is over and nothing has gone: as before its end', async (t) => {
  const stage = await openQuiet(t);
  await stage.publish(aList('Twilio', 'OpenAI'));
  await stage.publish(aList('Twilio', 'OpenAI', 'AWS'));
  stage.clock.advance({ hours: 2 });
  t.same((await stage.take(3)).notice, { ordered: false, because: 'not-told-yet' });
  await stage.fanOut();
  t.same(await stage.told(), ['2 change since 1: OpenAI added']);
});
