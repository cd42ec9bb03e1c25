import { lockPublishing, nextMoment } from '../database/locks.js';
import type { Db } from '../database/query.js';
import { type Tx, transaction } from '../database/transaction.js';
import { wake } from '../database/wake.js';
import type { Deps } from '../deps.js';
import type { Change } from '../list/change.js';
import { endFanOutOfChange } from './queries.js';
import {
  type Along,
  endWait,
  type GivenBack,
  isWaitOver,
  mergeWindow,
  type QuietWindow,
  selectCarrier,
  selectDue,
  selectMergedInto,
  selectNoticeOf,
  selectTakenOver,
  selectToldAlong,
  selectUntold,
  selectWindow,
  setMoment,
  setResumed,
  unmerge,
} from './quiet-queries.js';

export type { GivenBack, QuietWindow } from './quiet-queries.js';

/*
 * The quiet time: versions that are published within it reach a recipient as one notice of the net
 * change. The first one opens a window of a fixed length; whoever publishes in it takes over what
 * waits, with the same base and the same end. Everything here but the questions is called under the
 * publishing lock.
 */

/** The window in which a publication at `at` would be; null: it would be told by itself. */
export async function openWindow(db: Db, at: Date): Promise<QuietWindow | null> {
  return selectWindow(db, at);
}

/**
 * A version takes over what waits in the window: by its own notice, or with nothing, when all that had
 * changed is taken back. Either is undone when that version is withdrawn in time (`callOff`).
 */
export async function takeOver(
  tx: Tx,
  window: QuietWindow,
  by: { version: number; sendAfter: Date; at: Date },
): Promise<void> {
  await mergeWindow(tx, window, by);
}

/** The versions that a publication in the window would tell of besides its own, oldest first. */
export async function readTakenOver(db: Db, window: QuietWindow): Promise<Along[]> {
  return window.carrier === null ? [] : selectTakenOver(db, window.carrier);
}

/** What became of the notice of a version that is withdrawn. */
export type CalledOff =
  /** It had none. */
  | { told: 'never' }
  /** It waited, so nobody knows of it. */
  | { told: 'not-yet' }
  /** It went out, or begins to: `along` is the highest version that stands and was told by the same mail. */
  | { told: 'already'; baseVersion: number | null; changes: Change[]; along: number | null };

/**
 * Ends the notice of a version that was withdrawn in this transaction. What it had taken over, and what
 * still stands of it, must be told all the same: it carries itself again, or, if mail has gone already,
 * goes to whoever has not been sent any.
 */
export async function callOff(tx: Tx, version: number, at: Date): Promise<CalledOff> {
  const notice = await selectNoticeOf(tx, version);
  if (notice === null || notice.waits) {
    if (notice !== null) await endFanOutOfChange(tx, version, at);
    await unmerge(tx, version);
    await wake(tx, 'notices');
    return { told: notice === null ? 'never' : 'not-yet' };
  }
  const along = await selectToldAlong(tx, version);
  // A chunk at hand ends first: what it wrote is seen by the fan-out that begins here.
  await endFanOutOfChange(tx, version, at);
  if (along !== null) {
    await setResumed(tx, along);
    await wake(tx, 'notices');
  }
  return { told: 'already', baseVersion: notice.baseVersion, changes: notice.changes, along };
}

/** What waits again once `version`, which has told nothing, is withdrawn; null: nothing. */
export async function wouldGiveBack(db: Db, version: number): Promise<GivenBack | null> {
  const own = await selectNoticeOf(db, version);
  return own === null ? selectMergedInto(db, version) : null;
}

/**
 * Versions that somebody who begins with the list in force need not be told of: a notice that waits will tell of
 * them, or they came to nothing while it waited. The others count as told, also those that nobody was to be told of.
 */
export async function untoldVersions(db: Db, inForce: number | null): Promise<ReadonlySet<number>> {
  return new Set(await selectUntold(db, inForce));
}

/**
 * Ends the quiet time of the notice that tells of a version.
 * @returns the version whose notice it is; null when none of it waits
 */
export async function stopWaiting(tx: Tx, version: number, now: Date): Promise<number | null> {
  const carrier = await selectCarrier(tx, version);
  if (carrier === null || !carrier.waits || carrier.fannedOutAt !== null) return null;
  await endWait(tx, { carrier: carrier.endsWith }, now);
  await wake(tx, 'notices');
  return carrier.endsWith;
}

/**
 * Takes the moment for each notice whose quiet time is over: from now on nothing takes it over, and its
 * recipients are those who have confirmed. Whoever confirms afterwards is told by the welcome.
 */
export async function endQuietTimes(deps: Pick<Deps, 'db' | 'now'>): Promise<void> {
  if (!(await isWaitOver(deps.db, deps.now()))) return;
  await transaction(deps.db, async (tx) => {
    await lockPublishing(tx);
    await beginWhatIsDue(tx, deps.now());
  });
}

/** The same for a publisher, who holds the lock: what was ordered before goes to no later readers. */
export async function beginWhatIsDue(tx: Tx, now: Date): Promise<void> {
  for (const version of await selectDue(tx, now)) await setMoment(tx, version, await nextMoment(tx));
}
