import { readFileSync } from 'node:fs';
import t from 'tap';
import { parse } from 'yaml';
import { z } from 'zod';
import { diffLists } from '../../../src/list/diff.js';
import { type ListDocument, type ListInput, listInputSchema } from '../../../src/list/document.js';
import { identify } from '../../../src/list/identity.js';
import { type BuiltList, buildList } from '../../../src/list/import/build-list.js';
import { type ColumnTarget, type Mapping, suggestMapping } from '../../../src/list/import/mapping.js';
import { readSource } from '../../../src/list/import/read-source.js';
import { foundingV2, realLists } from '../../cases/real-lists.js';

/*
 * Lists that companies really published, imported: what each became, in full, with every note and every
 * word that was left. What is expected was read beside the sources.
 */

type Change = (mapping: Mapping) => Mapping;

async function imported(file: string, change: Change = (same) => same, known: ListDocument | null = null) {
  const bytes = readFileSync(new URL(`../../cases/lists/${file}`, import.meta.url));
  return importedBytes(bytes, file.slice(file.lastIndexOf('/') + 1), change, known);
}

async function importedBytes(bytes: Uint8Array, fileName: string, change: Change, known: ListDocument | null) {
  const source = await readSource(bytes, { fileName });
  const suggested = suggestMapping(source, known);
  const built = buildList(source, change(suggested), known);
  return { suggested, built: { ...built, left: leftOf(built) } };
}

function leftOf({ rows }: BuiltList) {
  return rows.flatMap(({ line, left }) => left.map(({ column, why, text }) => ({ line, column, why, text })));
}

const fixture = z.object({
  mapping: z.array(z.unknown()),
  list: z.unknown(),
  notes: z.array(z.unknown()),
  left: z.array(z.unknown()),
});

for (const file of [
  'ambassify/v1.txt',
  'ambassify/v2.txt',
  'ambassify/v3.html',
  'ambassify/v3.txt',
  'embrace/v1.md',
  'paymenthood/v1.yml',
  'silktide/v1.md',
]) {
  t.test(`${file} is imported without hand work`, async (t) => {
    const name = file.replace(/[/.]/g, '-');
    const expected = fixture.parse(
      parse(readFileSync(new URL(`../../cases/imports/${name}.yaml`, import.meta.url), 'utf8')),
    );
    const { suggested, built } = await imported(file);
    t.strictSame(suggested.tables, expected.mapping);
    t.strictSame(built.list, expected.list);
    t.strictSame(built.notes, expected.notes);
    t.strictSame(built.left, expected.left);
    t.ok(listInputSchema.safeParse(built.list).success);
  });
}

const inCommas: Change = ({ tables }) => ({
  tables: tables.map((table) => ({
    ...table,
    columns: table.columns.map((target): ColumnTarget => (target === 'purposes' ? 'purposes+commas' : target)),
  })),
});

/** Lists whose versions stand in test/cases/real-lists.ts, typed from the sources. */
const versions: Record<
  keyof typeof realLists,
  { folder: string; ending: string; title?: string; change?: Change; notes: unknown[] }
> = {
  basecamp: { folder: 'basecamp', ending: 'md', notes: [] },
  gruntwork: {
    folder: 'gruntwork',
    ending: 'yml',
    title: 'Sub-processors',
    notes: [{ code: 'title-assumed', values: { title: 'Sub-processors' } }],
  },
  range: { folder: 'range', ending: 'md', notes: [] },
  // "Cloud services, infrastructure platform, website hosting" are three, which only a person knows.
  sage: {
    folder: 'sage-bionetworks',
    ending: 'md',
    change: inCommas,
    notes: [{ code: 'heading-unused', values: { text: 'Subprocessors' } }],
  },
  stakater: { folder: 'stakater', ending: 'md', notes: [] },
};

/** White space that a reader does not see was kept when the cases were typed. */
function tidy(list: ListInput, title: string | undefined): ListInput {
  return {
    ...list,
    title: title ?? list.title,
    subProcessors: list.subProcessors.map((entry) => ({
      ...entry,
      name: entry.name.trim(),
      ...(entry.purposes && { purposes: entry.purposes.map((text) => text.replaceAll('\n', ' ')) }),
    })),
  };
}

for (const [name, { folder, ending, title, change, notes }] of Object.entries(versions)) {
  t.test(`${name}: each version is imported in full, and the versions differ as they did`, async (t) => {
    const typed = Object.entries(realLists).find(([key]) => key === name)?.[1] ?? [];
    let before: ListDocument | null = null;
    let typedBefore: ListDocument | null = null;
    for (const [at, list] of typed.entries()) {
      const { built } = await imported(`${folder}/v${at + 1}.${ending}`, change);
      t.strictSame(built.list, tidy(list, title), `v${at + 1}`);
      t.strictSame(built.notes, notes);
      t.strictSame(built.left, [], 'nothing is left');
      const now: ListDocument = identify(built.list, before);
      const typedNow: ListDocument = identify(list, typedBefore);
      if (before !== null && typedBefore !== null) {
        const said = diffLists(before, now).changes.map(({ kind, name }) => ({ kind, name }));
        t.strictSame(
          said,
          diffLists(typedBefore, typedNow).changes.map(({ kind, name }) => ({ kind, name: name.trim() })),
        );
      }
      [before, typedBefore] = [now, typedNow];
    }
  });
}

t.test('a cell with commas stays one purpose as long as nobody says otherwise', async (t) => {
  const { built } = await imported('sage-bionetworks/v1.md');
  t.strictSame(built.list.subProcessors[0]?.purposes, ['Cloud services, infrastructure platform, website hosting']);
});

t.test('the founding list says what was typed from it by hand', async (t) => {
  const { built } = await imported('ambassify/v2.txt');
  const typed = foundingV2();
  const pick = ({ subProcessors }: ListInput) =>
    subProcessors.map(({ name, country, optional, dataCategories }) => ({ name, country, optional, dataCategories }));
  t.strictSame(pick(built.list), pick(typed));
  t.strictSame(
    built.list.subProcessors.map(({ name, dataCategories }) => [
      name,
      dataCategories?.advocates?.length ?? 0,
      dataCategories?.managers?.length ?? 0,
    ]),
    [
      ['Amazon.com, Inc.', 20, 10],
      ['CloudFlare, Inc.', 1, 1],
      ['Intercom, Inc.', 0, 9],
      ['Redis Labs, Inc.', 6, 4],
      ['Salesforce.com, Inc.', 19, 10],
      ['Startdeliver', 0, 3],
      ['Twilio Inc.', 2, 0],
    ],
  );
  const facts = ({ dataSubjects }: ListInput) =>
    dataSubjects.map(({ name, dataCategories }) => ({
      name,
      dataCategories: dataCategories?.map(({ id, name, optional, purpose, legalBasis, source }) => ({
        id,
        name,
        optional,
        purpose,
        legalBasis,
        source,
      })),
    }));
  t.strictSame(facts(built.list), facts(typed));
});

t.test('the page as it stands, with its introduction', async (t) => {
  const text = readFileSync(new URL('../../cases/lists/ambassify/v2.txt', import.meta.url), 'utf8');
  const [title = '', ...lines] = text.split('\n');
  const said = [
    'Each of our Sub-Processors will have an executed DPA to ensure compliance under the EU GDPR requirements.',
    'If you like te be notified about sub-processor changes you can subscribe to our sub-processor update mailing list.',
  ];
  const page = Buffer.from([title, ...said, ...lines].join('\n'));
  const { built } = await importedBytes(page, 'page.txt', (same) => same, null);
  const plain = await imported('ambassify/v2.txt');
  t.equal(built.list.introduction, [...said, plain.built.list.introduction ?? ''].join('\n\n'));
  t.strictSame({ ...built.list, introduction: null }, { ...plain.built.list, introduction: null });
});

t.test('a later page without a catalogue goes on with the one before', async (t) => {
  const before = identify((await imported('ambassify/v2.txt')).built.list);
  const { built } = await imported('ambassify/v3.html', (same) => same, before);
  t.strictSame(built.list.dataSubjects, before.dataSubjects);
  t.strictSame(
    built.notes.map(({ code }) => code),
    ['catalogue-kept', 'list-kept', 'rows-joined'],
  );
  const after = identify(built.list, before);
  t.strictSame(
    after.subProcessors.map(({ id }) => id),
    ['amazon-com-inc', 'redis-labs-inc', 'salesforce-com-inc'],
  );
});

t.test('the codes of the oldest page are set under a kind, and its countries where a person puts them', async (t) => {
  const { built } = await imported('ambassify/v1.txt', ({ tables }) => ({
    tables: tables.map((table) => ({
      ...table,
      columns: table.columns.map((target): ColumnTarget => (target === 'country' ? 'corporateCountry' : target)),
    })),
  }));
  t.strictSame(
    built.list.subProcessors.slice(0, 2).map(({ country, corporateCountry }) => [country, corporateCountry]),
    [
      [undefined, 'US'],
      [undefined, 'GB'],
    ],
  );
  t.strictSame(built.left, []);
});
