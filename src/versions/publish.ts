import { z } from 'zod';
import type { Actor } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import { lockPublishing } from '../database/locks.js';
import { type Tx, transaction } from '../database/transaction.js';
import { wake } from '../database/wake.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import type { ListDocument } from '../list/document.js';
import type { Grading } from '../list/grading.js';
import { orderNotice } from '../notices/order.js';
import { takeOver } from '../notices/quiet.js';
import { endApprovalRequest } from './approval-task.js';
import { approvalMissing, refuseReviewed } from './approve.js';
import { canonicalHash, seal } from './chain.js';
import { settleDates, stateOf } from './clock.js';
import { draftMissing, refuseStale } from './draft.js';
import { momentOfPublication } from './moment.js';
import { isNotifiable, planVersion, type VersionPlan } from './plan.js';
import {
  deleteIdempotencyKeys,
  insertIdempotencyKey,
  insertScheduled,
  insertVersion,
  lockDraft,
  selectIdempotencyKey,
  selectScheduled,
  selectTimeline,
  selectVersion,
} from './queries.js';
import { scheduledOf } from './read.js';
import { publishAtOver, scheduledAlready } from './refusals.js';
import { clearReview } from './review.js';
import { updateMessage } from './review-queries.js';
import {
  noticeOutcomeSchema,
  type PublishedVersion,
  type PublishRequest,
  type PublishResult,
  scheduledSchema,
  withMessage,
} from './version.js';

export interface PublishOptions {
  /** Publish only the draft that was seen at this revision. */
  ifRevision?: number | undefined;
  /** … and with the message and severities of that mark (draft-hash.ts). */
  ifReviewed?: string | undefined;
  /** A repeat with the same key and the same request gets the answer of the first, and does nothing. */
  idempotencyKey?: string | undefined;
}

/** Answers to keys are kept for a week; the contract with clients is a day. */
const keyLifetime = 7 * 24 * 60 * 60 * 1000;

/**
 * Publishes the draft, or plans its publication for a time that is named or in which it can still be
 * stopped (moment.ts). One transaction under the
 * publishing lock: version, audit entry and the order to notify stand or fall together, numbers have no
 * gaps, and of concurrent repeats of one key one acts. The fan-out (notices/fan-out.ts) works behind it.
 *
 * Refuses `draft.missing`, `draft.stale`, `approval.missing`, `version.unchanged`, `version.scheduled-already`,
 * `version.not-correctable`, `reason.missing`, `idempotency.mismatch`, and dates as clock.ts says.
 */
export async function publish(
  deps: Pick<Deps, 'db' | 'now' | 'config'>,
  asked: PublishRequest,
  actor: Actor,
  options: PublishOptions = {},
): Promise<PublishResult> {
  return transaction(deps.db, async (tx) => {
    await lockPublishing(tx);
    // Read under the lock: moments of publishing are in the order of numbers.
    const at = deps.now();
    const { idempotencyKey: key } = options;
    const requestHash = canonicalHash({ request: asked, actor });
    const earlier = key === undefined ? null : await answerOf(tx, key, requestHash);
    if (earlier !== null) return earlier;

    const draft = await lockDraft(tx);
    if (draft === null) throw draftMissing();
    refuseStale(draft, options.ifRevision);
    refuseReviewed(draft, options.ifReviewed);
    await refuseSecond(tx);
    const { document, gradings } = draft;
    const request = withMessage(asked, draft);
    // What is approved is what is sent, and that may be another message than the draft's.
    const message = textOrNull(request.message);
    const unapproved = await approvalMissing(tx, deps.config, { document, gradings, message }, actor);
    if (unapproved !== null) throw unapproved;
    const moment = momentOfPublication(request, at, deps.config);
    const order = { document, gradings, request, at, actor };
    const result = moment.ahead
      ? await schedule(deps, tx, { ...order, publishAt: moment.at })
      : await publishDocument(deps, tx, order);
    // Planned, it can still be called off: then the draft has what was written for it, and goes on with that.
    if (!moment.ahead) await clearReview(tx, draft);
    else if (message !== draft.message) await updateMessage(tx, message);
    await endApprovalRequest(tx, { actor, at });
    if (key !== undefined) {
      await deleteIdempotencyKeys(tx, new Date(at.getTime() - keyLifetime));
      await insertIdempotencyKey(tx, { key, requestHash, status: result.status, response: remembered(result), at });
    }
    return result;
  });
}

/** What is published: nothing of it is read from the draft any more. */
interface Order {
  document: ListDocument;
  gradings: readonly Grading[];
  request: PublishRequest;
  at: Date;
  actor: Actor;
}

/**
 * Makes a document the next version, within the transaction of the caller, which holds the publishing
 * lock. Called by `publish` and, when its time has come, by `publishDue` (scheduled.ts).
 */
export async function publishDocument(
  deps: Pick<Deps, 'config'>,
  tx: Tx,
  order: Order & { auditDetail?: object },
): Promise<Extract<PublishResult, { status: 201 }>> {
  const { document, gradings, request, at, actor } = order;
  const plan = await planVersion(tx, deps.config, { document, gradings, request, publishedAt: at });
  const version = compose(plan, order);
  await insertVersion(tx, version, actor);
  const tookOver = await tell(tx, version.number, plan);
  await recordAudit(tx, {
    at,
    actor,
    action: 'version.published',
    subject: `version ${version.number}`,
    detail: {
      hash: version.hash,
      effectiveAt: version.effectiveAt.toISOString(),
      objectionDeadline: version.objectionDeadline?.toISOString() ?? null,
      changes: version.changes.length,
      severity: plan.severity,
      notice: plan.notice,
      ...(tookOver === null ? {} : { tookOver }),
      emergency: version.emergency,
      reason: version.reason,
      ...(version.corrects === null ? {} : { corrects: version.corrects }),
      ...(version.gradings.length === 0 ? {} : { graded: version.gradings.length }),
      ...order.auditDetail,
    },
  });
  await wake(tx, 'versions');
  return { status: 201, version, state: stateOf(version, await selectTimeline(tx), at), notice: plan.notice };
}

/**
 * Orders the notice. Where none is left to tell, what waits is not told either, whoever took it back.
 * @returns the version whose notice waited until now
 */
async function tell(tx: Tx, version: number, plan: VersionPlan): Promise<number | null> {
  const { notice, window, netChanges, told } = plan;
  const { publishedAt: at, toldAt: sendAfter } = plan.facts;
  if (notice.ordered) {
    const baseVersion = told?.number ?? null;
    await orderNotice(tx, { version, kind: 'change', baseVersion, changes: netChanges, at, sendAfter, window });
  } else if (window !== null && !isNotifiable(netChanges)) {
    await takeOver(tx, window, { version, sendAfter: window.sendAfter, at });
  } else return null;
  return window?.carrier ?? null;
}

function compose(
  plan: VersionPlan,
  order: { document: ListDocument; request: PublishRequest; at: Date },
): PublishedVersion {
  const { document, request, at } = order;
  const { effectiveAt, objectionDeadline } = settleDates(request, plan.facts, plan.clock);
  const message = textOrNull(request.message);
  const corrects = request.corrects ?? null;
  const { number, previousHash } = plan;
  return {
    number,
    document,
    changes: plan.changes,
    message,
    publishedAt: at,
    effectiveAt,
    objectionDeadline,
    emergency: request.emergency === true,
    reason: textOrNull(request.reason),
    notify: request.notify !== false,
    corrects,
    gradings: plan.gradings,
    hash: seal({
      version: number,
      document,
      publishedAt: at,
      effectiveAt,
      objectionDeadline,
      message,
      corrects,
      previousHash,
    }),
    previousHash,
    withdrawnAt: null,
    withdrawalReason: null,
  };
}

/** Plans a publication. What could not be published at its time is refused now, while somebody looks. */
async function schedule(
  deps: Pick<Deps, 'config'>,
  tx: Tx,
  order: Order & { publishAt: Date },
): Promise<Extract<PublishResult, { status: 202 }>> {
  const { document, gradings, request, publishAt, at, actor } = order;
  const over = publishAtOver(publishAt, at);
  if (over !== null) throw over;
  const plan = await planVersion(tx, deps.config, { document, gradings, request, publishedAt: publishAt, ahead: true });
  settleDates(request, plan.facts, plan.clock);
  const row = await insertScheduled(tx, {
    number: plan.number,
    document,
    gradings,
    request,
    publishAt,
    at,
    by: actor,
  });
  await recordAudit(tx, {
    at,
    actor,
    action: 'version.scheduled',
    subject: `version ${plan.number}`,
    detail: {
      publishAt: publishAt.toISOString(),
      heldBack: request.publishAt === undefined,
      changes: plan.changes.length,
      severity: plan.severity,
    },
  });
  await wake(tx, 'versions');
  return { status: 202, scheduled: scheduledOf(row) };
}

async function refuseSecond(tx: Tx): Promise<void> {
  const scheduled = await selectScheduled(tx);
  if (scheduled !== null) throw scheduledAlready(scheduled);
}

// A version never changes, so its number is enough to give the same answer again.
const Remembered = z.discriminatedUnion('status', [
  z.object({
    status: z.literal(201),
    version: z.number(),
    state: z.enum(['announced', 'in-force', 'superseded']),
    notice: noticeOutcomeSchema,
  }),
  z.object({ status: z.literal(202), scheduled: scheduledSchema }),
]);

function remembered(result: PublishResult): object {
  return result.status === 201 ? { ...result, version: result.version.number } : result;
}

async function answerOf(tx: Tx, key: string, requestHash: string): Promise<PublishResult | null> {
  const entry = await selectIdempotencyKey(tx, key);
  if (entry === null) return null;
  if (entry.requestHash !== requestHash) {
    throw new Refusal('idempotency.mismatch', 'This Idempotency-Key came with another request before; use a new one.');
  }
  const response = Remembered.parse(entry.response);
  if (response.status === 202) return response;
  const version = await selectVersion(tx, response.version);
  if (version === null) throw new Error(`version ${response.version}, answered to an idempotency key, is missing`);
  return { ...response, version };
}

function textOrNull(text: string | undefined): string | null {
  return text === undefined || text === '' ? null : text;
}
