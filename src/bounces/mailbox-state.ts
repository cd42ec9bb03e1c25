import { systemActor } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import { transaction } from '../database/transaction.js';
import type { Deps } from '../deps.js';
import { openTask, settleTask } from '../tasks/open.js';
import type { MailboxFault } from './imap-mailbox.js';
import { lockMailbox, type MailboxState, markMailboxDown, markMailboxUp, selectMailbox } from './mailbox-queries.js';

const minute = 60_000;
/** Bounces are late by no more than this once the mailbox can be read again. */
const longestGap = 15 * minute;

/** The bounce mailbox as all instances see it: whether it can be read, since when not, and why. */
export async function readBounceMailbox(deps: Pick<Deps, 'db'>): Promise<MailboxState> {
  return selectMailbox(deps.db);
}

/** The next look is later each time; the admins and the log are told when what is wrong changes. */
export async function reportMailboxDown(
  deps: Pick<Deps, 'db' | 'log'>,
  { code, words }: MailboxFault,
  now: Date,
): Promise<void> {
  await transaction(deps.db, async (tx) => {
    const before = await lockMailbox(tx);
    const gap = Math.min(minute * 2 ** Math.min(before.faults, 10), longestGap);
    // Half a minute early, as looks are a minute apart and never on the second.
    const tryAt = new Date(now.getTime() + gap - minute / 2);
    await markMailboxDown(tx, { fault: code, response: words, now, tryAt });
    if (before.fault === code) return;
    deps.log.error({ fault: code, response: words }, 'the bounce mailbox cannot be read');
    await recordAudit(tx, {
      at: now,
      actor: systemActor,
      action: 'bounce-mailbox.down',
      subject: 'bounce-mailbox',
      detail: { fault: code, response: words },
    });
    const detail = { fault: code, response: words };
    await openTask(tx, { kind: 'bounce-mailbox-down', subscriberId: null, subject: 'bounce-mailbox', detail, at: now });
  });
}

/** It can be read; told once when it could not before. */
export async function reportMailboxUp(deps: Pick<Deps, 'db' | 'log'>, now: Date): Promise<void> {
  await transaction(deps.db, async (tx) => {
    const since = await markMailboxUp(tx);
    if (since === null) return;
    deps.log.info({ downSince: since }, 'the bounce mailbox can be read again');
    await recordAudit(tx, {
      at: now,
      actor: systemActor,
      action: 'bounce-mailbox.up',
      subject: 'bounce-mailbox',
      detail: { downSince: since },
    });
    await settleTask(tx, { kind: 'bounce-mailbox-down', subject: 'bounce-mailbox' }, { actor: systemActor, at: now });
  });
}
