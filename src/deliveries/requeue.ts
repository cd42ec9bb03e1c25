import type { Tx } from '../database/transaction.js';
import { wake } from '../database/wake.js';
import type { DeliveryState } from './delivery.js';
import { keepFirstState, keepMessageId, lockDelivery, setDue, setQueued } from './requeue-queries.js';

/**
 * Puts a delivery into the queue again, whatever became of it: what it went through stays in its history.
 * It goes as a new message, since a mailbox passes over one that it has had already (RFC 5322, 3.6.4).
 * One that waits for its next attempt is tried at once and stays the same message. To be called with the
 * person locked, in the transaction of whoever asked for it.
 * @returns its state before; null when there is no such delivery
 */
export async function requeue(
  tx: Tx,
  id: number,
  at: Date,
): Promise<{ state: DeliveryState; reason: string | null } | null> {
  const before = await lockDelivery(tx, id);
  if (before === null) return null;
  if (before.state === 'deferred') await setDue(tx, id, at);
  else if (before.state !== 'queued' && before.state !== 'sending') {
    await keepFirstState(tx, id);
    await keepMessageId(tx, id);
    await setQueued(tx, id, at);
  }
  await wake(tx, 'deliveries');
  return before;
}
