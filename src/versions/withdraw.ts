import type { Actor } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import { lockPublishing } from '../database/locks.js';
import { transaction } from '../database/transaction.js';
import { wake } from '../database/wake.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { orderNotice } from '../notices/order.js';
import { stateOf } from './clock.js';
import { insertWithdrawal, selectNoticeOf, selectTimeline, selectVersion } from './queries.js';
import { versionMissing } from './read.js';
import type { NoticeOutcome, PublishedVersion } from './version.js';

/**
 * Takes an announced version back before it takes effect. The version itself stays as it was published;
 * the withdrawal is a fact beside it. Whoever was to be notified of the version is notified of this.
 *
 * Refuses `version.missing`, `reason.missing`, and `version.not-withdrawable` when it is in force,
 * superseded or withdrawn already, or when a later version, which contains its changes, stands.
 */
export async function withdraw(
  deps: Pick<Deps, 'db' | 'now'>,
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
    await insertWithdrawal(tx, { version: number, at, reason, by: actor });
    const told = await selectNoticeOf(tx, number);
    if (told !== null) {
      await orderNotice(tx, { version: number, kind: 'withdrawal', ...told, at });
    }
    const notice: NoticeOutcome =
      told === null ? { ordered: false, because: version.notify ? 'no-net-change' : 'not-wanted' } : { ordered: true };
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
