import t from 'tap';
import type { Change } from '../../src/list/change.js';
import { diffLists } from '../../src/list/diff.js';
import type { ListDocument, ListInput } from '../../src/list/document.js';
import { identify } from '../../src/list/identity.js';
import { anonymous, foundingSample, foundingV1, foundingV2, foundingV3, realLists } from './real-lists.js';

/** One line a fact: what a good notice of the step says. */
function saidIn(changes: readonly Change[]): string[] {
  return changes.flatMap((change): string[] => {
    switch (change.kind) {
      case 'sub-processor-added':
      case 'sub-processor-removed': {
        const { purposes = [], dataLocations = [], country } = change.entry;
        const facts = [purposes.join(' + '), dataLocations.join(' + '), country].filter(Boolean).join(', ');
        const known = change.knownVendor ? ' of a known vendor' : '';
        const deed = change.kind === 'sub-processor-added' ? 'added' : 'removed';
        return [`${deed}${known}: ${change.name}${deed === 'added' ? ` (${facts})` : ''}`];
      }
      case 'data-subject-added':
      case 'data-subject-removed':
      case 'data-category-added':
      case 'data-category-removed':
        return [`${change.kind}: ${change.name}`];
      default:
        return change.fields.map(({ field, how, before, after, added, removed }) => {
          const parts = [...(removed ?? []).map((one) => `-${one}`), ...(added ?? []).map((one) => `+${one}`)];
          const values = added ? parts.join(' ') : `${JSON.stringify(before)} -> ${JSON.stringify(after)}`;
          const owner = change.kind === 'list-changed' ? 'list' : change.name;
          return `${owner}, ${field} ${how}${field.includes('*') ? '' : `: ${values}`}`;
        });
    }
  });
}

/** What each step of a history says; ids go on from version to version as they do in the service. */
function history(inputs: readonly ListInput[]): { said: string[]; suggested: string[] }[] {
  let before: ListDocument | null = null;
  return inputs.flatMap((input) => {
    const after = identify(input, before);
    const diff = before && diffLists(before, after);
    before = after;
    if (diff === null) return [];
    return [
      {
        said: saidIn(diff.changes),
        suggested: diff.suggestions.map((one) => `${one.removedName} -> ${one.addedName}`),
      },
    ];
  });
}

const us = 'United States';
const expected: Record<keyof typeof realLists, string[][]> = {
  basecamp: [
    [
      'removed: HelloSign',
      'removed: Wufoo',
      'Mailchimp, purposes changed: -Email newsletter service +Transactional email service',
    ],
    [`added: Google reCAPTCHA (Anti-bot protection, ${us})`, 'removed: Twilio'],
    [`added: hCaptcha (Anti-bot protection, ${us})`, 'removed: Google reCAPTCHA'],
    [`added: Datadog (Infrastructure and application monitoring, ${us})`],
    [],
    [`added: Cloudflare (Cloud services provider, ${us})`, `added: Convert.com (A/B testing software, ${us})`],
    ['added: AppSignal (Infrastructure and application monitoring, EU)', 'removed: Customer.io', 'removed: Datadog'],
  ],
  gruntwork: [
    ['added: HubSpot (Customer data collection, US)'],
    ['added: Foqal (Slack channel aggregation, US)'],
    ['removed: Foqal'],
  ],
  range: [
    ['added: Copper CRM, Inc (Cloud-based CRM, US)'],
    [
      'added: Slack Technologies, Inc. (Chat ops, US)',
      'added: Stitch, Inc. (Cloud-based ETL, US)',
      'added: Stripe, Inc. (Payment processing, US)',
      'added: The Rocket Science Group (Marketing email, US)',
      'Copper CRM, Inc, purposes changed: -Cloud-based CRM +Customer success & support',
      'Google, Inc., purposes changed: -Cloud-based Analytics +Data analytics, marketing',
      'Intercom R&D Unlimited Company, purposes changed: -Cloud-based CRM +Customer success & support',
      'Sendgrid, Inc., purposes changed: -Cloud-based Email Notifications +Product email',
      'Zebrafish Labs, Inc, purposes changed: -Cloud-based Image Processing +Image processing',
    ],
    [
      'added: ActiveCampaign, LLC (Marketing email, US)',
      'added: Reply Service (Sales automation, US)',
      'added: Segment.io, Inc. (Data analytics, US)',
    ],
    ['added: HubSpot, Inc. (Customer success & support, US)', 'removed: Copper CRM, Inc'],
    [],
    [
      'added: Appcues (User onboarding, US)',
      'added: Vitally (Customer success & support, US)',
      'removed: Reply Service',
      'removed: The Rocket Science Group',
    ],
    ['removed: ActiveCampaign, LLC', 'removed: Vitally'],
  ],
  sage: [
    [],
    ['added: Clear Company (Hiring, USA)', 'added: Stripe (Billing, USA)'],
    [],
    [
      'added: JFrog Ltd (Software development life cycle, USA)',
      'added: JumpCloud (IT Management, USA)',
      'added: Mailchimp (email marketing, USA)',
    ],
    [],
  ],
  stakater: [['added: AWS (Route 53 for DNS Management + S3 for Backups, EU (Sweden))']],
};

for (const [name, versions] of Object.entries(realLists)) {
  t.test(`${name}: each step says what changed and nothing else`, async (t) => {
    const steps = history(versions);
    const wanted = Object.entries(expected).find(([key]) => key === name)?.[1] ?? [];
    t.equal(steps.length, wanted.length);
    for (const [at, { said, suggested }] of steps.entries()) {
      t.same(said, wanted[at], `v${at + 1} -> v${at + 2}`);
      t.same(suggested, [], 'no replacement is taken for a rename');
    }
  });
}

t.test('a flap is no change against the version before it', async (t) => {
  const [, v2, , v4] = realLists.gruntwork;
  if (v2 === undefined || v4 === undefined) throw new Error('the list has four versions');
  const before = identify(v2);
  t.same(diffLists(before, identify(v4, before)), { changes: [], suggestions: [] });
});

// What version 1 stated and version 2, as it was captured, does not: unknown, never "removed".
const v2Columns = ['corporateCountry', 'dataLocations', 'duration', 'product', 'purposes'];

t.test('the founding list, v1 -> v2: a rebuilt list', async (t) => {
  const before = identify(foundingV1());
  const after = identify(anonymous(foundingV2()), before);
  const { changes, suggestions } = diffLists(before, after);
  const said = saidIn(changes);
  t.same(
    said.filter((line) => /^(?:added|removed)/.test(line)),
    [
      'added: CloudFlare, Inc. ()',
      'added: Redis Labs, Inc. ()',
      'added: Salesforce.com, Inc. (US)',
      'added: Startdeliver (SE)',
      'removed of a known vendor: Amazon.com, Inc.',
      'removed of a known vendor: Amazon.com, Inc.',
      'removed of a known vendor: Amazon.com, Inc.',
      'removed: Auth0 Inc.',
      'removed: Google LLC',
      'removed: Heroku, Inc.',
      'removed: Inspectlet',
      'removed: RedisLabs',
      'removed: SolarWinds LLC',
    ],
  );
  t.match(suggestions, [{ removedName: 'RedisLabs', addedName: 'Redis Labs, Inc.', because: ['similar-name'] }]);
  t.equal(suggestions.length, 1, 'that Salesforce is Heroku is not in the text');

  t.same(
    said.filter((line) => line.startsWith('list,')),
    [
      'list, dataSubjects.*.description stated',
      'list, subProcessors.*.address stated',
      ...v2Columns.map((field) => `list, subProcessors.*.${field} unstated`),
    ],
  );
  t.same(
    said.filter((line) => /^(?:Amazon|Intercom|Twilio)/.test(line)),
    [
      'Amazon.com, Inc., dataCategories.advocates changed: -u1 -u3 -u5 -u6 -u11 -u13 +interests +unique-id +name +profile-picture +platform-activity +birth-date +preferred-language +email +text-messages +employer +job-titles +social-unique-id +connections +email-address +telephone-number +physical-address +ip-address +browser +country +opt-in',
      'Amazon.com, Inc., dataCategories.managers changed: -m1 -m3 -m5 -m6 -m11 -m13 +unique-id +name +platform-activity +preferred-language +email +email-address +ip-address +browser +country +opt-in',
      'Amazon.com, Inc., country stated: undefined -> "US"',
      'Intercom, Inc., dataCategories.managers changed: -m1 -m3 -m4 -m5 -m7 -m8 -m9 -m10 -m11 -12 +unique-id +name +platform-activity +preferred-language +chat +email +email-address +browser +country',
      'Twilio Inc., optional stated: undefined -> true',
      'Twilio Inc., dataCategories.advocates changed: -u3 -u10 +text-messages +telephone-number',
    ],
  );
  t.equal(said.filter((line) => line.startsWith('data-category-added')).length, 23 + 13);
  t.equal(said.filter((line) => line.startsWith('data-category-removed')).length, 14 + 13);
  t.same(
    said.filter((line) => line.startsWith('data-subject')),
    ['data-subject-removed: C', 'data-subject-removed: P'],
  );
});

t.test('the founding list, v1 -> v2, once an admin joined what is one vendor under another name', async (t) => {
  const before = identify(foundingV1());
  const joined = { 'Redis Labs, Inc.': 'redislabs', 'Salesforce.com, Inc.': 'heroku-inc' };
  const input = anonymous(foundingV2());
  const after = identify(
    {
      ...input,
      subProcessors: input.subProcessors.map((entry) => {
        const id = Object.entries(joined).find(([name]) => name === entry.name)?.[1];
        return id === undefined ? entry : { ...entry, id };
      }),
    },
    before,
  );
  const { changes, suggestions } = diffLists(before, after);
  t.same(suggestions, []);
  t.match(
    changes.filter(({ id }) => id === 'redislabs' || id === 'heroku-inc'),
    [
      {
        kind: 'sub-processor-changed',
        id: 'redislabs',
        fields: [
          { field: 'name', before: 'RedisLabs', after: 'Redis Labs, Inc.', severity: 'editorial' },
          { field: 'dataCategories.advocates', removed: ['u12'] },
          {
            field: 'dataCategories.managers',
            before: [],
            added: ['passwords', 'unique-id', 'email', 'access-token'],
            severity: 'material',
          },
        ],
      },
      {
        kind: 'sub-processor-changed',
        id: 'heroku-inc',
        fields: [
          { field: 'name', before: 'Heroku, Inc.', after: 'Salesforce.com, Inc.', severity: 'material' },
          { field: 'dataCategories.advocates', before: [], added: { length: 19 }, severity: 'material' },
          { field: 'dataCategories.managers', before: [], added: { length: 10 }, severity: 'material' },
          { field: 'country', how: 'stated' },
        ],
      },
    ],
  );
});

t.test('the founding list, v1 -> v3: the product names Heroku, so the pair is offered', async (t) => {
  const before = identify(foundingV1());
  const { suggestions } = diffLists(before, identify(anonymous(foundingV3()), before));
  t.same(
    suggestions.map(({ removedName, addedName }) => `${removedName} -> ${addedName}`),
    ['RedisLabs -> Redis Labs, Inc.', 'Heroku, Inc. -> Salesforce.com, Inc.'],
  );
});

t.test('the founding list, v2 -> v3: what is visible', async (t) => {
  const before = foundingV2();
  const { changes, suggestions } = diffLists(before, identify(anonymous(foundingV3()), before));
  t.same(suggestions, []);
  t.same(saidIn(changes), [
    'Amazon.com, Inc., product stated: undefined -> "S3, SQS, SES, RDS, CloudFront, Bedrock, EC2, EKS, Lambda, Neo4J"',
    'Amazon.com, Inc., purposes stated: +Storage +Application Processing +Content Delivery',
    'Amazon.com, Inc., dataCategories.advocates changed: +passwords +notifications +access-token',
    'Amazon.com, Inc., dataLocations stated: +Germany (Frankfurt) +Ireland (Dublin) +Europe +North America',
    'CloudFlare, Inc., product stated: undefined -> "CloudFlare"',
    'CloudFlare, Inc., purposes stated: +Content Delivery',
    'CloudFlare, Inc., dataLocations stated: +Global',
    'Redis Labs, Inc., product stated: undefined -> "RedisLabs"',
    'Redis Labs, Inc., purposes stated: +Storage',
    'Redis Labs, Inc., dataLocations stated: +Ireland (Dublin)',
    'Salesforce.com, Inc., product stated: undefined -> "Heroku"',
    'Salesforce.com, Inc., purposes stated: +Application Processing',
    'Salesforce.com, Inc., dataLocations stated: +Ireland (Dublin)',
  ]);
});

t.test('one vendor repeated under three headings stays one vendor', async (t) => {
  const grouped = (list: ListDocument): ListInput => ({
    ...anonymous(list),
    subProcessors: anonymous(list).subProcessors.flatMap((entry) =>
      (entry.purposes?.length ? entry.purposes : [undefined]).map((purpose) => ({
        ...entry,
        ...(purpose && { purposes: [purpose], group: purpose }),
      })),
    ),
  });
  const before = foundingV3();
  const repeated = identify(grouped(before), before);
  t.match(
    diffLists(before, repeated).changes.map((change) => [
      change.kind,
      change.name,
      'knownVendor' in change && change.knownVendor,
    ]),
    [
      ['sub-processor-added', 'Amazon.com, Inc.', true],
      ['sub-processor-added', 'Amazon.com, Inc.', true],
      ['sub-processor-changed', 'Amazon.com, Inc.', false],
    ],
  );
  const backwards = grouped(before);
  backwards.subProcessors.reverse();
  t.same(diffLists(repeated, identify(backwards, repeated)), { changes: [], suggestions: [] });
});

t.test('the same list saved by another hand is no change', async (t) => {
  const before = foundingSample();
  const input = anonymous(before);
  const saved: ListInput = {
    ...input,
    dataSubjects: [...input.dataSubjects].reverse(),
    subProcessors: [...input.subProcessors].reverse().map((entry) => ({
      ...entry,
      name: entry.name
        .replace('Redis Labs', 'Redis\u00a0Labs')
        .replace(/Inc\.$/, 'Inc')
        .normalize('NFD'),
      ...(entry.purposes && { purposes: [...entry.purposes].reverse().map((purpose) => purpose.replace(' ', '  ')) }),
      ...(entry.dataLocations && { dataLocations: [...entry.dataLocations].reverse() }),
      ...(entry.dataCategories && {
        dataCategories: Object.fromEntries(
          Object.entries(entry.dataCategories)
            .reverse()
            .map(([kind, ids]) => [kind, [...ids].reverse()]),
        ),
      }),
    })),
  };
  t.same(diffLists(before, identify(saved, before)), { changes: [], suggestions: [] });
});
