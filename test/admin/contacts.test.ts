import t from 'tap';
import { transaction } from '../../src/database/transaction.js';
import { openTask } from '../../src/tasks/open.js';
import type { NewTask } from '../../src/tasks/task.js';
import { textOf } from '../pages/support.js';
import { startApp, type TestApp } from '../support/app.js';
import { areaOf, setUp, signInAs } from './support.js';

const contactPath = '/admin/subscribers/contact';
const groupsPath = '/admin/subscribers/groups';

function opened(app: TestApp, task: Omit<NewTask, 'at'>) {
  return transaction(app.deps.db, (tx) => openTask(tx, { ...task, at: app.clock.now() }));
}

t.test('groups are made, changed and removed, each fault at its field', async (t) => {
  const app = await startApp(t);
  const officer = await setUp(app);
  const save = async (fields: Record<string, string>) =>
    officer.submit(await officer.get(groupsPath), groupsPath, fields);
  const wrong = await save({ id: 'DPA 30', name: '', noticeDays: '' });
  t.equal(wrong.statusCode, 422);
  for (const field of ['id', 'name', 'noticeDays']) t.match(wrong.body, new RegExp(`<a href="#${field}">`));
  t.match(wrong.body, /value="DPA 30"/);

  const saved = await officer.follow(await save({ id: 'dpa-60', name: '60 days <b>', noticeDays: '60' }));
  t.match(textOf(saved.body), /The group is saved\./);
  t.match(saved.body, /60 days &lt;b&gt;/);
  const form = await officer.get(`${groupsPath}?edit=dpa-60`);
  t.match(form.body, /<input id="id"[^>]* value="dpa-60"[^>]* readonly/);
  t.match(textOf(form.body), /Change 60 days <b>|Change 60 days &lt;b&gt;/);
  await officer.submit(form, groupsPath, { id: 'dpa-60', name: 'Sixty', noticeDays: '45' });
  t.match(textOf((await officer.get(groupsPath)).body), /Sixty dpa-60 45 0/);
  const taken = await save({ id: 'dpa-60', name: 'Another', noticeDays: '10' });
  t.match([taken.statusCode, taken.body], [422, /<a href="#id">/], 'who makes a new one overwrites none');
  t.notMatch(taken.body, /readonly/, 'and can choose another name for it');
  t.match(textOf((await officer.get(groupsPath)).body), /Sixty dpa-60 45 0/);

  const page = await officer.get(groupsPath);
  const removal = `${groupsPath}/dpa-60/removal`;
  await officer.submit(await officer.get(contactPath), contactPath, {
    email: 'legal@example.org',
    company: 'Acme',
    entitlement: 'DPA',
    group: 'dpa-60',
    locale: 'en',
  });
  const refused = await officer.submit(page, removal);
  t.match([refused.statusCode, textOf(refused.body)], [422, /Somebody is in this group/]);
  t.notMatch(refused.body, /removal"/, 'it is not offered');
  await app.database.pool.query('update subscribers set notice_group = null');
  t.match(textOf((await officer.follow(await officer.submit(page, removal))).body), /The group is removed/);
  t.equal((await officer.submit(page, removal)).statusCode, 404);

  const viewer = await signInAs(app, 'viewer');
  t.notMatch((await viewer.get(groupsPath)).body, /<form class="form"/, 'whoever may only read sees no form');
});

t.test('one contact is entered by the form, shown with the contract, and found by kind and group', async (t) => {
  const app = await startApp(t);
  const officer = await setUp(app);
  await officer.submit(await officer.get(groupsPath), groupsPath, { id: 'dpa-60', name: 'Sixty', noticeDays: '60' });
  const fields = {
    email: 'Legal@Example.org',
    company: 'Acme',
    entitlement: 'DPA of 2027',
    group: 'dpa-60',
    locale: 'de',
  };
  const enter = async (more: Record<string, string> = {}) =>
    officer.submit(await officer.get(contactPath), contactPath, { ...fields, ...more });

  const wrong = await enter({ email: 'legal', entitlement: '' });
  t.equal(wrong.statusCode, 422);
  t.match(wrong.body, /<a href="#email">/);
  t.match(wrong.body, /value="legal"/);
  t.match(wrong.body, /<option value="dpa-60" selected>/, 'nothing typed is lost');
  const later = await enter({ entitlement: ' ' });
  t.match(later.body, /<a href="#entitlement">/);

  t.match(textOf((await officer.follow(await enter())).body), /The contact is entered\./);
  t.match(textOf((await officer.follow(await enter({ company: 'Acme Ltd' }))).body), /This address was here already/);
  const { rows } = await app.database.pool.query('select email, status, kind, company, locale from subscribers');
  t.same(rows, [
    { email: 'Legal@example.org', status: 'confirmed', kind: 'contractual', company: 'Acme Ltd', locale: 'de' },
  ]);
  await app.settle();
  t.equal(app.relay.received.length, 0, 'a contract needs no confirmation');

  for (const query of ['', '?kind=contractual', '?group=dpa-60', '?q=acme&status=confirmed']) {
    const page = textOf((await officer.get(`/admin/subscribers${query}`)).body);
    t.match(page, /Legal@example\.org Confirmed Acme Ltd Contractual Sixty Entitled by: DPA of 2027 German/, query);
  }
  for (const query of ['?kind=voluntary', '?group=none']) {
    t.match(textOf((await officer.get(`/admin/subscribers${query}`)).body), /Nobody matches/, query);
  }
  await enter({ group: '' });
  t.match((await app.database.pool.query('select notice_group, entitlement from subscribers')).rows, [
    { notice_group: null, entitlement: 'DPA of 2027' },
  ]);
  await app.database.pool.query(`update subscribers set status = 'unsubscribed'`);
  const left = await enter();
  t.match([left.statusCode, textOf(left.body)], [422, /Whoever has this address has left/]);
});

t.test('tasks are shown with what to do, closed with a note, and counted in the navigation', async (t) => {
  const app = await startApp(t);
  const officer = await setUp(app);
  t.match(textOf((await officer.get('/admin/tasks')).body), /Nothing waits for you\./);
  const fields = { email: 'legal@example.org', company: '<i>Acme</i>', entitlement: 'DPA', group: '', locale: 'en' };
  await officer.submit(await officer.get(contactPath), contactPath, fields);
  await opened(app, { kind: 'bounced-contact', subscriberId: 1, subject: 'subscriber 1' });
  await opened(app, { kind: 'publication-held', subscriberId: null, subject: 'version 4' });
  await opened(app, {
    kind: 'objection',
    subscriberId: null,
    subject: 'objection 9',
    detail: { version: 3, late: true },
  });
  for (const kind of ['relay-down', 'bounce-mailbox-down', 'contact-left', 'complaint-of-contact'] as const) {
    await opened(app, { kind, subscriberId: null, subject: kind });
  }

  const page = await officer.get('/admin/tasks');
  const text = textOf(page.body);
  t.match(page.body, /&lt;i&gt;Acme&lt;\/i&gt; \(legal@example\.org\) cannot be reached: mail came back/);
  t.match(text, /The planned publication of version 4 is held/);
  t.match(text, /Somebody who was erased objects to version 3|somebody who was erased objects to version 3/);
  t.match(page.body, /href="\/admin\/subscribers\?q=legal%40example\.org"/);
  t.match(text, /Tasks \(7\)/);
  t.match(textOf((await officer.get('/admin')).body), /7 tasks wait for somebody\. See the tasks/);
  t.match(textOf((await officer.get('/admin/tasks?lang=de')).body), /ist nicht erreichbar: E-Mail kam zurück/);

  const long = await officer.submit(page, '/admin/tasks/1', { note: 'x'.repeat(2_001) });
  t.equal(long.statusCode, 422);
  t.match(long.body, /<a href="#note-1">/);
  t.match(long.body, /x{2001}/, 'what was typed is kept');
  const done = await officer.submit(page, '/admin/tasks/1', { note: 'Asked <Acme>.' });
  const after = textOf((await officer.follow(done)).body);
  t.match(after, /The task is done\./);
  t.match(after, /Tasks \(6\)/);
  const closed = await officer.get('/admin/tasks?show=done');
  t.match(textOf(closed.body), /Done on .* by administrator 1/);
  t.match(closed.body, /Asked &lt;Acme&gt;\./);

  const viewer = await signInAs(app, 'viewer');
  const read = await viewer.get('/admin/tasks');
  t.match(textOf(read.body), /Your role lets you read the tasks/);
  t.notMatch(read.body, /action="\/admin\/tasks\/\d/);
  t.notMatch(read.body, /subscribers\/contact/, 'nor is offered what the role does not allow');
  const editor = await signInAs(app, 'editor');
  t.equal((await editor.submit(await editor.get('/admin/tasks'), '/admin/tasks/2', { note: '' })).statusCode, 303);
});

t.test('what was typed into the form of a contact outlives the session', async (t) => {
  const app = await startApp(t);
  const officer = await setUp(app);
  const page = await officer.get(contactPath);
  app.clock.advance({ days: 2 });
  const answer = await officer.submit(page, contactPath, { email: 'a@example.org', entitlement: 'DPA, section 7' });
  t.equal(answer.statusCode, 403);
  t.equal(areaOf(answer.body, 'kept-entitlement'), 'DPA, section 7');
  t.match(textOf(answer.body), /Entitled by/);
});
