import { z } from 'zod';
import { maybeOne } from '../database/query.js';
import { sql } from '../database/sql.js';
import type { Tx } from '../database/transaction.js';

/**
 * Locks a subscriber, if an address that bounced is still theirs.
 * @returns false when they have moved to another one, or are gone
 */
export async function lockOwner(tx: Tx, subscriberId: number, recipientHash: Buffer): Promise<boolean> {
  const found = await maybeOne(
    tx,
    z.object({ id: z.number() }),
    sql`select id from subscribers where id = ${subscriberId} and email_hash = ${recipientHash} for no key update`,
  );
  return found !== null;
}
