import type { Db } from '../database/query.js';
import { type DeliveryState, deliveryStates } from '../deliveries/delivery.js';
import { countByState, type DeliveryRow, type NoticeProgress, selectDeliveries, selectNoticesOf } from './queries.js';
import { type Carrier, selectCarrier } from './quiet-queries.js';

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
  notices: NoticeProgress[];
  /** The later version whose notice told, or will tell, of this one as well; null: its own does, or none. */
  toldWith: number | null;
  /** The later version that took all of it back within the quiet time, so that nobody is told. */
  takenBackBy: number | null;
  /** Not before then goes the mail that tells of it; null where there is none. */
  sendAfter: Date | null;
  /** Its quiet time is not over, so a later version may still take it over. */
  waits: boolean;
}

export interface DeliveryPage {
  deliveries: DeliveryRow[];
  /** `after` of the next page; null at the end. */
  next: number | null;
}

/** Counts, and whether the run is complete. */
export async function deliveryReport(db: Db, version: number): Promise<DeliveryReport> {
  // In this order: a fan-out that ends between the two makes the report cautious, not wrong.
  const teller = await selectCarrier(db, version);
  const other = teller === null || teller.endsWith === version ? null : teller;
  const notices = await selectNoticesOf(db, version);
  const isOtherDone =
    other === null ||
    other.noticeId === null ||
    (other.fannedOutAt !== null &&
      (await countByState(db, [other.noticeId])).every(({ state }) => !unsettled.has(state)));
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
      counts.queued + counts.sending + counts.deferred === 0 &&
      isOtherDone,
    notices,
    toldWith: other?.noticeId ? other.endsWith : null,
    takenBackBy: other !== null && other.noticeId === null ? other.endsWith : null,
    sendAfter: teller?.sendAfter ?? null,
    waits: teller !== null && isWaiting(teller),
  };
}

/** It waits, and was not called off meanwhile. */
function isWaiting({ waits, fannedOutAt }: Carrier): boolean {
  return waits && fannedOutAt === null;
}

const unsettled: ReadonlySet<DeliveryState> = new Set(['queued', 'sending', 'deferred']);

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
