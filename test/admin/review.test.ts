import t, { type Test } from 'tap';
import { addContact } from '../../src/subscribers/contact.js';
import { saveGroup } from '../../src/subscribers/groups.js';
import { listYaml, newVendor, publishList, subscribeAndConfirm, textOf } from '../pages/support.js';
import { bearer, startApp, type TestApp } from '../support/app.js';
import { areaOf, fieldsOf, setUp, signInAs } from './support.js';

t.setTimeout(170_000);

const admin = { kind: 'admin', id: 1, role: 'admin' } as const;
const severityPage = '/admin/review/severity';
const changed = listYaml(newVendor).replace('country: DE', 'country: FR');
const ofNordwind = `${severityPage}?kind=sub-processor-changed&id=nordwind`;

async function putDraft(app: TestApp, payload: string): Promise<void> {
  const headers = { ...bearer, 'content-type': 'application/yaml' };
  const answer = await app.inject({ method: 'PUT', url: '/api/v1/draft', headers, payload });
  if (answer.statusCode !== 200) throw new Error(answer.body);
}

async function open(t: Test, draft = changed, env: Record<string, string> = {}) {
  const app = await startApp(t, { env });
  await publishList(app, listYaml());
  const officer = await setUp(app);
  await putDraft(app, draft);
  return { app, officer };
}

t.test('a severity is set on a page of its own, with a reason that readers get', async (t) => {
  const { app, officer } = await open(t);
  await subscribeAndConfirm(app, 'ann@example.org');
  const review = await officer.get('/admin/review');
  t.match(textOf(review.body), /Because: location changed/i, 'the reason stands at the change');
  t.match(review.body, /href="[^"]*severity\?kind=sub-processor-added&amp;id=letterbird/);

  const added = await officer.get(`${severityPage}?kind=sub-processor-added&id=letterbird`);
  t.match(textOf(added.body), /always material: controllers must be able to object/);
  const refused = await officer.submit(added, severityPage, { severity: 'editorial', reason: 'It is small.' });
  t.equal(refused.statusCode, 422);
  t.match(refused.body, /<a href="#severity-material">This change stays material/);
  t.equal(areaOf(refused.body, 'reason'), 'It is small.');

  const form = await officer.get(ofNordwind);
  t.match(textOf(form.body), /material as the rules say/);
  const unreasoned = await officer.submit(form, severityPage, { severity: 'editorial' });
  t.match(unreasoned.body, /<a href="#reason">Say why/);
  const long = await officer.submit(form, severityPage, { severity: 'editorial', reason: 'x'.repeat(501) });
  t.match(long.body, /<a href="#reason">The reason is too long/);
  const done = await officer.submit(form, severityPage, { severity: 'editorial', reason: '<b>Same</b> site.' });
  t.equal(done.statusCode, 303);
  t.match(done.headers.location, /\/admin\/review\?done=severity&page=1#sub-processor-nordwind$/);
  const graded = await officer.follow(done);
  t.match(textOf(graded.body), /The severity is set\./);
  t.match(graded.body, /less grave than its general rule does: &lt;b&gt;Same&lt;\/b&gt; site\./);

  const late = await officer.submit(form, severityPage, { severity: 'reducing', reason: 'Mine.' });
  t.equal(late.statusCode, 409, 'who looked at it before sees what is there now');
  t.match(textOf(late.body), /Somebody else has changed/);
  t.equal(areaOf(late.body, 'reason'), 'Mine.');
  t.equal((await officer.submit(late, severityPage, { severity: 'reducing', reason: 'Mine.' })).statusCode, 303);

  await putDraft(app, changed.replace('country: FR', 'country: IN'));
  const broken = await officer.get('/admin/review');
  t.match(textOf(broken.body), /set by hand holds no more.*Nordwind Hosting GmbH/);
  t.match(textOf((await officer.get(ofNordwind)).body), /was lowered before, and says something else/);
  t.equal((await officer.get(`${severityPage}?kind=sub-processor-changed&id=nobody`)).statusCode, 404);

  await putDraft(app, changed);
  const check = await officer.submit(await officer.get('/admin/publish'), '/admin/publish/check');
  t.equal(check.statusCode, 200);
  await officer.submit(check, '/admin/publish');
  await app.settle();
  const mail = await app.relay.mailTo('ann@example.org').at(-1)?.parse();
  t.match(mail?.text, /less grave than its general rule does: Mine\./);
  t.match(mail?.html, /less grave than its general rule does: Mine\./);
  t.match(textOf((await app.inject({ url: '/compare/1...2' })).body), /less grave .*Mine\./);
  t.match(textOf((await app.inject({ url: '/versions/2' })).body), /less grave .*Mine\./);
  t.match((await app.inject({ url: '/feed.atom' })).body, /less grave .*Mine\./);
});

t.test(
  'the message is kept with the draft by its button and while somebody writes, and nothing is overwritten unseen',
  async (t) => {
    const { app, officer } = await open(t);
    const second = await signInAs(app, 'editor');
    const url = '/admin/review/message';
    const first = await officer.get('/admin/review');
    const seenBefore = await second.get('/admin/review');
    const saved = await officer.submit(first, url, { message: 'We move\r\nour hosting.' });
    t.equal(saved.statusCode, 303);
    t.equal(areaOf((await officer.follow(saved)).body, 'message'), 'We move\nour hosting.');

    const conflict = await second.submit(seenBefore, url, { message: 'Another text.' });
    t.equal(conflict.statusCode, 409);
    t.match(textOf(conflict.body), /Somebody else has written meanwhile: “We move our hosting\.”/);
    t.equal(areaOf(conflict.body, 'message'), 'Another text.', 'what was typed stays');
    const script = { accept: 'application/json' };
    const live = await second.submit(seenBefore, url, { message: 'Another text.' }, script);
    t.match(live.json(), { conflicts: [{ field: 'message', value: 'We move\nour hosting.' }] });
    const kept = await second.submit(conflict, url, { message: 'Another text.' }, script);
    t.same(kept.json(), { faults: [], conflicts: [], edit: null, base: '{"message":"Another text."}' });
    const long = await second.submit(conflict, url, { message: 'x'.repeat(10_001) }, script);
    t.match([long.statusCode, long.json()], [422, { faults: [{ field: 'message' }] }]);
    t.equal((await second.submit(conflict, url, { message: 'x'.repeat(10_001) })).statusCode, 422);

    const preview = await officer.get('/admin/draft/preview.html?mail=de');
    t.match(textOf(preview.body), /Another text\./);
    const form = await officer.get('/admin/publish');
    t.equal(areaOf(form.body, 'message'), 'Another text.', 'publishing begins with it');
    const check = await officer.submit(form, '/admin/publish/check', { message: 'Another text.' });
    const hidden = fieldsOf(check.body, '/admin/publish');
    t.match(hidden, { message: 'Another text.', reviewed: /^[0-9a-f]{16}$/ });
    await officer.submit(await officer.get('/admin/review'), url, { message: 'Changed after the check.' });
    const stale = await officer.submit(check, '/admin/publish');
    t.equal(stale.statusCode, 409, 'what was looked through is another by now');
    t.equal(areaOf(stale.body, 'message'), 'Another text.');

    await app.database.pool.query('delete from sessions');
    const ended = await officer.submit(first, url, { message: 'Typed before the end.' });
    t.equal(ended.statusCode, 403);
    t.match(ended.body, /Typed before the end\./);
  },
);

t.test('the mail is shown as each of its readers gets it, in light and dark and as text', async (t) => {
  const services = changed.replace('country: US', 'country: US\n    services: [community]');
  const { app, officer } = await open(t, services.replace('country: FR', 'country: DE'));
  await saveGroup(app.deps, { id: 'long', name: 'Sixty days', noticeDays: 60 }, admin);
  const review = await officer.get('/admin/review?mail=de&reader=group:long&appearance=dark&service=community');
  t.equal([...review.body.matchAll(/<iframe class="mail-frame[^>]*loading="lazy" sandbox/g)].length, 3);
  t.match(review.body, /<option value="group:long" selected>Contact by contract: Sixty days, 60 days of notice/);
  t.match(review.body, /<dd lang="de"><strong>1 Unterauftragsverarbeiter/, 'the subject in that language');
  const [frame = ''] = /\/admin\/draft\/preview\.html\?[^"]+/.exec(review.body) ?? [];
  const dark = await officer.get(frame.replaceAll('&amp;', '&'));
  t.match(dark.headers['content-security-policy'], /default-src 'none'.*sandbox$/);
  t.match(dark.body, /@media all/);
  t.notMatch(dark.body, /prefers-color-scheme/);
  t.match(textOf(dark.body), /Vertrag/, 'a contact by contract is told why');
  const light = await officer.get('/admin/draft/preview.html?mail=en');
  t.match(light.body, /@media not all/);
  t.match(textOf(light.body), /because you subscribed/);
  const text = await officer.get('/admin/draft/preview-text.html?mail=en&reader=contractual');
  t.match(text.body, /<pre>[\s\S]*Letterbird, Inc\./);
  t.notMatch(text.body, /because you subscribed/);
  t.match(textOf((await officer.get('/admin/review?service=surveys')).body), /alone: they get no mail/);
});

t.test('the page says when each notice group could be told, and which decides', async (t) => {
  const { app, officer } = await open(t);
  await saveGroup(app.deps, { id: 'long', name: 'Sixty days', noticeDays: 60 }, admin);
  await subscribeAndConfirm(app, 'ann@example.org');
  const contact = { email: 'legal@example.com', company: '', group: 'long', locale: 'en', entitlement: 'DPA, 7' };
  await addContact(app.deps, contact, admin, { knownServices: null });
  const page = textOf((await officer.get('/admin/review')).body);
  t.match(page, /takes effect on 6 March 2027 at the earliest/);
  t.match(page, /Sixty days 60 days 1 6 March 2027 decides Everybody else 30 days 1 4 February 2027/);
  t.match(page, /Objections are possible until the end of 3 February 2027/);
  const form = await officer.get('/admin/publish');
  t.match(form.body, /id="effectiveAt"[^>]*value="2027-03-06"/, 'as publishing proposes');
  await putDraft(app, listYaml('    notes: Behind a gate.\n'));
  t.match(textOf((await officer.get('/admin/review')).body), /Nothing material changes, so there is no notice period/);
});

t.test('what entries leave open leads to the fields, what changes first, a page at a time', async (t) => {
  const many = Array.from({ length: 120 }, (_, at) => `  - name: Vendor ${at + 1}\n    country: US\n`).join('');
  const app = await startApp(t);
  await publishList(app, listYaml(many));
  const officer = await setUp(app);
  await putDraft(
    app,
    listYaml(`${many.replace('Vendor 100\n    country: US', 'Vendor 100\n    country: IN')}${newVendor}`),
  );
  const review = await officer.get('/admin/review');
  t.match(review.body, /href="[^"]*\/admin\/draft\/entry\/sub-processor\/letterbird#transferMechanisms">/);
  t.match(textOf(review.body), /All 122 entries that leave something open/);
  const list = await officer.get('/admin/review/checklist');
  t.match(
    textOf(list.body),
    /122 of 122 entries leave something open.*Page 1 of 3.*Vendor 100 new or changed: what it is used for/s,
  );
  t.match(textOf(list.body), /Letterbird, Inc\. new or changed:.*Nordwind Hosting GmbH:/s, 'then the others');
  t.match(list.body, /sub-processor\/vendor-100#purposes">/);
  t.equal([...list.body.matchAll(/<li>/g)].length >= 50, true);
  t.notMatch(list.body, /Vendor 60\b/);
  t.match((await officer.get('/admin/review/checklist?page=2')).body, /Vendor 60\b/);

  await putDraft(app, `${listYaml(many.replaceAll('country: US', 'country: IN'))}`);
  const first = await officer.get('/admin/review');
  t.match(textOf(first.body), /Page 1 of 3/);
  t.equal([...first.body.matchAll(/<article class="change"/g)].length, 50);
  t.equal([...(await officer.get('/admin/review?page=3')).body.matchAll(/<article class="change"/g)].length, 20);
  t.match(
    (await signInAs(app, 'viewer').then((viewer) => viewer.get('/admin/review'))).body,
    /There is no message yet/,
  );
});

t.test('programs keep message and severities too', async (t) => {
  const { app } = await open(t);
  const json = { ...bearer, 'content-type': 'application/json' };
  const send = (method: 'GET' | 'PUT' | 'DELETE', url: string, payload?: object, headers = {}) =>
    app.inject({ method, url, headers: { ...(payload ? json : bearer), ...headers }, ...(payload ? { payload } : {}) });
  const url = '/api/v1/draft/gradings';
  const grading = { kind: 'sub-processor-changed', id: 'nordwind', severity: 'editorial', reason: 'Same site.' };
  const put = await send('PUT', url, { gradings: [grading] });
  t.match([put.statusCode, put.json()], [200, { gradings: [{ ...grading, from: 'material', holds: true }] }]);
  t.notMatch(put.body, /fingerprint/);
  t.match((await send('GET', '/api/v1/draft/diff')).json(), {
    changes: [{ id: 'letterbird' }, { id: 'nordwind', severity: 'editorial', grading: { reason: 'Same site.' } }],
  });
  const tooLow = { ...grading, kind: 'sub-processor-added', id: 'letterbird' };
  t.match((await send('PUT', url, { gradings: [tooLow] })).json(), {
    status: 422,
    code: 'severity.too-low',
    errors: [{ path: 'gradings.0.severity' }],
  });
  t.match((await send('PUT', url, { gradings: [{ ...grading, id: 'no' }] })).json(), { code: 'change.missing' });
  t.equal((await send('DELETE', url, undefined, { 'if-match': '"0000000000000000"' })).statusCode, 412);
  t.equal((await send('DELETE', url, undefined, { 'if-match': String(put.headers.etag) })).statusCode, 204);
  t.same((await send('GET', url)).json(), { gradings: [] });

  const message = '/api/v1/draft/message';
  const read = await send('GET', message);
  t.same(read.json(), { message: null });
  const written = await send('PUT', message, { message: 'We move.' }, { 'if-match': String(read.headers.etag) });
  t.same(written.json(), { message: 'We move.' });
  t.match((await send('PUT', message, { message: 'No.' }, { 'if-match': String(read.headers.etag) })).json(), {
    status: 412,
    code: 'draft.stale',
  });
  t.equal((await send('PUT', message, { message: 'x'.repeat(10_001) })).statusCode, 400);
  const plan = await app.inject({ method: 'POST', url: '/api/v1/versions', headers: json, payload: {} });
  t.match(plan.json(), { version: 2, message: 'We move.' });
  const openapi = (await app.inject({ url: '/openapi.json' })).json();
  t.match(Object.keys(openapi.paths[url]).sort(), ['delete', 'get', 'put']);
});
