import type { Tx } from '../database/transaction.js';
import { suppressAddress } from '../subscribers/suppression.js';
import { lockOwner } from './queries.js';

export interface DeadAddress {
  subscriberId: number | null;
  recipientHash: Buffer;
  /** Why, as a code such as `mailbox-unknown`. */
  reason: string;
  at: Date;
}

/**
 * Nothing more goes to addresses of which a mail system said that nobody is there, in the transaction
 * that books the answer, and before that is booked: everybody locks a person before their deliveries.
 * Whoever has moved to another address meanwhile keeps it.
 */
export async function suppressDeadAddresses(tx: Tx, addresses: readonly DeadAddress[]): Promise<void> {
  // In the order of ids, as everybody locks subscribers.
  const inOrder = [...addresses].sort((a, b) => (a.subscriberId ?? 0) - (b.subscriberId ?? 0));
  for (const { subscriberId, recipientHash, reason, at } of inOrder) {
    if (subscriberId === null || !(await lockOwner(tx, subscriberId, recipientHash))) continue;
    await suppressAddress(tx, subscriberId, 'hard-bounce', reason, at);
  }
}
