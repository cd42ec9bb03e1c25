import { writeFileSync } from 'node:fs';
import t from 'tap';
import { operatorActor } from '../../src/actor.js';
import { createApiToken } from '../../src/admins/api-tokens.js';
import { runCommandLine } from '../../src/cli/run.js';
import { tellAdmins } from '../../src/task-letters.js';
import { browseTasks } from '../../src/tasks/browse.js';
import { approveDraft } from '../../src/versions/approve.js';
import { addEntry } from '../../src/versions/draft-edit.js';
import { setUp, signInAs } from '../admin/support.js';
import { listYaml, newVendor, textOf } from '../pages/support.js';
import { bearer, startApp, type TestApp } from '../support/app.js';
import { createClock } from '../support/clock.js';
import { temporaryFolder } from '../support/process.js';
import { officer } from './make.js';

t.setTimeout(170_000);

const ask = (app: TestApp, headers = bearer) =>
  app.inject({ method: 'POST', url: '/api/v1/draft/approval-request', headers });
const stateOf = (app: TestApp) => app.inject({ url: '/api/v1/draft/approval', headers: bearer });
const put = (app: TestApp, text: string) =>
  app.inject({
    method: 'PUT',
    url: '/api/v1/draft',
    headers: { ...bearer, 'content-type': 'application/yaml' },
    payload: text,
  });
const requests = async (app: TestApp) => {
  const { tasks } = await browseTasks(app.deps.db, { limit: 50 });
  return tasks
    .filter(({ kind }) => kind === 'approval-wanted')
    .map(({ doneAt }) => (doneAt === null ? 'open' : 'done'));
};

t.test('whoever may not publish alone asks, and the publishers hear of it once', async (t) => {
  const app = await startApp(t, { env: { FOUR_EYES: 'on' } });
  const publisher = await setUp(app);
  const editor = await signInAs(app, 'editor');
  await put(app, listYaml(newVendor));
  t.match((await stateOf(app)).json(), { needed: true, hash: /^[0-9a-f]{64}$/, approvals: [], asked: null });

  const review = await editor.get('/admin/review');
  t.match(textOf(review.body), /Ask for approval/);
  t.notMatch(review.body, 'action="/admin/draft/approve"', 'an editor cannot approve');
  const asked = await editor.follow(await editor.submit(review, '/admin/draft/approval-request'));
  t.match(
    textOf(asked.body),
    /The publishers have been asked.*editor@example.org asked the publishers to approve it, 4 January 2027/s,
  );
  t.notMatch(asked.body, '/admin/draft/approval-request', 'once is enough');
  t.equal((await ask(app)).json<{ asked: { at: string } }>().asked.at, '2027-01-04T09:00:00.000Z');
  t.same(await requests(app), ['open']);
  t.equal(await tellAdmins(app.deps), 1);
  await app.settle();
  const [letter] = app.relay.mailTo('officer@example.org');
  t.match(letter?.raw.toString(), /The draft waits for the approval/);
  const tasks = await publisher.get('/admin/tasks');
  t.match(textOf(tasks.body), /The draft waits for the approval of a second person.*Look through the draft/s);

  await put(app, listYaml(newVendor));
  t.same(await requests(app), ['open'], 'the same list written again is the same draft');
  await put(app, listYaml(newVendor).replace('country: DE', 'country: FR'));
  t.same(await requests(app), ['done'], 'what was asked for is gone');
  t.match((await stateOf(app)).json(), { asked: null });

  await ask(app);
  const { rows } = await app.database.pool.query(
    `select actor ->> 'kind' as kind, subject from audit_log where action = 'draft.approval-asked' order by id`,
  );
  t.match(rows, [
    { kind: 'admin', subject: /^draft revision / },
    { kind: 'token', subject: /^draft revision / },
  ]);
  await publisher.submit(await publisher.get('/admin/review'), '/admin/draft/approve');
  t.same(await requests(app), ['done', 'done'], 'it is approved');
  t.match((await ask(app)).json(), { approvals: [{ by: { kind: 'admin' } }], asked: null }, 'nobody is asked again');
  const publish = await app.inject({ method: 'POST', url: '/api/v1/versions', headers: bearer, payload: {} });
  t.equal(publish.statusCode, 201);
});

t.test('a step in the console ends the request as well, and so does a publication', async (t) => {
  const app = await startApp(t, { env: { FOUR_EYES: 'on' } });
  await put(app, listYaml());
  await ask(app);
  t.same(await requests(app), ['open']);
  const name = 'Letterbird, Inc.';
  await addEntry(app.deps, { kind: 'sub-processor', dataSubject: null }, { name, fields: { name } }, officer);
  t.same(await requests(app), ['done']);

  await ask(app);
  const relaxed = await startApp(t, { database: app.database, clock: app.clock, smtp: app.relay });
  await relaxed.inject({ method: 'POST', url: '/api/v1/versions', headers: bearer, payload: {} });
  t.same(await requests(app), ['done', 'done']);
  t.match((await ask(relaxed)).json(), { needed: false, asked: null }, 'one pair of eyes is enough there');
});

t.test('no token approves, whatever its role', async (t) => {
  const app = await startApp(t, { env: { FOUR_EYES: 'on' } });
  t.match((await stateOf(app)).json(), { status: 404, code: 'draft.missing' });
  t.match((await ask(app)).json(), { status: 404, code: 'draft.missing' });
  await put(app, listYaml());
  const { secret } = await createApiToken(app.deps, { name: 'reader', role: 'viewer' }, operatorActor);
  const viewer = { authorization: `Bearer ${secret}` };
  t.equal((await ask(app, viewer)).statusCode, 403);
  t.equal((await app.inject({ url: '/api/v1/draft/approval', headers: viewer })).statusCode, 200);
  for (const method of ['POST', 'PUT'] as const) {
    const answer = await app.inject({ method, url: '/api/v1/draft/approval', headers: bearer });
    t.equal(answer.statusCode, 405, 'there is no such route');
  }
});

t.test('a pipeline that may not publish alone asks, and publishes when it runs again', async (t) => {
  const app = await startApp(t, { env: { FOUR_EYES: 'on' }, clock: createClock(new Date()) });
  const url = await app.http.listen({ host: '127.0.0.1', port: 0 });
  const { secret } = await createApiToken(app.deps, { name: 'pipeline', role: 'publisher' }, operatorActor);
  const file = `${temporaryFolder(t)}/list.yaml`;
  writeFileSync(file, listYaml());
  const publish = async (...words: string[]) => {
    const lines: string[] = [];
    const code = await runCommandLine(['publish', file, ...words], {
      config: () => app.deps.config,
      remote: () => ({ url, token: secret }),
      say: (line) => void lines.push(line),
      complain: (line) => void lines.push(line),
      stay: async () => undefined,
    });
    return { code, text: lines.join('\n') };
  };
  t.match(await publish(), { code: 1, text: /Another admin has to approve this draft first/ });
  t.same(await requests(app), [], 'nobody is asked who was not wanted');
  const waits = await publish('--ask-approval', '--json', '--idempotency-key', 'f00');
  t.match(waits, { code: 5, text: /"approval":\{"needed":true,.*\nNot published yet: the publishers are asked/s });
  t.same(await requests(app), ['open']);
  const revision = (await stateOf(app)).json<{ revision: number }>().revision;
  await approveDraft(app.deps, { revision }, officer);
  t.match(await publish('--ask-approval', '--idempotency-key', 'f00'), { code: 0, text: /^Version 1 is published/ });
});
