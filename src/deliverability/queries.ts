import { z } from 'zod';
import { type Db, one } from '../database/query.js';
import { sql } from '../database/sql.js';

/** Newest rows that are looked at: a bound, since the outbox keeps what was sent for years. */
const newest = 2_000;

/** When the relay last took a mail, among the newest of the outbox; null: none of them. */
export async function selectLastAccepted(db: Db): Promise<Date | null> {
  const { at } = await one(
    db,
    z.object({ at: z.date().nullable() }),
    sql`select max(sent_at) as at from (select sent_at from deliveries order by id desc limit ${newest}) newest`,
  );
  return at;
}
