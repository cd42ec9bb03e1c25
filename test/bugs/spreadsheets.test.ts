import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';
import { z } from 'zod';
import type { Service } from '../support/process.js';
import { adminEnv, importByConsole, openConsole } from './console.js';
import {
  type Answer,
  asAdmin,
  importCsv,
  listOf,
  postCsv,
  publish,
  startOutside,
  subscribers,
  wordsOf,
} from './outside.js';

/* Files as spreadsheets save them (case 26 of the collected faults). */

t.setTimeout(170_000);

const companies = ['Nordlicht a. G.', 'Grün & Söhne', 'One "Two" Three', 'A, B; C', 'Line one Line two'];

/** The cells of a file with those people, joined by a separator; what needs quotes has them. */
function fileOf(domain: string, { heading = ['email', 'company'], separator = ',', end = '\n' } = {}): string {
  const quote = (cell: string) => (/[",;\t\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
  const rows = companies.map((company, index) => [`p${index}@${domain}`, company]);
  return [heading, ...rows].map((cells) => cells.map(quote).join(separator) + end).join('');
}

const utf16 = (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le');

t.test('case 26: files that a spreadsheet saved', async (t) => {
  const { service } = await startOutside(t, { env: adminEnv });
  const console = await openConsole(service);
  await publish(service, listOf('One'), { notify: false });
  const there = async (domain: string) =>
    (await subscribers(service)).filter(({ email }) => email.endsWith(`@${domain}`)).map(({ company }) => company);
  const everybody = async () => (await subscribers(service)).length;

  /** By name: the file that the case describes, for people at that domain. */
  const saved: Readonly<Record<string, (domain: string) => string | Buffer>> = {
    'a plain file': fileOf,
    'a byte order mark, semicolons and CR LF': (domain) =>
      `\ufeff${fileOf(domain, { heading: ['E-Mail', 'Company'], separator: ';', end: '\r\n' })}`,
    'UTF-16 and tabs': (domain) => utf16(fileOf(domain, { separator: '\t', end: '\r\n' })),
    'cells with line breaks and doubled quotes': (domain) =>
      fileOf(domain)
        .replace('Line one Line two', '"Line one\nLine two"')
        .replace(/^p0(.*?),(.*)$/m, '"p0$1","$2"'),
    'blank lines in the middle and at the end': (domain) =>
      fileOf(domain).replace(/^p2/m, '\n,\np2').concat('\n', ' , \n', '\n'),
    'headings in capitals, in another order, with an empty column': (domain) =>
      fileOf(domain, { heading: ['E-MAIL ADDRESS', 'Organisation'] })
        .trim()
        .split('\n')
        .map((line) => line.replace(/^([^,]*),(.*)$/, '$2,$1,'))
        .join('\n'),
  };
  for (const [index, [what, make]] of Object.entries(saved).entries()) {
    await t.test(`${what}: every row comes in, with the same result as from a plain file`, async (t) => {
      const [byApi, byConsole] = [`api${index}.example`, `console${index}.example`];
      const headers = { 'content-type': 'text/csv' };
      const answer = await asAdmin(service, '/api/v1/subscribers/import', {
        method: 'POST',
        headers,
        body: make(byApi),
      });
      t.match(JSON.parse(answer.body), { imported: companies.length, updated: 0, skipped: 0, errors: [] });
      t.same(await there(byApi), companies);
      const file = make(byConsole);
      // What is pasted is text, whatever the bytes of its file were.
      await importByConsole(console, typeof file === 'string' ? file : file.toString('utf16le'));
      t.same(await there(byConsole), companies, 'pasted in the console as well');
    });
  }

  await t.test('a file in another encoding is refused with its mend', async (t) => {
    const before = await everybody();
    for (const bytes of [Buffer.from(fileOf('latin.example'), 'latin1'), utf16(fileOf('bare.example')).subarray(2)]) {
      const headers = { 'content-type': 'text/csv' };
      const answer = await asAdmin(service, '/api/v1/subscribers/import', { method: 'POST', headers, body: bytes });
      t.match(refused(t, answer), /(Windows-1252|UTF-16).*save it as "CSV UTF-8"/);
    }
    t.equal(await everybody(), before);
  });

  await t.test('headings that are unknown or missing are said, and nothing is imported', async (t) => {
    const before = await everybody();
    const broken: Readonly<Record<string, [file: string, said: RegExp, words: RegExp]>> = {
      'an unknown heading': [
        'email,Firma,Shoe size\nshoes@example.org,ACME,42\n',
        /unknown heading "Shoe size"; found "email", "Firma", "Shoe size"/,
        /headings are not known: "Shoe size"\. Rename/,
      ],
      'no column of addresses': [
        'name,company\nAnna,ACME\n',
        /"name".*"company"/,
        /headings are not known: "name"\. Rename/,
      ],
      'no heading row': [
        'shoes@example.org,ACME\nboots@example.org,ACME\n',
        /no heading row: .*email/,
        /headings are missing.*“email,company,consent”/,
      ],
      'the header only': ['email,company\n', /headings and no rows/, /headings and nothing below/],
      'the header only, with blank lines': [
        '\ufeffemail;company\r\n\r\n;\r\n',
        /headings and no rows/,
        /headings and nothing below/,
      ],
      'no byte at all': ['', /is empty|is missing/, /Choose a file, or paste/],
      'a quote that is never closed': ['email,company\n"shoes@example.org,ACME\n', /never closed/, /never closed/],
    };
    for (const [what, [file, said, words]] of Object.entries(broken)) {
      t.match(refused(t, await postCsv(service, file)), said, what);
      const pasted = await importByConsole(console, file);
      t.equal(pasted.refused?.status, 422, `${what}, pasted in the console`);
      t.match(pasted.refused?.body, /role="alert"[\s\S]*href="#(?:csv|file)"/);
      t.match(pasted.refused === null ? '' : wordsOf(pasted.refused.body), words);
      if (file !== '')
        t.ok(pasted.refused?.body.includes(file.split('\n')[0]?.replace(/\W.*$/s, '') ?? '-'), 'and is there still');
    }
    t.equal(await everybody(), before);
  });

  await t.test('a fault is told with its line as the spreadsheet counts it', async (t) => {
    const file = [
      'email,company',
      '"a@lines.example","one',
      'cell over two lines"',
      '',
      'no address,ACME',
      ',,',
      'b@lines.example,"Doubled ""quotes"""',
      'neither,ACME',
    ].join('\r\n');
    const lines = [4, 7];
    const { errors, ...counts } = await importCsv(service, file);
    t.same(counts, { imported: 2, updated: 0, skipped: 2 });
    t.same(
      errors.map(({ line }) => line),
      lines,
    );
    const pasted = await importByConsole(console, file.replaceAll('lines.example', 'other.example'));
    for (const line of lines) t.match(pasted.lines.get(line), /With an error/, `line ${line} in the console`);
  });

  // Most rows are of nobody, as 200,000 people take a minute. What the collector lets lie ends at 250 MiB: two
  // million rows took no more.
  const skip = existsSync('/proc/self/statm') ? false : 'no /proc here to read its memory from';
  const large = 'two hundred thousand rows are read to the last, in memory that does not grow with them';
  await t.test(large, { skip }, async (t) => {
    const rows = 200_000;
    const every = 100;
    const body = Buffer.from(
      `email,company,status,consent\r\n${Array.from({ length: rows }, (_, n) =>
        n % every === 0
          ? `p${n}@large.example,"Company ""${n}""",confirmed,contract\r\n`
          : `p${n},"Company ""${n}""",,\r\n`,
      ).join('')}`,
    );
    const before = residentBytes(service);
    let most = before;
    const watch = setInterval(() => {
      most = Math.max(most, residentBytes(service));
    }, 20);
    const started = performance.now();
    const answer = await asAdmin(service, '/api/v1/subscribers/import', {
      method: 'POST',
      headers: { 'content-type': 'text/csv' },
      body,
    });
    clearInterval(watch);
    const grown = Math.round((most - before) / 2 ** 20);
    t.comment(
      `${Math.round(performance.now() - started)} ms, ${Math.round(body.length / 2 ** 20)} MiB, ${grown} MiB more`,
    );
    t.match(JSON.parse(answer.body), { imported: rows / every, skipped: rows - rows / every });
    t.ok(grown < 300, `${grown} MiB more`);
    const last = await asAdmin(service, `/api/v1/subscribers?q=p${rows - every}@large.example`);
    t.match(JSON.parse(last.body), { subscribers: [{ company: `Company "${rows - every}"` }] });
  });
});

const problem = z.object({ status: z.number(), detail: z.string() });

/** What is said of a file that is refused as a whole. */
function refused(t: { equal(a: unknown, b: unknown, message: string): unknown }, answer: Answer): string {
  const { status, detail } = problem.parse(JSON.parse(answer.body));
  t.equal(answer.status, status, `${status}: ${detail}`);
  t.equal(status >= 400 && status < 500, true, 'is a fault of the file');
  return detail;
}

function residentBytes({ pid }: Service): number {
  const [, pages = '0'] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ');
  return Number(pages) * 4_096;
}
