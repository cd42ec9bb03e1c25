import { recordAudit } from '../audit/record.js';
import { nextMoment, sharePublishing } from '../database/locks.js';
import { type Tx, transaction } from '../database/transaction.js';
import { enqueueLetter } from '../deliveries/enqueue.js';
import type { Deps } from '../deps.js';
import { applyAddressChange } from './address-change.js';
import { settleContactTasks } from './contact-tasks.js';
import { confirmDetail } from './details.js';
import { deleteSuppression, forgetLetters, formBucket } from './limit-queries.js';
import { findSubscriber, insertEvent, lockSubscriber, type Subscriber, setConfirmed } from './queries.js';
import { type Confirmation, standingOf, unknownLink } from './standing.js';
import { findToken, type StoredToken, setTokenUsed } from './token-queries.js';
import { clientHash, hashToken } from './tokens.js';

/** How things stand with a link: for GET, which mail scanners send as well, so nothing is written. */
export async function confirmState(deps: Pick<Deps, 'db' | 'now'>, token: string): Promise<Confirmation> {
  const stored = await findToken(deps.db, hashToken(token));
  if (stored === null) return unknownLink;
  return standingOf(stored, await findSubscriber(deps.db, stored.subscriberId), deps.now());
}

/**
 * The owner of the mailbox says yes: by POST from the page, any number of times and at once, with the
 * same result. Brings back who had left or bounced, and tells what was typed in the form to the row.
 * A change of address is confirmed by the same sort of link (`address-change.ts`).
 *
 * The moment of confirming is taken under the shared publishing lock: what was published before is told
 * in the welcome letter, what is published afterwards by mail of its own, nothing by neither. (A welcome
 * that waits for a relay tells how things stand when it goes, so it may name the later one as well.)
 *
 * @param evidence the client's address, kept as a keyed hash beside the one of the request
 */
export async function confirm(
  deps: Pick<Deps, 'db' | 'config' | 'now'>,
  token: string,
  evidence: { ip?: string | undefined } = {},
): Promise<Confirmation> {
  const tokenHash = hashToken(token);
  const at = deps.now();
  return transaction(deps.db, async (tx) => {
    await sharePublishing(tx);
    const found = await findToken(tx, tokenHash);
    const owner = found === null ? null : await findSubscriber(tx, found.subscriberId);
    if (found === null || owner === null) return unknownLink;
    const standing = standingOf(found, owner, at);
    // In the order in which the forms take these locks: first the count of the address, then the row.
    // Whoever holds the link has read the mailbox, so the forms may write to it anew.
    if (standing.state !== 'open') return standing;
    const keys = deps.config.secretKeys;
    const client = evidence.ip === undefined ? null : clientHash(keys, evidence.ip);
    if (found.purpose === 'change-address') {
      return applyAddressChange(tx, keys, { found, at, client });
    }

    await forgetLetters(tx, formBucket(owner.emailHash));
    const subscriber = await lockSubscriber(tx, owner.id);
    // Read again: of two equal POSTs the second waited for the lock, and the first has used the link.
    const stored = await findToken(tx, tokenHash);
    if (stored === null || subscriber === null) return unknownLink;
    const now = standingOf(stored, subscriber, at);
    if (now.state !== 'open') return now;
    await applyConfirmation(tx, { subscriber, stored, at, client });
    return { ...now, state: 'confirmed' };
  });
}

/**
 * The link opened in the browser that sent the form: its cookie holds a nonce whose hash is stored
 * with the token, so one click is enough. A stranger who typed somebody's address has such a cookie
 * too, but not the link.
 * @returns null in every other browser: show the button
 */
export async function confirmFromBrowser(
  deps: Pick<Deps, 'db' | 'config' | 'now'>,
  token: string,
  browserNonce: string,
  evidence: { ip?: string | undefined } = {},
): Promise<Confirmation | null> {
  const stored = await findToken(deps.db, hashToken(token));
  const isSame = stored?.browserHash?.equals(hashToken(browserNonce)) ?? false;
  return isSame ? confirm(deps, token, evidence) : null;
}

async function applyConfirmation(
  tx: Tx,
  confirmation: { subscriber: Subscriber; stored: StoredToken; at: Date; client: string | null },
): Promise<void> {
  const { subscriber, stored, at, client } = confirmation;
  const { evidence, ...details } = confirmDetail.parse(stored.detail);
  await setConfirmed(tx, subscriber.id, { ...details, at, moment: await nextMoment(tx) });
  await setTokenUsed(tx, stored.id, at);
  if (subscriber.kind === 'contractual') {
    await settleContactTasks(tx, subscriber.id, ['contact-left', 'bounced-contact', 'complaint-of-contact'], at);
  }
  if (subscriber.suppression !== null) {
    // A dead mailbox answers, somebody who complained has changed their mind, somebody erased has come
    // back: only they themselves can prove it, and by this they have.
    await deleteSuppression(tx, subscriber.emailHash);
    await insertEvent(tx, {
      subscriberId: subscriber.id,
      at,
      kind: 'revived',
      detail: { was: subscriber.suppression },
    });
  }
  await insertEvent(tx, {
    subscriberId: subscriber.id,
    at,
    kind: 'confirmed',
    detail: { ...evidence, confirmingClient: client, letter: stored.deliveryId },
  });
  await recordAudit(tx, {
    at,
    actor: { kind: 'subscriber', id: subscriber.id },
    action: 'subscriber.confirmed',
    subject: `subscriber ${subscriber.id}`,
    detail: { before: subscriber.suppression ?? subscriber.status },
  });
  await enqueueLetter(tx, {
    kind: 'welcome',
    subscriberId: subscriber.id,
    email: subscriber.email,
    recipientHash: subscriber.emailHash,
    locale: details.locale,
    params: {},
    at,
  });
}
