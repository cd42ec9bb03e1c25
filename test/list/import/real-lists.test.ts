import t from 'tap';
import { onlyRows, published, read, shortTables } from './support.js';

/*
 * Lists as companies published them: how many tables, columns and rows each file has, and what stood where.
 */

/** File, format, title, and for each table its innermost heading, its columns and how many rows it has. */
const expected: readonly (readonly [string, string, string | null, ...(readonly [string | null, number, number])[]])[] =
  [
    ['ambassify/v1.txt', 'text', 'Sub-processors list', [null, 6, 12]],
    ['ambassify/v2.txt', 'text', 'Sub-processors list', [null, 5, 7], ['Advocates', 5, 23], ['Managers', 5, 13]],
    ['ambassify/v3.txt', 'text', 'Sub-processors list', ['Storage', 5, 2], ['Application Processing', 5, 2]],
    ['ambassify/v3.html', 'html', 'Sub-processors list', ['Storage', 5, 2], ['Application Processing', 5, 2]],
    ['basecamp/v1.md', 'markdown', 'Basecamp subprocessors', [null, 2, 11]],
    ['basecamp/v2.md', 'markdown', 'Basecamp subprocessors', [null, 2, 9]],
    ['basecamp/v3.md', 'markdown', 'Basecamp subprocessors', [null, 2, 9]],
    ['basecamp/v4.md', 'markdown', 'Basecamp subprocessors', [null, 2, 9]],
    ['basecamp/v5.md', 'markdown', 'Basecamp subprocessors', [null, 2, 10]],
    ['basecamp/v6.md', 'markdown', 'Basecamp subprocessors', [null, 2, 10]],
    ['basecamp/v7.md', 'markdown', 'Basecamp subprocessors', [null, 2, 12]],
    ['basecamp/v8.md', 'markdown', 'Basecamp subprocessors', [null, 2, 10], [null, 2, 1]],
    ['embrace/v1.md', 'markdown', 'Subprocessors', ['United States', 3, 2], ['European Union', 3, 3]],
    ['gruntwork/v1.yml', 'yaml', null, [null, 4, 9]],
    ['gruntwork/v2.yml', 'yaml', null, [null, 4, 10]],
    ['gruntwork/v3.yml', 'yaml', null, [null, 4, 11]],
    ['gruntwork/v4.yml', 'yaml', null, [null, 4, 10]],
    ['paymenthood/v1.yml', 'yaml', null, [null, 8, 7]],
    [
      'range/v1.md',
      'markdown',
      'Sub Processors',
      ['Infrastructure Subprocessors', 3, 2],
      ['Other Subprocessors', 3, 4],
    ],
    [
      'range/v2.md',
      'markdown',
      'Sub Processors',
      ['Infrastructure Subprocessors', 3, 2],
      ['Other Subprocessors', 3, 5],
    ],
    [
      'range/v3.md',
      'markdown',
      'Sub Processors',
      ['Infrastructure Subprocessors', 3, 2],
      ['Other Subprocessors', 3, 9],
    ],
    [
      'range/v4.md',
      'markdown',
      'Sub Processors',
      ['Infrastructure Subprocessors', 3, 2],
      ['Other Subprocessors', 3, 12],
    ],
    [
      'range/v5.md',
      'markdown',
      'Sub Processors',
      ['Infrastructure Subprocessors', 3, 2],
      ['Other Subprocessors', 3, 12],
    ],
    [
      'range/v6.md',
      'markdown',
      'Sub Processors',
      ['Infrastructure Subprocessors', 3, 2],
      ['Other Subprocessors', 3, 12],
    ],
    [
      'range/v7.md',
      'markdown',
      'Sub Processors',
      ['Infrastructure Subprocessors', 3, 2],
      ['Other Subprocessors', 3, 12],
    ],
    [
      'range/v8.md',
      'markdown',
      'Sub Processors',
      ['Infrastructure Subprocessors', 3, 2],
      ['Other Subprocessors', 3, 10],
    ],
    ['sage-bionetworks/v1.md', 'markdown', 'Sage Bionetworks Subprocessors', ['Subprocessors', 4, 8]],
    ['sage-bionetworks/v2.md', 'markdown', 'Sage Bionetworks Subprocessors', ['Subprocessors', 4, 8]],
    ['sage-bionetworks/v3.md', 'markdown', 'Sage Bionetworks Subprocessors', ['Subprocessors', 4, 10]],
    ['sage-bionetworks/v4.md', 'markdown', 'Sage Bionetworks Subprocessors', ['Subprocessors', 4, 10]],
    ['sage-bionetworks/v5.md', 'markdown', 'Sage Bionetworks Subprocessors', ['Subprocessors', 4, 13]],
    ['sage-bionetworks/v6.md', 'markdown', 'Sage Bionetworks Subprocessors', ['Subprocessors', 4, 13]],
    ['silktide/v1.md', 'markdown', 'Sub-processor List', [null, 8, 2]],
    [
      'stakater/v1.md',
      'markdown',
      'Stakater Subprocessor List',
      ['Third Party Subprocessors', 4, 1],
      ['Stakater Subprocessors', 4, 3],
    ],
    [
      'stakater/v2.md',
      'markdown',
      'Stakater Subprocessor List',
      ['Third Party Subprocessors', 4, 2],
      ['Stakater Subprocessors', 4, 3],
    ],
  ];

t.test('every published list is read, by its name or without it', async (t) => {
  for (const [name, format, title, ...tables] of expected) {
    for (const fileName of [name, '']) {
      const source = await read(published(name), fileName);
      const found = source.tables.map(({ headings, columns, rows }) => [
        headings.at(-1) ?? null,
        columns.length,
        rows.length,
      ]);
      t.strictSame([source.format, source.title, ...found], [format, title, ...tables], `${name} as "${fileName}"`);
      const uneven = source.tables.flatMap(({ columns, rows }) =>
        rows.filter(({ cells }) => cells.length > columns.length),
      );
      t.strictSame(uneven, [], `${name}: no row has more cells than there are columns`);
    }
  }
});

t.test('the founding page: rows that broke off, a bar within a cell, rows that lost their name', async (t) => {
  const page = Buffer.from(published('ambassify/v2.txt')).toString();
  const [top = '', ...rest] = page.split('\n');
  const introduction = ['Each of them has an agreement with us.', 'You can subscribe to the list.'];
  const source = await read([top, ...introduction, ...rest].join('\n').trimEnd(), 'page.txt');
  const [vendors, advocates, managers] = shortTables(source);
  t.match(
    source.introduction,
    /^Each of them has an agreement with us\.\n\nYou can subscribe to the list\.\n\nOptional \*/,
  );
  t.strictSame(vendors?.columns, ['Company', 'Purpose', 'Data Location', 'Security Measures (TOM)', 'Data Categories']);
  t.strictSame(vendors?.rows[1], [
    'CloudFlare, Inc. 101 Townsend St San Francisco, CA 94107',
    '',
    '',
    '',
    'AdvocatesIP addressManagersIP address',
  ]);
  t.strictSame(vendors?.rows[6]?.[0], 'Twilio Inc. Optional 375 Beale Street, Suite 300 San Francisco, CA 94105');
  t.match(advocates?.caption, /^Actual end-users .*\nOptional \* Data .*\nRequired Data /);
  const social = advocates?.rows.find(([name]) => name === 'social unique id *');
  t.strictSame(social?.slice(2), ['Subject Consent', 'API', '2 years']);
  t.match(social?.[1], /Example: linkedin\|5-l9LKSrox$/);
  t.strictSame(advocates?.rows[8], [
    'Contact Copies of the emails that managers send through Ambassify to this advocate.',
    'Contractual Necessity',
    'API',
    '2 years',
  ]);
  t.strictSame(managers?.rows.find(([name]) => name === 'opt-in')?.[4], '2 years');
  t.strictSame(
    source.leftOver.map(({ text }) => text),
    ['Categories of Personal Data Processed', 'The Ambassify service processes the following personal data:'],
  );
  t.equal(source.tables[1]?.rows[0]?.line, 44, 'lines are those of the file');
});

t.test('a page that lost its table: a catalogue that is cut off is left over, word by word', async (t) => {
  const source = await read(published('ambassify/v1.txt'), 'v1.txt');
  t.strictSame(source.leftOver, [
    { line: 16, text: 'Categories of Personal Data Processed' },
    { line: 17, text: 'Ref. | Type | Direct Perso' },
  ]);
});

t.test('a summary line behind a heading is its caption, the count no part of the heading', async (t) => {
  const [storage] = shortTables(await read(published('ambassify/v3.txt'), 'v3.txt'));
  t.strictSame(storage?.headings, ['Storage']);
  t.match(
    storage?.caption,
    /^Amazon\.com, Inc\. S3,SQS,.*35 data fields Redis Labs, Inc\. RedisLabs Ireland 10 data fields$/,
  );
});

t.test('lists and bold names within cells are kept', async (t) => {
  const source = await read(published('ambassify/v3.html'), 'v3.html');
  const [company, products, places] = source.tables[0]?.rows[0]?.cells ?? [];
  t.equal(company?.strong, 'Amazon.com, Inc.');
  t.strictSame(company?.items, ['Amazon.com, Inc.', '410 Terry Avenue North, Seattle, WA 98109, USA']);
  t.equal(products?.items.length, 10);
  t.strictSame(places?.items, ['Germany (Frankfurt)', 'Ireland (Dublin)', 'Europe', 'North America']);
});

t.test('bullets: the link is the name, though it holds a dot; the sentence above is the caption', async (t) => {
  const source = await read(published('basecamp/v8.md'), 'index.md');
  const [first, second] = source.tables;
  t.strictSame(
    first?.rows[3]?.cells.map(({ text }) => text),
    ['Convert.com', 'A/B testing software'],
  );
  t.strictSame(first?.rows[3]?.cells[0]?.links, [{ label: 'Convert.com', url: 'https://www.convert.com/privacy/' }]);
  t.equal(second?.caption, 'These subprocessors are located in the EU:');
  t.strictSame(source.leftOver, [{ line: 7, text: 'Last updated: June 8, 2023' }]);
});

t.test('an empty heading row is passed over; underlined links are links', async (t) => {
  const source = await read(published('sage-bionetworks/v6.md'), 'subprocessors.md');
  t.strictSame(source.tables[0]?.columns, ['Sub-Processor', 'Location', 'Description/Purpose', 'Link']);
  t.strictSame(source.tables[0]?.rows[0]?.cells[3]?.links, [
    { label: 'https://aws.amazon.com/', url: 'https://aws.amazon.com/' },
  ]);
  t.strictSame(onlyRows(source).at(-1), ['CloudMailin', 'UK', 'Email', 'https://www.cloudmailin.com/']);
});

t.test('settings and remarks beside the entries of a data file are left over', async (t) => {
  const source = await read(published('paymenthood/v1.yml'), 'subprocessors.yml');
  t.strictSame(
    source.leftOver.map(({ text }) => text),
    [
      'updated: 2026-08-05',
      'notice_days: 30',
      'role: "processor"   - acts on our instructions (Art. 28)',
      '"independent" - independent controller; listed for transparency',
    ],
  );
  t.equal(source.tables[0]?.rows[6]?.cells[5]?.text, 'Varies by provider');
});
