import { createHash } from 'node:crypto';
import type { Actor } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import { type Tx, transaction } from '../database/transaction.js';
import { findBounced, markBounced } from '../deliveries/bounced.js';
import { deliveryOfReturnPath } from '../deliveries/return-path.js';
import type { Deps } from '../deps.js';
import { parseAddress } from '../mail/address.js';
import { suppressAddress } from '../subscribers/suppression.js';
import { emailHash } from '../subscribers/tokens.js';
import { openTask } from '../tasks/open.js';
import { insertBounce, lockOwner, type Owner } from './queries.js';
import type { Report, ReportKind } from './report.js';
import { mailsTo } from './soft-history.js';
import { isGivenUp } from './soft-rule.js';
import { giveUp, reportBouncedContact } from './undelivered.js';

export interface ReportResult {
  /**
   * - `bounced`: the mail came back; `suppressed` says whether nothing more goes there.
   * - `complaint`: it was marked as spam; likewise.
   * - `noted`: late, arrived, or answered by a machine: kept, and nothing follows.
   * - `known`: this was reported before.
   * - `unmatched`: no mail of ours.
   * - `not-a-report`: a letter of a person, or an event that says nothing of a mail's fate.
   * - `subscribed`: the topic of Amazon SNS was confirmed, as it asked for.
   */
  outcome: 'bounced' | 'complaint' | 'noted' | 'known' | 'unmatched' | 'not-a-report' | 'subscribed';
  /** What was reported; null when nothing was. */
  kind: ReportKind | null;
  delivery: number | null;
  /** Whether nothing more goes to the address by this report. */
  suppressed: boolean;
}

export type BookDeps = Pick<Deps, 'db' | 'config' | 'now'>;

export interface Reporter {
  actor: Actor;
  /**
   * Whether we know who reports. Anybody can write a mail: what one says counts only when it shows the
   * token or the Message-ID of the mail that it is about, which strangers do not know.
   */
  isKnown: boolean;
}

type Delivery = NonNullable<Awaited<ReturnType<typeof findBounced>>>;

/**
 * Books what a report says of one mail: as evidence, at the delivery, and at the person if it is final.
 * @param isAlone it is the only one of its mail; one of several is about whom it names
 */
export async function bookReport(
  deps: BookDeps,
  report: Report,
  reporter: Reporter,
  isAlone = true,
): Promise<ReportResult> {
  const { kind } = report;
  const delivery = await findDelivery(deps, report, reporter, isAlone);
  if (delivery === null) return { outcome: 'unmatched', kind, delivery: null, suppressed: false };
  const at = deps.now();
  return transaction(deps.db, async (tx) => {
    // The person before their deliveries, as everybody locks them.
    const { subscriberId, recipientHash } = delivery;
    const owner = subscriberId === null ? null : await lockOwner(tx, subscriberId, recipientHash);
    const isNew = await insertBounce(tx, {
      ...report,
      deliveryId: delivery.id,
      recipientHash,
      at,
      eventKey: keyOf(report, delivery),
    });
    const result = { kind, delivery: delivery.id, suppressed: false };
    if (!isNew) return { ...result, outcome: 'known' };
    const followed = await follow(tx, { report, delivery, owner, at });
    if (followed.outcome === 'bounced' || followed.outcome === 'complaint') {
      await recordAudit(tx, {
        at,
        actor: reporter.actor,
        action: kind === 'complaint' ? 'delivery.complained' : 'delivery.bounced',
        subject: `delivery ${delivery.id}`,
        detail: {
          kind,
          reason: report.reason,
          status: report.status,
          source: report.source,
          suppressed: followed.suppressed,
        },
      });
    }
    return { ...result, ...followed };
  });
}

/** The delivery that a report is about; null when it shows none, or only somebody's address to strangers. */
async function findDelivery(
  deps: BookDeps,
  report: Report,
  { isKnown }: Reporter,
  isAlone: boolean,
): Promise<Delivery | null> {
  const { db, config } = deps;
  const recipientHashes = report.addresses.flatMap((text) => {
    const address = parseAddress(text);
    return address === null ? [] : [emailHash(config.secretKeys, address.key)];
  });
  const shown = await findShown(deps, report);
  if (shown !== null && (isAlone || recipientHashes.length === 0)) return shown;
  // With several recipients only one is ours: each of our mails has one.
  if (shown !== null && recipientHashes.some((hash) => hash.equals(shown.recipientHash))) return shown;
  return isKnown ? findBounced(db, { messageId: null, recipientHashes }) : null;
}

/** By what only who has seen the mail can know. */
async function findShown({ db, config }: BookDeps, { traces }: Report): Promise<Delivery | null> {
  for (const address of traces.returnPaths) {
    const deliveryId = deliveryOfReturnPath(config.secretKeys, address);
    const found =
      deliveryId === null ? null : await findBounced(db, { deliveryId, messageId: null, recipientHashes: [] });
    if (found !== null) return found;
  }
  for (const messageId of new Set(traces.messageIds)) {
    const found = await findBounced(db, { messageId, recipientHashes: [] });
    if (found !== null) return found;
  }
  return null;
}

interface Booking {
  report: Report;
  delivery: Delivery;
  owner: Owner | null;
  at: Date;
}

/** What a report that is new leads to. */
async function follow(tx: Tx, booking: Booking): Promise<Pick<ReportResult, 'outcome' | 'suppressed'>> {
  switch (booking.report.kind) {
    case 'hard':
    case 'soft':
    case 'block':
      return bounce(tx, booking);
    case 'complaint':
      return { outcome: 'complaint', suppressed: await complain(tx, booking) };
    case 'auto-reply':
    case 'delayed':
    case 'delivered':
    case 'feedback':
      return { outcome: 'noted', suppressed: false };
  }
}

async function bounce(
  tx: Tx,
  { report, delivery, owner, at }: Booking,
): Promise<Pick<ReportResult, 'outcome' | 'suppressed'>> {
  const reason = report.reason ?? 'refused';
  const isNews = await markBounced(tx, delivery.id, { reason, response: report.diagnostic, at });
  if (owner === null) return { outcome: isNews ? 'bounced' : 'known', suppressed: false };
  let suppressed = false;
  if (report.kind === 'hard') {
    suppressed = await giveUp(tx, owner, { because: 'hard-bounce', reason, at });
  } else if (report.kind === 'soft' && isGivenUp(await mailsTo(tx, owner.id, at))) {
    suppressed = await giveUp(tx, owner, { because: 'soft-bounces', reason, at });
  }
  if (isNews && report.kind !== 'hard' && !suppressed) {
    await reportBouncedContact(tx, owner, { because: report.kind === 'soft' ? 'soft' : 'block', reason, at });
  }
  return { outcome: isNews || suppressed ? 'bounced' : 'known', suppressed };
}

/**
 * A person who came by the form wants no more (RFC 6650, 5). To whom a contract owes the notice goes
 * on being told, and the admins are: they may have marked it by mistake, or want another address.
 */
async function complain(tx: Tx, { report, owner, at }: Booking): Promise<boolean> {
  if (owner === null) return false;
  if (owner.kind === 'voluntary') return suppressAddress(tx, owner.id, 'complaint', report.reason, at);
  await openTask(tx, {
    kind: 'complaint-of-contact',
    subscriberId: owner.id,
    subject: `subscriber ${owner.id}`,
    detail: { reason: report.reason, source: report.source },
    at,
  });
  return false;
}

/**
 * What makes a report the same one when it comes again: the name that its source gave it, and the
 * delivery; where it has no name, all that it says.
 */
function keyOf(report: Report, delivery: Delivery): string {
  const { source, identity, kind, status, diagnostic } = report;
  const parts = identity === null ? [delivery.id, kind, status, diagnostic] : [delivery.id, kind, identity];
  return `${source}:${createHash('sha256').update(JSON.stringify(parts)).digest('hex')}`;
}
