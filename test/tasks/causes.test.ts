import t from 'tap';
import { readConfig } from '../../src/config.js';
import { fanOut } from '../../src/notices/fan-out.js';
import { decideObjection } from '../../src/objections/decide.js';
import { object } from '../../src/objections/object.js';
import { signLink } from '../../src/subscribers/tokens.js';
import { browseTasks } from '../../src/tasks/browse.js';
import { publish } from '../../src/versions/publish.js';
import { cancelScheduled, publishDue } from '../../src/versions/scheduled.js';
import { addSubscribers, addVersions, deliveries, order, start } from '../deliveries/make.js';
import { bearer, startApp } from '../support/app.js';
import { createClock } from '../support/clock.js';
import { openDatabase } from '../support/database.js';
import { aList, officer, openStage } from '../versions/make.js';

t.test('a publication that is held is a task until it is called off', async (t) => {
  const stage = await openStage(t);
  await stage.publish(aList('Twilio'));
  await stage.draft(aList('Twilio', 'OpenAI'));
  await publish(stage.deps, { publishAt: '2027-01-04T10:00:00Z', effectiveAt: '2027-02-04' }, officer);
  stage.clock.set('2027-01-06T09:00:00Z');
  t.equal(await publishDue(stage.deps), 1);
  t.equal(await publishDue(stage.deps), 0);
  const open = async () => (await browseTasks(stage.deps.db, { open: true, limit: 9 })).tasks;
  t.match(await open(), [
    { kind: 'publication-held', subject: 'version 2', detail: { because: 'date.too-early' }, subscriber: null },
  ]);
  await cancelScheduled(stage.deps, officer);
  t.same(await open(), []);
  t.match(await browseTasks(stage.deps.db, { limit: 9 }), { tasks: [{ doneBy: officer, note: null }] });
});

t.test('an objection is a task until somebody takes it up, one for each version', async (t) => {
  const { pool } = await openDatabase(t);
  const secretKey = 'k'.repeat(32);
  await addVersions(pool, 3);
  await addSubscribers(pool, [{ email: 'ann@example.org' }]);
  for (const version of [2, 3]) {
    await order(pool, version);
    for (let made = 1; made > 0; ) made = await fanOut({ db: pool, now: () => start });
  }
  const clock = createClock(start);
  const config = readConfig({ DATABASE_URL: 'postgresql://unused', SECRET_KEY: secretKey });
  const deps = { db: pool, config, now: clock.now };
  for (const { id } of await deliveries(pool)) {
    const link = signLink([secretKey], 'objection', id);
    await object(deps, link, { grounds: 'We object.' });
    await object(deps, link, { grounds: 'Once more.' });
  }
  const open = async () => (await browseTasks(pool, { open: true, limit: 9 })).tasks;
  t.match(await open(), [
    { kind: 'objection', subject: 'objection 2', detail: { version: 3, late: false }, subscriber: { id: 1 } },
    { kind: 'objection', subject: 'objection 1', detail: { version: 2, late: false } },
  ]);
  t.notMatch(JSON.stringify(await open()), /We object/, 'the grounds stand with the objection');
  await decideObjection(deps, 1, { state: 'in-talks' }, officer);
  t.match(await open(), [{ subject: 'objection 2' }]);
  await decideObjection(deps, 2, { state: 'received', note: 'not read yet' }, officer);
  t.match(await open(), [{ subject: 'objection 2' }]);
});

t.test('a contact whom a contract entitles and whose notice failed is a task, whoever is to blame', async (t) => {
  const answer = ({ stage, subject }: { stage: string; subject: string }) => {
    if (stage !== 'rcpt' || subject === 'ok@example.org') return undefined;
    return subject === 'blocked@example.org' ? '550 5.7.1 blocked by our policy' : '550 5.0.0 not here, not now';
  };
  const app = await startApp(t, { smtp: { answer } });
  const send = (method: 'PUT' | 'POST', url: string, payload: object) =>
    app.inject({ method, url, headers: bearer, payload });
  await send('PUT', '/api/v1/draft', aList('Twilio'));
  await send('POST', '/api/v1/versions', { notify: false });
  await app.inject({
    method: 'POST',
    url: '/api/v1/subscribers/import',
    headers: { ...bearer, 'content-type': 'text/csv' },
    payload: [
      'email,status,consent,kind,entitlement',
      'entitled@example.org,,,contractual,DPA of 4 January 2027',
      'blocked@example.org,,,contractual,DPA of 4 January 2027',
      'voluntary@example.org,confirmed,by form,,',
      'ok@example.org,confirmed,by form,,',
    ].join('\n'),
  });
  await send('PUT', '/api/v1/draft', aList('Twilio', 'OpenAI'));
  await send('POST', '/api/v1/versions', {});
  await app.settle();

  const { tasks } = await browseTasks(app.deps.db, { open: true, limit: 9 });
  const contacts = tasks.filter(({ kind }) => kind === 'bounced-contact');
  t.same(contacts.map(({ subscriber }) => subscriber?.email).sort(), ['blocked@example.org', 'entitled@example.org']);
  t.same(new Set(contacts.map(({ detail }) => detail.because)), new Set(['failed']));
  const suppressed = await app.database.pool.query('select * from suppressions');
  t.equal(suppressed.rowCount, 0, 'and nothing is said of their addresses');
});
