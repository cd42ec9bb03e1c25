import t, { type Test } from 'tap';
import type { ListDocument, SubProcessor } from '../../src/list/document.js';
import { signInAs } from '../admin/support.js';
import { bearer, startApp } from '../support/app.js';
import { aList } from '../versions/make.js';

/*
 * The quiet time from the outside: what the API and the console say, and what arrives at readers.
 */

const openai: SubProcessor = { id: 'openai', name: 'OpenAI', services: ['chat'] };
const stripe: SubProcessor = { id: 'stripe', name: 'Stripe', services: ['shop'] };

function listOf(...entries: (string | SubProcessor)[]): ListDocument {
  return {
    ...aList(...entries),
    services: [
      { id: 'chat', name: 'Chat' },
      { id: 'shop', name: 'Shop' },
    ],
  };
}

/** A notice up to where it is personal. */
function aboveLinks(text: string): string {
  return (text.split('HOW TO OBJECT')[0] ?? '').trim();
}

/** The service with an hour of quiet time, version 1, and Ann, who is told of everything. */
async function openQuiet(t: Test) {
  const app = await startApp(t, { env: { QUIET_MINUTES: '60', COMPANY_NAME: 'Acme' } });
  const call = async (method: 'GET' | 'POST' | 'PUT', path: string, payload?: object) => {
    const answer = await app.inject({ method, url: `/api/v1${path}`, headers: bearer, ...(payload && { payload }) });
    return { status: answer.statusCode, ...answer.json() };
  };
  const publish = async (document: ListDocument, request: object = {}) => {
    await call('PUT', '/draft', document);
    return call('POST', '/versions', request);
  };
  /** Subscribes and confirms; what came before is put aside. */
  const join = async (email: string, more: object = {}) => {
    await app.inject({ method: 'POST', url: '/api/v1/subscriptions', payload: { email, ...more } });
    await app.send();
    const [mail] = app.relay.mailTo(email);
    const link = (await mail?.links())?.find((url) => url.includes('/confirm/'));
    await app.inject({ method: 'POST', url: new URL(link ?? '').pathname });
    await app.send();
  };
  /** Subjects and texts of what an address got since the last look. */
  const seen = new Map<string, number>();
  const arrived = async (email: string) => {
    const mails = app.relay.mailTo(email).slice(seen.get(email) ?? 0);
    seen.set(email, (seen.get(email) ?? 0) + mails.length);
    return Promise.all(
      mails.map(async (mail) => {
        const { subject, text } = await mail.parse();
        return { subject: subject ?? '', text: text ?? '', links: await mail.links() };
      }),
    );
  };
  await publish(listOf('Twilio'));
  await join('ann@example.org');
  await arrived('ann@example.org');
  return { app, call, publish, join, arrived, ann: () => arrived('ann@example.org') };
}

t.test('three versions within an hour are one mail of what changes in the end', async (t) => {
  const { app, call, publish, ann } = await openQuiet(t);
  const two = await publish(listOf('Twilio', openai), { message: 'We add AI.' });
  t.match(two, { status: 201, notice: { ordered: true, sendAfter: '2027-01-04T10:00:00.000Z' } });
  await publish(listOf('Twilio', openai, 'Mistral'));
  app.clock.advance({ minutes: 59 });
  await publish(listOf('Twilio', openai, stripe));
  await app.settle();
  t.same(await ann(), [], 'nothing before its end');
  t.match(await call('GET', '/versions/3/deliveries'), {
    counts: { queued: 0 },
    complete: false,
    toldWith: 4,
    takenBackBy: null,
    sendAfter: '2027-01-04T10:00:00.000Z',
    deliveries: [],
  });

  app.clock.advance({ minutes: 1 });
  await app.settle();
  const [mail, ...others] = await ann();
  t.same(others, []);
  t.match(mail?.subject, /2 sub-processors added, from 4 February 2027 \(Acme\)/);
  t.match(mail?.text, /OpenAI/);
  t.match(mail?.text, /Stripe/);
  t.notMatch(mail?.text, /Mistral/, 'it was taken back while nobody knew');
  t.ok(mail?.links.includes('http://notices.example.org/compare/1...4'));
  t.match(mail?.text, /We add AI\./, 'the words of the version whose changes are all in it');
  t.notMatch(mail?.text, /already/, 'all of it takes effect on one day');
  t.match(await call('GET', '/versions/2/deliveries'), { complete: true, toldWith: 4, counts: { sent: 0 } });
  t.match(await call('GET', '/versions/4/deliveries'), { complete: true, toldWith: null, counts: { sent: 1 } });
  for (const number of [2, 3, 4])
    t.equal((await call('GET', `/versions/${number}`)).version, number, 'all are in the archive');
});

t.test('added and taken back within the hour: no mail at all', async (t) => {
  const { app, call, publish, ann } = await openQuiet(t);
  await publish(listOf('Twilio', openai));
  const back = await publish(listOf('Twilio'));
  t.match(back.notice, { ordered: false, because: 'no-net-change' });
  t.match(await call('GET', '/versions/2/deliveries'), {
    toldWith: null,
    takenBackBy: 3,
    complete: true,
    sendAfter: null,
  });
  app.clock.advance({ hours: 5 });
  await app.settle();
  t.same(await ann(), []);
});

t.test('each reader gets of the net change what is theirs', async (t) => {
  const { app, publish, join, arrived } = await openQuiet(t);
  await join('shop@example.org', { services: ['shop'] });
  await join('chat@example.org', { services: ['chat'] });
  for (const email of ['shop@example.org', 'chat@example.org']) await arrived(email);
  await publish(listOf('Twilio', openai));
  await publish(listOf('Twilio', openai, stripe));
  await publish(listOf('Twilio', stripe));
  app.clock.advance({ hours: 1 });
  await app.settle();
  t.match((await arrived('shop@example.org'))[0]?.text, /Stripe/);
  t.same(await arrived('chat@example.org'), [], 'what was theirs was taken back');
});

t.test(
  'parts that take effect on different days are told with their days, and objections are in time by any',
  async (t) => {
    const { app, call, publish, ann } = await openQuiet(t);
    await publish(listOf('Twilio', openai), { objectionDeadline: '2027-03-15' });
    const request = { effectiveAt: '2027-03-01', objectionDeadline: '2027-02-20', message: 'And payments.' };
    await call('PUT', '/draft', listOf('Twilio', openai, stripe));
    const preview = await call('POST', '/draft/preview', request);
    await call('POST', '/versions', request);
    app.clock.advance({ hours: 1 });
    await app.settle();
    const [mail] = await ann();
    t.equal(preview.subject, mail?.subject, 'as the preview said');
    t.equal(aboveLinks(preview.text), aboveLinks(mail?.text ?? ''));
    t.match(mail?.subject, /from 4 February 2027/, 'the first day on which something material takes effect');
    t.match(mail?.text, /In effect from: 1 March 2027/);
    t.match(mail?.text, /Of these, in effect from 4 February 2027 already: OpenAI \(version 2\)/);
    t.match(mail?.text, /Objections until: 15 March 2027, 24:00/);
    t.match(mail?.text, /And payments\./);
    t.notMatch(mail?.text, /Message from Acme[\s\S]*Message from Acme/);

    const link = mail?.links.find((url) => url.includes('/objections/')) ?? '';
    app.clock.set('2027-03-10T12:00:00Z');
    const page = await app.inject({ url: new URL(link).pathname });
    t.match(page.body, /15 March 2027/);
    await app.inject({ method: 'POST', url: new URL(link).pathname, payload: { grounds: 'No.' } });
    const { rows } = await app.deps.db.query('select version, late from objections');
    t.same(rows, [{ version: 3, late: false }]);
  },
);

t.test('whoever comes while it waits is told once: by the notice', async (t) => {
  const { app, call, publish, join, arrived } = await openQuiet(t);
  await publish(listOf('Twilio', openai));
  await join('bob@example.org');
  const welcome = (await arrived('bob@example.org')).at(-1);
  t.notMatch(welcome?.text, /OpenAI/, 'it may still be taken back');
  const csv = 'email,status,consent\nimported@example.org,confirmed,by contract\n';
  await app.inject({
    method: 'POST',
    url: '/api/v1/subscribers/import',
    headers: { ...bearer, 'content-type': 'text/csv' },
    payload: csv,
  });
  await app.settle();
  t.same(await arrived('imported@example.org'), [], 'an import writes to nobody while nothing has been told');
  await publish(listOf('Twilio', stripe));
  app.clock.advance({ hours: 1 });
  await app.settle();
  for (const email of ['bob@example.org', 'imported@example.org']) {
    const mails = await arrived(email);
    t.equal(mails.length, 1, email);
    t.match(mails[0]?.text, /Stripe/);
    t.notMatch(mails[0]?.text, /OpenAI/);
  }
  await join('late@example.org');
  const late = (await arrived('late@example.org')).at(-1);
  t.match(late?.text, /Stripe|OpenAI/, 'afterwards the welcome tells of what is announced');
  t.match(await call('GET', '/versions/3/deliveries'), { counts: { sent: 3 } });
});

t.test('withdrawn in time nobody hears of it; withdrawn later, what was told along stands', async (t) => {
  const { app, call, publish, ann } = await openQuiet(t);
  await publish(listOf('Twilio', openai));
  await publish(listOf('Twilio', openai, stripe));
  await publish(listOf('Twilio', openai, stripe, 'Mistral'));
  t.match(await call('POST', '/versions/4/withdraw', { reason: 'a mistake' }), {
    status: 200,
    notice: { ordered: false, because: 'not-told-yet' },
  });
  app.clock.advance({ hours: 1 });
  await app.settle();
  const [told] = await ann();
  t.match(told?.text, /OpenAI[\s\S]*Stripe/);
  t.notMatch(told?.text, /Mistral/);

  t.match(await call('POST', '/versions/3/withdraw', { reason: 'Stripe is not needed' }), {
    notice: { ordered: true },
  });
  await app.settle();
  const [withdrawn, ...others] = await ann();
  t.same(others, [], 'she has been told of version 2 by the first mail');
  t.match(withdrawn?.subject, /version 3 of the sub-processor list will not take effect/);
  t.match(withdrawn?.text, /What had been announced: 1 sub-processor added\./);
  t.match(
    withdrawn?.text,
    /What the same e-mail announced with version 2 stands: it takes effect on 4 February 2027\./,
  );

  const link = told?.links.find((url) => url.includes('/objections/')) ?? '';
  const page = await app.inject({ url: new URL(link).pathname });
  t.equal(page.statusCode, 200);
  t.match(page.body, /version 2/i, 'to what stands one can still object');
  await app.inject({ method: 'POST', url: new URL(link).pathname, payload: { grounds: 'No.' } });
  const { rows } = await app.deps.db.query('select version from objections');
  t.same(rows, [{ version: 2 }]);
});

t.test('the console says until when the mail waits, and sends it now', async (t) => {
  const { app, publish, ann } = await openQuiet(t);
  await publish(listOf('Twilio', openai));
  await publish(listOf('Twilio', openai, stripe));
  const publisher = await signInAs(app, 'publisher');
  t.match(
    (await publisher.get('/admin/versions/2')).body,
    /The notice of version 3 tells of it; the mail waits until 4 January 2027/,
  );
  const page = await publisher.get('/admin/versions/3');
  t.match(page.body, /The mail waits until 4 January 2027/);
  t.notMatch(page.headers.refresh, /./, 'a page that waits does not renew itself');
  const viewer = await signInAs(app, 'viewer');
  t.notMatch((await viewer.get('/admin/versions/3')).body, /send-now/);
  const done = await publisher.follow(await publisher.submit(page, '/admin/versions/3/send-now'));
  t.match(done.body, /The mail goes now/);
  await app.settle();
  t.equal((await ann()).length, 1);
  t.match((await publisher.get('/admin/versions/2')).body, /Told by the notice of version 3/);
  const again = await app.inject({ method: 'POST', url: '/api/v1/versions/3/send-now', headers: bearer });
  t.match(again.json(), { status: 409, code: 'notice.not-waiting' });
});

t.test('the publish page says what waits, and what this version does to it', async (t) => {
  const { app, call, publish } = await openQuiet(t);
  const publisher = await signInAs(app, 'publisher');
  const check = async () => {
    const page = await publisher.get('/admin/publish');
    return (await publisher.submit(page, '/admin/publish/check')).body;
  };
  await call('PUT', '/draft', listOf('Twilio', openai));
  t.match(await check(), /The mail goes on 4 January 2027.*until then further versions join it/);
  await publish(listOf('Twilio', openai));
  await call('PUT', '/draft', listOf('Twilio', openai, stripe));
  t.match(await check(), /The mail of version 2 waits until 4 January 2027/);
  await call('PUT', '/draft', listOf('Twilio'));
  t.match(await check(), /The mail of version 2 has not gone yet\. This version takes its changes back/);
});
