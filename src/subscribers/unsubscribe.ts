import { recordAudit } from '../audit/record.js';
import { transaction } from '../database/transaction.js';
import { suppressQueued } from '../deliveries/suppress.js';
import type { Deps } from '../deps.js';
import { maskAddress } from '../mail/address.js';
import { openTask } from '../tasks/open.js';
import { contactLeft } from './contact-tasks.js';
import type { SubscriberKind } from './details.js';
import { subscriberOfLink } from './preferences.js';
import { insertEvent, lockSubscriber, setUnsubscribed } from './queries.js';
import { voidTokens } from './token-queries.js';

export interface Unsubscription {
  /** `subscribed`: the button does something. `left`: not mailed any more, for whatever reason. */
  state: 'subscribed' | 'left';
  /** Masked; null when the person has been erased. */
  address: string | null;
  locale: string | null;
  /** Null when the person has been erased. */
  kind: SubscriberKind | null;
}

const erased: Unsubscription = { state: 'left', address: null, locale: null, kind: null };

/**
 * How things stand, for GET; writes nothing.
 * @throws Refusal `token.unknown`
 */
export async function unsubscribeState(deps: Pick<Deps, 'db' | 'config'>, token: string): Promise<Unsubscription> {
  const subscriber = await subscriberOfLink(deps.db, deps.config.secretKeys, 'unsubscribe', token);
  if (subscriber === null) return erased;
  const { status, email, locale, kind } = subscriber;
  return { state: status === 'unsubscribed' ? 'left' : 'subscribed', address: maskAddress(email), locale, kind };
}

/**
 * Leaves: by the button of the page, by a mail client's one click (RFC 8058), as often as it is sent;
 * the first time counts and is in the audit log once (GDPR Art. 7(3)). What is queued does not go, and
 * older links that would confirm are ended. A link asked for *after* leaving stays good, also when the
 * mail client repeats its request a day later. When a contractual contact leaves, the admins get a task.
 *
 * @param via the door: a page's button, RFC 8058, or a program
 * @throws Refusal `token.unknown`
 */
export async function unsubscribe(
  deps: Pick<Deps, 'db' | 'config' | 'now'>,
  token: string,
  via: 'page' | 'one-click' | 'api',
): Promise<Unsubscription> {
  const found = await subscriberOfLink(deps.db, deps.config.secretKeys, 'unsubscribe', token);
  if (found === null) return erased;
  const at = deps.now();
  return transaction(deps.db, async (tx) => {
    const subscriber = await lockSubscriber(tx, found.id);
    if (subscriber === null) return erased;
    const { kind, locale } = subscriber;
    const left: Unsubscription = { state: 'left', address: maskAddress(subscriber.email), locale, kind };
    if (subscriber.status === 'unsubscribed') return left;

    await setUnsubscribed(tx, subscriber.id, at);
    await voidTokens(tx, subscriber.id, at);
    const notSent = await suppressQueued(tx, subscriber.id, 'unsubscribed', at);
    await insertEvent(tx, { subscriberId: subscriber.id, at, kind: 'unsubscribed', detail: { via } });
    await recordAudit(tx, {
      at,
      actor: { kind: 'subscriber', id: subscriber.id },
      action: 'subscriber.unsubscribed',
      subject: `subscriber ${subscriber.id}`,
      detail: { via, before: subscriber.status, notSent },
    });
    // Their customer has a right to be told all the same: somebody must name another contact.
    if (kind === 'contractual') await openTask(tx, contactLeft(subscriber.id, at, { how: 'unsubscribed', via }));
    return left;
  });
}
