import type { Test } from 'tap';
import { systemActor } from '../../src/actor.js';
import { readListValue } from '../../src/list/read.js';
import { replaceDraft } from '../../src/versions/draft.js';
import { publish } from '../../src/versions/publish.js';
import type { PublishRequest } from '../../src/versions/version.js';
import { withdraw } from '../../src/versions/withdraw.js';
import { startApp, type TestApp, type TestAppOptions } from '../support/app.js';

/*
 * A register with everything that a public page can have to show: version 1 is superseded, version 2 in force,
 * version 3 announced with a change of every kind, version 4 withdrawn.
 */

const category = (id: string, name: string, more: object = {}) => ({ id, name, purpose: 'Contact', ...more });

export function registerList(state: 1 | 2 | 3 | 4) {
  const announced = state >= 3;
  return {
    title: 'Sub-processors',
    introduction: announced
      ? 'Vendors that process data for us, and what they get.'
      : 'Vendors that process data for us.',
    services: [
      { id: 'community', name: 'Community' },
      { id: 'surveys', name: 'Surveys' },
    ],
    statements: [
      { id: 'residency', text: announced ? 'Data stays in the EU and in Norway.' : 'Data stays in the EU.' },
      ...(announced ? [{ id: 'training', text: 'No data trains a model.' }] : []),
    ],
    dataSubjects: [
      {
        id: 'members',
        name: 'Members',
        description: announced ? 'Whoever reads, writes or votes.' : 'Whoever reads or writes.',
        dataCategories: [
          category('email-address', 'email address', { retention: announced ? '5 years' : '2 years' }),
          category('telephone-number', 'telephone number', { optional: true }),
          ...(announced
            ? [category('voice', 'voice recordings', { retention: '1 year' })]
            : [category('chat', 'chat')]),
        ],
      },
      { id: 'managers', name: 'Managers', dataCategories: [category('email-address', 'email address')] },
      ...(announced ? [{ id: 'guests', name: 'Guests', dataCategories: [category('badge', 'badge')] }] : []),
    ],
    subProcessors: [
      {
        id: 'zuerich-hosting',
        name: 'Zürich Hosting AG',
        country: 'CH',
        group: 'Infrastructure',
        address: '1 Verylongunbreakablestreetnamewithoutanyspaceinit-and-another-one-behind-it',
        purposes: ['Hosting'],
        dataLocations: announced ? ['Zürich, Switzerland', 'Oslo, Norway'] : ['Zürich, Switzerland'],
        services: ['community'],
        dataCategories: { members: ['email-address', ...(announced ? [] : ['chat'])], managers: ['email-address'] },
      },
      {
        id: 'cloud-storage',
        name: 'Example Cloud, Inc.',
        group: 'Infrastructure',
        product: 'Storage',
        country: 'US',
        purposes: state === 1 ? ['Storage'] : ['Storage', 'Backups'],
        links: [{ label: 'Security', url: 'https://cloud.example/security' }],
      },
      {
        id: 'cloud-mail',
        name: state === 1 ? 'Example Cloud, Inc.' : 'Example Cloud LLC',
        group: 'Infrastructure',
        product: 'Mail',
        country: 'US',
        parent: 'cloud-storage',
        purposes: ['Mail'],
        dataCategories: { members: ['email-address'] },
      },
      ...(announced
        ? []
        : [
            {
              id: 'ringwood',
              name: 'Ringwood Telephony',
              country: 'US',
              optional: true,
              purposes: ['Text messages'],
              accessLocations: ['IN'],
              services: ['surveys'],
              dataCategories: { members: ['telephone-number'] },
            },
          ]),
      { id: 'quill', name: 'Quill Notes', country: 'NO', purposes: ['Notes'] },
      ...(state === 1 ? [{ id: 'kestrel', name: 'Kestrel Backup Ltd', country: 'GB', purposes: ['Backups'] }] : []),
      ...(announced
        ? [{ id: 'larkspur', name: 'Larkspur, Inc.', country: 'US', group: 'Infrastructure', purposes: ['Drafts'] }]
        : []),
      ...(state === 4 ? [{ id: 'never', name: 'Never Ltd', country: 'IE', purposes: ['Nothing'] }] : []),
    ],
  };
}

/** Publishes whatever `readListValue` takes. */
export async function publishValue(app: TestApp, value: unknown, request: PublishRequest = {}): Promise<void> {
  await replaceDraft(app.deps, { document: readListValue(value), source: null }, {}, systemActor);
  await publish(app.deps, request, systemActor);
  app.deps.kept.markStale();
}

/**
 * The register at noon of 10 March 2027 in Brussels. Version 1 was published at 9:00 on 10 January, version 2 at
 * 15:30 on 1 February and took effect at once, version 3 takes effect on 1 May.
 */
export async function openRegister(t: Test, options: TestAppOptions = {}): Promise<TestApp> {
  const app = await startApp(t, {
    ...options,
    env: { TIME_ZONE: 'Europe/Brussels', COMPANY_NAME: 'Brightwave', ...options.env },
  });
  app.clock.set('2027-01-10T08:00:00Z');
  await publishValue(app, registerList(1));
  app.clock.set('2027-02-01T14:30:00Z');
  await publishValue(app, registerList(2), {
    emergency: true,
    reason: 'A vendor has closed.',
    effectiveAt: '2027-02-01',
  });
  app.clock.set('2027-03-10T11:00:00Z');
  await publishValue(app, registerList(3), { message: 'We grow.', effectiveAt: '2027-05-01' });
  await publishValue(app, registerList(4), { effectiveAt: '2027-06-01' });
  await withdraw(app.deps, 4, 'The contract was not signed.', systemActor);
  app.deps.kept.markStale();
  return app;
}

/** Every public page of it, in every state that it has. */
export const states = [
  '/',
  '/?lang=de',
  '/?country=US&q=cloud',
  '/?category=members.telephone-number',
  '/?q=nobody-is-called-this&country=XX',
  '/versions',
  '/versions/1',
  '/versions/2',
  '/versions/3',
  '/versions/4',
  '/compare/1...3',
  '/compare/2...2',
  '/at/2027-01-20',
  '/at/2027-02-01',
  '/at/2027-05-01',
  '/at/2020-01-01',
  '/at/no-day',
  '/sub-processors/cloud-mail',
  '/sub-processors/kestrel',
  '/sub-processors/never',
  '/subscribe',
  '/api',
  '/nowhere',
] as const;
