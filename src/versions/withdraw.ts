import type { Actor } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import { lockPublishing } from '../database/locks.js';
import { type Tx, transaction } from '../database/transaction.js';
import { wake } from '../database/wake.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { diffLists } from '../list/diff.js';
import { applyGradings } from '../list/grading.js';
import { severityOf } from '../list/severity.js';
import { toldChanges } from '../list/translation-diff.js';
import { orderNotice } from '../notices/order.js';
import { type CalledOff, callOff, wouldGiveBack } from '../notices/quiet.js';
import { earliestEffective, stateOf } from './clock.js';
import { clockOf } from './plan.js';
import { insertWithdrawal, selectTimeline, selectVersion } from './queries.js';
import { versionMissing } from './read.js';
import type { NoticeOutcome, PublishedVersion } from './version.js';

/**
 * Takes an announced version back before it takes effect. The version itself stays as it was published;
 * the withdrawal is a fact beside it. Whoever was told of the version is told of this; what it had taken
 * over within a quiet time, and what still stands of it, is told all the same.
 *
 * Refuses `version.missing`, `reason.missing`, and `version.not-withdrawable` when it is in force,
 * superseded or withdrawn already, when a later version, which contains its changes, stands, or when it
 * had taken something back untold that could not be told in time any more.
 */
export async function withdraw(
  deps: Pick<Deps, 'db' | 'now' | 'config'>,
  number: number,
  reason: string,
  actor: Actor,
): Promise<{ version: PublishedVersion; notice: NoticeOutcome }> {
  if (reason.trim() === '') {
    throw new Refusal('reason.missing', 'Say why the version is withdrawn: subscribers read it.', [
      { path: 'reason', message: 'is required' },
    ]);
  }
  return transaction(deps.db, async (tx) => {
    // The lock of publishing: nobody builds on the version, and nobody confirms, while it goes.
    await lockPublishing(tx);
    const at = deps.now();
    const version = number > 0 && number < 2 ** 31 ? await selectVersion(tx, number) : null;
    if (version === null) throw versionMissing(number);
    const timeline = await selectTimeline(tx);
    const state = stateOf(version, timeline, at);
    if (state !== 'announced') {
      throw new Refusal(
        'version.not-withdrawable',
        `Version ${number} is ${state}; only an announced one can be withdrawn.`,
      );
    }
    const above = timeline.find((later) => later.number > number && later.withdrawnAt === null);
    if (above !== undefined) {
      throw new Refusal(
        'version.not-withdrawable',
        `Version ${above.number} was published after version ${number} and contains its changes: withdraw that first.`,
      );
    }
    await refuseTooLate(deps, tx, number, at);
    await insertWithdrawal(tx, { version: number, at, reason, by: actor });
    const notice = await tellWithdrawal(tx, version, await callOff(tx, number, at), at);
    await recordAudit(tx, {
      at,
      actor,
      action: 'version.withdrawn',
      subject: `version ${number}`,
      detail: { reason, notice },
    });
    await wake(tx, 'versions');
    return { version: { ...version, withdrawnAt: at, withdrawalReason: reason }, notice };
  });
}

/** Told are those who know of the version, of what goes with it; what was told along and stands, stands. */
async function tellWithdrawal(
  tx: Tx,
  version: PublishedVersion,
  calledOff: CalledOff,
  at: Date,
): Promise<NoticeOutcome> {
  if (calledOff.told === 'not-yet') return { ordered: false, because: 'not-told-yet' };
  if (calledOff.told === 'never') return { ordered: false, because: version.notify ? 'no-net-change' : 'not-wanted' };
  const { along } = calledOff;
  const rest = along === null ? null : await selectVersion(tx, along);
  const { baseVersion, changes } =
    rest === null
      ? calledOff
      : {
          baseVersion: rest.number,
          changes: toldChanges(applyGradings(diffLists(rest.document, version.document).changes, version.gradings)),
        };
  if (changes.length === 0) return { ordered: false, because: 'no-net-change' };
  await orderNotice(tx, { version: version.number, kind: 'withdrawal', baseVersion, changes, at });
  return { ordered: true };
}

/**
 * A version that took another one back before anybody was told keeps it untold. Without it the other one
 * stands again, and must be told with the notice period that its date was made for.
 */
async function refuseTooLate(deps: Pick<Deps, 'config'>, tx: Tx, number: number, at: Date): Promise<void> {
  const waits = await wouldGiveBack(tx, number);
  if (waits === null || at <= waits.sendAfter) return;
  const version = await selectVersion(tx, waits.version);
  if (version === null || version.emergency || severityOf(waits.changes) !== 'material') return;
  const facts = { publishedAt: version.publishedAt, toldAt: at, first: false, material: true, notBefore: null };
  if (version.effectiveAt >= earliestEffective(facts, await clockOf(tx, deps.config))) return;
  throw new Refusal(
    'version.not-withdrawable',
    `Version ${number} took back version ${waits.version}, of which nobody was told; version ${waits.version} cannot come back at its date, as it would be told too late: publish it anew.`,
  );
}
