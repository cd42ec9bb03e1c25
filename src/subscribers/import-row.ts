import { z } from 'zod';
import { Refusal } from '../errors.js';
import { parseAddress } from '../mail/address.js';
import type { TextSource } from '../texts.js';
import type { CsvRow } from './csv.js';
import {
  readCompany,
  readEntitlement,
  readServices,
  type SubscriberKind,
  settleLocale,
  subscriberKinds,
  type ToldOf,
  toldOfChoices,
} from './details.js';
import type { Subscriber, SuppressionReason } from './queries.js';

/** PURE. What a row of a file says, and what follows from it for the address as it stands. */
export interface ImportRow {
  line: number;
  email: string;
  emailKey: string;
  /** Null in this and in all that follows: not stated, so what is there stays. */
  company: string | null;
  locale: string | null;
  services: string[] | null;
  toldOf: ToldOf | null;
  kind: SubscriberKind | null;
  /** Where the contract says that they are to be told. */
  entitlement: string | null;
  noticeGroup: string | null;
  /** Confirmed elsewhere, and `consent` says where and when; or entitled by a contract, which needs no consent. */
  confirmed: boolean;
  confirmedAt: Date | null;
  consent: string | null;
}

/** What keeps a row from being read: a code with its values for whoever words it, and the sentence of the API. */
export interface RowFault {
  fault: FaultCode;
  values: Readonly<Record<string, string>>;
  message: string;
}

export const faultCodes = [
  'email',
  'marked',
  'consent',
  'told-of',
  'kind',
  'group',
  'entitlement-missing',
  'entitlement',
  'needs-contract',
  'confirmed-at',
  'confirmed-at-future',
  'company',
  'services',
] as const;
export type FaultCode = (typeof faultCodes)[number];

const longestConsent = 2_000;
const instant = z.union([z.iso.date(), z.iso.datetime({ offset: true })]);

/**
 * @param context.known ids of the services in the list in force; null while none is published
 * @param context.groups ids of the notice groups
 * @returns the row, or why it is not taken
 */
export function readRow(
  { line, cells }: CsvRow,
  context: {
    texts: Pick<TextSource, 'locales' | 'negotiate'>;
    known: readonly string[] | null;
    groups: readonly string[];
    now: Date;
  },
): ImportRow | RowFault {
  const address = parseAddress(cells.email ?? '');
  if (address === null) return fault('email', 'email must be one plain e-mail address, such as privacy@example.org');
  const status = (cells.status ?? '').toLowerCase();
  // A file from another system, or an export of this one: who had left there is not asked again.
  if (status === 'unsubscribed' || status === 'suppressed') {
    return fault('marked', `is marked as ${status} in the file`, { status });
  }
  const consent = oneLine(cells.consent);
  if (/\p{Cc}|\p{Surrogate}/u.test(consent)) {
    return fault('consent', 'consent must be text without control characters');
  }
  const toldOf = toldOfChoices.find((choice) => choice === cells.toldOf) ?? null;
  if (toldOf === null && cells.toldOf) return fault('told-of', `toldOf must be ${toldOfChoices.join(' or ')}`);
  const contract = readContract(cells, context.groups);
  if ('fault' in contract) return contract;
  const confirmedAt = readInstant(cells.confirmedAt ?? '');
  if (confirmedAt === 'unreadable') {
    return fault('confirmed-at', 'confirmedAt must be a day such as 2027-03-01 or an instant with its zone');
  }
  if (confirmedAt !== null && confirmedAt > context.now) {
    return fault('confirmed-at-future', 'confirmedAt must not be in the future');
  }
  try {
    return {
      line,
      email: address.address,
      emailKey: address.key,
      company: readCompany(oneLine(cells.company)),
      locale: cells.locale ? settleLocale(context.texts, cells.locale) : null,
      services: readServices((cells.services ?? '').split(/[\s,;|]+/).filter(Boolean), context.known),
      toldOf,
      ...contract,
      confirmed: contract.kind === 'contractual' || (status === 'confirmed' && consent !== ''),
      confirmedAt,
      consent: consent === '' ? null : consent.slice(0, longestConsent),
    };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const isCompany = error.errors[0]?.path === 'company';
    return fault(isCompany ? 'company' : 'services', error.message, {
      services: (context.known ?? []).slice(0, 50).join(', '),
    });
  }
}

function fault(code: FaultCode, message: string, values: RowFault['values'] = {}): RowFault {
  return { fault: code, message, values };
}

type Contract = Pick<ImportRow, 'kind' | 'entitlement' | 'noticeGroup'>;

/** What a row says of a contract, or why it is not taken. */
function readContract(cells: CsvRow['cells'], groups: readonly string[]): Contract | RowFault {
  const stated = (cells.kind ?? '').toLowerCase();
  const kind = subscriberKinds.find((one) => one === stated) ?? null;
  if (kind === null && stated !== '') return fault('kind', `kind must be ${subscriberKinds.join(' or ')}`);
  const named = (cells.group ?? '').toLowerCase();
  const noticeGroup = named === '' ? null : named;
  if (noticeGroup !== null && !groups.includes(noticeGroup)) {
    const values = { group: noticeGroup.slice(0, 60), groups: groups.slice(0, 50).join(', ') };
    return fault('group', unknownGroup(noticeGroup, groups), values);
  }
  let entitlement: string | null;
  try {
    entitlement = readEntitlement(oneLine(cells.entitlement));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return fault('entitlement', error.message);
  }
  if (kind === 'contractual' && entitlement === null) {
    return fault(
      'entitlement-missing',
      'entitlement is missing: say where the contract of a contractual contact entitles them, such as "DPA of 4 January 2027"',
    );
  }
  if (kind === 'voluntary' && (entitlement !== null || noticeGroup !== null)) {
    return fault('needs-contract', needsContract);
  }
  return { kind, entitlement, noticeGroup };
}

const needsContract = 'group and entitlement are for contractual contacts: say so with the kind "contractual"';

/** A sentence that names the groups which there are. */
export function unknownGroup(group: string, groups: readonly string[]): string {
  const choice = groups.length === 0 ? 'there is none yet' : `use ${groups.slice(0, 50).join(', ')}`;
  return `group ${JSON.stringify(group.slice(0, 60))} is not known; ${choice}`;
}

/** Line breaks that somebody typed into a cell of a spreadsheet are spaces here. */
function oneLine(cell: string | undefined): string {
  return (cell ?? '').replace(/\s*[\r\n\t\v\f\u2028\u2029]+\s*/g, ' ');
}

/** A day without a time is taken from its start in UTC: no later than it can have been meant. */
function readInstant(cell: string): Date | 'unreadable' | null {
  if (cell === '') return null;
  return instant.safeParse(cell).success ? new Date(cell) : 'unreadable';
}

export type Deed =
  /** Somebody new, confirmed by the row or to be asked by mail. */
  | { kind: 'add'; confirmed: boolean }
  /** Somebody who was asked and never answered is confirmed by the row. */
  | { kind: 'confirm' }
  /** Somebody who is here: the row brings their details up to date. `ask`: they were asked, and that link has ended. */
  | { kind: 'update'; ask: boolean }
  | { kind: 'skip'; code: SkipCode; why: SkipReason; because: string };

/** Why a row is not taken, for whoever words it themselves. */
export type SkipCode = 'suppressed' | 'unsubscribed' | 'contract' | 'changed';
/** The same in detail. `changed`: it would do something else than a preview has shown. */
export type SkipReason =
  | SuppressionReason
  | 'unsubscribed'
  | 'keeps-contract'
  | 'needs-contract'
  | 'unknown-group'
  | 'changed';

const suppressed: Readonly<Record<SuppressionReason, string>> = {
  'hard-bounce': 'is suppressed, since mail to it bounced; only a confirmation by mail brings it back',
  'soft-bounces': 'is suppressed, since mail after mail to it came back; only a confirmation by mail brings it back',
  complaint: 'is suppressed, since its owner complained; only a confirmation by mail brings it back',
  erased: 'is suppressed, since its owner was erased and wants no mail; only they themselves can come back',
  admin: 'is suppressed by an admin',
};

/** Nobody who has left or cannot be reached is brought back by a file (GDPR Art. 7(3)). */
export function deedOf(
  row: Pick<ImportRow, 'confirmed' | 'kind' | 'entitlement' | 'noticeGroup'>,
  there: { subscriber: Subscriber | null; suppression: SuppressionReason | null; hasOpenLink: boolean },
): Deed {
  const { subscriber, suppression } = there;
  if (suppression !== null) {
    return { kind: 'skip', code: 'suppressed', why: suppression, because: suppressed[suppression] };
  }
  if (subscriber?.status === 'unsubscribed') {
    const because = 'has unsubscribed; only they themselves can come back';
    return { kind: 'skip', code: 'unsubscribed', why: 'unsubscribed', because };
  }
  if (subscriber?.kind === 'contractual') {
    if (row.kind === 'voluntary') {
      const because = 'is a contractual contact, which a file does not take away';
      return { kind: 'skip', code: 'contract', why: 'keeps-contract', because };
    }
  } else if (row.kind !== 'contractual' && (row.entitlement !== null || row.noticeGroup !== null)) {
    return { kind: 'skip', code: 'contract', why: 'needs-contract', because: needsContract };
  }
  if (subscriber === null) return { kind: 'add', confirmed: row.confirmed };
  if (subscriber.status === 'confirmed') return { kind: 'update', ask: false };
  return row.confirmed ? { kind: 'confirm' } : { kind: 'update', ask: !there.hasOpenLink };
}
