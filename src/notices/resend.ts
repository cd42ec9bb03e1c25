import type { Actor } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import type { Db } from '../database/query.js';
import { transaction } from '../database/transaction.js';
import { requeue } from '../deliveries/requeue.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { holdRecipient, type Sent, selectSent } from './resend-queries.js';

/** Why a delivery is not to be sent again. */
export type NotResendable = 'letter' | 'erased' | 'left' | 'suppressed' | 'withdrawn';

/**
 * Sends a notice to one recipient again: to the address that they have now, as a new message, with the
 * same content. Their row stays the one row of person and version; the history tells of both mails.
 * What waits is tried at once; what is on its way stays as it is, so that a double click sends one mail.
 * Refuses `delivery.missing`, and `delivery.not-resendable` where nothing may be sent.
 */
export async function resendNotice(deps: Pick<Deps, 'db' | 'now'>, deliveryId: number, actor: Actor): Promise<void> {
  const at = deps.now();
  await transaction(deps.db, async (tx) => {
    await holdRecipient(tx, deliveryId);
    const sent = await selectSent(tx, deliveryId);
    if (sent === null) throw new Refusal('delivery.missing', `there is no delivery ${deliveryId}`);
    const because = obstacleOf(sent);
    if (because !== null) {
      throw new Refusal('delivery.not-resendable', `Delivery ${deliveryId} is not sent again: ${sentences[because]}.`);
    }
    const before = await requeue(tx, deliveryId, at);
    await recordAudit(tx, {
      at,
      actor,
      action: 'delivery.resent',
      subject: `delivery ${deliveryId}`,
      detail: { version: sent.version, before: before?.state ?? null, reason: before?.reason ?? null },
    });
  });
}

/** What stands against sending it again; null: nothing does, or there is no such delivery. */
export async function resendObstacle(db: Db, deliveryId: number): Promise<NotResendable | null> {
  const sent = await selectSent(db, deliveryId);
  return sent === null ? null : obstacleOf(sent);
}

function obstacleOf(sent: Sent): NotResendable | null {
  if (sent.kind !== 'notice') return 'letter';
  if (sent.subscriberId === null || sent.status === null) return 'erased';
  if (sent.status !== 'confirmed') return 'left';
  if (sent.suppressedBecause !== null) return 'suppressed';
  return sent.withdrawn && sent.noticeKind === 'change' ? 'withdrawn' : null;
}

const sentences: Readonly<Record<NotResendable, string>> = {
  letter: 'it is no notice of a version',
  erased: 'its recipient was erased',
  left: 'its recipient does not want notices any more',
  suppressed: 'nothing is mailed to its address, which has to be mended or confirmed anew first',
  withdrawn: 'the version that it announces was withdrawn',
};
