import type { Db } from '../database/query.js';
import { type DeliveryState, deliveryStates } from '../deliveries/delivery.js';
import { browseSubscribers } from '../subscribers/browse.js';
import { type FoundDelivery, selectOfPeople, selectOfVersion, selectToldVersions } from './browse-queries.js';

export type { FoundDelivery } from './browse-queries.js';

/** What admins look for among the deliveries of notices. */
export interface DeliverySearch {
  /** Null: of every version; then `q` has to name somebody. */
  version: number | null;
  /** A state; `not-reached`: whoever has no notice, for whatever reason; null: all. */
  state: DeliveryState | 'not-reached' | null;
  /** The code of a reason, such as `mailbox-unknown`; null: all. */
  reason: string | null;
  /** A part of the address or the company; empty: everybody. */
  q: string;
  /** The `next` of the page before. */
  before: number | null;
  limit: number;
}

/** What a notice has not reached people by, or not yet. */
export const notReached: readonly DeliveryState[] = ['deferred', 'bounced', 'failed', 'suppressed'];

/** So many people may share what is looked for; with more the search says so. */
const mostPeople = 100;

/**
 * A page of the deliveries of notices, newest first.
 * @returns `tooMany`: more people fit `q` than are looked at, so it should say more
 */
export async function searchDeliveries(
  db: Db,
  search: DeliverySearch,
): Promise<{ deliveries: FoundDelivery[]; next: number | null; tooMany: boolean }> {
  const { version, state, reason, before, limit } = search;
  const states = state === null ? deliveryStates : state === 'not-reached' ? notReached : [state];
  const page = { states, reason, before, limit: limit + 1 };
  const q = search.q.trim();
  if (q === '' && version === null) return { deliveries: [], next: null, tooMany: false };
  const people = q === '' ? null : await browseSubscribers(db, { q, limit: mostPeople });
  const found =
    people === null
      ? await selectOfVersion(db, version ?? 0, page)
      : await selectOfPeople(
          db,
          people.subscribers.map(({ id }) => id),
          { ...page, version },
        );
  const deliveries = found.slice(0, limit);
  const last = deliveries.at(-1);
  return {
    deliveries,
    next: found.length > limit && last !== undefined ? last.id : null,
    tooMany: people !== null && people.next !== null,
  };
}

/** Versions that there are notices of, the latest first. */
export async function toldVersions(db: Db): Promise<number[]> {
  return selectToldVersions(db);
}
