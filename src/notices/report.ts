import type { Db } from '../database/query.js';
import { type DeliveryState, deliveryStates } from '../deliveries/delivery.js';
import type { Change } from '../list/change.js';
import { concernOf } from './order.js';
import { countByState, countConcerned, type DeliveryRow, selectDeliveries, selectNoticesOf } from './queries.js';

export type DeliveryCounts = Record<DeliveryState, number>;

/** How far the notices of a version are. */
export interface DeliveryReport {
  counts: DeliveryCounts;
  /**
   * Nobody is left to be told: everybody has their row, and none of these waits. False while any
   * recipient may still get mail, so a run that was stopped half-way never looks finished.
   */
  complete: boolean;
  /** Notices of this version: of the change, and of its withdrawal. Empty: nobody is notified of it. */
  notices: { kind: 'change' | 'withdrawal'; orderedAt: Date; fannedOutAt: Date | null }[];
}

export interface DeliveryPage {
  deliveries: DeliveryRow[];
  /** `after` of the next page; null at the end. */
  next: number | null;
}

/** Counts, and whether the run is complete. */
export async function deliveryReport(db: Db, version: number): Promise<DeliveryReport> {
  // In this order: a fan-out that ends between the two makes the report cautious, not wrong.
  const notices = await selectNoticesOf(db, version);
  const rows = await countByState(
    db,
    notices.map(({ id }) => id),
  );
  const counts: DeliveryCounts = { queued: 0, sending: 0, sent: 0, deferred: 0, bounced: 0, failed: 0, suppressed: 0 };
  for (const { state, count } of rows) counts[state] = count;
  return {
    counts,
    complete:
      notices.every(({ fannedOutAt }) => fannedOutAt !== null) &&
      counts.queued + counts.sending + counts.deferred === 0,
    notices: notices.map(({ kind, orderedAt, fannedOutAt }) => ({ kind, orderedAt, fannedOutAt })),
  };
}

const largestPage = 1_000;

/**
 * The deliveries of a version, oldest first.
 * @param options `after`: the `next` of the page before; `limit`: 1 to 1,000, 100 unless told otherwise
 */
export async function browseDeliveries(
  db: Db,
  version: number,
  options: { state?: DeliveryState | undefined; after?: number | undefined; limit?: number | undefined } = {},
): Promise<DeliveryPage> {
  const limit = Math.min(Math.max(options.limit ?? 100, 1), largestPage);
  const notices = await selectNoticesOf(db, version);
  const rows = await selectDeliveries(
    db,
    notices.map(({ id }) => id),
    options.state === undefined ? deliveryStates : [options.state],
    options.after ?? 0,
    limit + 1,
  );
  const deliveries = rows.slice(0, limit);
  const last = deliveries.at(-1);
  return { deliveries, next: rows.length > limit && last !== undefined ? last.id : null };
}

/** How many would be told of these changes if they were published now. */
export async function countRecipients(db: Db, changes: readonly Change[]): Promise<number> {
  return countConcerned(db, concernOf(changes));
}
