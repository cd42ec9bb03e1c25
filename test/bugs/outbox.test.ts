import t from 'tap';
import { z } from 'zod';
import { openDatabase } from '../support/database.js';
import { freePort, startService, until } from '../support/process.js';
import { type ReceivedMail, startSmtp } from '../support/smtp.js';
import { goneDsn } from './dsn.js';
import {
  asAdmin,
  confirmedCsv,
  headerOf,
  importCsv,
  linkTo,
  listOf,
  mailedLink,
  oneClick,
  oneClickUrl,
  outsideEnv,
  publish,
  quiet,
  send,
  sendForm,
  sendJson,
  startOutside,
  subscribers,
} from './outside.js';
import { people, reportOf } from './report.js';

/* Who gets a notice and who does not, played from outside (cases 10, 12 and 13 of the collected faults). */

t.setTimeout(180_000);

/** A list of two products; what changes is of `community`. */
const products = (purpose: string) => ({
  ...listOf(),
  services: [
    { id: 'community', name: 'Community' },
    { id: 'studio', name: 'Studio' },
  ],
  subProcessors: [{ name: 'Vendor One', purposes: [purpose], services: ['community'] }],
});

t.test('case 10: who leaves while the queue is long gets none, and the report agrees with the relay', async (t) => {
  const database = await openDatabase(t);
  const relay = await startSmtp(t);
  const env = outsideEnv({ DATABASE_URL: database.url, SMTP_URL: relay.url, PORT: String(await freePort()) });
  const quick = await startService(t, env);
  await publish(quick, products('Hosting'), { notify: false });
  const everybody = people(200);
  await importCsv(quick, confirmedCsv(...everybody));
  await publish(quick, products('Hosting, backups'));
  await quiet({ database });
  t.equal(relay.received.length, 200, 'an older mail for everybody, whose links and reports they use');
  t.equal(await quick.stop(), 0);

  const service = await startService(t, { ...env, MAIL_RATE: '10' });
  const older = new Map(relay.received.splice(0).map((mail) => [mail.to[0] ?? '', mail]));
  await publish(service, products('Hosting, backups, support'));
  const published = Date.now();
  // 3 s of the case, as the relay counts them: 10 a second.
  await until('the first thirty', async () => relay.received.length >= 30);
  const told = new Set(relay.received.flatMap(({ to }) => to));
  // From the end of the queue: those at its head may be on the wire in this moment.
  const five = everybody.filter((address) => !told.has(address)).slice(-5);
  const [first = '', second = '', erased = '', bounced = '', moved = ''] = five;
  const olderTo = (address: string): ReceivedMail => must(older.get(address));

  for (const address of [first, second]) t.equal((await oneClick(oneClickUrl(olderTo(address)))).status, 200);
  const erasedId = (await subscribers(service)).find(({ email }) => email === erased)?.id;
  t.equal((await asAdmin(service, `/api/v1/subscribers/${erasedId}`, { method: 'DELETE' })).status, 204);
  const { messageId } = await olderTo(bounced).parse();
  const dsn = await asAdmin(service, '/api/v1/bounces', {
    method: 'POST',
    headers: { 'content-type': 'message/rfc822' },
    body: goneDsn(bounced, messageId ?? ''),
  });
  t.ok(dsn.status < 300, `the report is taken: ${dsn.status} ${dsn.body}`);
  const preferences = (await olderTo(moved).links()).find((link) => link.includes('/preferences/')) ?? '';
  const saved = await sendForm(preferences, { locale: 'en', services: 'studio', toldOf: 'all' });
  t.ok(saved.status < 400, `the preferences are saved: ${saved.status}`);

  await until('the end of the run', async () => (await reportOf(service, 3)).complete, 60_000);
  t.ok(Date.now() - published > 15_000, 'the rate was kept');
  const { counts, deliveries } = await reportOf(service, 3);
  const got = relay.received.flatMap(({ to }) => to);
  t.strictSame([...got].sort(), everybody.filter((address) => !five.includes(address)).sort(), '195 got one each');
  t.strictSame(
    deliveries
      .filter(({ state }) => state === 'sent')
      .map(({ email }) => email)
      .sort(),
    [...got].sort(),
    'and the report says the same',
  );
  const ids = new Map(deliveries.map(({ email, messageId }) => [email, messageId]));
  t.same(
    relay.received.filter((mail) => headerOf(mail, 'Message-ID') !== ids.get(mail.to[0] ?? '')),
    [],
    'down to the messages',
  );
  const why = new Map(deliveries.map(({ email, state, reason }) => [email, `${state}: ${reason}`]));
  t.equal(why.get(first), 'suppressed: unsubscribed');
  t.equal(why.get(second), 'suppressed: unsubscribed');
  t.equal(why.get(null), 'suppressed: erased', 'the proof stays, without the person');
  t.equal(why.get(bounced), 'suppressed: hard-bounce');
  t.equal(why.get(moved), 'suppressed: out-of-scope');
  t.match(counts, { sent: 195, suppressed: 5, queued: 0, sending: 0, deferred: 0, failed: 0, bounced: 0 });
});

t.test('case 12: who has not confirmed gets no news, and hears of the open window on confirming', async (t) => {
  const outside = await startOutside(t);
  const { service, relay } = outside;
  await publish(service, listOf('Vendor One'), { notify: false });
  const at = `${service.url}/api/v1/subscriptions`;
  t.equal((await sendJson(at, { email: 'pend@example.org' })).status, 202);
  await mailedLink(relay, 'pend@example.org', 'confirm');
  const csv = 'email,status,consent\npend2@example.org,,\n';
  t.match(await importCsv(service, csv), { errors: [] });
  await mailedLink(relay, 'pend2@example.org', 'confirm');
  await publish(service, listOf('Vendor One', 'Vendor Two'));
  await quiet(outside);

  t.equal(relay.mailTo('pend@example.org').length, 1, 'the confirmation mail and nothing else');
  t.equal(relay.mailTo('pend2@example.org').length, 1);
  t.strictSame((await reportOf(service, 2)).deliveries, [], 'and no row for the notice');

  const link = await linkTo(relay, 'pend@example.org', 'confirm');
  t.equal((await send(link, { method: 'POST' })).status, 200);
  await mailedLink(relay, 'pend@example.org', 'preferences');
  await quiet(outside);
  t.equal(relay.mailTo('pend@example.org').length, 2, 'then the welcome, and no notice beside it');
  const { text = '', html } = await must(relay.mailTo('pend@example.org')[1]).parse();
  const { body } = await asAdmin(service, '/api/v1/versions/2');
  const version = z
    .object({ effectiveAt: z.coerce.date(), objectionDeadline: z.coerce.date() })
    .parse(JSON.parse(body));
  const day = (date: Date) => new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' }).format(date);
  for (const part of [text, String(html)]) {
    t.match(part, 'Vendor Two', 'it names the announced change');
    t.match(part, day(version.effectiveAt), 'its effective date');
    t.match(part, day(new Date(version.objectionDeadline.getTime() - 1)), 'and the deadline');
  }
  t.equal(relay.mailTo('pend2@example.org').length, 1);
});

t.test('who is imported as confirmed while a window is open is told of it too, and once', async (t) => {
  const outside = await startOutside(t);
  const { service, relay } = outside;
  await publish(service, listOf('Vendor One'), { notify: false });
  await importCsv(service, confirmedCsv('before@example.org'));
  await quiet(outside);
  t.equal(relay.received.length, 0, 'without an open window an import writes to nobody');
  await publish(service, listOf('Vendor One', 'Vendor Two'));
  await quiet(outside);
  for (let time = 0; time < 2; time += 1) {
    await importCsv(service, confirmedCsv('before@example.org', 'late@example.org'));
    await quiet(outside);
  }
  t.equal(relay.mailTo('before@example.org').length, 1, 'who had the notice gets no second mail');
  t.equal(relay.mailTo('late@example.org').length, 1);
  const { text = '' } = await must(relay.mailTo('late@example.org')[0]).parse();
  t.match(text, 'Vendor Two');
  t.strictSame(
    (await reportOf(service, 2)).deliveries.map(({ email }) => email),
    ['before@example.org'],
  );
});

t.test('case 13: what is only typography is no change, and what was taken back is told to nobody', async (t) => {
  const outside = await startOutside(t);
  const { service, relay } = outside;
  const one = {
    title: 'Sub-processors',
    services: [
      { id: 'shop', name: 'Shop' },
      { id: 'forum', name: 'Forum' },
    ],
    dataSubjects: [
      {
        id: 'people',
        name: 'People',
        dataCategories: [
          { id: 'name', name: 'name' },
          { id: 'city', name: 'city' },
        ],
      },
    ],
    subProcessors: [
      {
        id: 'a',
        name: 'Café “Ä” Hosting Inc.',
        purposes: ['Runs the servers', 'Backs up what’s there'],
        dataLocations: ['Germany', 'France'],
        accessLocations: ['IN', 'US'],
        regions: ['EU', 'UK'],
        securityMeasures: ['ISO 27001', 'Encryption'],
        transferMechanisms: ['SCC', 'DPF'],
        services: ['shop', 'forum'],
        dataCategories: { people: ['name', 'city'] },
      },
      { id: 'b', name: 'Second Vendor', purposes: ['Mail'], dataCategories: { people: ['name'] } },
      { id: 'c', name: 'Élan', purposes: ['Support'] },
    ],
  };
  await publish(service, one, { notify: false });
  await importCsv(service, confirmedCsv('here@example.org'));
  const restyled = {
    title: 'Sub-processors',
    services: [...one.services].reverse().map(({ name }) => ({ name })),
    dataSubjects: [{ name: 'People', dataCategories: [{ name: 'city' }, { name: 'name' }] }],
    subProcessors: [
      { name: 'E\u0301lan', purposes: ['Support'] },
      { name: 'Second\u00a0Vendor', purposes: ['Mail'], dataCategories: { people: ['name'] } },
      {
        name: 'Café "Ä" Hosting Inc',
        purposes: ["Backs up what's there", 'Runs  the servers'],
        dataLocations: ['France', 'Germany'],
        accessLocations: ['US', 'IN'],
        regions: ['UK', 'EU'],
        securityMeasures: ['Encryption', 'ISO 27001'],
        transferMechanisms: ['DPF', 'SCC'],
        services: ['forum', 'shop'],
        dataCategories: { people: ['city', 'name'] },
      },
    ],
  };
  const put = await asAdmin(service, '/api/v1/draft', { method: 'PUT', body: JSON.stringify(restyled) });
  t.equal(put.status, 200, put.body);
  t.match(JSON.parse((await asAdmin(service, '/api/v1/draft/diff')).body), { changes: [] });
  const refused = await asAdmin(service, '/api/v1/versions', { method: 'POST', body: '{}' });
  t.equal(refused.status, 409);
  t.match(z.object({ detail: z.string() }).parse(JSON.parse(refused.body)).detail, /nothing changes/);

  const more = { ...one, subProcessors: [...one.subProcessors, { name: 'For A Day' }] };
  await publish(service, more, { notify: false, reason: 'it will be taken back at once' });
  await asAdmin(service, '/api/v1/draft', { method: 'PUT', body: JSON.stringify(one) });
  const back = await asAdmin(service, '/api/v1/versions', { method: 'POST', body: '{"notify":true}' });
  t.equal(back.status, 201, back.body);
  t.match(JSON.parse(back.body), { version: 3, notice: { ordered: false, because: 'no-net-change' } });
  await quiet(outside);
  t.equal(relay.received.length, 0, 'no mail goes out');
  t.strictSame((await reportOf(service, 3)).deliveries, [], 'and none is waiting');
});

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the relay has no such mail');
  return value;
}
