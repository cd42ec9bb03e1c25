import { z } from 'zod';
import { type Db, maybeOne, run } from '../database/query.js';
import { sql } from '../database/sql.js';
import type { Tx } from '../database/transaction.js';

const Sent = z.object({
  kind: z.string(),
  subscriberId: z.number().nullable(),
  version: z.number().nullable(),
  noticeKind: z.enum(['change', 'withdrawal']).nullable(),
  /** The version was withdrawn, so what announces it is not sent any more. */
  withdrawn: z.boolean(),
  status: z.string().nullable(),
  suppressedBecause: z.string().nullable(),
});
export type Sent = z.infer<typeof Sent>;

/** Nobody erases the person, and nothing is decided about them, before this transaction ends. */
export async function holdRecipient(tx: Tx, deliveryId: number): Promise<void> {
  await run(
    tx,
    sql`select s.id from subscribers s
      where s.id = (select subscriber_id from deliveries where id = ${deliveryId}) for no key update`,
  );
}

/** A delivery with what decides whether it may be sent again. */
export async function selectSent(db: Db, deliveryId: number): Promise<Sent | null> {
  return maybeOne(
    db,
    Sent,
    sql`select d.kind, d.subscriber_id as "subscriberId", n.version, n.kind as "noticeKind",
        exists (select from withdrawals w where w.version = n.version) as withdrawn,
        s.status, (select x.reason from suppressions x where x.email_hash = s.email_hash) as "suppressedBecause"
      from deliveries d
        left join notices n on n.id = d.notice_id
        left join subscribers s on s.id = d.subscriber_id
      where d.id = ${deliveryId}`,
  );
}
