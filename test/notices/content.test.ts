import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { pino } from 'pino';
import t, { type Test } from 'tap';
import { readConfig } from '../../src/config.js';
import { createContents } from '../../src/contents.js';
import type { Deps } from '../../src/deps.js';
import type { ListInput } from '../../src/list/document.js';
import { identify } from '../../src/list/identity.js';
import { createTransport } from '../../src/mail/transport.js';
import { object } from '../../src/objections/object.js';
import { createSteps } from '../../src/sending.js';
import { confirm } from '../../src/subscribers/confirm.js';
import { requestManageLink } from '../../src/subscribers/manage.js';
import { savePreferences } from '../../src/subscribers/preferences.js';
import { subscribe } from '../../src/subscribers/subscribe.js';
import { readLink } from '../../src/subscribers/tokens.js';
import { unsubscribe } from '../../src/subscribers/unsubscribe.js';
import { loadTexts } from '../../src/texts.js';
import { replaceDraft } from '../../src/versions/draft.js';
import { publish } from '../../src/versions/publish.js';
import { withdraw } from '../../src/versions/withdraw.js';
import { deliveries } from '../deliveries/make.js';
import { createClock } from '../support/clock.js';
import { openDatabase } from '../support/database.js';
import { startSmtp } from '../support/smtp.js';

const admin = { kind: 'admin', id: 1, role: 'admin' } as const;
const publicUrl = 'https://example.com/trust';

/** The service without its doors: verbs, the steps of the loops, and a relay. */
async function aService(t: Test) {
  const { pool } = await openDatabase(t);
  const relay = await startSmtp(t);
  const clock = createClock();
  const config = readConfig({
    DATABASE_URL: 'postgresql://unused',
    SECRET_KEY: 'k'.repeat(32),
    SMTP_URL: relay.url,
    MAIL_FROM: 'Example notices <notices@example.com>',
    PUBLIC_URL: publicUrl,
    COMPANY_NAME: 'Example & Sons',
    TIME_ZONE: 'Europe/Brussels',
  });
  const deps: Deps = {
    db: pool,
    config,
    now: clock.now,
    texts: loadTexts({ timeZone: config.timeZone }),
    log: pino({ level: 'silent' }),
  };
  const transport = createTransport({ smtpUrl: relay.url, mailConcurrency: 4, timeouts: { idle: 200 } });
  t.teardown(() => transport.close());
  const steps = createSteps(deps, { transport, instance: randomUUID() });
  const settle = async () => {
    while ((await steps.fanOut()) + (await steps.send()) > 0);
  };
  const publishList = async (list: ListInput, request: Parameters<typeof publish>[1] = {}) => {
    await replaceDraft(deps, { document: identify(list), source: null }, {}, admin);
    return publish(deps, request, admin);
  };
  const join = async (email: string, options: { locale?: string; services?: string[] } = {}) => {
    const locale = options.locale ?? 'en';
    await subscribe(deps, {
      email,
      locale,
      services: options.services,
      knownServices: ['shop', 'chat'],
      via: 'api',
      ip: '192.0.2.1',
      wording: 'v1',
    });
    await settle();
    const token = await tokenIn(relay.mailTo(email).at(-1), 'confirm');
    await confirm(deps, token);
    return token;
  };
  return { pool, relay, clock, config, deps, settle, publishList, join };
}

/** The token of the first link to `/path/` in the text of a mail. */
async function tokenIn(
  mail: Awaited<ReturnType<typeof startSmtp>>['received'][number] | undefined,
  path: string,
): Promise<string> {
  const link = (await mail?.links())?.find((url) => url.startsWith(`${publicUrl}/${path}/`));
  if (link === undefined) throw new Error(`no link to ${path} in the mail: ${(await mail?.parse())?.text}`);
  return link.slice(`${publicUrl}/${path}/`.length);
}

const base = {
  title: 'Sub-processors',
  services: [
    { id: 'shop', name: 'Shop' },
    { id: 'chat', name: 'Chat' },
  ],
  dataSubjects: [{ name: 'Customers', dataCategories: [{ name: 'email address' }] }],
} satisfies Partial<ListInput>;
const twilio = { name: 'Twilio Inc.', country: 'US', purposes: ['Text messages'], services: ['chat'] };
const stripe = { name: 'Stripe <b>& Co</b>', country: 'IE', purposes: ['Payments'], services: ['shop'] };
const hetzner = { name: 'Hetzner', country: 'DE', purposes: ['Hosting'] };
const list = (...subProcessors: ListInput['subProcessors']): ListInput => ({ ...base, subProcessors });

t.test(
  'from publishing to the mailbox: each gets what concerns them, in their language, with their links',
  async (t) => {
    const { pool, relay, config, settle, publishList, join } = await aService(t);
    await publishList(list(hetzner), { notify: false });
    await join('all@example.org');
    await join('german@example.org', { locale: 'de' });
    await join('chat@example.org', { services: ['chat'] });
    await join('shop@example.org', { services: ['shop'] });
    await settle();
    relay.received.length = 0;

    await publishList(list(hetzner, twilio, stripe), { message: 'We add payments.' });
    await settle();
    t.equal(relay.received.length, 4);
    const read = async (email: string) => {
      const mail = relay.mailTo(email)[0];
      const parsed = await mail?.parse();
      return { mail, parsed, text: parsed?.text ?? '' };
    };
    const all = await read('all@example.org');
    t.match(all.text, /Twilio Inc\./);
    t.match(all.text, /Stripe <b>& Co<\/b>/);
    t.match(all.parsed?.subject, /2 sub-processors added/);
    const chat = await read('chat@example.org');
    t.match(chat.text, /Twilio/);
    t.notMatch(chat.text, /Stripe/);
    const shop = await read('shop@example.org');
    t.match(shop.text, /Stripe/);
    t.notMatch(shop.text, /Twilio/);
    t.match((await read('german@example.org')).parsed?.subject, /Unterauftragsverarbeiter/);

    for (const row of (await deliveries(pool)).filter(({ message_id }) => message_id === all.parsed?.messageId)) {
      const unsubscribeToken = await tokenIn(all.mail, 'unsubscribe');
      const { rows } = await pool.query('select id from subscribers where email = $1', [row.email]);
      t.equal(readLink(config.secretKeys, 'unsubscribe', unsubscribeToken), rows[0]?.id);
      t.equal(readLink(config.secretKeys, 'preferences', await tokenIn(all.mail, 'preferences')), rows[0]?.id);
      t.equal(readLink(config.secretKeys, 'objection', await tokenIn(all.mail, 'objections')), row.id);
      const header = all.parsed?.headerLines.find(({ key }) => key === 'list-unsubscribe')?.line;
      t.equal(header, `List-Unsubscribe: <${publicUrl}/unsubscribe/${unsubscribeToken}>`);
    }
  },
);

t.test('a notice is composed once for any number of recipients, at the same moment as well', async (t) => {
  const { pool, deps, settle, publishList, join } = await aService(t);
  await publishList(list(hetzner), { notify: false });
  await join('ann@example.org');
  await settle();
  await publishList(list(hetzner, twilio));
  const { rows } = await pool.query<{ id: number }>('select id from notices');
  let reads = 0;
  const counted = new Proxy(pool, {
    get(target, name) {
      if (name !== 'query') return Reflect.get(target, name);
      return (query: pg.QueryConfig) => {
        reads += 1;
        return target.query(query);
      };
    },
  });
  const contentOf = createContents({ ...deps, db: counted });
  const delivery = (id: number, services: string[] | null = null) => ({
    id,
    kind: 'notice' as const,
    noticeId: rows[0]?.id ?? 0,
    subscriberId: id,
    email: `p${id}@example.org`,
    locale: 'en',
    params: {},
    services,
    why: 'voluntary' as const,
    createdAt: deps.now(),
  });
  const contents = await Promise.all(Array.from({ length: 500 }, (_, index) => contentOf(delivery(index + 1))));
  t.equal(new Set(contents.map((content) => content?.message)).size, 1);
  t.equal(new Set(contents.map((content) => content?.slots.unsubscribe)).size, 500);
  t.equal(reads, 1);
  t.equal(
    (await contentOf(delivery(1, ['chat', 'shop'])))?.message,
    contents[0]?.message,
    'a scope that leaves nothing out is the same',
  );
  t.equal(await contentOf(delivery(1, ['shop'])), null, 'nothing in it is theirs');
  t.equal(reads, 1);
});

t.test('who has not confirmed gets one letter and no notice; the welcome tells of the open window', async (t) => {
  const { pool, relay, deps, settle, publishList } = await aService(t);
  await publishList(list(hetzner), { notify: false });
  await subscribe(deps, {
    email: 'pend@example.org',
    locale: 'en',
    knownServices: null,
    via: 'form',
    ip: '192.0.2.1',
    wording: 'v1',
  });
  await publishList(list(hetzner, twilio), { effectiveAt: '2027-04-01', objectionDeadline: '2027-02-15' });
  await settle();
  t.equal(relay.received.length, 1);
  t.equal((await pool.query(`select from deliveries where kind = 'notice'`)).rowCount, 0);

  await confirm(deps, await tokenIn(relay.received[0], 'confirm'));
  await settle();
  t.equal(relay.received.length, 2);
  const welcome = await relay.received[1]?.parse();
  t.match(welcome?.text, /Twilio Inc\./);
  t.match(welcome?.text, /1 April 2027/);
  t.match(welcome?.text, /15 February 2027/);
  t.match(welcome?.text, /compare\/1\.\.\.2/);
  t.match(welcome?.text, /Hetzner/, 'and the list in force');
  t.ok(
    welcome?.headerLines.some(({ key }) => key === 'list-unsubscribe'),
    'it comes because of the subscription',
  );

  await withdraw(deps, 2, 'The contract was not signed.', admin);
  await settle();
  t.equal(relay.received.length, 3, 'who was told by the welcome is told of the withdrawal');
  t.match((await relay.received[2]?.parse())?.text, /The contract was not signed/);
});

t.test('every letter is mail that stands alone, and no link in it is dead', async (t) => {
  const { relay, deps, settle, publishList, join } = await aService(t);
  await publishList(list(hetzner), { notify: false });
  await join('ann@example.org');
  await settle();
  await publishList(list(hetzner, twilio));
  await settle();
  const notice = relay.received.at(-1);
  await object(deps, await tokenIn(notice, 'objections'), { grounds: 'No transfer mechanism.\n<b>Please</b> say.' });
  await requestManageLink(deps, await tokenIn(notice, 'preferences'));
  await subscribe(deps, {
    email: 'ann@example.org',
    locale: 'en',
    knownServices: null,
    via: 'api',
    ip: '192.0.2.1',
    wording: 'v1',
  });
  await settle();
  const kinds = ['confirmation', 'welcome', 'notice', 'objection-receipt', 'manage-link', 'already-subscribed'];
  t.equal(relay.received.length, kinds.length);
  for (const mail of relay.received) {
    const { text = '', subject = '', html } = await mail.parse();
    t.match(subject, /Example & Sons/);
    t.ok(text.length > 100 && typeof html === 'string');
    t.notMatch(text, /undefined|\[object|\{\w+\}/);
    for (const url of await mail.links()) t.ok(url.startsWith(publicUrl), url);
  }
  const receipt = await relay.received[3]?.parse();
  t.match(receipt?.text, /No transfer mechanism\.[\s>]*<b>Please<\/b> say\./);
});

t.test('a confirmation that is of no use any more is not sent', async (t) => {
  const { pool, relay, deps, settle } = await aService(t);
  const ask = () =>
    subscribe(deps, {
      email: 'ann@example.org',
      locale: 'en',
      knownServices: null,
      via: 'api',
      ip: '192.0.2.1',
      wording: 'v1',
    });
  await ask();
  await pool.query('delete from subscribers');
  await settle();
  t.equal(relay.received.length, 0);
  t.match(await deliveries(pool), [{ state: 'suppressed' }]);
});

t.test('who narrows or ends their subscription while the notice waits is not told by it', async (t) => {
  const { pool, relay, deps, settle, publishList, join } = await aService(t);
  await publishList(list(hetzner), { notify: false });
  for (const name of ['leaves', 'narrows', 'stays']) await join(`${name}@example.org`);
  await settle();
  const welcomeTo = (name: string) => relay.mailTo(`${name}@example.org`).at(-1);
  const leave = await tokenIn(welcomeTo('leaves'), 'unsubscribe');
  const narrow = await tokenIn(welcomeTo('narrows'), 'preferences');
  relay.received.length = 0;
  await publishList(list(hetzner, twilio));
  await createSteps(deps, {
    transport: createTransport({ smtpUrl: relay.url, mailConcurrency: 1 }),
    instance: randomUUID(),
  }).fanOut();
  await unsubscribe(deps, leave, 'one-click');
  await savePreferences(deps, narrow, { locale: 'en', services: ['shop'], toldOf: 'all' }, null);
  await settle();
  t.same(
    relay.received.map(({ to }) => to[0]),
    ['stays@example.org'],
  );
  t.same(
    (await deliveries(pool)).slice(-3).map(({ email, reason }) => [email, reason]),
    [
      ['leaves@example.org', 'unsubscribed'],
      ['narrows@example.org', 'out-of-scope'],
      ['stays@example.org', null],
    ],
  );
});
