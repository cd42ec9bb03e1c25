import { nextMoment } from '../database/locks.js';
import type { Db } from '../database/query.js';
import type { Tx } from '../database/transaction.js';
import { wake } from '../database/wake.js';
import type { Change } from '../list/change.js';
import { toldSeverity } from '../list/grading.js';
import { touchedServices } from '../list/scope.js';
import { endFanOutOfChange, insertNotice, selectLastNotified } from './queries.js';
import { beginWhatIsDue, type QuietWindow, takeOver } from './quiet.js';
import { setMoment } from './quiet-queries.js';

export type NoticeKind = 'change' | 'withdrawal';

export interface NoticeOrder {
  version: number;
  kind: NoticeKind;
  /** The version that recipients were last told of. */
  baseVersion: number | null;
  /** The net changes since then, graded. */
  changes: Change[];
  at: Date;
  /** The end of the quiet time, in which a later version may take this one over; without it, `at`. */
  sendAfter?: Date | undefined;
  /** What waits, and is told by this notice from now on. */
  window?: QuietWindow | null | undefined;
}

/**
 * Orders a notice inside the transaction that publishes or withdraws, under its exclusive lock. Without
 * a quiet time the moment taken here separates those who had confirmed from those who confirm later;
 * what waits takes its moment when its time has come (`fanOut`). Nobody is chosen yet (`fanOut` does
 * that as well), so publishing takes as long for ten recipients as for a million.
 * @returns the notice's id
 */
export async function orderNotice(tx: Tx, order: NoticeOrder): Promise<number> {
  const { version, at, sendAfter = at, window } = order;
  // A withdrawal concerns those who were told; whoever was not has no row yet and needs none.
  if (order.kind === 'withdrawal') await endFanOutOfChange(tx, version, at);
  else await beginWhatIsDue(tx, at);
  const moment = sendAfter > at ? null : await nextMoment(tx);
  const id = await insertNotice(tx, { ...order, sendAfter, moment, ...concernOf(order.changes) });
  if (window) {
    await takeOver(tx, window, { version, sendAfter, at });
    if (moment !== null) await setMoment(tx, version, moment);
  }
  await wake(tx, 'notices');
  return id;
}

/** Whom changes concern, in a form that one statement can compare with a million subscribers. */
export interface Concern {
  /** Ids of the services that the changes touch; null: every service. */
  services: string[] | null;
  /** The same for the material ones; empty: nothing is material. */
  materialServices: string[] | null;
}

export function concernOf(changes: readonly Change[]): Concern {
  // What a person has lowered is told to whom it would have been told without that.
  const material = changes.filter((change) => toldSeverity(change) === 'material');
  return {
    services: touchedServices(changes),
    materialServices: material.length === 0 ? [] : touchedServices(material),
  };
}

/**
 * The latest version that subscribers were told of, unless it was withdrawn; null: none yet. One whose
 * quiet time is over counts, as nothing can take it over any more, and so does one that the notice of a
 * later version told.
 */
export async function lastNotified(db: Db): Promise<{ version: number } | null> {
  return selectLastNotified(db);
}
