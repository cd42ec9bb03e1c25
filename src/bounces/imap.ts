import { tryLockBounceMailbox } from '../database/locks.js';
import { transaction } from '../database/transaction.js';
import type { Deps } from '../deps.js';
import { readHold } from '../holds/hold.js';
import { type ArrivedDeps, type ArrivedKind, takeMail } from './arrived-mail.js';
import { type ImapMailbox, MailboxFault, openMailbox } from './imap-mailbox.js';
import { insertLeft, selectLeft } from './mailbox-queries.js';
import { readBounceMailbox, reportMailboxDown, reportMailboxUp } from './mailbox-state.js';

export interface PollDeps extends Pick<Deps, 'db' | 'config' | 'now' | 'log'>, ArrivedDeps {
  /** Aborted when the process is to end. */
  signal?: AbortSignal | undefined;
  /** Looks also while the mailbox is known not to work and it is not time yet. */
  atOnce?: boolean | undefined;
}

/** Mails of one call, so that none holds its lock for long. */
export const mostMails = 200;
/** A report says what it says in its first part; what comes later is the mail that came back. */
const mostBytes = 1024 * 1024;
/** What was there long before is no news, and a mailbox may be older than this service. */
const oldestDays = 90;

/**
 * Looks into the mailbox of BOUNCE_IMAP_URL, one instance at a time: reports of mail that did not arrive
 * are taken and put away, everything else stays for people, flagged once. A mail is marked only after
 * what it reports is booked, so that a crash at any moment loses none; the one in hand is taken again,
 * and then it is known.
 *
 * A mailbox that cannot be read is told once, and looked at again ever more seldom (mailbox-state.ts).
 * @returns how many mails were dealt with
 */
export async function pollBounces(deps: PollDeps): Promise<number> {
  const { bounceImapUrl } = deps.config;
  if (bounceImapUrl === null || deps.signal?.aborted === true) return 0;
  return transaction(deps.db, async (tx) => {
    if (!(await tryLockBounceMailbox(tx))) return 0;
    // A restored copy leaves the reports to its original until somebody says that it takes over.
    if ((await readHold(deps.db))?.because === 'copy') return 0;
    const { tryAt } = await readBounceMailbox(deps);
    if (tryAt !== null && tryAt > deps.now() && deps.atOnce !== true) return 0;
    return look(deps, bounceImapUrl);
  });
}

async function look(deps: PollDeps, url: string): Promise<number> {
  const progress = { dealtWith: 0 };
  try {
    const mailbox = await openMailbox(url, deps.signal);
    try {
      await reportMailboxUp(deps, deps.now());
      await dealWithAll(deps, mailbox, progress);
    } finally {
      await mailbox.close();
    }
  } catch (error) {
    if (!(error instanceof MailboxFault)) throw error;
    if (deps.signal?.aborted !== true) await reportMailboxDown(deps, error, deps.now());
  }
  return progress.dealtWith;
}

async function dealWithAll(deps: PollDeps, mailbox: ImapMailbox, progress: { dealtWith: number }): Promise<void> {
  const since = new Date(deps.now().getTime() - oldestDays * 86_400_000);
  const waiting = await mailbox.waiting(since);
  const left = await selectLeft(deps.db, mailbox.folder, waiting);
  for (const uid of waiting.filter((one) => !left.has(one)).slice(0, mostMails)) {
    if (deps.signal?.aborted === true) return;
    if (await dealWith(deps, mailbox, uid)) progress.dealtWith += 1;
  }
}

/** @returns false when it is gone, or has to be looked at again */
async function dealWith(deps: PollDeps, mailbox: ImapMailbox, uid: number): Promise<boolean> {
  const mail = await mailbox.read(uid, mostBytes);
  if (mail === null) return false;
  let kind: ArrivedKind;
  try {
    kind = await takeMail(deps, mail.source, []);
  } catch (err) {
    // Without the database nothing is to be blamed on the mail: this throws.
    await readBounceMailbox(deps);
    // Ours, and likely to be mended: the others go on, people see it, and it is tried each time.
    if (mail.isFlagged) return false;
    deps.log.error({ err, uid }, 'a mail in the bounce mailbox could not be read and is tried again');
    await mailbox.flag(uid);
    return false;
  }
  const marked =
    kind === 'report'
      ? await mailbox.putAway(uid)
      : await mailbox.leave(uid, { flag: kind !== 'auto-reply' && !mail.isSeen });
  if (!marked) await insertLeft(deps.db, mailbox.folder, uid);
  if (kind !== 'report') deps.log.info({ uid, kind }, 'a mail in the bounce mailbox is left for people');
  return true;
}
