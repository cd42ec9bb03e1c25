import { zipSync } from 'fflate';
import t from 'tap';
import { inlineRow, read, refusalOf, workbook } from './support.js';

/*
 * Files that are too large, and files made to hold up whoever reads them.
 */

/** Enough to see squared time, little enough for a test. */
const letters = 100_000;
const many = (text: string, length = letters) => text.repeat(Math.ceil(length / text.length));

/** What each of them costs, in seconds of the processor: others may be at work beside us. */
const mostSeconds = 1.5;

const hostile: Readonly<Record<string, readonly [text: string, fileName: string]>> = {
  'separators alone': [many(','), 'a.csv'],
  'a row of many cells': [many('a,'), 'a.csv'],
  'a quote that is never closed': [`a,b\n"${many('x,y\n')}`, 'a.csv'],
  'quotes within cells': [many('"a" b,"'), 'a.csv'],
  'tags that are never closed, in a cell': [`a,b\n${many('<br ')}`, 'a.csv'],
  'links that break off, in a cell': [`a,b\n${many('[a](https://')}`, 'a.csv'],
  'blanks in a cell': [`a,b\n${many(' ')}x,y`, 'a.csv'],
  'brackets in Markdown': [many('['), 'a.md'],
  'stars in Markdown': [many('**a'), 'a.md'],
  'code marks in Markdown': [many('`a``'), 'a.md'],
  'rules in Markdown': [many('a|b\n-|-\n'), 'a.md'],
  'quotes in Markdown': [many('>'), 'a.md'],
  'one bullet with many below': [many('- a\n  '), 'a.md'],
  'bullets with brackets': [many('- [\n'), ''],
  'a wide table': [`${many('a|')}\n${many('-|')}\n${many('b|')}`, 'a.md'],
  'bold colons': [`- **${many(':')}x**`, 'a.md'],
  'headings in Markdown': [many('# a\n'), 'a.md'],
  'front matter': [`---\n${many('a: b\n')}---\n# x`, 'a.md'],
  'rules in a capture': [many('a|b\n-|-\n'), 'a.txt'],
  'rows that break off': [`a|b|c\n-|-|-\n${many('|\n')}`, 'a.txt'],
  'rows that break off in a wide table': [`${many('a|', 400)}\n${many('-|', 400)}\n${many('|\n')}`, 'a.txt'],
  'blank lines': [`a\n${many('\n')}b`, ''],
  'a long blank': [`a\n${many(' ')}b`, ''],
  'lines with colons': [many('a: b\n'), ''],
  'elements within each other': [many('<div>'), 'a.html'],
  'bold within bold': [many('<b>'), 'a.html'],
  'tags that are opened anew in each paragraph': [
    `${Array.from({ length: 5_000 }, (_, at) => `<b id=${at}>`).join('')}${many('<p>x')}`,
    'a.html',
  ],
  'tables within each other': [many('<table><tr><td>'), 'a.html'],
  'cells that span much': [`<table>${many('<tr><td colspan=200 rowspan=1000>abcdefgh')}`, 'a.html'],
  'a long text in many rows': [
    `<table><tr><th>a<th>b<tr><td rowspan=1000>${many('x y ')}${many('<tr><td>a', 9_000)}`,
    'a.html',
  ],
  attributes: [`<p ${many('a=b ')}`, 'a.html'],
  'lines that end in a block': [`${many('<span>', 1_800)}${many('<i>x</i>')}<div>a</div>`, 'a.html'],
  'arrays within each other': [many('['), 'a.json'],
  'an entry of many keys': [
    JSON.stringify([Object.fromEntries(Array.from({ length: 14_000 }, (_, at) => [`key${at}`, 'v']))]),
    'a.json',
  ],
  'entries of different keys': [
    JSON.stringify(Array.from({ length: 12_000 }, (_, at) => ({ [`key${at}`]: 'v' }))),
    'a.json',
  ],
  'flow within flow': [many('{a: '), 'a.yml'],
  aliases: [`a: &a [1,2,3]\nb: [${many('*a, ', 40_000)}]`, 'a.yml'],
  remarks: [`- name: a\n${many('# x\n')}`, 'a.yml'],
};

t.test('what is made to hold us up is read or refused in time that grows with its size', async (t) => {
  for (const [what, [text, fileName]] of Object.entries(hostile)) {
    const before = process.cpuUsage();
    const refusal = await refusalOf(text, fileName);
    const { user } = process.cpuUsage(before);
    t.match(refusal ?? 'no-rows', /^(?:no-rows|too-large|too-deep|broken-data)$/, what);
    t.ok(user < mostSeconds * 1_000_000, `${what}: ${Math.round(user / 1_000)} ms`);
  }
});

t.test('an archive that unpacks to gigabytes is refused, whatever sizes it states', async (t) => {
  const bomb = zipSync({ 'xl/workbook.xml': new Uint8Array(64 * 1024 * 1024) }, { level: 9 });
  t.equal(await refusalOf(bomb), 'too-large');
  const view = new DataView(bomb.buffer);
  view.setUint32(22, 100, true);
  t.equal(await refusalOf(bomb), 'too-large', 'it says that it is small');
});

t.test('more bytes, rows or tables than a list can have are refused', async (t) => {
  t.equal(await refusalOf(Buffer.alloc(8 * 1024 * 1024 + 1, 0x61)), 'too-large');
  const rows = (count: number) => `name,use\n${Array.from({ length: count }, (_, at) => `A${at},b`).join('\n')}`;
  t.equal(await refusalOf(rows(20_001), 'a.csv'), 'too-large');
  t.equal((await read(rows(19_999), 'a.csv')).tables[0]?.rows.length, 19_999);
  t.equal(await refusalOf(many('<table><tr><th>a<th>b<tr><td>x<td>y</table>', 50_000), 'a.html'), 'too-large');
  const sheet = Array.from({ length: 20_002 }, (_, at) => inlineRow(at + 1, ['a', 'b'])).join('');
  t.equal(await refusalOf(workbook([{ name: 'S', rows: sheet }])), 'too-large');
});

t.test('a large page and a large workbook are read whole', async (t) => {
  const row = (at: number) =>
    `<tr class="row-${at}"><td><strong>Vendor ${at}</strong><br>Street ${at}</td><td><ul><li>Hosting</li><li>Mail</li></ul></td><td><a href="https://v${at}.example/dpa">terms</a></td></tr>`;
  const page = `<html><style>${many('a { b: c }', 1_000_000)}</style><body><h1>Vendors</h1><img src="data:image/png;base64,${many('abcd', 1_000_000)}">
    <table><tr><th>Name</th><th>Purpose</th><th>Link</th></tr>${Array.from({ length: 5_000 }, (_, at) => row(at)).join('')}</table>`;
  t.ok(page.length > 2_700_000);
  const before = process.cpuUsage();
  const source = await read(page, 'page.html');
  t.equal(source.tables[0]?.rows.length, 5_000);
  const sheet = Array.from({ length: 5_000 }, (_, at) =>
    inlineRow(at + 1, at === 0 ? ['Name', 'Use'] : [`Vendor ${at}`, 'Hosting, mail and storage']),
  );
  t.equal((await read(workbook([{ name: 'S', rows: sheet.join('') }]))).tables[0]?.rows.length, 4_999);
  t.ok(process.cpuUsage(before).user < 6_000_000, `${Math.round(process.cpuUsage(before).user / 1_000)} ms for both`);
});
