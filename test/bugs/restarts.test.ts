import t, { type Test } from 'tap';
import { z } from 'zod';
import { openDatabase, type TestDatabase } from '../support/database.js';
import { freePort, type Service, startService, until } from '../support/process.js';
import { startSmtp } from '../support/smtp.js';
import { startClocked } from './clocked.js';
import { adminEnv, openConsole } from './console.js';
import { asAdmin, confirmedCsv, headerOf, importCsv, listOf, outsideEnv, publish, quiet, wordsOf } from './outside.js';
import { auditOf, people, reportOf } from './report.js';

/*
 * A run of mail, a publication and a planned hour, each met by a stop, a kill or a second instance (cases
 * 1, 5 and 28 of the collected faults).
 */

t.setTimeout(150_000);
// Each of them mostly waits.
t.jobs = 2;

const unsettled = ({ queued = 0, sending = 0, deferred = 0 }: Readonly<Record<string, number>>) =>
  queued + sending + deferred;

/** Mails that one recipient got beyond the first. */
const doublesOf = (got: readonly string[]) => got.length - new Set(got).size;

/*
 * What a kill may double is what the relay has taken and the database has not heard of: on each connection
 * the mail in hand and, with PIPELINING, the one behind it, and the answers that wait for the statement
 * on its way, of which the service lets no more than this gather before it stops handing over.
 */
const [connections, depth, unrecorded] = [8, 2, 200];
const inFlight = connections * depth + unrecorded;

t.test(
  'case 1: a run that is stopped, and then killed, skips nobody and is not finished early',
  {
    buffered: true,
  },
  async (t) => {
    const database = await openDatabase(t);
    const at = new Map<number, () => void>();
    let taken = 0;
    const relay = await startSmtp(t, {
      delayMs: 10,
      answer: ({ stage }) => {
        if (stage !== 'data') return undefined;
        taken += 1;
        at.get(taken)?.();
        return undefined;
      },
    });
    const reached = (count: number) => new Promise<void>((resolve) => at.set(count, resolve));
    const [stopAt, killAt] = [reached(500), reached(1_200)];
    const env = outsideEnv({
      DATABASE_URL: database.url,
      SMTP_URL: relay.url,
      PORT: String(await freePort()),
      MAIL_CONCURRENCY: String(connections),
    });
    const first = await startService(t, env);
    await publish(first, listOf('Vendor One'), { notify: false });
    const everybody = people(2_000);
    await importCsv(first, confirmedCsv(...everybody));
    await publish(first, listOf('Vendor One', 'Vendor Two'));

    // From here on the report is read without a pause, whichever process answers.
    const early: unknown[] = [];
    let polls = 0;
    const finished = until(
      'the end of the run',
      async () => {
        // Between two starts nobody answers.
        const told = await reportOf(first, 2, 1).catch(() => null);
        if (told === null) return false;
        polls += 1;
        const got = new Set(relay.received.flatMap(({ to }) => to)).size;
        if (told.complete && (unsettled(told.counts) > 0 || got < everybody.length)) early.push({ ...told, got });
        return told.complete;
      },
      120_000,
    );

    await stopAt;
    const stopping = performance.now();
    t.equal(await first.stop('SIGTERM'), 0);
    t.ok(performance.now() - stopping < 10_000, 'it ends within ten seconds');
    const stopped = await statesOf(database);
    t.equal(stopped.sending ?? 0, 0, 'nothing stays claimed');
    t.equal(stopped.sent, relay.received.length, 'what the relay took is recorded');
    t.equal(doublesOf(relay.received.flatMap(({ to }) => to)), 0, 'and nobody has it twice');
    t.ok(relay.received.length >= 500 && relay.received.length < 1_000, `stopped after ${relay.received.length} mails`);

    const second = await startService(t, env);
    await killAt;
    t.equal(await second.stop('SIGKILL'), 'SIGKILL');
    const killed = await statesOf(database);
    t.comment(`killed after ${relay.received.length} mails, of which ${killed.sent} were recorded`);
    t.equal(doublesOf(relay.received.flatMap(({ to }) => to)), 0, 'so far the second start has doubled nobody');

    const stranded = async () => {
      const { rows } = await database.pool.query<{ leased_by: string; count: number }>(
        'select leased_by, count(*)::integer as count from deliveries where leased_by is not null group by 1',
      );
      return new Map(rows.map(({ leased_by, count }) => [leased_by, count]));
    };
    const [[dead, count] = ['', 0]] = [...(await stranded())];
    t.ok(count > 0, `the killed process leaves ${count} deliveries claimed`);

    const third = await startClocked(t, env);
    const started = await third.now();
    await third.advance(46);
    await until('its deliveries to be taken up', async () => !(await stranded()).has(dead));
    t.ok((await third.now()).getTime() - started.getTime() < 60_000, 'they are covered within a minute');
    await finished;
    t.same(early, [], `no report of ${polls} called the run complete before it was`);

    const rows = await database.pool.query<{ email: string; state: string; message_id: string }>(
      'select email, state, message_id from deliveries',
    );
    t.same(rows.rows.map(({ email }) => email).sort(), [...everybody].sort(), 'each has exactly one delivery');
    t.same(await statesOf(database), { sent: 2_000 }, 'which is sent');
    const got = relay.received.flatMap(({ to }) => to);
    t.equal(new Set(got).size, 2_000, 'and each has the mail');
    const doubles = doublesOf(got);
    t.comment(`${doubles} doubles`);
    t.ok(doubles <= inFlight, `doubles are at most what was in flight: ${doubles}`);
    const ids = new Map(rows.rows.map(({ email, message_id }) => [email, message_id]));
    const others = relay.received.filter((mail) => headerOf(mail, 'Message-ID') !== ids.get(mail.to[0] ?? ''));
    t.equal(others.length, 0, 'a double has the same Message-ID');
    t.equal(await third.stop(), 0);
  },
);

async function statesOf({ pool }: TestDatabase): Promise<Record<string, number>> {
  const { rows } = await pool.query<{ state: string; count: number }>(
    'select state, count(*)::integer as count from deliveries group by state',
  );
  return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
}

const publishedSchema = z.object({ version: z.number(), hash: z.string() });

t.test(
  'case 5: of three instances one publishes what is planned, and one key publishes once',
  {
    buffered: true,
  },
  async (t) => {
    const database = await openDatabase(t);
    const relay = await startSmtp(t);
    const env = outsideEnv({ DATABASE_URL: database.url, SMTP_URL: relay.url });
    const services = [await startService(t, env), ...(await Promise.all([startService(t, env), startService(t, env)]))];
    const instance = (index: number): Service => {
      const service = services[index % services.length];
      if (service === undefined) throw new Error('there are three instances');
      return service;
    };
    const everybody = people(300);
    await publish(instance(0), listOf('Vendor One'), { notify: false });
    await importCsv(instance(1), confirmedCsv(...everybody));

    const draft = (...names: string[]) =>
      asAdmin(instance(2), '/api/v1/draft', { method: 'PUT', body: JSON.stringify(listOf(...names)) });
    t.equal((await draft('Vendor One', 'Vendor Two')).status, 200);
    const publishAt = new Date(Date.now() + 5_000).toISOString();
    const planned = await asAdmin(instance(0), '/api/v1/versions', {
      method: 'POST',
      body: JSON.stringify({ publishAt }),
    });
    t.equal(planned.status, 202);
    await until('the planned version', async () => (await asAdmin(instance(1), '/api/v1/versions/2')).status === 200);
    await quiet({ database });
    t.same(relay.received.flatMap(({ to }) => to).sort(), [...everybody].sort(), 'the planned one: one mail each');

    t.equal((await draft('Vendor One', 'Vendor Two', 'Vendor Three')).status, 200);
    const post = (index: number, body: object) =>
      asAdmin(instance(index), '/api/v1/versions', {
        method: 'POST',
        headers: { 'idempotency-key': 'one-and-the-same' },
        body: JSON.stringify(body),
      });
    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => post(index, { message: 'once' })));
    await quiet({ database });
    answers.push(await post(1, { message: 'once' }));
    t.same(new Set(answers.map(({ status }) => status)), new Set([201]), 'each call of the key is answered');
    const versions = answers.map(({ body }) => publishedSchema.parse(JSON.parse(body)));
    t.same(new Set(versions.map(({ version }) => version)), new Set([3]), 'with the same version');
    t.equal(new Set(versions.map(({ hash }) => hash)).size, 1);
    const other = await post(2, { message: 'another' });
    t.ok(other.status >= 400 && other.status < 500, `the key with another body is refused: ${other.status}`);

    await quiet({ database });
    const { rows } = await database.pool.query<{ number: number }>('select number from versions order by number');
    t.same(
      rows.map(({ number }) => number),
      [1, 2, 3],
      'one version each, without a gap',
    );
    t.same(
      relay.received.flatMap(({ to }) => to).sort(),
      [...everybody, ...everybody].sort(),
      'each subscriber has one mail a version',
    );
    t.equal(new Set(relay.received.map((mail) => headerOf(mail, 'Message-ID'))).size, 600);
    for (const version of [2, 3]) {
      const told = await reportOf(instance(version), version);
      t.match(told, { complete: true, counts: { sent: 300, queued: 0, sending: 0, deferred: 0, failed: 0 } });
    }
  },
);

const planSchema = z.object({
  versions: z.array(
    z.looseObject({
      version: z.number(),
      state: z.string(),
      held: z.boolean().optional(),
      publishedAt: z.coerce.date().optional(),
    }),
  ),
});
const [second, day] = [1_000, 24 * 60 * 60 * 1_000];

/** Plans for in 20 s, stops after 5 s, starts after 90 s. */
async function sleepThrough(t: Test, effectiveAt: (publishAt: Date) => Date) {
  const database = await openDatabase(t);
  const relay = await startSmtp(t);
  const port = String(await freePort());
  const env = outsideEnv({ ...adminEnv, DATABASE_URL: database.url, SMTP_URL: relay.url, PORT: port });
  const before = await startClocked(t, env);
  await publish(before, listOf('Vendor One'), { notify: false });
  await importCsv(before, confirmedCsv('ann@example.org', 'bob@example.org'));
  const draft = JSON.stringify(listOf('Vendor One', 'Vendor Two'));
  t.equal((await asAdmin(before, '/api/v1/draft', { method: 'PUT', body: draft })).status, 200);
  const asked = await before.now();
  const publishAt = new Date(asked.getTime() + 20 * second);
  const planned = await asAdmin(before, '/api/v1/versions', {
    method: 'POST',
    body: JSON.stringify({ publishAt: publishAt.toISOString(), effectiveAt: effectiveAt(publishAt).toISOString() }),
  });
  t.equal(planned.status, 202, planned.body);
  await before.advance(5);
  t.equal(await before.stop(), 0);
  t.equal(relay.received.length, 0, 'nothing is mailed before the hour');

  const startedAt = new Date(asked.getTime() + 90 * second);
  const service = await startClocked(t, env, startedAt);
  const listed = async () => planSchema.parse(JSON.parse((await asAdmin(service, '/api/v1/versions')).body)).versions;
  const audited = async (action: string) => (await auditOf(service)).filter((entry) => entry.action === action);
  return { database, relay, env, service, publishAt, startedAt, listed, audited };
}

t.test(
  'case 28: an hour that passed while the service was down, with dates that still hold',
  {
    buffered: true,
  },
  async (t) => {
    const stage = await sleepThrough(t, (publishAt) => new Date(publishAt.getTime() + 60 * day));
    const { database, relay, service, startedAt } = stage;
    await until('the publication', async () => (await stage.listed())[0]?.state === 'announced');
    const [version] = await stage.listed();
    const publishedAt = version?.publishedAt?.getTime() ?? 0;
    t.ok(publishedAt >= startedAt.getTime(), 'with the real time of publishing');
    t.ok(publishedAt - startedAt.getTime() < 60 * second, 'within a minute of the start');
    const [entry, ...more] = (await stage.audited('version.published')).filter(
      ({ subject }) => subject === 'version 2',
    );
    t.same(more, [], 'once');
    t.match(entry?.detail, { plannedFor: stage.publishAt.toISOString() }, 'the audit has the hour that was planned');
    const late = z.number().parse(entry?.detail.lateSeconds);
    t.ok(late >= 69 && late <= 135, `and the delay: ${late} s`);
    await quiet({ database });

    // Once more, as the old server is brought back.
    t.equal(await service.stop(), 0);
    const again = await startClocked(t, stage.env, new Date(startedAt.getTime() + 300 * second));
    await publish(again, listOf('Vendor One', 'Vendor Two', 'Vendor Three'));
    await quiet({ database });
    t.same(
      relay.received.flatMap(({ to }) => to).sort(),
      ['ann@example.org', 'ann@example.org', 'bob@example.org', 'bob@example.org'],
      'one mail each for it, and one for the version after it',
    );
    t.equal(new Set(relay.received.map((mail) => headerOf(mail, 'Message-ID'))).size, 4);
  },
);

t.test(
  'case 28: an hour that passed while the service was down, after which the notice would be too short',
  {
    buffered: true,
  },
  async (t) => {
    const stage = await sleepThrough(t, (publishAt) => new Date(publishAt.getTime() + 30 * day));
    const { database, relay, service } = stage;
    await until('the decision to hold it', async () => (await stage.audited('version.held')).length > 0);
    t.match(await stage.listed(), [
      { version: 2, state: 'scheduled', held: true, heldBecause: 'date.too-early' },
      { version: 1, state: 'in-force' },
    ]);
    const [held, ...more] = await stage.audited('version.held');
    t.same(more, []);
    t.match(held?.detail, { because: 'date.too-early', plannedFor: stage.publishAt.toISOString() });
    const console = await openConsole(service);
    const overview = wordsOf((await console.get('/admin')).body);
    t.match(overview, /A planned publication is held/, 'the admins have a task');
    t.match(overview, /Cancel it and publish anew/, 'which says what to do');
    // The task is told to the admin by mail, when that deed comes round.
    const toReaders = () => relay.received.flatMap(({ to }) => to).filter((to) => to !== 'officer@example.org');
    t.same(toReaders(), [], 'nobody is told of a date that is not lawful');

    // The task done: the earliest lawful date, and one mail each.
    t.equal((await asAdmin(service, '/api/v1/versions/scheduled', { method: 'DELETE' })).status, 200);
    const anew = await asAdmin(service, '/api/v1/versions', { method: 'POST', body: '{}' });
    t.equal(anew.status, 201, anew.body);
    const dates = z.object({ publishedAt: z.coerce.date(), effectiveAt: z.coerce.date() }).parse(JSON.parse(anew.body));
    t.ok(dates.effectiveAt.getTime() - dates.publishedAt.getTime() >= 30 * day, 'with a whole notice period');
    await quiet({ database });
    t.same(toReaders().sort(), ['ann@example.org', 'bob@example.org']);
  },
);
