import { z } from 'zod';
import { type Db, many, maybeOne } from '../database/query.js';
import { sql } from '../database/sql.js';
import { deliveryStates, letterKinds } from './delivery.js';

/*
 * What is known of one delivery.
 */

const Facts = z.object({
  id: z.number(),
  kind: z.enum(['notice', ...letterKinds]),
  version: z.number().nullable(),
  subscriberId: z.number().nullable(),
  email: z.string().nullable(),
  messageId: z.string().nullable(),
  dueAt: z.date().nullable(),
  state: z.enum(deliveryStates),
  reason: z.string().nullable(),
  attempts: z.number(),
  response: z.string().nullable(),
  createdAt: z.date(),
  claimedAt: z.date().nullable(),
  stateAt: z.date().nullable(),
  sentAt: z.date().nullable(),
});
export type DeliveryFacts = z.infer<typeof Facts>;

export async function selectFacts(db: Db, id: number): Promise<DeliveryFacts | null> {
  return maybeOne(
    db,
    Facts,
    sql`select d.id, d.kind, n.version, d.subscriber_id as "subscriberId", d.email, d.message_id as "messageId",
        case when d.state in ('queued', 'deferred') then d.due_at end as "dueAt", d.state, d.reason, d.attempts,
        d.response, d.created_at as "createdAt", d.claimed_at as "claimedAt", d.state_at as "stateAt",
        d.sent_at as "sentAt"
      from deliveries d left join notices n on n.id = d.notice_id
      where d.id = ${id}`,
  );
}

const Transition = z.object({
  state: z.enum(deliveryStates),
  at: z.date(),
  attempts: z.number(),
  reason: z.string().nullable(),
  response: z.string().nullable(),
});

export async function selectTransitions(db: Db, deliveryId: number): Promise<z.infer<typeof Transition>[]> {
  return many(
    db,
    Transition,
    sql`select state, at, attempts, reason, response from delivery_transitions
      where delivery_id = ${deliveryId} order by id`,
  );
}
