import { systemActor } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import type { Tx } from '../database/transaction.js';
import { suppressQueued } from '../deliveries/suppress.js';
import { insertSuppression } from './limit-queries.js';
import { insertEvent, lockSubscriber, type SuppressionReason } from './queries.js';

/**
 * Nothing more is mailed to the address of a subscriber, until its owner confirms anew (an `admin`
 * reason holds against that as well). Their status stays: they never said that they want to leave.
 * Idempotent: the first reason and time stay.
 *
 * @param detail what the relay said, without addresses
 * @returns false when the address was suppressed before, or the person is gone
 */
export async function suppressAddress(
  tx: Tx,
  subscriberId: number,
  reason: Exclude<SuppressionReason, 'erased'>,
  detail: string | null,
  at: Date,
): Promise<boolean> {
  const subscriber = await lockSubscriber(tx, subscriberId);
  if (subscriber === null) return false;
  const added = await insertSuppression(tx, { emailHash: subscriber.emailHash, reason, detail, at });
  if (!added) return false;
  await suppressQueued(tx, subscriberId, reason, at);
  await insertEvent(tx, { subscriberId, at, kind: 'suppressed', detail: { reason } });
  await recordAudit(tx, {
    at,
    actor: systemActor,
    action: 'subscriber.suppressed',
    subject: `subscriber ${subscriberId}`,
    detail: { reason },
  });
  return true;
}
