import t from 'tap';
import { type Change, diffSchema, type FieldChange, reasonSchema } from '../../src/list/change.js';
import { diffLists } from '../../src/list/diff.js';
import type { ListDocument, ListInput } from '../../src/list/document.js';
import { identify } from '../../src/list/identity.js';
import { changesInScope, touchedServices } from '../../src/list/scope.js';
import { severityOf } from '../../src/list/severity.js';

type Entry = ListInput['subProcessors'][number];
type Category = NonNullable<ListInput['dataSubjects'][number]['dataCategories']>[number];

const catalogue: ListInput['dataSubjects'] = [
  { name: 'Advocates', dataCategories: [{ name: 'email' }, { name: 'name' }, { name: 'phone' }] },
  { name: 'Managers', dataCategories: [{ name: 'email' }] },
];
const services = [{ name: 'Community' }, { name: 'Analytics' }];

const aList = (subProcessors: Entry[], more: Partial<ListInput> = {}): ListDocument =>
  identify({ title: 'List', dataSubjects: catalogue, services, ...more, subProcessors });
const changesOf = (before: ListDocument | null, after: ListDocument) => diffLists(before, after).changes;
/** The fields told of one entry that changed from one state to another. A second entry keeps it from being a column. */
function fieldsOf(before: Omit<Entry, 'name'>, after: Omit<Entry, 'name'>): FieldChange[] {
  const other: Entry = { id: 'other', name: 'Other' };
  const changes = changesOf(
    aList([{ id: 'acme', name: 'Acme', ...before }, other]),
    aList([{ id: 'acme', name: 'Acme', ...after }, other]),
  );
  return changes.flatMap((change) => ('fields' in change ? change.fields : []));
}
function categoryFieldsOf(before: Omit<Category, 'name'> & { name?: string }, after: typeof before): FieldChange[] {
  const withOne = (category: typeof before) =>
    aList([], {
      dataSubjects: [{ name: 'Advocates', dataCategories: [{ id: 'x', name: 'x', ...category }, { name: 'y' }] }],
    });
  return changesOf(withOne(before), withOne(after)).flatMap((change) => ('fields' in change ? change.fields : []));
}
const told = (changes: readonly Change[]) =>
  changes.map(({ kind, id, severity, reasons }) => [kind, id, severity, ...reasons]);

t.test('each kind of change is told, with what it concerns and why it weighs what it weighs', async (t) => {
  const before = aList(
    [
      { name: 'Acme', purposes: ['Hosting'] },
      { name: 'Bolt', country: 'US' },
      { name: 'Copper', purposes: ['CRM'] },
    ],
    {
      dataSubjects: [
        {
          name: 'Advocates',
          description: 'Users',
          dataCategories: [{ name: 'email', retention: '2 years' }, { name: 'fax' }],
        },
        { name: 'Guests' },
      ],
    },
  );
  const after = aList(
    [
      { name: 'Acme', purposes: ['Hosting', 'Backups'] },
      { name: 'Bolt', country: 'US' },
      { name: 'Zen', purposes: ['CRM'] },
    ],
    {
      title: 'Our list',
      dataSubjects: [
        {
          name: 'Advocates',
          description: 'All users',
          dataCategories: [
            { name: 'email', retention: '1 year' },
            { name: 'iris scan', specialCategory: true },
          ],
        },
        { name: 'Managers', dataCategories: [{ name: 'email' }] },
      ],
    },
  );
  const diff = diffLists(before, after);
  t.same(told(diff.changes), [
    ['sub-processor-added', 'zen', 'material', 'new-sub-processor'],
    ['sub-processor-removed', 'copper', 'reducing', 'sub-processor-removed'],
    ['sub-processor-changed', 'acme', 'material', 'new-purpose'],
    ['data-subject-added', 'managers', 'material', 'new-data-subject-kind'],
    ['data-subject-removed', 'guests', 'reducing', 'data-subject-kind-removed'],
    ['data-subject-changed', 'advocates', 'editorial', 'wording'],
    ['data-category-added', 'iris-scan', 'material', 'new-catalogue-entry', 'special-category'],
    ['data-category-removed', 'fax', 'reducing', 'catalogue-entry-removed'],
    ['data-category-changed', 'email', 'reducing', 'retention-shortened'],
    ['list-changed', 'list', 'editorial', 'wording'],
  ]);
  t.same(diff.suggestions, [], 'the same purpose makes no rename');
  t.ok(diff.changes.every(({ notifiable }) => notifiable));
  t.same(
    diffSchema.parse({ from: 1, to: 2, ...diff }),
    { from: 1, to: 2, ...diff },
    'it is the diff JSON of the schema',
  );
  t.match(
    diff.changes.filter((change) => 'dataSubject' in change),
    [{ dataSubject: 'advocates' }, { dataSubject: 'advocates' }, { dataSubject: 'advocates' }],
  );
  t.equal(severityOf(diff.changes), 'material');
  t.equal(severityOf([]), null);
});

t.test('a first list is all additions', async (t) => {
  const list = aList([{ name: 'Acme' }, { name: 'ACME Inc.', product: 'Mail' }]);
  t.same(told(changesOf(null, list)), [
    ['sub-processor-added', 'acme', 'material', 'new-sub-processor'],
    ['sub-processor-added', 'acme-inc', 'material', 'new-sub-processor'],
    ['data-subject-added', 'advocates', 'material', 'new-data-subject-kind'],
    ['data-subject-added', 'managers', 'material', 'new-data-subject-kind'],
  ]);
});

t.test('a change says what is new, what is gone, and both values in the original words', async (t) => {
  t.same(
    fieldsOf(
      { purposes: ['Hosting', 'E-mail'], dataCategories: { advocates: ['email', 'name'], managers: ['email'] } },
      { purposes: ['e–mail ', 'Backups', 'Hosting.'], dataCategories: { advocates: ['phone', 'email'] } },
    ),
    [
      {
        field: 'purposes',
        before: ['Hosting', 'E-mail'],
        after: ['e–mail ', 'Backups', 'Hosting.'],
        how: 'changed',
        added: ['Backups'],
        removed: [],
        severity: 'material',
        reasons: ['new-purpose'],
      },
      {
        field: 'dataCategories.advocates',
        before: ['email', 'name'],
        after: ['phone', 'email'],
        how: 'changed',
        added: ['phone'],
        removed: ['name'],
        severity: 'material',
        reasons: ['new-data-category', 'data-category-dropped'],
      },
      {
        field: 'dataCategories.managers',
        before: ['email'],
        after: [],
        how: 'changed',
        added: [],
        removed: ['email'],
        severity: 'reducing',
        reasons: ['data-category-dropped'],
      },
    ],
  );
  t.same(
    fieldsOf(
      { links: [{ label: 'A', url: 'https://a.example' }] },
      { links: [{ label: 'B', url: 'https://b.example' }] },
    ),
    [
      {
        field: 'links',
        before: [{ label: 'A', url: 'https://a.example' }],
        after: [{ label: 'B', url: 'https://b.example' }],
        how: 'changed',
        added: ['B: https://b.example'],
        removed: ['A: https://a.example'],
        severity: 'editorial',
        reasons: ['wording'],
      },
    ],
  );
});

t.test('not stated, none, and something are three things', async (t) => {
  const how = (before: Omit<Entry, 'name'>, after: Omit<Entry, 'name'>) =>
    fieldsOf(before, after).map(({ field, how, severity }) => `${field} ${how} ${severity}`);
  t.same(how({}, { purposes: [] }), ['purposes stated editorial']);
  t.same(how({ purposes: [] }, { purposes: ['Hosting'] }), ['purposes changed material']);
  t.same(how({ purposes: ['Hosting'] }, { purposes: [] }), ['purposes changed reducing']);
  t.same(how({ purposes: ['Hosting'] }, {}), ['purposes unstated editorial']);
  t.same(how({}, { country: 'US' }), ['country stated editorial']);
  t.same(how({}, { dataCategories: { advocates: ['email'] } }), ['dataCategories.advocates stated editorial']);
  t.same(
    how({ dataCategories: {} }, { dataCategories: { advocates: ['email'] } }),
    ['dataCategories.advocates changed material'],
    'none became some',
  );
  t.same(how({ dataCategories: { managers: [] } }, { dataCategories: { advocates: ['email'] } }), [
    'dataCategories.advocates changed material',
  ]);
  t.same(
    how({ dataCategories: {} }, { dataCategories: { advocates: [], managers: [] } }),
    [],
    'none is none, however it is written',
  );
  t.same(how({}, { dataCategories: {} }), ['dataCategories stated editorial']);
  t.same(how({ dataCategories: { advocates: ['email'], managers: ['email'] } }, {}), [
    'dataCategories.advocates unstated editorial',
    'dataCategories.managers unstated editorial',
  ]);
});

t.test('severity follows the rules', async (t) => {
  const acme: [Omit<Entry, 'name'> & { name?: string }, Omit<Entry, 'name'> & { name?: string }, string][] = [
    [{ name: 'OpenAI, Inc.' }, { name: 'OpenAI, LLC' }, 'editorial wording'],
    [{ name: 'RedisLabs' }, { name: 'Redis Labs, Inc.' }, 'editorial wording'],
    [{ name: 'Azure (Microsoft)' }, { name: 'Microsoft (Azure)' }, 'editorial wording'],
    [{ name: 'Google Workspaces' }, { name: 'Google Workspace' }, 'editorial wording'],
    [{ name: 'Cloudfare' }, { name: 'Cloudflare' }, 'editorial wording'],
    [{ name: 'Data Centre 1' }, { name: 'Data Centre 2' }, 'material company-changed'],
    [{ name: 'Heroku, Inc.' }, { name: 'Salesforce.com, Inc.' }, 'material company-changed'],
    [{ legalName: 'Acme Inc.' }, { legalName: 'Bolt Inc.' }, 'material company-changed'],
    [{ relationship: 'affiliate' }, { relationship: 'third-party' }, 'material company-changed'],
    [{ product: 'Mail' }, { product: 'Chat' }, 'material product-changed'],
    [{}, { parent: 'other' }, 'editorial now-stated'],
    [{ parent: 'other' }, {}, 'material chain-changed'],
    [{ purposes: ['A'] }, { purposes: ['B'] }, 'material purpose-changed'],
    [{ purposes: ['A', 'B'] }, { purposes: ['A'] }, 'reducing purpose-dropped'],
    [{ purposes: ['A', 'B'] }, { purposes: ['A', 'C', 'D'] }, 'material new-purpose purpose-dropped'],
    [{ services: ['community'] }, { services: ['community', 'analytics'] }, 'material service-added'],
    [{ services: ['community', 'analytics'] }, { services: ['community'] }, 'reducing service-dropped'],
    [{ optional: true }, { optional: false }, 'material optional-turned-required'],
    [{ optional: true }, {}, 'material optional-turned-required'],
    [{ optional: false }, { optional: true }, 'reducing required-turned-optional'],
    [{ optional: false }, {}, 'editorial no-longer-stated'],
    [{ condition: 'Only if SMS is on' }, {}, 'material condition-changed'],
    [{ condition: 'Only if SMS is on' }, { condition: 'Always' }, 'material condition-changed'],
    [{}, { condition: 'Only if SMS is on' }, 'editorial now-stated'],
    [{ country: 'US' }, { country: 'DE' }, 'material location-changed'],
    [{ corporateCountry: 'US' }, { corporateCountry: 'CN' }, 'material location-changed'],
    [{ dataLocations: ['EU'] }, { dataLocations: ['EU', 'US'] }, 'material new-location'],
    [{ dataLocations: ['EU', 'US'] }, { dataLocations: ['EU'] }, 'reducing location-dropped'],
    [{ dataLocations: ['US'] }, { dataLocations: ['EU'] }, 'material new-location location-dropped'],
    [{ dataLocations: ['USA', 'EU'] }, { dataLocations: ['European Union', 'United States'] }, 'editorial wording'],
    [{ dataLocations: ['Germany'] }, { dataLocations: ['Germany (Frankfurt)'] }, 'reducing location-dropped'],
    [
      { dataLocations: ['Germany (Frankfurt)'] },
      { dataLocations: ['Germany'] },
      'material new-location location-dropped',
    ],
    [{ dataLocations: ['Worldwide'] }, { dataLocations: ['Global'] }, 'material new-location location-dropped'],
    [{ accessLocations: [] }, { accessLocations: ['IN'] }, 'material new-location'],
    [{ transferMechanisms: ['SCC', 'DPF'] }, { transferMechanisms: ['SCC'] }, 'material transfer-mechanism-lost'],
    [{ transferMechanisms: ['SCC'] }, { transferMechanisms: ['DPF'] }, 'material transfer-mechanism-changed'],
    [{ transferMechanisms: ['SCC'] }, {}, 'material transfer-mechanism-lost'],
    [{ transferMechanisms: ['SCC'] }, { transferMechanisms: ['SCC', 'DPF'] }, 'editorial new-transfer-mechanism'],
    [{ transferMechanisms: [] }, {}, 'editorial no-longer-stated'],
    [{ securityMeasures: ['A', 'B'] }, { securityMeasures: ['A'] }, 'material security-measure-dropped'],
    [{ securityMeasures: ['A'] }, {}, 'material security-measure-dropped'],
    [{ securityMeasures: ['A'] }, { securityMeasures: ['A', 'B'] }, 'editorial security-measure-added'],
    [{ duration: '30 days' }, { duration: '90 days' }, 'material retention-lengthened'],
    [{ duration: '30 days' }, { duration: 'contract' }, 'material retention-changed'],
    [{ address: 'A Street 1' }, { address: 'B Street 2' }, 'editorial wording'],
    [{ website: 'https://a.example' }, { website: 'https://b.example' }, 'editorial wording'],
    [{ notes: 'a' }, { notes: 'b' }, 'editorial wording'],
    [{ contact: 'a@b.example' }, { contact: 'c@b.example' }, 'editorial wording'],
  ];
  for (const [before, after, expected] of acme) {
    t.same(
      fieldsOf(before, after).map(({ severity, reasons }) => [severity, ...reasons].join(' ')),
      [expected],
      JSON.stringify([before, after]),
    );
  }
  const category: [Parameters<typeof categoryFieldsOf>[0], Parameters<typeof categoryFieldsOf>[0], string][] = [
    [{ retention: '1 years' }, { retention: '2 years' }, 'material retention-lengthened'],
    [{ retention: '2 years' }, { retention: '24 months' }, 'editorial wording'],
    [{ retention: '780 days' }, { retention: '2 years' }, 'reducing retention-shortened'],
    [{ retention: '120 days' }, { retention: '18 weeks' }, 'material retention-lengthened'],
    [
      { retention: '30 days after the contract ends' },
      { retention: '60 days after the contract ends' },
      'material retention-lengthened',
    ],
    [
      { retention: '30 days after the contract ends' },
      { retention: '30 days after the last login' },
      'material retention-changed',
    ],
    [{ retention: '2 Jahre' }, { retention: 'ein Jahr' }, 'reducing retention-shortened'],
    [{ retention: '1,5 years' }, { retention: '18 months' }, 'editorial wording'],
    [{ retention: 'as long as needed' }, { retention: '2 years' }, 'material retention-changed'],
    [{ retention: '2 years or 10 days' }, { retention: '2 years or 20 days' }, 'material retention-changed'],
    [{ optional: true }, { optional: false }, 'material optional-turned-required'],
    [{ optional: false }, { optional: true }, 'reducing required-turned-optional'],
    [{ specialCategory: false }, { specialCategory: true }, 'material special-category'],
    [{}, { specialCategory: true }, 'material special-category'],
    [{}, { specialCategory: false }, 'editorial now-stated'],
    [{ legalBasis: 'Consent' }, { legalBasis: 'Legitimate Interest' }, 'material legal-basis-changed'],
    [{ source: 'Form' }, { source: 'API' }, 'material source-changed'],
    [{ purpose: 'Contact' }, { purpose: 'Advertising' }, 'material purpose-changed'],
    [{ description: 'a' }, { description: 'b' }, 'editorial wording'],
    [{ example: 'a' }, { example: 'b' }, 'editorial wording'],
    [{ name: 'e-mail address' }, { name: 'email addresses' }, 'editorial wording'],
    [{ name: 'phone' }, { name: 'phone and call recordings' }, 'material renamed'],
  ];
  for (const [before, after, expected] of category) {
    t.same(
      categoryFieldsOf(before, after).map(({ severity, reasons }) => [severity, ...reasons].join(' ')),
      [expected],
      JSON.stringify([before, after]),
    );
  }
  const strongest = changesOf(
    aList([{ name: 'Acme', notes: 'a', country: 'US', purposes: ['A', 'B'] }]),
    aList([{ name: 'Acme', notes: 'b', country: 'DE', purposes: ['A'] }]),
  );
  t.same(told(strongest), [
    ['sub-processor-changed', 'acme', 'material', 'location-changed', 'purpose-dropped', 'wording'],
  ]);
});

t.test('white space, Unicode form, case, quotes, dashes, headings, full stops and slashes are no change', async (t) => {
  const before = aList([
    {
      id: 'acme',
      name: 'École Acme Inc.',
      group: 'Infrastructure',
      website: 'https://acme.example/',
      notes: 'It’s “good” – really…',
      purposes: ['Hosting and backups', 'Analytics - data warehouse', 'C'],
    },
  ]);
  const after = aList([
    {
      id: 'acme',
      name: 'E\u0301cole\u00a0acme Inc',
      group: 'Third parties',
      website: 'HTTPS://ACME.example',
      notes: `It's  "good" - really...\n`,
      purposes: ['c', 'Analytics—data warehouse.', 'Hosting and  backups'],
    },
  ]);
  t.same(diffLists(before, after), { changes: [], suggestions: [] });
  t.same(fieldsOf({ group: 'A' }, {}), []);
  t.equal(
    fieldsOf({ website: 'https://a.example/x' }, { website: 'https://a.example/X' }).length,
    1,
    'a path is no typography',
  );
  t.equal(fieldsOf({ notes: 'm2' }, { notes: 'm²' }).length, 1, 'and neither is a square');
  t.equal(fieldsOf({ notes: 'a, b' }, { notes: 'a b' }).length, 1);
});

t.test('a vendor that is on the list already is known, under any of its entries', async (t) => {
  const before = aList([
    { name: 'Amazon Web Services, Inc.', product: 'S3' },
    { id: 'heroku', name: 'Heroku', legalName: 'Salesforce.com, Inc.' },
  ]);
  const after = aList([
    { name: 'Amazon Web Services, Inc.', product: 'S3' },
    { name: 'AMAZON WEB SERVICES', product: 'SES' },
    { name: 'Salesforce.com', product: 'CRM' },
    { name: 'Amazon Alexa' },
  ]);
  t.match(changesOf(before, after), [
    { id: 'amazon-alexa', knownVendor: false, reasons: ['new-sub-processor'] },
    { id: 'amazon-web-services', knownVendor: true, severity: 'material', reasons: ['new-entry-of-known-vendor'] },
    { id: 'salesforce-com', knownVendor: true },
    { kind: 'sub-processor-removed', id: 'heroku', knownVendor: true, reasons: ['entry-removed'] },
  ]);
});

t.test('a column that comes or goes for all entries is told once, and loses nothing', async (t) => {
  const entries = (facts: (at: number) => Omit<Entry, 'name'>): Entry[] =>
    ['Acme', 'Bolt', 'Zen'].map((name, at) => ({ name, ...facts(at) }));
  const bare = aList(entries(() => ({})));
  const full = aList(entries((at) => ({ transferMechanisms: ['SCC', `module ${at}`] })));
  const came = changesOf(bare, full);
  t.same(came, [
    {
      kind: 'list-changed',
      id: 'subProcessors.*.transferMechanisms',
      name: 'List',
      severity: 'editorial',
      reasons: ['now-stated'],
      notifiable: true,
      fields: [
        {
          field: 'subProcessors.*.transferMechanisms',
          after: { acme: ['SCC', 'module 0'], bolt: ['SCC', 'module 1'], zen: ['SCC', 'module 2'] },
          how: 'stated',
          severity: 'editorial',
          reasons: ['now-stated'],
        },
      ],
    },
  ]);
  t.match(changesOf(full, bare), [
    {
      id: 'subProcessors.*.transferMechanisms',
      severity: 'material',
      reasons: ['transfer-mechanism-lost'],
      fields: [{ how: 'unstated' }],
    },
  ]);
  const half = aList(entries((at) => (at < 2 ? { transferMechanisms: ['SCC'] } : {})));
  t.same(
    changesOf(bare, half).map(({ id }) => id),
    ['acme', 'bolt'],
    'not all: one change each',
  );
  t.same(
    changesOf(half, full).map(({ id }) => id),
    ['acme', 'bolt', 'zen'],
    'it was there for some before',
  );
  t.same(
    changesOf(aList([{ name: 'Acme' }]), aList([{ name: 'Acme', country: 'US' }])).map(({ id }) => id),
    ['acme'],
    'one entry makes no column',
  );
  const matrix = aList(entries(() => ({ dataCategories: { advocates: ['email'] } })));
  t.match(changesOf(bare, matrix), [
    { id: 'subProcessors.*.dataCategories', fields: [{ after: { acme: { advocates: ['email'] } } }] },
  ]);
  const withRetention = aList([], {
    dataSubjects: catalogue.map(({ dataCategories, ...kind }) => ({
      ...kind,
      description: 'd',
      dataCategories: dataCategories?.map((one) => ({ ...one, retention: '2 years' })),
    })),
  });
  t.match(changesOf(aList([]), withRetention), [
    {
      id: 'dataSubjects.*.dataCategories.*.retention',
      fields: [{ after: { advocates: { email: '2 years' }, managers: { email: '2 years' } } }],
    },
    { id: 'dataSubjects.*.description', fields: [{ after: { advocates: 'd', managers: 'd' } }] },
  ]);
});

t.test('a category that leaves the catalogue also leaves the vendors that had it', async (t) => {
  const shrunk: ListInput['dataSubjects'] = [{ name: 'Advocates', dataCategories: [{ name: 'email' }] }];
  const changes = changesOf(
    aList([{ name: 'Acme', dataCategories: { advocates: ['email', 'phone'], managers: ['email'] } }, { name: 'Bolt' }]),
    aList([{ name: 'Acme', dataCategories: { advocates: ['email'] } }, { name: 'Bolt' }], { dataSubjects: shrunk }),
  );
  t.match(changes, [
    {
      id: 'acme',
      severity: 'reducing',
      fields: [
        { field: 'dataCategories.advocates', removed: ['phone'] },
        { field: 'dataCategories.managers', removed: ['email'] },
      ],
    },
    { kind: 'data-subject-removed', id: 'managers' },
    { kind: 'data-category-removed', id: 'name' },
    { kind: 'data-category-removed', id: 'phone' },
  ]);
});

t.test('services and promises of the list are told by id', async (t) => {
  const before = aList([], {
    services: [
      { id: 'community', name: 'Community' },
      { id: 'chat', name: 'Chat' },
    ],
    statements: [
      { id: 'residency', text: 'All data stays in the EU.' },
      { id: 'ai', text: 'No AI.' },
    ],
    introduction: 'Hello',
  });
  const after = aList([], {
    services: [
      { id: 'community', name: 'Forum' },
      { id: 'surveys', name: 'Surveys' },
    ],
    statements: [
      { id: 'residency', text: 'Most data stays in the EU.' },
      { id: 'audit', text: 'Audited yearly.' },
    ],
    introduction: 'hello.',
  });
  const [change] = changesOf(before, after);
  t.match(change, {
    kind: 'list-changed',
    id: 'list',
    severity: 'material',
    reasons: ['statement-changed', 'service-dropped'],
  });
  t.same(
    change &&
      'fields' in change &&
      change.fields.map(({ field, how, before, after, severity }) => [field, how, before, after, severity]),
    [
      ['services.chat', 'unstated', 'Chat', undefined, 'reducing'],
      ['services.community', 'changed', 'Community', 'Forum', 'editorial'],
      ['services.surveys', 'stated', undefined, 'Surveys', 'editorial'],
      ['statements.ai', 'unstated', 'No AI.', undefined, 'material'],
      ['statements.audit', 'stated', undefined, 'Audited yearly.', 'editorial'],
      ['statements.residency', 'changed', 'All data stays in the EU.', 'Most data stays in the EU.', 'material'],
    ],
  );
});

t.test('names that are merely alike are suggestions; a replacement is none', async (t) => {
  const suggested = (was: Omit<Entry, 'id'>, is: Omit<Entry, 'id'>) =>
    diffLists(aList([was]), aList([{ id: 'new', ...is }])).suggestions;
  const alike: [Omit<Entry, 'id'>, Omit<Entry, 'id'>, string][] = [
    [{ name: 'RedisLabs' }, { name: 'Redis Labs, Inc.' }, 'similar-name'],
    [{ name: 'Azure (Microsoft)' }, { name: 'Microsoft (Azure)' }, 'same-words'],
    [{ name: 'Google Workspaces' }, { name: 'Google Workspace' }, 'same-words'],
    [{ name: 'NexMo' }, { name: 'Vonage (aka NexMo)' }, 'other-name-in-brackets'],
    [{ name: 'Tavily' }, { name: 'AlphaAI Technologies dba Tavily' }, 'other-name-in-brackets'],
    [{ name: 'Clubhouse' }, { name: 'Shortcut, f/k/a Clubhouse' }, 'other-name-in-brackets'],
    [{ name: 'SolarWinds LLC (Loggly)' }, { name: 'Loggly' }, 'other-name-in-brackets'],
    [{ name: 'Heroku, Inc.' }, { name: 'Salesforce.com, Inc.', product: 'Heroku' }, 'other-name-in-brackets'],
    [{ name: 'Copper CRM, Inc' }, { name: 'Copper' }, 'same-words'],
    [{ name: 'Cloudfare' }, { name: 'Cloudflare' }, 'similar-name'],
    [
      { name: 'Old Name', address: '375 Beale Street, Suite 300' },
      { name: 'Brand New', address: '375 Beale Street - Suite 300' },
      'same-address',
    ],
    [
      { name: 'Old Name', website: 'https://www.vendor.example' },
      { name: 'Brand New', website: 'http://vendor.example/' },
      'same-website',
    ],
  ];
  for (const [was, is, because] of alike) {
    const [suggestion] = suggested(was, is);
    t.match(suggestion, { added: 'new', removedName: was.name, addedName: is.name }, `${was.name} → ${is.name}`);
    t.ok(
      suggestion?.because.some((one) => one === because),
      because,
    );
    t.ok(suggestion && suggestion.likeness >= 0.5 && suggestion.likeness <= 1);
  }
  const unlike: [string, string, string][] = [
    ['Copper CRM, Inc', 'HubSpot, Inc.', 'Customer success & support'],
    ['Google reCAPTCHA', 'hCaptcha', 'Anti-bot protection'],
    ['Datadog', 'AppSignal', 'Infrastructure and application monitoring'],
    ['Heroku, Inc.', 'Salesforce.com, Inc.', 'Cloud platform'],
    ['Wirecard', 'Stripe', 'Payment'],
    ['Trello', 'Linear', 'Tickets'],
    ['Drift', 'Intercom', 'Chat'],
    ['Google Analytics', 'Google Workspace', 'Office'],
    ['Data Centre 1', 'Data Centre 2', 'Hosting'],
    ['Inc', 'LLC', 'x'],
  ];
  for (const [was, is, purpose] of unlike) {
    const facts = { purposes: [purpose], country: 'US', dataLocations: ['United States'] };
    t.same(suggested({ name: was, ...facts }, { name: is, ...facts }), [], `${was} → ${is}`);
  }
  const products = diffLists(
    aList([{ name: 'AWS', product: 'S3' }]),
    aList([{ id: 'ses', name: 'AWS', product: 'SES' }]),
  );
  t.same(products.suggestions, [], 'two products of one vendor are two entries');
  t.equal(products.changes.length, 2);
});

t.test('a subscriber of one service is told of what concerns it', async (t) => {
  const before = aList([
    { name: 'Acme', services: ['community'], country: 'US' },
    { name: 'Bolt', services: ['analytics'], country: 'US' },
    { name: 'Zen', country: 'US' },
    { name: 'Moved', services: ['analytics'], country: 'US' },
    { name: 'Gone', services: ['analytics'] },
  ]);
  const after = aList([
    { name: 'Acme', services: ['community'], country: 'DE' },
    { name: 'Bolt', services: ['analytics'], country: 'DE' },
    { name: 'Zen', country: 'DE' },
    { name: 'Moved', services: ['community'], country: 'US' },
  ]);
  const changes = changesOf(before, after);
  const ids = (services: string[] | null) => changesInScope(changes, services).map(({ id }) => id);
  t.same(ids(['community']), ['acme', 'moved', 'zen']);
  t.same(ids(['analytics']), ['gone', 'bolt', 'moved', 'zen']);
  t.same(ids([]), ['zen']);
  t.same(ids(null), ['gone', 'acme', 'bolt', 'moved', 'zen']);
  t.equal(touchedServices(changes), null, 'Zen concerns everybody');
  t.same(touchedServices(changes.filter(({ id }) => id === 'acme')), ['community']);
  t.same(touchedServices(changes.filter(({ id }) => id === 'moved')), ['analytics', 'community']);
  t.same(touchedServices([]), []);
});

t.test('five thousand sub-processors on both sides are compared in a moment', async (t) => {
  const many = (country: string) =>
    aList(
      Array.from({ length: 5_000 }, (_, at) => ({
        name: `Vendor ${at} Inc.`,
        country,
        purposes: [`Purpose “${at % 90}”`, 'Hosting'],
        dataCategories: { advocates: ['email', 'name'] },
      })),
    );
  const [before, after] = [many('US'), many('DE')];
  const others = aList(
    Array.from({ length: 5_000 }, (_, at) => ({ name: `Supplier ${at} Ltd`, purposes: ['Hosting'] })),
  );
  for (const [list, count] of [
    [after, 5_000],
    [before, 0],
    [others, 10_000],
  ] as const) {
    const began = performance.now();
    t.equal(diffLists(before, list).changes.length, count);
    // About 0.15 s alone; the bound leaves room for a busy machine.
    t.ok(performance.now() - began < 3_000);
  }
});

t.test('every reason has a name that a program can rely on', async (t) => {
  t.ok(reasonSchema.options.every((reason) => /^[a-z]+(?:-[a-z]+)*$/.test(reason)));
});
