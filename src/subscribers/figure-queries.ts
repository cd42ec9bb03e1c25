import { z } from 'zod';
import { type Db, many, maybeOne, one, run } from '../database/query.js';
import { sql } from '../database/sql.js';
import type { Tx } from '../database/transaction.js';

/* How many people there are, day by day in TIME_ZONE. */

/** One counter at a time: two that make up the days before would meet in them. */
export async function lockDays(tx: Tx): Promise<void> {
  await run(tx, sql`lock table subscriber_days in share row exclusive mode`);
}

const Day = z.object({ day: z.string() });

/** The last day of which there is a count; null: there is none. */
export async function lastDay(tx: Tx): Promise<string | null> {
  const found = await maybeOne(tx, Day, sql`select day from subscriber_days order by day desc limit 1`);
  return found?.day ?? null;
}

/**
 * Makes up the days up to and without `today` from the events of those who are still there.
 */
export async function insertDaysBefore(tx: Tx, { today, timeZone }: { today: string; timeZone: string }) {
  await run(
    tx,
    sql`with moves as (
        select (e.at at time zone ${timeZone})::date as day, s.status,
          coalesce(lag(s.status) over (partition by e.subscriber_id order by e.id), 'pending') as before,
          row_number() over (partition by e.subscriber_id order by e.id) = 1 as first
        from subscriber_events e cross join lateral (select status_after(e.kind, e.detail)) s (status)
        where s.status is not null
      ), moved as (
        select day,
          count(*) filter (where status = 'confirmed' and before <> 'confirmed') as gained,
          count(*) filter (where status = 'unsubscribed' and before = 'confirmed') as lost_unsubscribed,
          count(*) filter (where status = 'suppressed' and before = 'confirmed') as lost_suppressed,
          count(*) filter (where status = 'confirmed') - count(*) filter (where before = 'confirmed') as confirmed,
          count(*) filter (where status = 'unsubscribed') - count(*) filter (where before = 'unsubscribed') as unsubscribed,
          count(*) filter (where status = 'suppressed') - count(*) filter (where before = 'suppressed') as suppressed,
          count(*) filter (where first) as settled
        from moves group by day
      ), came as (
        select (created_at at time zone ${timeZone})::date as day, count(*) as people from subscribers group by 1
      ), days as (
        select generate_series(
          (select min(day) from (select day from moved union all select day from came) known),
          ${today}::date - 1, interval '1 day')::date as day
      )
      insert into subscriber_days (day, confirmed, pending, unsubscribed, suppressed,
        gained, lost_unsubscribed, lost_suppressed, lost_erased)
      select day,
        greatest(0, sum(coalesce(confirmed, 0)) over sofar),
        greatest(0, sum(coalesce(people, 0) - coalesce(settled, 0)) over sofar),
        greatest(0, sum(coalesce(unsubscribed, 0)) over sofar),
        greatest(0, sum(coalesce(suppressed, 0)) over sofar),
        coalesce(gained, 0), coalesce(lost_unsubscribed, 0), coalesce(lost_suppressed, 0), 0
      from days left join moved using (day) left join came using (day)
      window sofar as (order by day)
      on conflict (day) do nothing`,
  );
}

/**
 * Counts from the day before `since` to today: how many there are now stands at today, who came and went
 * at their days. Days between, on which nobody counted, keep what was there before. A number of those who
 * came or went never falls, as an erasure takes the events along.
 */
export async function countDays(
  tx: Tx,
  count: { since: string; today: string; timeZone: string; at: Date },
): Promise<void> {
  const { since, today, timeZone, at } = count;
  const start = sql`((${since}::date - 1)::timestamp at time zone ${timeZone})`;
  await run(
    tx,
    sql`with moved as (
        select (e.at at time zone ${timeZone})::date as day,
          count(*) filter (where s.status = 'confirmed' and before.status is distinct from 'confirmed') as gained,
          count(*) filter (where s.status = 'unsubscribed' and before.status = 'confirmed') as lost_unsubscribed,
          count(*) filter (where s.status = 'suppressed' and before.status = 'confirmed') as lost_suppressed
        from subscriber_events e
        cross join lateral (select status_after(e.kind, e.detail)) s (status)
        left join lateral (
          select status_after(p.kind, p.detail) as status from subscriber_events p
          where p.subscriber_id = e.subscriber_id and p.id < e.id and status_after(p.kind, p.detail) is not null
          order by p.id desc limit 1) before on true
        where e.at >= ${start} and s.status is not null
        group by 1
      ), erased as (
        select (at at time zone ${timeZone})::date as day, count(*) as people from audit_log
        where action = 'subscriber.erased' and at >= ${start} and detail->>'was' = 'confirmed'
        group by 1
      ), present as (
        select count(*) filter (where x.email_hash is null and s.status = 'confirmed') as confirmed,
          count(*) filter (where x.email_hash is null and s.status = 'pending') as pending,
          count(*) filter (where x.email_hash is null and s.status = 'unsubscribed') as unsubscribed,
          count(x.email_hash) as suppressed
        from subscribers s left join suppressions x using (email_hash)
      )
      insert into subscriber_days as kept (day, confirmed, pending, unsubscribed, suppressed,
        gained, lost_unsubscribed, lost_suppressed, lost_erased, counted_at)
      select d.day,
        case when d.day = ${today} then present.confirmed else before.confirmed end,
        case when d.day = ${today} then present.pending else before.pending end,
        case when d.day = ${today} then present.unsubscribed else before.unsubscribed end,
        case when d.day = ${today} then present.suppressed else before.suppressed end,
        coalesce(moved.gained, 0), coalesce(moved.lost_unsubscribed, 0), coalesce(moved.lost_suppressed, 0),
        coalesce(erased.people, 0), ${at}
      from (select generate_series(${since}::date - 1, ${today}::date, interval '1 day')::date as day) d
      cross join present
      left join moved using (day)
      left join erased using (day)
      left join lateral (
        select * from subscriber_days b where b.day <= d.day order by b.day desc limit 1) before on true
      where d.day = ${today} or before.day is not null
      on conflict (day) do update set
        confirmed = excluded.confirmed, pending = excluded.pending,
        unsubscribed = excluded.unsubscribed, suppressed = excluded.suppressed,
        gained = greatest(kept.gained, excluded.gained),
        lost_unsubscribed = greatest(kept.lost_unsubscribed, excluded.lost_unsubscribed),
        lost_suppressed = greatest(kept.lost_suppressed, excluded.lost_suppressed),
        lost_erased = case when kept.counted_at is null then kept.lost_erased
          else greatest(kept.lost_erased, excluded.lost_erased) end,
        counted_at = case when kept.day = ${today} or kept.counted_at is not null then excluded.counted_at end`,
  );
}

const Period = z.object({
  day: z.string(),
  confirmed: z.number(),
  pending: z.number(),
  unsubscribed: z.number(),
  suppressed: z.number(),
  gained: z.number(),
  lostUnsubscribed: z.number(),
  lostSuppressed: z.number(),
  lostErased: z.number(),
});
/** A day, week, month or year, by its first day: who came and went in it, and who was there at its end. */
export type SubscriberPeriod = z.infer<typeof Period>;

/** Periods of which anything is known, the oldest first. */
export async function selectPeriods(
  db: Db,
  range: { since: string | null; unit: 'day' | 'week' | 'month' | 'year' },
): Promise<SubscriberPeriod[]> {
  return many(
    db,
    Period,
    sql`select date_trunc(${range.unit}, day::timestamp)::date as day,
        (array_agg(confirmed order by day desc))[1] as confirmed,
        (array_agg(pending order by day desc))[1] as pending,
        (array_agg(unsubscribed order by day desc))[1] as unsubscribed,
        (array_agg(suppressed order by day desc))[1] as suppressed,
        sum(gained) as gained, sum(lost_unsubscribed) as "lostUnsubscribed",
        sum(lost_suppressed) as "lostSuppressed", sum(lost_erased) as "lostErased"
      from subscriber_days where day >= coalesce(${range.since}::date, '-infinity')
      group by 1 order by 1`,
  );
}

const Counted = z.object({ at: z.date().nullable(), since: z.string().nullable() });

/** When it was counted last, and since which day it is. */
export async function selectCounted(db: Db): Promise<z.infer<typeof Counted>> {
  return one(
    db,
    Counted,
    sql`select max(counted_at) as at, min(day) filter (where counted_at is not null) as since from subscriber_days`,
  );
}
