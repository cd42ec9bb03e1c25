import { readFileSync } from 'node:fs';
import type { ListDocument, ListInput } from '../../src/list/document.js';
import { readList } from '../../src/list/read.js';

/*
 * Lists that companies really published, version by version: the facts of their tables, typed in
 * as documents without ids, as an import gives them. What each step should say is in
 * real-lists.test.ts.
 */

type Entry = ListInput['subProcessors'][number];

const asList = (title: string, subProcessors: Entry[]): ListInput => ({ title, dataSubjects: [], subProcessors });

/** Versions as edits of the one before: rows by name that go, and rows that come or replace one, by place. */
function without(rows: readonly Entry[], ...names: string[]): Entry[] {
  return rows.filter(({ name }) => !names.includes(name));
}
function placed(rows: readonly Entry[], at: number, ...more: Entry[]): Entry[] {
  return [...rows.slice(0, at), ...more, ...rows.slice(at)];
}
function altered(rows: readonly Entry[], name: string, facts: Partial<Entry>): Entry[] {
  return rows.map((row) => (row.name === name ? { ...row, ...facts } : row));
}

function basecamp(): ListInput[] {
  const row = (name: string, purpose: string, website: string, location = 'United States'): Entry => ({
    name,
    purposes: [purpose],
    website,
    dataLocations: [location],
  });
  const v1 = [
    row('Amazon Web Services', 'Cloud services provider', 'https://aws.amazon.com/compliance/gdpr-center/'),
    row(
      'Braintree',
      'Payment processing services',
      'https://www.braintreepayments.com/legal/payment-services-agreement-us',
    ),
    row('Customer.io', 'Transactional email service', 'https://customer.io/gdpr.html'),
    row('Google Cloud Platform', 'Cloud services provider', 'https://cloud.google.com/security/gdpr/resource-center/'),
    row('HelloSign', 'Electronic signature service', 'https://www.hellosign.com/trust/compliance/gdpr'),
    row('Help Scout', 'Help desk software', 'https://www.helpscout.net/company/legal/gdpr/'),
    row('Mailchimp', 'Email newsletter service', 'https://mailchimp.com/gdpr/'),
    row('Sentry', 'Error reporting software', 'https://blog.sentry.io/2018/03/14/gdpr-sentry-and-you'),
    row(
      'TaxJar',
      'Sales tax calculation',
      'https://support.taxjar.com/article/526-taxjar-security-and-privacy-questions',
    ),
    row('Twilio', 'Text messaging service', 'https://www.twilio.com/gdpr'),
    row('Wufoo', 'Form/survey provider', 'https://help.wufoo.com/articles/en_US/kb/wufoo-gdpr'),
  ];
  const v2 = altered(without(v1, 'HelloSign', 'Wufoo'), 'Mailchimp', { purposes: ['Transactional email service'] });
  const v3 = placed(
    without(v2, 'Twilio'),
    4,
    row('Google reCAPTCHA', 'Anti-bot protection', 'https://developers.google.com/recaptcha/'),
  );
  const v4 = placed(
    without(v3, 'Google reCAPTCHA'),
    4,
    row('hCaptcha', 'Anti-bot protection', 'https://hcaptcha.com/privacy'),
  );
  const datadog = row(
    'Datadog',
    'Infrastructure and application monitoring',
    'https://www.datadoghq.com/legal/privacy/',
  );
  const v5 = placed(v4, 2, datadog);
  const v6 = placed(without(v5, 'Datadog'), 3, datadog);
  const v7 = placed(
    v6,
    2,
    row('Cloudflare', 'Cloud services provider', 'https://www.cloudflare.com/gdpr/introduction/'),
    row('Convert.com', 'A/B testing software', 'https://www.convert.com/privacy/'),
  );
  const v8 = [
    ...without(v7, 'Customer.io', 'Datadog'),
    row(
      'AppSignal',
      'Infrastructure and application monitoring',
      'https://docs.appsignal.com/appsignal/gdpr.html',
      'EU',
    ),
  ];
  return [v1, v2, v3, v4, v5, v6, v7, v8].map((rows) => asList('Basecamp subprocessors', rows));
}

function gruntwork(): ListInput[] {
  const row = (name: string, purpose: string, site: string): Entry => ({
    name,
    purposes: [purpose],
    country: 'US',
    website: `https://${site}`,
  });
  const v1 = [
    row('DocuSign', 'Customer contracts', 'docusign.com'),
    row('GitHub', 'Private git repo access to customers', 'github.com'),
    row('Google', 'Customer data collection', 'google.com'),
    row('MailChimp', 'Email newsletters', 'mailchimp.com'),
    row('Slack', 'Customer support', 'slack.com'),
    row('Stripe', 'Customer payment information', 'stripe.com'),
    row('Teachable', 'Video training', 'teachable.com'),
    row('Zapier', 'Internal automation', 'zapier.com'),
    row('ZenDesk', 'Customer support', 'zendesk.com'),
  ];
  const v2 = placed(v1, 3, row('HubSpot', 'Customer data collection', 'hubspot.com'));
  const v3 = placed(v2, 1, row('Foqal', 'Slack channel aggregation', 'foqal.io'));
  return [v1, v2, v3, without(v3, 'Foqal')].map((rows) => asList('Subprocessors', rows));
}

function range(): ListInput[] {
  const row = (name: string, purpose: string, group = 'Other Subprocessors'): Entry => ({
    name,
    group,
    purposes: [purpose],
    country: 'US',
  });
  const infrastructure = [
    row('Amazon Web Services, Inc.', 'Cloud Service Provider', 'Infrastructure Subprocessors'),
    row('Algolia, Inc.', 'Search Infrastructure', 'Infrastructure Subprocessors'),
  ];
  const v1 = [
    ...infrastructure,
    row('Google, Inc.', 'Cloud-based Analytics'),
    row('Intercom R&D Unlimited Company', 'Cloud-based CRM'),
    row('Sendgrid, Inc.', 'Cloud-based Email Notifications'),
    row('Zebrafish Labs, Inc', 'Cloud-based Image Processing'),
  ];
  const v2 = placed(v1, 4, row('Copper CRM, Inc', 'Cloud-based CRM'));
  const v3 = [
    ...infrastructure,
    row('Copper CRM, Inc', 'Customer success & support'),
    row('Google, Inc.', 'Data analytics, marketing'),
    row('Intercom R&D Unlimited Company', 'Customer success & support'),
    row('Sendgrid, Inc.', 'Product email'),
    row('Slack Technologies, Inc.', 'Chat ops'),
    row('Stitch, Inc.', 'Cloud-based ETL'),
    row('Stripe, Inc.', 'Payment processing'),
    row('The Rocket Science Group', 'Marketing email'),
    row('Zebrafish Labs, Inc', 'Image processing'),
  ];
  const v4 = placed(
    placed(placed(v3, 6, row('Segment.io, Inc.', 'Data analytics')), 5, row('Reply Service', 'Sales automation')),
    2,
    row('ActiveCampaign, LLC', 'Marketing email'),
  );
  const v5 = placed(without(v4, 'Copper CRM, Inc'), 3, row('HubSpot, Inc.', 'Customer success & support'));
  const v7 = placed(
    placed(without(v5, 'Reply Service', 'The Rocket Science Group'), 3, row('Appcues', 'User onboarding')),
    12,
    row('Vitally', 'Customer success & support'),
  );
  const v8 = without(v7, 'ActiveCampaign, LLC', 'Vitally');
  // The page's date is no fact of the list; version 6 corrected its spelling.
  return [v1, v2, v3, v4, v5, v5, v7, v8].map((rows) => asList('Sub Processors', rows));
}

function sage(): ListInput[] {
  const row = (name: string, places: string, purpose: string, site: string): Entry => ({
    name,
    dataLocations: places.split(', '),
    purposes: purpose.split(', '),
    website: `https://${site}/`,
  });
  const v1 = [
    row(
      'Amazon Web Services (AWS)',
      'USA, Germany, Ireland',
      'Cloud services, infrastructure platform, website hosting',
      'aws.amazon.com',
    ),
    row('Atlassian', 'USA', 'Process/product management and documentation', 'www.atlassian.com'),
    row('DocuSign', 'USA', 'Contract Administration and signature tool', 'www.docusign.com'),
    row('Google LLC', 'USA', 'Authentication, email, workspace (G Suite)', 'google.com'),
    row('Slack', 'USA', 'Chat', 'slack.com'),
    row('Snowflake Inc.', 'USA', 'Analytics- data warehouse', 'www.snowflake.com'),
    row('Zoom', 'USA', 'Virtual meetings', 'zoom.us'),
    row('CloudMailin', 'UK', 'Email', 'www.cloudmailin.com'),
  ];
  // Trailing blanks and text wrapped anew.
  const v2 = v1.map((entry) => ({
    ...entry,
    name: `${entry.name} `,
    purposes: entry.purposes?.map((text) => text.replace(' ', '\n')),
  }));
  const v3 = placed(
    placed(v2, 6, row('Stripe', 'USA', 'Billing', 'stripe.com')),
    2,
    row('Clear Company', 'USA', 'Hiring', 'www.clearcompany.com'),
  );
  const v5 = placed(
    v3,
    5,
    row('JFrog Ltd', 'USA', 'Software development life cycle', 'www.jfrog.com'),
    row('JumpCloud', 'USA', 'IT Management', 'www.jumpcloud.com'),
    row('Mailchimp', 'USA', 'email marketing', 'www.mailchimp.com'),
  );
  return [v1, v2, v3, v3, v5, v5].map((rows) => asList('Sage Bionetworks Subprocessors', rows));
}

function stakater(): ListInput[] {
  const third = (name: string, purposes: string[], place: string): Entry => ({
    name,
    relationship: 'third-party',
    group: 'Third Party Subprocessors',
    purposes,
    dataLocations: [place],
    transferMechanisms: ['GDPR'],
  });
  const own = (name: string, place: string, ground: string): Entry => ({
    name,
    relationship: 'affiliate',
    group: 'Stakater Subprocessors',
    purposes: ['Stakater Processor'],
    dataLocations: [place],
    transferMechanisms: [ground],
  });
  const v1 = [
    third('Digital Realty + OpenMetal', ['Hardware/bare metal infrastructure'], 'EU (Amsterdam)'),
    own('Stakater AB', 'Sweden', 'Intra-group Agreement'),
    own('Stakater Czech s.r.o.', 'Czech Republic', 'Intra-group Agreement'),
    own('Stakater Pakistan SMC-Pvt Ltd', 'Pakistan', 'Intra-group Agreement with SCCs'),
  ];
  const v2 = placed(v1, 1, third('AWS', ['Route 53 for DNS Management', 'S3 for Backups'], 'EU (Sweden)'));
  return [v1, v2].map((rows) => asList('Stakater Subprocessor List', rows));
}

export const realLists = {
  basecamp: basecamp(),
  gruntwork: gruntwork(),
  range: range(),
  sage: sage(),
  stakater: stakater(),
};

/** The oldest state of the founding list: categories as codes, one row a product, "None" for none. */
export function foundingV1(): ListInput {
  const codes = (letter: string, ...numbers: number[]) => numbers.map((number) => ({ name: `${letter}${number}` }));
  const row = (
    name: string,
    product: string,
    purpose: string,
    country: string,
    place: string,
    data: string,
    duration: string,
  ): Entry => {
    const dataCategories: Record<string, string[]> = {};
    const kinds = { M: 'managers', U: 'advocates', P: 'p', C: 'c' };
    for (const code of data === 'None' ? [] : data.split(' ')) {
      const kind = Object.entries(kinds).find(([letter]) => code.startsWith(letter))?.[1] ?? 'managers';
      dataCategories[kind] = [...(dataCategories[kind] ?? []), code.toLowerCase()];
    }
    return {
      name,
      product,
      purposes: [purpose],
      corporateCountry: country,
      dataLocations: [place],
      duration,
      dataCategories,
    };
  };
  const upTo13 = Array.from({ length: 13 }, (_, at) => at + 1);
  return {
    title: 'Sub-processors list',
    dataSubjects: [
      // "12" is a slip for M12 in the page itself, and a slip is kept.
      { name: 'Managers', dataCategories: [...codes('M', ...upTo13), { name: '12' }] },
      { name: 'Advocates', dataCategories: codes('U', ...upTo13) },
      { name: 'P', dataCategories: codes('P', 3, 12) },
      { name: 'C', dataCategories: codes('C', 12) },
    ],
    subProcessors: [
      row('Twilio Inc.', 'Twilio', 'Communication', 'US', 'Germany', 'U3 U10', '30 days'),
      row(
        'SolarWinds LLC',
        'Loggly',
        'Service monitoring and loggling',
        'GB',
        'United States',
        'M1 M3 M4 M5 M6 M7 M8 M9 M10 M11 M13 U1 U3 U4 U5 U6 U7 U8 U9 U10 U11 U13',
        '15 days',
      ),
      row('RedisLabs', 'RedisLabs', 'Cloud database', 'US', 'Ireland', 'U12', 'contract'),
      row(
        'Intercom, Inc.',
        'Intercom',
        'Customer support',
        'US',
        'United States',
        'M1 M3 M4 M5 M7 M8 M9 M10 M11 12',
        'contract',
      ),
      row('Inspectlet', 'Inspectlet', 'Behaviour and UX testing', 'US', 'United States', 'M1', '90 days'),
      row('Heroku, Inc.', 'Heroku', 'Cloud platform', 'US', 'Ireland', 'None', '1 days'),
      row(
        'Google LLC',
        'Google Analytics',
        'Application analytics',
        'US',
        'United States',
        'M12 U12 P12 C12',
        '780 days',
      ),
      row('Auth0 Inc.', 'Auth0', 'Authentication', 'US', 'Germany', 'M1 M2 M3 M9 M11 U1 U2 U3 U9 U11', 'contract'),
      row(
        'Amazon.com, Inc.',
        'EC2 Neo4J',
        'Cloud infrastructure',
        'US',
        'Germany',
        'M1 M3 M5 M6 M11 M13 U1 U3 U5 U6 U11 U13',
        'contract',
      ),
      row('Amazon.com, Inc.', 'RDS', 'Cloud infrastructure', 'US', 'Germany', 'M1 M3 M4 M6 M13 U4 U6 P3', 'contract'),
      row('Amazon.com, Inc.', 'S3', 'Cloud infrastructure', 'US', 'Germany', 'None', 'contract'),
      row('Amazon.com, Inc.', 'SQS', 'Cloud infrastructure', 'US', 'Germany', 'M1 M3 M4 M6 U1 U3 U4 U6', '14 days'),
    ],
  };
}

/** The sample: the founding list with what its newest state adds. */
export function foundingSample(): ListDocument {
  return readList(readFileSync(new URL('../../samples/sub-processors.yaml', import.meta.url), 'utf8'), 'yaml');
}

/** The founding list itself: purposes, products and places were lost when it was captured, so they are not stated. */
export function foundingV2(): ListDocument {
  const { introduction: _, ...sample } = foundingSample();
  return {
    ...sample,
    title: 'Sub-processors list',
    subProcessors: sample.subProcessors.map(({ product: _, purposes: __, dataLocations: ___, ...entry }) => entry),
  };
}

/** Its newest state as far as it was visible: products, places and groups; Amazon with every advocate category. */
export function foundingV3(): ListDocument {
  const sample = foundingSample();
  const all = sample.dataSubjects.find(({ id }) => id === 'advocates')?.dataCategories?.map(({ id }) => id) ?? [];
  return {
    ...foundingV2(),
    subProcessors: sample.subProcessors.map((entry) =>
      entry.id === 'amazon' ? { ...entry, dataCategories: { ...entry.dataCategories, advocates: all } } : entry,
    ),
  };
}

/** The document as an import without ids gives it. */
export function anonymous({ services: _, statements: __, ...list }: ListDocument): ListInput {
  return {
    ...list,
    dataSubjects: list.dataSubjects.map(({ id: _, dataCategories, ...subject }) => ({
      ...subject,
      ...(dataCategories && { dataCategories: dataCategories.map(({ id: __, ...category }) => category) }),
    })),
    subProcessors: list.subProcessors.map(({ id: _, ...entry }) => entry),
  };
}
