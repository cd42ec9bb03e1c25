import t from 'tap';
import { ensureSetupLink } from '../../src/admins/setup.js';
import { linkTo, listYaml, newVendor, publishList, statusOf, subscribeAndConfirm, textOf } from '../pages/support.js';
import { startApp } from '../support/app.js';
import { areaOf, newVisitor, password, setUp, signInAs } from './support.js';

t.test('the first admin comes in by the one-time link, and it then opens nothing', async (t) => {
  const app = await startApp(t);
  const link = new URL((await ensureSetupLink(app.deps)) ?? '').pathname;
  const visitor = newVisitor(app);
  const page = await visitor.get(link);
  t.equal(page.statusCode, 200);
  const different = await visitor.submit(page, link, { email: 'officer@example.org', password, repeat: 'other' });
  t.equal(different.statusCode, 422);
  t.match(different.body, /<a href="#repeat">/);
  t.match(different.body, /value="officer@example\.org"/);
  const weak = await visitor.submit(page, link, { email: 'officer@example.org', password: 'secret', repeat: 'secret' });
  t.equal(weak.statusCode, 422);
  t.match(weak.body, /<a href="#password">/);
  t.notMatch(weak.body, /value="secret"/);

  const done = await visitor.submit(page, link, { email: 'officer@example.org', password, repeat: password });
  t.equal(done.statusCode, 303);
  const overview = await visitor.follow(done);
  t.match(textOf(overview.body), /Signed in as officer@example\.org/);
  t.equal((await newVisitor(app).get(link)).statusCode, 410);
  t.equal((await newVisitor(app).get(`${link}x`)).statusCode, 404);

  const out = await visitor.submit(overview, '/admin/sign-out');
  t.match(textOf((await visitor.follow(out)).body), /You are signed out/);
  const away = await visitor.get('/admin/versions?x=1');
  t.equal(away.statusCode, 303);
  const form = await visitor.follow(away);
  const wrong = await visitor.submit(form, '/admin/sign-in', {
    email: 'officer@example.org',
    password: 'wrong words here',
  });
  t.equal(wrong.statusCode, 422);
  t.match(wrong.body, /value="officer@example\.org"/);
  const unknown = await visitor.submit(form, '/admin/sign-in', { email: 'nobody@example.org', password });
  t.equal(textOf(unknown.body).replace('nobody', 'officer'), textOf(wrong.body));
  const back = await visitor.submit(form, '/admin/sign-in', { email: 'officer@example.org', password });
  t.equal(back.headers.location, 'http://notices.example.org/admin/versions?x=1', 'to where one was going');
});

t.test('sign-in leads nowhere but into the console', async (t) => {
  const app = await startApp(t, { env: { ADMIN_EMAIL: 'officer@example.org', ADMIN_PASSWORD: password } });
  await setUp(app);
  for (const next of [
    'https://evil.example/',
    '//evil.example',
    '/admin\\@evil.example',
    '/subscribe',
    '/admin/../x y',
  ]) {
    const visitor = newVisitor(app);
    const page = await visitor.get(`/admin/sign-in?next=${encodeURIComponent(next)}`);
    const answer = await visitor.submit(page, '/admin/sign-in', { email: 'officer@example.org', password, next });
    t.equal(answer.headers.location, 'http://notices.example.org/admin', next);
  }
});

t.test('forms of other sites, and forms without their token, do nothing', async (t) => {
  const app = await startApp(t);
  const officer = await setUp(app);
  const page = await officer.get('/admin/draft/text');
  const fields = { source: listYaml() };
  for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }]) {
    t.equal((await officer.submit(page, '/admin/draft/text', fields, headers)).statusCode, 403);
  }
  t.equal((await officer.submit(page, '/admin/draft/text', { ...fields, _csrf: 'x' })).statusCode, 403);
  const other = await signInAs(app, 'admin');
  const theirs = await other.get('/admin/draft/text');
  t.equal((await officer.submit(theirs, '/admin/draft/text', fields)).statusCode, 403, "another session's token");
  const { rows } = await app.database.pool.query('select count(*)::integer as n from drafts');
  t.equal(rows[0]?.n, 0);
});

t.test('faults of the draft are shown at their lines, and the text is kept', async (t) => {
  const app = await startApp(t);
  const officer = await setUp(app);
  const source = listYaml()
    .replace('country: DE', 'country: Germany')
    .replace('members: [email-address]', 'membres: [email]');
  const answer = await officer.submit(await officer.get('/admin/draft/text'), '/admin/draft/text', { source });
  t.equal(answer.statusCode, 422);
  t.equal(areaOf(answer.body, 'source'), source);
  const line = source.split('\n').findIndex((text) => text.includes('Germany')) + 1;
  t.match(answer.body, new RegExp(`<a href="#line-${line}">Line ${line}</a>`));
  t.match(
    answer.body,
    new RegExp(`<tr class="at-fault" id="line-${line}"><th scope="row">${line}</th><td><code>    country: Germany`),
  );

  const broken = await officer.submit(await officer.get('/admin/draft/text'), '/admin/draft/text', {
    source: 'title: [\n',
  });
  t.equal(broken.statusCode, 422);
  t.match(broken.body, /Line \d/);
});

t.test('of two people who edit at once nobody loses a word', async (t) => {
  const app = await startApp(t);
  const anna = await setUp(app);
  const ben = await signInAs(app, 'editor');
  await anna.submit(await anna.get('/admin/draft/text'), '/admin/draft/text', { source: listYaml() });
  const [pageOfAnna, pageOfBen] = [await anna.get('/admin/draft/text'), await ben.get('/admin/draft/text')];
  const saved = await ben.submit(pageOfBen, '/admin/draft/text', { source: listYaml(newVendor) });
  t.equal(saved.statusCode, 303);
  const typed = listYaml().replace('Hosting]', 'Hosting, Backups]');
  const stale = await anna.submit(pageOfAnna, '/admin/draft/text', { source: typed });
  t.equal(stale.statusCode, 409);
  t.equal(areaOf(stale.body, 'source'), typed);
  t.equal(areaOf(stale.body, 'theirs'), listYaml(newVendor));
  t.equal(areaOf((await anna.get('/admin/draft/text')).body, 'source'), listYaml(newVendor), 'nothing was overwritten');
  const merged = await anna.submit(stale, '/admin/draft/text', {
    source: listYaml(newVendor).replace('Hosting]', 'Hosting, Backups]'),
  });
  t.equal(merged.statusCode, 303, 'now that both were seen');
});

t.test('a session that ends while somebody writes costs no text', async (t) => {
  const app = await startApp(t);
  const officer = await setUp(app);
  const page = await officer.get('/admin/draft/text');
  app.clock.advance({ days: 2 });
  const source = listYaml(newVendor);
  const kept = await officer.submit(page, '/admin/draft/text', { source });
  t.equal(kept.statusCode, 403);
  t.equal(areaOf(kept.body, 'kept-source'), source);
  await officer.submit(await officer.get('/admin/sign-in'), '/admin/sign-in', {
    email: 'officer@example.org',
    password,
  });
  const again = await officer.submit(kept, '/admin/draft/text', { source });
  t.equal(again.statusCode, 403, 'the old page belongs to no session');
  t.match(textOf(again.body), /signed in again/);
  const done = await officer.submit(again, '/admin/draft/text', { source });
  t.equal(done.statusCode, 303);
  t.equal(areaOf((await officer.get('/admin/draft/text')).body, 'source'), source);
});

t.test('a rename is offered and made by hand, with the text’s own layout kept', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml(newVendor));
  const officer = await setUp(app);
  const source = `# our notes stay\n${listYaml()}  # was Letterbird\n  - name: Letterbird Mail, Inc.\n    country: US\n    purposes: [Sending of e-mail]\n`;
  const saved = await officer.follow(
    await officer.submit(await officer.get('/admin/draft/text'), '/admin/draft/text', { source }),
  );
  t.match(textOf(saved.body), /“Letterbird, Inc\.” → “Letterbird Mail, Inc\.”/);
  const joined = await officer.follow(await officer.submit(saved, '/admin/draft/join'));
  t.match(textOf(joined.body), /Letterbird Mail, Inc\./);
  const text = areaOf((await officer.get('/admin/draft/text')).body, 'source');
  t.match(text, /# our notes stay/);
  t.match(text, /# was Letterbird/);
  t.match(text, /- id: letterbird\n {4}name: Letterbird Mail, Inc\./);
  const review = await officer.get('/admin/review');
  t.match(textOf(review.body), /1 sub-processor changed/);
  t.notMatch(textOf(joined.body), /same vendor under a new name/);
});

t.test('publishing: proposed dates, what will happen, one version for a double click', async (t) => {
  const app = await startApp(t, { env: { TIME_ZONE: 'Europe/Brussels' } });
  await publishList(app, listYaml());
  await subscribeAndConfirm(app, 'anna@example.org');
  await subscribeAndConfirm(app, 'ben@example.org');
  const officer = await setUp(app);
  t.match(textOf((await officer.get('/admin/publish')).body), /nothing to publish/);
  await officer.submit(await officer.get('/admin/draft/text'), '/admin/draft/text', { source: listYaml(newVendor) });

  const review = await officer.get('/admin/review');
  t.match(textOf(review.body), /Letterbird, Inc\./);
  t.match(review.body, /<iframe[^>]* sandbox/);
  const preview = await officer.get('/admin/draft/preview.html?mail=de');
  t.match(preview.headers['content-security-policy'], /frame-ancestors 'self'.*sandbox/);
  t.equal(preview.headers['x-frame-options'], 'SAMEORIGIN');
  t.match(preview.body, /lang="de"/);

  const form = await officer.get('/admin/publish');
  t.match(form.body, /id="effectiveAt"[^>]*value="2027-02-04"/);
  t.match(form.body, /id="objectionDeadline"[^>]*value="2027-02-03"/);
  const early = await officer.submit(form, '/admin/publish/check', {
    effectiveAt: '2027-02-01',
    message: 'A <new> vendor',
  });
  t.equal(early.statusCode, 422);
  t.match(early.body, /<a href="#effectiveAt">[^<]*4 February 2027/);
  t.equal(areaOf(early.body, 'message'), 'A <new> vendor');
  const silent = await officer.submit(form, '/admin/publish/check', { notify: 'no' });
  t.equal(silent.statusCode, 422);
  t.match(silent.body, /<a href="#reason">/);

  const check = await officer.submit(form, '/admin/publish/check', {
    effectiveAt: '2027-03-01',
    objectionDeadline: '2027-02-10',
    message: 'A <new> vendor',
  });
  t.equal(check.statusCode, 200);
  const plan = textOf(check.body);
  t.match(plan, /Publish version 2\?/);
  t.match(plan, /Takes effect 1 March 2027/);
  t.match(plan, /Objections until 10 February 2027, 24:00/);
  t.match(plan, /2 subscribers/);
  const { rows: none } = await app.database.pool.query('select count(*)::integer as n from versions');
  t.equal(none[0]?.n, 1, 'looking publishes nothing');

  const clicks = await Promise.all([1, 2, 3].map(() => officer.submit(check, '/admin/publish')));
  t.same(
    clicks.map(({ headers }) => headers.location),
    Array(3).fill('http://notices.example.org/admin/versions/2?done=notice'),
  );
  const { rows } = await app.database.pool.query('select number, message from versions order by number');
  t.same(rows[1], { number: 2, message: 'A <new> vendor' });
  t.equal(rows.length, 2);

  const [first = check] = clicks;
  const waiting = await officer.follow(first);
  const renewing = /<noscript><meta http-equiv="refresh" content="3"><\/noscript>/;
  t.match(waiting.body, renewing);
  t.match(waiting.body, /<script src="\/assets\/progress\.[0-9a-f]{12}\.js" defer>/);
  const watchedNoMore = await officer.get('/admin/versions/2?watch=off');
  t.notMatch(watchedNoMore.body, renewing);
  t.notMatch(watchedNoMore.body, '<script');
  await app.settle();
  const watched = await officer.get('/admin/versions/2?state=sent');
  t.notMatch(watched.body, renewing);
  t.match(textOf(watched.body), /anna@example\.org/);
  t.match(textOf(watched.body), /2\.0\.0 taken/);
  t.match(textOf((await officer.get('/admin/versions/2?state=bounced')).body), /No delivery in this state/);

  const unsure = await officer.submit(watched, '/admin/versions/2/withdraw', { reason: 'A mistake' });
  t.equal(unsure.statusCode, 422);
  t.equal(areaOf(unsure.body, 'reason'), 'A mistake');
  const gone = await officer.submit(watched, '/admin/versions/2/withdraw', { reason: 'A mistake', sure: 'yes' });
  t.match(textOf((await officer.follow(gone)).body), /Version 2 is withdrawn/);
  await app.settle();
  t.ok(app.relay.mailTo('anna@example.org').length > 2, 'whoever was told is told');
});

t.test('what changed after the last look is not published unseen', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml());
  const officer = await setUp(app);
  const save = async (source: string) =>
    officer.submit(await officer.get('/admin/draft/text'), '/admin/draft/text', { source });
  await save(listYaml(newVendor));
  const check = await officer.submit(await officer.get('/admin/publish'), '/admin/publish/check');
  await save(listYaml(newVendor.replace('US', 'CA')));
  const refused = await officer.submit(check, '/admin/publish');
  t.equal(refused.statusCode, 409);
  t.match(textOf(refused.body), /changed after you looked/);
  const { rows } = await app.database.pool.query('select count(*)::integer as n from versions');
  t.equal(rows[0]?.n, 1);
});

t.test('a publication can be planned and called off', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml());
  const officer = await setUp(app);
  await officer.submit(await officer.get('/admin/draft/text'), '/admin/draft/text', { source: listYaml(newVendor) });
  const form = await officer.get('/admin/publish');
  const check = await officer.submit(form, '/admin/publish/check', {
    publishAt: '2027-01-10T09:00',
    effectiveAt: '2027-03-01',
  });
  t.match(textOf(check.body), /Plan version 2\?.*10 January 2027/);
  const planned = await officer.follow(await officer.submit(check, '/admin/publish'));
  t.match(textOf(planned.body), /Version 2 will be published on 10 January 2027/);
  t.match(textOf((await officer.get('/admin/publish')).body), /planned already/);
  t.match(textOf((await officer.get('/admin')).body), /Version 2 will be published/);
  const off = await officer.follow(await officer.submit(planned, '/admin/versions/cancel-scheduled'));
  t.match(textOf(off.body), /The plan is cancelled/);
  app.clock.set('2027-01-10T09:01:00Z');
  t.equal(await app.publishDue(), 0);
});

t.test('what is small may take effect at once, yet not before what is announced', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml());
  await publishList(app, listYaml(newVendor));
  const officer = await setUp(app);
  const save = async (source: string) =>
    officer.submit(await officer.get('/admin/draft/text'), '/admin/draft/text', { source });
  await save(listYaml(newVendor).replace('Nordwind Hosting GmbH', 'Nordwind Hosting SE'));
  const form = await officer.get('/admin/publish');
  t.match(textOf(form.body), /Version 2, which is announced already, takes effect on 4 February 2027/);
  const early = await officer.submit(form, '/admin/publish/check', { effectiveAt: '2027-01-20' });
  t.equal(early.statusCode, 422);
  const check = await officer.submit(form, '/admin/publish/check');
  t.match(textOf(check.body), /Takes effect 4 February 2027/);
});

t.test('addresses that name nothing and forms without their fields are refused calmly', async (t) => {
  const app = await startApp(t);
  const officer = await setUp(app);
  for (const path of [
    'versions/99',
    'versions/x',
    'versions/1e9',
    'subscribers/0/erasure',
    'subscribers/x/erasure',
    'nothing',
  ]) {
    t.equal((await officer.get(`/admin/${path}`)).statusCode, 404, path);
  }
  const page = await officer.get('/admin/draft/text');
  t.equal((await officer.submit(page, '/admin/draft/text', { revision: 'many' })).statusCode, 400);
  for (const query of ['versions?state=x&after=-1', 'subscribers?after=x&status=y&q=%00', 'audit?after=x', '?done=x']) {
    t.equal((await officer.get(`/admin/${query}`.replace('/?', '?'))).statusCode, 200, query);
  }
});

t.test('people are added by pasting, found, erased; nobody who left comes back', async (t) => {
  const app = await startApp(t);
  await subscribeAndConfirm(app, 'left@example.org');
  await app.inject({ method: 'POST', url: await linkTo(app, 'left@example.org', 'unsubscribe') });
  const officer = await setUp(app);
  const csv =
    'email,company,status,consent\nnew@example.org,"Neu & Co",confirmed,By contract of 3 May 2026\nleft@example.org,,confirmed,Again\nnonsense,,,\n';
  const form = await officer.get('/admin/subscribers/import');
  const preview = await officer.submit(form, '/admin/subscribers/import', { csv });
  const { pathname } = new URL(String(preview.headers.location));
  const done = await officer.follow(await officer.submit(await officer.follow(preview), `${pathname}/apply`));
  t.match(textOf(done.body), /1 Added as confirmed.*1 Skipped.*1 With an error/);
  t.equal(await statusOf(app, 'left@example.org'), 'unsubscribed');

  const page = await officer.get('/admin/subscribers');
  const found = await officer.get('/admin/subscribers?q=neu');
  t.match(textOf(found.body), /new@example\.org/);
  t.notMatch(textOf(found.body), /left@example\.org/);
  const exported = await officer.submit(page, '/admin/subscribers/export');
  t.match(exported.headers['content-type'], /text\/csv/);
  t.match(exported.body, /new@example\.org/);

  const [, erasure = ''] = /href="(\/admin\/subscribers\/\d+\/erasure)"/.exec(found.body) ?? [];
  const question = await officer.get(erasure);
  t.match(textOf(question.body), /new@example\.org/);
  t.equal(await statusOf(app, 'new@example.org'), 'confirmed');
  const erased = await officer.follow(await officer.submit(question, erasure));
  t.match(textOf(erased.body), /The person is erased/);
  t.equal(await statusOf(app, 'new@example.org'), undefined);
  t.equal((await officer.get(erasure)).statusCode, 404);
});

t.test('tokens are shown once, work for their role, and end when they are revoked', async (t) => {
  const app = await startApp(t);
  const officer = await setUp(app);
  const page = await officer.get('/admin/api-tokens');
  const nameless = await officer.submit(page, '/admin/api-tokens', { name: ' ', role: 'editor', expires: '' });
  t.equal(nameless.statusCode, 422);
  t.match(nameless.body, /<a href="#name">/);
  const over = await officer.submit(page, '/admin/api-tokens', { name: 'CI', role: 'editor', expires: '2026-12-31' });
  t.match(over.body, /<a href="#expires">/);
  const made = await officer.submit(page, '/admin/api-tokens', {
    name: '<CI> & co',
    role: 'viewer',
    expires: '2027-02-01',
  });
  const [, secret = ''] = /<pre[^>]*>(sn_[\w-]+)<\/pre>/.exec(made.body) ?? [];
  const versions = () => app.inject({ url: '/api/v1/versions', headers: { authorization: `Bearer ${secret}` } });
  t.equal((await versions()).statusCode, 200);
  const list = await officer.get('/admin/api-tokens');
  t.notMatch(list.body, secret);
  t.match(list.body, /&lt;CI&gt; &amp; co/);
  const [, revoke = ''] = /action="(\/admin\/api-tokens\/\d+\/revoke)"/.exec(list.body) ?? [];
  t.match(textOf((await officer.follow(await officer.submit(list, revoke))).body), /The token is revoked/);
  t.equal((await versions()).statusCode, 401);
});

t.test('objections, the audit log and a relay that is down are there to be seen', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml());
  await subscribeAndConfirm(app, 'anna@example.org', { company: 'Example & Co' });
  await publishList(app, listYaml(newVendor));
  await app.settle();
  const objection = await linkTo(app, 'anna@example.org', 'objections');
  await app.inject({
    method: 'POST',
    url: objection,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: 'grounds=We+object',
  });
  const officer = await setUp(app);
  t.match(textOf((await officer.get('/admin')).body), /One objection waits/);
  const list = await officer.get('/admin/objections');
  t.match(textOf(list.body), /anna@example\.org \(Example & Co\).*We object/);
  const [, decide = ''] = /action="(\/admin\/objections\/\d+)"/.exec(list.body) ?? [];
  const decided = await officer.follow(await officer.submit(list, decide, { state: 'in-talks', note: 'Called' }));
  t.match(textOf(decided.body), /In talks/);
  t.notMatch(textOf((await officer.get('/admin')).body), /objection waits/);

  const audit = await officer.get('/admin/audit');
  t.match(textOf(audit.body), /version\.published/);
  t.notMatch(audit.body, /anna@example/);

  app.relay.answerWith(({ stage }) => (stage === 'mail' ? '550 5.7.1 not today' : undefined));
  await subscribeAndConfirm(app, 'waits@example.org').catch(() => undefined);
  const down = await officer.get('/admin');
  t.match(textOf(down.body), /Mail is not going out/);
  t.match(down.body, /not today/);
  app.relay.answerWith(() => undefined);
  await officer.submit(down, '/admin/relay');
  await app.settle();
  t.notMatch(textOf((await officer.get('/admin')).body), /Mail is not going out/);
  t.equal(app.relay.mailTo('waits@example.org').length, 1);
});
