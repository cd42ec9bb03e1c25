import { z } from 'zod';
import { many, run } from '../database/query.js';
import { sql } from '../database/sql.js';
import type { Tx } from '../database/transaction.js';

const Id = z.object({ id: z.number() });

/**
 * `s` has never confirmed and their last link began to run before that time; while a letter is on its
 * way its link has not begun.
 */
const unproven = (endedBefore: Date) => sql`s.confirmed_at is null and s.created_at < ${endedBefore}
  and (s.unsubscribed_at is null or s.unsubscribed_at < ${endedBefore})
  and not exists (
    select 1 from single_use_tokens t left join deliveries d on d.id = t.delivery_id
    where t.subscriber_id = s.id and (
      t.created_at >= ${endedBefore} or d.sent_at >= ${endedBefore}
      or d.state in ('queued', 'sending', 'deferred')))`;

/**
 * Locks people who may go; rows that somebody is at are passed over. Judged twice: who asked again
 * between the first look and the lock has a new link, which only a later statement can see.
 */
export async function lockUnproven(tx: Tx, limits: { endedBefore: Date; most: number }): Promise<number[]> {
  const { endedBefore, most } = limits;
  const locked = await many(
    tx,
    Id,
    sql`select s.id from subscribers s where ${unproven(endedBefore)}
      order by s.id limit ${most} for update of s skip locked`,
  );
  const ids = locked.map(({ id }) => id);
  const still = await many(
    tx,
    Id,
    sql`select s.id from subscribers s where s.id = any(${ids}) and ${unproven(endedBefore)} order by s.id`,
  );
  return still.map(({ id }) => id);
}

/**
 * What nobody misses: counts of letters past their memory, links that were never used and ended long
 * ago, files whose import was cut off.
 */
export async function deleteLeftovers(
  tx: Tx,
  before: { letters: Date; domains: Date; links: Date; imports: Date },
): Promise<void> {
  await run(tx, sql`delete from letter_limits where touched_at < ${before.letters}`);
  await run(tx, sql`delete from domain_limits where window_from < ${before.domains}`);
  await run(
    tx,
    sql`delete from single_use_tokens t where t.created_at < ${before.links} and t.used_at is null
      and not exists (
        select 1 from deliveries d where d.id = t.delivery_id
          and (d.state in ('queued', 'sending', 'deferred') or d.sent_at >= ${before.links}))`,
  );
  await run(tx, sql`delete from import_rows where created_at < ${before.imports}`);
}
