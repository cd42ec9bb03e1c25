import { z } from 'zod';
import { type Db, many, run } from '../database/query.js';
import { sql } from '../database/sql.js';
import type { Tx } from '../database/transaction.js';

export const lastingStates = ['sent', 'bounced', 'failed', 'suppressed'] as const;

/**
 * Counts mails by the day on which they reached a state that lasts, from the day before the last count to
 * today; the first time from the beginning. A number never falls: that a mail went once more later does not
 * undo what happened on that day.
 */
export async function countDays(tx: Tx, count: { today: string; timeZone: string; at: Date }): Promise<void> {
  const { today, timeZone, at } = count;
  await run(
    tx,
    sql`with start as materialized (
        select coalesce((max(day) - 1)::timestamp at time zone ${timeZone}, '-infinity') as at from delivery_days
      ), counted as (
        select (sent_at at time zone ${timeZone})::date as day, 'sent' as state, count(*) as count
        from deliveries where sent_at >= (select start.at from start) group by 1
        union all
        select (settled_at at time zone ${timeZone})::date, state, count(*)
        from deliveries
        where state in ('bounced', 'failed', 'suppressed') and settled_at >= (select start.at from start)
        group by 1, 2
        union all
        -- So that the next count knows where this one ended, on a day without any mail as well.
        select ${today}::date, 'failed', 0
      )
      insert into delivery_days as kept (day, state, count, counted_at)
      select day, state, sum(count), ${at} from counted group by 1, 2 order by 1, 2
      on conflict (day, state) do update set
        count = greatest(kept.count, excluded.count), counted_at = excluded.counted_at`,
  );
}

const Period = z.object({
  day: z.string(),
  sent: z.number(),
  bounced: z.number(),
  failed: z.number(),
  suppressed: z.number(),
});
/** A day, week, month or year, by its first day, and what became of mails in it. */
export type DeliveryPeriod = z.infer<typeof Period>;

export async function selectPeriods(
  db: Db,
  range: { since: string | null; unit: 'day' | 'week' | 'month' | 'year' },
): Promise<DeliveryPeriod[]> {
  return many(
    db,
    Period,
    sql`select date_trunc(${range.unit}, day::timestamp)::date as day,
        coalesce(sum(count) filter (where state = 'sent'), 0) as sent,
        coalesce(sum(count) filter (where state = 'bounced'), 0) as bounced,
        coalesce(sum(count) filter (where state = 'failed'), 0) as failed,
        coalesce(sum(count) filter (where state = 'suppressed'), 0) as suppressed
      from delivery_days where day >= coalesce(${range.since}::date, '-infinity')
      group by 1 order by 1`,
  );
}
