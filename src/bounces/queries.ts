import { z } from 'zod';
import { type Db, maybeOne } from '../database/query.js';
import { sql } from '../database/sql.js';

/** Whether an address that bounced is still the one that the subscriber has. */
export async function isAddressOf(db: Db, subscriberId: number, recipientHash: Buffer): Promise<boolean> {
  const found = await maybeOne(
    db,
    z.object({ id: z.number() }),
    sql`select id from subscribers where id = ${subscriberId} and email_hash = ${recipientHash}`,
  );
  return found !== null;
}
