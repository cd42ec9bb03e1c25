import t from 'tap';
import { requestAddressChange } from '../../src/subscribers/address-change.js';
import { browseSubscribers, countByStatus } from '../../src/subscribers/browse.js';
import { confirm, confirmState } from '../../src/subscribers/confirm.js';
import { eraseMe, eraseSubscriber } from '../../src/subscribers/erase.js';
import { addressChangedData, manageLinkData } from '../../src/subscribers/letters.js';
import { readManaged, requestManageLink } from '../../src/subscribers/manage.js';
import { myData } from '../../src/subscribers/my-data.js';
import { readPreferences, savePreferences } from '../../src/subscribers/preferences.js';
import { unsubscribe, unsubscribeState } from '../../src/subscribers/unsubscribe.js';
import { openStage, type Stage } from './make.js';

const known = ['analytics', 'community'];

t.test('leaving works once and says so every time, also twice at the same moment', async (t) => {
  const stage = await openStage(t);
  await stage.join('a@example.org');
  const { unsubscribe: link, preferences } = await stage.linksOf('a@example.org');
  t.same(await unsubscribeState(stage.deps, link), {
    state: 'subscribed',
    address: 'a•••@e•••.org',
    locale: 'en',
    kind: 'voluntary',
  });
  const both = await Promise.all(Array.from({ length: 20 }, () => unsubscribe(stage.deps, link, 'one-click')));
  t.strictSame(new Set(both.map(({ state }) => state)), new Set(['left']));
  const left = await stage.person('a@example.org');
  stage.clock.advance({ days: 1 });
  t.match(await unsubscribe(stage.deps, link, 'page'), { state: 'left', address: 'a•••@e•••.org' });
  t.same(await stage.person('a@example.org'), left, 'the first time counts');
  const audit = await stage.audited('subscriber.unsubscribed');
  t.match(audit, [{ actor: { kind: 'subscriber' }, detail: { via: 'one-click', before: 'confirmed' } }]);
  t.equal(audit.length, 1);
  t.equal((await stage.letters()).find(({ kind }) => kind === 'welcome')?.state, 'suppressed', 'what is queued stays');
  t.same(await unsubscribeState(stage.deps, link), {
    state: 'left',
    address: 'a•••@e•••.org',
    locale: 'en',
    kind: 'voluntary',
  });

  for (const odd of ['', `${link.slice(0, 29)}${link.endsWith('A') ? 'B' : 'A'}`, preferences]) {
    await t.rejects(unsubscribe(stage.deps, odd, 'one-click'), { code: 'token.unknown' });
    await t.rejects(unsubscribeState(stage.deps, odd), { code: 'token.unknown' });
  }
});

t.test('a repeated one-click does not end a link that was asked for after leaving', async (t) => {
  const stage = await openStage(t);
  await stage.join('a@example.org');
  const { unsubscribe: link } = await stage.linksOf('a@example.org');
  await unsubscribe(stage.deps, link, 'one-click');
  await stage.ask('a@example.org');
  const back = await stage.lastLink('a@example.org');
  await unsubscribe(stage.deps, link, 'one-click');
  t.match(await confirm(stage.deps, back), { state: 'confirmed' });
});

t.test('leaving, asking and confirming at the same time end in one state, and in no deadlock', async (t) => {
  const stage = await openStage(t);
  await stage.join('a@example.org');
  const { unsubscribe: leave, preferences } = await stage.linksOf('a@example.org');
  const id = await stage.idOf('a@example.org');
  await stage.bounce('a@example.org');
  await stage.ask('a@example.org');
  const link = await stage.lastLink('a@example.org');
  const deeds = Array.from({ length: 24 }, (_, n) => {
    if (n % 4 === 0) return unsubscribe(stage.deps, leave, 'one-click');
    if (n % 4 === 1) return stage.ask('a@example.org');
    if (n % 4 === 2) return confirm(stage.deps, link);
    return savePreferences(stage.deps, preferences, { locale: 'de', services: null, toldOf: 'all' }, known);
  });
  await Promise.all(deeds);
  t.match((await stage.person('a@example.org'))?.status, /^(confirmed|unsubscribed)$/);
  await eraseSubscriber(stage.deps, id, admin);
});

t.test('preferences show a masked address, and are saved once', async (t) => {
  const stage = await openStage(t);
  await stage.join('anna.berg@example.org', { company: 'ACME' });
  const { preferences, unsubscribe: other } = await stage.linksOf('anna.berg@example.org');
  const shown = await readPreferences(stage.deps, preferences);
  t.same(shown, {
    address: 'a•••@e•••.org',
    status: 'confirmed',
    locale: 'en',
    services: null,
    toldOf: 'all',
    kind: 'voluntary',
  });
  const wanted = { locale: 'de', services: ['community', 'community'], toldOf: 'material' as const };
  await savePreferences(stage.deps, preferences, wanted, known);
  await savePreferences(stage.deps, preferences, wanted, known);
  t.match(await stage.person('anna.berg@example.org'), { locale: 'de', services: ['community'], toldOf: 'material' });
  t.equal((await stage.audited('subscriber.preferences')).length, 1);
  await t.rejects(savePreferences(stage.deps, preferences, { ...wanted, services: ['x'] }, known), {
    code: 'input.invalid',
    errors: [{ path: 'services' }],
  });
  await t.rejects(readPreferences(stage.deps, other), { code: 'token.unknown' });
});

t.test('one’s data need a second link, mailed to the address and good for an hour', async (t) => {
  const stage = await openStage(t);
  await stage.join('a@example.org', { company: 'ACME' });
  const { preferences } = await stage.linksOf('a@example.org');
  await t.rejects(readManaged(stage.deps, preferences), { code: 'token.unknown' }, 'the first link is not enough');
  await Promise.all(Array.from({ length: 20 }, () => requestManageLink(stage.deps, preferences)));
  t.equal((await stage.kinds('a@example.org')).filter((kind) => kind === 'manage-link').length, 1, 'limited');
  const link = await stage.lastLink('a@example.org');
  await stage.markAllSent();
  stage.clock.advance({ minutes: 59 });
  t.match(await readManaged(stage.deps, link), { email: 'a@example.org', status: 'confirmed' });
  const data = await myData(stage.deps, link);
  t.match(data, {
    subscriber: { email: 'a@example.org', company: 'ACME', status: 'confirmed' },
    events: [{ kind: 'requested', detail: { wording: 'I want to be told of changes.' } }, { kind: 'confirmed' }],
    mail: [{ kind: 'confirmation', state: 'sent' }, { kind: 'welcome' }, { kind: 'manage-link' }],
    objections: [],
  });
  t.notOk('emailHash' in data.subscriber);
  stage.clock.advance({ minutes: 2 });
  await t.rejects(myData(stage.deps, link), { code: 'token.expired' });
  const [last] = (await stage.letters('a@example.org')).slice(-1);
  t.equal(await manageLinkData(stage.deps, last?.params), null, 'an ended link is not mailed');
});

t.test('another address is told only after it has answered', async (t) => {
  const stage = await openStage(t);
  await stage.join('old@example.org');
  const links = await stage.linksOf('old@example.org');
  const manage = await stage.manageLink('old@example.org');
  await t.rejects(requestAddressChange(stage.deps, manage, 'no address'), { errors: [{ path: 'email' }] });
  await requestAddressChange(stage.deps, manage, 'New@example.org');
  t.ok(await stage.person('old@example.org'), 'nothing has moved yet');
  const link = await stage.lastLink('new@example.org');
  t.match(await confirmState(stage.deps, link), { state: 'open', purpose: 'change-address', address: 'N•••@e•••.org' });
  const twice = await Promise.all([confirm(stage.deps, link), confirm(stage.deps, link)]);
  t.match(twice, [{ state: 'confirmed' }, { state: 'confirmed' }]);
  t.match(await stage.person('new@example.org'), { email: 'New@example.org', status: 'confirmed' });
  t.notOk(await stage.person('old@example.org'));
  t.same((await stage.kinds('old@example.org')).filter((kind) => kind === 'address-changed').length, 1);
  const told = (await stage.letters('old@example.org')).find(({ kind }) => kind === 'address-changed');
  t.same(await addressChangedData(stage.deps, told?.params), { maskedAddress: 'N•••@e•••.org' });
  t.same(await stage.linksOf('new@example.org'), links, 'links in older mails stay theirs');
  t.equal((await stage.audited('subscriber.address-changed')).length, 1);
  t.match(await confirmState(stage.deps, link), { state: 'confirmed' });
  await t.rejects(myData(stage.deps, manage), { code: 'token.expired' }, 'what was mailed to the old address is over');

  await stage.ask('old@example.org');
  t.match(await stage.person('old@example.org'), { status: 'pending' }, 'the old address is free for another person');
});

t.test('an address that a subscriber has already: both mailboxes are one person, who is told once', async (t) => {
  const stage = await openStage(t);
  await stage.join('old@example.org', { company: 'ACME', locale: 'de' });
  await stage.join('left@example.org');
  await unsubscribe(stage.deps, (await stage.linksOf('left@example.org')).unsubscribe, 'page');
  stage.clock.advance({ hours: 1 });
  const manage = await stage.manageLink('old@example.org');
  await requestAddressChange(stage.deps, manage, 'left@example.org');
  t.match(await confirm(stage.deps, await stage.lastLink('left@example.org')), { state: 'confirmed' });
  t.match(await stage.person('left@example.org'), { status: 'confirmed', company: 'ACME', locale: 'de' });
  t.match(await stage.person('old@example.org'), { status: 'unsubscribed' });
  const told = (await stage.letters('old@example.org')).find(({ kind }) => kind === 'address-changed');
  t.same(await addressChangedData(stage.deps, told?.params), { maskedAddress: 'l•••@e•••.org' });
  t.equal((await stage.kinds('left@example.org')).at(-1), 'welcome', 'which names the windows that are open');
  t.match(await countByStatus(stage.deps.db), { confirmed: 1, unsubscribed: 1 });
});

t.test('leaving ends a change of address that was under way', async (t) => {
  const stage = await openStage(t);
  await stage.join('old@example.org');
  await requestAddressChange(stage.deps, await stage.manageLink('old@example.org'), 'new@example.org');
  const link = await stage.lastLink('new@example.org');
  await unsubscribe(stage.deps, (await stage.linksOf('old@example.org')).unsubscribe, 'page');
  t.match(await confirm(stage.deps, link), { state: 'used' });
  t.notOk(await stage.person('new@example.org'));
});

t.test('the form for another address tells nothing: the same is done for any of them', async (t) => {
  const stage = await openStage(t);
  for (const address of ['pending', 'confirmed', 'unsubscribed', 'suppressed'])
    await stage.ask(`${address}@example.org`);
  for (const address of ['confirmed', 'unsubscribed', 'suppressed']) {
    await confirm(stage.deps, await stage.lastLink(`${address}@example.org`));
  }
  await unsubscribe(stage.deps, (await stage.linksOf('unsubscribed@example.org')).unsubscribe, 'page');
  await stage.bounce('suppressed@example.org');
  stage.clock.advance({ days: 2 });
  await stage.join('me@example.org');
  const manage = await stage.manageLink('me@example.org');
  for (const address of ['never-seen', 'pending', 'confirmed', 'unsubscribed', 'suppressed']) {
    const before = await stage.person(`${address}@example.org`);
    await requestAddressChange(stage.deps, manage, `${address}@example.org`);
    t.equal((await stage.kinds(`${address}@example.org`)).at(-1), 'confirmation', address);
    t.same(await stage.person(`${address}@example.org`), before, address);
  }
});

t.test('erasure removes the person and keeps the proof without them', async (t) => {
  const stage = await openStage(t);
  await stage.ask('a@example.org', { company: 'A Very Rare Company' });
  const confirmation = await stage.lastLink('a@example.org');
  await confirm(stage.deps, confirmation);
  const id = await stage.idOf('a@example.org');
  const { unsubscribe: link, preferences } = await stage.linksOf('a@example.org');
  await Promise.allSettled([eraseSubscriber(stage.deps, id, admin), eraseSubscriber(stage.deps, id, admin)]);
  await t.rejects(eraseSubscriber(stage.deps, id, admin), { code: 'subscriber.missing' });
  const everything = await wholeDatabase(stage);
  t.notMatch(everything, /a@example\.org|Very Rare/i, 'no trace in any table');
  t.same(
    (await stage.letters()).map(({ state, email }) => [state, email]),
    [
      ['suppressed', null],
      ['suppressed', null],
    ],
  );
  t.match(await stage.audited('subscriber.erased'), [
    { subject: `subscriber ${id}`, actor: { kind: 'admin' }, detail: { trace: /^[0-9a-f]{16}$/, suppressed: false } },
  ]);
  t.equal((await stage.audited('subscriber.erased')).length, 1);
  t.same(await unsubscribe(stage.deps, link, 'one-click'), { state: 'left', address: null, locale: null, kind: null });
  t.equal(await readPreferences(stage.deps, preferences), null);
  t.match(await confirm(stage.deps, confirmation), { state: 'unknown' });
});

t.test('a person erases themselves with the link of the mail, and may come back the same minute', async (t) => {
  const stage = await openStage(t);
  await stage.join('a@example.org');
  const manage = await stage.manageLink('a@example.org');
  await eraseMe(stage.deps, manage);
  t.notOk(await stage.person('a@example.org'));
  t.notMatch(await wholeDatabase(stage), /a@example\.org/i);
  await t.rejects(eraseMe(stage.deps, manage), { code: 'token.unknown' });
  t.match(await stage.join('a@example.org'), { state: 'confirmed' });

  await eraseMe(stage.deps, await stage.manageLink('a@example.org'), { suppress: true });
  t.match(await stage.deps.db.query('select reason from suppressions'), { rows: [{ reason: 'erased' }] });
});

t.test('admins find people by address, company and status, page by page', async (t) => {
  const stage = await openStage(t);
  await stage.ask('Pending@example.org', { company: '100% Ünder_score' });
  await stage.join('confirmed@example.org');
  await stage.join('bounced@example.org');
  await stage.bounce('bounced@example.org');
  const { db } = stage.deps;
  const find = async (search: { status?: 'suppressed' | 'confirmed'; q?: string }) =>
    (await browseSubscribers(db, { ...search, limit: 10 })).subscribers.map(({ email }) => email);
  t.same(await find({ status: 'confirmed' }), ['confirmed@example.org']);
  t.same(await find({ status: 'suppressed' }), ['bounced@example.org']);
  t.same(await find({ q: 'PENDING@' }), ['Pending@example.org']);
  t.same(await find({ q: '100% ün' }), ['Pending@example.org']);
  t.same(await find({ q: '%' }), ['Pending@example.org'], 'a sign of patterns is a sign');
  t.same(await find({ q: 'r_s' }), ['Pending@example.org']);
  t.same(await find({ q: '\\' }), []);
  t.same(await find({ q: 'confirmed\0' }), ['confirmed@example.org']);
  const first = await browseSubscribers(db, { limit: 2 });
  const second = await browseSubscribers(db, { limit: 2, after: first.next ?? 0 });
  t.same([first.subscribers.length, second.subscribers.length, second.next], [2, 1, null]);
  t.match(second.subscribers, [{ status: 'suppressed', suppressedBecause: 'hard-bounce' }]);
  t.same(await countByStatus(db), { pending: 1, confirmed: 1, unsubscribed: 0, suppressed: 1 });
});

const admin = { kind: 'admin', id: 1, role: 'admin' } as const;

async function wholeDatabase({ deps }: Stage): Promise<string> {
  const { rows: tables } = await deps.db.query<{ name: string }>(
    "select table_name as name from information_schema.tables where table_schema = 'public'",
  );
  const all: string[] = [];
  for (const { name } of tables) all.push(JSON.stringify((await deps.db.query(`select * from ${name}`)).rows));
  return all.join('\n');
}
