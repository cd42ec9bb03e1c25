import type { Db } from '../database/query.js';
import { transaction } from '../database/transaction.js';
import type { Deps } from '../deps.js';
import {
  countDays,
  insertDaysBefore,
  lastDay,
  lockDays,
  type SubscriberPeriod,
  selectCounted,
  selectPeriods,
} from './figure-queries.js';

export type { SubscriberPeriod } from './figure-queries.js';

/**
 * Counts the people of today, and who came and went since the last count. Numbers alone are kept, so an
 * erasure leaves them as they are. The first time the days before are made up from those who are still
 * there. May run anywhere at any time.
 * @param today the day in TIME_ZONE
 */
export async function countSubscribers(deps: Pick<Deps, 'db' | 'now' | 'config'>, today: string): Promise<void> {
  const { timeZone } = deps.config;
  const at = deps.now();
  await transaction(deps.db, async (tx) => {
    await lockDays(tx);
    if ((await lastDay(tx)) === null) await insertDaysBefore(tx, { today, timeZone });
    const since = (await lastDay(tx)) ?? today;
    await countDays(tx, { since: since > today ? today : since, today, timeZone, at });
  });
}

/**
 * What was counted, by periods. Days of which nothing is known are left out.
 * @param range.since a day; null: from the first
 */
export async function subscriberFigures(
  db: Db,
  range: { since: string | null; unit: 'day' | 'week' | 'month' | 'year' },
): Promise<{ periods: SubscriberPeriod[]; countedAt: Date | null; countedSince: string | null }> {
  const periods = await selectPeriods(db, range);
  const { at, since } = await selectCounted(db);
  return { periods, countedAt: at, countedSince: since };
}
