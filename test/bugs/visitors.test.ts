import type { LightMyRequestResponse } from 'fastify';
import t, { type Test } from 'tap';
import { z } from 'zod';
import { bearer, startApp, type TestApp } from '../support/app.js';
import { until } from '../support/process.js';
import {
  type Answer,
  audited,
  confirmedCsv,
  dump,
  importCsv,
  linkTo,
  listOf,
  mailedLink,
  type Outside,
  oneClick,
  oneClickUrl,
  publish,
  quiet,
  type Sent,
  send,
  sendForm,
  sendJson,
  startOutside,
  statusOf,
  subscribers,
  urlencoded,
  wordsOf,
} from './outside.js';

/*
 * Faults that have hurt the subscribers of systems like this one: could not leave, were told twice, were
 * told on, could not come back.
 */

t.setTimeout(120_000);

const pair = 'List-Unsubscribe=One-Click';

/** The mail of the latest notice to an address. */
function noticeTo({ relay }: Pick<Outside, 'relay'>, address: string) {
  const mail = relay.mailTo(address).findLast(({ raw }) => raw.includes('List-Unsubscribe:'));
  if (mail === undefined) throw new Error(`${address} got no notice`);
  return mail;
}

async function idOf({ service }: Pick<Outside, 'service'>, email: string): Promise<number> {
  const found = (await subscribers(service)).find((one) => one.email === email);
  if (found === undefined) throw new Error(`${email} is no subscriber`);
  return found.id;
}

t.test('case 9: a mailbox provider’s one click is taken as it comes, and nobody else’s is', async (t) => {
  const outside = await startOutside(t);
  const { database, relay, service } = outside;
  const multipart = `--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n`;
  /** Must be taken. */
  const clicks: Record<string, Sent> = {
    a: { headers: urlencoded, body: pair },
    b: { headers: { 'content-type': 'application/x-www-form-urlencoded; charset=UTF-8' }, body: pair },
    c: { headers: { 'content-type': 'multipart/form-data; boundary=b' }, body: multipart },
    d: {
      headers: { ...urlencoded, origin: 'https://mail.example', 'sec-fetch-site': 'cross-site' },
      body: pair,
    },
    'd-no-origin': { headers: { ...urlencoded, origin: 'null', 'sec-fetch-site': 'cross-site' }, body: pair },
  };
  /** May be taken or refused, as long as the answer is true. */
  const oddities: Record<string, Sent> = {
    g: {},
    'g-form': { headers: urlencoded },
    h: { headers: { 'content-type': 'text/plain' }, body: pair },
    'h-json': { headers: { 'content-type': 'application/json' }, body: '{ broken' },
    'h-nonsense': { headers: { 'content-type': ';;=' }, body: pair },
  };
  const address = (name: string) => `${name}@example.org`;
  const names = [...Object.keys(clicks), ...Object.keys(oddities), 'e', 'f', 'i'];
  await publish(service, listOf('Nordwind'), { notify: false });
  await importCsv(service, confirmedCsv(...names.map(address)));
  await publish(service, listOf('Nordwind', 'Letterbird'));
  await quiet(outside);
  const urls = new Map(names.map((name) => [name, oneClickUrl(noticeTo(outside, address(name)))]));
  const urlOf = (name: string) => urls.get(name) ?? '';
  t.equal(new Set(urls.values()).size, names.length, 'each has a link of their own');

  const left = async (name: string, answer: Answer) => {
    t.ok(answer.status >= 200 && answer.status < 300, `(${name}) is answered with ${answer.status}`);
    t.equal(answer.headers.location, undefined, `(${name}) no redirect`);
    t.equal(await statusOf(service, address(name)), 'unsubscribed', `(${name}) is unsubscribed`);
    t.equal(
      await audited(service, 'subscriber.unsubscribed', await idOf(outside, address(name))),
      1,
      `(${name}) stands in the audit log once`,
    );
  };
  for (const [name, sent] of Object.entries(clicks)) {
    await left(name, await send(urlOf(name), { method: 'POST', ...sent }));
  }
  for (const [name, sent] of Object.entries(oddities)) {
    const answer = await send(urlOf(name), { method: 'POST', ...sent });
    const taken = answer.status >= 200 && answer.status < 300;
    t.ok(taken || (answer.status >= 400 && answer.status < 500), `(${name}) is answered with ${answer.status}`);
    t.equal(
      await statusOf(service, address(name)),
      taken ? 'unsubscribed' : 'confirmed',
      `(${name}) the answer is true`,
    );
  }

  // (e) Whoever has used up the form may still leave.
  let form = await sendForm(`${service.url}/subscribe`, { email: 'form0@customer.example' });
  for (let sent = 1; form.status !== 429 && sent < 500; sent += 1) {
    form = await sendForm(`${service.url}/subscribe`, { email: `form${sent}@customer.example` });
  }
  t.equal(form.status, 429, 'the form is used up');
  await left('e', await oneClick(urlOf('e')));

  // (f) Twice at the same moment.
  const both = await Promise.all([oneClick(urlOf('f')), oneClick(urlOf('f'))]);
  for (const answer of both) await left('f', answer);

  // (i) A token with one character changed, at each place, and in each way at the last.
  await quiet(outside);
  const right = urlOf('i');
  const token = right.slice(right.lastIndexOf('/') + 1);
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const changed = [...token].map((character, place) => {
    const other = alphabet[(alphabet.indexOf(character) + 1) % alphabet.length] ?? '';
    return token.slice(0, place) + other + token.slice(place + 1);
  });
  for (const last of alphabet) if (last !== token.at(-1)) changed.push(token.slice(0, -1) + last);
  const before = await dump(database.pool);
  const statuses = new Set<number>();
  for (const wrong of changed) statuses.add((await oneClick(right.replace(token, wrong))).status);
  t.same(
    [...statuses].filter((status) => status < 400 || status > 499),
    [],
    'every changed token is refused',
  );
  t.same(await dump(database.pool), before, 'and changes nothing');

  // The next notice shows who is still told.
  relay.received.length = 0;
  await publish(service, listOf('Nordwind', 'Letterbird', 'Third'));
  await quiet(outside);
  const confirmed = (await subscribers(service)).filter(({ status }) => status === 'confirmed');
  t.same(
    relay.received.flatMap(({ to }) => to).sort(),
    confirmed.map(({ email }) => email).sort(),
    'nobody who left is told again',
  );
  t.ok(confirmed.some(({ email }) => email === address('i')));
  t.equal((await oneClick(right)).status, 200, '(i) the right token still works');
  t.equal(await statusOf(service, address('i')), 'unsubscribed');
});

/** The paths below use the real app in this process, so that days pass by the clock's word. */
async function inApp(t: Test) {
  const app = await startApp(t);
  const form = (email: string) =>
    app.inject({
      method: 'POST',
      url: '/subscribe',
      headers: urlencoded,
      payload: new URLSearchParams({ email }).toString(),
    });
  const post = (url: string) => app.inject({ method: 'POST', url: pathOf(url) });
  const publishNext = async (names: string[], options: object = {}) => {
    const put = await app.inject({ method: 'PUT', url: '/api/v1/draft', headers: bearer, payload: listOf(...names) });
    t.equal(put.statusCode, 200, put.body);
    const sent = await app.inject({ method: 'POST', url: '/api/v1/versions', headers: bearer, payload: options });
    t.equal(sent.statusCode, 201, sent.body);
    await app.settle();
  };
  return { app, form, post, publishNext };
}

const pathOf = (url: string) => new URL(url).pathname;

const person = z.object({
  status: z.string(),
  confirmedAt: z.string().nullable(),
  unsubscribedAt: z.string().nullable(),
});

async function personIn(app: TestApp, email: string): Promise<z.infer<typeof person> | undefined> {
  const url = `/api/v1/subscribers?q=${encodeURIComponent(email)}`;
  const answer = await app.inject({ url, headers: bearer });
  return z.object({ subscribers: z.array(person) }).parse(answer.json()).subscribers[0];
}

t.test('case 9: a one click that the provider repeats a day later is answered the same and counts once', async (t) => {
  const { app, publishNext } = await inApp(t);
  await publishNext(['Nordwind'], { notify: false });
  const payload = confirmedCsv('twice@example.org');
  const headers = { ...bearer, 'content-type': 'text/csv' };
  await app.inject({ method: 'POST', url: '/api/v1/subscribers/import', headers, payload });
  await publishNext(['Nordwind', 'Letterbird']);
  const url = pathOf(oneClickUrl(noticeTo(app, 'twice@example.org')));
  const click = () => app.inject({ method: 'POST', url, headers: urlencoded, payload: pair });
  const answers = await Promise.all([click(), click()]);
  const left = await personIn(app, 'twice@example.org');
  app.clock.advance({ days: 1 });
  answers.push(await click());
  t.same(
    answers.map(({ statusCode, headers }) => [statusCode, headers.location]),
    [200, 200, 200].map((status) => [status, undefined]),
  );
  t.equal(left?.status, 'unsubscribed');
  t.same(await personIn(app, 'twice@example.org'), left, 'the first time is the one that counts');
  const audit = await app.inject({ url: '/api/v1/audit', headers: bearer });
  t.equal(audit.body.match(/subscriber\.unsubscribed/g)?.length, 1, 'and stands in the audit log once');
});

t.test('case 17: however an address is spelled, it is one person with one mail', async (t) => {
  const outside = await startOutside(t);
  const { relay, service } = outside;
  const mailsOf = (key: string) => relay.received.filter(({ to }) => to.some((one) => one.toLowerCase() === key));
  const anna = 'anna.berg@example.org';
  const rowsOfAnna = async () => (await subscribers(service)).filter(({ email }) => email.toLowerCase() === anna);
  await publish(service, listOf('Nordwind'), { notify: false });

  t.match(await importCsv(service, confirmedCsv('Anna.Berg@Example.ORG')), { imported: 1, updated: 0, skipped: 0 });
  t.equal((await sendForm(`${service.url}/subscribe`, { email: anna })).status, 200);
  t.equal((await sendJson(`${service.url}/api/v1/subscriptions`, { email: 'ANNA.BERG@EXAMPLE.ORG' })).status, 202);
  const again = await importCsv(service, confirmedCsv(' anna.berg@example.org ', 'ANNA.Berg@example.Org'));
  t.match(again, { imported: 0, updated: 1, skipped: 1, errors: [{ line: 3 }] }, 'twice in one file is told as such');
  t.equal((await rowsOfAnna()).length, 1, 'one row');
  t.match(await rowsOfAnna(), [{ status: 'confirmed' }]);
  const { rows } = await outside.database.pool.query('select from subscribers');
  t.equal(rows.length, 1, 'in the database as well');

  await quiet(outside);
  relay.received.length = 0;
  await publish(service, listOf('Nordwind', 'Letterbird'));
  await quiet(outside);
  t.equal(mailsOf(anna).length, 1, 'one mail of the notice');
  t.equal(relay.received.length, 1, 'and nobody else');

  const notice = relay.received[0];
  t.equal((await oneClick(notice === undefined ? '' : oneClickUrl(notice))).status, 200);
  relay.received.length = 0;
  for (const spelling of ['Anna.Berg@Example.ORG', anna, 'ANNA.BERG@EXAMPLE.ORG', ' anna.Berg@example.org ']) {
    const skipped = await importCsv(service, confirmedCsv(spelling));
    t.match(skipped, { imported: 0, updated: 0, skipped: 1, errors: [{ line: 2 }] }, `${spelling} counts as left`);
    t.match(await rowsOfAnna(), [{ status: 'unsubscribed' }]);
    t.equal((await rowsOfAnna()).length, 1);
  }
  await sendForm(`${service.url}/subscribe`, { email: 'ANNA.berg@EXAMPLE.org' });
  t.match(await rowsOfAnna(), [{ status: 'unsubscribed' }], 'asking by form in another spelling brings nobody back');

  const others = ['anna.berg+dpo@example.org', 'annaberg@example.org'];
  t.match(await importCsv(service, confirmedCsv(...others)), { imported: 2, updated: 0, skipped: 0 });
  await quiet(outside);
  relay.received.length = 0;
  await publish(service, listOf('Nordwind', 'Letterbird', 'Third'));
  await quiet(outside);
  t.same(relay.received.flatMap(({ to }) => to).sort(), others, 'the others are other people, each with a mail');
  t.equal((await oneClick(oneClickUrl(noticeTo(outside, 'annaberg@example.org')))).status, 200);
  t.equal(await statusOf(service, 'anna.berg+dpo@example.org'), 'confirmed', 'who leave one by one');
});

/** All that an answer tells, once what was typed and what no two answers share are taken out. */
function shapeOf(answer: Answer, typed: string) {
  const { date, 'set-cookie': cookies = [], ...headers } = answer.headers;
  return {
    status: answer.status,
    headers,
    dated: date !== undefined,
    // A cookie's value is chance; its name, its length and all that follows are not.
    cookies: cookies.map((cookie) => cookie.replace(/=[^;]*/, (value) => `=${value.length}`)),
    body: answer.body.replaceAll(typed, 'TYPED'),
    bytes: Buffer.byteLength(answer.body),
  };
}

t.test('case 18: neither form nor API tells who is on the list', async (t) => {
  const outside = await startOutside(t, { env: { TRUST_PROXY: '127.0.0.1' } });
  const { database, relay, service } = outside;
  relay.answerWith(({ stage, subject }) =>
    stage === 'rcpt' && subject.startsWith('dead1') ? '550 5.1.1 no such user' : undefined,
  );
  // All of one length, so that even the number of bytes must agree.
  const [fresh, pending, confirmed, unsubscribed, suppressed] = [
    'fresh@example.org',
    'waits@example.org',
    'there@example.org',
    'leave@example.org',
    'dead1@example.org',
  ];
  const five = [fresh, pending, confirmed, unsubscribed, suppressed];
  let client = 0;
  /** Each request comes from another client, so that no limit is in the way. */
  const another = () => {
    client += 1;
    return { 'x-forwarded-for': `198.51.100.${client}` };
  };
  await publish(service, listOf('Nordwind'), { notify: false });
  await sendForm(`${service.url}/subscribe`, { email: pending }, another());
  await importCsv(service, confirmedCsv(confirmed, unsubscribed, suppressed, 'asker@example.org'));
  await publish(service, listOf('Nordwind', 'Letterbird'));
  await quiet(outside);
  await oneClick(oneClickUrl(noticeTo(outside, unsubscribed)));
  const states = async () =>
    Object.fromEntries((await subscribers(service)).map(({ email, status }) => [email, status]));
  const asBefore = {
    'asker@example.org': 'confirmed',
    [pending]: 'pending',
    [confirmed]: 'confirmed',
    [unsubscribed]: 'unsubscribed',
    [suppressed]: 'suppressed',
  };
  // A bounce is acted upon a moment after the delivery is settled.
  await until('the suppression', async () => (await statusOf(service, suppressed)) === 'suppressed');
  t.same(await states(), asBefore, 'the five are what they are meant to be');

  /** Rows of those who were there before, whatever was typed since. */
  const people = async () => {
    const all = await dump(database.pool);
    const known = (rows: unknown[] = []) => rows.filter((row) => !JSON.stringify(row).includes(fresh));
    return { subscribers: known(all.subscribers), suppressions: all.suppressions };
  };
  const before = await people();
  relay.received.length = 0;

  const alike = async (what: string, status: number, ask: (email: string) => Promise<Answer>, typed = five) => {
    const shapes = [];
    for (const email of typed) shapes.push({ email, shape: shapeOf(await ask(email), email) });
    const [first] = shapes;
    t.equal(first?.shape.status, status, `${what} answers with ${first?.shape.status}`);
    for (const { email, shape } of shapes.slice(1))
      t.strictSame(shape, first?.shape, `${what}: ${email} is no different`);
    return first?.shape;
  };
  const byForm = (email: string) => sendForm(`${service.url}/subscribe`, { email, company: 'Any' }, another());
  const byApi = (email: string) => sendJson(`${service.url}/api/v1/subscriptions`, { email }, another());
  const page = await alike('the form', 200, byForm);
  t.equal(page?.cookies.length, 1, 'with a cookie for each');
  await alike('the API', 202, byApi);
  t.strictSame(await alike('the form, a second time', 200, byForm), page, 'the first time and the second are the same');
  await quiet(outside);
  t.same(await people(), before, 'the rows are as before');
  t.same(await states(), { ...asBefore, [fresh]: 'pending' }, 'and so are the states');

  const toConfirmed = relay.mailTo(confirmed);
  t.ok(toConfirmed.length <= 1, 'whoever is confirmed gets one mail at the most');
  for (const mail of toConfirmed) {
    const links = (await mail.links()).map((link) => link.replace(/[^/]*$/, ''));
    t.ok(links.includes(`${service.url}/preferences/`), 'with a link to their preferences');
    t.notOk(links.includes(`${service.url}/confirm/`), 'and nothing to confirm');
  }

  // The preferences page: a colleague, and another address.
  const preferences = await linkTo(relay, confirmed, 'preferences').catch(() => '');
  const settings = await send(preferences, { headers: another() });
  const colleague = /<section[^>]*aria-labelledby="colleague"[\s\S]*?href="([^"]+)"/.exec(settings.body)?.[1];
  t.equal(colleague, '/subscribe', '“add a colleague” leads to the form that was just tried');
  t.equal((await sendForm(`${preferences}/manage-link`, {}, another())).status, 200);
  const manage = await mailedLink(relay, confirmed, 'manage');
  const form = /<form[^>]*action="(\/manage\/[^"]+\/address)"/.exec((await send(manage)).body)?.[1] ?? '';
  relay.received.length = 0;
  await alike('“other address”', 200, (email) => sendForm(service.url + form, { email }, another()));
  // Addresses that no form has named yet, so that mail may go: one is free, the other somebody's.
  await alike(
    '“other address”, a new one and a taken one',
    200,
    (email) => sendForm(service.url + form, { email }, another()),
    ['clean@example.org', 'asker@example.org'],
  );
  await quiet(outside);
  t.same(
    relay.received.flatMap(({ to }) => to).sort(),
    ['asker@example.org', 'clean@example.org'],
    'the same mail goes to both of them',
  );
  t.same(await people(), before, 'the rows are as before');
});

t.test('case 25: who has left comes back by asking and confirming anew, and not before', async (t) => {
  const { app, form, post, publishNext } = await inApp(t);
  const { relay } = app;
  const email = 'back@example.org';
  const mails = () => relay.mailTo(email);
  await publishNext(['Nordwind'], { notify: false });
  await form(email);
  await app.settle();
  const firstLink = await linkTo(relay, email, 'confirm');
  t.equal((await post(firstLink)).statusCode, 200);
  const first = await personIn(app, email);
  t.equal(first?.status, 'confirmed');

  app.clock.advance({ hours: 1 });
  await publishNext(['Nordwind', 'Letterbird']);
  await post(oneClickUrl(noticeTo(app, email)));
  t.equal((await personIn(app, email))?.status, 'unsubscribed');

  // Asking again, at once and by the form, brings a new mail and changes nothing else.
  app.clock.advance({ minutes: 5 });
  relay.received.length = 0;
  const asked = await form(email);
  await app.settle();
  t.equal(asked.statusCode, 200);
  t.equal(mails().length, 1, 'a new confirmation mail');
  const secondLink = await linkTo(relay, email, 'confirm');
  t.not(secondLink, firstLink);
  // Insisting does not flood the mailbox: the limits of the form hold.
  for (let times = 0; times < 5; times += 1) await form(email);
  await app.settle();
  t.ok(mails().length <= 2, 'within the limits of the form');
  const left = await personIn(app, email);
  t.equal(left?.status, 'unsubscribed', 'until it is confirmed the state stays');
  t.equal(left?.confirmedAt, first?.confirmedAt);
  relay.received.length = 0;
  await publishNext(['Nordwind', 'Letterbird', 'Third']);
  t.same(mails(), [], 'and no notice goes');
  t.equal((await app.inject({ url: pathOf(secondLink) })).statusCode, 200);
  t.equal((await personIn(app, email))?.status, 'unsubscribed', 'nor does a look at the link bring anybody back');

  app.clock.advance({ minutes: 5 });
  t.equal((await post(secondLink)).statusCode, 200);
  const second = await personIn(app, email);
  t.match(second, { status: 'confirmed', confirmedAt: app.clock.now().toISOString() }, 'a new consent time');
  t.not(second?.confirmedAt, first?.confirmedAt);
  await app.settle();

  // The history that the person themselves can have still holds the first consent.
  await post(`${await linkTo(relay, email, 'preferences')}/manage-link`);
  await app.settle();
  const data = await post(`${await linkTo(relay, email, 'manage')}/my-data`);
  const { events } = z.object({ events: z.array(z.object({ kind: z.string(), at: z.string() })) }).parse(data.json());
  t.same(
    events.filter(({ kind }) => ['confirmed', 'unsubscribed'].includes(kind)).map(({ kind, at }) => [kind, at]),
    [
      ['confirmed', first?.confirmedAt],
      ['unsubscribed', left?.unsubscribedAt],
      ['confirmed', second?.confirmedAt],
    ],
    'with the old one kept in the history',
  );

  relay.received.length = 0;
  await publishNext(['Nordwind', 'Letterbird', 'Third', 'Fourth']);
  t.equal(mails().length, 1, 'notices go again');
});

/** The page of a link that is over says what it is and has the form on it. */
function isOver(t: Test, answer: LightMyRequestResponse, says: RegExp, what: string): void {
  t.ok(answer.statusCode >= 400 && answer.statusCode < 500, `${what}: ${answer.statusCode}`);
  t.match(wordsOf(answer.body), says, what);
  t.match(answer.body, /<form[^>]*method="post"[^>]*action="\/subscribe"/, `${what}: the form is there`);
  t.match(answer.body, /<input[^>]*name="email"/, `${what}: with the field for the address`);
}

t.test('case 25: a late or used link says so, offers the form, and that form works', async (t) => {
  const { app, form, post } = await inApp(t);
  const { relay } = app;
  const email = 'late@example.org';
  await form(email);
  await app.settle();
  const late = await linkTo(relay, email, 'confirm');
  app.clock.advance({ hours: 49 });
  isOver(t, await app.inject({ url: pathOf(late) }), /run out/, 'a late link, opened');
  isOver(t, await post(late), /run out/, 'a late link, its button pressed');
  t.equal((await personIn(app, email))?.status, 'pending');

  relay.received.length = 0;
  t.equal((await form(email)).statusCode, 200);
  await app.settle();
  t.equal(relay.mailTo(email).length, 1, 'asking again brings a new mail');
  const fresh = await linkTo(relay, email, 'confirm');
  t.not(fresh, late);
  isOver(t, await post(late), /run out/, 'the late link stays late');
  t.equal((await post(fresh)).statusCode, 200);
  t.equal((await personIn(app, email))?.status, 'confirmed');
  await app.settle();

  const before = await dump(app.database.pool);
  for (const [what, link] of Object.entries({ used: fresh, late })) {
    for (const answer of [await app.inject({ url: pathOf(link) }), await post(link)]) {
      t.equal(answer.statusCode, 200, `a ${what} link of somebody confirmed`);
      t.match(wordsOf(answer.body), /All is well|You are subscribed/, `a ${what} link says that all is well`);
    }
  }
  t.same(await dump(app.database.pool), before, 'and changes nothing');

  await post(await linkTo(relay, email, 'unsubscribe'));
  isOver(t, await app.inject({ url: pathOf(fresh) }), /used/, 'a used link of somebody who has left');
  isOver(t, await post(fresh), /used/, 'its button');
  t.equal((await personIn(app, email))?.status, 'unsubscribed', 'brings nobody back');
  isOver(t, await app.inject({ url: `${pathOf(fresh).slice(0, -4)}AAAA` }), /./, 'a link that is none of ours');

  relay.received.length = 0;
  await form(email);
  await app.settle();
  t.equal(relay.mailTo(email).length, 1, 'the form of that page brings a new mail');
  t.equal((await post(await linkTo(relay, email, 'confirm'))).statusCode, 200);
  t.equal((await personIn(app, email))?.status, 'confirmed');
});
