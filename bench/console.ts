import { z } from 'zod';
import { insertPeople, insertTraces } from './crowd.js';
import { longList } from './list.js';
import { median } from './program.js';
import { startDistantRelay } from './relays.js';
import { openStage, type RunningService, startService } from './stage.js';

/*
 * `npm run bench -- console [--versions N] [--rounds N]`
 *
 * Every page of the console on a service that has been used for years: 2,000 sub-processors, 100,000
 * subscribers, 200 versions, two of them mailed to everybody. Pages are found as a person finds them, by the
 * links from the overview on, so a new one is measured without being listed here. The reference is the page
 * for signing in, which needs no row of the list.
 */

const goalMs = 300;
/** Of links that differ in their numbers alone so many are followed. */
const likeEach = 3;
const officer = { email: 'officer@example.org', password: 'four quiet words here' };
const Counts = z.object({ counts: z.record(z.string(), z.number()) });

interface Measured {
  path: string;
  status: number;
  times: number[];
  kilobytes: number;
}

export async function benchConsole(flags: readonly string[]): Promise<void> {
  const given = (name: string, otherwise: number) =>
    flags.includes(name) ? Number(flags[flags.indexOf(name) + 1]) : otherwise;
  const [versions, rounds] = [given('--versions', 200), given('--rounds', 10)];
  const stage = await openStage();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void stage.close().finally(() => process.exit(130)));
  }
  const relay = await startDistantRelay(0);
  try {
    const databaseUrl = await stage.empty();
    await insertPeople(databaseUrl);
    const service = await startService({
      databaseUrl,
      smtpPort: relay.port,
      env: { ADMIN_EMAIL: officer.email, ADMIN_PASSWORD: officer.password },
    });
    try {
      await publishVersions(service, versions);
      await insertTraces(databaseUrl);
      const cookies = await signIn(service.url);
      const reference = await measure(service.url, '/admin/sign-in?lang=en', new Map(), rounds);
      const pages = await walk(service.url, cookies, rounds);
      tell(reference, pages, rounds);
    } finally {
      await service.program.stop();
    }
  } finally {
    await relay.stop();
    await stage.close();
  }
}

/** One vendor more or less each time; the last two are mailed. */
async function publishVersions(service: RunningService, versions: number): Promise<void> {
  for (let number = 1; number <= versions; number += 1) {
    await service.request('PUT', '/api/v1/draft', longList(number));
    const mailed = number > versions - 2;
    const quiet = { notify: false, reason: 'Made for a measurement.' };
    await service.request('POST', '/api/v1/versions', number === 1 ? {} : mailed ? {} : quiet);
    if (process.stdout.isTTY) process.stdout.write(`\r${number} of ${versions} versions are published`);
  }
  for (const number of [versions - 1, versions]) await untilSent(service, number);
  // What the next version will be: the pages of the draft and its review have something to show.
  await service.request('PUT', '/api/v1/draft', longList(versions + 1));
}

async function untilSent(service: RunningService, number: number): Promise<void> {
  for (;;) {
    const { body } = await service.request('GET', `/api/v1/versions/${number}/deliveries?limit=1`);
    const { counts } = Counts.parse(body);
    const { queued = 0, sending = 0, deferred = 0, sent = 0 } = counts;
    if (sent > 0 && queued + sending + deferred === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

async function signIn(url: string): Promise<Map<string, string>> {
  const cookies = new Map<string, string>();
  const form = await ask(url, '/admin/sign-in', cookies);
  const csrf = /name="_csrf" value="([^"]+)"/.exec(form.text)?.[1] ?? '';
  const body = new URLSearchParams({ _csrf: csrf, ...officer });
  const answer = await ask(url, '/admin/sign-in', cookies, body);
  if (answer.status !== 303) throw new Error(`signing in was answered ${answer.status}`);
  return cookies;
}

async function ask(url: string, path: string, cookies: Map<string, string>, body?: URLSearchParams) {
  const response = await fetch(url + path, {
    method: body === undefined ? 'GET' : 'POST',
    redirect: 'manual',
    headers: {
      cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
      origin: url,
      'sec-fetch-site': 'same-origin',
    },
    ...(body === undefined ? {} : { body }),
  });
  for (const line of response.headers.getSetCookie()) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    cookies.set(name, value);
  }
  return { status: response.status, type: response.headers.get('content-type') ?? '', text: await response.text() };
}

/** Every page that links lead to, each measured; of many alike a few. */
async function walk(url: string, cookies: Map<string, string>, rounds: number): Promise<Measured[]> {
  // What a form leads to, and no link.
  const waiting = ['/admin', '/admin/subscribers?q=person99', '/admin/subscribers?q=company77.example&status=pending'];
  waiting.push('/admin/deliveries?q=person99', '/admin/audit?subject=subscriber', '/admin/draft?q=vendor%2019');
  const seen = new Set(waiting);
  const alike = new Map<string, number>();
  const pages: Measured[] = [];
  for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
    const shape = shapeOf(path);
    const before = alike.get(shape) ?? 0;
    if (before >= likeEach) continue;
    alike.set(shape, before + 1);
    const page = await measure(url, path, cookies, rounds, (link) => {
      // The same page in another language.
      const found = link.replace(/[?&]lang=\w+/, '');
      if (seen.has(found)) return;
      seen.add(found);
      waiting.push(found);
    });
    if (page !== null) pages.push(page);
  }
  return pages;
}

/** What is alike of links that lead to the same kind of page. */
function shapeOf(path: string): string {
  return path
    .replace(/\d+/g, 'N')
    .replace(/=[^&]*/g, '=')
    .replace(/(category|subject)\/(?:customers|visitors|employees|applicants)/, '$1/ID');
}

/** @returns null for what is no page, such as a download or an event stream */
async function measure(
  url: string,
  path: string,
  cookies: Map<string, string>,
  rounds: number,
  onLink: (path: string) => void = () => undefined,
): Promise<Measured | null> {
  const times: number[] = [];
  let last = { status: 0, type: '', text: '' };
  for (let round = 0; round < rounds; round += 1) {
    const begun = performance.now();
    last = await ask(url, path, cookies);
    times.push(performance.now() - begun);
    if (!last.type.startsWith('text/html')) return null;
  }
  for (const [, href = ''] of last.text.matchAll(/ (?:href|src|data-state)="(?:https?:\/\/[^/"]+)?(\/admin[^"#]*)/g)) {
    onLink(href.replaceAll('&amp;', '&'));
  }
  return { path, status: last.status, times, kilobytes: Buffer.byteLength(last.text) / 1024 };
}

function tell(reference: Measured | null, pages: readonly Measured[], rounds: number): void {
  const base = median(reference?.times ?? [1]);
  say(`${pages.length} pages, ${rounds} times each; the page for signing in takes ${base.toFixed(1)} ms.`);
  say('slowest ms | median ms | × sign-in | KB | page, the slowest of its kind');
  const sorted = [...pages].sort((a, b) => Math.max(...b.times) - Math.max(...a.times));
  const told = new Set<string>();
  for (const { path, status, times, kilobytes } of sorted) {
    if (told.has(shapeOf(path))) continue;
    told.add(shapeOf(path));
    const middle = median(times);
    const note = status === 200 ? '' : ` (${status})`;
    const figures = [
      Math.max(...times).toFixed(0),
      middle.toFixed(0),
      (middle / base).toFixed(1),
      kilobytes.toFixed(0),
    ];
    say(`${figures.map((figure) => figure.padStart(7)).join(' | ')} | ${path}${note}`);
  }
  const slow = sorted.filter(({ times }) => Math.max(...times) > goalMs);
  say(
    slow.length === 0
      ? `Every answer came within ${goalMs} ms.`
      : `${slow.length} of ${pages.length} pages took longer than ${goalMs} ms at least once.`,
  );
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
