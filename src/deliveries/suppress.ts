import type { Tx } from '../database/transaction.js';
import { forgetRecipientOf, suppressUnsent } from './queries.js';

/** Why mail that is still queued will not go. */
export type SuppressedBecause = 'unsubscribed' | 'hard-bounce' | 'soft-bounces' | 'complaint' | 'erased' | 'admin';

/**
 * Takes what is queued for a subscriber out of the queue: notices and the welcome when they left,
 * everything when the address is dead. What is being handed over at this moment gets its true
 * outcome; the sender looks again before each hand-over.
 * @returns how many deliveries will not go
 */
export async function suppressQueued(
  tx: Tx,
  subscriberId: number,
  reason: SuppressedBecause,
  at: Date,
): Promise<number> {
  return suppressUnsent(tx, subscriberId, reason, at);
}

/**
 * Takes the person out of their deliveries and keeps the proof: the keyed hash, the times and the
 * relay's answer without addresses (GDPR Art. 17(3)(e)). To be called before the subscriber's row goes.
 */
export async function forgetRecipient(tx: Tx, subscriberId: number, at: Date): Promise<void> {
  await forgetRecipientOf(tx, subscriberId, at);
}
