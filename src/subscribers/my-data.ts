import { recordAudit } from '../audit/record.js';
import { transaction } from '../database/transaction.js';
import type { Deps } from '../deps.js';
import { type SubscriberHistory, subscriberHistory } from './history.js';
import { openManageLink } from './manage.js';
import type { Subscriber } from './queries.js';

export interface MyData extends SubscriberHistory {
  subscriber: Omit<Subscriber, 'emailKey' | 'emailHash'>;
}

/**
 * Everything that is stored of a person, for themselves, to be given as JSON (GDPR Art. 15, 20).
 * @throws Refusal `token.unknown`, `token.expired`
 */
export async function myData(deps: Pick<Deps, 'db' | 'now'>, manageToken: string): Promise<MyData> {
  const at = deps.now();
  return transaction(deps.db, async (tx) => {
    const { emailKey: _key, emailHash: _hash, ...subscriber } = await openManageLink(tx, manageToken, at);
    const { id } = subscriber;
    await recordAudit(tx, {
      at,
      actor: { kind: 'subscriber', id },
      action: 'subscriber.data-read',
      subject: `subscriber ${id}`,
    });
    return { subscriber, ...(await subscriberHistory(tx, id)) };
  });
}
