import t from 'tap';
import { goneDsn } from '../bugs/dsn.js';
import { bearer, startApp, type TestApp } from '../support/app.js';
import type { Situation } from '../support/smtp.js';

async function announced(app: TestApp, emails: readonly string[]): Promise<void> {
  const list = (names: string[]) => ({
    title: 'Sub-processors',
    dataSubjects: [],
    subProcessors: names.map((name) => ({ name })),
  });
  const send = (method: 'PUT' | 'POST', url: string, payload: object) =>
    app.inject({ method, url, headers: bearer, payload });
  await send('PUT', '/api/v1/draft', list(['One']));
  await send('POST', '/api/v1/versions', { notify: false });
  const rows = emails.map((email) => `${email},confirmed,by contract`);
  await app.inject({
    method: 'POST',
    url: '/api/v1/subscribers/import',
    headers: { ...bearer, 'content-type': 'text/csv' },
    payload: ['email,status,consent', ...rows].join('\n'),
  });
  await send('PUT', '/api/v1/draft', list(['One', 'Two']));
  await send('POST', '/api/v1/versions', {});
}

async function historyOf(app: TestApp, email: string) {
  const listed = await app.inject({ url: '/api/v1/versions/2/deliveries', headers: bearer });
  const { deliveries } = listed.json<{ deliveries: { id: number; email: string }[] }>();
  const id = deliveries.find((row) => row.email === email)?.id;
  const { statusCode, body } = await app.inject({ url: `/api/v1/deliveries/${id}`, headers: bearer });
  if (statusCode !== 200) throw new Error(body);
  return JSON.parse(body);
}

t.test('each state of a delivery is kept with its time, the attempts and the relay’s own answer', async (t) => {
  const answer = ({ stage, subject, attempt }: Situation) => {
    if (stage !== 'rcpt') return undefined;
    if (subject === 'later@example.org' && attempt <= 2) return '451 4.7.1 greylisted, try again';
    return subject === 'gone@example.org' ? '550 5.1.1 no such user' : undefined;
  };
  const app = await startApp(t, { smtp: { answer } });
  await announced(app, ['at-once@example.org', 'later@example.org', 'gone@example.org']);
  await app.settle();

  const sent = { state: 'sent', attempts: 1, reason: null, response: '250 2.0.0 taken' };
  t.match(await historyOf(app, 'at-once@example.org'), {
    kind: 'notice',
    version: 2,
    dueAt: null,
    steps: [{ state: 'queued', attempts: 0, response: null }, { state: 'sending', attempts: 1 }, sent],
  });
  t.match(
    (await historyOf(app, 'gone@example.org')).steps.map(({ state, response }: Record<string, string>) => [
      state,
      response,
    ]),
    [
      ['queued', null],
      ['sending', null],
      ['bounced', '550 5.1.1 no such user'],
    ],
  );

  for (const wait of [2, 5, 12]) {
    app.clock.advance({ minutes: wait });
    await app.send();
  }
  const { steps } = await historyOf(app, 'later@example.org');
  t.match(steps, [
    { state: 'queued' },
    { state: 'deferred', attempts: 1, reason: 'greylisted', response: '451 4.7.1 greylisted, try again' },
    { state: 'deferred', attempts: 2, reason: 'greylisted', response: '451 4.7.1 greylisted, try again' },
    { state: 'sent', attempts: 3, reason: null, response: '250 2.0.0 taken' },
  ]);
  t.same(
    [...steps].sort((a, b) => a.at.localeCompare(b.at)),
    steps,
    'in the order of time',
  );
});

t.test('a bounce that comes later leaves the relay’s answer on record', async (t) => {
  const app = await startApp(t);
  await announced(app, ['gone@example.org']);
  await app.settle();
  const { messageId } = await historyOf(app, 'gone@example.org');
  app.clock.advance({ minutes: 1 });
  await app.inject({
    method: 'POST',
    url: '/api/v1/bounces',
    headers: { ...bearer, 'content-type': 'message/rfc822' },
    payload: goneDsn('gone@example.org', messageId ?? ''),
  });
  t.match((await historyOf(app, 'gone@example.org')).steps, [
    { state: 'queued' },
    { state: 'sending' },
    { state: 'sent', response: '250 2.0.0 taken' },
    { state: 'bounced', reason: 'mailbox-unknown', response: /550 5.1.1/ },
  ]);
  const id = (await historyOf(app, 'gone@example.org')).subscriberId;
  await app.inject({ method: 'DELETE', url: `/api/v1/subscribers/${id}`, headers: bearer });
  const { rows } = await app.database.pool.query('select response from delivery_transitions');
  t.notMatch(JSON.stringify(rows), 'gone@example.org', 'erasure takes the address out of the answers as well');
});

t.test('there is no history of what was never queued', async (t) => {
  const app = await startApp(t);
  t.equal((await app.inject({ url: '/api/v1/deliveries/9', headers: bearer })).statusCode, 404);
  t.equal((await app.inject({ url: '/api/v1/deliveries/9' })).statusCode, 401);
});
