import { z } from 'zod';
import { type Db, many, one } from '../database/query.js';
import { sql } from '../database/sql.js';
import { deliveryStates } from '../deliveries/delivery.js';

/*
 * What a running notice is asked once a second, while somebody watches: each statement reads a bounded
 * number of rows, however many recipients there are.
 */

/** Mail goes in the order of its rows, give or take what is at hand at one time. */
const nearTheEnds = 1_000;

const Span = z.object({ first: z.date().nullable(), last: z.date().nullable() });

/** When the relay took the first and the last mail, among the rows at either end of those that were sent. */
export async function selectSpan(db: Db, noticeIds: readonly number[]): Promise<z.infer<typeof Span>> {
  return one(
    db,
    Span,
    sql`select min(ends.first) as first, max(ends.last) as last
      from unnest(${noticeIds}::bigint[]) as of_notice (id)
      cross join lateral (
        select
          (select min(sent_at) from (
            select sent_at from deliveries where notice_id = of_notice.id and state = 'sent'
            order by id limit ${nearTheEnds}) oldest) as first,
          (select max(sent_at) from (
            select sent_at from deliveries where notice_id = of_notice.id and state = 'sent'
            order by id desc limit ${nearTheEnds}) newest) as last) ends`,
  );
}

/** Retries are spread over minutes and hours, so that the first of them are enough to know when it goes on. */
const enoughDeferred = 10_000;

/** When the next of the mails that were put off is tried, among the first of them; null: none was. */
export async function selectNextDue(db: Db, noticeIds: readonly number[]): Promise<Date | null> {
  const { due } = await one(
    db,
    z.object({ due: z.date().nullable() }),
    sql`select min(deferred.due_at) as due
      from unnest(${noticeIds}::bigint[]) as of_notice (id)
      cross join lateral (
        select due_at from deliveries where notice_id = of_notice.id and state = 'deferred'
        order by id limit ${enoughDeferred}) deferred`,
  );
  return due;
}

const Unreached = z.object({ state: z.enum(deliveryStates), reason: z.string().nullable(), count: z.number() });
/** Recipients who do not have the notice, or not yet, by what kept it from them. */
export type Unreached = z.infer<typeof Unreached>;

/** Those that the notice was none of the business of are left out: nobody meant to reach them. */
export async function countUnreached(db: Db, noticeIds: readonly number[]): Promise<Unreached[]> {
  return many(
    db,
    Unreached,
    sql`select state, reason, count(*) as count from deliveries
      where notice_id = any(${noticeIds}::bigint[])
        and (state in ('bounced', 'failed', 'deferred')
          or (state = 'suppressed' and reason is distinct from 'out-of-scope' and reason is distinct from 'not-material'))
      group by state, reason order by count desc, state, reason`,
  );
}
