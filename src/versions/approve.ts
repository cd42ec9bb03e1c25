import { type Actor, isSamePerson } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import { lockPublishing } from '../database/locks.js';
import type { Db } from '../database/query.js';
import { transaction } from '../database/transaction.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { type Approval, insertApproval, selectApprovals } from './approval-queries.js';
import { endApprovalRequest } from './approval-task.js';
import { draftMissing, refuseStale } from './draft.js';
import { type Content, draftHash, reviewMark } from './draft-hash.js';
import { lockDraft } from './queries.js';

export type { Approval } from './approval-queries.js';

/**
 * Approves the draft that somebody has looked at, with its message and its severities: what is changed of any of
 * them ends the approval. Only a person can; twice is once.
 * Refuses `draft.missing`, `draft.stale` when it is another draft by now, and `permission.missing` for a token.
 */
export async function approveDraft(
  deps: Pick<Deps, 'db' | 'now'>,
  seen: { revision: number; reviewed?: string | undefined },
  actor: Actor,
): Promise<void> {
  if (actor.kind !== 'admin') {
    throw new Refusal('permission.missing', 'A token cannot approve a draft: it takes a second person.');
  }
  const at = deps.now();
  await transaction(deps.db, async (tx) => {
    await lockPublishing(tx);
    const draft = await lockDraft(tx);
    if (draft === null) throw draftMissing();
    refuseStale(draft, seen.revision);
    refuseReviewed(draft, seen.reviewed);
    const hash = draftHash(draft);
    if ((await selectApprovals(tx, hash)).some(({ by }) => isSamePerson(by, actor))) return;
    await insertApproval(tx, { hash, by: actor, at });
    await endApprovalRequest(tx, { actor, at });
    await recordAudit(tx, {
      at,
      actor,
      action: 'draft.approved',
      subject: `draft revision ${draft.revision}`,
      detail: { hash },
    });
  });
}

/** Refuses `draft.stale` when the draft's message or severities are others than those with the mark. */
export function refuseReviewed(draft: Content, reviewed: string | undefined): void {
  if (reviewed === undefined || reviewMark(draft) === reviewed) return;
  throw new Refusal('draft.stale', 'The message or a severity was changed meanwhile: read the draft again.');
}

/** Who has approved exactly this draft, each once. */
export async function readApprovals(db: Db, draft: Content): Promise<Approval[]> {
  return selectApprovals(db, draftHash(draft));
}

/**
 * What stands against publishing where four eyes are asked for: an approval by somebody else than the one who
 * publishes. For a token any person's approval counts. Null: nothing does.
 */
export async function approvalMissing(
  db: Db,
  { fourEyes }: { fourEyes: boolean },
  draft: Content,
  actor: Actor,
): Promise<Refusal | null> {
  if (!fourEyes) return null;
  const approvals = await readApprovals(db, draft);
  if (approvals.some(({ by }) => !isSamePerson(by, actor))) return null;
  return new Refusal(
    'approval.missing',
    'Another admin has to approve this draft first; an approval ends when the draft is changed.',
  );
}
