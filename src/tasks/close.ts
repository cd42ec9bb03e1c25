import type { Actor } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import { transaction } from '../database/transaction.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { longText } from '../list/text-rules.js';
import { selectTask, setDone } from './queries.js';
import type { Task } from './task.js';

const longestNote = 2_000;

/**
 * An admin has seen to a task. Whoever says so first counts; for the others it is done already, with the
 * note of the first.
 * @param note what was done, in their own words; may be empty
 * @throws Refusal `task.missing`, `input.invalid` (path `note`)
 */
export async function closeTask(
  deps: Pick<Deps, 'db' | 'now'>,
  id: number,
  note: string | null,
  actor: Actor,
): Promise<Task> {
  const said = readNote(note ?? '');
  const at = deps.now();
  return transaction(deps.db, async (tx) => {
    const changed = await setDone(tx, id, { actor, note: said, at });
    const task = await selectTask(tx, id);
    if (task === null) throw new Refusal('task.missing', `there is no task ${id}`);
    if (changed) {
      const detail = { kind: task.kind, of: task.subject };
      await recordAudit(tx, { at, actor, action: 'task.done', subject: `task ${id}`, detail });
    }
    return task;
  });
}

function readNote(text: string): string | null {
  const parsed = longText.safeParse(text.trim());
  const message = !parsed.success
    ? (parsed.error.issues[0]?.message ?? 'is malformed')
    : parsed.data.length > longestNote
      ? `must not be longer than ${longestNote} characters`
      : null;
  if (!parsed.success || message !== null) {
    const fault = { path: 'note', message: message ?? 'is malformed' };
    throw new Refusal('input.invalid', `note ${fault.message}`, [fault]);
  }
  return parsed.data === '' ? null : parsed.data;
}
