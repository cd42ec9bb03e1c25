import t from 'tap';
import { openDatabase, type TestDatabase } from '../support/database.js';
import { type Service, startService, until } from '../support/process.js';
import { type SmtpRelay, startSmtp } from '../support/smtp.js';
import { type ClockedService, startClocked } from './clocked.js';
import { adminEnv, openConsole } from './console.js';
import { delayedDsn } from './dsn.js';
import {
  asAdmin,
  confirmedCsv,
  headerOf,
  importCsv,
  listOf,
  mailedLink,
  outsideEnv,
  publish,
  quiet,
  sendForm,
  sendJson,
  startOutside,
  subscribers,
  wordsOf,
} from './outside.js';
import { auditOf, people, reportOf } from './report.js';
import { startStrictSmtp } from './strict-smtp.js';

/* Relays that refuse, in every way that has been booked wrongly (cases 3, 7, 8 and 11 of the collected faults). */

t.setTimeout(150_000);
// Each of them mostly waits.
t.jobs = 3;

/** Entries of the audit log in which these words stand. */
async function auditedWords(service: Service, words: string) {
  return (await auditOf(service)).filter((entry) => JSON.stringify(entry).includes(words));
}

const recipientsOf = (relay: SmtpRelay) => relay.received.flatMap(({ to }) => to);

/** Version 1 and its subscribers. */
async function begin(service: Service, ...addresses: string[]): Promise<void> {
  await publish(service, listOf('Vendor One'), { notify: false });
  await importCsv(service, confirmedCsv(...addresses));
}

/** Lets so many seconds of the service's clock go by, faster than real ones; `look` sees each moment. */
async function passTime(service: ClockedService, seconds: number, look: () => Promise<boolean>): Promise<number> {
  const from = (await service.now()).getTime();
  return until(
    `${seconds} s of the service's clock`,
    async () => {
      await service.advance(0.4);
      const passed = ((await service.now()).getTime() - from) / 1_000;
      return ((await look()) || passed >= seconds) && passed;
    },
    60_000,
  );
}

for (const mended of ['by itself', 'on “try now”'] as const) {
  t.test(`case 3: a wrong password burns nobody, and mail goes on ${mended}`, { buffered: true }, async (t) => {
    const database = await openDatabase(t);
    const words = '5.7.8 authentication failed for the notices';
    const relay = await startSmtp(t, {
      login: { user: 'notices', password: 'secret' },
      answer: ({ stage }) => (stage === 'auth' ? `535 ${words}` : undefined),
    });
    const service = await startClocked(t, outsideEnv({ ...adminEnv, DATABASE_URL: database.url, SMTP_URL: relay.url }));
    const everybody = people(200);
    await begin(service, ...everybody);
    await publish(service, listOf('Vendor One', 'Vendor Two'));
    const form = (email: string) => sendForm(`${service.url}/subscribe`, { email });
    const late = await form('late@example.org');

    const burnt: unknown[] = [];
    await passTime(service, 60, async () => {
      const { counts, complete } = await reportOf(service, 2, 1);
      if (complete || (counts.failed ?? 0) + (counts.bounced ?? 0) + (counts.suppressed ?? 0) > 0) burnt.push(counts);
      return false;
    });
    t.same(burnt, [], 'at no moment of the minute is anybody given up, or the run complete');
    const logins = relay.commands.filter(({ stage }) => stage === 'auth').length;
    t.ok(logins >= 2 && logins <= 30, `the relay has seen ${logins} log-ins in the minute`);
    t.equal((await auditedWords(service, words)).length, 1, 'the audit log has one fault, with the relay’s words');
    const console = await openConsole(service);
    const overview = await console.get('/admin');
    t.match(wordsOf(overview.body), new RegExp(`Mail is not going out.*${words}`), 'the console shows it');
    t.equal(wordsOf(overview.body).split(words).length, 2, 'once');
    t.notMatch(service.output(), /secret|notices:/, 'the password is in no log');

    const done = async () => recipientsOf(relay).length >= 201;
    if (mended === 'by itself') {
      relay.answerWith(() => undefined);
      t.ok((await passTime(service, 120, done)) < 120, 'all mail is there within two minutes');
    } else {
      const restsFor = async () => (await probeOf(database)).getTime() - (await service.now()).getTime();
      await passTime(service, 120, async () => (await restsFor()) > 20_000);
      relay.answerWith(() => undefined);
      await console.submit(overview, '/admin/relay');
      await until('most of the mail', async () => recipientsOf(relay).length >= 150, 10_000);
      // The few that were just tried have a pause of their own, of some twenty seconds; the clock runs several
      // times as fast as the machine, so what that one needs for them counts as well.
      t.ok((await passTime(service, 120, done)) < 120, 'and within two minutes all of it');
    }
    await quiet({ database });
    t.same(recipientsOf(relay).sort(), [...everybody, 'late@example.org'].sort(), 'one mail for each');
    t.match(await reportOf(service, 2), { complete: true, counts: { sent: 200 } });
    await mailedLink(relay, 'late@example.org', 'confirm');
    t.equal(late.status, 200);
    const healthy = await form('well@example.org');
    const neutral = (answer: typeof healthy, email: string) => [
      answer.status,
      Object.keys(answer.headers).sort(),
      answer.body.replaceAll(email, 'EMAIL'),
    ];
    t.same(neutral(late, 'late@example.org'), neutral(healthy, 'well@example.org'), 'the page was the usual one');
    t.notMatch(wordsOf((await console.get('/admin')).body), /Mail is not going out/, 'the fault is over');
  });
}

/** When the service asks a relay that is down again, by itself. */
async function probeOf({ pool }: TestDatabase): Promise<Date> {
  const { rows } = await pool.query<{ probe_at: Date }>('select probe_at from relay');
  if (rows[0] === undefined) throw new Error('there is one relay');
  return rows[0].probe_at;
}

/** When the two that wait are tried again. */
async function dueOf({ pool }: TestDatabase): Promise<Date[]> {
  const { rows } = await pool.query<{ state: string; due_at: Date }>(
    `select state, due_at from deliveries where email in ('b@example.org', 'c@example.org') and state = 'deferred'
     order by due_at`,
  );
  return rows.map(({ due_at }) => due_at);
}

t.test('case 7: bad addresses at the head of the queue hold up nobody', { buffered: true }, async (t) => {
  const database = await openDatabase(t);
  const relay = await startSmtp(t, {
    answer: ({ stage, subject }) => {
      if (stage !== 'rcpt') return undefined;
      if (subject === 'b@example.org') return '450 4.1.2 <b@example.org>: domain not found';
      if (subject === 'c@example.org') return 'close';
      return subject === 'd@example.org' ? '500 5.5.2 syntax error' : undefined;
    },
  });
  const service = await startClocked(t, outsideEnv({ DATABASE_URL: database.url, SMTP_URL: relay.url }));
  const others = people(96);
  await publish(service, listOf('Vendor One'), { notify: false });
  const bad = ['a.@example.org', 'b@example.org', 'c@example.org', 'd@example.org'];
  const { imported, errors } = await importCsv(service, confirmedCsv(...bad, ...others));
  t.match({ imported, errors }, { imported: 99, errors: [{ line: 2, message: /email/ }] }, 'a. is refused by its line');
  t.equal(errors.length, 1);
  const tries = (email: string) =>
    relay.commands.filter(({ stage, subject }) => stage === 'rcpt' && subject === email).length;

  const published = await service.now();
  await publish(service, listOf('Vendor One', 'Vendor Two'));
  await until('the others', async () => (await reportOf(service, 2)).counts.sent === 96, 30_000);
  t.same(recipientsOf(relay).sort(), [...others].sort(), 'all others have it within 30 s');

  /** Proof that the queue was looked through at this moment of the clock: a letter that came after all else went. */
  const look = async (email: string) => {
    t.equal((await sendJson(`${service.url}/api/v1/subscriptions`, { email })).status, 202);
    await mailedLink(relay, email, 'confirm');
  };
  const triedAt = [published.getTime()];
  for (let attempt = 2; attempt <= 4; attempt += 1) {
    const [first, last] = await until('both to wait', async () => {
      const due = await dueOf(database);
      return due.length === 2 && due[0] !== undefined && due[1] !== undefined && ([due[0], due[1]] as const);
    });
    await service.setClock(new Date(first.getTime() - 5_000));
    await look(`look${attempt}@example.org`);
    t.same(
      [tries(bad[1] ?? ''), tries(bad[2] ?? '')],
      [attempt - 1, attempt - 1],
      `not before attempt ${attempt} is due`,
    );
    await service.setClock(new Date(last.getTime() + 1_000));
    await until(`attempt ${attempt}`, async () => bad.slice(1, 3).every((email) => tries(email) === attempt));
    triedAt.push(last.getTime());
  }
  const minutes = triedAt.map((at) => (at - published.getTime()) / 60_000);
  t.ok(minutes.filter((at) => at < 5).length <= 3, `at most 3 tries in the first 5 minutes: ${minutes}`);
  const gaps = minutes.slice(1).map((at, index) => at - (minutes[index] ?? 0));
  t.ok(
    gaps.every((gap, index) => gap > 1.5 * (gaps[index - 1] ?? 0)),
    `at growing gaps: ${gaps}`,
  );

  await until('the record of the last try', async () => (await dueOf(database)).length === 2);
  const { deliveries, complete, counts } = await reportOf(service, 2);
  const of = new Map(deliveries.map((row) => [row.email, row]));
  t.equal(of.has('a.@example.org'), false);
  t.match(of.get('b@example.org'), { state: 'deferred', attempts: 4, response: /450 4\.1\.2 .*domain not found/ });
  t.match(of.get('c@example.org'), { state: 'deferred', attempts: 4, reason: 'connection-lost' });
  t.match(of.get('d@example.org'), { state: /^(failed|bounced)$/, attempts: 1, response: /500 .*syntax error/ });
  t.equal(tries('d@example.org'), 1, 'what is refused for good is not tried again');
  t.match({ complete, counts }, { complete: false, counts: { sent: 96, deferred: 2 } }, 'none of them is told as sent');
});

for (const pipelining of [true, false]) {
  const name = pipelining ? 'with PIPELINING' : 'without PIPELINING';
  t.test(
    `case 8: after a refused recipient the next mail on that connection goes, ${name}`,
    {
      buffered: true,
    },
    async (t) => {
      const database = await openDatabase(t);
      const relay = await startStrictSmtp(t, {
        pipelining,
        refuse: (address) => (address.startsWith('gone') ? '550 5.1.1 no such user' : undefined),
      });
      const service = await startService(t, outsideEnv({ DATABASE_URL: database.url, SMTP_URL: relay.url }));
      const gone = [1, 2, 3, 4, 5].map((index) => `gone${index}@example.org`);
      const others = people(55);
      // Spread over the run, two of them behind each other.
      const everybody = [...others];
      for (const [index, address] of gone.entries()) everybody.splice(3 + index * 9, 0, address);
      everybody.splice(4, 0, ...everybody.splice(everybody.indexOf('gone5@example.org'), 1));
      await begin(service, ...everybody);
      await publish(service, listOf('Vendor One', 'Vendor Two'));
      await quiet({ database });

      const { counts, deliveries } = await reportOf(service, 2);
      t.match(counts, { sent: 55, bounced: 5, failed: 0, deferred: 0, suppressed: 0 });
      const bounced = deliveries.filter(({ state }) => state === 'bounced');
      t.same(bounced.map(({ email }) => email).sort(), gone);
      for (const { email, attempts, response } of bounced)
        t.match({ attempts, response }, { attempts: 1, response: /550 5\.1\.1/ }, `${email}`);
      t.same([...relay.taken].sort(), [...others].sort(), 'each of the others has one mail');
      const asked = relay.dialogue.filter(({ line }) => /^RCPT TO:<gone/.test(line));
      t.equal(asked.length, 5, 'nobody who is gone is asked for twice');
      t.same(
        relay.dialogue.filter(({ line, reply }) => reply.startsWith('503') && line.startsWith('MAIL')),
        [],
        'no mail was begun in the transaction before it',
      );
      t.equal(relay.tooEarly, 0, 'nothing is sent ahead where that is not offered');
    },
  );
}

t.test(
  'case 11: a blocked sender is no dead mailbox, and “still trying” is no bounce',
  { buffered: true },
  async (t) => {
    const words = 'blocked by policy, see our postmaster page';
    const outside = await startOutside(t, { env: adminEnv });
    const { service, relay } = outside;
    relay.answerWith(({ stage, subject }) => {
      if (stage === 'data') return subject.endsWith('@big.example') ? `550 5.7.1 ${words}` : undefined;
      if (stage !== 'rcpt') return undefined;
      if (subject === 'no@example.org') return '550 5.1.1 no such user';
      return subject === 'full@example.org' ? '552 5.2.2 mailbox full' : undefined;
    });
    const big = people(30, 'big.example');
    const well = people(20);
    const special = ['no@example.org', 'full@example.org', 'slow@example.org'];
    const everybody = [...big.slice(0, 15), ...special, ...well, ...big.slice(15)];
    await begin(service, ...everybody);
    await publish(service, listOf('Vendor One', 'Vendor Two'));
    await until('the answers', async () => {
      const { counts } = await reportOf(service, 2);
      return (counts.queued ?? 0) + (counts.sending ?? 0) === 0 && (counts.sent ?? 0) > 0;
    });
    t.same(recipientsOf(relay).sort(), [...well, 'slow@example.org'].sort());

    const [slow] = relay.mailTo('slow@example.org');
    const dsn = await asAdmin(service, '/api/v1/bounces', {
      method: 'POST',
      headers: { 'content-type': 'message/rfc822' },
      body: delayedDsn('slow@example.org', slow === undefined ? '' : (headerOf(slow, 'Message-ID') ?? '')),
    });
    t.equal(dsn.status, 200, dsn.body);
    t.match(JSON.parse(dsn.body), { results: [{ outcome: 'noted', suppressed: false }] });

    const { deliveries } = await reportOf(service, 2);
    const of = new Map(deliveries.map((row) => [row.email, row]));
    t.match(of.get('no@example.org'), { state: 'bounced', attempts: 1, response: /550 5\.1\.1/ });
    t.match(of.get('slow@example.org'), { state: 'sent' }, 'who is only late has their notice');
    t.notMatch(of.get('full@example.org'), { state: 'sent' });
    for (const address of big)
      t.match(of.get(address), { response: new RegExp(words) }, `${address}: with the relay’s words`);
    t.same(new Set(big.map((address) => of.get(address)?.state)).has('bounced'), false, 'a block is no bounce');
    t.same(
      (await subscribers(service)).filter(({ status }) => status === 'suppressed').map(({ email }) => email),
      ['no@example.org'],
      'nobody but the dead mailbox is suppressed',
    );

    t.equal((await auditedWords(service, words)).length, 1, 'the block is one fault of sending in the audit log');
    const console = await openConsole(service);
    const tasks = wordsOf((await console.get('/admin/tasks')).body);
    t.equal(tasks.split(words).length, 2, 'and one task for the admins, with the relay’s words');
    t.match(tasks, /big\.example/);

    relay.answerWith(() => undefined);
    relay.received.length = 0;
    await publish(service, listOf('Vendor One', 'Vendor Two', 'Vendor Three'));
    const second = everybody.filter((address) => address !== 'no@example.org');
    await until('the second notice', async () => (await reportOf(service, 3)).complete, 60_000);
    const third = (await reportOf(service, 3)).counts;
    t.match(third, { sent: second.length, suppressed: 1, failed: 0, bounced: 0 });
    const told = relay.received.filter(({ raw }) => raw.includes('compare/2...3')).flatMap(({ to }) => to);
    t.same(told.sort(), second.sort(), 'the second notice goes to all but the dead mailbox');
  },
);
