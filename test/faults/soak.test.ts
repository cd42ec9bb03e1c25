import t from 'tap';
import { confirmedCsv, headerOf, importCsv, listOf, outsideEnv, publish } from '../bugs/outside.js';
import { people, reportOf } from '../bugs/report.js';
import { openDatabase, type TestDatabase } from '../support/database.js';
import { type Service, startService, until } from '../support/process.js';
import { type Answer, type Situation, startSmtp } from '../support/smtp.js';

/*
 * A run on two instances, of which one is killed every two seconds and started again, with a relay that
 * fails one time in ten. Small among the other tests; as large as you like by
 *
 *   SOAK_RECIPIENTS=50000 TAP_TIMEOUT=3600 node --import tsx test/faults/soak.test.ts
 *
 * It ends by itself: when all have their mail, or at a deadline that grows with their number.
 *
 * Two kinds of waiting would make hours of it, and are cut short by SQL, as the clock would do it later:
 * what was refused for now is due at once (an admin's "try now" for everybody), and a process that was
 * killed loses its leases at once instead of after 45 s. It is dead beyond doubt, so nobody else could
 * have noticed a difference.
 */

const recipients = Number(process.env.SOAK_RECIPIENTS ?? 2_000);
const deadlineMs = 90_000 + recipients * 60;
t.setTimeout(deadlineMs + 30_000);

/** SMTP connections of one instance. */
const connections = 8;
/** The relay takes so long for a mail: slow enough among the other tests that several kills meet the run. */
const delayMs = recipients > 10_000 ? 20 : 100;
const killEveryMs = 2_000;
/** Mails on the wire, with PIPELINING two on a connection, and answers that the database has not heard yet. */
const inFlight = connections * 2 + 200;

/** Always the same sequence from 0 to 1 (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Fails at one mail in ten, at any step. */
function createFailures() {
  const random = createRandom(recipients);
  const failures: Record<string, number> = {};
  const at: Partial<Record<Situation['stage'], [share: number, Answer][]>> = {
    mail: [[0.01, '421 4.3.2 closing for a moment']],
    rcpt: [
      [0.04, '451 4.7.1 try again later'],
      [0.01, 'close'],
    ],
    body: [[0.01, 'close']],
    data: [
      [0.01, '421 4.3.2 closing for a moment'],
      [0.02, 'take and close'],
    ],
  };
  const answer = ({ stage }: Situation): Answer => {
    let dice = random();
    for (const [share, said] of at[stage] ?? []) {
      dice -= share;
      if (dice >= 0) continue;
      const name = `${stage}: ${said}`;
      failures[name] = (failures[name] ?? 0) + 1;
      return said;
    }
    return undefined;
  };
  return { failures, answer };
}

interface Instance {
  service: Service;
  /** By which its rows are known in the database; null until it has taken some. */
  id: string | null;
}

t.test(`${recipients} recipients, instances that die, a relay that fails: everybody is told`, async (t) => {
  const database = await openDatabase(t);
  const { failures, answer } = createFailures();
  const relay = await startSmtp(t, { delayMs, answer });
  const env = outsideEnv({
    DATABASE_URL: database.url,
    SMTP_URL: relay.url,
    MAIL_CONCURRENCY: String(connections),
    LOG_LEVEL: 'fatal',
  });
  const start = async (): Promise<Instance> => ({ service: await startService(t, env), id: null });
  // The other comes when this one is known, so that it is clear whose rows are whose.
  const first = await start();
  await publish(first.service, listOf('Vendor One'), { notify: false });
  const everybody = people(recipients);
  await importCsv(first.service, confirmedCsv(...everybody));
  await publish(first.service, listOf('Vendor One', 'Vendor Two'));

  const begun = performance.now();
  /** By recipient: the messages that came, each counted. */
  const got = new Map<string, Map<string, number>>();
  const living: Instance[] = [first];
  const known = new Set<string>();
  let starting: Promise<void> | null = null;
  let failure: unknown = null;
  let kills = 0;
  let lastKill = begun;

  const collect = () => {
    for (const mail of relay.received.splice(0)) {
      const to = mail.to[0] ?? '';
      const id = headerOf(mail, 'Message-ID') ?? '';
      const messages = got.get(to) ?? new Map<string, number>();
      got.set(to, messages.set(id, (messages.get(id) ?? 0) + 1));
    }
  };
  const startAnother = () => {
    starting = start().then(
      (instance) => {
        living.push(instance);
        starting = null;
      },
      (error: unknown) => {
        failure = error;
      },
    );
  };

  await until(
    'everybody to have their mail',
    async () => {
      if (failure !== null) throw failure;
      collect();
      await identify(database, living, known);
      await tryNow(database);
      const isTime = performance.now() - lastKill >= killEveryMs && starting === null;
      if (living.length < 2 && starting === null && living.every(({ id }) => id !== null)) startAnother();
      const victim = living[0];
      // Only in the middle of work, and never the last one.
      if (isTime && living.length === 2 && victim !== undefined && victim.id !== null) {
        lastKill = performance.now();
        living.shift();
        await victim.service.stop('SIGKILL');
        kills += 1;
        await endLeases(database, victim.id);
      }
      const alive = living.at(-1)?.service;
      const told = alive === undefined ? null : await reportOf(alive, 2, 1).catch(() => null);
      collect();
      if (told?.complete === true && got.size < recipients) t.fail(`complete at ${got.size} of ${recipients}`);
      return told?.complete;
    },
    deadlineMs,
  );
  await starting;
  collect();
  const seconds = Math.round((performance.now() - begun) / 1_000);

  const { rows } = await database.pool.query<{ email: string; state: string; message_id: string }>(
    'select email, state, message_id from deliveries',
  );
  t.equal(rows.length, recipients, 'each recipient has exactly one row');
  t.equal(new Set(rows.map(({ email }) => email)).size, recipients);
  t.same(new Set(rows.map(({ state }) => state)), new Set(['sent']), 'which is sent');
  t.equal(everybody.filter((email) => got.has(email)).length, recipients, 'and at least one message');
  const strange = rows.filter(({ email, message_id }) => {
    const messages = got.get(email);
    return messages?.size !== 1 || !messages.has(message_id);
  });
  t.same(strange, [], 'every double is the same message');
  const doubles = [...got.values()].reduce((sum, messages) => sum + Math.max(...messages.values()) - 1, 0);
  const cut = failures['data: take and close'] ?? 0;
  t.comment(
    `${recipients} recipients in ${seconds} s, ${kills} kills; ${doubles} doubles, ${cut} connections cut after a mail was taken`,
  );
  t.comment(`the relay failed: ${JSON.stringify(failures)}`);
  t.ok(doubles <= cut + kills * inFlight, 'doubles are at most what was in flight at a kill, or cut off');
  t.ok(kills >= 2, `${kills} kills met the run`);

  for (const { service } of living) t.equal(await service.stop(), 0);
  const left = await database.pool.query(`select from deliveries where state <> 'sent'`);
  t.equal(left.rowCount, 0, 'nothing is left claimed');
});

/** Learns by which name a new instance takes its rows. */
async function identify({ pool }: TestDatabase, living: readonly Instance[], known: Set<string>): Promise<void> {
  const nameless = living.find(({ id }) => id === null);
  if (nameless === undefined) return;
  const { rows } = await pool.query<{ id: string }>(
    'select distinct leased_by::text as id from deliveries where leased_by is not null',
  );
  const fresh = rows.find(({ id }) => !known.has(id));
  if (fresh === undefined) return;
  known.add(fresh.id);
  nameless.id = fresh.id;
}

async function tryNow({ pool }: TestDatabase): Promise<void> {
  await pool.query(`update deliveries set due_at = now() where id in (
    select id from deliveries where state = 'deferred' and due_at > now() for update skip locked)`);
  await pool.query('update relay set probe_at = now() where down_since is not null and probe_at > now()');
}

async function endLeases({ pool }: TestDatabase, id: string): Promise<void> {
  await pool.query(`update deliveries set leased_until = now() - interval '1 second' where leased_by::text = $1`, [id]);
}
