import type { Actor } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import { transaction } from '../database/transaction.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { settleTask } from '../tasks/open.js';
import type { Objection, ObjectionState } from './objection.js';
import { selectObjection, setObjectionState } from './queries.js';

/**
 * Moves an objection on: talks began, it was resolved, upheld or taken back.
 * @param decision `note`: for the record; without one the earlier note stays
 * @throws Refusal `objection.missing`
 */
export async function decideObjection(
  deps: Pick<Deps, 'db' | 'now'>,
  id: number,
  decision: { state: ObjectionState; note?: string | undefined },
  actor: Actor,
): Promise<Objection> {
  return transaction(deps.db, async (tx) => {
    const at = deps.now();
    const before = await selectObjection(tx, id);
    const { state } = decision;
    const changed = await setObjectionState(tx, id, { state, note: decision.note ?? null, at });
    const after = await selectObjection(tx, id);
    if (!changed || before === null || after === null) {
      throw new Refusal('objection.missing', `There is no objection ${id}.`);
    }
    // Whoever moves it on has read it.
    if (state !== 'received') await settleTask(tx, { kind: 'objection', subject: `objection ${id}` }, { actor, at });
    await recordAudit(tx, {
      at,
      actor,
      action: 'objection.decided',
      subject: `objection ${id}`,
      detail: { before: { state: before.state }, after: { state } },
    });
    return after;
  });
}
