import { parse as parseCsv } from 'csv-parse/sync';
import t from 'tap';
import { z } from 'zod';
import type { Service } from '../support/process.js';
import { adminEnv, type Console, importByConsole, openConsole } from './console.js';
import {
  type Answer,
  asAdmin,
  confirmedCsv,
  importCsv,
  linkTo,
  mailedLink,
  postCsv,
  publish,
  quiet,
  send,
  sendForm,
  sendJson,
  startOutside,
  subscribers,
  wordsOf,
} from './outside.js';
import { readXml } from './xml.js';

/* Files that leave the service (case 30 of the collected faults). */

t.setTimeout(170_000);

/** What a spreadsheet runs, or took for a number; the later ones where its list separator is another. */
const formulas = [
  '=1+1',
  '+49 30',
  '-2+3',
  '@SUM(A1)',
  '\t=1',
  '\r=1',
  '＝1+1',
  '＋1',
  '－1',
  '＠SUM(A1)',
  '-5',
  "'=1+1",
  "''=1",
  '"=1+1"',
  "x;=cmd|' /C calc'!A0;y",
  'x; @SUM(A1);y',
  "x;'=1",
];
const controls = { 'U+0000': '\0', 'U+0010': '\u0010', 'U+FFFE': '\ufffe', 'a lone surrogate': '\ud800' };
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const control = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffe\uffff\p{Surrogate}]/u;

t.test('case 30: what leaves the service', async (t) => {
  const outside = await startOutside(t, { env: adminEnv });
  const { service, relay } = outside;
  const here = (link: string) => service.url + new URL(link).pathname;
  const console = await openConsole(service);
  const names = formulas.map((formula) => formula.trim());
  const list = (changed: string) => ({
    title: '=1+1',
    introduction: '=1+1',
    dataSubjects: [{ id: 'people', name: '=1+1', dataCategories: [{ id: 'name', name: '@SUM(A1)' }] }],
    subProcessors: names.map((name) => ({
      name,
      legalName: name,
      address: `Some Street 1\n${name}`,
      purposes: ['Hosting', name, changed],
      notes: `${name}\r\n${name}`,
      contact: '+49 30 1234',
      dataCategories: { people: ['name'] },
    })),
  });
  await publish(service, list('one'), { notify: false });

  await t.test('by the anonymous form and the API companies come in as they are', async () => {
    for (const [index, company] of formulas.entries()) {
      const email = `p${index}@example.org`;
      if (index % 2 === 0) await sendForm(`${service.url}/subscribe`, { email, company });
      else await sendJson(`${service.url}/api/v1/subscriptions`, { email, company });
    }
    await Promise.all(
      formulas.map(async (_, index) => sendForm(await mailedLink(relay, `p${index}@example.org`, 'confirm'), {})),
    );
    await importCsv(service, confirmedCsv('=x@example.org', '+x@example.org', '-x@example.org'));
    await publish(service, list('=2+2'), { message: '=1+1\n;=1+1' });
    await quiet(outside);
    await sendForm(here(await linkTo(relay, 'p0@example.org', 'objections')), { grounds: "=1+1\nx;=cmd|' /C'!A0" });
  });

  await t.test('control characters are refused on entry, and named', async (t) => {
    for (const [what, sign] of Object.entries(controls)) {
      const text = `Good${sign}Company`;
      // A form cannot say half a character: what comes of one is a sign that says so.
      if (sign !== '\ud800') {
        const form = await sendForm(`${service.url}/subscribe`, { email: 'bad@example.org', company: text });
        t.equal(form.status, 422, `${what} in the form`);
        t.match(form.body, /href="#company"/);
      }
      const entry = { name: 'Vendor One' };
      const document = { title: 'Sub-processors', dataSubjects: [], subProcessors: [entry] };
      const programs: [string, string, 'POST' | 'PUT', unknown][] = [
        ['company', '/api/v1/subscriptions', 'POST', { email: 'bad@example.org', company: text }],
        ['subProcessors.0.name', '/api/v1/draft', 'PUT', { ...document, subProcessors: [{ name: text }] }],
        ['subProcessors.0.notes', '/api/v1/draft', 'PUT', { ...document, subProcessors: [{ ...entry, notes: text }] }],
        ['title', '/api/v1/draft', 'PUT', { ...document, title: text }],
        ['introduction', '/api/v1/draft', 'PUT', { ...document, introduction: text }],
        ['message', '/api/v1/versions', 'POST', { message: text }],
        ['reason', '/api/v1/versions', 'POST', { notify: false, reason: text }],
        ['reason', '/api/v1/versions/2/withdraw', 'POST', { reason: text }],
      ];
      for (const [path, route, method, body] of programs) {
        const answer = await asAdmin(service, route, { method, body: JSON.stringify(body) });
        t.ok([400, 422].includes(answer.status), `${what} as ${path} of ${route}: ${answer.status}`);
        t.match(JSON.parse(answer.body), { errors: [{ path }] });
      }
      if (sign === '\ud800') continue;
      const file = `email,company,status,consent\nbad@example.org,${text},confirmed,contract\n`;
      t.match(await importCsv(service, file), { imported: 0, skipped: 1, errors: [{ line: 2, message: /^company/ }] });
      const pasted = await importByConsole(console, file);
      t.match(pasted.lines.get(2), /With an error.*company/i, `${what} pasted in the console`);
    }
    t.equal((await asAdmin(service, '/api/v1/subscribers?q=bad@example.org')).body.includes('bad@'), false);
    const objections = here(await linkTo(relay, 'p1@example.org', 'objections'));
    for (const sign of [controls['U+0000'], controls['U+0010'], controls['U+FFFE']]) {
      const answer = await sendForm(objections, { grounds: `Good${sign}grounds` });
      t.equal(answer.status, 422);
      t.match(answer.body, /href="#grounds"/);
    }
  });

  await t.test('no cell of any CSV begins with a sign of a formula, whatever the spreadsheet is set to', async (t) => {
    const files = await csvFiles(service, console);
    t.ok(['/list.csv', '/api/v1/subscribers.csv', '/api/v1/audit.csv'].every((path) => files.has(path)));
    t.ok(files.size >= 5, `also those of the console: ${[...files.keys()].join(' ')}`);
    for (const [path, text] of files) {
      const cells = parseCsv(text, { bom: true, relax_column_count: true }).flat().map(String);
      t.same(cells.filter(isFormula), [], path);
      // A spreadsheet with another separator sees no quotes but those at the beginning of a cell.
      const pieces = text.split(/[;\t\r\n]/).map((piece) => piece.replace(/^\s*"?/, ''));
      t.same(pieces.filter(isFormula), [], `${path} cut at semicolons and line breaks`);
      t.notMatch(text, control, path);
    }
    const rows = z
      .array(z.looseObject({ name: z.string() }))
      .parse(parseCsv(files.get('/list.csv') ?? '', { columns: true, bom: true }));
    t.equal(rows.length, names.length);
    t.equal(rows[10]?.name, "'-5", 'a name is text, also one that reads like a number');
  });

  await t.test('what was exported comes in again as it was entered', async (t) => {
    const { body: csv } = await asAdmin(service, '/api/v1/subscribers.csv');
    const before = await subscribers(service);
    t.same(
      before.filter(({ email }) => /^p\d/.test(email)).map(({ company }) => company),
      names,
      'the companies as they were entered',
    );
    // Into a service that knows none of them, by both ways.
    const ways = [
      (fresh: Service) => postCsv(fresh, csv),
      async (fresh: Service) => importByConsole(await openConsole(fresh), csv),
    ];
    await Promise.all(
      ways.map(async (bring) => {
        const { service: fresh } = await startOutside(t, { env: adminEnv });
        await bring(fresh);
        const strip = (all: typeof before) =>
          all.map(({ email, company, status }) => `${email} ${company} ${status}`).sort();
        t.same(strip(await subscribers(fresh)), strip(before));
      }),
    );
    // And where they are already it changes nothing.
    t.match(await importCsv(service, csv), { imported: 0, skipped: 0 });
    t.same(await subscribers(service), before);
  });

  await t.test('feeds can be read by everybody', async (t) => {
    for (const path of ['/feed.atom', '/feed.atom?lang=de']) {
      const { body } = await send(service.url + path);
      t.equal(readXml(body).name, 'feed', 'well-formed');
      t.notMatch(body, control);
    }
    const { body } = await send(`${service.url}/feed.json`);
    const feed = z.object({ items: z.array(z.object({ content_html: z.string() })) }).parse(JSON.parse(body));
    t.notMatch(body, control);
    t.match(wordsOf(feed.items[0]?.content_html ?? ''), '=2+2');
  });
});

const openApi = z.object({
  paths: z.record(
    z.string(),
    z.record(
      z.string(),
      z.looseObject({
        responses: z.record(z.string(), z.looseObject({ content: z.record(z.string(), z.unknown()).optional() })),
      }),
    ),
  ),
});

/** Every CSV file that the service gives away: those that its description names, and those that the console offers. */
async function csvFiles(service: Service, console: Console): Promise<Map<string, string>> {
  const { paths } = openApi.parse(JSON.parse((await send(`${service.url}/openapi.json`)).body));
  const described = Object.entries(paths).flatMap(([path, { get }]) => {
    const isCsv = Object.values(get?.responses ?? {}).some(({ content }) => content?.['text/csv'] !== undefined);
    return get !== undefined && (isCsv || path.endsWith('.csv')) && !path.includes('{') ? [path] : [];
  });
  const files = new Map<string, string>();
  const keep = (path: string, { status, headers, body }: Answer) => {
    if (status !== 200 || !String(headers['content-type']).startsWith('text/csv'))
      throw new Error(`${path}: ${status}`);
    files.set(path, body);
  };
  for (const path of ['/list.csv', ...described]) {
    keep(path, await asAdmin(service, path));
  }
  // Each page of the navigation, and those that these lead to.
  const pages = new Set(['/admin']);
  for (const path of pages) {
    if (path !== '/admin' && path.split('/').length > 4) continue;
    const page = await console.get(path);
    for (const [, link = ''] of page.body.matchAll(/href="(\/admin\/[a-z/-]*)"/g)) pages.add(link);
    for (const [, link = ''] of page.body.matchAll(/href="([^"]+\.csv(?:\?[^"]*)?)"/g)) {
      const { pathname, search } = new URL(link.replaceAll('&amp;', '&'), service.url);
      if (!files.has(pathname)) keep(pathname, await console.get(pathname + search));
    }
    for (const [, action = ''] of page.body.matchAll(/action="([^"]+\/export)"/g)) {
      keep(action, await console.submit(page, action));
    }
  }
  return files;
}

function isFormula(cell: string): boolean {
  return /^\s*[=+\-@＝＋－＠]/.test(cell);
}
