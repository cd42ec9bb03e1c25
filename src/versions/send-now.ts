import type { Actor } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import { lockPublishing } from '../database/locks.js';
import { transaction } from '../database/transaction.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { stopWaiting } from '../notices/quiet.js';
import { selectVersion } from './queries.js';
import { versionMissing } from './read.js';

/**
 * Ends the quiet time of the notice that tells of a version, with all that it took over: it goes at
 * once. Dates stay as they are: told earlier, they are lawful all the more.
 * Refuses `version.missing`, and `notice.not-waiting`.
 * @returns the version whose notice it is: the last of those that it tells
 */
export async function sendNow(
  deps: Pick<Deps, 'db' | 'now'>,
  number: number,
  actor: Actor,
): Promise<{ version: number; sendAfter: Date }> {
  return transaction(deps.db, async (tx) => {
    await lockPublishing(tx);
    const at = deps.now();
    const version = number > 0 && number < 2 ** 31 ? await selectVersion(tx, number) : null;
    if (version === null) throw versionMissing(number);
    const carrier = await stopWaiting(tx, number, at);
    if (carrier === null) {
      throw new Refusal('notice.not-waiting', `No notice that tells of version ${number} waits.`);
    }
    await recordAudit(tx, {
      at,
      actor,
      action: 'notice.sent-now',
      subject: `version ${carrier}`,
      detail: carrier === number ? {} : { askedFor: number },
    });
    return { version: carrier, sendAfter: at };
  });
}
