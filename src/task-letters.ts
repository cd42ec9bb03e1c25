import { responsibleAdmins } from './admins/recipients.js';
import { transaction } from './database/transaction.js';
import { enqueueLetters } from './deliveries/enqueue.js';
import type { Deps } from './deps.js';
import { emailHash } from './subscribers/tokens.js';
import { beginTelling } from './tasks/digest.js';

/**
 * Tells publishers and administrators by mail of the tasks that were opened since they were told last:
 * one letter each, at most one an hour, however many tasks there are. Any number of instances may call it.
 * @returns how many letters were ordered
 */
export async function tellAdmins(deps: Pick<Deps, 'db' | 'now' | 'config' | 'texts'>): Promise<number> {
  const { config, db, texts } = deps;
  const at = deps.now();
  return transaction(db, async (tx) => {
    const admins = await responsibleAdmins(tx);
    // With nobody to tell the tasks stay untold, until somebody is made an admin.
    if (admins.length === 0) return 0;
    const params = await beginTelling(tx, at);
    if (params === null) return 0;
    const letters = admins.map(({ email, emailKey }) => ({
      kind: 'admin-tasks' as const,
      subscriberId: null,
      email,
      recipientHash: emailHash(config.secretKeys, emailKey),
      locale: texts.default,
      params,
      at,
    }));
    return (await enqueueLetters(tx, letters)).length;
  });
}
