import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse as parseCsv } from 'csv-parse/sync';
import { strFromU8, unzipSync } from 'fflate';
import t, { type Test } from 'tap';
import { type Account, describe } from '../src/list/describe.js';
import { diffLists } from '../src/list/diff.js';
import type { ListDocument, ListInput } from '../src/list/document.js';
import { readSheet, readWorkbook } from '../src/list/import/sheet.js';
import { readListValue } from '../src/list/read.js';
import { namesOf } from '../src/list/values.js';
import { changeRows } from '../src/routes/documents/list-sheets.js';
import { fromSpreadsheet } from '../src/spreadsheet.js';
import { wordsOf } from './bugs/outside.js';
import { childOf, readXml } from './bugs/xml.js';
import { foundingV2, foundingV3, realLists } from './cases/real-lists.js';
import { publishList } from './pages/support.js';
import { bearer, startApp, type TestApp } from './support/app.js';
import { temporaryFolder } from './support/process.js';
import { hasTool } from './support/tools.js';

/*
 * One diff in every form in which it is told. Each rendering is read back by itself, and must tell the same changes
 * in the same order, with the same facts, and no other.
 */

/** A list, and what becomes of it: something of every kind of change. */
const before = {
  title: 'Sub-processors',
  introduction: 'Whom we work with.',
  services: [{ id: 'mail', name: 'Mail' }],
  dataSubjects: [
    {
      id: 'members',
      name: 'Members',
      dataCategories: [
        { id: 'email', name: 'email address', retention: '2 years', legalBasis: 'Contract' },
        { id: 'phone', name: 'telephone number', optional: true },
        { id: 'fax', name: 'fax number' },
      ],
    },
    { id: 'guests', name: 'Guests' },
  ],
  subProcessors: [
    {
      id: 'nordwind',
      name: 'Nordwind Hosting GmbH',
      country: 'DE',
      purposes: ['Hosting', 'Backups'],
      securityMeasures: ['ISO 27001'],
      dataCategories: { members: ['email'] },
    },
    { id: 'oldline', name: 'Oldline Ltd', country: 'GB', purposes: ['Fax'] },
  ],
};
const after = {
  ...before,
  introduction: 'Whom we work with, and why.',
  dataSubjects: [
    {
      id: 'members',
      name: 'Members',
      dataCategories: [
        { id: 'email', name: 'email address', retention: '5 years', legalBasis: 'Contract' },
        { id: 'phone', name: 'telephone number', optional: false },
        { id: 'birth-date', name: 'date of birth', purpose: 'Congratulations', specialCategory: false },
      ],
    },
    { id: 'visitors', name: 'Visitors', description: 'Who looks around.' },
  ],
  subProcessors: [
    {
      id: 'nordwind',
      name: 'Nordwind Cloud GmbH',
      country: 'US',
      purposes: ['Hosting', 'Analysis of errors'],
      dataCategories: { members: ['email', 'phone'] },
    },
    { id: 'letterbird', name: 'Letterbird & <Söhne>', country: 'US', purposes: ['Sending of e-mail'], optional: true },
  ],
};

const pairs: Readonly<Record<string, readonly [unknown, unknown]>> = {
  'every kind of change': [before, after],
  'the founding list': [foundingV2(), foundingV3()],
  ...Object.fromEntries(Object.entries(realLists).map(([name, versions]) => [name, changedPair(versions)])),
};

/** The first two successive versions between which anything changed. */
function changedPair(versions: readonly ListInput[]): readonly [ListInput, ListInput] {
  for (const [at, second] of versions.entries()) {
    const first = versions[at - 1];
    if (first === undefined) continue;
    const base = readListValue(first);
    if (diffLists(base, readListValue(second, base)).changes.length > 0) return [first, second];
  }
  throw new Error('no version changed anything');
}

/** White space made one space; marks of direction and line breaks of a paper are none of the words. */
const flat = (text: string) => text.replace(/[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '').replace(/\s+/g, ' ');

/** Where prose tells the changes: each rendering as plain words. */
async function proseOf(t: Test, app: TestApp): Promise<Record<string, string>> {
  const mail = await app.relay.received.at(-1)?.parse();
  const atom = readXml((await app.inject('/feed.atom')).body);
  const [entry] = atom.children.filter(({ name }) => name === 'entry');
  const pdf = join(temporaryFolder(t), 'changes.pdf');
  writeFileSync(pdf, (await app.inject('/compare/1...2.pdf')).rawPayload);
  const page = async (url: string) => wordsOf(/<main[\s\S]*<\/main>/.exec((await app.inject(url)).body)?.[0] ?? '');
  return {
    'mail as text': mail?.text ?? '',
    'mail as HTML': wordsOf(String(mail?.html)),
    'the comparison': await page('/compare/1...2'),
    'the page of the version': await page('/versions/2'),
    Atom: wordsOf(entry === undefined ? '' : childOf(entry, 'content').text),
    'JSON Feed': wordsOf((await app.inject('/feed.json')).json().items[0].content_html),
    PDF: execFileSync('pdftotext', ['-nopgbrk', pdf, '-'], { encoding: 'utf8', stdio: 'pipe' }),
  };
}

/** The words of each change: what it is, of whom, and every value that is told of it. */
function wordsOfItems({ groups }: Account) {
  return groups.flatMap(({ items }) =>
    items.map(({ label, heading, context, facts, differences }) => ({
      label,
      heading,
      // Between name and deed there is at most what tells entries of one name apart.
      between: 40 + (context?.length ?? 0),
      values: [
        ...facts.flatMap(({ label: of, values }) => [of, ...values]),
        ...differences.flatMap(({ label: of, before: was, after: is, added, removed }) => [
          of,
          ...(added.length + removed.length > 0
            ? [...added, ...removed]
            : [...(was ?? ['not stated']), ...(is ?? ['not stated'])]),
        ]),
      ],
    })),
  );
}

/** Checks that prose tells these changes in their order, each with its values, and nothing between them. */
function tells(t: Test, where: string, prose: string, items: ReturnType<typeof wordsOfItems>): void {
  const text = flat(prose);
  let from = 0;
  const places = items.map(({ label, heading, between }) => {
    const name = flat(heading);
    for (let at = text.indexOf(label, from); at !== -1; at = text.indexOf(label, at + 1)) {
      // The name stands close behind what happens to it, or before.
      const behind = text.indexOf(name, at);
      const ahead = text.lastIndexOf(name, at);
      const isBehind = behind !== -1 && behind - at - label.length < between;
      if (!isBehind && (ahead < from || at - ahead - name.length > between)) continue;
      from = at + 1;
      return isBehind ? at : ahead;
    }
    return -1;
  });
  t.notOk(places.includes(-1), `${where}: every change in its order`);
  for (const [index, { heading, values }] of items.entries()) {
    const own = text.slice(places[index], places[index + 1]);
    const missing = values.filter((value) => !own.includes(flat(value)));
    t.same(missing, [], `${where}: ${heading}`);
  }
}

for (const [name, [first, second]] of Object.entries(pairs)) {
  t.test(`mail, pages, feeds, papers and tables tell the same of ${name}`, async (t) => {
    if (!(await hasTool(t, 'pdftotext', ['-v'], 'poppler-utils'))) return;
    const app = await startApp(t);
    await publishList(app, JSON.stringify(first));
    await app.inject({
      method: 'POST',
      url: '/api/v1/subscribers/import',
      headers: { ...bearer, 'content-type': 'text/csv' },
      payload: 'email,status,consent,locale\nann@example.org,confirmed,by form,en\n',
    });
    await publishList(app, JSON.stringify(second), { message: 'In our own words.' });
    await app.settle();
    app.deps.kept.markStale();
    const [one, two] = [await documentOf(app, 1), await documentOf(app, 2)];
    const { changes } = diffLists(one, two);
    const texts = app.deps.texts.for('en');
    const account = describe(changes, namesOf(one, two), texts);
    const items = wordsOfItems(account);
    t.ok(items.length > 0);

    for (const [where, prose] of Object.entries(await proseOf(t, app))) tells(t, where, prose, items);

    const rows = changeRows(account, texts);
    const csv = parseCsv((await app.inject('/compare/1...2.csv')).body);
    t.same(
      csv.slice(1).map((row: string[]) => row.map(fromSpreadsheet)),
      rows,
      'CSV',
    );
    t.same(
      changesIn((await app.inject('/versions/2.xlsx')).rawPayload, rows[0]?.length ?? 0),
      rows.map((row) => row.map((cell) => flat(cell).trim())),
      'Excel',
    );

    const told = JSON.parse(JSON.stringify(changes));
    t.same((await app.inject('/compare/1...2.json')).json().changes, told, 'JSON');
    t.same((await app.inject('/feed.json')).json().items[0]._subnotice.changes, told, 'JSON Feed, for programs');
  });
}

/** The rows of the sheet of changes, below its headings, each with so many cells. */
function changesIn(file: Uint8Array, width: number): string[][] {
  const parts = unzipSync(file);
  const part = (name: string) => (parts[name] === undefined ? null : strFromU8(parts[name]));
  const workbook = readWorkbook(part);
  const path = workbook.sheets.find(({ name }) => name === 'Changes')?.path ?? '';
  const rows: string[][] = [];
  for (const { row, column, cell } of readSheet(path, part, workbook).cells) {
    if (row === 0) continue;
    const cells = rows[row - 1] ?? Array.from({ length: width }, () => '');
    cells[column] = flat(cell.text).trim();
    rows[row - 1] = cells;
  }
  return rows;
}

async function documentOf(app: TestApp, number: number): Promise<ListDocument> {
  const { document } = (await app.inject(`/versions/${number}.json`)).json();
  return readListValue(document);
}
