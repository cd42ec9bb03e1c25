import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { request as ask } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { largestList } from './list.js';
import { type Load, load } from './load.js';
import { freePort, listening, median, type Program, start } from './program.js';
import { openStage, type RunningService, type Stage, startService } from './stage.js';

/*
 * `npm run bench -- public [--rounds N] [--seconds N]`
 *
 * What readers and programs ask for most, against a bare Fastify that sends the same bytes and headers: each case in
 * turn at both, round after round, with the sample list of seven sub-processors and with the largest of 5,000.
 */

const goal = 0.9;
const goalMs = 500;
const bare = fileURLToPath(new URL('./bare.ts', import.meta.url));
const sample = new URL('../samples/sub-processors.yaml', import.meta.url);

interface Case {
  name: string;
  path: string;
  coding: string;
  holds: boolean;
  connections: number;
}

const ofPage = { path: '/', connections: 50 };
const ofData = { path: '/list.json', connections: 50 };
const cases: readonly Case[] = [
  { ...ofPage, name: '`/`', coding: 'identity', holds: false },
  { ...ofPage, name: '`/`, br', coding: 'br', holds: false },
  { ...ofPage, name: '`/`, 304', coding: 'br', holds: true },
  { ...ofData, name: '`/list.json`', coding: 'identity', holds: false },
  { ...ofData, name: '`/list.json`, br', coding: 'br', holds: false },
  { ...ofData, name: '`/list.json`, 304', coding: 'br', holds: true },
];

export async function benchPublic(flags: readonly string[]): Promise<void> {
  const given = (name: string, otherwise: number) =>
    flags.includes(name) ? Number(flags[flags.indexOf(name) + 1]) : otherwise;
  const [rounds, seconds] = [given('--rounds', 9), given('--seconds', 1)];
  const stage = await openStage();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void stage.close().finally(() => process.exit(130)));
  }
  try {
    const seven: unknown = parse(await readFile(sample, 'utf8'));
    say('| vendors | answer | KB | requests/s | p99 ms | × bare | µs CPU | bare: requests/s | p99 ms | µs CPU |');
    say('| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |');
    await measureList(stage, { vendors: 7, list: seven }, { rounds, seconds });
    await measureList(stage, { vendors: 5_000, list: largestList() }, { rounds, seconds });
  } finally {
    await stage.close();
  }
}

async function measureList(
  stage: Stage,
  { vendors, list }: { vendors: number; list: unknown },
  { rounds, seconds }: { rounds: number; seconds: number },
): Promise<void> {
  if (typeof list !== 'object' || list === null) throw new Error('a list is an object');
  const databaseUrl = await stage.empty();
  const settings = { databaseUrl, smtpPort: 9, env: {} };
  const first = await startService(settings);
  await first.request('PUT', '/api/v1/draft', list);
  await first.request('POST', '/api/v1/versions', { notify: false });
  await first.program.stop();

  // Another process, so that nothing of what the first has made is there.
  const service = await startService(settings);
  try {
    const port = Number(new URL(service.url).port);
    // As soon as it is ready: read from the database and made by code that has never run.
    const cold = (await take(port, '/', 'identity')).took;
    const sent = await Promise.all(cases.map(({ path, coding }) => take(port, path, coding)));
    const firsts: number[] = [];
    // Languages in which nobody has read so far.
    for (const language of ['de', 'fr', 'nl']) firsts.push((await take(port, `/?lang=${language}`, 'identity')).took);
    const reference = await startBare(stage, sent);
    try {
      await measureCases(
        { vendors, service: { port, program: service.program }, reference, sent },
        { rounds, seconds },
      );
    } finally {
      await reference.program.stop();
    }
    const largest = Math.max(cold, ...firsts);
    const told = firsts.map((ms) => ms.toFixed(0)).join(', ');
    say(
      `${vendors} vendors: the first page came ${cold.toFixed(0)} ms after the start, the first in other languages after ${told} ms (goal: ${largest <= goalMs ? 'met' : 'missed'}).`,
    );
    await tellPublication(service, { vendors, list });
  } finally {
    await service.program.stop();
  }
}

interface Server {
  port: number;
  program: Program;
}

async function measureCases(
  { vendors, service, reference, sent }: { vendors: number; service: Server; reference: Server; sent: readonly Sent[] },
  { rounds, seconds }: { rounds: number; seconds: number },
): Promise<void> {
  for (const [index, { name, path, coding, holds, connections }] of cases.entries()) {
    const etag = sent[index]?.etag ?? '';
    const measure = async ({ port, program }: Server, last = seconds): Promise<Load & { cpu: number }> => {
      const before = program.cpu();
      const headers = { 'accept-encoding': coding, ...(holds ? { 'if-none-match': etag } : {}) };
      const found = await load({ port, path, headers, status: holds ? 304 : 200, connections, seconds: last });
      return { ...found, cpu: ((program.cpu() - before) / (found.perSecond * last)) * 1e6 };
    };
    const [ours, theirs]: [Awaited<ReturnType<typeof measure>>[], Awaited<ReturnType<typeof measure>>[]] = [[], []];
    // Once for warming up.
    for (const one of [service, reference]) await measure(one, 1);
    for (let round = 0; round < rounds; round += 1) {
      // Who goes first changes, as the machine's mood does.
      const order = round % 2 === 0 ? [service, reference] : [reference, service];
      for (const one of order) (one === service ? ours : theirs).push(await measure(one));
    }
    const ratios = ours.map(({ perSecond }, round) => perSecond / (theirs[round]?.perSecond ?? 1));
    const middle = (of: typeof ours, key: 'perSecond' | 'p99' | 'cpu') => median(of.map((one) => one[key]));
    const spread = `(${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)})`;
    const cells = [
      vendors.toLocaleString('en'),
      name,
      ((ours[0]?.bytes ?? 0) / 1024).toFixed(1),
      Math.round(middle(ours, 'perSecond')).toLocaleString('en'),
      middle(ours, 'p99').toFixed(1),
      `${median(ratios) < goal ? '' : '**'}${median(ratios).toFixed(2)}${median(ratios) < goal ? '' : '**'} ${spread}`,
      middle(ours, 'cpu').toFixed(0),
      Math.round(middle(theirs, 'perSecond')).toLocaleString('en'),
      middle(theirs, 'p99').toFixed(1),
      middle(theirs, 'cpu').toFixed(0),
    ];
    say(`| ${cells.join(' | ')} |`);
  }
}

/** How long a publication takes to be on the page, for the first who asks and for a thousand at once. */
async function tellPublication(
  service: RunningService,
  { vendors, list }: { vendors: number; list: object },
): Promise<void> {
  await service.request('PUT', '/api/v1/draft', {
    ...list,
    introduction: 'Published while a thousand readers look on.',
  });
  await service.request('POST', '/api/v1/versions', { notify: false, reason: 'Made for a measurement.' });
  const port = Number(new URL(service.url).port);
  const before = service.program.cpu();
  const begun = performance.now();
  const crowd = await Promise.all(Array.from({ length: 1_000 }, () => take(port, '/', 'br')));
  const took = performance.now() - begun;
  const tags = new Set(crowd.map(({ etag }) => etag));
  say(
    `${vendors} vendors: a thousand readers at once after a publication had the page after ${took.toFixed(0)} ms, for ${((service.program.cpu() - before) * 1_000).toFixed(0)} ms of CPU; ${tags.size} made.`,
  );
}

interface Sent {
  path: string;
  coding: string;
  etag: string;
  headers: Record<string, string>;
  validators: Record<string, string>;
  body: Buffer;
  took: number;
}

// Written by every server of Node itself.
const ownHeaders: ReadonlySet<string> = new Set([
  'date',
  'connection',
  'keep-alive',
  'content-length',
  'transfer-encoding',
]);

async function take(port: number, path: string, coding: string): Promise<Sent> {
  const begun = performance.now();
  const full = await get(port, path, { 'accept-encoding': coding });
  const took = performance.now() - begun;
  if (full.status !== 200) throw new Error(`${path} was answered ${full.status}`);
  if (coding !== 'identity' && full.headers['content-encoding'] !== coding) {
    // The first who asks may be sent what is there.
    await new Promise((resolve) => setTimeout(resolve, 500));
    return take(port, path, coding);
  }
  const etag = full.headers.etag ?? '';
  return { path, coding, etag, took, headers: full.headers, validators: {}, body: full.body };
}

async function get(
  port: number,
  path: string,
  headers: Record<string, string>,
): Promise<{ status: number; headers: Record<string, string>; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const request = ask({ port, host: '127.0.0.1', path, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const found: Record<string, string> = {};
        for (const [name, value] of Object.entries(response.headers)) {
          if (typeof value === 'string' && !ownHeaders.has(name)) found[name] = value;
        }
        resolve({ status: response.statusCode ?? 0, headers: found, body: Buffer.concat(chunks) });
      });
    });
    request.on('error', reject);
    request.end();
  });
}

async function startBare(stage: Stage, sent: readonly Sent[]): Promise<Server> {
  const file = join(stage.folder, 'answers.json');
  const answers = sent.map(({ body, headers, ...answer }) => {
    const { 'content-type': _, 'content-encoding': __, ...validators } = headers;
    return { ...answer, headers, validators, body: body.toString('base64') };
  });
  writeFileSync(file, JSON.stringify(answers));
  const port = await freePort();
  const program = start(process.execPath, ['--import', 'tsx', bare, String(port), file]);
  await listening(port);
  return { port, program };
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
