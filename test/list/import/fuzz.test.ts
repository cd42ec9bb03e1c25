import fc from 'fast-check';
import t from 'tap';
import { Refusal } from '../../../src/errors.js';
import type { ImportSource } from '../../../src/list/import/tables.js';
import { inlineRow, published, read, wordsOf, workbook } from './support.js';

/*
 * Whatever comes in: it is read or refused, never thrown; and of what is read no word is lost.
 */

const names = ['a.csv', 'a.md', 'a.html', 'a.json', 'a.yml', 'a.txt', 'a.xlsx', ''];
const samples: Uint8Array[] = [
  'ambassify/v3.txt',
  'ambassify/v3.html',
  'basecamp/v8.md',
  'embrace/v1.md',
  'gruntwork/v1.yml',
  'paymenthood/v1.yml',
  'sage-bionetworks/v1.md',
  'stakater/v2.md',
].map(published);
samples.push(
  Buffer.from('name;purpose;link\n"A ""x""";b,c;https://a.example\r\nB;;<br>d\n'),
  Buffer.from(
    JSON.stringify({
      title: 'T',
      vendors: [
        { name: 'A', data: { staff: ['x'] } },
        { name: 'B', items: [{ name: 'C' }] },
      ],
    }),
  ),
  workbook([{ name: 'S', rows: inlineRow(1, ['Name', 'Use']) + inlineRow(2, ['A', 'b']) }]),
);

async function attempt(bytes: Uint8Array, name: string): Promise<ImportSource | null> {
  try {
    return await read(bytes, name);
  } catch (error) {
    if (error instanceof Refusal && /^(?:import\.unreadable|document\.invalid)$/.test(error.code)) return null;
    throw error;
  }
}

t.test('any bytes are read or refused', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(...names), async (bytes, name) => {
      await attempt(bytes, name);
    }),
    { numRuns: 150 },
  );
});

t.test('any text of the signs that formats are made of is read or refused', async () => {
  const sign = fc.constantFrom(
    ...'|-:*#[](){}<>"\'`,;\n\n \t\\&=_aA1'.split(''),
    '<td>',
    '<tr>',
    '<table>',
    '</table>',
    '<li>',
    '<ul>',
    '<b>',
    '</b>',
    '<h2>',
    '<br>',
    '\n- ',
    '\n|',
    '---|---\n',
    '\n---\n',
    'name: ',
    '- name: ',
  );
  await fc.assert(
    fc.asyncProperty(fc.array(sign, { maxLength: 80 }), fc.constantFrom(...names), async (signs, name) => {
      await attempt(Buffer.from(signs.join('')), name);
    }),
    { numRuns: 500 },
  );
});

t.test('published lists with bytes changed, doubled or cut are read or refused', async () => {
  const edit = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    drop: fc.nat(40),
    put: fc.uint8Array({ maxLength: 8 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...samples),
      fc.array(edit, { minLength: 1, maxLength: 4 }),
      fc.constantFrom(...names),
      async (sample, edits, name) => {
        let bytes = Buffer.from(sample);
        for (const { at, drop, put } of edits) {
          const from = Math.floor(at * bytes.length);
          bytes = Buffer.concat([bytes.subarray(0, from), put, bytes.subarray(from + drop)]);
        }
        await attempt(bytes, name);
      },
    ),
    { numRuns: 200 },
  );
});

/** Words that are no sign of any format. */
const word = fc
  .stringMatching(/^[b-z][a-zäöü]{3,9}$/)
  .filter((text) => !/^(?:true|false|null|updated?|effective|modified|revised|reviewed|stand|version|last)/.test(text));
const cell = fc.array(word, { maxLength: 3 }).map((words) => words.join(' '));
const table = fc.integer({ min: 2, max: 5 }).chain((width) => {
  const row = fc.array(cell, { minLength: width, maxLength: width });
  return fc.array(row, { minLength: 2, maxLength: 6 });
});

/** The same table in each format, with words around it. */
const writers: Readonly<Record<string, (rows: readonly string[][], around: string) => string | Uint8Array>> = {
  'a.csv': (rows) => rows.map((row) => row.map((text) => `"${text}"`).join(',')).join('\n'),
  'a.tsv': (rows) => rows.map((row) => row.join('\t')).join('\n'),
  'a.md': ([head = [], ...rows], around) =>
    [
      `# ${around}`,
      around,
      head.join(' | '),
      head.map(() => '---').join('|'),
      ...rows.map((row) => `| ${row.join('|')} |`),
      '',
      around,
    ].join('\n'),
  'a.html': (rows, around) =>
    `<h2>${around}</h2>${around}<table>${rows.map((row) => `<tr>${row.map((text) => `<td>${text}</td>`).join('')}</tr>`).join('')}</table><footer>${around}</footer>`,
  'a.json': ([head = [], ...rows], around) =>
    JSON.stringify({
      around,
      rows: rows.map((row) => Object.fromEntries(row.map((text, at) => [`${at}${head[at]}`, text]))),
    }),
  'a.xlsx': (rows, around) =>
    workbook([{ name: around.slice(0, 31) || 'x', rows: rows.map((row, at) => inlineRow(at + 1, row)).join('') }]),
};

t.test('every word of a table and of what stands around it comes out somewhere', async (t) => {
  for (const [name, write] of Object.entries(writers)) {
    await fc.assert(
      fc.asyncProperty(
        table,
        cell.filter((text) => text !== ''),
        async (rows, around) => {
          const [, ...facts] = rows;
          const source = await attempt(Buffer.from(write(rows, around)), name);
          if (source === null) return;
          const found = new Set(wordsOf(source).split(/[^\p{L}]+/u));
          const wanted = [...facts.flat(), ...(/csv|tsv|xlsx/.test(name) ? [] : [around])]
            .join(' ')
            .split(' ')
            .filter((text) => text !== '');
          const lost = wanted.filter((text) => !found.has(text));
          if (lost.length > 0) throw new Error(`lost: ${lost.join(', ')}`);
        },
      ),
      { numRuns: 40 },
    );
    t.pass(name);
  }
});

t.test('every word of a changed page comes out somewhere, whatever its tags', async () => {
  const tags = [
    'p',
    'div',
    'h2',
    'h3',
    'li',
    'ul',
    'td',
    'tr',
    'table',
    'th',
    'b',
    'span',
    'nav',
    'dl',
    'dt',
    'dd',
    'button',
    'a',
    'section',
    'caption',
  ];
  const tag = fc
    .constantFrom(...tags)
    .chain((name) => fc.constantFrom(`<${name}>`, `</${name}>`, `<${name} colspan=3>`, `<${name} rowspan=2>`));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(tag, word), { maxLength: 40 }), async (parts) => {
      const source = await attempt(Buffer.from(`<!doctype html>${parts.join(' ')}`), 'a.html');
      if (source === null) return;
      const found = new Set(wordsOf(source).split(/[^\p{L}]+/u));
      const lost = parts.filter((part) => !part.startsWith('<') && !found.has(part));
      if (lost.length > 0) throw new Error(`lost: ${lost.join(', ')}`);
    }),
    { numRuns: 600 },
  );
});
