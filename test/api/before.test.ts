import t from 'tap';
import { setUp, signInAs } from '../admin/support.js';
import { listYaml, newVendor, publishList, subscribeAndConfirm, textOf } from '../pages/support.js';
import { bearer, startApp, type TestApp } from '../support/app.js';

const putDraft = (app: TestApp, yaml: string) =>
  app.inject({
    method: 'PUT',
    url: '/api/v1/draft',
    headers: { ...bearer, 'content-type': 'application/yaml' },
    payload: yaml,
  });
const post = (app: TestApp, path: string, payload?: object, headers: object = bearer) =>
  app.inject({ method: 'POST', url: `/api/v1/${path}`, headers: { ...headers }, ...(payload ? { payload } : {}) });

t.test('a dry run answers with what publishing would answer, refusals as problems', async (t) => {
  const app = await startApp(t);
  const empty = await post(app, 'draft/dry-run');
  t.equal(empty.statusCode, 200);
  t.match(empty.json(), { version: null, refusals: [{ code: 'draft.missing', status: 404 }] });

  await publishList(app, listYaml());
  await subscribeAndConfirm(app, 'anna@example.org');
  await subscribeAndConfirm(app, 'lost@example.org');
  await app.database.pool.query(
    `update subscribers set kind = 'contractual', entitlement = 'DPA', status = 'unsubscribed' where email like 'lost@%'`,
  );
  await putDraft(app, listYaml(newVendor));
  const found = await post(app, 'draft/dry-run', {});
  t.match(found.json(), {
    version: 2,
    notice: { ordered: true },
    recipients: { total: 1, byLocale: { en: 1 }, byKind: { voluntary: 1, contractual: 0 } },
    unreachable: [{ reason: 'unsubscribed', count: 1, contractual: 1 }],
    lostContacts: [{ email: 'l•••@e•••.org', reason: 'unsubscribed', group: null }],
    noticePeriods: [30],
    changes: { material: 1 },
    effectiveAt: '2027-02-04T00:00:00.000Z',
    objectionDeadline: '2027-02-04T00:00:00.000Z',
    refusals: [],
    relay: { down: false, since: null, says: null },
    held: null,
    quietUntil: null,
  });
  const body = { effectiveAt: '2027-01-10' };
  const [foretold, refused] = [await post(app, 'draft/dry-run', body), await post(app, 'versions', body)];
  const { instance: _, ...problem } = refused.json();
  t.match(foretold.json().refusals, [problem], 'word for word');
  t.equal(foretold.json().effectiveAt, null);
  t.equal((await post(app, 'draft/dry-run', { message: 1 })).statusCode, 400);
  t.equal((await post(app, 'draft/dry-run', {}, {})).statusCode, 401);
});

t.test(
  'a test is the notice itself: same way, same headers, marked in its subject, its links do nothing',
  async (t) => {
    const app = await startApp(t, { env: { MAIL_REPLY_TO: 'privacy@example.org' } });
    await setUp(app, 'Officer@example.org');
    await publishList(app, listYaml());
    await subscribeAndConfirm(app, 'anna@example.org');
    t.equal((await post(app, 'draft/test', { to: 'officer@example.org' })).statusCode, 409, 'there is nothing to test');
    await putDraft(app, listYaml(newVendor));

    for (const to of [undefined, 'anna@example.org', 'nobody@example.org', 'nonsense']) {
      const refused = await post(app, 'draft/test', { to });
      t.match(refused.json(), { status: 400, code: 'input.invalid', errors: [{ path: 'to' }] }, String(to));
    }
    const ordered = await post(app, 'draft/test', { to: ' OFFICER@example.org', locale: 'de', message: 'Ein Grund.' });
    t.equal(ordered.statusCode, 202);
    t.match(ordered.json(), { email: 'Officer@example.org', delivery: Number });
    await app.settle();
    const [mail] = app.relay.mailTo('Officer@example.org');
    if (mail === undefined) throw new Error('no test arrived');
    const test = await mail.parse();
    t.match(test.subject, /^\[Test\] 1 Unterauftragsverarbeiter neu, ab 4\. Februar 2027/);
    t.match(test.text, /Ein Grund\./);
    t.equal(test.replyTo?.text, 'privacy@example.org');

    // The notice in earnest differs in nothing but its recipient and tokens.
    await post(app, 'versions', { message: 'A reason.' });
    await app.settle();
    const notice = await app.relay.mailTo('anna@example.org').at(-1)?.parse();
    t.equal(notice?.replyTo?.text, 'privacy@example.org');
    const headers = (mail: typeof test | undefined) => [...(mail?.headers.keys() ?? [])];
    t.same(headers(test), headers(notice));

    const before = await app.database.pool.query(
      'select state, count(*)::integer as n from deliveries group by 1 order by 1',
    );
    const links = (await mail.links()).filter((link) => /\/(unsubscribe|preferences|objections)\//.test(link));
    t.equal(links.length, 3);
    for (const link of links) {
      const path = new URL(link).pathname;
      for (const method of ['GET', 'POST'] as const) {
        const answer = await app.inject({ method, url: path });
        t.equal(answer.statusCode, 200, `${method} ${path.split('/')[1]}`);
        t.match(textOf(answer.body), /This was a test/);
      }
    }
    const more = links.find((link) => link.includes('/preferences/'));
    t.equal((await app.inject({ method: 'POST', url: `${new URL(more ?? '').pathname}/manage-link` })).statusCode, 200);
    const after = await app.database.pool.query(
      'select state, count(*)::integer as n from deliveries group by 1 order by 1',
    );
    t.same(after.rows, before.rows, 'nothing was ordered, nobody has left');
    const { rows } = await app.database.pool.query(
      `select actor, detail from audit_log where action = 'notice.tested'`,
    );
    t.same(rows, [
      {
        actor: { id: 'environment', kind: 'token', role: 'admin' },
        detail: { admin: 1, delivery: ordered.json().delivery },
      },
    ]);
  },
);

t.test('of a draft that changes, the test shows what it has become; of one that is gone, nothing', async (t) => {
  const app = await startApp(t);
  await setUp(app);
  await publishList(app, listYaml());
  await putDraft(app, listYaml(newVendor));
  await post(app, 'draft/test', { to: 'officer@example.org' });
  app.clock.advance({ days: 1 });
  await putDraft(app, listYaml(newVendor.replace('Letterbird, Inc.', 'Mailowl Ltd')));
  await app.settle();
  const [mail] = app.relay.mailTo('officer@example.org');
  const { subject, text } = (await mail?.parse()) ?? {};
  t.match(text, /Mailowl/);
  t.match(subject, /4 February 2027/, 'with the dates of the moment when it was ordered');

  await post(app, 'draft/test', { to: 'officer@example.org' });
  await putDraft(app, listYaml());
  await app.settle();
  t.equal(app.relay.mailTo('officer@example.org').length, 1);
  const { rows } = await app.database.pool.query(`select state from deliveries where kind = 'test-notice' order by id`);
  t.same(
    rows.map(({ state }) => state),
    ['sent', 'suppressed'],
  );
});

t.test('tests are few', async (t) => {
  const app = await startApp(t);
  await setUp(app);
  await publishList(app, listYaml());
  await putDraft(app, listYaml(newVendor));
  const send = () => post(app, 'draft/test', { to: 'officer@example.org' });
  for (let n = 0; n < 20; n += 1) {
    t.equal((await send()).statusCode, 202);
    app.clock.advance({ minutes: 1 });
  }
  const refused = await send();
  t.equal(refused.statusCode, 429);
  t.equal(refused.headers['retry-after'], String(40 * 60), 'when the first is an hour old');
  app.clock.advance({ minutes: 41 });
  t.equal((await send()).statusCode, 202);
});

t.test('in the console a test goes to oneself, from the page that one is on', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml());
  await subscribeAndConfirm(app, 'anna@example.org');
  const officer = await setUp(app);
  await officer.submit(await officer.get('/admin/draft/text'), '/admin/draft/text', { source: listYaml(newVendor) });
  const review = await officer.get('/admin/review');
  const sent = await officer.submit(review, '/admin/publish/test', { locale: 'de' });
  t.match(textOf((await officer.follow(sent)).body), /A test is on its way to you\./);
  t.match(String(sent.headers.location), /\/admin\/review\?tested=sent$/);

  const form = await officer.get('/admin/publish');
  t.match(textOf(form.body), /One person gets the notice\./);
  t.match(textOf(form.body), /officer@example\.org/);
  t.match(form.body, /href="\/admin\/deliverability"/);
  const plan = await officer.submit(form, '/admin/publish/check', {
    message: 'With this message',
    effectiveAt: '2027-04-01',
  });
  t.match(
    textOf(plan.body),
    /Who will be told One person gets the notice\..*Publish version 2 now/,
    'before the button',
  );
  const again = await officer.submit(plan, '/admin/publish/test', { locale: 'en' });
  t.equal(again.statusCode, 200);
  t.match(textOf(again.body), /A test is on its way to you\./);
  t.match(textOf(again.body), /With this message/, 'the page is as it was');
  t.match(textOf(again.body), /1 April 2027/);
  await app.settle();
  const mails = await Promise.all(app.relay.mailTo('officer@example.org').map((mail) => mail.parse()));
  t.equal(mails.length, 2);
  t.match(mails[0]?.subject, /^\[Test\]/);
  t.match(mails[1]?.text, /With this message/);
  t.match(mails[1]?.text, /1 April 2027/);
  const published = await officer.follow(await officer.submit(again, '/admin/publish'));
  t.match(textOf(published.body), /Version 2 is published/);

  const viewer = await signInAs(app, 'viewer');
  t.notMatch((await viewer.get('/admin/review')).body, 'publish/test');
});
