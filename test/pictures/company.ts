import type { Test } from 'tap';
import { z } from 'zod';
import { ensureSetupLink } from '../../src/admins/setup.js';
import { countDeliveries } from '../../src/deliveries/figures.js';
import { checkIn } from '../../src/holds/hold.js';
import { countSubscribers } from '../../src/subscribers/figures.js';
import { dayOf } from '../../src/versions/clock.js';
import { aWorld } from '../deliverability/world.js';
import { sendForm } from '../pages/support.js';
import { bearer, startApp, type TestApp } from '../support/app.js';
import { freePort } from '../support/process.js';

/*
 * A company of which nothing is real, with a year behind it: three versions, people who are told, mail that did
 * not arrive, an objection and a draft that waits.
 */

const vendors = [
  [
    'Nordlicht Rechenzentren GmbH',
    'DE',
    'Hosting of the application and its database',
    'Frankfurt, Germany',
    'Infrastructure',
  ],
  ['Harbour Cloud, Inc.', 'US', 'Delivery of pictures and videos', 'European Union', 'Infrastructure'],
  ['Kestrel Backup Ltd', 'GB', 'Encrypted copies for disaster recovery', 'London, United Kingdom', 'Infrastructure'],
  ['Brieftaube Mail AG', 'CH', 'Sending of e-mail', 'Zürich, Switzerland', 'Communication'],
  ['Ringwood Telephony, Inc.', 'US', 'Text messages and calls', 'United States', 'Communication'],
  ['Atelier Visio SAS', 'FR', 'Video meetings with support', 'Paris, France', 'Communication'],
  ['Meridian Help Desk, Inc.', 'US', 'Answering of support requests', 'Ireland', 'Support'],
  ['Solvik Analytics AB', 'SE', 'Measuring how the product is used', 'Stockholm, Sweden', 'Insight'],
  ['Tanaka Translation K.K.', 'JP', 'Translation of what members write', 'Tokyo, Japan', 'Insight'],
  ['Quittung & Partner eG', 'DE', 'Invoices and receipts', 'Hamburg, Germany', 'Billing'],
] as const;

/** Which state of the list: what each version changed against the one before. */
export function companyList(state: 1 | 2 | 3 | 4) {
  const idOf = (name: string) =>
    name
      .toLowerCase()
      .normalize('NFD')
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '');
  const subProcessors = vendors
    .map((vendor, index) => [...vendor, index] as const)
    .filter(([name]) => state >= 2 || !name.startsWith('Tanaka'))
    .filter(([name]) => state < 3 || !name.startsWith('Kestrel'))
    .map(([name, country, purpose, location, group, index]) => ({
      id: idOf(name),
      name,
      country,
      group,
      website: `https://www.${idOf(name)}.example`,
      contact: `privacy@${idOf(name)}.example`,
      purposes: state === 4 && index === 0 ? [purpose, 'Search in documents'] : [purpose],
      dataLocations: [state >= 3 && name.startsWith('Ringwood') ? 'Ireland' : location],
      securityMeasures: ['ISO 27001 certificate', 'Encryption in transit and at rest'],
      ...(['US', 'JP'].includes(country) ? { transferMechanisms: ['Standard contractual clauses, module 3'] } : {}),
      dataCategories:
        index % 3 === 0
          ? { members: ['name', 'e-mail-address', 'ip-address'], managers: ['name', 'invoices'] }
          : { members: ['e-mail-address'] },
    }));
  const added = {
    id: 'larkspur-assistants-inc',
    name: 'Larkspur Assistants, Inc.',
    country: 'US',
    group: 'Support',
    purposes: ['Drafts of answers to support requests'],
    website: 'https://www.larkspur.example',
    dataCategories: { members: ['name', 'e-mail-address'] },
  };
  return {
    title: 'Sub-processors of Brightwave',
    introduction:
      'Brightwave runs a community for companies and their customers. The vendors below process personal data for us, each under an agreement that meets Art. 28 GDPR.',
    services: [
      { id: 'community', name: 'Community' },
      { id: 'surveys', name: 'Surveys' },
    ],
    statements: [{ id: 'residency', text: 'Content of members is stored in the European Union.' }],
    dataSubjects: [
      {
        id: 'members',
        name: 'Members',
        description: 'Whoever reads or writes in the community.',
        dataCategories: [
          { id: 'name', name: 'name', purpose: 'Identification', legalBasis: 'Contract', retention: '2 years' },
          {
            id: 'e-mail-address',
            name: 'e-mail address',
            purpose: 'Messages',
            legalBasis: 'Contract',
            retention: state >= 2 ? '1 year' : '2 years',
          },
          {
            id: 'ip-address',
            name: 'IP address',
            purpose: 'Security',
            legalBasis: 'Legitimate interest',
            retention: '30 days',
          },
        ],
      },
      {
        id: 'managers',
        name: 'Managers',
        description: 'Employees of the customer who run a community.',
        dataCategories: [
          { id: 'name', name: 'name', purpose: 'Identification', legalBasis: 'Contract', retention: '3 years' },
          {
            id: 'invoices',
            name: 'invoices',
            purpose: 'Accounting',
            legalBasis: 'Legal obligation',
            retention: '10 years',
          },
        ],
      },
    ],
    subProcessors: state === 4 ? [...subProcessors, added] : subProcessors,
  };
}

const people = `email,company,locale,services,status,confirmedAt,consent,kind,group,entitlement
privacy@alpenblick.example,Alpenblick Versicherung a. G.,de,,,,,contractual,dpa-60,DPA of 4 January 2026
dpo@castell.example,Castell & Fils SA,en,,,,,contractual,dpa-60,"DPA of 12 March 2026, annex 2"
datenschutz@moorhof.example,Moorhof Molkereien eG,de,community,,,,contractual,,DPA of 1 June 2026
legal@northgate.example,Northgate Logistics Ltd,en,,,,,contractual,,MSA of 2025
gone@whitfield.example,Whitfield Press,en,,,,,contractual,,DPA of 9 May 2026
ana.ruiz@olivar.example,Cooperativa El Olivar,en,surveys,confirmed,2026-06-01,signed up at the trade fair of June 2026,,,
it@steinmann.example,Steinmann Werkzeuge,de,,confirmed,2026-07-14,form of the old website,,,
compliance@lumen.example,Lumen Optics,en,,confirmed,2026-08-02,by mail to the account manager,,,
office@bakker.example,Bakker en Zonen B.V.,en,community,confirmed,2026-09-21,form of the old website,,,
slow@fjordbank.example,Fjordbank ASA,en,,confirmed,2026-10-05,form of the old website,,,
noor@tessera.example,Tessera Studios,en,,,,,,,
team@waldecho.example,Waldecho Verlag,de,,,,,,,
`;

/** Where the pictures come from. */
export interface Company {
  app: TestApp;
  base: string;
  /** Where the first admin comes in, for as long as nobody has. */
  setupLink: string;
}

/** The service as it is before anybody has come in. */
export async function openCompany(t: Test): Promise<Company> {
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const { outside } = aWorld({
    txt: {
      'brightwave.example': ['v=spf1 include:relay.example -all'],
      '_dmarc.brightwave.example': ['v=DMARC1; p=none'],
    },
    mx: { 'brightwave.example': ['mx.brightwave.example'] },
  });
  const app = await startApp(t, {
    outside,
    env: { PUBLIC_URL: base, COMPANY_NAME: 'Brightwave', MAIL_FROM: 'Brightwave <notices@brightwave.example>' },
    smtp: {
      answer: ({ stage, subject }) => {
        if (stage !== 'rcpt') return undefined;
        if (subject.startsWith('gone@')) return '550 5.1.1 The mailbox does not exist';
        return subject.startsWith('slow@') ? '450 4.2.1 The mailbox is busy, try again later' : undefined;
      },
    },
  });
  await app.http.listen({ port, host: '127.0.0.1' });
  return { app, base, setupLink: (await ensureSetupLink(app.deps)) ?? '' };
}

/** Lets the company have its year. */
export async function liveOn({ app }: Pick<Company, 'app'>): Promise<void> {
  const call = async (method: 'PUT' | 'POST', url: string, payload: object | string, type = 'application/json') => {
    const headers = { ...bearer, 'content-type': type };
    const answer = await app.inject({ method, url, headers, payload });
    if (answer.statusCode >= 300) throw new Error(`${method} ${url}: ${answer.statusCode} ${answer.body}`);
  };
  const publish = async (state: 1 | 2 | 3, request: object) => {
    await call('PUT', '/api/v1/draft', companyList(state));
    await call('POST', '/api/v1/versions', request);
    await app.settle();
  };
  await publish(1, {});
  await call('PUT', '/api/v1/notice-groups/dpa-60', { name: 'Sixty days by contract', noticeDays: 60 });
  await call('POST', '/api/v1/subscribers/import', people, 'text/csv');
  await app.settle();
  app.clock.set('2027-02-02T10:30:00Z');
  await publish(2, { message: 'Members can soon read what others write in their own language.' });
  app.clock.set('2027-04-12T08:15:00Z');
  await publish(3, { message: 'Copies for disaster recovery move into our own data centre.' });
  app.clock.advance({ hours: 3 });
  const [mail] = app.relay.mailTo('ana.ruiz@olivar.example').reverse();
  const link = (await mail?.links())?.find((one) => one.includes('/objections/')) ?? '';
  const grounds =
    'Our members are bound by professional secrecy. Please tell us what Ringwood Telephony stores, and for how long.';
  await sendForm(app, new URL(link).pathname, { grounds });
  const [other] = app.relay.mailTo('compliance@lumen.example').reverse();
  await sendForm(app, new URL((await other?.links())?.find((one) => one.includes('/unsubscribe/')) ?? '').pathname, {});
  await app.settle();
  app.clock.set('2027-04-14T09:00:00Z');
  await call('PUT', '/api/v1/draft', companyList(4));
}

/** Stops the service for three days: what waited then waits now for somebody's word. */
export async function holdMail({ app }: Pick<Company, 'app'>): Promise<void> {
  await checkIn(app.deps);
  app.clock.advance({ days: 3 });
  await checkIn(app.deps);
}

/** The newest rows of a kind, for addresses of pages. */
export async function newest(
  { app }: Pick<Company, 'app'>,
  table: 'subscribers' | 'deliveries',
  where: string,
): Promise<number> {
  const { rows } = await app.database.pool.query(`select max(id)::int as id from ${table} where ${where}`);
  return z.array(z.object({ id: z.number() })).parse(rows)[0]?.id ?? 0;
}

/** What the service counts by itself within a minute. */
export async function countFigures({ app }: Company): Promise<void> {
  const today = dayOf(app.clock.now(), app.deps.config.timeZone);
  await countSubscribers(app.deps, today);
  await countDeliveries(app.deps, today);
}
