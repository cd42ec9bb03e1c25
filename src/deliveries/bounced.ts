import type { Db } from '../database/query.js';
import type { Tx } from '../database/transaction.js';
import { type KnownDelivery, selectByMessageId, selectKnown, selectLastTo, setBounced } from './queries.js';

/**
 * The delivery that a bounce is about: by the number that its envelope sender carried (return-path.ts),
 * else the Message-ID that came back, else the last mail that the relay took for the address.
 */
export async function findBounced(
  db: Db,
  traces: { deliveryId?: number | null; messageId: string | null; recipientHashes: readonly Buffer[] },
): Promise<KnownDelivery | null> {
  const byNumber = traces.deliveryId == null ? null : await selectKnown(db, traces.deliveryId);
  if (byNumber !== null) return byNumber;
  const byId = traces.messageId === null ? null : await selectByMessageId(db, traces.messageId);
  if (byId !== null) return byId;
  for (const hash of traces.recipientHashes) {
    const byAddress = await selectLastTo(db, hash);
    if (byAddress !== null) return byAddress;
  }
  return null;
}

/**
 * Books that a mail which the relay had taken came back.
 * @returns false when that was booked before
 */
export async function markBounced(
  tx: Tx,
  id: number,
  bounce: { reason: string; response: string; at: Date },
): Promise<boolean> {
  return setBounced(tx, id, bounce.reason, bounce.response, bounce.at);
}
