import t, { type Test } from 'tap';
import { changeRole, disableAccount } from '../../src/admins/accounts.js';
import { deviceOf } from '../../src/admins/device.js';
import { signInByIdentity } from '../../src/admins/oidc.js';
import { openSecret, sealSecret } from '../../src/admins/sealed-secret.js';
import { runCommandLine } from '../../src/cli/run.js';
import { listYaml, textOf } from '../pages/support.js';
import { startApp, type TestApp } from '../support/app.js';
import { codeOf, codesOf, enrolAt, secretOf, signInAt } from './accounts.js';
import { addAdmin, areaOf, letIn, newVisitor, password } from './support.js';

const factorPath = '/admin/account/second-factor';
const codePath = '/admin/sign-in/code';

/** Every row of every table, and the log, as text: what must not be in it is not there. */
async function everythingKept(app: TestApp): Promise<string> {
  const { rows: tables } = await app.database.pool.query<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = 'public'`,
  );
  const contents = await Promise.all(
    tables.map(async ({ name }) => {
      const { rows } = await app.database.pool.query(`select to_jsonb(x)::text as row from "${name}" x`);
      return rows.map(({ row }) => row).join('\n');
    }),
  );
  return [...contents, ...app.log].join('\n');
}

async function audited(app: TestApp, action: string) {
  const { rows } = await app.database.pool.query(
    'select actor, subject, detail from audit_log where action = $1 order by id',
    [action],
  );
  return rows;
}

/** The subjects of the mails to an address. */
async function subjectsTo(app: TestApp, email: string): Promise<string[]> {
  await app.send();
  const mails = await Promise.all(app.relay.mailTo(email).map((mail) => mail.parse()));
  return mails.map(({ subject = '' }) => subject);
}

/** The link of the last mail to an address, as a path. */
async function linkTo(app: TestApp, email: string): Promise<string> {
  await app.send();
  const links = await Promise.all(app.relay.mailTo(email).map((mail) => mail.links()));
  const link = links.flat().findLast((one) => /\/admin\/(?:invitation|reset)\//.test(one));
  if (link === undefined) throw new Error(`no link to ${email}`);
  return new URL(link).pathname;
}

t.test('a second factor’s codes are good once, and its secret is nowhere in clear', async (t) => {
  const app = await startApp(t);
  const { clock } = app;
  const anna = await addAdmin(app, 'anna@example.org', 'admin');
  const visitor = await letIn(app, anna);
  const elsewhere = await letIn(app, anna);
  const page = await visitor.get(factorPath);
  const secret = secretOf(page.body);
  t.match(page.body, /<svg class="qr" role="img" aria-label="QR code[^>]*viewBox="0 0 \d+ \d+"[^>]*><rect/);
  t.notMatch(page.body, /style=/);
  t.equal(secretOf((await visitor.get(factorPath)).body), secret, 'loaded again, it is the same');
  t.not(secretOf((await elsewhere.get(factorPath)).body), secret, 'another session is offered another one');
  const refused = await visitor.submit(page, factorPath, { code: '000000' });
  t.equal(refused.statusCode, 422);
  t.equal(secretOf(refused.body), secret);

  const code = codeOf(app, secret);
  const done = await visitor.submit(page, factorPath, { code: `${code.slice(0, 3)} ${code.slice(3)}` });
  t.equal(done.statusCode, 200);
  const codes = codesOf(done.body);
  t.equal(new Set(codes).size, 10);
  t.equal((await elsewhere.get('/admin')).statusCode, 303, 'who came in by the password alone is out');
  const file = await visitor.submit(done, '/admin/account/recovery-codes.txt');
  t.match(file.headers['content-disposition'], /attachment; filename="recovery-codes\.txt"/);
  for (const one of codes) t.ok(file.body.includes(one));
  const made = await visitor.submit(done, '/admin/account/recovery-codes.txt', { codes: 'of somebody else' });
  t.equal(made.statusCode, 422);

  const back = newVisitor(app);
  const first = await signInAt(back, anna.email, { next: '/admin/audit' });
  t.match(first.headers.location, /\/admin\/sign-in\/code\?next=%2Fadmin%2Faudit/);
  t.notOk(back.cookies.has('subnotice-session'), 'the password alone opens nothing');
  const asked = await back.follow(first);
  t.equal((await back.submit(asked, codePath, { code })).statusCode, 422, 'the code of the set-up is used');
  clock.advance({ seconds: 30 });
  t.equal((await back.submit(asked, codePath, { code: codeOf(app, secret, 2) })).statusCode, 422, 'two steps early');
  const next = codeOf(app, secret, 1);
  const entered = await back.submit(asked, codePath, { code: next });
  t.match(entered.headers.location, /\/admin\/audit$/, 'one step early');
  t.equal((await back.get('/admin/audit')).statusCode, 200);

  const third = newVisitor(app);
  const asks = await third.follow(await signInAt(third, anna.email));
  clock.advance({ seconds: 30 });
  t.equal((await third.submit(asks, codePath, { code: next })).statusCode, 422, 'nobody uses it again');
  clock.advance({ seconds: 60 });
  t.equal((await third.submit(asks, codePath, { code: codeOf(app, secret, -1) })).statusCode, 303, 'one step late');

  const recovery = (codes[3] ?? '').toUpperCase().replaceAll('-', ' ').replaceAll('0', 'O').replaceAll('1', 'I');
  const lost = newVisitor(app);
  const stands = await lost.follow(await signInAt(lost, anna.email, { next: '/admin/tasks' }));
  t.match(stands.body, /sign-in\/code\?next=%2Fadmin%2Ftasks&amp;by=recovery/);
  const both = await Promise.all([
    lost.submit(stands, codePath, { code: recovery, by: 'recovery' }),
    lost.submit(stands, codePath, { code: recovery, by: 'recovery' }),
  ]);
  t.same(both.map(({ statusCode }) => statusCode).sort(), [303, 422], 'of two at once one comes in');
  const told = await lost.follow(both.find(({ statusCode }) => statusCode === 303) ?? both[0]);
  t.match(textOf(told.body), /You came in with a recovery code.*9 recovery codes are left/);
  t.match(told.body, /href="\/admin\/tasks"/, 'and the way on');
  t.match((await audited(app, 'admin.signed-in')).at(-1), { detail: { how: 'recovery-code', codesLeft: 9 } });
  t.match(await audited(app, 'admin.code-refused'), [
    { actor: { kind: 'visitor' }, subject: `admin ${anna.id}` },
    {},
    {},
    {},
  ]);

  t.same(await subjectsTo(app, anna.email), [
    'A second factor was set up (Example Company)',
    'One of your recovery codes was used (Example Company)',
  ]);
  const kept = await everythingKept(app);
  const bytes = Buffer.from(secretBytes(secret));
  for (const form of [secret, secret.replaceAll(' ', ''), bytes.toString('hex'), bytes.toString('base64'), ...codes]) {
    t.notOk(kept.includes(form), 'in no table and no line of the log');
  }
  for (const path of ['/admin/account', factorPath, '/admin/audit', `/admin/admins/${anna.id}`]) {
    t.notOk((await lost.get(path)).body.includes(secret), path);
  }

  // Switched off only by whoever shows once more who they are; the old codes are worth nothing then.
  const stays = await lost.get(factorPath);
  t.equal((await lost.submit(stays, `${factorPath}/removal`, { proofPassword: 'not it at all' })).statusCode, 422);
  const renewed = await lost.submit(stays, '/admin/account/recovery-codes', { proofPassword: password });
  t.equal(codesOf(renewed.body).length, 10);
  const old = { proofPassword: codes[5] ?? '' };
  t.equal((await lost.submit(stays, `${factorPath}/removal`, old)).statusCode, 422, 'an earlier code');
  const fresh = { proofPassword: codesOf(renewed.body)[0] ?? '' };
  t.equal((await lost.submit(stays, `${factorPath}/removal`, fresh)).statusCode, 303);
  t.not(secretOf((await lost.get(factorPath)).body), secret, 'the next one has another secret');
  t.match(await audited(app, 'admin.second-factor-ended'), [{ detail: { before: 'second factor', after: 'none' } }]);
});

function secretBytes(base32: string): number[] {
  const bits = [...base32.replaceAll(' ', '')]
    .map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'))
    .join('');
  return (bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2));
}

t.test('wrong codes get slow where they come from, and hold up nobody elsewhere', async (t) => {
  const app = await startApp(t, { env: { TRUST_PROXY: '127.0.0.1' } });
  const anna = await addAdmin(app, 'anna@example.org', 'admin');
  const { secret } = await enrolAt(app, await letIn(app, anna));
  app.clock.advance({ minutes: 5 });
  const thief = newVisitor(app);
  const from = '198.51.100.66';
  const page = await thief.follow(await signInAt(thief, anna.email, { from }));
  const guess = (code: string) => thief.submit(page, codePath, { code }, { 'x-forwarded-for': from });
  const answers = [];
  for (let tries = 0; tries < 7; tries += 1) answers.push((await guess('000000')).statusCode);
  t.same(answers, [422, 422, 422, 422, 422, 429, 429]);
  const held = await guess(codeOf(app, secret));
  t.equal(held.statusCode, 429, 'not even the right one is told apart');
  t.ok(Number(held.headers['retry-after']) > 0);
  const again = newVisitor(app);
  t.equal((await signInAt(again, anna.email, { from })).statusCode, 429, 'the password is no way around');

  const owner = newVisitor(app);
  const asked = await owner.follow(await signInAt(owner, anna.email, { from: '203.0.113.4' }));
  const entered = await owner.submit(
    asked,
    codePath,
    { code: codeOf(app, secret) },
    { 'x-forwarded-for': '203.0.113.4' },
  );
  t.equal(entered.statusCode, 303, 'the owner comes in from elsewhere');
  t.same(
    (await subjectsTo(app, anna.email)).filter((subject) => subject.startsWith('Somebody seems to know')),
    ['Somebody seems to know your password (Example Company)'],
    'the owner is told, once',
  );
  t.match(app.log.join('\n'), /"code":"code\.wrong".*"from":"198\.51\.100\.0\/24"/);
});

t.test('where everybody needs a second factor it comes first, and nothing typed is lost', async (t) => {
  const app = await startApp(t, { env: { SECOND_FACTOR: 'required' }, smtp: 'mailbox' });
  const anna = await addAdmin(app, 'anna@example.org', 'admin');
  const visitor = await letIn(app, anna);
  const sent = await visitor.get('/admin/draft/text');
  t.match(sent.headers.location, /\/admin\/account\/second-factor\?next=%2Fadmin%2Fdraft%2Ftext$/);
  t.equal((await visitor.get('/admin/api-tokens')).statusCode, 303);
  t.match((await visitor.get('/dev/mailbox')).headers.location, /second-factor/);
  const page = await visitor.follow(sent);
  t.notMatch(page.body, /<nav class="site-nav"/, 'no way to anywhere else');

  // A form that was open when the setting came.
  const typed = `${listYaml()}# typed by hand\n`;
  const form = { ...fieldsOfAny(page.body), source: typed, revision: '' };
  const kept = await visitor.submit(page, factorPath, {}).then(() =>
    app.inject({
      method: 'POST',
      url: '/admin/draft/text',
      headers: { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' },
      cookies: Object.fromEntries(visitor.cookies),
      payload: new URLSearchParams(form).toString(),
    }),
  );
  t.equal(kept.statusCode, 403);
  t.equal(areaOf(kept.body, 'kept-source'), typed);
  t.match(kept.body, /href="\/admin\/account\/second-factor"/);

  const { secret } = await enrolAt(app, visitor);
  t.equal((await visitor.submit(kept, '/admin/draft/text', { source: typed })).statusCode, 303, 'sent once more');
  t.match((await visitor.get('/admin/draft/text')).body, /# typed by hand/);

  // The session ends; the way back in is password and code, in another tab.
  const open = await visitor.get('/admin/draft/text');
  const more = `${typed}# and more\n`;
  await app.database.pool.query('delete from sessions');
  const ended = await visitor.submit(open, '/admin/draft/text', { source: more });
  t.equal(ended.statusCode, 403);
  app.clock.advance({ minutes: 1 });
  const asked = await visitor.follow(await signInAt(visitor, anna.email));
  t.equal((await visitor.submit(asked, codePath, { code: codeOf(app, secret) })).statusCode, 303);
  const again = await visitor.submit(ended, '/admin/draft/text', { source: more });
  t.equal(again.statusCode, 403, 'the old page belongs to no session');
  t.equal(areaOf(again.body, 'kept-source'), more);
  t.equal((await visitor.submit(again, '/admin/draft/text', { source: more })).statusCode, 303);
  t.match((await visitor.get('/admin/draft/text')).body, /# and more/);

  const bob = await addAdmin(app, 'bob@example.org', 'viewer');
  t.equal((await (await letIn(app, bob, 'oidc')).get('/admin')).statusCode, 200, 'at a provider it is their business');
  await disableAccount(app.deps, { id: bob.id }, anna.actor);
  const person = { issuer: 'https://login.example.org', subject: 'bob', email: bob.email, emailVerified: true };
  const disabled = signInByIdentity(app.deps, person, { ip: '192.0.2.1', newRole: 'admin' });
  await t.rejects(disabled, { code: 'account.disabled' }, 'nor is a disabled account let in there');
});

function fieldsOfAny(html: string): Record<string, string> {
  return { _csrf: /name="_csrf" value="([^"]+)"/.exec(html)?.[1] ?? '' };
}

t.test('an invitation makes one account, once, within three days, unless it is taken back', async (t) => {
  const app = await startApp(t);
  const anna = await letIn(app, await addAdmin(app, 'anna@example.org', 'admin'));
  const page = await anna.get('/admin/admins');
  const invite = (email: string, role = 'editor', locale = 'en') =>
    anna.submit(page, '/admin/admins/invitations', { email, role, locale });
  t.equal((await invite('no address')).statusCode, 422);
  const known = await invite('Anna@example.org');
  t.equal(known.statusCode, 409);
  t.match(textOf(known.body), /This address has an account already/);
  t.match(known.body, /value="Anna@example\.org"/, 'what was typed is kept');

  t.equal((await invite('bob@example.org', 'publisher', 'de')).statusCode, 303);
  const link = await linkTo(app, 'bob@example.org');
  const mail = await app.relay.mailTo('bob@example.org')[0]?.parse();
  t.match(mail?.text, /Ihre Rolle: Veröffentlichen/);
  t.match(mail?.text, /72 Stunden/);
  const bob = newVisitor(app);
  for (let times = 0; times < 2; times += 1) t.equal((await bob.get(link)).statusCode, 200, 'opening changes nothing');
  const form = await bob.get(link);
  t.equal((await bob.submit(form, link, { password: 'password1234', repeat: 'password1234' })).statusCode, 422);
  const fields = { password, repeat: password };
  const answers = await Promise.all([bob.submit(form, link, fields), newVisitor(app).submit(form, link, fields)]);
  t.same(answers.map(({ statusCode }) => statusCode).filter((code) => code === 303).length, 1);
  t.match((await bob.get('/admin/account')).body, /Publisher/);
  t.equal((await bob.get('/admin/admins')).statusCode, 403);
  t.equal((await bob.get(link)).statusCode, 410, 'used');

  await invite('cat@example.org');
  const first = await linkTo(app, 'cat@example.org');
  const list = await anna.get('/admin/admins');
  const again = /\/admin\/admins\/invitations\/\d+\/again/.exec(list.body)?.[0] ?? '';
  t.equal((await anna.submit(list, again)).statusCode, 303);
  const second = await linkTo(app, 'cat@example.org');
  t.equal((await bob.get(first)).statusCode, 410, 'replaced');
  t.equal((await anna.submit(list, again)).statusCode, 409, 'that one no longer waits');
  app.clock.advance({ hours: 71 });
  t.equal((await bob.get(second)).statusCode, 200);
  app.clock.advance({ hours: 2 });
  t.equal((await bob.get(second)).statusCode, 410, 'expired');
  const late = await letIn(app, { id: 1, email: '', actor: { kind: 'admin', id: 1, role: 'admin' } });
  const shown = await late.get('/admin/admins');
  t.match(textOf(shown.body), /Expired/);

  await late.submit(shown, '/admin/admins/invitations', { email: 'dan@example.org', role: 'viewer', locale: 'en' });
  const third = await linkTo(app, 'dan@example.org');
  const waits = await late.get('/admin/admins');
  const revoke = [...waits.body.matchAll(/\/admin\/admins\/invitations\/\d+\/revocation/g)].at(-1)?.[0] ?? '';
  t.equal((await late.submit(waits, revoke)).statusCode, 303);
  t.equal((await bob.get(third)).statusCode, 410, 'taken back');
  t.equal((await bob.get('/admin/invitation/guess')).statusCode, 404);

  const kept = await everythingKept(app);
  for (const one of [link, first, second, third])
    t.notOk(kept.includes(one.split('/').at(-1) ?? ''), 'no token is kept');
  const log = JSON.stringify([await audited(app, 'admin.invited'), await audited(app, 'admin.created')]);
  t.notMatch(log, /@/, 'and no address is in the audit log');
  t.match(await audited(app, 'admin.created'), [{ detail: { how: 'invitation', role: 'publisher' } }]);
});

t.test('a forgotten password: one answer for everybody, and the second factor stays', async (t) => {
  const app = await startApp(t);
  const anna = await addAdmin(app, 'anna@example.org', 'admin');
  const old = await letIn(app, anna);
  const { secret } = await enrolAt(app, old);
  const stranger = newVisitor(app);
  const page = await stranger.get('/admin/forgotten');
  const ask = (email: string) => stranger.submit(page, '/admin/forgotten', { email });
  const answers = [await ask('anna@example.org'), await ask('nobody@example.org'), await ask('no address')];
  t.equal(new Set(answers.map(({ statusCode, body }) => `${statusCode} ${body}`)).size, 1);
  const link = await linkTo(app, 'anna@example.org');
  const letters = async () =>
    (await subjectsTo(app, anna.email)).filter((subject) => subject.startsWith('A new password'));
  t.equal((await letters()).length, 1);
  t.ok(
    app.relay.received.every(({ to }) => to.join() === anna.email),
    'nobody else gets a mail',
  );
  for (let times = 0; times < 5; times += 1) await ask('anna@example.org');
  t.equal((await letters()).length, 3, 'and she at most three an hour');
  t.equal((await old.get('/admin')).statusCode, 200, 'asking changes nothing');

  const fresh = 'another four quiet words';
  const form = await stranger.get(link);
  t.equal((await stranger.submit(form, link, { password: fresh, repeat: `${fresh}!` })).statusCode, 422);
  const set = await stranger.submit(form, link, { password: fresh, repeat: fresh });
  t.match(set.headers.location, /\/admin\/sign-in\?why=new-password$/);
  t.equal((await stranger.get(link)).statusCode, 410);
  t.equal((await old.get('/admin')).statusCode, 303, 'every session has ended');
  t.equal((await signInAt(newVisitor(app), anna.email)).statusCode, 422, 'the old password opens nothing');
  const start = await stranger.get('/admin/sign-in');
  const half = await stranger.submit(start, '/admin/sign-in', { email: anna.email, password: fresh });
  app.clock.advance({ minutes: 1 });
  const entered = await stranger.submit(await stranger.follow(half), codePath, { code: codeOf(app, secret) });
  t.equal(entered.statusCode, 303);

  app.clock.advance({ hours: 2 });
  await ask('anna@example.org');
  const later = await linkTo(app, 'anna@example.org');
  app.clock.advance({ minutes: 11 });
  t.equal((await stranger.get(later)).statusCode, 410, 'after ten minutes it is over');
  await app.database.pool.query('update admins set has_password = false');
  app.clock.advance({ hours: 2 });
  const before = (await letters()).length;
  await ask('anna@example.org');
  t.equal((await letters()).length, before, 'who signs in at a provider gets no way around it');
});

t.test('roles are given and accounts ended so that somebody who manages them is always left', async (t) => {
  const app = await startApp(t);
  const { deps } = app;
  const anna = await addAdmin(app, 'anna@example.org', 'admin');
  const bob = await addAdmin(app, 'bob@example.org', 'admin');
  const race = await Promise.allSettled([
    changeRole(deps, { id: bob.id, role: 'viewer' }, anna.actor),
    changeRole(deps, { id: anna.id, role: 'viewer' }, bob.actor),
    disableAccount(deps, { id: anna.id }, bob.actor),
    disableAccount(deps, { id: bob.id }, anna.actor),
  ]);
  const { rows } = await app.database.pool.query(
    `select count(*)::integer as n from admins where role = 'admin' and disabled_at is null`,
  );
  t.same(rows, [{ n: 1 }], race.map(({ status }) => status).join());
  await app.database.pool.query(`update admins set role = 'admin', disabled_at = null`);

  const officer = await letIn(app, anna);
  const his = await letIn(app, bob);
  const at = (id: number, name: string) => `/admin/admins/${id}/${name}`;
  const page = await officer.get(`/admin/admins/${bob.id}`);
  t.equal((await officer.submit(page, at(bob.id, 'role'), { role: 'editor' })).statusCode, 303);
  t.equal((await his.get('/admin')).statusCode, 303, 'with another role one signs in anew');
  const changed = (await audited(app, 'admin.role-changed')).at(-1);
  t.match(changed, { subject: `admin ${bob.id}`, detail: { before: 'admin', after: 'editor' } });

  const own = await officer.get(`/admin/admins/${anna.id}`);
  const accident = await officer.submit(own, at(anna.id, 'role'), { role: 'viewer' });
  t.equal(accident.statusCode, 422, 'not by accident');
  t.match(accident.body, /<a href="#role-sure">/);
  for (const [name, fields] of [
    ['role', { role: 'viewer', sure: 'yes' }],
    ['disabling', { sure: 'yes' }],
    ['removal', { sure: 'yes' }],
  ] as const) {
    const last = await officer.submit(own, at(anna.id, name), fields);
    t.equal(last.statusCode, 409, name);
    t.match(textOf(last.body), /Nobody could manage accounts then/);
  }

  t.equal((await officer.submit(own, at(anna.id, 'sessions-end'))).statusCode, 303);
  await enrolAt(app, officer);
  const mine = { _csrf: fieldsOfAny((await officer.get(`/admin/admins/${anna.id}`)).body)._csrf ?? '' };
  const way = await officer.submit(own, at(anna.id, 'role'), { ...mine, role: 'admin', sure: 'yes' });
  t.equal(way.statusCode, 303, 'the role that one has already');
  const around = await app.inject({
    method: 'POST',
    url: at(anna.id, 'second-factor-reset'),
    headers: { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' },
    cookies: Object.fromEntries(officer.cookies),
    payload: new URLSearchParams(mine).toString(),
  });
  t.equal(around.statusCode, 409, 'no way around the question for the password');

  const again = await letIn(app, bob);
  t.equal((await officer.submit(page, at(bob.id, 'disabling'))).statusCode, 303);
  t.equal((await again.get('/admin')).statusCode, 303, 'a disabled account is out at once');
  const known = await signInAt(newVisitor(app), bob.email);
  t.equal(known.statusCode, 422);
  t.match(textOf(known.body), /Address and password do not belong together/, 'in the words for everybody');
  t.equal((await officer.submit(await officer.get(`/admin/admins/${bob.id}`), at(bob.id, 'enabling'))).statusCode, 303);

  const back = await letIn(app, bob);
  await enrolAt(app, back);
  const factored = await officer.get(`/admin/admins/${bob.id}`);
  t.equal((await officer.submit(factored, at(bob.id, 'second-factor-reset'))).statusCode, 303);
  t.equal((await back.get('/admin')).statusCode, 303, 'whoever has the device is out');
  t.equal((await officer.submit(factored, at(bob.id, 'second-factor-reset'))).statusCode, 409, 'once');

  t.equal((await officer.submit(factored, at(bob.id, 'reset-link'))).statusCode, 303);
  t.match(await linkTo(app, bob.email), /^\/admin\/reset\/[\w-]{43}$/);
  t.equal((await officer.submit(factored, at(bob.id, 'removal'))).statusCode, 422, 'asks first');
  t.equal((await officer.submit(factored, at(bob.id, 'removal'), { sure: 'yes' })).statusCode, 303);
  t.equal((await officer.get(`/admin/admins/${bob.id}`)).statusCode, 404);
  t.match(await audited(app, 'admin.removed'), [{ detail: { before: 'editor', after: 'none' } }]);
});

t.test('one’s own sessions are told apart and ended, and a new password ends the others', async (t) => {
  const app = await startApp(t);
  const anna = await addAdmin(app, 'anna@example.org', 'viewer');
  const agent =
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0';
  const phone = newVisitor(app);
  const start = await phone.get('/admin/sign-in');
  const fields = { email: anna.email, password };
  await phone.submit(start, '/admin/sign-in', fields, { 'user-agent': agent });
  const [desk, third] = [await letIn(app, anna), await letIn(app, anna)];
  const page = await desk.get('/admin/account');
  t.match(textOf(page.body), /Edge on Windows/);
  t.match(page.body, /127\.0\.0\.0\/24/, 'the network is shortened');
  t.equal(page.body.match(/This one/g)?.length, 1);
  t.equal(page.body.match(/\/sessions\/\d+\/end"/g)?.length, 2, 'the present one is left to the sign-out');
  const { rows } = await app.database.pool.query('select browser, system from sessions where browser is not null');
  t.same(rows, [{ browser: 'Edge', system: 'Windows' }], 'no more of the browser is kept');
  const end = [...page.body.matchAll(/\/admin\/account\/sessions\/\d+\/end/g)].map(([path]) => path);
  for (const path of end.slice(0, 1)) t.equal((await desk.submit(page, path)).statusCode, 303);
  t.equal((await desk.submit(page, end[0] ?? '')).statusCode, 303, 'ended twice is ended');
  const open = [(await phone.get('/admin')).statusCode, (await third.get('/admin')).statusCode].sort();
  t.same(open, [200, 303]);
  const stranger = await letIn(app, await addAdmin(app, 'eve@example.org', 'viewer'));
  t.equal((await stranger.submit(await stranger.get('/admin/account'), '/admin/account/password', {})).statusCode, 422);
  const ids = await app.database.pool.query('select id from sessions where admin_id = $1', [anna.id]);
  for (const { id } of ids.rows) {
    const theirs = { _csrf: fieldsOfAny((await stranger.get('/admin/account')).body)._csrf ?? '' };
    await app.inject({
      method: 'POST',
      url: `/admin/account/sessions/${id}/end`,
      headers: { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' },
      cookies: Object.fromEntries(stranger.cookies),
      payload: new URLSearchParams(theirs).toString(),
    });
  }
  t.equal((await desk.get('/admin')).statusCode, 200, 'nobody ends the sessions of others');

  const fresh = 'another four quiet words';
  const change = (current: string, next: string, repeat = next) =>
    desk.submit(page, '/admin/account/password', { currentPassword: current, password: next, repeat });
  t.match((await change('not the one at all', fresh)).body, /<a href="#currentPassword">/);
  t.match((await change(password, 'password1234')).body, /<a href="#password">/);
  t.match((await change(password, fresh, `${fresh}!`)).body, /<a href="#repeat">/);
  t.equal((await change(password, fresh)).statusCode, 303);
  t.equal((await desk.get('/admin')).statusCode, 200);
  t.same([(await phone.get('/admin')).statusCode, (await third.get('/admin')).statusCode], [303, 303]);
  t.match(await audited(app, 'admin.password-changed'), [{ detail: { sessionsEnded: 1 } }]);

  app.clock.advance({ hours: 1 });
  const late = await desk.get(factorPath);
  t.match(late.body, /id="currentPassword"/, 'a session of an hour ago shows once more who it is');
  const code = codeOf(app, secretOf(late.body));
  t.equal((await desk.submit(late, factorPath, { code, currentPassword: 'not it' })).statusCode, 422);
  t.equal(codesOf((await desk.submit(late, factorPath, { code, currentPassword: fresh })).body).length, 10);
});

t.test('the operator lists, invites, disables and resets from the command line', async (t) => {
  const app = await startApp(t);
  const anna = await addAdmin(app, 'anna@example.org', 'admin');
  const bob = await addAdmin(app, 'bob@example.org', 'editor');
  await enrolAt(app, await letIn(app, bob));
  const run = async (...words: string[]) => {
    const said: string[] = [];
    const code = await runCommandLine(words, {
      config: () => app.deps.config,
      say: (line) => void said.push(line),
      complain: (line) => void said.push(line),
      stay: async () => undefined,
    });
    return { code, said: said.join('\n') };
  };
  t.match(await run('admin', 'invite', 'cat@example.org', '--role', 'viewer', '--locale', 'de'), { code: 0 });
  t.match(await run('admin', 'invite', 'cat@example.org'), { code: 2, said: /--role/ });
  t.match(await run('admin', 'invite', bob.email, '--role', 'viewer'), { code: 1, said: /has an account already/ });
  const list = await run('admin', 'list');
  t.match(list.said, /bob@example\.org +editor +active +yes/);
  t.match(list.said, /cat@example\.org +viewer +invited/);
  t.match(await run('admin', 'reset-second-factor', bob.email), { code: 0 });
  t.match(await run('admin', 'reset-second-factor', bob.email), { code: 1, said: /no second factor/ });
  t.match(await run('admin', 'disable', bob.email), { code: 0 });
  t.match(await run('admin', 'disable', anna.email), { code: 1, said: /Nobody else could manage accounts/ });
  t.match(await run('admin', 'disable', 'nobody@example.org'), { code: 1, said: /no such account/ });
  const { accounts } = JSON.parse((await run('admin', 'list', '--json')).said);
  t.match(accounts, [{ email: anna.email }, { email: bob.email, secondFactorSince: null }]);
  t.notMatch(JSON.stringify(accounts), /scrypt/);
  t.match(await run('admin', 'enable', bob.email), { code: 0 });
  app.clock.set(new Date());
  t.match(await linkTo(app, 'cat@example.org'), /^\/admin\/invitation\//);
});

t.test('a sealed secret opens by any listed key, for its owner only', async (t) => {
  const [old, fresh] = ['an-old-key-of-more-than-32-characters', 'a-new-key-of-more-than-32-characters'];
  const secret = Buffer.from('twenty bytes, secret');
  const sealed = sealSecret([old], 'admin 1', secret);
  t.same(openSecret([old], 'admin 1', sealed), { secret, dated: false });
  t.same(openSecret([fresh, old], 'admin 1', sealed), { secret, dated: true });
  t.equal(openSecret([fresh], 'admin 1', sealed), null);
  t.equal(openSecret([old], 'admin 2', sealed), null, 'nobody moves it to another account');
  t.notOk(sealSecret([old], 'admin 1', secret).equals(sealed), 'twice is not the same');
});

t.test('browsers and systems are named as people know them', async (t: Test) => {
  for (const [agent, browser, system] of [
    ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox', 'Linux'],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15',
      'Safari',
      'macOS',
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Version/18.0 Mobile Safari/604.1',
      'Safari',
      'iPhone',
    ],
    [
      'Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36',
      'Chrome',
      'Android',
    ],
    ['curl/8.0', null, null],
    [undefined, null, null],
  ] as const) {
    t.same(deviceOf(agent), { browser, system }, String(agent));
  }
});
