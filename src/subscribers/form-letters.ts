import { randomBytes } from 'node:crypto';
import { visitorActor } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import type { Tx } from '../database/transaction.js';
import type { LetterKind } from '../deliveries/delivery.js';
import { enqueueLetter } from '../deliveries/enqueue.js';
import type { Deps } from '../deps.js';
import { countDomainLetter, findSuppression, formBucket, lockLetters, setLetters } from './limit-queries.js';
import { domainCap, domainWindow, mayWriteAgain, recentLetters } from './limits.js';
import { insertToken, setTokenDelivery } from './token-queries.js';
import { hashToken, singleUseToken, type TokenPurpose } from './tokens.js';

/**
 * Whether a form may cause a letter to that address now, and if so counts it. The address's count is
 * locked until the transaction ends, so that equal forms sent at once stand in line.
 *
 * When the cap of a domain is reached, admins see it once an hour in the audit log; nothing in the
 * answer to the form tells.
 */
export async function mayWriteByForm(
  tx: Tx,
  deps: Pick<Deps, 'log'>,
  recipient: { emailKey: string; emailHash: Buffer },
  at: Date,
): Promise<boolean> {
  const bucket = formBucket(recipient.emailHash);
  const letters = await lockLetters(tx, bucket, at);
  if (!mayWriteAgain('form', letters, at)) return false;
  // Only an admin puts an address here so that nothing is ever sent; a dead or vexed mailbox is
  // brought back by its owner's confirmation.
  if ((await findSuppression(tx, recipient.emailHash)) === 'admin') return false;

  const domain = recipient.emailKey.slice(recipient.emailKey.lastIndexOf('@') + 1);
  const cap = domainCap(domain);
  const count = await countDomainLetter(tx, domain, at, new Date(at.getTime() - domainWindow));
  if (count > cap) {
    if (count === cap + 1) {
      const detail = { letters: cap, minutes: domainWindow / 60_000 };
      await recordAudit(tx, { at, actor: visitorActor, action: 'form.capped', subject: `domain ${domain}`, detail });
      deps.log.warn({ domain, ...detail }, 'the forms have reached the cap of a domain');
    }
    return false;
  }
  await setLetters(tx, bucket, [...recentLetters(letters, at), at]);
  return true;
}

export interface LinkedLetter {
  kind: LetterKind;
  purpose: TokenPurpose;
  subscriberId: number;
  /** Where the letter goes, which for a change of address is not the subscriber's address. */
  email: string;
  recipientHash: Buffer;
  locale: string;
  /** What comes into force when the link is used. */
  detail: Record<string, unknown>;
  browserNonce?: string | undefined;
  at: Date;
}

/**
 * A letter with a single-use link, both in the caller's transaction: there is no link without a letter
 * on its way, and the link's time runs from when that letter went.
 */
export async function enqueueLinkedLetter(tx: Tx, keys: readonly string[], letter: LinkedLetter): Promise<void> {
  const tokenId = await insertToken(tx, {
    ...newSecret(keys, letter.purpose),
    purpose: letter.purpose,
    subscriberId: letter.subscriberId,
    browserHash: letter.browserNonce === undefined ? null : hashToken(letter.browserNonce),
    detail: letter.detail,
    at: letter.at,
  });
  const deliveryId = await enqueueLetter(tx, {
    kind: letter.kind,
    subscriberId: letter.subscriberId,
    email: letter.email,
    recipientHash: letter.recipientHash,
    locale: letter.locale,
    params: { tokenId },
    at: letter.at,
  });
  await setTokenDelivery(tx, tokenId, deliveryId);
}

/** What is stored of a new link: 128 random bits, and the hash of the token made from them. */
export function newSecret(keys: readonly string[], purpose: TokenPurpose): { nonce: Buffer; tokenHash: Buffer } {
  const [key] = keys;
  if (key === undefined) throw new Error('no SECRET_KEY');
  const nonce = randomBytes(16);
  return { nonce, tokenHash: hashToken(singleUseToken(key, purpose, nonce)) };
}
