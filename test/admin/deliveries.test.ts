import t from 'tap';
import { goneDsn } from '../bugs/dsn.js';
import { textOf } from '../pages/support.js';
import { bearer, startApp, type TestApp } from '../support/app.js';
import type { Situation } from '../support/smtp.js';
import { setUp, signInAs } from './support.js';

const list = (names: string[]) => ({
  title: 'Sub-processors',
  dataSubjects: [],
  subProcessors: names.map((name) => ({ name })),
});

async function publish(app: TestApp, names: string[]): Promise<void> {
  await app.inject({ method: 'PUT', url: '/api/v1/draft', headers: bearer, payload: list(names) });
  const notify = names.length === 1 ? { notify: false } : {};
  await app.inject({ method: 'POST', url: '/api/v1/versions', headers: bearer, payload: notify });
}

/** Version 2 is told to three: one has it, one mailbox is full, one is not there. */
async function told(t: Parameters<typeof startApp>[0]) {
  const full = { still: true };
  const answer = ({ stage, subject }: Situation) => {
    if (stage !== 'rcpt') return undefined;
    if (subject.startsWith('full@') && full.still) return '452 4.2.2 mailbox full';
    return subject.startsWith('gone@') ? '550 5.1.1 no such user' : undefined;
  };
  const app = await startApp(t, { smtp: { answer } });
  await publish(app, ['One']);
  await app.inject({
    method: 'POST',
    url: '/api/v1/subscribers/import',
    headers: { ...bearer, 'content-type': 'text/csv' },
    payload: [
      'email,company,status,consent',
      ...['here', 'full', 'gone'].map((name) => `${name}@example.org,Acme,confirmed,by contract`),
    ].join('\n'),
  });
  await publish(app, ['One', 'Two']);
  await app.settle();
  return { app, full };
}

async function idOf(app: TestApp, email: string): Promise<number> {
  const { rows } = await app.database.pool.query('select id from deliveries where email = $1', [email]);
  return Number(rows[0]?.id);
}

t.test(
  'admins see who was not reached and why, and find a person by a part of the address or the company',
  async (t) => {
    const { app } = await told(t);
    const officer = await setUp(app);
    const page = await officer.get('/admin/deliveries');
    t.equal(page.statusCode, 200);
    for (const words of [
      /Version 2 so far/,
      /No such mailbox, no such mailbox: 1/,
      /Tried again later, the mailbox is full: 1/,
    ]) {
      t.match(textOf(page.body), words);
    }
    const gone = await officer.get('/admin/deliveries?version=2&state=bounced&reason=mailbox-unknown');
    t.match(textOf(gone.body), /Only: no such mailbox\..*gone@example\.org version 2 No such mailbox/s);
    t.notMatch(gone.body, /full@example\.org/);
    const missed = await officer.get('/admin/deliveries?version=2&state=not-reached');
    t.match(missed.body, /gone@example\.org[\s\S]*full@example\.org/, 'the newest first');
    t.notMatch(missed.body, /here@example\.org/);

    for (const q of ['HERE@', 'here@example.org', 'acme']) {
      t.match((await officer.get(`/admin/deliveries?q=${q}`)).body, /here@example\.org/, q);
    }
    t.match(textOf((await officer.get('/admin/deliveries?version=all')).body), /Name an address or a company/);
    t.match(textOf((await officer.get('/admin/deliveries?q=nobody')).body), /No delivery fits/);
    t.equal((await officer.get('/admin/deliveries?version=x&state=y&before=z&q=%00')).statusCode, 200);
  },
);

t.test('one notice is sent again, once, as a new message; its history keeps both', async (t) => {
  const { app } = await told(t);
  const officer = await setUp(app);
  const id = await idOf(app, 'here@example.org');
  const path = `/admin/deliveries/${id}`;
  const [first] = app.relay.mailTo('here@example.org');
  const page = await officer.get(path);
  t.match(textOf(page.body), /Send it again The same notice goes to the address that Acme has now/);

  const answers = [await officer.submit(page, `${path}/resend`), await officer.submit(page, `${path}/resend`)];
  t.same(
    answers.map(({ statusCode }) => statusCode),
    [303, 303],
    'a double click',
  );
  t.match(textOf((await officer.follow(answers[0] ?? page)).body), /It is on its way\./);
  await app.settle();
  const mails = app.relay.mailTo('here@example.org');
  t.equal(mails.length, 2);
  const idsOf = await Promise.all(mails.map(async (mail) => /^message-id: (\S+)/im.exec(mail.raw.toString())?.[1]));
  t.not(idsOf[0], idsOf[1], 'a mailbox would pass over the same message');
  t.not(first, undefined);

  const history = await app.inject({ url: `/api/v1/deliveries/${id}`, headers: bearer });
  t.match(history.json(), {
    steps: [
      { state: 'queued', response: null },
      { state: 'sent', response: '250 2.0.0 taken' },
      { state: 'queued', response: null },
      { state: 'sent', response: '250 2.0.0 taken' },
    ],
  });
  const { rows } = await app.database.pool.query(`select count(*)::int as rows from deliveries where kind = 'notice'`);
  t.same(rows, [{ rows: 3 }], 'still one row a person and version');
  const audit = await app.inject({ url: '/api/v1/audit?limit=1', headers: bearer });
  t.match(audit.json(), { entries: [{ action: 'delivery.resent', subject: `delivery ${id}` }] });

  await app.inject({
    method: 'POST',
    url: '/api/v1/bounces',
    headers: { ...bearer, 'content-type': 'message/rfc822' },
    payload: goneDsn('here@example.org', idsOf[0] ?? ''),
  });
  const late = await app.inject({ url: `/api/v1/deliveries/${id}`, headers: bearer });
  t.match(
    late.json<{ steps: { state: string }[] }>().steps.at(-1),
    { state: 'bounced' },
    'the first mail is known still',
  );
});

t.test('what waits is tried at once; who has left, is dead or was erased gets nothing again', async (t) => {
  const { app, full } = await told(t);
  const officer = await setUp(app);
  const path = `/admin/deliveries/${await idOf(app, 'full@example.org')}`;
  full.still = false;
  await officer.submit(await officer.get(path), `${path}/resend`);
  await app.settle();
  t.equal(app.relay.mailTo('full@example.org').length, 1);

  const gone = await idOf(app, 'gone@example.org');
  t.match(textOf((await officer.get(`/admin/deliveries/${gone}`)).body), /Nothing is mailed to this address/);
  t.notMatch((await officer.get(`/admin/deliveries/${gone}`)).body, /\/resend/);
  const resend = (id: number) =>
    app.inject({ method: 'POST', url: `/api/v1/deliveries/${id}/resend`, headers: bearer });
  t.equal((await resend(gone)).statusCode, 409);
  const here = await idOf(app, 'here@example.org');
  await app.database.pool.query(
    `update subscribers set status = 'unsubscribed', unsubscribed_at = now() where email = 'here@example.org'`,
  );
  t.match((await resend(here)).json(), { code: 'delivery.not-resendable', status: 409 });
  const { rows } = await app.database.pool.query(`select id from subscribers where email = 'here@example.org'`);
  await app.inject({ method: 'DELETE', url: `/api/v1/subscribers/${rows[0]?.id}`, headers: bearer });
  t.equal((await resend(here)).statusCode, 409);
  t.match(textOf((await officer.get(`/admin/deliveries/${here}`)).body), /erased person.*The person was erased/s);
  t.equal((await resend(999_999)).statusCode, 404);
  await app.settle();
  t.equal(app.relay.mailTo('here@example.org').length, 1);
  t.equal(app.relay.mailTo('gone@example.org').length, 0);

  const viewer = await signInAs(app, 'editor');
  t.notMatch((await viewer.get(path)).body, /\/resend/, 'an editor is not offered it');
});

t.test('one page tells everything of a person: how they came, and every mail with its answer', async (t) => {
  const { app } = await told(t);
  const officer = await setUp(app);
  const listed = await officer.get('/admin/subscribers?q=here');
  const path = /href="(\/admin\/subscribers\/\d+)"/.exec(listed.body)?.[1] ?? '';
  const page = textOf((await officer.get(path)).body);
  t.match(
    page,
    /here@example\.org Confirmed.*Acme.*Notice of version 2 Sent 250 2\.0\.0 taken.*Came by a file.*consent by contract/s,
  );
  t.match(page, /entered by .*taken as confirmed yes/s, 'facts are in words');
  t.notMatch(page, /\{"|\d{4}-\d\d-\d\dT/);
  t.equal((await officer.get('/admin/subscribers/999999')).statusCode, 404);
});
