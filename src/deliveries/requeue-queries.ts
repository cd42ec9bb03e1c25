import { z } from 'zod';
import { maybeOne, run } from '../database/query.js';
import { sql } from '../database/sql.js';
import type { Tx } from '../database/transaction.js';
import { deliveryStates } from './delivery.js';

const Ended = z.object({ state: z.enum(deliveryStates), reason: z.string().nullable() });

/** The state of a delivery, locked until the transaction ends. */
export async function lockDelivery(tx: Tx, id: number): Promise<z.infer<typeof Ended> | null> {
  return maybeOne(tx, Ended, sql`select state, reason from deliveries where id = ${id} for update`);
}

/** The first state of a delivery that was never queued stands in its row alone, which is about to change. */
export async function keepFirstState(tx: Tx, id: number): Promise<void> {
  await run(
    tx,
    sql`insert into delivery_transitions (delivery_id, at, state, reason, response, attempts)
      select id, created_at, state, reason, response, attempts from deliveries d
      where id = ${id} and state = 'suppressed'
        and not exists (select from delivery_transitions t where t.delivery_id = d.id)`,
  );
}

/** What comes back of the mail that went before is known by its Message-ID. */
export async function keepMessageId(tx: Tx, id: number): Promise<void> {
  await run(
    tx,
    sql`insert into former_message_ids (message_id, delivery_id)
      select message_id, id from deliveries where id = ${id} and message_id is not null
      on conflict (message_id) do nothing`,
  );
}

/** Retries begin anew; that it was tried before stays, and what was answered then is in its history. */
export async function setQueued(tx: Tx, id: number, at: Date): Promise<void> {
  await run(
    tx,
    sql`update deliveries set state = 'queued', reason = null, response = null, due_at = ${at}, state_at = ${at}, settled_at = null,
        message_id = null, attempts = least(attempts, 1)
      where id = ${id}`,
  );
}

/** Tries what waits for its next attempt at once. */
export async function setDue(tx: Tx, id: number, at: Date): Promise<void> {
  await run(tx, sql`update deliveries set due_at = ${at} where id = ${id} and state = 'deferred'`);
}
