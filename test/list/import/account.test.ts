import fc from 'fast-check';
import t from 'tap';
import { type ListDocument, listInputSchema } from '../../../src/list/document.js';
import { identify } from '../../../src/list/identity.js';
import { buildList, leftReasons, type NoteCode, noteCodes } from '../../../src/list/import/build-list.js';
import {
  columnTargets,
  headingTargets,
  type Mapping,
  mappingSchema,
  suggestMapping,
  tableUses,
} from '../../../src/list/import/mapping.js';
import type { Cell, ImportSource, SourceTable } from '../../../src/list/import/tables.js';
import { build, catalogue, codesOf, known, leftOf, one, sourceOf, tableOf } from './build-support.js';

/*
 * Nothing of a source is lost, whatever it holds and however it is mapped.
 */

t.test('each reason for leaving words', async (t) => {
  const wide = one(['Company', 'Colour', 'Purpose'], ['Acme', 'red', 'Mail', 'beyond']).left;
  const long = `${'long '.repeat(120)}`;
  const many = Array.from({ length: 201 }, (_, at) => `Purpose ${at}`).join('\n');
  const reasons: Record<string, string[]> = {
    'column-ignored': wide,
    'no-column': wide,
    'table-ignored': leftOf(build([tableOf(['Date', 'Change'], [['2024', 'x']])])),
    'repeated-heading': leftOf(
      build([
        tableOf(
          ['Company', 'Purpose'],
          [
            ['Acme', 'Mail'],
            ['Company', 'Purpose'],
          ],
        ),
      ]),
    ),
    'no-name': one(['Company', 'Purpose'], ['', 'Mail']).left,
    placeholder: one(['Company', 'Location'], ['[Add cloud hosting provider]', 'TBC']).left,
    'says-nothing': one(['Company', 'Notes'], ['Acme', 'n/a']).left,
    'not-a-country': one(['Company', 'Country'], ['Acme', 'Atlantis'], { columns: ['name', 'country'] }).left,
    'not-an-address': one(['Company', 'DPA'], ['Acme', 'on request']).left,
    'not-a-flag': one(['Company', 'Optional'], ['Acme', 'perhaps']).left,
    'not-a-relationship': one(['Company', 'Relationship'], ['Acme', 'friend'], { columns: ['name', 'relationship'] })
      .left,
    'counts-only': one(['Company', 'Data'], ['Acme', '23 fields']).left,
    'several-kinds': leftOf(
      build([tableOf(['Company', 'Data'], [['Acme', 'name']]), catalogue(['A'], ['name']), catalogue(['B'], ['name'])]),
    ),
    'second-value': one(['Company', 'Duration', 'Term'], ['Acme', '1 year', '2 years'], {
      columns: ['name', 'duration', 'duration'],
    }).left,
    'unknown-entry': one(['Company', 'Engaged by'], ['Acme', 'Nobody']).left,
    'not-accepted': one(['Company', 'Duration'], ['Acme', long]).left,
    'too-many': one(['Company', 'Purpose'], ['Acme', many]).left,
    rest: one(['Company', 'Data'], ['Acme', 'Account data. No cardholder data.']).left,
  };
  t.strictSame(Object.keys(reasons).sort(), [...leftReasons].sort());
  for (const [why, left] of Object.entries(reasons)) {
    t.ok(
      left.some((text) => text.startsWith(`${why}: `)),
      `${why} in ${JSON.stringify(left).slice(0, 200)}`,
    );
  }
});

t.test('each note', async (t) => {
  const vendor = tableOf(['Company', 'Purpose'], [['Acme', 'Mail']]);
  const noTitle = (more: Partial<ImportSource>, list: ListDocument | null = null) => {
    const source = sourceOf([vendor], more);
    return codesOf(buildList(source, suggestMapping(source, list), list));
  };
  const slid = tableOf(
    ['Data', 'Lawfulness', 'Source'],
    [
      ['name', 'Consent', 'Form'],
      ['phone', 'Contract', 'Form'],
      ['Consent', 'Form', ''],
    ],
    { headings: ['People'] },
  );
  const receiving = (...names: string[]) => tableOf(['Company', 'Data'], [['Acme', names.join(', ')]]);
  const rows = Array.from({ length: 5_001 }, (_, at) => [`Vendor ${at}`, 'Mail']);
  const notes: Record<string, NoteCode[]> = {
    'title-assumed': noTitle({ title: null }),
    'introduction-too-long': noTitle({ introduction: 'x'.repeat(20_001) }),
    'heading-unused': codesOf(build([{ ...vendor, headings: ['Our list'] }])),
    'caption-unused': codesOf(build([{ ...vendor, caption: 'We like them.' }])),
    'catalogue-kept': noTitle({}, known),
    'list-kept': noTitle({ title: null }, known),
    'kind-made': codesOf(build([receiving('name')])),
    'category-made': codesOf(build([receiving('age'), catalogue(['People'], ['name'])])),
    'service-made': codesOf(build([tableOf(['Company', 'Applicable service'], [['Acme', 'Chat']])])),
    'row-shifted': codesOf(build([slid])),
    'category-nameless': codesOf(build([slid])),
    'category-name-recovered': codesOf(build([receiving('name', 'age'), slid])),
    'name-guessed': codesOf(
      one(['Company', 'Purpose'], ['Acme Kungsgatan 33, 111 56 Stockholm', 'Mail'], {
        columns: ['name+address', 'purposes'],
      }).built,
    ),
    'rows-joined': codesOf(
      build([
        tableOf(
          ['Company', 'Purpose'],
          [
            ['Acme', 'Mail'],
            ['Acme', 'Mail'],
          ],
        ),
      ]),
    ),
    'categories-guessed': codesOf(
      build(
        [
          tableOf(['Company', 'Data'], [['Acme', 'email address']]),
          catalogue(['People'], ['email', 'address', 'email  address x', 'email address y', 'x']),
        ].map((table, at) => (at === 0 ? tableOf(['Company', 'Data'], [['Acme', 'email address x']]) : table)),
      ),
    ),
    'too-many-rows': codesOf(build([tableOf(['Company', 'Purpose'], rows)])),
  };
  t.strictSame(Object.keys(notes).sort(), [...noteCodes].sort());
  for (const [code, codes] of Object.entries(notes)) {
    t.ok(
      codes.some((said) => said === code),
      `${code} in ${codes.slice(0, 10).join(', ')}`,
    );
  }
});

const words =
  'Acme|Acme Inc. 12 Main Street, Paris, France|None|n/a|TBC|Advocatesname emailManagersname|name, email|23 fields|https://a.example/x|US, EU|Germany (Berlin)|yes|*|name *|Identification Example: x|2 years|affiliate|M1 M2|a, b, and c|A / B|x; y|\u0000|\ud800|\uffff|(|)|a|||é ü'.split(
    '|',
  );
const text = fc.oneof(
  fc.constantFrom(...words),
  fc.string({ unit: 'grapheme', maxLength: 30 }),
  fc.string({ unit: 'binary', maxLength: 12 }),
);
const cell: fc.Arbitrary<Cell> = fc.record({
  text,
  items: fc.constant([]),
  links: fc.array(fc.record({ label: text, url: fc.oneof(text, fc.webUrl()) }), { maxLength: 2 }),
  strong: fc.option(text),
});
const line: fc.Arbitrary<Cell> = fc
  .array(text, { maxLength: 4 })
  .map((items) => ({ text: items.join('\n'), items, links: [], strong: null }));
const heading = fc.oneof(
  text,
  fc.constantFrom('Company', 'Data', 'Purpose', 'Data Categories', 'Location', 'Lawfulness', 'Source'),
);
const table: fc.Arbitrary<SourceTable> = fc.record({
  caption: fc.option(text),
  headings: fc.array(fc.oneof(text, fc.constantFrom('Advocates', 'Managers', 'United States')), { maxLength: 2 }),
  columns: fc.array(heading, { maxLength: 5 }),
  rows: fc.array(fc.record({ line: fc.nat(99), cells: fc.array(fc.oneof(cell, line), { maxLength: 6 }) }), {
    maxLength: 5,
  }),
});
const mapping: fc.Arbitrary<Mapping> = fc.record({
  tables: fc.array(
    fc.record(
      {
        use: fc.constantFrom(...tableUses),
        headingAs: fc.constantFrom(...headingTargets),
        dataSubject: text,
        columns: fc.array(fc.constantFrom('name', 'dataCategories', ...columnTargets), { maxLength: 7 }),
      },
      { requiredKeys: ['use', 'headingAs', 'columns'] },
    ),
    { maxLength: 4 },
  ),
});

const tellable = (said: string) => said.match(/[\p{L}\p{N}\p{M}]+/gu) ?? [];

/** Whether a word is told, or is several told ones without a blank between them. */
function isTold(word: string, told: ReadonlySet<string>): boolean {
  if (told.has(word)) return true;
  const reached = [true];
  for (let end = 1; end <= word.length; end++) {
    reached[end] = reached.some((is, from) => is && told.has(word.slice(from, end)));
  }
  return reached[word.length] ?? false;
}

t.test('nothing throws, the list is a list, and every word is accounted for, whatever comes', async () => {
  fc.assert(
    fc.property(
      fc.array(table, { maxLength: 3 }),
      fc.option(mapping),
      fc.option(fc.constant(known)),
      fc.record({ title: fc.option(text), introduction: fc.option(text) }),
      (tables, byHand, base, head) => {
        const source = sourceOf(tables, head);
        const suggested = suggestMapping(source, base);
        mappingSchema.parse(suggested);
        const built = buildList(source, byHand ?? suggested, base);
        listInputSchema.parse(built.list);
        identify(built.list, base);
        const rows = tables.flatMap((one) => one.rows);
        if (rows.length !== built.rows.length) throw new Error('a row has no account');
        for (const [at, { cells }] of rows.entries()) {
          const { understood = [], left = [] } = built.rows[at] ?? {};
          for (const [column, one] of cells.entries()) {
            const said = [...understood, ...left].filter((entry) => entry.column === column).map((entry) => entry.text);
            const told = new Set(said.flatMap(tellable));
            const lost = tellable(one.text).filter((word) => !isTold(word, told));
            if (lost.length > 0) throw new Error(`lost: ${lost.join(' ')}`);
          }
        }
      },
    ),
    { numRuns: 250 },
  );
});

t.test('5,000 rows take less than two seconds, and hostile cells no longer than others', async (t) => {
  const rows = Array.from({ length: 5_000 }, (_, at) => [
    `Vendor ${at} Inc. ${at} Main Street, Paris, France`,
    'Hosting; Mail',
    'USA, Germany, and Ireland',
    'Advocatesname email addressManagersname',
  ]);
  const vendors = tableOf(['Company', 'Purpose', 'Location', 'Data Categories'], rows, {
    headings: ['Vendor Affiliates'],
  });
  const names = Array.from({ length: 400 }, (_, at) => `a${' a'.repeat(at % 11)}${at > 11 ? ` b${at}` : ''}`);
  const kinds = [catalogue(['Advocates'], ['name', 'email address', ...names]), catalogue(['Managers'], ['name'])];
  // The machine may be busy with other tests: what counts is what this one takes.
  const milliseconds = () => process.cpuUsage().user / 1_000;
  const started = milliseconds();
  const built = build([vendors, ...kinds]);
  t.equal(built.list.subProcessors.length, 5_000);
  t.ok(milliseconds() - started < 2_000, `${Math.round(milliseconds() - started)} ms`);
  const hostile = [
    'a '.repeat(10_000),
    'Advocates'.repeat(3_000),
    '('.repeat(10_000),
    'a,'.repeat(10_000),
    '. A'.repeat(5_000),
  ];
  const from = milliseconds();
  build([
    tableOf(
      ['Company', 'Purpose', 'Location', 'Data Categories'],
      hostile.map((one, at) => [`V${at}`, one, one, one]),
    ),
    ...kinds,
  ]);
  build(
    [
      tableOf(
        ['Company', 'Purpose'],
        hostile.map((one) => [one, one]),
      ),
    ],
    [{ columns: ['name+address', 'purposes+commas'] }],
  );
  t.ok(milliseconds() - from < 2_000, `${Math.round(milliseconds() - from)} ms`);
});
