import t from 'tap';
import { setUp, signInAs } from '../admin/support.js';
import { listYaml, newVendor, publishList, textOf } from '../pages/support.js';
import { bearer, startApp } from '../support/app.js';

t.test('with four eyes nobody publishes what nobody else has approved, and a change ends the approval', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml());
  const strict = await startApp(t, {
    env: { FOUR_EYES: 'on' },
    database: app.database,
    clock: app.clock,
    smtp: app.relay,
  });
  const officer = await setUp(strict);
  const second = await signInAs(strict, 'publisher');
  const put = (text: string) =>
    strict.inject({
      method: 'PUT',
      url: '/api/v1/draft',
      headers: { ...bearer, 'content-type': 'application/yaml' },
      payload: text,
    });
  const publishByToken = () => strict.inject({ method: 'POST', url: '/api/v1/versions', headers: bearer, payload: {} });
  await put(listYaml(newVendor));
  t.match((await publishByToken()).json(), { status: 409, code: 'approval.missing' }, 'a token is no second person');
  const review = await officer.get('/admin/review');
  t.match(textOf(review.body), /Nobody has approved this draft yet\./);

  const approved = await officer.follow(await officer.submit(review, '/admin/draft/approve'));
  t.match(
    textOf(approved.body),
    /You have approved this draft\..*Approved by officer@example\.org.*somebody else publishes/s,
  );
  const checked = async (visitor: typeof officer) =>
    visitor.submit(await visitor.get('/admin/publish'), '/admin/publish/check');
  const alone = await checked(officer);
  t.equal(alone.statusCode, 422, 'whoever has approved it themselves does not publish it alone');
  t.match(textOf(alone.body), /Another admin has to approve this draft before you can publish it/);

  await put(listYaml(newVendor).replace('country: DE', 'country: FR'));
  t.equal((await checked(second)).statusCode, 422, 'the draft is another one by now');
  const stale = await officer.follow(await officer.submit(review, '/admin/draft/approve'));
  t.match(textOf(stale.body), /The draft was changed meanwhile/);
  await put(listYaml(newVendor));
  const plan = await checked(second);
  await put(listYaml(newVendor).replace('country: DE', 'country: FR'));
  t.not((await second.submit(plan, '/admin/publish')).statusCode, 303, 'changed after it was looked through');
  await put(listYaml(newVendor));
  const done = await second.submit(await checked(second), '/admin/publish');
  t.equal(done.statusCode, 303, 'the change was taken back, so the approval holds');
  t.match((await strict.inject({ url: '/versions/2.json' })).json(), { version: 2 });
  const audit = await strict.inject({ url: '/api/v1/audit?action=draft.approved', headers: bearer });
  t.equal(audit.json<{ entries: unknown[] }>().entries.length, 1);
  await t.rejects(app.database.pool.query('delete from approvals'), /never change/);

  await put(listYaml());
  await officer.submit(await officer.get('/admin/review'), '/admin/draft/approve');
  t.equal((await publishByToken()).statusCode, 201, 'for a token one person is the second pair of eyes');
  const editor = await signInAs(strict, 'editor');
  t.notMatch((await editor.get('/admin/publish')).body, /draft\/approve/);
});
