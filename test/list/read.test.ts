import { readFileSync } from 'node:fs';
import t from 'tap';
import { type Fault, Refusal } from '../../src/errors.js';
import { limits } from '../../src/list/document.js';
import { readList, readListValue } from '../../src/list/read.js';
import { writeYaml } from '../../src/list/write.js';

/** The faults for which a text is refused; none when it is read. */
function faultsIn(text: string, format: 'json' | 'yaml' = 'yaml'): readonly Fault[] {
  try {
    readList(text, format);
    return [];
  } catch (error) {
    if (error instanceof Refusal && error.code === 'document.invalid') return error.errors;
    throw error;
  }
}

const entry = (lines: string) => `title: List\ndataSubjects: []\nsubProcessors:\n  - name: Twilio Inc.\n    ${lines}\n`;

t.test('every key of the contract is read, from YAML and from JSON alike', async (t) => {
  const json = `{
    "title": "Sub-processors", "introduction": "**Who** helps us", "dpaUrl": "https://example.com/dpa",
    "services": [{ "id": "community", "name": "Community" }],
    "statements": [{ "id": "residency", "text": "All data stays in the EU." }],
    "dataSubjects": [{
      "id": "advocates", "name": "Advocates", "description": "People",
      "dataCategories": [
        { "id": "telephone-number", "name": "telephone number", "optional": false, "specialCategory": false,
          "purpose": "Contact", "description": "…", "example": "+44", "legalBasis": "Consent",
          "source": "Form", "retention": "3 years" }] }],
    "subProcessors": [
      { "id": "amazon-web-services", "name": "Amazon Web Services" },
      { "id": "twilio", "name": "Twilio Inc.", "address": "375 Beale Street", "country": "US",
        "contact": "privacy@vendor.example", "website": "https://vendor.example/", "dpaUrl": "http://vendor.example/dpa",
        "optional": true, "legalName": "Twilio Incorporated", "product": "SMS", "relationship": "third-party",
        "group": "Infrastructure", "condition": "Only if SMS is switched on", "regions": ["EU"],
        "corporateCountry": "US", "duration": "30 days", "notes": "…",
        "links": [{ "label": "Security", "url": "https://vendor.example/security" }],
        "parent": "amazon-web-services", "accessLocations": ["IN"], "purposes": ["Text messages"],
        "dataLocations": ["Germany"], "securityMeasures": ["Encryption"],
        "transferMechanisms": ["SCC 2021/914 module 3"], "services": ["community"],
        "dataCategories": { "advocates": ["telephone-number"] } }]
  }`;
  const fromJson = readList(json, 'json');
  t.same(fromJson, JSON.parse(json), 'nothing is lost and nothing is added');
  t.same(readList(json, 'yaml'), fromJson, 'JSON is YAML');
  t.same(readList(writeYaml(fromJson), 'yaml'), fromJson);
  t.same(readList(`\ufeff${json}`, 'json'), fromJson, 'a byte order mark is no fault');
  t.same(readList(`\ufeff${writeYaml(fromJson)}`, 'yaml'), fromJson);
  t.same(readListValue(JSON.parse(json)), fromJson);
});

t.test('only title, dataSubjects, subProcessors and names are required; absent is not none', async (t) => {
  const list = readList(
    'title: List\ndataSubjects: []\nsubProcessors: [{ name: Acme, purposes: [] }, { name: Bolt }]',
    'yaml',
  );
  t.same(list.subProcessors, [
    { id: 'acme', name: 'Acme', purposes: [] },
    { id: 'bolt', name: 'Bolt' },
  ]);
  t.same(
    faultsIn('introduction: x').map(({ path, message }) => [path, message]),
    [
      ['title', 'title is missing: state it.'],
      ['dataSubjects', 'dataSubjects is missing: state it.'],
      ['subProcessors', 'subProcessors is missing: state it.'],
    ],
  );
  t.match(faultsIn('title: List\ndataSubjects: []\nsubProcessors: [{ country: US }]'), [
    { path: 'subProcessors.0.name', message: /is missing: state it/, line: 3 },
  ]);
});

t.test('a fault names its path, its line and the mend', async (t) => {
  const cases: [string, string, RegExp][] = [
    [
      'websit: https://a.example',
      'subProcessors.0.websit',
      /"websit" is no key of "Twilio Inc\.".*Did you mean "website"\?/,
    ],
    ['colour: red', 'subProcessors.0.colour', /"colour" is no key of "Twilio Inc\.": delete it or mend it\.$/],
    ['country: Germany', 'subProcessors.0.country', /two capital letters/],
    ['country: UK', 'subProcessors.0.country', /written "GB"/],
    ['country: ZZ', 'subProcessors.0.country', /no country code/],
    ['relationship: friend', 'subProcessors.0.relationship', /"third-party" or "affiliate"/],
    ['optional: "yes"', 'subProcessors.0.optional', /true or false/],
    ['purposes: Hosting', 'subProcessors.0.purposes', /must be a list, such as \["Hosting"\]/],
    ['duration: 30', 'subProcessors.0.duration', /must be text: put "30" in quotes/],
    ['notes:', 'subProcessors.0.notes', /is empty: state it, or leave the key out/],
    ['product: ""', 'subProcessors.0.product', /is empty/],
    ['product: "a\\nb"', 'subProcessors.0.product', /one line/],
    ['notes: "bell \\a"', 'subProcessors.0.notes', /control character/],
    ['notes: "half \\ud800"', 'subProcessors.0.notes', /broken character/],
    ['id: Twilio', 'subProcessors.0.id', /lower case letters, digits and single hyphens/],
    ['links: [{ label: A }]', 'subProcessors.0.links.0.url', /url of "Twilio Inc\." is missing/],
    ['services: [chat]', 'subProcessors.0.services.0', /defines no service "chat"/],
    ['parent: aws', 'subProcessors.0.parent', /has no entry "aws"/],
    ['dataCategories: { people: [] }', 'subProcessors.0.dataCategories.people', /no data subject kind "people"/],
    ['dataCategories: { People: [] }', 'subProcessors.0.dataCategories.People', /lower case letters/],
  ];
  for (const [line, path, message] of cases) {
    t.match(faultsIn(entry(line)), [{ path, message, line: 5 }], line);
  }
  t.match(faultsIn(entry('purposes:\n      - Hosting\n      - 7')), [{ path: 'subProcessors.0.purposes.1', line: 7 }]);
  t.match(
    faultsIn(
      '{\n"title": "List",\n"dataSubjects": [],\n"subProcessors": [\n{ "name": "A",\n"website": "ftp://a.example" }]}',
      'json',
    ),
    [{ path: 'subProcessors.0.website', line: 6, message: /begins with https:\/\/ or http:\/\/\.$/ }],
  );
});

t.test('addresses that a reader must not be sent to are refused, with their path', async (t) => {
  const wicked = [
    'javascript:alert(1)',
    'jaVasCript:x',
    ' java\tscript:x',
    'data:text/html,x',
    '//evil.example',
    'https://',
    'mailto:a@b.example',
  ];
  for (const url of wicked) {
    for (const [field, value] of [
      ['website', url],
      ['dpaUrl', url],
      ['links.0.url', [{ label: 'Security', url }]],
    ] as const) {
      const document = {
        title: 'List',
        dataSubjects: [],
        subProcessors: [{ name: 'A', [field.split('.')[0] ?? '']: value }],
      };
      t.match(faultsIn(JSON.stringify(document), 'json'), [{ path: `subProcessors.0.${field}` }], `${field} ${url}`);
    }
    t.match(faultsIn(JSON.stringify({ title: 'List', dpaUrl: url, dataSubjects: [], subProcessors: [] }), 'json'), [
      { path: 'dpaUrl' },
    ]);
  }
});

t.test('names that look like markup or template code are kept letter for letter', async (t) => {
  const names = [
    'Less <$100 & "Co"',
    '&lt;b&gt;Bold&lt;/b&gt;',
    '</mj-text></mj-column>',
    '{{unsubscribe}}',
    '<%= 1 %>',
    ']]>',
    'شركة <b>أمثلة</b>',
    '示例 & 子公司',
  ];
  const list = readListValue({ title: 'List', dataSubjects: [], subProcessors: names.map((name) => ({ name })) });
  t.same(
    list.subProcessors.map(({ name }) => name),
    names,
  );
  t.same(readList(writeYaml(list), 'yaml'), list);
  t.equal(new Set(list.subProcessors.map(({ id }) => id)).size, names.length);
});

t.test('keys that stand twice are refused, in both formats', async (t) => {
  t.match(faultsIn(entry('country: US\n    country: DE')), [
    { path: 'subProcessors.0.country', line: 6, message: /stands twice/ },
  ]);
  t.match(faultsIn('{"title": "A",\n"title": "B", "dataSubjects": [], "subProcessors": []}', 'json'), [
    { path: 'title', line: 2 },
  ]);
  t.match(faultsIn('{"title": "A", "dataSubjects": [{"name": "x", "n\\u0061me": "y"}], "subProcessors": []}', 'json'), [
    { path: 'dataSubjects.0.name' },
  ]);
});

t.test('a text that is no YAML or no JSON is refused with the line', async (t) => {
  t.match(faultsIn('title: List\n\tdataSubjects: []'), [{ line: 2, message: /use spaces/ }]);
  t.match(faultsIn(entry('notes: "never closed')), [{ message: /no YAML that can be read/ }]);
  t.match(faultsIn('title: List\n---\ntitle: Other'), [{ line: 2, message: /one list into a file/ }]);
  t.match(faultsIn(entry('notes: !!js/function x')), [{ line: 5, message: /tag/ }]);
  t.match(faultsIn(entry('notes: *nothing')), [{ message: /alias/ }]);
  t.match(faultsIn(''), [{ message: /is empty/ }]);
  t.match(faultsIn('# only a comment'), [{ message: /is empty/ }]);
  t.match(faultsIn('', 'json'), [{ message: /is empty/ }]);
  t.match(faultsIn('{"title": "A",\n', 'json'), [{ line: 2, message: /ends too early/ }]);
  t.match(faultsIn('{\n"title": tru\n}', 'json'), [{ line: 2, message: /no JSON/ }]);
  t.match(faultsIn('{\n"title": "a\tb"\n}', 'json'), [{ line: 2, message: /no JSON/ }]);
  t.match(faultsIn('{"subProcessors": [\n{},\n]}', 'json'), [{ line: 3, message: /no JSON/ }]);
  t.match(faultsIn('{"title": "A",\n\n"x" 1}', 'json'), [{ line: 3, message: /no JSON/ }]);
  t.match(faultsIn('- a', 'yaml'), [{ message: /The document must be a group of keys/ }]);
  t.match(faultsIn('null', 'json'), [{ message: /The document is empty/ }]);
});

t.test('texts made to exhaust the reader are refused, and soon', async (t) => {
  const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]'];
  for (const [at, letter] of [...'bcdefghi'].entries()) {
    bomb.push(`${letter}: &${letter} [${Array(9).fill(`*${'abcdefghi'[at]}`).join(', ')}]`);
  }
  const texts: [string, 'json' | 'yaml'][] = [
    [bomb.join('\n'), 'yaml'],
    ['- '.repeat(1_000_000), 'yaml'],
    ['? '.repeat(1_000_000), 'yaml'],
    [`a:\n${'- '.repeat(900_000)}x`, 'yaml'],
    ['['.repeat(2_000_000), 'yaml'],
    ['{a: '.repeat(400_000), 'yaml'],
    ['['.repeat(2_000_000), 'json'],
    ['{"a":'.repeat(400_000), 'json'],
    [`${'['.repeat(100_000)}${']'.repeat(100_000)}`, 'json'],
    [Array.from({ length: 1_800 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n'), 'yaml'],
    [Array.from({ length: 60_000 }, (_, key) => `k${key}: v`).join('\n'), 'yaml'],
  ];
  for (const [text, format] of texts) {
    const began = performance.now();
    t.ok(faultsIn(text, format).length > 0, text.slice(0, 20));
    t.ok(performance.now() - began < 5_000, 'within seconds');
  }
  t.same(readList('title: &n Acme\ndataSubjects: []\nsubProcessors: [{ name: *n }]', 'yaml').subProcessors, [
    { id: 'acme', name: 'Acme' },
  ]);
});

t.test('limits are kept and named', async (t) => {
  const list = (subProcessors: number) => ({
    title: 'List',
    dataSubjects: [],
    subProcessors: Array.from({ length: subProcessors }, (_, index) => ({ name: `V${index}` })),
  });
  t.equal(readListValue(list(limits.subProcessors)).subProcessors.length, 5_000);
  t.match(faultsIn(JSON.stringify(list(limits.subProcessors + 1)), 'json'), [
    { path: 'subProcessors', message: /more than 5000/ },
  ]);
  const kinds = (count: number, categories: number) => ({
    title: 'List',
    subProcessors: [],
    dataSubjects: Array.from({ length: count }, (_, index) => ({
      name: `K${index}`,
      dataCategories: Array.from({ length: categories }, (__, at) => ({ name: `C${at}` })),
    })),
  });
  t.equal(readListValue(kinds(100, 1)).dataSubjects.length, 100);
  t.match(faultsIn(JSON.stringify(kinds(101, 1)), 'json'), [{ path: 'dataSubjects' }]);
  t.equal(readListValue(kinds(1, 500)).dataSubjects[0]?.dataCategories?.length, 500);
  t.match(faultsIn(JSON.stringify(kinds(1, 501)), 'json'), [{ path: 'dataSubjects.0.dataCategories' }]);
  t.match(faultsIn(`title: ${'x'.repeat(limits.bytes)}`), [{ path: '', message: /2\.0 MiB; at most 2 MiB/ }]);
  const texts = Array.from({ length: 200 }, () => 'x'.repeat(19_000));
  t.throws(() => readListValue({ ...list(0), statements: texts.map((text) => ({ text })) }), {
    code: 'document.invalid',
  });
});

t.test('of many faults the first fifty are named, and all are counted', async (t) => {
  const subProcessors = Array.from({ length: 80 }, (_, index) => ({ name: `V${index}`, country: 'Nowhere' }));
  t.throws(() => readListValue({ title: 'List', dataSubjects: [], subProcessors }), {
    message: /80 faults\. The first 50 are named\./,
    errors: { length: 50 },
  });
  const strange = Object.fromEntries(Array.from({ length: 50_000 }, (_, at) => [`websit${at}`, 1]));
  const began = performance.now();
  t.throws(() => readListValue({ title: 'List', dataSubjects: [], subProcessors: [{ name: 'A', ...strange }] }), {
    message: /50000 faults/,
    errors: { length: 50 },
  });
  t.ok(performance.now() - began < 2_000);
});

t.test('the sample holds every fact of the founding list', async (t) => {
  const list = readList(readFileSync(new URL('../../samples/sub-processors.yaml', import.meta.url), 'utf8'), 'yaml');
  t.same(
    list.subProcessors.map(({ name, dataCategories }) => [
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
  t.same(
    list.subProcessors.filter(({ optional }) => optional).map(({ name }) => name),
    ['Twilio Inc.'],
  );
  const catalogue = list.dataSubjects.map(({ dataCategories = [] }) => dataCategories);
  t.same(
    catalogue.map((rows) => rows.length),
    [23, 13],
  );
  t.same(
    catalogue.map((rows) => rows.filter(({ optional }) => optional).length),
    [13, 3],
  );
  for (const row of catalogue.flat()) {
    t.ok(row.purpose && row.legalBasis && row.source && row.retention, row.name);
    t.equal(row.optional === undefined, row.name === 'email', 'the mark of the nameless rows is not known');
  }
  const count = (field: 'purpose' | 'legalBasis' | 'source' | 'retention') => {
    const counts: Record<string, number> = {};
    for (const row of catalogue.flat()) counts[row[field] ?? ''] = (counts[row[field] ?? ''] ?? 0) + 1;
    return counts;
  };
  t.same(count('purpose'), { Identification: 16, Segmentation: 8, Contact: 7, Measurement: 3, Compliance: 2 });
  t.same(count('legalBasis'), {
    'Contractual Necessity': 18,
    'Legitimate Interest': 10,
    'Subject Consent': 6,
    'Legal Obligation': 2,
  });
  t.same(count('source'), { 'User-completed form': 23, API: 11, 'Social Network': 2 });
  t.same(count('retention'), { '2 years': 22, '1 year': 4, '5 years': 4, '3 years': 2, '120 days': 4 });
});
