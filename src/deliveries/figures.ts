import type { Db } from '../database/query.js';
import { transaction } from '../database/transaction.js';
import type { Deps } from '../deps.js';
import { countDays, type DeliveryPeriod, selectPeriods } from './figure-queries.js';

export { type DeliveryPeriod, lastingStates } from './figure-queries.js';

/**
 * Counts what became of mails, day by day. May run anywhere at any time; after the first time it looks at
 * two days only.
 * @param today the day in TIME_ZONE
 */
export async function countDeliveries(deps: Pick<Deps, 'db' | 'now' | 'config'>, today: string): Promise<void> {
  await transaction(deps.db, (tx) => countDays(tx, { today, timeZone: deps.config.timeZone, at: deps.now() }));
}

/**
 * What was counted, by periods. Those without a mail may be left out.
 * @param range.since a day; null: from the first
 */
export async function deliveryFigures(
  db: Db,
  range: { since: string | null; unit: 'day' | 'week' | 'month' | 'year' },
): Promise<DeliveryPeriod[]> {
  return selectPeriods(db, range);
}
