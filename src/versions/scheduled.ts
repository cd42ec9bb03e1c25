import type { Actor } from '../actor.js';
import { systemActor } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import { lockPublishing } from '../database/locks.js';
import { type Tx, transaction } from '../database/transaction.js';
import { wake } from '../database/wake.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { isHeld } from '../holds/hold.js';
import { openTask, settleTask } from '../tasks/open.js';
import { publishDocument } from './publish.js';
import { isDue, lockScheduled, markScheduled } from './queries.js';
import { scheduledOf } from './read.js';
import { clearReview } from './review.js';
import type { ScheduledPublication } from './version.js';

/**
 * A publication that happens this soon after its time is on time: its dates count from the time that was
 * planned, so that a tick's delay does not break a notice period of exactly N days. Ask more often.
 */
export const onTimeMs = 30_000;

/**
 * Publishes what has come due. Any number of instances may call it at any time: the publishing lock and
 * the row's state let one of them act, once. The steps are instants, so no clock change skips or doubles
 * them.
 *
 * What is late, because the service was down, is published with the real time only if its dates still
 * keep the notice period and lie ahead; else it is held, with an audit entry, until an admin cancels it
 * and publishes anew. Never silently with too short a notice.
 * @returns how many were published or held
 */
export async function publishDue(deps: Pick<Deps, 'db' | 'now' | 'config'>): Promise<number> {
  if (!(await isDue(deps.db, deps.now()))) return 0;
  return transaction(deps.db, async (tx) => {
    await lockPublishing(tx);
    const now = deps.now();
    const planned = await lockScheduled(tx);
    if (planned === null || planned.state === 'held' || planned.publishAt > now) return 0;
    // After a long stop or on a restored copy it waits like everything overdue, until an admin's release.
    if (await isHeld(tx, planned.publishAt)) return 0;
    const lateMs = now.getTime() - planned.publishAt.getTime();
    const at = lateMs <= onTimeMs ? planned.publishAt : now;
    try {
      await publishDocument(deps, tx, {
        document: planned.document,
        gradings: planned.gradings,
        request: planned.request,
        at,
        actor: planned.createdBy,
        auditDetail: { plannedFor: planned.publishAt.toISOString(), lateSeconds: Math.round(lateMs / 1000) },
      });
      await markScheduled(tx, planned.id, 'published');
      await clearReview(tx, { message: planned.request.message ?? null, gradings: planned.gradings });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      // Refusals come before the first write, so there is nothing to take back.
      await hold(tx, planned, error, now, lateMs);
    }
    return 1;
  });
}

/** Calls off the planned or held publication. Refuses `version.not-scheduled`. */
export async function cancelScheduled(deps: Pick<Deps, 'db' | 'now'>, actor: Actor): Promise<ScheduledPublication> {
  const at = deps.now();
  return transaction(deps.db, async (tx) => {
    await lockPublishing(tx);
    const planned = await lockScheduled(tx);
    if (planned === null) throw new Refusal('version.not-scheduled', 'No publication is planned.');
    await markScheduled(tx, planned.id, 'cancelled');
    await recordAudit(tx, {
      at,
      actor,
      action: 'version.schedule-cancelled',
      subject: `version ${planned.number}`,
      detail: { publishAt: planned.publishAt.toISOString(), wasHeld: planned.state === 'held' },
    });
    await settleTask(tx, { kind: 'publication-held', subject: `version ${planned.number}` }, { actor, at });
    await wake(tx, 'versions');
    const { document: _, gradings: __, ...row } = planned;
    return scheduledOf(row);
  });
}

async function hold(
  tx: Tx,
  planned: { id: number; number: number; publishAt: Date },
  refusal: Refusal,
  now: Date,
  lateMs: number,
): Promise<void> {
  await markScheduled(tx, planned.id, 'held', refusal.code);
  const subject = `version ${planned.number}`;
  const detail = { because: refusal.code };
  await openTask(tx, { kind: 'publication-held', subscriberId: null, subject, detail, at: now });
  await recordAudit(tx, {
    at: now,
    actor: systemActor,
    action: 'version.held',
    subject: `version ${planned.number}`,
    detail: {
      because: refusal.code,
      sentence: refusal.message,
      plannedFor: planned.publishAt.toISOString(),
      lateSeconds: Math.round(lateMs / 1000),
    },
  });
  await wake(tx, 'versions');
}
