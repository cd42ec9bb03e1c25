import t, { type Test } from 'tap';
import { confirmedCsv, headerOf, listOf } from '../bugs/outside.js';
import { makeCertificate } from '../mail/certificate.js';
import { bearer, startApp, type TestApp } from '../support/app.js';
import { type SmtpOptions, type SmtpRelay, startSmtp } from '../support/smtp.js';

/*
 * A relay that fails in every way known, with and without PIPELINING: judged by the rows, and by what it got.
 */

t.setTimeout(150_000);
t.jobs = 2;

interface Row {
  email: string;
  state: string;
  reason: string | null;
  response: string | null;
  attempts: number;
  message_id: string | null;
}

interface Run {
  app: TestApp;
  relay: SmtpRelay;
  rows(): Promise<Map<string, Row>>;
  states(): Promise<Record<string, number>>;
  /** What the relay is shown to admins to have said; null while it is well. */
  fault(): Promise<{ stage: string; fault: string } | null>;
  /** Lets time go by from one due moment to the next, until nobody waits any more; at most so many. */
  goOn(moments: number): Promise<void>;
}

/** A published change for these people, ready to be sent; nothing was yet. */
async function aRun(
  t: Test,
  people: readonly string[],
  options: { smtp?: SmtpOptions; relay?: SmtpRelay; env?: Record<string, string> },
): Promise<Run> {
  const relay = options.relay ?? (await startSmtp(t, options.smtp));
  const app = await startApp(t, { smtp: relay, env: { MAIL_CONCURRENCY: '4', ...options.env } });
  const call = async (method: 'PUT' | 'POST', url: string, payload: object | string, type = 'application/json') => {
    const headers = { ...bearer, 'content-type': type };
    const answer = await app.inject({ method, url, headers, payload });
    if (answer.statusCode >= 300) throw new Error(`${method} ${url}: ${answer.statusCode} ${answer.body}`);
  };
  await call('PUT', '/api/v1/draft', listOf('Vendor One'));
  await call('POST', '/api/v1/versions', { notify: false });
  await call('POST', '/api/v1/subscribers/import', confirmedCsv(...people), 'text/csv');
  await call('PUT', '/api/v1/draft', listOf('Vendor One', 'Vendor Two'));
  await call('POST', '/api/v1/versions', {});
  await app.fanOut();
  const { pool } = app.database;
  const run: Run = {
    app,
    relay,
    async rows() {
      const { rows } = await pool.query<Row>(
        'select email, state, reason, response, attempts, message_id from deliveries',
      );
      return new Map(rows.map((row) => [row.email, row]));
    },
    async states() {
      const { rows } = await pool.query<{ state: string; count: number }>(
        'select state, count(*)::integer as count from deliveries group by state order by state',
      );
      return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
    },
    async fault() {
      const { rows } = await pool.query<{ stage: string; fault: string }>(
        'select stage, fault from relay where down_since is not null',
      );
      return rows[0] ?? null;
    },
    async goOn(moments) {
      for (let count = 0; count < moments; count += 1) {
        const { rows } = await pool.query<{ due: Date | null }>(
          `select greatest(min(due_at), (select probe_at from relay where down_since is not null)) as due
           from deliveries where state in ('queued', 'deferred')`,
        );
        const due = rows[0]?.due;
        if (due === null || due === undefined) return;
        if (due > app.clock.now()) app.clock.set(due);
        await app.send();
      }
    },
  };
  return run;
}

const people = (count: number, domain = 'example.org') =>
  Array.from({ length: count }, (_, index) => `person${index}@${domain}`);

const recipients = ({ relay }: Run) => relay.received.flatMap(({ to }) => to).sort();

/** Each has the mail, once, as the row says. */
async function eachOnce(t: Test, run: Run, expected: readonly string[]): Promise<void> {
  t.same(recipients(run), [...expected].sort(), 'each has one mail');
  await sameMessages(t, run);
}

async function sameMessages(t: Test, run: Run): Promise<void> {
  const rows = await run.rows();
  const strange = run.relay.received.filter(
    (mail) => headerOf(mail, 'Message-ID') !== rows.get(mail.to[0] ?? '')?.message_id,
  );
  t.equal(strange.length, 0, 'every mail is the message of its row');
}

for (const pipelining of [true, false]) {
  const offers = { without: pipelining ? [] : ['PIPELINING'] } as const satisfies SmtpOptions;
  const test = (name: string, play: (t: Test) => Promise<void>) =>
    t.test(`${name} (${pipelining ? 'PIPELINING' : 'one command at a time'})`, { buffered: true }, play);

  test('greylisting: everybody is refused at first, waits, and has it then', async (t) => {
    const everybody = people(20);
    const run = await aRun(t, everybody, {
      smtp: {
        ...offers,
        answer: ({ stage, attempt }) =>
          stage === 'rcpt' && attempt === 1 ? '451 4.7.1 Greylisting in action, please come back later' : undefined,
      },
    });
    await run.app.send();
    t.same(await run.states(), { deferred: 20 });
    for (const { reason, response, attempts } of (await run.rows()).values()) {
      t.match(
        { reason, response, attempts },
        { reason: 'greylisted', response: /451 4\.7\.1 Greylisting/, attempts: 1 },
      );
    }
    t.equal(await run.fault(), null, 'that is no fault of the relay');
    run.app.clock.advance({ seconds: 40 });
    await run.app.send();
    t.equal(run.relay.commands.filter(({ stage }) => stage === 'rcpt').length, 20, 'nobody is tried before a minute');
    run.app.clock.advance({ seconds: 40 });
    await run.app.send();
    t.same(await run.states(), { sent: 20 });
    await eachOnce(t, run, everybody);
  });

  test('recipients that are refused for good, each for a reason of their own', async (t) => {
    const words: Record<string, string> = {
      'unknown@example.org': '550 5.1.1 no such user',
      'disabled@example.org': '550 5.2.1 mailbox disabled',
      'full@example.org': '552 5.2.2 mailbox full',
      'bare@example.org': '554 no',
    };
    const policy = '550 5.7.1 blocked by policy';
    const well = people(26);
    const everybody = [...well];
    for (const [index, address] of [...Object.keys(words), 'policy@strict.example'].entries()) {
      everybody.splice(2 + index * 4, 0, address);
    }
    const run = await aRun(t, everybody, {
      smtp: {
        ...offers,
        answer: ({ stage, subject }) => {
          if (stage === 'rcpt') return words[subject];
          return stage === 'data' && subject === 'policy@strict.example' ? policy : undefined;
        },
      },
    });
    await run.app.send();
    const rows = await run.rows();
    t.match(rows.get('unknown@example.org'), { state: 'bounced', reason: 'mailbox-unknown' });
    t.match(rows.get('disabled@example.org'), { state: 'bounced', reason: 'mailbox-disabled' });
    t.match(rows.get('full@example.org'), { state: 'bounced', reason: 'mailbox-full' });
    t.match(rows.get('bare@example.org'), { state: 'failed', reason: 'refused' });
    t.match(rows.get('policy@strict.example'), { state: 'failed', reason: 'policy', response: policy });
    for (const [address, said] of Object.entries(words)) {
      t.match(rows.get(address), { response: said, attempts: 1 }, `${address}: the relay’s own words, one try`);
    }
    const { rows: suppressed } = await run.app.database.pool.query<{ email: string }>(
      `select email from subscribers s where exists (select from suppressions x where x.email_hash = s.email_hash)`,
    );
    t.same(suppressed.map(({ email }) => email).sort(), ['disabled@example.org', 'unknown@example.org']);
    await eachOnce(t, run, well);
    t.equal(await run.fault(), null);
  });

  test('421 after some mails, at MAIL and in place of the answer to a mail', async (t) => {
    const everybody = people(60);
    const counts = { mail: 0, data: 0 };
    const run = await aRun(t, everybody, {
      smtp: {
        ...offers,
        answer: ({ stage }) => {
          if (stage !== 'mail' && stage !== 'data') return undefined;
          counts[stage] += 1;
          return counts[stage] % (stage === 'mail' ? 7 : 11) === 0 ? '421 4.7.0 enough for now' : undefined;
        },
      },
    });
    await run.app.send();
    await run.goOn(20);
    t.same(await run.states(), { sent: 60 });
    await eachOnce(t, run, everybody);
  });

  test('the connection drops in the middle of a message', async (t) => {
    const everybody = people(30);
    const run = await aRun(t, everybody, {
      smtp: {
        ...offers,
        answer: ({ stage, subject, attempt }) =>
          stage === 'body' && attempt === 1 && /^person1?[37]@/.test(subject) ? 'close' : undefined,
      },
    });
    await run.app.send();
    const early = await run.rows();
    for (const number of [3, 7, 13, 17]) {
      const row = early.get(`person${number}@example.org`);
      t.match(row, { state: 'deferred', reason: 'connection-lost', attempts: 1 }, `person${number} waits`);
    }
    t.equal(run.relay.received.length, 26, 'the others have it');
    await run.goOn(8);
    t.same(await run.states(), { sent: 30 });
    await eachOnce(t, run, everybody);
  });

  test('the connection drops after a message was taken, before that is said', async (t) => {
    const everybody = people(30);
    const run = await aRun(t, everybody, {
      smtp: {
        ...offers,
        answer: ({ stage, subject, attempt }) =>
          stage === 'data' && attempt === 1 && /^person1?[37]@/.test(subject) ? 'take and close' : undefined,
      },
    });
    await run.app.send();
    t.equal((await run.rows()).get('person3@example.org')?.state, 'deferred', 'nobody can say that it was sent');
    await run.goOn(8);
    t.same(await run.states(), { sent: 30 });
    const doubled = [3, 7, 13, 17].map((number) => `person${number}@example.org`);
    t.same(recipients(run), [...everybody, ...doubled].sort(), 'those few have it twice, and nobody else');
    await sameMessages(t, run);
  });

  test('slow answers: connections work side by side, and nobody is sent to twice', async (t) => {
    const everybody = people(24);
    let [inHand, most] = [0, 0];
    const run = await aRun(t, everybody, {
      smtp: {
        ...offers,
        delayMs: 150,
        answer: ({ stage }) => {
          if (stage === 'body') inHand += 1;
          most = Math.max(most, inHand);
          if (stage === 'data') inHand -= 1;
          return undefined;
        },
      },
    });
    await run.app.send();
    t.equal(most, 4, 'it has as many mails at a time as it may have connections');
    t.same(await run.states(), { sent: 24 });
    await eachOnce(t, run, everybody);
  });

  test('TLS that is a duty and cannot be had is one fault, and nothing is said in the open', async (t) => {
    const certificate = await makeCertificate(t, 'DNS:somebody-else.example');
    const everybody = people(20);
    for (const tls of [undefined, certificate ?? undefined]) {
      const login = { user: 'notices', password: 'secret' };
      const relay = await startSmtp(t, { ...offers, login, ...(tls === undefined ? {} : { tls }) });
      const run = await aRun(t, everybody, { relay, env: { SMTP_URL: `${relay.url}?tls=on` } });
      await run.app.send();
      await run.goOn(3);
      await waiting(t, run, 20);
      t.match(await run.fault(), { stage: 'tls' });
      t.same(
        relay.commands.filter(({ stage }) => stage !== 'greeting'),
        [],
        'neither a password nor an address is said',
      );
      t.ok(relay.connections <= 8, `${relay.connections} connections`);
      await oneFault(t, run);
    }
  });

  test('a wrong password is one fault, and burns nobody', async (t) => {
    const everybody = people(50);
    const login = { user: 'notices', password: 'secret' };
    const run = await aRun(t, everybody, {
      smtp: { ...offers, login, answer: ({ stage }) => (stage === 'auth' ? '535 5.7.8 not known here' : undefined) },
    });
    await run.app.send();
    await run.goOn(4);
    await waiting(t, run, 50);
    t.match(await run.fault(), { stage: 'auth', fault: /535 5\.7\.8 not known here/ });
    t.ok(run.relay.commands.length <= 20, `${run.relay.commands.length} steps of the dialogue`);
    await oneFault(t, run);
    run.relay.answerWith(() => undefined);
    await run.goOn(4);
    t.same(await run.states(), { sent: 50 });
    await eachOnce(t, run, everybody);
  });

  for (const domains of [['example.org'], ['a.example', 'b.example', 'c.example', 'd.example']]) {
    test(`a relay that takes no mail of this size, for ${domains.length} domain(s)`, async (t) => {
      const everybody = domains.flatMap((domain) => people(24 / domains.length, domain));
      const run = await aRun(t, everybody, { smtp: { ...offers, size: 3_000 } });
      await run.app.send();
      await waiting(t, run, 24);
      t.match(await run.fault(), { fault: /size/i });
      await oneFault(t, run);
      t.equal(run.relay.commands.filter(({ stage }) => stage === 'rcpt').length, 0, 'it is not asked about anybody');
    });
  }

  test('no 8BITMIME: all of it is 7-bit', async (t) => {
    const everybody = people(5);
    const run = await aRun(t, everybody, { smtp: { without: [...offers.without, '8BITMIME'] } });
    await run.app.send();
    await eachOnce(t, run, everybody);
    for (const { mailParameters, raw } of run.relay.received) {
      t.notOk('BODY' in mailParameters);
      t.ok(raw.every((byte) => byte < 128));
    }
  });

  test('no SMTPUTF8: an address that needs it fails alone, once, and is not altered', async (t) => {
    const plain = people(12);
    const special = ['jörg@example.org', '用户@example.org'];
    const everybody = [...plain.slice(0, 6), ...special, ...plain.slice(6)];
    const run = await aRun(t, everybody, { smtp: { without: [...offers.without, 'SMTPUTF8'] } });
    await run.app.send();
    await eachOnce(t, run, plain);
    const rows = await run.rows();
    for (const address of special) {
      t.match(rows.get(address), { state: 'failed', reason: 'relay-lacks-smtputf8', attempts: 1 }, address);
    }
    const asked = run.relay.commands.filter(({ stage }) => stage === 'rcpt').map(({ subject }) => subject);
    t.same(asked.sort(), [...plain].sort());
    t.equal(await run.fault(), null);
  });
}

/** Nobody is given up. */
async function waiting(t: Test, run: Run, count: number): Promise<void> {
  const { queued = 0, deferred = 0, ...others } = await run.states();
  t.same({ waiting: queued + deferred, others }, { waiting: count, others: {} }, 'everybody waits');
}

/** The admins are told once, not once a recipient or a try. */
async function oneFault(t: Test, run: Run): Promise<void> {
  const { rows } = await run.app.database.pool.query(`select from audit_log where action = 'relay.down'`);
  t.equal(rows.length, 1, 'the admins have one fault');
}
