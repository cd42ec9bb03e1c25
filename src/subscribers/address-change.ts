import { recordAudit } from '../audit/record.js';
import { nextMoment } from '../database/locks.js';
import { type Tx, transaction } from '../database/transaction.js';
import { enqueueLetter } from '../deliveries/enqueue.js';
import { suppressQueued } from '../deliveries/suppress.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { settleContactTasks } from './contact-tasks.js';
import { enqueueLinkedLetter, mayWriteByForm } from './form-letters.js';
import { deleteSuppression, findSuppression, forgetLetters, formBucket } from './limit-queries.js';
import { openManageLink } from './manage.js';
import {
  endContract,
  findIdOf,
  insertEvent,
  lockSubscriber,
  lockSubscribers,
  type Subscriber,
  setAddress,
  setConfirmed,
  setContract,
  setPreferences,
  setUnsubscribed,
} from './queries.js';
import { type Confirmation, newAddressOf, standingOf, unknownLink } from './standing.js';
import { readAddress } from './subscribe.js';
import { findToken, type StoredToken, setTokenOwner, setTokenUsed, voidTokens } from './token-queries.js';
import { emailHash } from './tokens.js';

/**
 * A subscriber, shown by a manage link to be the owner of the address, wants to be told at another.
 * A letter goes to the new address and nothing changes until it is confirmed there. Whether somebody
 * else has that address is not told: the outcome is the same for every well-formed one.
 *
 * @throws Refusal `token.unknown`, `token.expired`; `address.invalid` with path `email`;
 *   `input.invalid` when the person is not subscribed, so that there is nothing to move
 */
export async function requestAddressChange(
  deps: Pick<Deps, 'db' | 'config' | 'now' | 'log'>,
  manageToken: string,
  newEmail: string,
): Promise<void> {
  const keys = deps.config.secretKeys;
  const at = deps.now();
  await transaction(deps.db, async (tx) => {
    const { id, status } = await openManageLink(tx, manageToken, at);
    if (status !== 'confirmed') {
      throw new Refusal('input.invalid', 'only a confirmed subscription has an address to change');
    }
    const { address: email, key: emailKey } = readAddress(newEmail);
    const recipientHash = emailHash(keys, emailKey);
    if (!(await mayWriteByForm(tx, deps, { emailKey, emailHash: recipientHash }, at))) return;
    const subscriber = await lockSubscriber(tx, id);
    if (subscriber === null || subscriber.emailKey === emailKey) return;
    await enqueueLinkedLetter(tx, keys, {
      kind: 'confirmation',
      purpose: 'change-address',
      subscriberId: id,
      email,
      recipientHash,
      locale: subscriber.locale,
      detail: { email, emailKey },
      at,
    });
    await recordAudit(tx, {
      at,
      actor: { kind: 'subscriber', id },
      action: 'subscriber.address-change-requested',
      subject: `subscriber ${id}`,
    });
  });
}

/**
 * The second half, called by `confirm` under the shared publishing lock: the new mailbox has answered.
 *
 * If nobody has the new address, the subscriber moves there: links in older mails stay theirs, and
 * what is queued goes to the new address. If it belongs to a subscriber already, both mailboxes are
 * one person's, who has proven it for each; then the rows are not melted into one, since each carries
 * the evidence of its own consent and deliveries: the one of the new address is confirmed (unless it
 * was), the old one leaves. Nobody is told twice, and the links in mail to either address still work.
 *
 * Should an import add the new address at this very moment, the unique key refuses the second of
 * them; nothing is lost, the person's next click finds it there.
 */
export async function applyAddressChange(
  tx: Tx,
  keys: readonly string[],
  change: { found: StoredToken; at: Date; client: string | null },
): Promise<Confirmation> {
  const { found, at } = change;
  const { email, emailKey } = newAddressOf(found);
  const next = { email, emailKey, emailHash: emailHash(keys, emailKey) };
  await forgetLetters(tx, formBucket(next.emailHash));
  const holder = await findIdOf(tx, emailKey);
  const people = await lockSubscribers(tx, holder === null ? [found.subscriberId] : [found.subscriberId, holder]);
  const stored = await findToken(tx, found.tokenHash);
  if (stored === null) return unknownLink;
  const subscriber = people.find(({ id }) => id === stored.subscriberId) ?? null;
  const standing = standingOf(stored, subscriber, at);
  if (subscriber === null || standing.state !== 'open') return standing;
  const suppression = await findSuppression(tx, next.emailHash);
  if (suppression === 'admin') return { ...standing, state: 'used' };
  if (suppression !== null) await deleteSuppression(tx, next.emailHash);

  await setTokenUsed(tx, stored.id, at);
  const other = people.find(({ id }) => id !== subscriber.id);
  const detail = { client: change.client, ...(other === undefined ? {} : { continuedAs: other.id }) };
  if (other === undefined) {
    await setAddress(tx, subscriber.id, next);
    // Links that were mailed to the old address open nothing of the person any more.
    await voidTokens(tx, subscriber.id, at);
  } else {
    await setTokenOwner(tx, stored.id, other.id);
    await continueAs(tx, subscriber, other, at);
  }
  if (subscriber.kind === 'contractual') await settleContactTasks(tx, subscriber.id, ['bounced-contact'], at);
  await insertEvent(tx, { subscriberId: subscriber.id, at, kind: 'address-changed', detail });
  await recordAudit(tx, {
    at,
    actor: { kind: 'subscriber', id: subscriber.id },
    action: 'subscriber.address-changed',
    subject: `subscriber ${subscriber.id}`,
    detail: other === undefined ? {} : { continuedAs: `subscriber ${other.id}` },
  });
  // To the old mailbox, in case the change was not its owner's deed. It shows the new one masked.
  await enqueueLetter(tx, {
    kind: 'address-changed',
    subscriberId: subscriber.id,
    email: subscriber.email,
    recipientHash: subscriber.emailHash,
    locale: subscriber.locale,
    params: { movedTo: other?.id ?? subscriber.id },
    at,
  });
  return { ...standing, state: 'confirmed' };
}

async function continueAs(tx: Tx, subscriber: Subscriber, other: Subscriber, at: Date): Promise<void> {
  if (other.status !== 'confirmed' || other.suppression !== null) {
    const { company, locale, services } = subscriber;
    await setConfirmed(tx, other.id, { at, moment: await nextMoment(tx), company, locale, services });
    await setPreferences(tx, other.id, subscriber);
    const detail = { addressChangeOf: subscriber.id };
    await insertEvent(tx, { subscriberId: other.id, at, kind: 'confirmed', detail });
    // What was queued for the old row does not go; the welcome names every window that is open.
    await enqueueLetter(tx, {
      kind: 'welcome',
      subscriberId: other.id,
      email: other.email,
      recipientHash: other.emailHash,
      locale,
      params: {},
      at,
    });
  }
  if (subscriber.kind === 'contractual' && other.kind !== 'contractual') {
    // The contract goes with the person, or their customer would be told by nobody.
    const { entitlement, noticeGroup } = subscriber;
    await setContract(tx, other.id, { entitlement, noticeGroup });
    // With the row that leaves it would be a contact who is not reached, for ever.
    await endContract(tx, subscriber.id);
    const detail = { addressChangeOf: subscriber.id, entitlement, noticeGroup };
    await insertEvent(tx, { subscriberId: other.id, at, kind: 'entitled', detail });
  }
  await setUnsubscribed(tx, subscriber.id, at);
  await voidTokens(tx, subscriber.id, at);
  await suppressQueued(tx, subscriber.id, 'unsubscribed', at);
}
