import type { Actor } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import { type Tx, transaction } from '../database/transaction.js';
import { forgetRecipient, suppressQueued } from '../deliveries/suppress.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { keepWithTasks, openTask } from '../tasks/open.js';
import { contactLeft } from './contact-tasks.js';
import { forgetLines } from './import-preview-queries.js';
import { forgetLetters, formBucket, insertSuppression, manageBucket } from './limit-queries.js';
import { openManageLink } from './manage.js';
import { deleteSubscriber, lockToErase, type Subscriber } from './queries.js';

/**
 * An admin erases a person (GDPR Art. 17): the row, its events and links go, what is queued is not
 * sent, and the deliveries stay as proof with a keyed hash in place of the address. An erasure cannot
 * be taken back.
 *
 * By default the address may come back, by its owner or in an import: to keep the hash so that it
 * cannot is further processing, done only when it is wanted.
 *
 * @param options.suppress keep the keyed hash, so that no import brings the address back
 * @throws Refusal `subscriber.missing`
 */
export async function eraseSubscriber(
  deps: Pick<Deps, 'db' | 'now'>,
  id: number,
  actor: Actor,
  options: { suppress?: boolean } = {},
): Promise<void> {
  const at = deps.now();
  await transaction(deps.db, async (tx) => {
    const erased = await erase(tx, id, { at, actor, suppress: options.suppress ?? false });
    if (erased === null) throw new Refusal('subscriber.missing', `there is no subscriber ${id}`);
  });
}

/**
 * The same by the person themselves, with the link that was mailed for it. When a contractual contact
 * goes this way, the admins get a task.
 * @throws Refusal `token.unknown`, `token.expired`
 */
export async function eraseMe(
  deps: Pick<Deps, 'db' | 'now'>,
  manageToken: string,
  options: { suppress?: boolean } = {},
): Promise<void> {
  const at = deps.now();
  await transaction(deps.db, async (tx) => {
    const { id, emailHash } = await openManageLink(tx, manageToken, at);
    // An admin's erasure leaves this count to run out, so that nobody can be mailed anew through it.
    await forgetLetters(tx, formBucket(emailHash));
    const erased = await erase(tx, id, { at, actor: { kind: 'subscriber', id }, suppress: options.suppress ?? false });
    if (erased?.kind !== 'contractual' || erased.status === 'unsubscribed') return;
    const { company, entitlement } = erased;
    await openTask(tx, { ...contactLeft(id, at, { how: 'erased', company, entitlement }), subscriberId: null });
  });
}

/** Who it was; null when the person was gone already. */
async function erase(
  tx: Tx,
  id: number,
  how: { at: Date; actor: Actor; suppress: boolean },
): Promise<Subscriber | null> {
  const { at, actor } = how;
  // The count before the row, in the order in which a request for a link takes them.
  await forgetLetters(tx, manageBucket(id));
  const subscriber = await lockToErase(tx, id);
  if (subscriber === null) return null;
  await suppressQueued(tx, id, 'erased', at);
  await forgetRecipient(tx, id, at);
  const { emailHash, kind, company, entitlement, status, suppression } = subscriber;
  // Until they are done, tasks keep whose contact is missing: the party of the contract, not the person.
  if (kind === 'contractual') await keepWithTasks(tx, id, { company, entitlement });
  await forgetLines(tx, subscriber.emailKey);
  await deleteSubscriber(tx, id);
  if (how.suppress) await insertSuppression(tx, { emailHash, reason: 'erased', detail: null, at });
  await recordAudit(tx, {
    at,
    actor,
    action: 'subscriber.erased',
    subject: `subscriber ${id}`,
    // Enough to find the deliveries again for who has the address and the key, no address in itself.
    detail: {
      trace: emailHash.toString('hex').slice(0, 16),
      was: suppression === null ? status : 'suppressed',
      suppressed: how.suppress,
    },
  });
  return subscriber;
}
