import t from 'tap';
import { setUp } from '../admin/support.js';
import { listYaml, newVendor, publishList, subscribeAndConfirm, textOf } from '../pages/support.js';
import { bearer, startApp } from '../support/app.js';

const minute = 60_000;

t.test('what is held back can be stopped, and else happens at its time, once, with dates from then', async (t) => {
  const app = await startApp(t, { env: { HOLD_BACK_MINUTES: '10' } });
  const put = (text: string) =>
    app.inject({
      method: 'PUT',
      url: '/api/v1/draft',
      headers: { ...bearer, 'content-type': 'application/yaml' },
      payload: text,
    });
  const publish = (payload: object) =>
    app.inject({ method: 'POST', url: '/api/v1/versions', headers: bearer, payload });
  await put(listYaml());
  const first = await publish({});
  t.equal(first.statusCode, 202);
  const at = app.clock.now().getTime();
  t.equal(Date.parse(first.json<{ publishAt: string }>().publishAt), at + 10 * minute);
  t.equal((await publish({})).statusCode, 409, 'a second one meanwhile');
  app.clock.set(new Date(at + 9 * minute));
  await app.settle();
  t.equal((await app.inject({ url: '/list.json' })).statusCode, 404, 'nothing is published yet');
  t.equal((await app.inject({ method: 'DELETE', url: '/api/v1/versions/scheduled', headers: bearer })).statusCode, 200);
  app.clock.set(new Date(at + 30 * minute));
  await app.settle();
  t.equal((await app.inject({ url: '/list.json' })).statusCode, 404, 'it was stopped');

  t.equal((await publish({ holdBackMinutes: 0 })).statusCode, 202, 'nobody goes below the setting');
  app.clock.set(new Date(at + 40 * minute));
  await app.settle();
  t.match((await app.inject({ url: '/list.json' })).json(), { version: 1 });
  await subscribeAndConfirm(app, 'ann@example.org');
  await put(listYaml(newVendor));
  app.relay.received.length = 0;
  const longer = await publish({ holdBackMinutes: 60 });
  t.equal(Date.parse(longer.json<{ publishAt: string }>().publishAt), app.clock.now().getTime() + 60 * minute);
  await app.settle();
  t.equal(app.relay.received.length, 0);
  const then = new Date(app.clock.now().getTime() + 60 * minute);
  app.clock.set(then);
  await Promise.all([app.publishDue(), app.publishDue()]);
  await app.settle();
  t.equal(app.relay.mailTo('ann@example.org').length, 1);
  const { publishedAt } = (await app.inject({ url: '/versions/2.json' })).json<{ publishedAt: string }>();
  t.equal(publishedAt, then.toISOString());
  t.equal((await publish({ holdBackMinutes: 121 })).statusCode, 400);
});

t.test('in the console the time is chosen, shown before and after, and one button stops it', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml());
  const officer = await setUp(app);
  await app.inject({
    method: 'PUT',
    url: '/api/v1/draft',
    headers: { ...bearer, 'content-type': 'application/yaml' },
    payload: listYaml(newVendor),
  });
  const form = await officer.get('/admin/publish');
  t.match(textOf(form.body), /Can be stopped for .*5 minutes/);
  const check = await officer.submit(form, '/admin/publish/check', { holdBackMinutes: '5' });
  t.match(textOf(check.body), /until then it can be stopped/);
  const held = await officer.follow(await officer.submit(check, '/admin/publish'));
  t.match(textOf(held.body), /About to be published Version 2 will be published on .* Stop it/);
  t.match(held.body, /data-countdown="2\d{3}-/);
  t.equal((await app.inject({ url: '/versions/2.json' })).statusCode, 404);
  const stopped = await officer.follow(await officer.submit(held, '/admin/versions/cancel-scheduled'));
  t.notMatch(textOf(stopped.body), /About to be published/);
  app.clock.set(new Date(app.clock.now().getTime() + 10 * minute));
  await app.settle();
  t.equal((await app.inject({ url: '/versions/2.json' })).statusCode, 404);
});
