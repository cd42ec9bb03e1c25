import type { Tx } from '../database/transaction.js';
import type { Undelivered } from '../deliveries/sender.js';
import { suppressAddress } from '../subscribers/suppression.js';
import { openTask } from '../tasks/open.js';
import { lockOwner, type Owner } from './queries.js';
import { kindOfReason, mailsTo } from './soft-history.js';
import { isGivenUp } from './soft-rule.js';

/**
 * Nothing more goes to addresses of which a mail system said that nobody is there, in the transaction
 * that books the answer, and before that is booked: everybody locks a person before their deliveries.
 * One that was full once more is given up by the rule for those (soft-rule.ts). Whoever has moved to another
 * address meanwhile keeps it. A contact that a contract entitles is a task for the admins, since the notice
 * is owed.
 */
export async function followUndelivered(tx: Tx, people: readonly Undelivered[]): Promise<void> {
  // In the order of ids, as everybody locks subscribers.
  const inOrder = [...people].sort((a, b) => (a.subscriberId ?? 0) - (b.subscriberId ?? 0));
  for (const { subscriberId, recipientHash, state, reason, at } of inOrder) {
    const owner = subscriberId === null ? null : await lockOwner(tx, subscriberId, recipientHash);
    if (owner === null) continue;
    if (state === 'failed') await reportBouncedContact(tx, owner, { because: 'failed', reason, at });
    else if (kindOfReason(reason) !== 'soft') await giveUp(tx, owner, { because: 'hard-bounce', reason, at });
    else if (isGivenUp([{ at, became: 'soft' }, ...(await mailsTo(tx, owner.id, at))])) {
      await giveUp(tx, owner, { because: 'soft-bounces', reason, at });
    } else await reportBouncedContact(tx, owner, { because: 'soft', reason, at });
  }
}

/**
 * Suppresses the address of somebody who is locked.
 * @returns false when it was suppressed before
 */
export async function giveUp(
  tx: Tx,
  owner: Owner,
  why: { because: 'hard-bounce' | 'soft-bounces'; reason: string; at: Date },
): Promise<boolean> {
  const { because, reason, at } = why;
  const added = await suppressAddress(tx, owner.id, because, reason, at);
  if (added) await reportBouncedContact(tx, owner, why);
  return added;
}

/**
 * Mail to somebody who is locked came back, whether or not more is sent there: a contact that a contract
 * entitles does not have the notice, so it is a task for the admins; one is open at a time.
 */
export async function reportBouncedContact(
  tx: Tx,
  owner: Owner,
  {
    because,
    reason,
    at,
  }: { because: 'hard-bounce' | 'soft-bounces' | 'soft' | 'block' | 'failed'; reason: string; at: Date },
): Promise<void> {
  if (owner.kind !== 'contractual') return;
  await openTask(tx, {
    kind: 'bounced-contact',
    subscriberId: owner.id,
    subject: `subscriber ${owner.id}`,
    detail: { because, reason },
    at,
  });
}
