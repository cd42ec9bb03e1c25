import t from 'tap';
import { lockPublishing } from '../../src/database/locks.js';
import { run } from '../../src/database/query.js';
import { sql } from '../../src/database/sql.js';
import { transaction } from '../../src/database/transaction.js';
import { confirm, confirmFromBrowser, confirmState } from '../../src/subscribers/confirm.js';
import { confirmationData } from '../../src/subscribers/letters.js';
import { purgePending } from '../../src/subscribers/purge.js';
import { subscribe } from '../../src/subscribers/subscribe.js';
import { unsubscribe } from '../../src/subscribers/unsubscribe.js';
import { aRequest, openStage, type Stage } from './make.js';

t.test('a new address waits for its confirmation, with the evidence of who asked for what', async (t) => {
  const stage = await openStage(t);
  await stage.ask(' Anna.Berg@Example.ORG ', { company: 'ACME', locale: 'de-AT', services: ['community'] });
  t.match(await stage.person('anna.berg@example.org'), {
    email: 'Anna.Berg@example.org',
    company: 'ACME',
    locale: 'de',
    services: ['community'],
    status: 'pending',
    confirmedAt: null,
  });
  t.match(await stage.letters(), [{ kind: 'confirmation', email: 'Anna.Berg@example.org', locale: 'de' }]);
  const [event] = await stage.events('anna.berg@example.org');
  t.match(event, {
    kind: 'requested',
    detail: { via: 'form', wording: 'I want to be told of changes.', locale: 'de' },
  });
  t.match(event?.detail.client, /^[0-9a-f]{32}$/, 'the client as a keyed hash');
  t.notMatch(JSON.stringify(event), /192\.0\.2\.1/);
  t.match(await stage.audited('subscriber.requested'), [{ actor: { kind: 'visitor' }, detail: { via: 'form' } }]);
  const [letter] = await stage.letters();
  t.same(Object.keys(letter?.params ?? {}), ['tokenId'], 'no link and no address in the outbox');
});

t.test('what is no address, and what does not fit, is refused with the field named', async (t) => {
  const { deps, letters } = await openStage(t);
  const email = 'a@example.org';
  const cases: [Parameters<typeof aRequest>[0], string][] = [
    [{ email: '"mallory@evil.example x"@example.org' }, 'email'],
    [{ email: '"a> ORCPT=rfc822;x@evil.example"@example.org' }, 'email'],
    [{ email: 'user@good.example(x)evil.example' }, 'email'],
    [{ email: 'a@example.org,b@evil.example' }, 'email'],
    [{ email: '<a@example.org>' }, 'email'],
    [{ email: 'a@example.org\r\nBcc: b@evil.example' }, 'email'],
    [{ email, company: 'a\r\nBcc: x' }, 'company'],
    [{ email, company: 'a\0b' }, 'company'],
    [{ email, services: ['nothing'] }, 'services'],
  ];
  for (const [request, path] of cases) {
    await t.rejects(subscribe(deps, aRequest(request)), { errors: [{ path }] }, path);
  }
  t.same(await letters(), []);
});

t.test('confirming brings the form into force and welcomes, once also under twenty POSTs at once', async (t) => {
  const stage = await openStage(t);
  await stage.ask('a@example.org', { company: 'ACME' });
  const link = await stage.lastLink('a@example.org');
  t.match(await confirmState(stage.deps, link), { state: 'open', purpose: 'confirm', address: 'a•••@e•••.org' });
  stage.clock.advance({ minutes: 5 });
  const outcomes = await Promise.all(Array.from({ length: 20 }, () => confirm(stage.deps, link, { ip: '192.0.2.2' })));
  t.strictSame(new Set(outcomes.map(({ state }) => state)), new Set(['confirmed']));
  t.match(await stage.person('a@example.org'), {
    status: 'confirmed',
    confirmedAt: stage.clock.now(),
    confirmedMoment: 1,
  });
  t.same(await stage.kinds('a@example.org'), ['confirmation', 'welcome']);
  t.same(
    (await stage.events('a@example.org')).map(({ kind }) => kind),
    ['requested', 'confirmed'],
  );
  const confirmed = (await stage.events('a@example.org'))[1]?.detail;
  t.match(confirmed, { wording: 'I want to be told of changes.', requestedAt: '2027-01-04T09:00:00.000Z' });
  t.not(confirmed?.client, confirmed?.confirmingClient, 'both clients are kept');
  t.equal((await stage.audited('subscriber.confirmed')).length, 1);
  t.match(await confirmState(stage.deps, link), { state: 'confirmed' }, 'a used link says that all is well');
  t.match(await confirmState(stage.deps, 'x'.repeat(22)), { state: 'unknown', purpose: null });
  t.match(await confirm(stage.deps, 'nonsense\0'), { state: 'unknown' });
});

t.test('the link confirms at once in the browser that sent the form, and in no other', async (t) => {
  const stage = await openStage(t);
  await stage.ask('a@example.org', { browserNonce: 'nonce-of-this-browser' });
  const link = await stage.lastLink('a@example.org');
  t.equal(await confirmFromBrowser(stage.deps, link, 'nonce-of-another'), null);
  t.equal((await stage.person('a@example.org'))?.status, 'pending');
  t.match(await confirmFromBrowser(stage.deps, link, 'nonce-of-this-browser'), { state: 'confirmed' });
  await stage.ask('b@example.org');
  t.equal(await confirmFromBrowser(stage.deps, await stage.lastLink('b@example.org'), ''), null, 'sent by the API');
});

t.test('GET of a link changes no row', async (t) => {
  const stage = await openStage(t);
  await stage.ask('a@example.org');
  const link = await stage.lastLink('a@example.org');
  const before = await dump(stage);
  for (let n = 0; n < 5; n += 1) await confirmState(stage.deps, link);
  t.same(await dump(stage), before);
});

t.test('a flood for one address causes one letter now and a few a day, and the first link stays good', async (t) => {
  const stage = await openStage(t);
  const spellings = ['victim@example.org', ' Victim@Example.org', 'VICTIM@EXAMPLE.ORG '];
  await stage.ask('victim@example.org');
  const link = await stage.lastLink('victim@example.org');
  const flood = async () => {
    for (let n = 0; n < 300; n += 20) {
      await Promise.all(
        Array.from({ length: 20 }, (_, one) =>
          stage.ask(spellings[one % 3] ?? '', { ip: `192.0.2.${one}`, via: one % 2 === 0 ? 'form' : 'api' }),
        ),
      );
    }
  };
  await flood();
  t.equal((await stage.letters()).length, 1);
  stage.clock.advance({ minutes: 59 });
  await flood();
  t.equal((await stage.letters()).length, 1);
  stage.clock.advance({ minutes: 1 });
  await flood();
  t.equal((await stage.letters()).length, 2, 'one an hour at the most');
  for (let hour = 2; hour < 24; hour += 1) {
    stage.clock.advance({ hours: 1 });
    await Promise.all([stage.ask('victim@example.org'), stage.ask('victim@example.org')]);
  }
  t.equal((await stage.letters()).length, 3, 'three a day at the most');
  t.equal((await stage.events('victim@example.org')).length, 3, 'what causes no letter leaves no row');
  t.match(await confirm(stage.deps, link), { state: 'confirmed' });
});

t.test('twenty equal forms for a new address, at once, make one person and one letter', async (t) => {
  const stage = await openStage(t);
  await Promise.all(Array.from({ length: 20 }, () => stage.ask('new@example.org')));
  t.same(await stage.kinds('new@example.org'), ['confirmation']);
  t.equal((await stage.events('new@example.org')).length, 1);
});

t.test('a flood for many addresses of one domain stops at a cap that admins see, and others go on', async (t) => {
  const stage = await openStage(t);
  for (let n = 0; n < 200; n += 20) {
    await Promise.all(Array.from({ length: 20 }, (_, one) => stage.ask(`person${n + one}@target.example`)));
  }
  t.equal((await stage.letters()).length, 100);
  t.notOk(await stage.person('person199@target.example'), 'nobody is left waiting for a letter that never goes');
  t.match(await stage.audited('form.capped'), [{ subject: 'domain target.example', detail: { letters: 100 } }]);
  t.equal((await stage.audited('form.capped')).length, 1, 'once');
  await stage.ask('a@example.org');
  t.same(await stage.kinds('a@example.org'), ['confirmation']);
  stage.clock.advance({ hours: 1 });
  await stage.ask('person199@target.example');
  t.same(await stage.kinds('person199@target.example'), ['confirmation']);
});

t.test('a stranger who enters the address of a subscriber changes nothing', async (t) => {
  const stage = await openStage(t);
  await stage.join('a@example.org', { company: 'ACME', locale: 'de', services: ['community'] });
  const before = await stage.person('a@example.org');
  await stage.ask('A@example.org', { company: 'Evil', locale: 'en', services: ['analytics'] });
  t.same(await stage.person('a@example.org'), before);
  t.same(await stage.kinds('a@example.org'), ['confirmation', 'welcome', 'already-subscribed']);
  t.equal((await stage.letters())[2]?.locale, 'de', "in the subscriber's own language");
  await stage.ask('a@example.org');
  t.equal((await stage.letters()).length, 3, 'within the same limits');

  await unsubscribe(stage.deps, (await stage.linksOf('a@example.org')).unsubscribe, 'page');
  stage.clock.advance({ days: 1 });
  const left = await stage.person('a@example.org');
  await stage.ask('a@example.org', { company: 'Evil', services: ['analytics'] });
  t.same(await stage.person('a@example.org'), left, 'nor when they have left');
});

t.test('who has left comes back by confirming anew, with the old consent kept in the history', async (t) => {
  const stage = await openStage(t);
  await stage.ask('a@example.org', { company: 'ACME' });
  const used = await stage.lastLink('a@example.org');
  await confirm(stage.deps, used);
  const first = await stage.person('a@example.org');
  await unsubscribe(stage.deps, (await stage.linksOf('a@example.org')).unsubscribe, 'one-click');
  t.match(await confirm(stage.deps, used), { state: 'used' }, 'an old link brings nobody back');

  await stage.ask('a@example.org', { services: ['analytics'] });
  t.equal((await stage.person('a@example.org'))?.status, 'unsubscribed', 'until it is confirmed');
  stage.clock.advance({ hours: 2 });
  t.match(await confirm(stage.deps, await stage.lastLink('a@example.org')), { state: 'confirmed' });
  t.match(await stage.person('a@example.org'), {
    status: 'confirmed',
    confirmedAt: stage.clock.now(),
    company: 'ACME',
    services: ['analytics'],
    unsubscribedAt: null,
  });
  t.ok(((await stage.person('a@example.org'))?.confirmedMoment ?? 0) > (first?.confirmedMoment ?? 0));
  const kinds = (await stage.events('a@example.org')).map(({ kind }) => kind);
  t.same(kinds, ['requested', 'confirmed', 'unsubscribed', 'repeated', 'confirmed']);
});

t.test('a link lasts 48 hours from when its letter went, and asking again helps', async (t) => {
  const stage = await openStage(t);
  await stage.ask('a@example.org');
  stage.clock.advance({ days: 5 });
  const link = await stage.lastLink('a@example.org');
  t.match(await confirmState(stage.deps, link), { state: 'open' }, 'while the relay is down');
  await stage.markAllSent();
  stage.clock.advance({ hours: 47 });
  t.match(await confirmState(stage.deps, link), { state: 'open' });
  stage.clock.advance({ hours: 2 });
  t.match(await confirmState(stage.deps, link), { state: 'expired', address: 'a•••@e•••.org' });
  t.match(await confirm(stage.deps, link), { state: 'expired' });
  await stage.ask('a@example.org');
  t.match(await confirm(stage.deps, await stage.lastLink('a@example.org')), { state: 'confirmed' });
  t.match(await confirm(stage.deps, link), { state: 'confirmed' }, 'the ended link then says that all is well');
});

t.test('a suppressed address stays suppressed until its owner confirms', async (t) => {
  const stage = await openStage(t);
  await stage.join('dead@example.org');
  t.equal(await stage.bounce('dead@example.org'), true);
  t.equal(await stage.bounce('dead@example.org', 'complaint'), false, 'the first reason stays');
  await stage.ask('dead@example.org');
  t.equal((await stage.kinds('dead@example.org')).at(-1), 'confirmation');
  t.same(await suppressions(stage), ['hard-bounce']);
  await confirm(stage.deps, await stage.lastLink('dead@example.org'));
  t.same(await suppressions(stage), []);
  t.match((await stage.events('dead@example.org')).map(({ kind }) => kind).slice(-2), ['revived', 'confirmed']);

  await stage.bounce('dead@example.org', 'admin');
  await stage.ask('dead@example.org');
  t.equal((await stage.kinds('dead@example.org')).at(-1), 'welcome', 'what an admin closed, no form opens');
  t.same(await suppressions(stage), ['admin']);
});

t.test('links in mail outlive a change of SECRET_KEY, also in letters that still wait', async (t) => {
  const stage = await openStage(t);
  await stage.ask('a@example.org');
  const [waiting] = await stage.letters();
  const link = await stage.lastLink('a@example.org');
  const secretKeys = ['another key, made later and put in front of it', ...stage.deps.config.secretKeys];
  const later = { ...stage.deps, config: { ...stage.deps.config, secretKeys } };
  t.match(await confirmationData(later, waiting?.params), { token: link, purpose: 'confirm' });
  const { unsubscribe: old } = await stage.linksOf('a@example.org');
  t.match(await confirm(later, link), { state: 'confirmed' });
  t.equal(await confirmationData(later, waiting?.params), null, 'nothing is left to say');
  t.match(await unsubscribe(later, old, 'one-click'), { state: 'left' });
});

t.test('a confirmation waits for a publication under way, and comes after it', async (t) => {
  const stage = await openStage(t);
  await stage.ask('a@example.org');
  const link = await stage.lastLink('a@example.org');
  let pending: Promise<unknown> = Promise.resolve();
  await transaction(stage.deps.db, async (tx) => {
    await lockPublishing(tx);
    pending = confirm(stage.deps, link);
    await run(tx, sql`select nextval('moments'), pg_sleep(0.2)`);
    t.equal((await stage.person('a@example.org'))?.status, 'pending');
  });
  await pending;
  t.match(await stage.person('a@example.org'), { status: 'confirmed', confirmedMoment: 2 });
});

t.test('who never confirms is removed seven days after the last link has ended', async (t) => {
  const stage = await openStage(t);
  await stage.ask('waiting@example.org');
  await stage.ask('silent@example.org');
  await stage.ask('not-me@example.org');
  await stage.join('here@example.org');
  await stage.join('gone@example.org');
  await unsubscribe(stage.deps, (await stage.linksOf('gone@example.org')).unsubscribe, 'page');
  await unsubscribe(stage.deps, (await stage.linksOf('not-me@example.org')).unsubscribe, 'page');
  for (const letter of await stage.letters('silent@example.org')) await stage.markSent(letter);
  for (const letter of await stage.letters('not-me@example.org')) await stage.markSent(letter);

  stage.clock.advance({ days: 8, hours: 23 });
  t.equal(await purgePending(stage.deps), 0);
  stage.clock.advance({ hours: 2 });
  const removed = await Promise.all([purgePending(stage.deps), purgePending(stage.deps)]);
  t.equal(removed[0] + removed[1], 2, 'also by two at once');
  t.ok(await stage.person('waiting@example.org'), 'not while the letter is on its way');
  t.ok(await stage.person('here@example.org'));
  t.ok(await stage.person('gone@example.org'), 'who once confirmed stays, for the proof');
  t.notOk(await stage.person('silent@example.org'));
  t.notOk(await stage.person('not-me@example.org'));
  t.same(await stage.letters('silent@example.org'), [], 'their address is gone from the outbox as well');
  t.equal(
    (await stage.audited('subscriber.purged')).reduce((sum, { detail }) => sum + Number(detail.count), 0),
    2,
  );

  await stage.ask('silent@example.org');
  t.same(await stage.kinds('silent@example.org'), ['confirmation'], 'and may ask again');
});

async function suppressions({ deps }: Stage): Promise<string[]> {
  const { rows } = await deps.db.query<{ reason: string }>('select reason from suppressions');
  return rows.map(({ reason }) => reason);
}

async function dump({ deps }: Stage): Promise<unknown[]> {
  const tables = [
    'subscribers',
    'subscriber_events',
    'single_use_tokens',
    'suppressions',
    'letter_limits',
    'deliveries',
    'audit_log',
  ];
  const all: unknown[] = [];
  for (const table of tables) all.push((await deps.db.query(`select * from ${table} order by 1`)).rows);
  return all;
}
