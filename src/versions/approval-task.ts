import type { Actor } from '../actor.js';
import { actorSchema } from '../audit/browse.js';
import type { Db } from '../database/query.js';
import type { Tx } from '../database/transaction.js';
import { findOpenTask, settleTask } from '../tasks/open.js';
import type { TaskKind } from '../tasks/task.js';
import { draftHash } from './draft-hash.js';

/*
 * The request for a second pair of eyes is a task. It is over with the approval, with the publication, and with
 * the first change, since what was asked for is gone then.
 */

/** One draft, so one request at a time. */
export const approvalTask: { kind: TaskKind; subject: string } = { kind: 'approval-wanted', subject: 'draft' };

/** Since when the publishers are asked to approve the draft as it is, and by whom; null: they are not. */
export async function readApprovalRequest(db: Db): Promise<{ at: Date; by: Actor } | null> {
  const task = await findOpenTask(db, approvalTask);
  return task === null ? null : { at: task.openedAt, by: actorSchema.parse(task.detail.by) };
}

/** The draft is approved, or published: in that transaction. */
export async function endApprovalRequest(tx: Tx, by: { actor: Actor; at: Date }): Promise<void> {
  await settleTask(tx, approvalTask, by);
}

/** The draft was written: the request ends if it was for another one. In the transaction that wrote it. */
export async function endOutdatedRequest(
  tx: Tx,
  draft: Parameters<typeof draftHash>[0],
  by: { actor: Actor; at: Date },
): Promise<void> {
  const task = await findOpenTask(tx, approvalTask);
  if (task === null || task.detail.hash === draftHash(draft)) return;
  await settleTask(tx, approvalTask, by);
}
