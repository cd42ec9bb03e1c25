import { strToU8, Zip, ZipDeflate } from 'fflate';
import t from 'tap';
import { inlineRow, onlyRows, read, refusalOf, shortTables, workbook } from './support.js';

/*
 * Workbooks as Excel, LibreOffice and libraries write them.
 */

const strings = ['Company', 'Since', 'Purpose', 'Amazon Web Services', 'Hosting_x000D_\nBackups']
  .map((text) => `<si><t xml:space="preserve">${text}</t></si>`)
  .concat(
    '<si><r><rPr><b/></rPr><t>Acme</t></r><r><t xml:space="preserve"> &amp; Söhne</t></r><rPh sb="0" eb="1"><t>lost</t></rPh></si>',
  )
  .join('');
const styles = `<numFmts count="1"><numFmt numFmtId="164" formatCode="dd\\.mm\\.yyyy"/></numFmts>
  <cellXfs count="3"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/></cellXfs>`;
const shared = (place: string, index: number) => `<c r="${place}" t="s"><v>${index}</v></c>`;

t.test('shared and inline strings, rich text, dates, figures, flags and formulas', async (t) => {
  const rows = `<row r="1">${shared('A1', 0)}${shared('B1', 1)}${shared('C1', 2)}<c r="D1" t="inlineStr"><is><t>Optional</t></is></c></row>
    <row r="2">${shared('A2', 3)}<c r="B2" s="1"><v>45292</v></c>${shared('C2', 4)}<c r="D2" t="b"><v>1</v></c></row>
    <row r="4">${shared('A4', 5)}<c r="B4" s="2"><v>45292.5</v></c><c r="C4"><v>3.5</v></c><c r="D4" t="str"><f>A1&amp;"x"</f><v>no</v></c></row>
    <row><c t="inlineStr"><is><t>Unplaced</t></is></c><c><v>7</v></c><c t="e"><v>#N/A</v></c></row>`;
  const source = await read(workbook([{ name: 'Sheet1', rows }], { strings, styles }), 'list.xlsx');
  t.equal(source.format, 'xlsx');
  t.strictSame(shortTables(source), [
    {
      headings: [],
      caption: null,
      columns: ['Company', 'Since', 'Purpose', 'Optional'],
      rows: [
        ['Amazon Web Services', '2024-01-01', 'Hosting\nBackups', 'TRUE'],
        ['Acme & Söhne', '2024-01-01 12:00', '3.5', 'no'],
        ['Unplaced', '7', '#N/A'],
      ],
    },
  ]);
  t.strictSame(
    source.tables[0]?.rows.map(({ line }) => line),
    [2, 4, 5],
  );
});

t.test('days are counted from 1904 where the workbook says so', async (t) => {
  const rows = `${inlineRow(1, ['Name', 'Start'])}<row r="2"><c r="A2" t="inlineStr"><is><t>A</t></is></c><c r="B2" s="1"><v>0</v></c></row>`;
  const source = await read(workbook([{ name: 'Sheet1', rows }], { styles, properties: ' date1904="1"' }));
  t.strictSame(onlyRows(source), [['A', '1904-01-01']]);
});

t.test('links of cells, of ranges and of formulas; comments are left over', async (t) => {
  const rows =
    inlineRow(1, ['Name', 'Link']) +
    inlineRow(2, ['A', 'terms']) +
    inlineRow(3, ['B', 'terms']) +
    '<row r="4"><c r="A4" t="str"><f>HYPERLINK("https://c.example/","C")</f><v>C</v></c></row>';
  const after =
    '<hyperlinks><hyperlink ref="A2" r:id="rId1" location="top"/><hyperlink ref="B2:B3" r:id="rId2"/></hyperlinks>';
  const comments =
    '<comments><commentList><comment ref="A3"><text><r><t>to be checked</t></r></text></comment></commentList></comments>';
  const source = await read(
    workbook(
      [
        {
          name: 'Tabelle1',
          rows,
          after,
          relations: [
            ['rId1', 'hyperlink', 'https://a.example/'],
            ['rId2', 'hyperlink', 'https://b.example/?a=1&amp;b=2'],
            ['rId3', 'comments', '../comments1.xml'],
          ],
        },
      ],
      { more: { 'xl/comments1.xml': comments } },
    ),
  );
  const links = source.tables[0]?.rows.map(({ cells }) => cells.flatMap((cell) => cell.links.map(({ url }) => url)));
  t.strictSame(links, [
    ['https://a.example/#top', 'https://b.example/?a=1&b=2'],
    ['https://b.example/?a=1&b=2'],
    ['https://c.example/'],
  ]);
  t.strictSame(source.leftOver, [{ line: 3, text: 'to be checked' }]);
});

t.test('several sheets, merged cells, titles above, tables below each other', async (t) => {
  const hosting =
    inlineRow(1, ['Our sub-processors']) +
    inlineRow(3, ['Company', 'Purpose', 'Location']) +
    inlineRow(4, ['A', 'a', 'DE']) +
    inlineRow(5, ['', 'b', 'FR']) +
    inlineRow(6, ['Only in the US']) +
    inlineRow(7, ['C', 'c', 'US']) +
    inlineRow(10, ['Vendor', 'Function']) +
    inlineRow(11, ['D', 'd']);
  const after = '<mergeCells><mergeCell ref="A1:C1"/><mergeCell ref="A4:A5"/><mergeCell ref="A6:C6"/></mergeCells>';
  const source = await read(
    workbook([
      { name: 'Hosting', rows: hosting, after },
      { name: 'Empty', rows: '' },
      { name: 'Mail &amp; chat', rows: inlineRow(1, ['Company', 'Purpose']) + inlineRow(2, ['E', 'e']) },
    ]),
  );
  t.strictSame(
    shortTables(source).map(({ headings, columns, rows }) => [headings.at(-1), columns, rows]),
    [
      [
        'Hosting',
        ['Company', 'Purpose', 'Location'],
        [
          ['A', 'a', 'DE'],
          ['A', 'b', 'FR'],
        ],
      ],
      ['Only in the US', ['Company', 'Purpose', 'Location'], [['C', 'c', 'US']]],
      ['Hosting', ['Vendor', 'Function'], [['D', 'd']]],
      ['Mail & chat', ['Company', 'Purpose'], [['E', 'e']]],
    ],
  );
  t.strictSame(source.leftOver, [{ line: 1, text: 'Our sub-processors' }]);
});

t.test('parts whose sizes follow them, and parts by absolute names, are found', async (t) => {
  const pieces: Uint8Array[] = [];
  const archive = new Zip((_, data) => pieces.push(data));
  const office = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
  const parts = {
    '_rels/.rels': `<Relationships><Relationship Id="a" Type="${office}/officeDocument" Target="/xl/book.xml"/></Relationships>`,
    'xl/book.xml': '<x:workbook><x:sheets><x:sheet name="S" r:id="b"/></x:sheets></x:workbook>',
    'xl/_rels/book.xml.rels': `<Relationships><Relationship Id="b" Type="${office}/worksheet" Target="/xl/one.xml"/></Relationships>`,
    'xl/one.xml': `<x:worksheet><x:sheetData><x:row><x:c t="inlineStr"><x:is><x:t>Name</x:t></x:is></x:c></x:row><x:row><x:c t="inlineStr"><x:is><x:t>A</x:t></x:is></x:c></x:row></x:sheetData></x:worksheet>`,
  };
  for (const [name, xml] of Object.entries(parts)) {
    const file = new ZipDeflate(name);
    archive.add(file);
    file.push(strToU8(xml), true);
  }
  archive.end();
  t.strictSame(onlyRows(await read(Buffer.concat(pieces))), [['A']]);
});

t.test('cells far to the right are left over; other office files and damaged ones are refused', async (t) => {
  const rows = `${inlineRow(1, ['Name', 'Use'])}<row r="2"><c r="A2" t="inlineStr"><is><t>A</t></is></c><c r="XFD2" t="inlineStr"><is><t>far</t></is></c></row>`;
  const book = workbook([{ name: 'Sheet1', rows }]);
  const source = await read(book);
  t.strictSame(source.leftOver, [{ line: 2, text: 'far' }]);
  t.equal(await refusalOf(book.slice(0, 300)), 'broken-sheet');
  const broken = book.slice();
  broken.fill(0xff, 60, 200);
  t.equal(await refusalOf(broken), 'broken-sheet');
  const pieces: Uint8Array[] = [];
  const archive = new Zip((_, data) => pieces.push(data));
  const file = new ZipDeflate('word/document.xml');
  archive.add(file);
  file.push(strToU8('<w/>'), true);
  archive.end();
  t.equal(await refusalOf(Buffer.concat(pieces)), 'other-office');
});
