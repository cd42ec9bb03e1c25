import t from 'tap';
import { createApiToken } from '../../src/admins/api-tokens.js';
import { transaction } from '../../src/database/transaction.js';
import { tellAdmins } from '../../src/task-letters.js';
import { browseTasks, countOpenTasks } from '../../src/tasks/browse.js';
import { closeTask } from '../../src/tasks/close.js';
import { openTask, settleTask } from '../../src/tasks/open.js';
import type { NewTask, TaskKind } from '../../src/tasks/task.js';
import { startApp, type TestApp } from '../support/app.js';

const editor = { kind: 'admin', id: 7, role: 'editor' } as const;

async function addAdmins(app: TestApp, ...people: [email: string, role: string][]): Promise<void> {
  for (const [email, role] of people) {
    await app.database.pool.query(
      `insert into admins (email, email_key, password_hash, role, created_at) values ($1, lower($1), 'none', $2, now())`,
      [email, role],
    );
  }
}

/** Contacts in any number, in one statement; their ids. */
async function addContacts(app: TestApp, count: number, company = 'Kundin'): Promise<number[]> {
  const { rows } = await app.database.pool.query<{ id: number }>(
    `insert into subscribers (email, email_key, email_hash, company, locale, status, created_at, confirmed_at,
       confirmed_moment, kind, entitlement)
     select 'c' || n || '@example.org', 'c' || n || '@example.org', sha256(('c' || n)::bytea), $3 || ' ' || n, 'en',
       'confirmed', $2, $2, 1, 'contractual', 'DPA of 2027' from generate_series(1, $1::integer) n returning id`,
    [count, app.clock.now(), company],
  );
  return rows.map(({ id }) => id);
}

async function opened(app: TestApp, task: Partial<NewTask> & { kind: TaskKind; subject: string }) {
  const { db } = app.deps;
  return transaction(db, (tx) => openTask(tx, { subscriberId: null, at: app.clock.now(), ...task }));
}

function lettersOf(app: TestApp) {
  return app.database.pool.query<{ email: string; state: string }>(
    `select email, state from deliveries where kind = 'admin-tasks' order by id`,
  );
}

t.test('of a kind and subject one task is open at a time, however many open it at once', async (t) => {
  const app = await startApp(t);
  const { deps, clock } = app;
  const task = { kind: 'relay-down' as const, subject: 'relay', detail: { stage: 'connect' } };
  const ids = await Promise.all(Array.from({ length: 20 }, () => opened(app, task)));
  t.equal(ids.filter((id) => id !== null).length, 1);
  t.equal(await countOpenTasks(deps.db), 1);
  t.ok(await opened(app, { kind: 'publication-held', subject: 'version 3' }));

  clock.advance({ hours: 1 });
  const id = ids.find((one) => one !== null) ?? 0;
  const done = await closeTask(deps, id, ' The provider was asked. ', editor);
  t.match(done, { note: 'The provider was asked.', doneBy: editor, doneAt: clock.now(), detail: { stage: 'connect' } });
  const again = await closeTask(deps, id, 'me too', { ...editor, id: 8 });
  t.match(again, { note: 'The provider was asked.', doneBy: editor }, 'the first who says so counts');
  t.ok(await opened(app, task), 'what happens anew is a new task');

  const { tasks, next } = await browseTasks(deps.db, { limit: 2 });
  t.same(
    tasks.map(({ kind, doneAt }) => [kind, doneAt]),
    [
      ['relay-down', null],
      ['publication-held', null],
    ],
  );
  t.same(
    (await browseTasks(deps.db, { limit: 2, after: next ?? 0 })).tasks.map((one) => one.id),
    [id],
  );
  t.same((await browseTasks(deps.db, { open: false, limit: 5 })).tasks.length, 1);
  const { rows } = await app.database.pool.query(
    `select actor, subject, detail from audit_log where action = 'task.done'`,
  );
  t.same(rows, [{ actor: editor, subject: `task ${id}`, detail: { kind: 'relay-down', of: 'relay' } }]);
});

t.test('a task whose cause is gone closes by itself, and what is wrong with a note is said', async (t) => {
  const app = await startApp(t);
  const { deps, clock } = app;
  await opened(app, { kind: 'relay-down', subject: 'relay' });
  const by = { actor: { kind: 'system' } as const, at: clock.now() };
  const settle = () => transaction(deps.db, (tx) => settleTask(tx, { kind: 'relay-down', subject: 'relay' }, by));
  t.ok(await settle());
  t.equal(await settle(), null);
  t.match(await browseTasks(deps.db, { limit: 5 }), { tasks: [{ doneBy: { kind: 'system' }, note: null }] });
  for (const note of ['x'.repeat(2_001), 'bad\u0000byte']) {
    await t.rejects(closeTask(deps, 1, note, editor), { code: 'input.invalid', errors: [{ path: 'note' }] });
  }
  await t.rejects(closeTask(deps, 99, null, editor), { code: 'task.missing' });
});

t.test('ten thousand lost contacts are one letter to each who answers for what is published', async (t) => {
  const app = await startApp(t);
  const { deps, relay } = app;
  await addAdmins(
    app,
    ['viewer@example.com', 'viewer'],
    ['editor@example.com', 'editor'],
    ['publisher@example.com', 'publisher'],
    ['admin@example.com', 'admin'],
  );
  const ids = await addContacts(app, 10_000, '<b>Müller & Söhne</b>');
  await deps.db.query(
    `insert into tasks (kind, subscriber_id, subject, opened_at)
     select 'bounced-contact', id, 'subscriber ' || id, $2 from unnest($1::bigint[]) as lost (id) order by id`,
    [ids, app.clock.now()],
  );
  await opened(app, { kind: 'relay-down', subject: 'relay' });
  t.equal(await tellAdmins(deps), 2);
  t.equal(await tellAdmins(deps), 0);
  await app.send();
  t.same(relay.received.flatMap((mail) => mail.to).sort(), ['admin@example.com', 'publisher@example.com']);

  const mail = await relay.received[0]?.parse();
  t.match(mail?.subject, /^10,001 tasks wait for you in the console/);
  t.match(mail?.text, /Contacts whom mail does not reach: 10,000\n/);
  t.match(mail?.text, /Mail not going out: 1\n/);
  t.match(mail?.text, /Open the tasks:\nhttp:\/\/notices\.example\.org\/admin\/tasks\n/);
  t.equal(mail?.text?.match(/cannot be reached: mail came back/g)?.length, 20);
  t.match(mail?.text, /and 9,981 more, in the console/);
  t.match(
    mail?.text,
    /\n<b>Müller & Söhne<\/b> 1 \(c•••@e•••\.org\) cannot be reached: mail came back\. Ask the customer/,
  );
  t.notMatch(mail?.text, /c1@example\.org/, 'mail gets forwarded');
  t.match(mail?.html || '', /&lt;b&gt;Müller &amp; Söhne&lt;\/b&gt;/);
  t.ok(Buffer.byteLength(mail?.html || '') < 60_000);
  t.notOk(mail?.headers.has('list'), 'who has the role gets it: there is nothing to unsubscribe from');
  t.match(mail?.text, /because you have the role “Publisher” or “Administrator”/);
});

t.test('there is at most one letter an hour, the first at once, and what is done meanwhile is left out', async (t) => {
  const app = await startApp(t);
  const { deps, clock, relay } = app;
  await addAdmins(app, ['admin@example.com', 'admin']);
  t.equal(await tellAdmins(deps), 0, 'nothing to tell');
  const first = await opened(app, { kind: 'publication-held', subject: 'version 4' });
  t.same(
    await Promise.all([tellAdmins(deps), tellAdmins(deps), tellAdmins(deps)]).then((all) => all.sort()),
    [0, 0, 1],
  );
  clock.advance({ minutes: 59 });
  await opened(app, { kind: 'relay-down', subject: 'relay' });
  t.equal(await tellAdmins(deps), 0);
  clock.advance({ minutes: 2 });
  t.equal(await tellAdmins(deps), 1);
  clock.advance({ hours: 5 });
  t.equal(await tellAdmins(deps), 0, 'what was told once is not told again');

  await closeTask(deps, first ?? 0, null, editor);
  await app.send();
  t.equal(relay.received.length, 1, 'a letter whose tasks are all done does not go');
  const mail = await relay.received[0]?.parse();
  t.equal(mail?.subject, 'One task waits for you in the console (Example Company)');
  t.match(mail?.text, /The mail server does not take mail/);
  t.same(
    (await lettersOf(app)).rows.map(({ state }) => state),
    ['suppressed', 'sent'],
  );
});

t.test('with nobody to tell a task stays untold until somebody is there', async (t) => {
  const app = await startApp(t);
  await addAdmins(app, ['viewer@example.com', 'viewer']);
  await opened(app, { kind: 'relay-down', subject: 'relay' });
  t.equal(await tellAdmins(app.deps), 0);
  await addAdmins(app, ['admin@example.com', 'admin']);
  t.equal(await tellAdmins(app.deps), 1);
});

t.test('tasks and their letters stand or fall together', async (t) => {
  const app = await startApp(t);
  await addAdmins(app, ['admin@example.com', 'admin']);
  await opened(app, { kind: 'relay-down', subject: 'relay' });
  await app.database.pool.query(
    `create function refuse_letters() returns trigger language plpgsql as $$ begin raise 'no'; end $$;
     create trigger refuse before insert on deliveries for each row execute function refuse_letters()`,
  );
  await t.rejects(tellAdmins(app.deps));
  t.match(await browseTasks(app.deps.db, { limit: 1 }), { tasks: [{ toldAt: null }] });
  await app.database.pool.query('drop trigger refuse on deliveries');
  t.equal(await tellAdmins(app.deps), 1);
});

t.test('a task about somebody erased keeps whose contact is missing until it is done', async (t) => {
  const app = await startApp(t);
  const { deps, database } = app;
  const [id = 0] = await addContacts(app, 1);
  await opened(app, {
    kind: 'bounced-contact',
    subscriberId: id,
    subject: `subscriber ${id}`,
    detail: { reason: 'x' },
  });
  const erased = await app.inject({
    method: 'DELETE',
    url: `/api/v1/subscribers/${id}`,
    headers: { authorization: 'Bearer admin-token-of-the-tests' },
  });
  t.equal(erased.statusCode, 204);
  const { tasks } = await browseTasks(deps.db, { limit: 5 });
  t.match(tasks, [{ subscriber: null, detail: { reason: 'x', company: 'Kundin 1', entitlement: 'DPA of 2027' } }]);
  await closeTask(deps, tasks[0]?.id ?? 0, null, editor);
  const { rows } = await database.pool.query('select detail from tasks');
  t.same(rows, [{ detail: { reason: 'x' } }]);
});

t.test('by the API everybody with a token reads the tasks, and editors close them', async (t) => {
  const app = await startApp(t);
  await addContacts(app, 1);
  await opened(app, { kind: 'bounced-contact', subscriberId: 1, subject: 'subscriber 1', detail: { reason: 'gone' } });
  const tokens = await tokensOf(app);
  const ask = (role: keyof typeof tokens, method: 'GET' | 'POST', url: string, payload?: object) =>
    app.inject({ method, url, headers: { authorization: `Bearer ${tokens[role]}` }, ...(payload && { payload }) });

  const list = await ask('viewer', 'GET', '/api/v1/tasks?open=true');
  t.equal(list.statusCode, 200);
  t.match(list.json(), {
    tasks: [
      { kind: 'bounced-contact', subject: 'subscriber 1', subscriber: { email: 'c1@example.org' }, doneAt: null },
    ],
    next: null,
  });
  t.equal((await ask('viewer', 'POST', '/api/v1/tasks/1/done', {})).statusCode, 403);
  t.equal((await app.inject({ url: '/api/v1/tasks' })).statusCode, 401);
  t.equal((await ask('editor', 'POST', '/api/v1/tasks/1/done', { note: 5 })).statusCode, 400);
  t.equal((await ask('editor', 'POST', '/api/v1/tasks/1/done', { what: 'x' })).statusCode, 400);
  const done = await ask('editor', 'POST', '/api/v1/tasks/1/done', { note: 'Asked the customer.' });
  t.match([done.statusCode, done.json()], [200, { note: 'Asked the customer.', doneBy: { kind: 'token' } }]);
  t.equal((await ask('editor', 'POST', '/api/v1/tasks/1/done')).statusCode, 200, 'once more changes nothing');
  t.match((await ask('editor', 'POST', '/api/v1/tasks/2/done')).json(), { status: 404, code: 'task.missing' });
  t.same((await ask('viewer', 'GET', '/api/v1/tasks?open=true')).json(), { tasks: [], next: null });
  t.match((await ask('viewer', 'GET', '/api/v1/tasks?open=false&limit=1')).json(), { tasks: [{ id: 1 }] });
});

async function tokensOf(app: TestApp) {
  const make = async (role: 'viewer' | 'editor') =>
    (await createApiToken(app.deps, { name: role, role, expiresAt: null }, { kind: 'system' })).secret;
  return { viewer: await make('viewer'), editor: await make('editor') };
}
