import { readRelay } from '../deliveries/relay.js';
import type { Deps } from '../deps.js';
import { isHeld } from '../holds/hold.js';
import { countUnreached, selectNextDue, selectSpan, type Unreached } from './progress-queries.js';
import { createMeter, type Meter } from './rate.js';
import type { DeliveryCounts, DeliveryReport } from './report.js';

export type { Unreached } from './progress-queries.js';

/** How far the notices of a version are, at one moment. */
export interface Progress {
  counts: DeliveryCounts;
  /** Rows that there are; more come while the fan-out is at work. */
  total: number;
  /** Of these, those that have their result. */
  settled: number;
  complete: boolean;
  /** The fan-out has not made all rows yet. */
  preparing: boolean;
  /** The quiet time is not over, so nothing goes yet. */
  waits: boolean;
  /** Mails a second over the last ten seconds; null: not known, as nobody looked before. */
  rate: number | null;
  /** At that rate, for what may go now; what waits for another attempt is not in it. Null: not known. */
  secondsLeft: number | null;
  /** When the relay took the first mail, and the latest. */
  startedAt: Date | null;
  lastAcceptedAt: Date | null;
  /** The relay's state for all mail; `says` are its own words. */
  relay: { down: boolean; since: Date | null; says: string | null };
  /** Waits for an admin's release (holds/). */
  held: boolean;
  /** When the next of those that wait is tried, if that is ahead; null: now, or none waits. */
  nextAttemptAt: Date | null;
  /** Who has not been reached, and why; the largest group first. */
  notReached: Unreached[];
}

/** What is remembered between two looks at a version. */
export interface Memory {
  meter: Meter;
  reasons: { found: Unreached[]; complete: boolean; until: number } | null;
}

export function newMemory(): Memory {
  return { meter: createMeter(), reasons: null };
}

/** Reasons may be many rows to count, so they are looked at less often than the figures: every ten seconds, */
const reasonsFor = 10_000;
/** and less often still where counting them takes long. */
const idleShare = 20;

/**
 * Looks at the notices of a version.
 * @param report the version's, as it is now
 * @param memory of the looks before this one, which is updated; from it comes the rate
 */
export async function readProgress(
  deps: Pick<Deps, 'db' | 'now'>,
  report: DeliveryReport,
  memory: Memory,
): Promise<Progress> {
  const { db } = deps;
  const { counts, complete, notices, waits, sendAfter } = report;
  const ids = notices.map(({ id }) => id);
  const [span, relay] = [await selectSpan(db, ids), await readRelay(deps)];
  const now = deps.now();

  const settled = counts.sent + counts.bounced + counts.failed + counts.suppressed;
  const waiting = counts.queued + counts.sending;
  const preparing = !waits && notices.some(({ fannedOutAt }) => fannedOutAt === null);
  const measured = memory.meter.observe(counts.sent + counts.bounced + counts.failed, now);
  const rate = complete ? null : measured;
  const down = relay.downSince !== null;
  const oldest = notices.reduce<Date | null>(
    (at, { orderedAt }) => (at === null || orderedAt < at ? orderedAt : at),
    null,
  );

  // While anything may go at once there is nothing to wait for.
  const due = waiting > 0 || counts.deferred === 0 ? null : await selectNextDue(db, ids);
  return {
    counts,
    total: settled + waiting + counts.deferred,
    settled,
    complete,
    preparing,
    waits,
    rate: rate === null ? null : Math.round(rate * 10) / 10,
    secondsLeft: complete
      ? 0
      : rate === null || rate === 0 || preparing || down || waiting === 0
        ? null
        : Math.ceil(waiting / rate),
    startedAt: span.first,
    lastAcceptedAt: span.last,
    relay: { down, since: relay.downSince, says: relay.fault },
    held: !complete && oldest !== null && (await isHeld(db, oldest)),
    nextAttemptAt: waits ? sendAfter : due !== null && due > now ? due : null,
    notReached: await reasonsOf(deps, ids, complete, memory),
  };
}

async function reasonsOf(
  { db, now }: Pick<Deps, 'db' | 'now'>,
  ids: readonly number[],
  complete: boolean,
  memory: Memory,
): Promise<Unreached[]> {
  const at = now().getTime();
  const kept = memory.reasons;
  if (kept !== null && kept.complete === complete && at < kept.until) return kept.found;
  const found = await countUnreached(db, ids);
  const took = now().getTime() - at;
  memory.reasons = { found, complete, until: at + took + Math.max(reasonsFor, took * idleShare) };
  return found;
}
