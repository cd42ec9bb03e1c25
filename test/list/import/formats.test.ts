import t from 'tap';
import { onlyRows, read, refusalOf, shortTables, wordsOf } from './support.js';

/*
 * Each format, and the quirks met in published lists and in what programs save.
 */

const rows = [
  ['Müller & Söhne GmbH', 'Hosting, backups', 'Zürich – Schweiz'],
  ['Acme "Cloud" Inc.', '', 'USA'],
];

t.test('CSV: separators, byte order marks, encodings, line ends', async (t) => {
  const quote = (value: string) => `"${value.replaceAll('"', '""')}"`;
  for (const separator of [',', ';', '\t', '|']) {
    for (const end of ['\n', '\r\n', '\r']) {
      const text = [['Company', 'Purpose', 'Location'], ...rows].map((row) => row.map(quote).join(separator)).join(end);
      const latin = Uint8Array.from(text.replace('–', '\u0096'), (letter) => letter.charCodeAt(0));
      const files = {
        'utf-8': Buffer.from(text),
        'utf-8 with mark': Buffer.from(`\ufeff${text}`),
        'utf-16le': Buffer.from(`\ufeff${text}`, 'utf16le'),
        'utf-16le without mark': Buffer.from(text, 'utf16le'),
        'utf-16be': Buffer.from(`\ufeff${text}`, 'utf16le').swap16(),
        'windows-1252': latin,
      };
      for (const [encoding, bytes] of Object.entries(files)) {
        const source = await read(bytes, 'list.csv');
        t.equal(source.encoding, encoding.split(' ')[0]);
        t.strictSame(source.tables[0]?.columns, ['Company', 'Purpose', 'Location'], `${encoding} by ${separator}`);
        t.strictSame(
          onlyRows(source).map((row) => [...row, '', ''].slice(0, 3)),
          rows,
        );
      }
    }
  }
});

t.test('CSV: what the sender declares counts, where the bytes are no UTF-8', async (t) => {
  const bytes = Uint8Array.from('name;ort\nPrah\u00f8;\u00e9', (letter) => letter.charCodeAt(0));
  const source = await read(bytes, 'a.csv', 'text/csv; charset=iso-8859-2');
  t.equal(source.encoding, 'iso-8859-2');
  t.strictSame(onlyRows(source), [['Prahř', 'é']]);
});

t.test(
  'CSV: a declared separator, lines above the headings, quotes within texts, more cells than columns',
  async (t) => {
    const text = 'sep=;\nSub-processors of Acme;;\nStand: 1. Mai 2025;;\n;;\nFirma;Zweck;Ort\nA 5" disk;x,y;DE;more\n';
    const source = await read(text, 'a.csv');
    t.strictSame(shortTables(source), [
      {
        headings: [],
        caption: null,
        columns: ['Firma', 'Zweck', 'Ort', ''],
        rows: [['A 5" disk', 'x,y', 'DE', 'more']],
      },
    ]);
    t.strictSame(source.leftOver, [
      { line: 2, text: 'Sub-processors of Acme' },
      { line: 3, text: 'Stand: 1. Mai 2025' },
    ]);
    t.equal(source.tables[0]?.rows[0]?.line, 6);
  },
);

t.test('CSV: lines, HTML and Markdown within cells; a quote that is never closed', async (t) => {
  const text =
    'name,purpose,link\nA,"first\nsecond",<ul><li>x</li><li>y</li></ul>\n\'=B,a</br>b,[DPA](https://b.example/dpa)';
  const source = await read(text);
  t.equal(source.format, 'csv');
  t.strictSame(onlyRows(source), [
    ['A', 'first\nsecond', 'x\ny'],
    ['=B', 'a\nb', 'DPA'],
  ]);
  t.strictSame(source.tables[0]?.rows[1]?.cells[2]?.links, [{ label: 'DPA', url: 'https://b.example/dpa' }]);
  t.equal(source.tables[0]?.rows[1]?.line, 4);
  t.strictSame(onlyRows(await read('name,purpose\n"A,x\nB,y', 'a.csv')), [
    ['"A', 'x'],
    ['B', 'y'],
  ]);
});

t.test('CSV: a table without column headings has none', async (t) => {
  const source = await read('Acme Inc.,https://acme.example,US\nBolt Ltd.,https://bolt.example,UK\n', 'a.csv');
  t.strictSame(source.tables[0]?.columns, ['', '', '']);
  t.equal(source.tables[0]?.rows.length, 2);
});

t.test('Markdown: tables without outer bars, ragged, with tabs, with an empty heading row', async (t) => {
  const text = `Intro words.

## Hosting
Company|Purpose|Location
:---:|---|-
A | b
C|d \t|e|surplus
## Support

| | |
|--|--|
|Vendor |What they do|
|[E](https://e.example)<br>Street 1|<ul><li>one</li><li>two \\| three</li></ul>|
F | g
closing words
`;
  const source = await read(text, 'list.md');
  t.strictSame(shortTables(source), [
    {
      headings: ['Hosting'],
      caption: null,
      columns: ['Company', 'Purpose', 'Location', ''],
      rows: [
        ['A', 'b'],
        ['C', 'd', 'e', 'surplus'],
      ],
    },
    {
      headings: ['Support'],
      caption: null,
      columns: ['Vendor', 'What they do'],
      rows: [
        ['E\nStreet 1', 'one\ntwo | three'],
        ['F', 'g'],
      ],
    },
  ]);
  t.equal(source.introduction, 'Intro words.');
  t.strictSame(source.leftOver, [{ line: 15, text: 'closing words' }]);
  t.equal(source.tables[1]?.rows[1]?.line, 14);
});

t.test('Markdown: bullets of every kind', async (t) => {
  const text = `# Vendors

- **Customer.io**: mails
- [Convert.com](https://c.example/). A/B tests.
- Stripe – payments
- Plain Name
- openstatus
  - Location: Germany
  - Purpose: monitoring
  - and a remark
`;
  const source = await read(text);
  t.equal(source.format, 'markdown');
  t.strictSame(shortTables(source)[0]?.columns, ['name', 'purposes', 'Location']);
  t.strictSame(onlyRows(source), [
    ['Customer.io', 'mails', ''],
    ['Convert.com', 'A/B tests', ''],
    ['Stripe', 'payments', ''],
    ['Plain Name', '', ''],
    ['openstatus', 'monitoring\nand a remark', 'Germany'],
  ]);
});

t.test('Markdown: front matter with a title, or with the list itself', async (t) => {
  const titled = await read(
    '---\ntitle: Our vendors\nlayout: page\n---\n\n| Name | Purpose |\n|--|--|\n| A | b |\n',
    'a.md',
  );
  t.equal(titled.title, 'Our vendors');
  t.strictSame(titled.leftOver, [{ line: 3, text: 'layout: page' }]);
  const held = await read('---\ntitle: T\nvendors:\n  - name: A\n    purpose: b\n---\nText below.\n', 'a.md');
  t.strictSame(shortTables(held)[0]?.rows, [['A', 'b']]);
});

t.test('Markdown: code around the table is left over', async (t) => {
  const text = "import Layout from '../layout';\n\n<Layout>\n\n| Name | Purpose |\n|--|--|\n| A | b |\n\n</Layout>\n";
  const source = await read(text, 'a.mdx');
  t.strictSame(onlyRows(source), [['A', 'b']]);
  t.match(source.introduction ?? source.leftOver[0]?.text, /import Layout/);
});

t.test('HTML: a saved page with furniture, several tables, a caption, merged cells', async (t) => {
  const text = `<!DOCTYPE html>
<html><head><title>Sub-processors | Acme</title><meta charset="utf-8"><script>var a = "<table>";</script></head><body>
<nav><ul><li><a href="/">Home</a></li><li>Pricing</li></ul></nav>
<form><header><h1>Sub-processors</h1></header>
<p>We use these.</p>
<h2>Hosting</h2>
<p>In Europe:</p>
<table><caption>As of today</caption><thead><tr><th>Company</th><th colspan=2>Where</th></tr><tr><th></th><th>City</th><th>Country</th></tr></thead>
<tbody><tr><td rowspan=2><a href="/a"><b>A</b></a> Ltd.</td><td>Paris</td><td rowspan="2">FR</td></tr>
<tr><td>Lyon</td></tr>
<tr><td>B</td><td colspan=2>Bonn, DE</td></tr></tbody></table>
<h2>Support</h2>
<table><tr><td>Company</td><td>Purpose</td></tr><tr><th colspan=2>EU</th></tr><tr><td>C</td><td>c</td></tr>
<tr><td colspan=2>US</td></tr><tr><td>D</td><td>d</td></tr></table>
</form><footer>© Acme <a href="/imprint">Imprint</a></footer></body></html>`;
  const source = await read(text, 'page.html');
  t.equal(source.title, 'Sub-processors');
  t.equal(source.introduction, 'We use these.');
  t.strictSame(shortTables(source), [
    {
      headings: ['Hosting'],
      caption: 'In Europe:\nAs of today',
      columns: ['Company', 'Where City', 'Where Country'],
      rows: [
        ['A Ltd.', 'Paris', 'FR'],
        ['A Ltd.', 'Lyon', 'FR'],
        ['B', 'Bonn, DE'],
      ],
    },
    { headings: ['Support', 'EU'], caption: null, columns: ['Company', 'Purpose'], rows: [['C', 'c']] },
    { headings: ['Support', 'US'], caption: null, columns: ['Company', 'Purpose'], rows: [['D', 'd']] },
  ]);
  const [cell] = source.tables[0]?.rows[0]?.cells ?? [];
  t.equal(cell?.strong, 'A');
  t.strictSame(cell?.links, [{ label: 'A', url: '/a' }]);
  t.strictSame(
    source.leftOver.map((one) => one.text),
    ['Sub-processors | Acme', 'Home', 'Pricing', '© Acme Imprint'],
  );
});

t.test('HTML: links lead from where the page was', async (t) => {
  const table = '<table><tr><th>Name<th>Link<tr><td>A<td><a href="/dpa">terms</a></table>';
  for (const head of [
    '<!-- saved from url=(0026)https://a.example/x/ -->',
    '<base href="https://a.example/y">',
    '<link rel="canonical" href="https://a.example/z">',
  ]) {
    const source = await read(`<html><head>${head}</head><body>${table}`, 'a.html');
    t.strictSame(source.tables[0]?.rows[0]?.cells[1]?.links, [{ label: 'terms', url: 'https://a.example/dpa' }]);
  }
});

t.test('HTML: tables that only place things are no tables, a table within a cell is a part of it', async (t) => {
  const inner = '<table><tr><th>Name</th><th>Purpose</th></tr><tr><td>A</td><td>b</td></tr></table>';
  const placed = await read(`<table><tr><td><p>Words</p></td><td>${inner}</td></tr></table>`, 'a.html');
  t.strictSame(
    shortTables(placed).map(({ columns, rows }) => [columns, rows]),
    [[['Name', 'Purpose'], [['A', 'b']]]],
  );
  t.equal(placed.introduction, 'Words');
  const small = '<table><tr><td>Paris</td></tr><tr><td>Lyon</td></tr></table>';
  const within = await read(`<table><tr><th>Name<th>Where</tr><tr><td>A<td>${small}</table>`, 'a.html');
  t.strictSame(onlyRows(within), [['A', 'Paris\nLyon']]);
});

t.test('HTML: tables made of roles, lists, terms, headings in buttons, spreadsheets that are pages', async (t) => {
  const roles = `<div role="table"><div role="row"><span role="columnheader">Name</span><span role="columnheader">Purpose</span></div>
    <div role="row"><span role="cell">A</span><span role="cell">b</span></div></div>`;
  t.strictSame(onlyRows(await read(roles, 'a.html')), [['A', 'b']]);
  const list = await read(
    '<h2><button>EU</button></h2><ul><li><b>A</b> – b</li>stray<li>C<ul><li>Location: DE</li></ul></li></ul>',
    'a.html',
  );
  t.strictSame(list.title ?? list.tables[0]?.headings[0], 'EU');
  t.strictSame(onlyRows(list), [
    ['A', 'b', ''],
    ['stray', '', ''],
    ['C', '', 'DE'],
  ]);
  const stray = await read('<ul><li>A<nav><ul>b</ul></nav></li><nav><ul>c</ul></nav></ul>', 'a.html');
  t.match(wordsOf(stray), /A[\s\S]*b[\s\S]*c/, 'words that stand in no member are kept');
  const terms = await read(
    '<dl><dt>A</dt><dd>b</dd><dd>Location: FR</dd><div><dt>C</dt><dd>d</dd></div></dl>',
    'a.html',
  );
  t.strictSame(onlyRows(terms), [
    ['A', 'b', 'FR'],
    ['C', 'd', ''],
  ]);
  const excel =
    '<meta charset=utf-8><table><tr><td>Name</td><td>Purpose</td></tr><tr><td>A</td><td>b</td></tr></table>';
  t.equal((await read(excel, 'list.xls')).format, 'html');
});

t.test('HTML: menus are no introduction, and nothing of them is lost', async (t) => {
  const source = await read(
    '<nav>Menu</nav><h2>Vendors</h2><aside><h3>News</h3></aside><table><tr><th>Name<th>Use<tr><td>A<td>b</table>',
    'a.html',
  );
  t.equal(source.introduction, null);
  t.strictSame(
    source.leftOver.map(({ text }) => text),
    ['Menu', 'News'],
  );
});

t.test('JSON and YAML: entries wherever they stand, groups, nested values, keys as names', async (t) => {
  const grouped = {
    title: 'Vendors',
    updated: '2025-01-01',
    sections: [
      {
        name: 'Hosting',
        vendors: [
          { name: 'A', dataTypes: { staff: ['name', 'email'] }, dpa: { label: 'DPA', url: 'https://a.example' } },
        ],
      },
      { name: 'Mail', vendors: [{ name: 'B', type: ['x', 'y'], active: true }] },
    ],
  };
  const source = await read(JSON.stringify(grouped, null, 1), 'a.json');
  t.equal(source.title, 'Vendors');
  t.strictSame(shortTables(source), [
    {
      headings: ['sections', 'Hosting'],
      caption: null,
      columns: ['name', 'dataTypes', 'dpa'],
      rows: [['A', 'staff: name, email', 'DPA']],
    },
    {
      headings: ['sections', 'Mail'],
      caption: null,
      columns: ['name', 'type', 'active'],
      rows: [['B', 'x\ny', 'true']],
    },
  ]);
  t.strictSame(source.tables[0]?.rows[0]?.cells[2]?.links, [{ label: 'DPA', url: 'https://a.example' }]);
  t.strictSame(
    source.leftOver.map(({ text }) => text),
    ['updated: 2025-01-01'],
  );
  const keyed = await read(
    'vendors:\n  stripe:\n    purpose: payments\n  aws:\n    purpose: hosting # of all\n',
    'a.yaml',
  );
  t.strictSame(onlyRows(keyed), [
    ['stripe', 'payments'],
    ['aws', 'hosting'],
  ]);
  t.strictSame(keyed.leftOver, [{ line: 5, text: 'of all' }]);
  t.strictSame(onlyRows(await read('["A","B"]')), [['A'], ['B']]);
  t.equal((await read('- name: A\n  purpose: b\n')).format, 'yaml', 'pasted without a name');
});

t.test('JSON and YAML: a page within a value', async (t) => {
  const text =
    'title: T\nbody: |\n  <p>Words</p>\n  <table><tr><th>Name</th><th>Use</th></tr><tr><td>A</td><td>b</td></tr></table>\n';
  const source = await read(text, 'a.yml');
  t.strictSame(onlyRows(source), [['A', 'b']]);
  t.ok(source.leftOver.some(({ text }) => text === 'Words'));
});

t.test('our own list documents come as such, in both formats and within what the service gives out', async (t) => {
  const list = { title: 'Ours', dataSubjects: [], subProcessors: [{ name: 'A', purposes: ['b'] }] };
  for (const [text, name] of [
    [JSON.stringify(list), 'a.json'],
    [JSON.stringify({ version: 3, document: list }), ''],
    ['title: Ours\ndataSubjects: []\nsubProcessors:\n  - name: A\n    purposes: [b]\n', 'a.yaml'],
  ] as const) {
    const source = await read(text, name);
    t.strictSame(source.list, list);
    t.strictSame(source.tables, []);
  }
  t.equal(await refusalOf(JSON.stringify({ ...list, subProcessors: [{ purposes: 3 }] }), 'a.json'), 'document.invalid');
});

t.test('a file that is something else is refused with what to do', async (t) => {
  const reasons = {
    empty: ' \n\t ',
    'no-rows': 'Nothing but words here.',
    pdf: '%PDF-1.7 …',
    'broken-data': '{"a": [1, 2',
    'web-archive': 'From: <Saved by Blink>\nMIME-Version: 1.0\nContent-Type: multipart/related; boundary="x"\n\n<html>',
    binary: '\u0001\u0002\u0003\u0004'.repeat(50),
  };
  for (const [reason, text] of Object.entries(reasons)) {
    t.equal(await refusalOf(text, reason === 'broken-data' ? 'a.json' : 'a.bin'), reason);
  }
  t.equal(await refusalOf(Buffer.from('d0cf11e0a1b11ae1', 'hex'), 'a.xls'), 'old-excel');
});
