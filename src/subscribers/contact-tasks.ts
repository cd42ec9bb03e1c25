import type { Actor } from '../actor.js';
import type { Tx } from '../database/transaction.js';
import { settleTask } from '../tasks/open.js';
import type { NewTask, TaskKind } from '../tasks/task.js';

/** What a task about a contact has as its subject, whichever feature opens it. */
function contactSubject(subscriberId: number): string {
  return `subscriber ${subscriberId}`;
}

/** The task of a contractual contact who is not told any more, at their own wish. */
export function contactLeft(subscriberId: number, at: Date, detail: Record<string, unknown>): NewTask {
  return { kind: 'contact-left', subscriberId, subject: contactSubject(subscriberId), detail, at };
}

/** Mail reaches the contact again, by their own deed: nothing is left for the admins to do. */
export async function settleContactTasks(
  tx: Tx,
  subscriberId: number,
  kinds: readonly Extract<TaskKind, 'contact-left' | 'bounced-contact' | 'complaint-of-contact'>[],
  at: Date,
): Promise<void> {
  const actor: Actor = { kind: 'subscriber', id: subscriberId };
  for (const kind of kinds) await settleTask(tx, { kind, subject: contactSubject(subscriberId) }, { actor, at });
}
