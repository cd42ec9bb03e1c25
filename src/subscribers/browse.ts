import type { Db } from '../database/query.js';
import { containing } from '../database/sql.js';
import { Refusal } from '../errors.js';
import type { SubscriberKind, ToldOf } from './details.js';
import {
  countStatuses,
  findSubscriber,
  hasSubscribers,
  type ListedSubscriber,
  type Status,
  type Subscriber,
  type SubscriberCounts,
  type SuppressionReason,
  selectSubscribers,
} from './queries.js';

/** For admins: whom there is, with the address in full. */
export interface SubscriberEntry {
  id: number;
  email: string;
  company: string | null;
  locale: string;
  /** Null: every service. */
  services: string[] | null;
  toldOf: ToldOf;
  /** `suppressed`, whatever else they are: nothing is mailed to them. */
  status: Status | 'suppressed';
  suppressedBecause: SuppressionReason | null;
  kind: SubscriberKind;
  /** Of a contractual contact: where the contract says so. */
  entitlement: string | null;
  noticeGroup: string | null;
  createdAt: Date;
  confirmedAt: Date | null;
  unsubscribedAt: Date | null;
}

/** Of a list: also why the last mail to them did not arrive; null when it did, or is still on its way. */
export type ListedEntry = SubscriberEntry & Pick<ListedSubscriber, 'unreached'>;

export interface SubscriberSearch {
  status?: Status | 'suppressed' | undefined;
  kind?: SubscriberKind | undefined;
  /** Id of a notice group. */
  group?: string | undefined;
  /** A part of the address or the company, in any case. */
  q?: string | undefined;
  /** The `next` of the page before. */
  after?: number | undefined;
  limit: number;
}

/** A page of subscribers, in the order in which they came. */
export async function browseSubscribers(
  db: Db,
  search: SubscriberSearch,
): Promise<{ subscribers: ListedEntry[]; next: number | null }> {
  const found = await selectSubscribers(db, {
    status: search.status ?? null,
    kind: search.kind ?? null,
    group: search.group ?? null,
    like: containing((search.q ?? '').normalize('NFC')),
    after: search.after ?? 0,
    limit: search.limit + 1,
  });
  const subscribers = found
    .slice(0, search.limit)
    .map(({ unreached, ...subscriber }) => ({ ...entryOf(subscriber), unreached }));
  const last = subscribers.at(-1);
  return { subscribers, next: found.length > search.limit && last !== undefined ? last.id : null };
}

/** @throws Refusal `subscriber.missing` */
export async function readSubscriber(db: Db, id: number): Promise<SubscriberEntry> {
  const found = await findSubscriber(db, id);
  if (found === null) throw new Refusal('subscriber.missing', `there is no subscriber ${id}`);
  return entryOf(found);
}

/** Whether there is anybody at all, whatever their status. */
export async function isAnybodyThere(db: Db): Promise<boolean> {
  return hasSubscribers(db);
}

/** How many there are of each status; everybody counts once. */
export async function countByStatus(db: Db): Promise<SubscriberCounts> {
  return countStatuses(db);
}

function entryOf(subscriber: Subscriber): SubscriberEntry {
  const { emailKey: _key, emailHash: _hash, suppression, status, ...shown } = subscriber;
  return { ...shown, status: suppression === null ? status : 'suppressed', suppressedBecause: suppression };
}
