import t from 'tap';
import { Refusal } from '../../src/errors.js';
import { diffLists } from '../../src/list/diff.js';
import type { ListDocument, ListInput } from '../../src/list/document.js';
import { identify } from '../../src/list/identity.js';
import { vendorKey } from '../../src/list/vendors.js';

type Entry = ListInput['subProcessors'][number];

const aList = (subProcessors: Entry[], more: Partial<ListInput> = {}): ListInput => ({
  title: 'List',
  dataSubjects: [],
  ...more,
  subProcessors,
});
const ids = (list: ListDocument) => list.subProcessors.map(({ id }) => id);

function faultsIn(input: ListInput) {
  try {
    identify(input);
    return [];
  } catch (error) {
    if (error instanceof Refusal) return error.errors;
    throw error;
  }
}

t.test('an id is made from the name: lower case, ASCII, hyphens, unique', async (t) => {
  const names: [string, string][] = [
    ['Amazon Web Services', 'amazon-web-services'],
    ['Twilio Inc.', 'twilio-inc'],
    ['Twilio, Inc', 'twilio-inc-2'],
    ['Twilio – Inc', 'twilio-inc-3'],
    ['Société Générale', 'societe-generale'],
    ['Müller & Søn ApS', 'muller-son-aps'],
    ["McDonald's", 'mcdonalds'],
    ['示例', 'entry'],
    ['!!!', 'entry-2'],
    ['A'.repeat(300), 'a'.repeat(80)],
  ];
  t.same(
    ids(identify(aList(names.map(([name]) => ({ name }))))),
    names.map(([, id]) => id),
  );
  t.same(ids(identify(aList([{ name: 'Acme' }, { name: 'Other', id: 'acme' }, { name: 'Acme' }]))), [
    'acme-2',
    'acme',
    'acme-3',
  ]);
  const catalogue = identify(
    aList([], {
      dataSubjects: [
        { name: 'Advocates', dataCategories: [{ name: 'IP address' }, { name: 'e-mail' }, { name: 'E-Mail' }] },
        { name: 'Managers', dataCategories: [{ name: 'IP address' }] },
      ],
      services: [{ name: 'Community' }],
      statements: [{ text: 'All data stays in the European Union, always.' }],
    }),
  );
  t.same(
    catalogue.dataSubjects.map(({ id, dataCategories }) => [id, dataCategories?.map((one) => one.id)]),
    [
      ['advocates', ['ip-address', 'e-mail', 'e-mail-2']],
      ['managers', ['ip-address']],
    ],
  );
  t.same(
    [catalogue.services?.[0]?.id, catalogue.statements?.[0]?.id],
    ['community', 'all-data-stays-in-the-european-union-always'],
  );
});

t.test('an id that is given stays, whatever the name', async (t) => {
  const before = identify(aList([{ id: 'heroku', name: 'Heroku, Inc.' }]));
  const after = identify(aList([{ id: 'heroku', name: 'Salesforce.com, Inc.' }]), before);
  t.match(diffLists(before, after), {
    changes: [
      {
        kind: 'sub-processor-changed',
        id: 'heroku',
        fields: [{ field: 'name', before: 'Heroku, Inc.', after: 'Salesforce.com, Inc.' }],
      },
    ],
    suggestions: [],
  });
});

t.test('legal form, punctuation and case are put aside, and nothing else', async (t) => {
  const same: string[][] = [
    ['OpenAI, Inc.', 'OpenAI LLC', 'OPENAI', 'OpenAI, L.L.C.', 'OpenAI Inc', 'Open\u00adAI'],
    [
      'Acme GmbH & Co. KG',
      'ACME',
      'Acme S.A.',
      'Acme s.r.o.',
      'Acme B.V.',
      'Acme A/S',
      'Acme Sp. z o.o.',
      'Acme Pty Ltd',
      'Acme Private Limited',
      'Acme Co.',
    ],
    ['Intercom R&D Unlimited Company', 'Intercom R&D'],
    ['Stakater Pakistan SMC-Pvt Ltd', 'Stakater Pakistan'],
    ['Amazon.com, Inc.', 'Amazon com'],
  ];
  for (const names of same) t.equal(new Set(names.map(vendorKey)).size, 1, names.join(' = '));
  const different: [string, string][] = [
    ['Redis Labs', 'RedisLabs'],
    ['Clear Company', 'Clear'],
    ['Google Workspace', 'Google Workspaces'],
    ['OVH US, LLC', 'OVH Groupe SA'],
    ['AG Insurance', 'Insurance'],
    ['Twilio (SendGrid)', 'Twilio'],
    ['示例', '子公司'],
    ['+', '!'],
  ];
  for (const [one, other] of different) t.not(vendorKey(one), vendorKey(other), `${one} ≠ ${other}`);
});

t.test('entries without ids are the same where names agree, in any order', async (t) => {
  const before = identify(
    aList([
      { id: 'openai', name: 'OpenAI, Inc.', country: 'US' },
      { id: 'temporal', name: 'Temporal Technologies' },
      { id: 'copper', name: 'Copper CRM, Inc' },
    ]),
  );
  const after = identify(
    aList([{ name: 'HubSpot, Inc.' }, { name: 'Temporal Technologies, Inc.' }, { name: 'OPENAI, LLC', country: 'IE' }]),
    before,
  );
  t.same(ids(after), ['hubspot-inc', 'temporal', 'openai']);
});

t.test('a new entry never takes an id that the list before has for something else', async (t) => {
  const before = identify(
    aList([
      { name: 'Acme', product: 'Mail' },
      { id: 'bolt', name: 'Bolt Payments' },
    ]),
  );
  const after = identify(
    aList([{ name: 'Acme', product: 'Mail' }, { name: 'Acme', product: 'Chat' }, { name: 'Bolt' }]),
    before,
  );
  t.same(ids(after), ['acme', 'acme-2', 'bolt-2']);
});

t.test('product, services, purposes and places tell entries of one vendor apart', async (t) => {
  const services = [{ name: 'Community' }, { name: 'Analytics' }];
  const entries: Entry[] = [
    { id: 'a1', name: 'Amazon.com, Inc.', product: 'S3', purposes: ['Storage'] },
    { id: 'a2', name: 'Amazon.com, Inc.', product: 'SQS', purposes: ['Queues'] },
    { id: 'm1', name: 'Microsoft', purposes: ['Hosting'] },
    { id: 'm2', name: 'Microsoft', purposes: ['Analytics', 'Surveys'] },
    { id: 'g1', name: 'Google', services: ['community'] },
    { id: 'g2', name: 'Google', services: ['analytics'] },
    { id: 'e1', name: 'AWS', purposes: ['Infrastructure'], dataLocations: ['United States'] },
    { id: 'e2', name: 'AWS', purposes: ['Infrastructure'], dataLocations: ['European Union'] },
  ];
  const before = identify(aList(entries, { services }));
  const anonymous = entries.map(({ id: _, ...entry }) => entry).reverse();
  t.same(ids(identify(aList(anonymous, { services }), before)), entries.map(({ id }) => id).reverse());

  const changed = identify(
    aList(
      [
        { name: 'AMAZON.COM', product: 'SQS', purposes: ['Notifications'] },
        { name: 'Microsoft', purposes: ['Surveys', 'Chat'] },
        { name: 'Microsoft', purposes: ['Telephony'] },
        { name: 'AWS', purposes: ['Infrastructure'], dataLocations: ['European Union', 'Switzerland'] },
        { name: 'AWS', purposes: ['Infrastructure'], dataLocations: ['United States', 'Canada'] },
      ],
      { services },
    ),
    before,
  );
  t.same(ids(changed), ['a2', 'm2', 'microsoft', 'e2', 'e1']);
});

t.test('four entries that became one keep one id, not a new one', async (t) => {
  const before = identify(aList(['EC2', 'RDS', 'S3', 'SQS'].map((product) => ({ name: 'Amazon.com, Inc.', product }))));
  const after = identify(aList([{ name: 'Amazon.com, Inc.' }]), before);
  t.same(ids(after), ['amazon-com-inc']);
  const { changes } = diffLists(before, after);
  t.same(
    changes
      .filter(({ kind }) => kind === 'sub-processor-removed')
      .map((change) => 'knownVendor' in change && change.knownVendor),
    [true, true, true],
  );
});

t.test('references are by id; where ids are left out, also by what the name gives', async (t) => {
  const before = identify(
    aList([{ id: 'aws', name: 'Amazon Web Services' }], {
      services: [{ id: 'svc', name: 'Community' }],
      dataSubjects: [{ id: 'people', name: 'Advocates', dataCategories: [{ id: 'mail', name: 'email address' }] }],
    }),
  );
  const after = identify(
    aList(
      [
        { name: 'Amazon Web Services' },
        {
          name: 'Twilio',
          parent: 'amazon-web-services',
          services: ['community'],
          dataCategories: { advocates: ['email-address', 'mail'] },
        },
        { name: 'Bolt', parent: 'aws', services: ['svc'], dataCategories: { people: ['mail'] } },
      ],
      {
        services: [{ name: 'Community' }],
        dataSubjects: [{ name: 'advocates', dataCategories: [{ name: 'Email address' }] }],
      },
    ),
    before,
  );
  t.match(after.subProcessors, [
    { id: 'aws' },
    { id: 'twilio', parent: 'aws', services: ['svc'], dataCategories: { people: ['mail'] } },
    { id: 'bolt', parent: 'aws', services: ['svc'], dataCategories: { people: ['mail'] } },
  ]);
});

t.test('ids twice, references to nothing and parents in a circle are refused with path and mend', async (t) => {
  t.match(
    faultsIn(
      aList([
        { name: 'A', id: 'a' },
        { name: 'B', id: 'a' },
      ]),
    ),
    [{ path: 'subProcessors.1.id', message: /"a" is the id of subProcessors\.0 already: give this entry another/ }],
  );
  t.match(
    faultsIn(
      aList(
        [{ name: 'A', services: ['chta'], dataCategories: { advocate: ['x'], advocates: ['emial'] }, parent: 'b' }],
        {
          services: [{ name: 'Chat' }],
          dataSubjects: [{ name: 'Advocates', dataCategories: [{ name: 'email' }] }],
        },
      ),
    ),
    [
      { path: 'subProcessors.0.services.0', message: /Did you mean "chat"\?/ },
      { path: 'subProcessors.0.dataCategories.advocate', message: /Did you mean "advocates"\?/ },
      {
        path: 'subProcessors.0.dataCategories.advocates.0',
        message: /"Advocates" has no data category "emial".*Did you mean "email"\?/,
      },
      { path: 'subProcessors.0.parent', message: /has no entry "b"/ },
    ],
  );
  t.match(
    faultsIn(
      aList([
        { name: 'A', parent: 'b' },
        { name: 'B', parent: 'c' },
        { name: 'C', parent: 'a' },
        { name: 'D', parent: 'a' },
        { name: 'E', parent: 'e' },
      ]),
    ),
    [
      { path: 'subProcessors.0.parent', message: /back to itself \(a → b → c → a\)/ },
      { path: 'subProcessors.4.parent', message: /\(e → e\)/ },
    ],
  );
  const chain = Array.from({ length: 5_000 }, (_, at) => ({ name: `V${at}`, ...(at > 0 && { parent: `v${at - 1}` }) }));
  t.equal(identify(aList(chain)).subProcessors.length, 5_000, 'a chain of any depth is fine');
});
