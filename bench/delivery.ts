import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { z } from 'zod';
import { listAfter } from './list.js';
import { median, percentile } from './program.js';
import { type Rate, runNodemailer, runSmtpSource } from './references.js';
import { type Sink, startDistantRelay, startSink } from './relays.js';
import { openStage, type Stage, startService } from './stage.js';

/*
 * `npm run bench -- delivery [--full] [--quick] [--rounds N] [--only TEXT]`
 *
 * End to end, from the request that publishes to the last row `sent` in PostgreSQL, beside Postfix's
 * smtp-source (the limit: it composes and records nothing) and nodemailer composing each mail (what people
 * do today). In each round all three run one after the other, so that a busy machine is busy for all of
 * them; only the ratios of a round are compared.
 */

interface Scenario {
  name: string;
  recipients: number;
  pipelining: boolean;
  dkim: boolean;
  instances: number;
  rounds: number;
}

interface Ours extends Rate {
  mails: number;
  /** Microseconds: of the service, of PostgreSQL, of the relay. */
  cpuPerMail: number;
  databaseCpuPerMail: number;
  sinkCpuPerMail: number;
  peaks: number[];
  publishMs: number;
  page: { idle: number; busy: number };
}

interface Sample {
  bytes: number;
  html: string;
  text: string;
}

const Preview = z.object({ html: z.string(), text: z.string() });
const Counts = z.object({ over: z.boolean() });

export async function benchDelivery(flags: readonly string[]): Promise<void> {
  const given = (name: string) => flags[flags.indexOf(name) + 1] ?? '';
  const rounds = flags.includes('--rounds') ? Number(given('--rounds')) : 3;
  const only = flags.includes('--only') ? given('--only') : '';
  const exact = flags.includes('--exact');
  const profile = flags.includes('--profile') ? given('--profile') : null;
  const wanted = scenarios(flags, rounds).filter(({ name }) => name.includes(only) && !(exact && name !== only));
  const stage = await openStage();
  // Whoever interrupts it is not left with a database.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void stage.close().finally(() => process.exit(130)));
  }
  try {
    const sample = await sampleOf(stage);
    say(`One notice is ${sample.bytes.toLocaleString('en')} bytes on the wire. Rates in mails a second.`);
    const costs: { name: string; cpuPerMail: number }[] = [];
    for (const scenario of wanted) {
      const cpuPerMail = await measure(stage, scenario, sample, profile);
      costs.push({ name: scenario.name, cpuPerMail });
    }
    const [small, large] = [costs.find(({ name }) => name.startsWith('10,000 ')), costs.at(-1)];
    if (flags.includes('--full') && small !== undefined && large !== undefined) {
      say(
        `CPU a mail at 1,000,000 is ${ratio(large.cpuPerMail / small.cpuPerMail)} of that at 10,000 (goal: at most 1.20).`,
      );
    }
    if ('distant relay'.includes(only)) await measureDistance(stage);
  } finally {
    await stage.close();
  }
}

function scenarios(flags: readonly string[], rounds: number): Scenario[] {
  const base = { recipients: 10_000, pipelining: true, dkim: false, instances: 1, rounds };
  const all: Omit<Scenario, 'name'>[] = [
    base,
    { ...base, dkim: true },
    { ...base, pipelining: false },
    { ...base, instances: 2 },
    { ...base, instances: 2, dkim: true },
  ];
  if (!flags.includes('--quick')) {
    all.push({ ...base, recipients: 100_000, rounds: Math.min(rounds, 2) });
    all.push({ ...base, recipients: 100_000, dkim: true, rounds: 1 });
    all.push({ ...base, recipients: 100_000, instances: 2, rounds: 1 });
  }
  if (flags.includes('--full')) all.push({ ...base, recipients: 1_000_000, rounds: 1 });
  return all.map((scenario) => ({ ...scenario, name: nameOf(scenario) }));
}

function nameOf({ recipients, pipelining, dkim, instances }: Omit<Scenario, 'name'>): string {
  const parts = [
    `${recipients.toLocaleString('en')} recipients`,
    ...(pipelining ? [] : ['no PIPELINING']),
    ...(dkim ? ['DKIM RSA-2048'] : []),
    ...(instances > 1 ? [`${instances} instances`] : []),
  ];
  return parts.join(', ');
}

async function measure(stage: Stage, scenario: Scenario, sample: Sample, profile: string | null): Promise<number> {
  say(`\n${scenario.name}`);
  const results: { source: Rate; composing: Rate; ours: Ours }[] = [];
  for (let round = 1; round <= scenario.rounds; round += 1) {
    const sink = await startSink(scenario);
    try {
      const source = await runSmtpSource(sink.port, Math.min(scenario.recipients, 30_000), sample.bytes);
      const composing = await runComposing(stage, scenario, sample, sink);
      const ours = await runOurs(stage, scenario, sink, profile);
      results.push({ source, composing, ours });
      say(
        `  round ${round}: smtp-source ${whole(source.perSecond)}, nodemailer composing ${whole(composing.perSecond)}, ` +
          `this service ${whole(ours.perSecond)} = ${ratio(ours.perSecond / source.perSecond)} × and ` +
          `${ratio(ours.perSecond / composing.perSecond)} ×; ${whole(ours.cpuPerMail)} µs CPU a mail (and ` +
          `${whole(ours.databaseCpuPerMail)} of PostgreSQL, ${whole(ours.sinkCpuPerMail)} of the sink), ` +
          `peak ${ours.peaks.map(whole).join(' + ')} MB, publish ${whole(ours.publishMs)} ms, ` +
          `page p99 ${ours.page.idle.toFixed(1)} → ${ours.page.busy.toFixed(1)} ms`,
      );
    } finally {
      await sink.stop();
    }
  }
  const of = (value: (result: (typeof results)[number]) => number) => median(results.map(value));
  const goal = scenario.dkim ? 0.35 : scenario.pipelining ? 1 : 0.6;
  const bySource = of(({ ours, source }) => ours.perSecond / source.perSecond);
  const byComposing = of(({ ours, composing }) => ours.perSecond / composing.perSecond);
  say(
    `  median: ${ratio(bySource)} of smtp-source (goal ${goal}, ${bySource >= goal ? 'reached' : 'NOT reached'}), ` +
      `${ratio(byComposing)} × nodemailer composing (goal 8, ${byComposing >= 8 ? 'reached' : 'NOT reached'})`,
  );
  return of(({ ours }) => ours.cpuPerMail);
}

/** A tenth as fast as the others, so a tenth as many. */
function runComposing(stage: Stage, scenario: Scenario, sample: Sample, sink: Sink): Promise<Rate> {
  const { domain: domainName, selector: keySelector, privateKey } = stage.dkim;
  const dkim = scenario.dkim ? { domainName, keySelector, privateKey } : null;
  return runNodemailer(sink.port, scenario.dkim ? 1_000 : 2_000, { ...sample, dkim });
}

async function runOurs(stage: Stage, scenario: Scenario, sink: Sink, profile: string | null): Promise<Ours> {
  const databaseUrl = await stage.prepare(scenario.recipients);
  const { domain, selector, keyFile } = stage.dkim;
  const env: Record<string, string> = scenario.dkim
    ? { DKIM_DOMAIN: domain, DKIM_SELECTOR: selector, DKIM_KEY_FILE: keyFile }
    : {};
  const flags = profile === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  const services = await Promise.all(
    Array.from({ length: scenario.instances }, () => startService({ databaseUrl, smtpPort: sink.port, env, flags })),
  );
  const db = new pg.Client(databaseUrl);
  await db.connect();
  const [service] = services;
  if (service === undefined) throw new Error('no service');
  try {
    await service.request('PUT', '/api/v1/draft', listAfter);
    const idle = await pageTimes(service.url, pause(2_000));
    const cpu = () => services.reduce((sum, { program }) => sum + program.cpu(), 0);
    const before = { service: cpu(), database: stage.databaseCpu(), sink: sink.cpu() };
    const begun = performance.now();
    const published = await service.request('POST', '/api/v1/versions', {});
    const busy = await pageTimes(service.url, untilSent(db));
    const took = (performance.now() - begun) / 1_000;
    const { rows } = await db.query("select count(*)::int as sent from deliveries where state = 'sent'");
    const mails = z.object({ sent: z.number() }).parse(rows[0]).sent;
    if (mails !== scenario.recipients) throw new Error(`${mails} of ${scenario.recipients} rows are sent`);
    return {
      mails,
      perSecond: mails / took,
      cpuPerMail: ((cpu() - before.service) / mails) * 1e6,
      databaseCpuPerMail: ((stage.databaseCpu() - before.database) / mails) * 1e6,
      sinkCpuPerMail: ((sink.cpu() - before.sink) / mails) * 1e6,
      peaks: services.map(({ program }) => program.peak()),
      publishMs: published.took,
      page: { idle: percentile(idle, 0.99), busy: percentile(busy, 0.99) },
    };
  } finally {
    await db.end();
    for (const { program } of services) await program.stop();
  }
}

async function untilSent(db: pg.Client): Promise<void> {
  for (;;) {
    // Each look is three index probes, whatever the number of rows.
    const { rows } = await db.query(
      `select exists (select from notices) and not exists (select from notices where fanned_out_at is null)
        and not exists (select from deliveries where state in ('queued', 'deferred'))
        and not exists (select from deliveries where state = 'sending') as over`,
    );
    if (Counts.parse(rows[0]).over) return;
    await pause(50);
  }
}

/** How long the page takes, asked for some twenty times a second until `end`; in milliseconds. */
async function pageTimes(url: string, end: Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  let over = false;
  const waiting = end.finally(() => {
    over = true;
  });
  while (!over) {
    const begun = performance.now();
    const response = await fetch(`${url}/`);
    await response.arrayBuffer();
    times.push(performance.now() - begun);
    await pause(40);
  }
  await waiting;
  return times;
}

/** A relay far away: the rate follows connections ÷ delay, one round trip a mail. */
async function measureDistance(stage: Stage): Promise<void> {
  const delayMs = 50;
  const connections = 10;
  const relay = await startDistantRelay(delayMs);
  try {
    const databaseUrl = await stage.prepare(4_000);
    const env = { MAIL_CONCURRENCY: String(connections) };
    const service = await startService({ databaseUrl, smtpPort: relay.port, env });
    const db = new pg.Client(databaseUrl);
    await db.connect();
    await service.request('PUT', '/api/v1/draft', listAfter);
    const begun = performance.now();
    await service.request('POST', '/api/v1/versions', {});
    await untilSent(db);
    const perSecond = 4_000 / ((performance.now() - begun) / 1_000);
    await db.end();
    await service.program.stop();
    const limit = connections / (delayMs / 1_000);
    say(
      `\nA relay whose replies come ${delayMs} ms late, ${connections} connections: ${whole(perSecond)} a second = ` +
        `${ratio(perSecond / limit)} of connections ÷ delay.`,
    );
  } finally {
    await relay.stop();
  }
}

/** One notice, as it goes and as it reads. */
async function sampleOf(stage: Stage): Promise<Sample> {
  let bytes = 0;
  const relay = await startDistantRelay(0, (size) => {
    bytes = size;
  });
  try {
    const databaseUrl = await stage.prepare(1);
    const service = await startService({ databaseUrl, smtpPort: relay.port, env: {} });
    await service.request('PUT', '/api/v1/draft', listAfter);
    const { body } = await service.request('POST', '/api/v1/draft/preview', {});
    await service.request('POST', '/api/v1/versions', {});
    const db = new pg.Client(databaseUrl);
    await db.connect();
    await untilSent(db);
    await db.end();
    await service.program.stop();
    return { bytes, ...Preview.parse(body) };
  } finally {
    await relay.stop();
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}

function ratio(value: number): string {
  return value.toFixed(2);
}
