import { recordAudit } from '../audit/record.js';
import type { Db } from '../database/query.js';
import { transaction } from '../database/transaction.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { enqueueLinkedLetter } from './form-letters.js';
import { lockLetters, manageBucket, setLetters } from './limit-queries.js';
import { mayWriteAgain, recentLetters } from './limits.js';
import { subscriberOfLink } from './preferences.js';
import { findSubscriber, lockSubscriber, type Subscriber } from './queries.js';
import { findToken } from './token-queries.js';
import { hashToken } from './tokens.js';
import { hasEnded } from './validity.js';

/**
 * Mails get forwarded, so the preferences link alone shows and does little. For one's data, erasure or
 * another address a second link goes to the address itself, good for one hour (from when it went).
 * Past the limit nothing goes, and the outcome is the same.
 *
 * @param token of the preferences link
 * @throws Refusal `token.unknown`
 */
export async function requestManageLink(deps: Pick<Deps, 'db' | 'config' | 'now'>, token: string): Promise<void> {
  const keys = deps.config.secretKeys;
  const at = deps.now();
  const found = await subscriberOfLink(deps.db, keys, 'preferences', token);
  if (found === null) return;
  await transaction(deps.db, async (tx) => {
    const bucket = manageBucket(found.id);
    const letters = await lockLetters(tx, bucket, at);
    if (!mayWriteAgain('manage', letters, at)) return;
    await setLetters(tx, bucket, [...recentLetters(letters, at), at]);
    const subscriber = await lockSubscriber(tx, found.id);
    if (subscriber === null) return;
    await enqueueLinkedLetter(tx, keys, {
      kind: 'manage-link',
      purpose: 'manage',
      subscriberId: subscriber.id,
      email: subscriber.email,
      recipientHash: subscriber.emailHash,
      locale: subscriber.locale,
      detail: {},
      at,
    });
    await recordAudit(tx, {
      at,
      actor: { kind: 'subscriber', id: subscriber.id },
      action: 'subscriber.manage-link-requested',
      subject: `subscriber ${subscriber.id}`,
    });
  });
}

export interface Managed {
  id: number;
  /** In full: who holds this link has read the mailbox. */
  email: string;
  locale: string;
  status: Subscriber['status'];
}

/**
 * What the page of a manage link shows; reads only. The link may be used again within its hour.
 * @throws Refusal `token.unknown`, `token.expired`
 */
export async function readManaged(deps: Pick<Deps, 'db' | 'now'>, manageToken: string): Promise<Managed> {
  const { id, email, locale, status } = await openManageLink(deps.db, manageToken, deps.now());
  return { id, email, locale, status };
}

/**
 * The subscriber whose manage link this is.
 * @throws Refusal `token.unknown`, `token.expired`
 */
export async function openManageLink(db: Db, manageToken: string, at: Date): Promise<Subscriber> {
  const stored = await findToken(db, hashToken(manageToken));
  if (stored === null || stored.purpose !== 'manage') {
    throw new Refusal('token.unknown', 'this link is not one of ours, or the person has been erased');
  }
  if (stored.usedAt !== null || hasEnded(stored, at)) {
    throw new Refusal('token.expired', 'this link was good for one hour; ask for another one');
  }
  const subscriber = await findSubscriber(db, stored.subscriberId);
  if (subscriber === null) throw new Refusal('token.unknown', 'the person has been erased');
  return subscriber;
}
