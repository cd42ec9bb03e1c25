import type { Actor } from '../actor.js';
import type { Db } from '../database/query.js';
import type { Tx } from '../database/transaction.js';
import { addDetail, insertTask, selectOpenTask, setSettled } from './queries.js';
import type { NewTask, Task, TaskKind } from './task.js';

/**
 * Opens a task for the admins, in the transaction of what makes it necessary. They see it in the console
 * at once and are told by mail, many tasks in one letter. Whom it is about is to be locked before.
 * @returns its number; null when one of that kind and subject is open already
 */
export async function openTask(tx: Tx, task: NewTask): Promise<number | null> {
  return insertTask(tx, task);
}

/** The open task of that kind and subject; null: none is open. */
export async function findOpenTask(db: Db, task: { kind: TaskKind; subject: string }): Promise<Task | null> {
  return selectOpenTask(db, task);
}

/**
 * Closes the open task of that kind and subject, as its cause is gone: the relay works again, the
 * objection is decided. In the transaction of what took the cause away.
 * @param by who did that; `systemActor` when nobody had to
 * @returns its number; null when none was open
 */
export async function settleTask(
  tx: Tx,
  task: { kind: TaskKind; subject: string },
  by: { actor: Actor; at: Date },
): Promise<number | null> {
  return setSettled(tx, task, by);
}

/**
 * Keeps facts with the open tasks about somebody who is to be erased, as the tasks outlive them: whose
 * contact is missing. They go when the task is done.
 */
export async function keepWithTasks(
  tx: Tx,
  subscriberId: number,
  facts: { company: string | null; entitlement: string | null },
): Promise<void> {
  await addDetail(tx, subscriberId, facts);
}
