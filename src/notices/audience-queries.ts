import { z } from 'zod';
import { type Db, many } from '../database/query.js';
import { type Sql, sql } from '../database/sql.js';
import type { Concern } from './order.js';

/*
 * Whom a notice would reach if it were ordered now, by the rules of the fan-out (`insertChangeDeliveries`).
 */

/** Why nothing can be mailed to somebody; a contractual contact who left, or never confirmed, counts as well. */
const withheld = sql`case
    when s.status = 'unsubscribed' then 'unsubscribed'
    when s.status <> 'confirmed' then 'not-confirmed'
    else x.reason
  end`;

const scopeOf = ({ services, materialServices }: Concern): Sql =>
  sql`out_of_scope(s.told_of, s.services, ${services}, ${materialServices})`;

const Crowd = z.object({
  kind: z.enum(['voluntary', 'contractual']),
  group: z.string().nullable(),
  locale: z.string(),
  /** Null: they can be reached. */
  withheld: z.string().nullable(),
  /** Null: the changes are theirs. */
  scope: z.enum(['out-of-scope', 'not-material']).nullable(),
  count: z.number(),
});
/** People who are alike in all that a dry run tells. */
export type Crowd = z.infer<typeof Crowd>;

/** Everybody who is confirmed, and every contractual contact, in one reading of the table. */
export async function selectCrowds(db: Db, concern: Concern): Promise<Crowd[]> {
  return many(
    db,
    Crowd,
    sql`select s.kind, s.notice_group as "group", s.locale, ${withheld} as withheld, ${scopeOf(concern)} as scope,
        count(*) as count
      from subscribers s left join suppressions x on x.email_hash = s.email_hash
      where s.status = 'confirmed' or s.kind = 'contractual'
      group by 1, 2, 3, 4, 5`,
  );
}

const Lost = z.object({ id: z.number(), email: z.string(), reason: z.string(), group: z.string().nullable() });
/** A contractual contact whom the changes concern and nothing can be mailed to. */
export type LostContact = z.infer<typeof Lost>;

export async function selectLostContacts(db: Db, concern: Concern, limit: number): Promise<LostContact[]> {
  return many(
    db,
    Lost,
    sql`select s.id, s.email, ${withheld} as reason, s.notice_group as "group"
      from subscribers s left join suppressions x on x.email_hash = s.email_hash
      where s.kind = 'contractual' and (s.status <> 'confirmed' or x.email_hash is not null)
        and ${scopeOf(concern)} is null
      order by s.id limit ${limit}`,
  );
}
