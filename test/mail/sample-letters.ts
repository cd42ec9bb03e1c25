import { toldDeeds } from '../../src/admins/tell.js';
import type { LetterInput } from '../../src/mail/letters.js';
import { aNotice } from './sample.js';

/*
 * Every kind of letter, with the names that break things.
 */

export const common = {
  company: 'Example Company',
  publicUrl: 'https://trust.example.org',
  contact: 'privacy@example.org',
};
export const at = new Date('2027-01-29T10:00:00Z');
export const links = {
  unsubscribe: `${common.publicUrl}/unsubscribe/AAAA`,
  preferences: `${common.publicUrl}/preferences/BBBB`,
};

export const letters: LetterInput[] = [
  {
    ...common,
    kind: 'confirmation',
    confirmUrl: `${common.publicUrl}/confirm/abc`,
    notMeUrl: `${common.publicUrl}/unsubscribe/def`,
    requestedAt: at,
    validHours: 48,
  },
  { ...common, kind: 'already-subscribed', preferencesUrl: links.preferences },
  {
    ...common,
    kind: 'welcome',
    list: { version: 3, vendors: ['Nordwind Hosting GmbH', 'شركة <b>أمثلة</b>', 'Nordwind Hosting GmbH'] },
    windows: [
      {
        version: 4,
        changes: aNotice().changes,
        effectiveAt: new Date('2027-03-01T00:00:00+01:00'),
        objectionDeadline: new Date('2027-02-15T00:00:00+01:00'),
        comparedWith: 3,
      },
    ],
    links,
    why: 'voluntary',
  },
  { ...common, kind: 'manage-link', manageUrl: `${common.publicUrl}/manage/abc`, validHours: 1 },
  {
    ...common,
    kind: 'address-changed',
    step: 'confirm',
    confirmUrl: `${common.publicUrl}/confirm/def`,
    validHours: 48,
  },
  { ...common, kind: 'address-changed', step: 'done', maskedAddress: 'a•••@e•••.org' },
  {
    ...common,
    kind: 'objection-receipt',
    version: 4,
    summary: '2 sub-processors added',
    effectiveAt: new Date('2027-03-01T00:00:00+01:00'),
    receivedAt: at,
    late: false,
    grounds: 'We <b>cannot</b> accept & allow\nremote access from elsewhere.',
    versionUrl: `${common.publicUrl}/versions/4`,
  },
];
export const adminLetters: LetterInput[] = [
  {
    ...common,
    kind: 'admin-invitation',
    url: `${common.publicUrl}/admin/invitation/abc`,
    role: 'publisher',
    validMinutes: 72 * 60,
  },
  { ...common, kind: 'admin-reset', url: `${common.publicUrl}/admin/reset/abc`, role: null, validMinutes: 10 },
  ...toldDeeds.map((deed) => ({ ...common, kind: 'admin-changed' as const, deed, at })),
];
export const taskLetter: LetterInput = {
  ...common,
  kind: 'admin-tasks',
  counts: [
    { label: 'Contacts whom mail does not reach', count: 1_234 },
    { label: 'Objections', count: 1 },
  ],
  tasks: [
    { title: '\u2068شركة <b>أمثلة</b>\u2069 (a•••@e•••.org) cannot be reached', todo: 'Ask the customer.' },
    { title: 'Muster & Söhne (b•••@e•••.org) objects to version 3', todo: 'Answer.' },
  ],
  more: 1_233,
};
