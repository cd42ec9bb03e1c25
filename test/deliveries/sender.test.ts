import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type pg from 'pg';
import pino from 'pino';
import t, { type Test } from 'tap';
import { followUndelivered } from '../../src/bounces/undelivered.js';
import { readConfig } from '../../src/config.js';
import { transaction } from '../../src/database/transaction.js';
import type { ContentOf } from '../../src/deliveries/delivery.js';
import { enqueueLetter, enqueueLetters } from '../../src/deliveries/enqueue.js';
import { claimDeliveries, recheckDeliveries } from '../../src/deliveries/queries.js';
import { readRelay, tryRelayNow } from '../../src/deliveries/relay.js';
import { type SenderDeps, sendBatch } from '../../src/deliveries/sender.js';
import { forgetRecipient, suppressQueued } from '../../src/deliveries/suppress.js';
import { prepareMessage } from '../../src/mail/message.js';
import { createTransport, type Transport } from '../../src/mail/transport.js';
import { fanOut } from '../../src/notices/fan-out.js';
import { createClock } from '../support/clock.js';
import { openDatabase } from '../support/database.js';
import { freePort } from '../support/process.js';
import { type Situation, type SmtpOptions, startSmtp } from '../support/smtp.js';
import {
  aChange,
  addCrowd,
  addSubscribers,
  addVersions,
  deliveries,
  hashOf,
  order,
  start,
  states,
  withdrawVersion,
} from './make.js';

const key = 'k'.repeat(32);
const prepared = prepareMessage(
  { subject: 'A change', html: '<p>A change</p>', text: 'A change' },
  { from: { name: 'Notices', address: 'notices@example.com' } },
);
const plain: ContentOf = async () => ({ message: await prepared, slots: {} });

interface Options extends SmtpOptions {
  people?: readonly Parameters<typeof addSubscribers>[1][number][];
  crowd?: number;
  env?: Record<string, string>;
  contentOf?: ContentOf;
}

/** Version 2 is published, everybody has their row, and a relay waits. */
async function aRun(t: Test, options: Options = {}) {
  const { pool } = await openDatabase(t);
  await addVersions(pool, 4);
  await addSubscribers(pool, options.people ?? []);
  if (options.crowd !== undefined) await addCrowd(pool, options.crowd);
  const clock = createClock(start);
  const relay = await startSmtp(t, options);
  const config = readConfig({
    DATABASE_URL: 'postgresql://unused',
    SECRET_KEY: key,
    SMTP_URL: relay.url,
    MAIL_FROM: 'Notices <notices@example.com>',
    MAIL_CONCURRENCY: '4',
    ...options.env,
  });
  const aSender = (over: Partial<SenderDeps> = {}): SenderDeps => {
    const transport = over.transport ?? aTransport(t, config.smtpUrl ?? '', config.mailConcurrency);
    return {
      db: pool,
      config,
      now: clock.now,
      log: pino({ level: 'silent' }),
      contentOf: options.contentOf ?? plain,
      onUndelivered: followUndelivered,
      instance: randomUUID(),
      ...over,
      transport,
    };
  };
  const publish = async (version = 2) => {
    await order(pool, version);
    while ((await fanOut({ db: pool, now: clock.now })) > 0);
  };
  return { pool, clock, relay, config, aSender, publish };
}

function aTransport(t: Test, smtpUrl: string, mailConcurrency = 4): Transport {
  const transport = createTransport({
    smtpUrl,
    mailConcurrency,
    timeouts: { connect: 2_000, silence: 5_000, idle: 200 },
  });
  t.teardown(() => transport.close());
  return transport;
}

/** Runs the step until nothing is due. */
async function sendAll(sender: SenderDeps): Promise<number> {
  let sent = 0;
  for (let count = await sendBatch(sender); count > 0; count = await sendBatch(sender)) sent += count;
  return sent;
}

const names = (count: number, domain = 'example.org') =>
  Array.from({ length: count }, (_, index) => ({ email: `n${index}@${domain}` }));

async function rowOf(pool: pg.Pool, email: string) {
  const row = (await deliveries(pool)).find((found) => found.email === email);
  if (row === undefined) throw new Error(`no delivery to ${email}`);
  return row;
}

const letter = (
  email: string,
  kind: 'manage-link' | 'confirmation' = 'manage-link',
  subscriberId: number | null = null,
) => ({
  kind,
  subscriberId,
  email,
  recipientHash: hashOf(email),
  locale: 'en',
  params: {},
  at: start,
});

t.test('each recipient gets one mail, and the row has the relay’s own answer', async (t) => {
  const { pool, relay, aSender, publish } = await aRun(t, { people: names(30) });
  await publish();
  t.equal(await sendAll(aSender()), 30);
  t.equal(relay.received.length, 30);
  t.ok(relay.connections <= 4, 'no more sessions than MAIL_CONCURRENCY');
  for (const row of await deliveries(pool)) {
    t.match(row, {
      state: 'sent',
      attempts: 1,
      sent_at: start,
      leased_by: null,
      reason: null,
      response: /2\.0\.0 taken/,
    });
    const [mail, ...more] = relay.mailTo(row.email ?? '');
    t.equal(more.length, 0);
    t.equal((await mail?.parse())?.messageId, row.message_id);
  }
});

t.test('letters go before the notices that were there first', async (t) => {
  const { pool, relay, aSender, publish } = await aRun(t, { people: names(50), env: { MAIL_CONCURRENCY: '1' } });
  await publish();
  const ids = await transaction(pool, (tx) => enqueueLetters(tx, [letter('b@example.org'), letter('a@example.org')]));
  t.same(
    (await deliveries(pool)).slice(-2).map(({ id, email }) => [id, email]),
    [
      [ids[0], 'b@example.org'],
      [ids[1], 'a@example.org'],
    ],
  );
  await sendAll(aSender());
  t.same(
    relay.received.slice(0, 3).map(({ to }) => to[0]),
    ['b@example.org', 'a@example.org', 'n0@example.org'],
  );
});

t.test('four senders on one database send each mail once', async (t) => {
  const { pool, relay, aSender, publish } = await aRun(t, { crowd: 800 });
  await publish();
  const counts = await Promise.all([1, 2, 3, 4].map(() => sendAll(aSender())));
  t.equal(
    counts.reduce((sum, count) => sum + count, 0),
    800,
  );
  t.equal(new Set(relay.received.map(({ to }) => to[0])).size, 800);
  t.equal(relay.received.length, 800);
  t.same(await states(pool), { sent: 800 });
});

t.test('a claim of an instance that died goes to another when its lease ends', async (t) => {
  const { pool, relay, clock, aSender, publish } = await aRun(t, { people: names(3) });
  await publish();
  // An instance that hangs for ever in its first hand-over.
  let handedOver = () => {};
  const began = new Promise<void>((resolve) => {
    handedOver = resolve;
  });
  const stuck: Transport = {
    send: () => {
      handedOver();
      return new Promise(() => {});
    },
    close: async () => {},
  };
  void sendBatch(aSender({ transport: stuck }));
  await began;
  const claimed = await deliveries(pool);
  t.ok(
    claimed.every(({ state, attempts, message_id }) => state === 'sending' && attempts === 1 && message_id !== null),
  );

  clock.advance({ seconds: 40 });
  t.equal(await sendAll(aSender()), 0, 'not while the lease runs');
  clock.advance({ seconds: 10 });
  t.equal(await sendAll(aSender()), 3);
  t.same(await states(pool), { sent: 3 });
  t.ok(
    (await deliveries(pool)).every(({ attempts }) => attempts === 2),
    'what may have arrived counts',
  );
  for (const row of claimed) {
    t.equal(
      (await relay.mailTo(row.email ?? '')[0]?.parse())?.messageId,
      row.message_id,
      'a repeat is the same message',
    );
  }
});

t.test('what another instance has taken over is not at hand any more for who was stopped', async (t) => {
  const { pool, clock, aSender, publish } = await aRun(t, { people: names(3) });
  await publish();
  const [stopped, other] = [randomUUID(), randomUUID()];
  const leasedUntil = new Date(clock.now().getTime() + 45_000);
  const claim = { instance: stopped, most: 3, now: clock.now(), leasedUntil, domain: 'example.com' };
  const ids = (await claimDeliveries(pool, claim)).map(({ id }) => id);
  t.same(await recheckDeliveries(pool, stopped, ids), []);
  clock.advance({ minutes: 1 });
  await sendAll(aSender({ instance: other }));
  t.same(await states(pool), { sent: 3 });
  const found = await recheckDeliveries(pool, stopped, ids);
  t.same(
    found.map(({ id, isOurs }) => [id, isOurs]),
    ids.map((id) => [id, false]),
  );
});

t.test('a crash between hand-over and record repeats the same message', async (t) => {
  const { pool, relay, clock, aSender, publish } = await aRun(t, { people: names(1) });
  await publish();
  await sendAll(aSender());
  await pool.query(
    `update deliveries set state = 'sending', sent_at = null, response = null, leased_by = gen_random_uuid(), leased_until = $1`,
    [start],
  );
  clock.advance({ minutes: 1 });
  await sendAll(aSender());
  t.equal(relay.received.length, 2);
  const [first, second] = await Promise.all(relay.received.map((mail) => mail.parse()));
  t.equal(first?.messageId, second?.messageId);
  t.match(await deliveries(pool), [{ state: 'sent', attempts: 2 }]);
});

t.test('whoever has no mail yet and leaves, is erased, bounces or narrows their choice gets none', async (t) => {
  const left = [
    'unsubscribed@example.org',
    'gone@example.org',
    'dead@example.org',
    'other@example.org',
    'material@example.org',
  ];
  const { pool, relay, aSender } = await aRun(t, {
    people: [...left.map((email) => ({ email })), { email: 'stays@example.org' }],
  });
  await order(pool, 2, [aChange({ services: ['shop'], severity: 'editorial' })]);
  await fanOut({ db: pool, now: () => start });
  const idOf = async (email: string) =>
    (await pool.query('select id from subscribers where email = $1', [email])).rows[0]?.id;
  const gone = await idOf('gone@example.org');
  // Status alone: as if the queue had not been told.
  await pool.query(`update subscribers set status = 'unsubscribed' where email = 'unsubscribed@example.org'`);
  await transaction(pool, async (tx) => {
    await forgetRecipient(tx, gone, start);
    await tx.query('delete from subscribers where id = $1', [gone]);
  });
  await pool.query(`insert into suppressions values ($1, 'hard-bounce', null, $2)`, [
    hashOf('dead@example.org'),
    start,
  ]);
  await pool.query(`update subscribers set services = '{chat}' where email = 'other@example.org'`);
  await pool.query(`update subscribers set told_of = 'material' where email = 'material@example.org'`);

  await sendAll(aSender());
  t.same(
    relay.received.map(({ to }) => to[0]),
    ['stays@example.org'],
  );
  t.same(
    (await deliveries(pool)).map(({ email, state, reason, attempts }) => [email, state, reason, attempts]),
    [
      ['unsubscribed@example.org', 'suppressed', 'unsubscribed', 0],
      [null, 'suppressed', 'erased', 0],
      ['dead@example.org', 'suppressed', 'hard-bounce', 0],
      ['other@example.org', 'suppressed', 'out-of-scope', 0],
      ['material@example.org', 'suppressed', 'not-material', 0],
      ['stays@example.org', 'sent', null, 1],
    ],
  );
});

t.test('who leaves after the claim is asked again before the hand-over', async (t) => {
  const { pool, relay, clock, aSender, publish } = await aRun(t, { people: names(4), env: { MAIL_CONCURRENCY: '1' } });
  await publish();
  let composed = 0;
  const contentOf: ContentOf = async (delivery) => {
    composed += 1;
    if (composed === 1) {
      // While the first is on its way: all four are claimed by now.
      t.same(await states(pool), { sending: 4 });
      await pool.query(`update subscribers set status = 'unsubscribed' where email = 'n2@example.org'`);
      clock.advance({ seconds: 2 });
    }
    return plain(delivery);
  };
  await sendAll(aSender({ contentOf }));
  t.equal(relay.mailTo('n2@example.org').length, 0);
  t.match(await rowOf(pool, 'n2@example.org'), { state: 'suppressed', reason: 'unsubscribed', attempts: 0 });
  t.equal(relay.received.length, 3);
});

t.test('somebody erased during the hand-over leaves no address in the row', async (t) => {
  const { pool, aSender, publish } = await aRun(t, {
    people: names(1),
    answer: ({ stage, subject }) => (stage === 'rcpt' ? `550 5.1.1 <${subject}>: no such user` : undefined),
  });
  await publish();
  const contentOf: ContentOf = async (delivery) => {
    await transaction(pool, async (tx) => {
      await forgetRecipient(tx, delivery.subscriberId ?? 0, start);
      await tx.query('delete from subscribers where id = $1', [delivery.subscriberId]);
    });
    return plain(delivery);
  };
  await sendAll(aSender({ contentOf }));
  const [row] = await deliveries(pool);
  t.match(row, { email: null, state: 'bounced', response: /\[address\]/ });
  t.notMatch(JSON.stringify(row), /n0@example\.org/);
});

t.test('an announcement of a withdrawn version does not go', async (t) => {
  const { pool, relay, aSender, publish } = await aRun(t, { people: names(2) });
  await publish();
  await withdrawVersion(pool, 2);
  await sendAll(aSender());
  t.equal(relay.received.length, 0);
  t.match(await deliveries(pool), [
    { state: 'suppressed', reason: 'withdrawn' },
    { state: 'suppressed', reason: 'withdrawn' },
  ]);
});

t.test('what waits since before a hold does not go until it is released', async (t) => {
  const { pool, relay, clock, aSender, publish } = await aRun(t, { people: names(2) });
  await publish();
  await pool.query(
    `insert into service_state (last_seen_at, cluster, database_oid, held_since, held_because) values ($1, '', 1, $2, 'copy')`,
    [start, new Date(start.getTime() + 1_000)],
  );
  clock.advance({ minutes: 1 });
  await transaction(pool, (tx) => enqueueLetter(tx, { ...letter('new@example.org'), at: clock.now() }));
  t.equal(await sendAll(aSender()), 1);
  t.same(
    relay.received.map(({ to }) => to[0]),
    ['new@example.org'],
  );
  await pool.query('update service_state set held_since = null, held_because = null');
  t.equal(await sendAll(aSender()), 2);
});

t.test('letters go to people who are no subscribers, or no longer', async (t) => {
  const { pool, relay, aSender } = await aRun(t, { people: [{ email: 'left@example.org', status: 'unsubscribed' }] });
  await pool.query(`insert into suppressions values ($1, 'hard-bounce', null, $2)`, [
    hashOf('left@example.org'),
    start,
  ]);
  const { rows } = await pool.query<{ id: number }>('select id from subscribers');
  await transaction(pool, async (tx) => {
    await enqueueLetter(tx, letter('left@example.org', 'confirmation', rows[0]?.id ?? null));
    await enqueueLetter(tx, letter('new@example.org', 'confirmation'));
  });
  await sendAll(aSender());
  t.equal(relay.received.length, 2);
});

t.test('a notice goes where the subscriber is now, and the row says so', async (t) => {
  const { pool, relay, aSender, publish } = await aRun(t, { people: names(1) });
  await publish();
  await pool.query(
    `update subscribers set email = 'moved@example.org', email_key = 'moved@example.org', email_hash = $1, locale = 'de'`,
    [hashOf('moved@example.org')],
  );
  await sendAll(aSender());
  t.equal(relay.mailTo('moved@example.org').length, 1);
  t.match(await deliveries(pool), [
    { email: 'moved@example.org', locale: 'de', recipient_hash: hashOf('moved@example.org') },
  ]);
});

t.test('a temporary refusal is tried again at growing gaps, and the others are not held up', async (t) => {
  const { pool, relay, clock, aSender, publish } = await aRun(t, {
    people: [{ email: 'b@example.org' }, ...names(20)],
    answer: ({ stage, subject }) =>
      stage === 'rcpt' && subject === 'b@example.org' ? '450 4.1.2 domain not found' : undefined,
  });
  await publish();
  const sender = aSender();
  const tries: number[] = [];
  for (let second = 0; second < 3 * 60 * 60; second += 10) {
    const before = relay.commands.filter(
      ({ subject, stage }) => stage === 'rcpt' && subject === 'b@example.org',
    ).length;
    const { due_at, state } = await rowOf(pool, 'b@example.org');
    if (second === 0 || due_at <= clock.now()) await sendAll(sender);
    t.not(state, 'failed');
    const after = relay.commands.filter(({ subject, stage }) => stage === 'rcpt' && subject === 'b@example.org').length;
    if (after > before) tries.push(second);
    if (second === 0) t.equal(relay.received.length, 20);
    clock.advance({ seconds: 10 });
  }
  t.ok(tries.filter((second) => second <= 300).length <= 3, `at most three tries in five minutes: ${tries}`);
  t.ok(tries.length >= 5 && tries.length <= 7, `tries: ${tries}`);
  const gaps = tries.slice(1).map((second, index) => second - (tries[index] ?? 0));
  t.same(
    gaps,
    [...gaps].sort((a, b) => a - b),
    'growing gaps',
  );
  t.match(await rowOf(pool, 'b@example.org'), {
    state: 'deferred',
    reason: 'domain-unreachable',
    response: /450 4\.1\.2/,
  });
});

t.test('what is refused for days fails in the end, with the last answer', async (t) => {
  const { pool, clock, aSender, publish } = await aRun(t, {
    people: names(1),
    answer: ({ stage }) => (stage === 'rcpt' ? '451 4.3.0 try later' : undefined),
  });
  await publish();
  const sender = aSender();
  let hours = 0;
  while ((await rowOf(pool, 'n0@example.org')).state !== 'failed' && hours < 24 * 7) {
    const { due_at } = await rowOf(pool, 'n0@example.org');
    hours += Math.max(0, due_at.getTime() - clock.now().getTime()) / 3_600_000;
    clock.set(new Date(Math.max(due_at.getTime(), clock.now().getTime())));
    await sendAll(sender);
  }
  t.match(await rowOf(pool, 'n0@example.org'), { state: 'failed', reason: 'expired', response: /451 4\.3\.0/ });
  t.ok(hours > 3.4 * 24 && hours < 4.8 * 24, `after about four days: ${hours / 24}`);
});

t.test('nobody there: bounced after one try, suppressed, and the next notice does not go', async (t) => {
  const gone = (index: number) => `gone${index}@example.org`;
  // A strict relay: after a refused recipient it wants RSET, else it refuses the next MAIL.
  const { pool, relay, aSender, publish } = await aRun(t, {
    people: [...[1, 2, 3, 4, 5].map((index) => ({ email: gone(index) })), ...names(55)],
    env: { MAIL_CONCURRENCY: '1' },
    answer: ({ stage, subject }) =>
      stage === 'rcpt' && subject.startsWith('gone') ? '550 5.1.1 no such user' : undefined,
  });
  await publish();
  await sendAll(aSender());
  t.same(await states(pool), { bounced: 5, sent: 55 });
  t.match(await rowOf(pool, gone(1)), { reason: 'mailbox-unknown', attempts: 1, response: /550 5\.1\.1/ });
  t.equal(relay.connections, 1);
  const { rows } = await pool.query('select reason from suppressions');
  t.same(rows, Array(5).fill({ reason: 'hard-bounce' }));

  await publish(3);
  await sendAll(aSender());
  t.equal(relay.received.length, 110);
  t.equal(relay.commands.filter(({ stage, subject }) => stage === 'rcpt' && subject === gone(1)).length, 1);
});

t.test('a policy, a full mailbox and a refused mail suppress nobody', async (t) => {
  const answer = ({ stage, subject }: Situation) => {
    if (stage === 'data' && subject.endsWith('@big.example')) return '550 5.7.1 blocked by policy';
    if (stage !== 'rcpt') return undefined;
    if (subject === 'no@example.org') return '550 5.1.1 unknown user';
    if (subject === 'full@example.org') return '552 5.2.2 mailbox full';
    return subject === 'd@example.org' ? '500 syntax error' : undefined;
  };
  const { pool, relay, aSender, publish } = await aRun(t, {
    answer,
    people: [
      ...names(30, 'big.example'),
      { email: 'no@example.org' },
      { email: 'full@example.org' },
      { email: 'd@example.org' },
      ...names(10),
    ],
  });
  await publish();
  await sendAll(aSender());
  t.same(await states(pool), { sent: 10, bounced: 2, failed: 31 });
  t.match(await rowOf(pool, 'n0@big.example'), { state: 'failed', reason: 'policy', response: /blocked by policy/ });
  t.match(await rowOf(pool, 'full@example.org'), { state: 'bounced', reason: 'mailbox-full' });
  t.match(await rowOf(pool, 'd@example.org'), { state: 'failed', reason: 'refused' });
  const suppressed = await pool.query('select email_hash from suppressions');
  t.same(suppressed.rows, [{ email_hash: hashOf('no@example.org') }]);

  relay.answerWith(() => undefined);
  await publish(3);
  await sendAll(aSender());
  t.equal(relay.received.length, 10 + 42);
});

t.test('a relay that refuses everybody stops the run and burns no list', async (t) => {
  const { pool, relay, clock, aSender, publish } = await aRun(t, {
    people: [
      ...names(40, 'one.example'),
      ...names(40, 'two.example'),
      ...names(40, 'three.example'),
      ...names(40, 'four.example'),
    ].sort((a, b) => (a.email < b.email ? -1 : 1)),
    answer: ({ stage }) => (stage === 'data' ? '554 5.7.1 message rejected as spam' : undefined),
  });
  await publish();
  const sender = aSender();
  await sendAll(sender);
  t.notOk((await states(pool)).failed, 'nobody is given up');
  t.ok(relay.commands.filter(({ stage }) => stage === 'data').length <= 30);
  t.match(await readRelay({ db: pool }), { downSince: start, stage: 'data', fault: /rejected as spam/ });
  for (let minute = 0; minute < 30; minute += 1) {
    clock.advance({ minutes: 1 });
    await sendAll(sender);
  }
  t.notOk((await states(pool)).failed, 'the probes burn nobody either');

  relay.answerWith(() => undefined);
  for (let minute = 0; minute < 120; minute += 1) {
    clock.advance({ minutes: 1 });
    await sendAll(sender);
  }
  t.same(await states(pool), { sent: 160 });
  t.match(await readRelay({ db: pool }), { downSince: null, fault: null });
});

t.test(
  'a relay that knows none of many recipients at as many domains is set up wrongly, and suppresses nobody',
  async (t) => {
    const people = Array.from({ length: 120 }, (_, index) => ({ email: `n${index}@d${index % 15}.example` }));
    const { pool, relay, clock, aSender, publish } = await aRun(t, {
      people,
      answer: ({ stage }) => (stage === 'rcpt' ? '550 5.1.1 user unknown in relay recipient table' : undefined),
    });
    await publish();
    const sender = aSender();
    await sendAll(sender);
    const { failed, bounced } = await states(pool);
    t.same([failed, bounced], [undefined, undefined], 'nobody is given up');
    t.ok(relay.commands.filter(({ stage }) => stage === 'rcpt').length <= 60);
    t.match(await readRelay({ db: pool }), { downSince: start, stage: 'rcpt', fault: /user unknown/ });
    t.same((await pool.query('select from suppressions')).rowCount, 0);

    relay.answerWith(({ stage, subject }) =>
      stage === 'rcpt' && /^n\d@/.test(subject) ? '550 5.1.1 user unknown' : undefined,
    );
    for (let minute = 0; minute < 60; minute += 1) {
      clock.advance({ minutes: 1 });
      await sendAll(sender);
    }
    t.same(await states(pool), { sent: 110, bounced: 10 });
  },
);

t.test('a dropped connection harms nobody, and one address that causes it is tried ever less often', async (t) => {
  const { pool, relay, clock, aSender, publish } = await aRun(t, {
    people: [{ email: 'c@example.org' }, ...names(10)],
    answer: ({ stage, subject }) => (stage === 'rcpt' && subject === 'c@example.org' ? 'close' : undefined),
  });
  await publish();
  const sender = aSender();
  await sendAll(sender);
  t.same(await states(pool), { deferred: 1, sent: 10 });
  for (let second = 0; second < 300; second += 10) {
    clock.advance({ seconds: 10 });
    await sendAll(sender);
  }
  t.ok(relay.commands.filter(({ stage, subject }) => stage === 'rcpt' && subject === 'c@example.org').length <= 3);
  t.match(await rowOf(pool, 'c@example.org'), { state: 'deferred', reason: 'connection-lost' });
});

t.test('dropped behind the final dot: the repeat is the same message', async (t) => {
  let dropped = false;
  const { pool, relay, clock, aSender, publish } = await aRun(t, {
    people: names(1),
    answer: ({ stage }) => {
      if (stage !== 'data' || dropped) return undefined;
      dropped = true;
      return 'close';
    },
  });
  await publish();
  const sender = aSender();
  await sendAll(sender);
  const [before] = await deliveries(pool);
  t.match(before, { state: 'deferred', reason: 'connection-lost', attempts: 1 });
  clock.advance({ minutes: 2 });
  await sendAll(sender);
  t.match(await deliveries(pool), [{ state: 'sent', attempts: 2, message_id: before?.message_id }]);
  t.equal(relay.received.length, 1);
});

t.test('a wrong password burns nobody, costs few log-ins, is one fault for the admins, and mends itself', async (t) => {
  const { pool, relay, clock, aSender, publish } = await aRun(t, {
    people: names(200),
    login: { user: 'service', password: 'right' },
    answer: ({ stage }) => (stage === 'auth' ? '535 5.7.8 authentication failed for service@example.com' : undefined),
  });
  await publish();
  await transaction(pool, (tx) => enqueueLetter(tx, letter('late@example.org')));
  const sender = aSender();
  for (let second = 0; second < 60; second += 1) {
    await sendAll(sender);
    clock.advance({ seconds: 1 });
  }
  const counts = await states(pool);
  t.equal((counts.queued ?? 0) + (counts.deferred ?? 0), 201, JSON.stringify(counts));
  t.ok(relay.commands.filter(({ stage }) => stage === 'auth').length <= 20, 'few log-ins');
  t.match(await readRelay({ db: pool }), { downSince: start, stage: 'auth', fault: /535 5\.7\.8/ });
  t.notMatch((await readRelay({ db: pool })).fault, /service@example\.com/);
  const audit = await pool.query(`select action from audit_log`);
  t.same(audit.rows, [{ action: 'relay.down' }], 'told once');

  relay.answerWith(() => undefined);
  let seconds = 0;
  while (((await states(pool)).sent ?? 0) < 201 && seconds < 300) {
    await sendAll(sender);
    clock.advance({ seconds: 1 });
    seconds += 1;
  }
  t.ok(seconds <= 120, `all sent within two minutes: ${seconds} s`);
  t.ok(
    (await deliveries(pool)).every(({ attempts }) => attempts === 1),
    'the fault was none of theirs',
  );
  t.match(await readRelay({ db: pool }), { downSince: null });
});

t.test('a relay that is away costs few connections; “try now” does not wait', async (t) => {
  const { pool, relay, clock, aSender, publish } = await aRun(t, {
    people: names(20),
    login: { user: 'u', password: 'wrong' },
  });
  await relay.close();
  await publish();
  const sender = aSender();
  await sendAll(sender);
  t.match(await readRelay({ db: pool }), { downSince: start, stage: 'connect' });
  t.same(await states(pool), { deferred: 1, queued: 19 });

  const again = await startSmtp(t, { port: relay.port });
  const back = aSender({ transport: aTransport(t, again.url) });
  t.equal(await sendBatch(back), 0, 'not yet');
  await tryRelayNow({ db: pool, now: clock.now });
  await sendAll(back);
  clock.advance({ minutes: 1 });
  await sendAll(back);
  t.same(await states(pool), { sent: 20 });
});

t.test('a probe that must not go is none: the next mail is tried at once', async (t) => {
  const { pool, clock, aSender, publish } = await aRun(t, { people: names(4), env: { MAIL_CONCURRENCY: '1' } });
  await publish();
  await sendAll(aSender({ transport: aTransport(t, `smtp://127.0.0.1:${await freePort()}`, 1) }));
  t.match(await readRelay({ db: pool }), { downSince: start });
  await pool.query(
    `update subscribers set status = 'unsubscribed' where email in ('n1@example.org', 'n2@example.org')`,
  );
  clock.advance({ seconds: 10 });
  await sendAll(aSender());
  t.match(await readRelay({ db: pool }), { downSince: null });
  t.match(await rowOf(pool, 'n3@example.org'), { state: 'sent' });
});

t.test('a sender that the relay refuses at MAIL is our fault, not theirs', async (t) => {
  const { pool, aSender, publish } = await aRun(t, {
    people: names(20),
    answer: ({ stage }) => (stage === 'mail' ? '550 5.7.1 sender not allowed' : undefined),
  });
  await publish();
  await sendAll(aSender());
  t.same(await states(pool), { deferred: 1, queued: 19 });
  t.match(await readRelay({ db: pool }), { stage: 'mail', fault: /sender not allowed/ });
});

t.test('a relay that ends sessions with 421 after some mails gets them all', async (t) => {
  let mails = 0;
  const { pool, clock, aSender, publish } = await aRun(t, {
    people: names(100),
    answer: ({ stage }) => {
      if (stage !== 'mail') return undefined;
      mails += 1;
      return mails % 7 === 0 ? '421 4.7.0 enough for now' : undefined;
    },
  });
  await publish();
  const sender = aSender();
  for (let second = 0; second < 120 && ((await states(pool)).sent ?? 0) < 100; second += 5) {
    await sendAll(sender);
    clock.advance({ seconds: 5 });
  }
  t.same(await states(pool), { sent: 100 });
});

t.test('an address beyond ASCII needs a relay that can', async (t) => {
  const people = [{ email: 'jörg@example.org' }, { email: '用户@example.org' }, ...names(20)];
  await t.test('with SMTPUTF8', async (t) => {
    const { pool, relay, aSender, publish } = await aRun(t, { people });
    await publish();
    await sendAll(aSender());
    t.same(await states(pool), { sent: 22 });
    t.equal(relay.mailTo('jörg@example.org')[0]?.mailParameters.SMTPUTF8, true);
    t.notOk(relay.mailTo('n0@example.org')[0]?.mailParameters.SMTPUTF8);
  });
  await t.test('without', async (t) => {
    const { pool, relay, clock, aSender, publish } = await aRun(t, { people, without: ['SMTPUTF8'] });
    await publish();
    const sender = aSender();
    await sendAll(sender);
    clock.advance({ days: 1 });
    await sendAll(sender);
    t.same(await states(pool), { sent: 20, failed: 2 });
    t.match(await rowOf(pool, '用户@example.org'), {
      reason: 'relay-lacks-smtputf8',
      attempts: 1,
      response: /SMTPUTF8/,
    });
    t.ok(relay.commands.every(({ stage, subject }) => stage !== 'rcpt' || /^n\d+@example\.org$/.test(subject)));
    t.equal((await pool.query('select from suppressions')).rowCount, 0);
  });
});

t.test('what cannot be composed waits, and those behind it go on', async (t) => {
  const { pool, aSender, publish } = await aRun(t, { people: names(5) });
  await publish();
  const contentOf: ContentOf = async (delivery) => {
    if (delivery.email === 'n0@example.org') throw new Error('no such template');
    if (delivery.email === 'n1@example.org') return null;
    return plain(delivery);
  };
  await sendAll(aSender({ contentOf }));
  t.same(await states(pool), { deferred: 1, suppressed: 1, sent: 3 });
  t.match(await rowOf(pool, 'n0@example.org'), { reason: 'composition', attempts: 1 });
  t.match(await rowOf(pool, 'n1@example.org'), { reason: 'obsolete', attempts: 0 });
});

t.test('an ending process finishes what is in flight and gives back the rest', async (t) => {
  const ending = new AbortController();
  const { pool, relay, aSender, publish } = await aRun(t, { crowd: 200, delayMs: 30 });
  await publish();
  let composed = 0;
  const contentOf: ContentOf = async (delivery) => {
    composed += 1;
    if (composed === 20) ending.abort();
    return plain(delivery);
  };
  await sendBatch(aSender({ contentOf, signal: ending.signal }));
  const counts = await states(pool);
  t.equal(counts.sent, relay.received.length);
  t.equal(counts.sending, undefined, 'nothing stays claimed');
  t.equal((counts.queued ?? 0) + (counts.sent ?? 0), 200);
  t.ok(
    (await deliveries(pool)).every(({ state, attempts }) => attempts === (state === 'sent' ? 1 : 0)),
    'a claim is no attempt',
  );
  t.equal(await sendBatch(aSender({ signal: ending.signal })), 0);

  await sendAll(aSender());
  t.equal(relay.received.length, 200);
  t.same(await states(pool), { sent: 200 });
});

t.test('MAIL_RATE holds for all instances together', async (t) => {
  const { pool, relay, config, publish, aSender } = await aRun(t, { people: names(24), env: { MAIL_RATE: '20' } });
  await publish();
  const began = Date.now();
  const senders = [1, 2, 3].map(() => aSender({ config, now: () => new Date(start.getTime() + Date.now() - began) }));
  await Promise.all(senders.map(sendAll));
  const took = Date.now() - began;
  t.equal(relay.received.length, 24);
  t.ok(took >= (23 / 20) * 1_000 - 50, `24 mails at 20 a second take at least 1.15 s: ${took} ms`);
  t.ok(took < 6_000, `and not many times as long: ${took} ms`);
  t.same(await states(pool), { sent: 24 });
});

t.test('answers are recorded though the database drops a connection', async (t) => {
  const { pool, aSender, publish } = await aRun(t, { crowd: 60 });
  await publish();
  let composed = 0;
  const contentOf: ContentOf = async (delivery) => {
    composed += 1;
    if (composed === 30) {
      await pool.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
      );
    }
    return plain(delivery);
  };
  await sendAll(aSender({ contentOf }));
  t.same(await states(pool), { sent: 60 });
});

t.test('hard bounces and departures at the same time do not lock each other out', async (t) => {
  const { pool, aSender, publish } = await aRun(t, {
    crowd: 200,
    answer: ({ stage }) => (stage === 'rcpt' ? '550 5.1.1 unknown user' : undefined),
  });
  await publish();
  const { rows } = await pool.query<{ id: number }>('select id from subscribers');
  const leaving = async () => {
    for (const { id } of rows) {
      await transaction(pool, async (tx) => {
        await tx.query('select from subscribers where id = $1 for no key update', [id]);
        await tx.query(`update subscribers set status = 'unsubscribed' where id = $1`, [id]);
        await suppressQueued(tx, id, 'unsubscribed', start);
      });
    }
  };
  await Promise.all([sendAll(aSender()), leaving()]);
  const counts = await states(pool);
  t.equal((counts.bounced ?? 0) + (counts.suppressed ?? 0), 200, JSON.stringify(counts));
});

t.test('a claim reads indexes and no table, whatever waits behind', async (t) => {
  const { pool, clock, aSender, publish } = await aRun(t, { crowd: 100_000 });
  await publish();
  await pool.query(`update deliveries set state = 'deferred', due_at = due_at + interval '1 hour' where id % 2 = 0`);
  const statements: pg.QueryConfig[] = [];
  const watched = new Proxy(pool, {
    get(target, name) {
      if (name !== 'query') return Reflect.get(target, name);
      return (query: pg.QueryConfig) => {
        statements.push(query);
        return target.query(query);
      };
    },
  });
  const none: Transport = {
    send: async () => ({
      outcome: 'accepted',
      stage: 'data',
      code: 250,
      enhanced: '2.0.0',
      response: '250 2.0.0 taken',
    }),
    close: async () => {},
  };
  // Without statistics of the table, and with them.
  for (const statistics of [false, true]) {
    if (statistics) await pool.query('analyze');
    statements.length = 0;
    t.equal(await sendBatch(aSender({ db: watched, transport: none }), 2_000), 2_000);
    const claim = statements.findLast(({ text }) => text.startsWith('with letters'));
    const record = statements.findLast(({ text }) => text.startsWith('update deliveries d set'));
    for (const statement of [claim, record]) {
      const known = await pool.query(`explain ${statement?.text}`, statement?.values);
      // As the server plans it after a while, once for all values.
      const unknown = await pool.query(`explain (generic_plan) ${statement?.text}`);
      for (const { rows } of [known, unknown]) {
        const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
        t.notMatch(plan, /Seq Scan on (deliveries|subscribers)/, plan);
        if (statement === claim) t.match(plan, /Index Scan using deliveries_due/);
      }
    }
  }
  t.equal(clock.now().getTime(), start.getTime());
});

t.test('nothing listens: a port that is closed and a server that is silent are the relay’s fault', async (t) => {
  const { pool, aSender, publish } = await aRun(t, { people: names(2) });
  await publish();
  const silent = createServer(() => {}).listen(0, '127.0.0.1');
  t.teardown(() => silent.close());
  await once(silent, 'listening');
  const address = silent.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const transport = createTransport({
    smtpUrl: `smtp://127.0.0.1:${port}`,
    mailConcurrency: 2,
    timeouts: { connect: 150, silence: 150 },
  });
  t.teardown(() => transport.close());
  await sendAll(aSender({ transport }));
  t.match(await states(pool), { queued: 1, deferred: 1 });
  t.match(await readRelay({ db: pool }), { stage: 'connect' });
});
