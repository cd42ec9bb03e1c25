import { z } from 'zod';
import { type Db, many } from '../database/query.js';
import { sql } from '../database/sql.js';

/* What is stored of one person, in their own tables and across the others. */

const EventRow = z.object({ at: z.date(), kind: z.string(), detail: z.record(z.string(), z.json()) });
export type SubscriberEvent = z.infer<typeof EventRow>;

export async function selectEvents(db: Db, subscriberId: number): Promise<SubscriberEvent[]> {
  return many(
    db,
    EventRow,
    sql`select at, kind, detail from subscriber_events where subscriber_id = ${subscriberId} order by id`,
  );
}

const MailRow = z.object({
  id: z.number(),
  kind: z.string(),
  /** The version that a notice tells of. */
  version: z.number().nullable(),
  email: z.string().nullable(),
  state: z.string(),
  reason: z.string().nullable(),
  messageId: z.string().nullable(),
  response: z.string().nullable(),
  createdAt: z.date(),
  sentAt: z.date().nullable(),
});
export type ReceivedMail = z.infer<typeof MailRow>;

export async function selectMailOf(db: Db, subscriberId: number): Promise<ReceivedMail[]> {
  return many(
    db,
    MailRow,
    sql`select d.id, d.kind, n.version, d.email, d.state, d.reason, d.message_id as "messageId", d.response,
        d.created_at as "createdAt", d.sent_at as "sentAt"
      from deliveries d left join notices n on n.id = d.notice_id
      where d.subscriber_id = ${subscriberId} order by d.id`,
  );
}

const ObjectionRow = z.object({
  version: z.number(),
  grounds: z.string(),
  receivedAt: z.date(),
  late: z.boolean(),
  state: z.string(),
});
export type SentObjection = z.infer<typeof ObjectionRow>;

export async function selectObjectionsOf(db: Db, subscriberId: number): Promise<SentObjection[]> {
  return many(
    db,
    ObjectionRow,
    sql`select version, grounds, received_at as "receivedAt", late, state from objections
      where subscriber_id = ${subscriberId} order by id`,
  );
}
