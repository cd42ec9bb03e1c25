import { diffLists } from '../../src/list/diff.js';
import type { ListDocument, SubProcessor } from '../../src/list/document.js';
import type { NoticeInput } from '../../src/mail/notice.js';

/** An invented list with one change of nearly every sort between its two states. */
export const before: ListDocument = {
  title: 'Sub-processors',
  services: [
    { id: 'community', name: 'Community' },
    { id: 'analytics', name: 'Analytics' },
  ],
  statements: [{ id: 'residency', text: 'Personal data is stored in the European Union.' }],
  dataSubjects: [
    {
      id: 'members',
      name: 'Members',
      dataCategories: [
        {
          id: 'email-address',
          name: 'email address',
          purpose: 'Identification',
          legalBasis: 'Contract',
          source: 'Form',
          retention: '2 years',
        },
        {
          id: 'ip-address',
          name: 'IP address',
          purpose: 'Security',
          legalBasis: 'Legitimate interest',
          source: 'Log',
          retention: '120 days',
        },
        {
          id: 'name',
          name: 'name',
          purpose: 'Identification',
          legalBasis: 'Contract',
          source: 'Form',
          retention: '2 years',
        },
        { id: 'telephone-number', name: 'telephone number', optional: true, purpose: 'Contact', retention: '2 years' },
        { id: 'text-messages', name: 'text messages', purpose: 'Contact', retention: '2 years' },
      ],
    },
    {
      id: 'moderators',
      name: 'Moderators',
      dataCategories: [{ id: 'email-address', name: 'email address', purpose: 'Identification', retention: '2 years' }],
    },
  ],
  subProcessors: [
    {
      id: 'nordwind-hosting',
      name: 'Nordwind Hosting GmbH',
      country: 'DE',
      purposes: ['Hosting of the platform'],
      dataLocations: ['Frankfurt, Germany'],
      securityMeasures: ['ISO 27001 certificate', 'Encryption at rest', 'Daily backups'],
      dataCategories: { members: ['email-address', 'ip-address', 'name'], moderators: ['email-address'] },
    },
    {
      id: 'letterbird',
      name: 'Letterbird, Inc.',
      country: 'US',
      purposes: ['Sending of e-mail'],
      transferMechanisms: ['EU-US Data Privacy Framework'],
      dataLocations: ['Virginia, USA'],
      dataCategories: { members: ['email-address', 'name'] },
    },
    {
      id: 'pollster',
      name: 'Pollster AB',
      country: 'SE',
      purposes: ['Surveys'],
      dataCategories: { members: ['email-address'] },
    },
  ],
};

const callwell: SubProcessor = {
  id: 'callwell',
  name: 'Callwell Ltd.',
  legalName: 'Callwell Communications Limited',
  product: 'Messages API',
  relationship: 'third-party',
  purposes: ['Delivery of text messages'],
  services: ['community'],
  optional: true,
  condition: 'Only if text messages are switched on.',
  dataCategories: { members: ['telephone-number', 'text-messages'] },
  country: 'IE',
  dataLocations: ['Dublin, Ireland'],
  accessLocations: ['IN'],
  transferMechanisms: ['Standard contractual clauses 2021/914, module 3'],
  securityMeasures: [
    'ISO 27001 certificate',
    'Encryption in transit (TLS 1.3) and at rest (AES-256)',
    'Access on a need-to-know basis',
  ],
  address: '12 Harbour Street, Dublin 2, Ireland',
  contact: 'privacy@callwell.example',
  website: 'https://callwell.example/',
};

export const after: ListDocument = {
  ...before,
  dataSubjects: [
    {
      ...before.dataSubjects[0],
      id: 'members',
      name: 'Members',
      dataCategories: [
        ...(before.dataSubjects[0]?.dataCategories ?? []).map((category) =>
          category.id === 'ip-address' ? { ...category, retention: '90 days' } : category,
        ),
        {
          id: 'health',
          name: 'dietary needs',
          specialCategory: true,
          purpose: 'Catering at events',
          legalBasis: 'Consent',
          source: 'Form',
          retention: '30 days',
        },
      ],
    },
    ...before.dataSubjects.slice(1),
  ],
  subProcessors: [
    {
      ...before.subProcessors[0],
      id: 'nordwind-hosting',
      name: 'Nordwind Hosting GmbH',
      dataLocations: ['Frankfurt, Germany', 'Warsaw, Poland'],
      securityMeasures: ['ISO 27001 certificate', 'Encryption at rest'],
      dataCategories: {
        members: ['email-address', 'ip-address', 'name', 'telephone-number'],
        moderators: ['email-address'],
      },
    },
    {
      ...before.subProcessors[1],
      id: 'letterbird',
      name: 'Letterbird, Inc.',
      purposes: ['Sending of e-mails'],
      address: '1 Main Street, Richmond, VA 23219, USA',
    },
    callwell,
    {
      id: 'amthila',
      name: 'شركة أمثلة <b>المحدودة</b>',
      country: 'AE',
      purposes: ['Support in Arabic'],
      dataLocations: ['Dubai'],
      dataCategories: { members: ['email-address', 'name'] },
    },
  ],
};

/** A notice of those changes; what matters to a test is spelled out in `parts`. */
export function aNotice(
  parts: Omit<Partial<NoticeInput>, 'version'> & { version?: Partial<NoticeInput['version']> } = {},
): NoticeInput {
  const was = parts.before === undefined ? before : parts.before;
  const is = parts.after ?? after;
  return {
    kind: 'change',
    baseVersion: 3,
    before: was,
    after: is,
    changes: diffLists(was, is).changes,
    company: 'Example Company',
    publicUrl: 'https://trust.example.org',
    links: {
      unsubscribe: 'https://trust.example.org/unsubscribe/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
      preferences: 'https://trust.example.org/preferences/BBBBBBBBBBBBBBBBBBBBBBBBBBBBBB',
      objection: 'https://trust.example.org/objections/CCCCCCCCCCCCCCCCCCCCCCCCCCCCCC',
    },
    why: 'voluntary',
    ...parts,
    version: {
      number: 4,
      publishedAt: new Date('2027-01-29T10:00:00Z'),
      effectiveAt: new Date('2027-03-01T00:00:00Z'),
      objectionDeadline: new Date('2027-03-01T00:00:00Z'),
      message:
        'We are adding text messages to the community, for which we have chosen Callwell.\n\nThe surveys of Pollster have come to an end; all data there has been deleted.',
      emergency: false,
      reason: null,
      withdrawalReason: null,
      ...parts.version,
    },
  };
}
