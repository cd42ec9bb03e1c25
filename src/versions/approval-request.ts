import { type Actor, isSamePerson } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import type { Db } from '../database/query.js';
import { transaction } from '../database/transaction.js';
import type { Deps } from '../deps.js';
import { openTask } from '../tasks/open.js';
import { approvalTask, readApprovalRequest } from './approval-task.js';
import { type Approval, readApprovals } from './approve.js';
import { type Draft, draftMissing, readDraft } from './draft.js';
import { draftHash } from './draft-hash.js';
import { lockDraft } from './queries.js';

/*
 * Whoever may not publish alone asks the publishers to look: a task, of which a letter tells them.
 */

/** How the approval of the draft stands. */
export interface ApprovalState {
  /** Whether publishing asks for one (FOUR_EYES). */
  needed: boolean;
  revision: number;
  /** What an approval is bound to. */
  hash: string;
  approvals: Approval[];
  /** Since when the publishers are asked, and by whom; null: they are not. */
  asked: { at: Date; by: Actor } | null;
}

/** Refuses `draft.missing`. */
export async function readApprovalState(deps: Pick<Deps, 'db' | 'config'>): Promise<ApprovalState> {
  const draft = await readDraft(deps.db);
  if (draft === null) throw draftMissing();
  return stateOf(deps.db, deps.config, draft);
}

/**
 * Asks every publisher to look at the draft and to approve it. Once: while they are asked, asking again does
 * nothing, nor does it where no approval is needed or somebody else has approved already.
 * Refuses `draft.missing`.
 */
export async function askApproval(deps: Pick<Deps, 'db' | 'now' | 'config'>, actor: Actor): Promise<ApprovalState> {
  const at = deps.now();
  return transaction(deps.db, async (tx) => {
    const draft = await lockDraft(tx);
    if (draft === null) throw draftMissing();
    const state = await stateOf(tx, deps.config, draft);
    if (!state.needed || state.approvals.some(({ by }) => !isSamePerson(by, actor))) return state;
    const { hash, revision } = state;
    const detail = { hash, revision, by: { ...actor } };
    const opened = await openTask(tx, { ...approvalTask, subscriberId: null, detail, at });
    if (opened === null) return state;
    await recordAudit(tx, {
      at,
      actor,
      action: 'draft.approval-asked',
      subject: `draft revision ${revision}`,
      detail: { hash, task: opened },
    });
    return { ...state, asked: { at, by: actor } };
  });
}

async function stateOf(db: Db, { fourEyes }: { fourEyes: boolean }, draft: Draft): Promise<ApprovalState> {
  return {
    needed: fourEyes,
    revision: draft.revision,
    hash: draftHash(draft),
    approvals: await readApprovals(db, draft),
    asked: await readApprovalRequest(db),
  };
}
