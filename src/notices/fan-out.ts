import { transaction } from '../database/transaction.js';
import { wake } from '../database/wake.js';
import type { Deps } from '../deps.js';
import {
  claimNotice,
  holdChunk,
  insertChangeDeliveries,
  insertWithdrawalDeliveries,
  saveProgress,
  suppressWithdrawn,
} from './queries.js';
import { endQuietTimes } from './quiet.js';

/** Large enough that the rows are what costs, small enough that sending overtakes at once. */
const chunk = 10_000;

/**
 * Turns ordered notices into deliveries, one chunk of subscribers a call: the rows and the progress
 * in one transaction, so a crash repeats at most a chunk, and `unique (notice, subscriber)` makes
 * the repeat harmless. Any number of instances may call it: each takes another notice.
 *
 * Everybody who was confirmed when the notice was ordered, or when its quiet time was over, gets a row; those it is not for get one
 * that says why ("out-of-scope", "not-material", or why the address is not mailed).
 * @returns how many rows were made; 0 when there is nothing left to do
 */
export async function fanOut(deps: Pick<Deps, 'db' | 'now'>): Promise<number> {
  await endQuietTimes(deps);
  for (;;) {
    const made = await fanOutChunk(deps);
    if (made === null) return 0;
    // A notice without recipients makes no rows; another one may wait behind it.
    if (made > 0) return made;
  }
}

async function fanOutChunk(deps: Pick<Deps, 'db' | 'now'>): Promise<number | null> {
  const now = deps.now();
  return transaction(deps.db, async (tx) => {
    const notice = await claimNotice(tx);
    if (notice === null) return null;
    const end = await holdChunk(tx, notice, chunk);
    const range = { from: notice.fannedOutTo, to: end };
    let made: number;
    if (notice.kind === 'withdrawal') {
      // First, so that it waits for claims that began before the withdrawal and then sees them.
      await suppressWithdrawn(tx, notice, range, now);
      made = await insertWithdrawalDeliveries(tx, notice, range, now);
    } else {
      made = await insertChangeDeliveries(tx, notice, range, now);
    }
    await saveProgress(tx, notice.id, end, end === null ? now : null);
    if (made > 0) await wake(tx, 'deliveries');
    return made;
  });
}
