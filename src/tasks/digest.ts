import { z } from 'zod';
import type { Db } from '../database/query.js';
import type { Tx } from '../database/transaction.js';
import { countTold, lockTelling, markTold, selectTold } from './queries.js';
import type { Task, TaskKind } from './task.js';

/** At most one letter in this time, however many tasks are opened: ten thousand lost contacts are one mail. */
const tellingPause = 60 * 60_000;

/** How many tasks a letter names; the console has the others. */
const namedTasks = 20;

const tellingParams = z.object({ toldAt: z.iso.datetime() });
type TellingParams = z.infer<typeof tellingParams>;

/**
 * Whether a letter to the admins is due; if so, the tasks that it tells of are marked. The letters are to
 * be enqueued in the same transaction.
 * @returns what the letter needs in order to be composed later; null when there is nothing new to tell, the
 *   last letter is less than an hour old, or another instance is at it
 */
export async function beginTelling(tx: Tx, at: Date): Promise<TellingParams | null> {
  if (!(await lockTelling(tx))) return null;
  const told = await markTold(tx, at, new Date(at.getTime() - tellingPause));
  return told === 0 ? null : { toldAt: at.toISOString() };
}

export interface Digest {
  counts: { kind: TaskKind; count: number }[];
  /** The oldest, `namedTasks` at most. */
  tasks: Task[];
  /** How many there are beyond those. */
  more: number;
}

/**
 * What a letter tells, at the moment when it goes: tasks that were done meanwhile are left out.
 * @param params as `beginTelling` gave them
 * @returns null when none is left
 */
export async function digestData(db: Db, params: unknown): Promise<Digest | null> {
  const toldAt = new Date(tellingParams.parse(params).toldAt);
  const counts = await countTold(db, toldAt);
  const total = counts.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return null;
  const tasks = await selectTold(db, toldAt, namedTasks);
  return { counts, tasks, more: Math.max(0, total - tasks.length) };
}
