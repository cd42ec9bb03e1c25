import t from 'tap';
import { together } from '../../src/notices/along.js';
import { documentSchema, versionSchema } from '../../src/routes/api/wire.js';
import { type SealedFacts, seal, verifyChain } from '../../src/versions/chain.js';
import { dryRun } from '../../src/versions/dry-run.js';
import { setUp } from '../admin/support.js';
import { listYaml, newVendor, publishList, subscribeAndConfirm, textOf } from '../pages/support.js';
import { bearer, startApp, type TestApp } from '../support/app.js';

t.setTimeout(170_000);

const wrong = listYaml(newVendor);
const mended = wrong.replace('country: US', 'country: CA');

async function putDraft(app: TestApp, yaml: string): Promise<void> {
  const headers = { ...bearer, 'content-type': 'application/yaml' };
  await app.inject({ method: 'PUT', url: '/api/v1/draft', headers, payload: yaml });
}

function publish(app: TestApp, payload: object) {
  return app.inject({ method: 'POST', url: '/api/v1/versions', headers: bearer, payload });
}

/** What anybody can read of a version, as what its hash covers. */
async function sealedOf(app: TestApp, number: number): Promise<SealedFacts & { hash: string }> {
  const { body } = await app.inject({ url: `/versions/${number}.json` });
  const { publishedAt, effectiveAt, objectionDeadline, ...facts } = versionSchema
    .extend({ document: documentSchema })
    .parse(JSON.parse(body));
  return {
    ...facts,
    publishedAt: new Date(publishedAt),
    effectiveAt: new Date(effectiveAt),
    objectionDeadline: objectionDeadline === null ? null : new Date(objectionDeadline),
  };
}

t.test('a correction names what it corrects on both pages, in the mail, in feeds and in its hash', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml());
  await subscribeAndConfirm(app, 'ann@example.org');
  await subscribeAndConfirm(app, 'bert@example.org', { locale: 'de' });
  await publishList(app, wrong);
  await app.settle();
  app.relay.received.length = 0;
  await putDraft(app, mended);
  const done = await publish(app, { corrects: 2 });
  t.match(done.json(), { version: 3, corrects: 2 });
  await app.settle();

  const [mail] = app.relay.mailTo('ann@example.org');
  const parsed = await mail?.parse();
  t.match(parsed?.text, /This corrects version 2\./);
  t.match(textOf(parsed?.html || ''), /This corrects version 2\./);
  const [german] = app.relay.mailTo('bert@example.org');
  t.match((await german?.parse())?.text, /Dies berichtigt Version 2\./);

  t.match(textOf((await app.inject({ url: '/versions/3' })).body), /Corrects Version 2/);
  t.match(textOf((await app.inject({ url: '/versions/2' })).body), /Corrected by Version 3/);
  t.match(textOf((await app.inject({ url: '/versions/3?lang=de' })).body), /Berichtigt Version 2/);
  t.match(textOf((await app.inject({ url: '/' })).body), /Corrects Version 2/, 'while it is announced');
  for (const feed of ['/feed.atom', '/feed.json']) {
    t.match((await app.inject({ url: feed })).body, /Corrects version 2\./, feed);
  }

  t.notHas((await app.inject({ url: '/versions/2.json' })).json(), { corrects: 2 });
  const chain = [await sealedOf(app, 1), await sealedOf(app, 2), await sealedOf(app, 3)];
  t.strictSame(verifyChain(chain), []);
  const altered = chain.map((facts) => ({ ...facts, corrects: facts.version === 3 ? 1 : facts.corrects }));
  t.strictSame(verifyChain(altered), [{ version: 3, fault: 'hash-differs' }]);
  const [first] = chain;
  if (first === undefined) throw new Error('there is no version 1');
  t.equal(seal({ ...first, corrects: null }), first.hash, 'without a correction the hash is as it always was');

  const { body } = await app.inject({ url: '/api/v1/audit?action=version.published', headers: bearer });
  t.match(JSON.parse(body), { entries: [{ subject: 'version 3', detail: { corrects: 2 } }] });
});

t.test('what is not there or was withdrawn is not corrected, and everything else is foretold', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml());
  await publishList(app, wrong);
  await putDraft(app, mended);
  t.match((await publish(app, { corrects: 3 })).json(), {
    status: 409,
    code: 'version.not-correctable',
    errors: [{ path: 'corrects' }],
  });
  for (const corrects of [0, -1, 1.5, 2 ** 31, '2']) {
    t.equal((await publish(app, { corrects })).statusCode, 400, String(corrects));
  }
  const withdrawn = await app.inject({
    method: 'POST',
    url: '/api/v1/versions/2/withdraw',
    headers: bearer,
    payload: { reason: 'The wrong country' },
  });
  t.equal(withdrawn.statusCode, 200);
  t.match((await publish(app, { corrects: 2 })).json(), { code: 'version.not-correctable' });
  const found = await dryRun(app.deps, { corrects: 2 });
  t.strictSame(
    found.refusals.map(({ code }) => code),
    ['version.not-correctable'],
  );
  t.equal(found.version, 3);
  t.not(found.effectiveAt, null);
  t.equal((await publish(app, { corrects: 1 })).statusCode, 201);
});

t.test('a planned correction of what is withdrawn meanwhile is held, not published', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml());
  await publishList(app, wrong);
  await putDraft(app, mended);
  const planned = await publish(app, { corrects: 2, holdBackMinutes: 60 });
  t.match(planned.json(), { version: 3, state: 'scheduled', corrects: 2 });
  await app.inject({
    method: 'POST',
    url: '/api/v1/versions/2/withdraw',
    headers: bearer,
    payload: { reason: 'The wrong country' },
  });
  app.clock.set(new Date(app.clock.now().getTime() + 60 * 60_000));
  await app.settle();
  t.equal((await app.inject({ url: '/versions/3.json' })).statusCode, 404);
  const { body } = await app.inject({ url: '/api/v1/versions', headers: bearer });
  t.match(JSON.parse(body), { versions: [{ held: true, heldBecause: 'version.not-correctable' }] });
});

t.test('in the console it is chosen at the version or in the form, and shown before and after', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml());
  await publishList(app, wrong);
  await putDraft(app, mended);
  const officer = await setUp(app);
  const version = await officer.get('/admin/versions/2');
  t.match(version.body, /href="[^"]*\/admin\/publish\?corrects=2"/);
  const form = await officer.get('/admin/publish?corrects=2');
  t.match(form.body, /<details class="field" open>/);
  t.match(form.body, /<option value="2" selected>Version 2</);
  t.match((await officer.get('/admin/publish?corrects=%22')).body, /<option value="">none: this is no correction</);
  for (const corrects of ['7', 'x', '1e99']) {
    const refused = await officer.submit(form, '/admin/publish/check', { corrects, message: 'We are sorry' });
    t.equal(refused.statusCode, 422, corrects);
    t.match(textOf(refused.body), /This version cannot be corrected: choose one/);
    t.match(refused.body, /We are sorry/, 'what was typed is still there');
  }
  const check = await officer.submit(form, '/admin/publish/check', { corrects: '2' });
  t.match(textOf(check.body), /Corrects Version 2/);
  const back = await officer.submit(check, '/admin/publish/edit');
  t.match(back.body, /<option value="2" selected>/);
  const done = await officer.follow(await officer.submit(check, '/admin/publish'));
  t.match(textOf(done.body), /Version 3 is published\..*Corrects Version 2/);
  t.match(textOf((await officer.get('/admin/versions/2')).body), /Corrected by Version 3/);
  app.clock.advance({ days: 2 });
  const ended = await officer.submit(form, '/admin/publish/check', { corrects: '2', message: 'We are sorry' });
  t.match(textOf(ended.body), /Corrects 2 .*We are sorry/, 'a session that ends loses neither');
});

t.test('the check says at once what publishing would refuse, with everything typed', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml());
  await putDraft(app, wrong);
  const officer = await setUp(app);
  const form = await officer.get('/admin/publish');
  const past = await officer.submit(form, '/admin/publish/check', { publishAt: '2020-01-01T09:00', message: 'Hello' });
  t.equal(past.statusCode, 422);
  t.match(textOf(past.body), /Enter a day and a time ahead of now/);
  t.match(past.body, /Hello/);
  const early = await officer.submit(form, '/admin/publish/check', { effectiveAt: '2026-12-01' });
  t.equal(early.statusCode, 422);
  const silent = await officer.submit(form, '/admin/publish/check', { notify: 'no' });
  t.equal(silent.statusCode, 422);
  t.match(silent.body, /id="reason-error"/);
  const emptied = await officer.submit(form, '/admin/publish/check');
  t.equal(emptied.statusCode, 200);
});

t.test('a notice of several versions names what it corrects, but nothing that it is the first to tell', async (t) => {
  const facts = { effectiveAt: new Date(0), objectionDeadline: null, message: null, changes: [] };
  const named = (corrects: number | null, along: [number, number | null][]) =>
    together(
      { ...facts, corrects },
      [],
      along.map(([version, other]) => ({ ...facts, version, corrects: other })),
    ).corrects;
  t.strictSame(named(null, []), []);
  t.strictSame(named(2, []), [2]);
  t.strictSame(named(null, [[3, 2]]), [2], 'said by one that waited');
  t.strictSame(named(3, [[3, null]]), [], 'nobody has read version 3');
  t.strictSame(named(3, [[3, 2]]), [2]);
  t.strictSame(named(2, [[3, 1]]), [1, 2]);
});
