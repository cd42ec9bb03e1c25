import { systemActor } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import { transaction } from '../database/transaction.js';
import { forgetRecipient } from '../deliveries/suppress.js';
import type { Deps } from '../deps.js';
import { deleteImportsBefore } from './import-preview-queries.js';
import { domainWindow, memoryOfLetters } from './limits.js';
import { deleteLeftovers, lockUnproven } from './purge-queries.js';
import { deleteSubscriber } from './queries.js';
import { lifeOf } from './validity.js';

const day = 24 * 60 * 60_000;
/** How long after the end of their last link people who never confirmed are kept. */
const graceOfPending = 7 * day;
/** How long an ended link still says what it was, instead of "unknown". */
const memoryOfLinks = 90 * day;
/** A file that was sent and never came into effect, since the service died over it. */
const ageOfLostImport = day;
/** A file that was shown and on which nobody decided, and the numbers of one that took effect. */
const lifeOfPreview = 7 * day;
const batch = 500;

/**
 * Removes who never confirmed, seven days after their last link has ended (GDPR Art. 5(1)(e)): pending
 * people, and those who answered a confirmation letter with "not me". Whoever confirmed once stays,
 * and nobody goes while a letter to them is still on its way. Also removes what only served the
 * limits, ended links, and files of subscribers that nobody put into effect for a week. May run anywhere at any time: rows in use are left for the next run.
 *
 * @returns how many people were removed
 */
export async function purgePending(deps: Pick<Deps, 'db' | 'now'>): Promise<number> {
  const at = deps.now();
  const before = (age: number) => new Date(at.getTime() - age);
  let removed = 0;
  for (;;) {
    const found = await transaction(deps.db, async (tx) => {
      const ids = await lockUnproven(tx, { endedBefore: before(graceOfPending + lifeOf.confirm), most: batch });
      for (const id of ids) {
        await forgetRecipient(tx, id, at);
        await deleteSubscriber(tx, id);
      }
      if (ids.length > 0) {
        const detail = { count: ids.length };
        await recordAudit(tx, { at, actor: systemActor, action: 'subscriber.purged', subject: 'subscribers', detail });
      }
      return ids.length;
    });
    removed += found;
    if (found < batch) break;
  }
  await transaction(deps.db, (tx) =>
    deleteLeftovers(tx, {
      letters: before(memoryOfLetters),
      domains: before(domainWindow),
      links: before(memoryOfLinks),
      imports: before(ageOfLostImport),
    }),
  );
  await transaction(deps.db, (tx) => deleteImportsBefore(tx, before(lifeOfPreview)));
  return removed;
}
