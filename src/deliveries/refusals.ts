import { systemActor } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import type { Tx } from '../database/transaction.js';
import { withoutAddresses } from '../mail/address.js';
import { openTask } from '../tasks/open.js';

/*
 * A mail system that takes mail for its people and does not take ours: a policy, a block list, a size.
 * That is no matter of each recipient but of us, so the admins hear of it once a domain, in its words.
 */

/** A refusal of the sender that was booked against a recipient. */
export interface SenderRefusal {
  domain: string;
  reason: string;
  response: string;
  at: Date;
}

/** Tells the admins, in the transaction that books the refusals; one task a domain is open at a time. */
export async function reportRefusals(tx: Tx, refusals: readonly SenderRefusal[]): Promise<void> {
  const byDomain = new Map<string, SenderRefusal>();
  for (const refusal of refusals) if (!byDomain.has(refusal.domain)) byDomain.set(refusal.domain, refusal);
  // In one order, as other instances may be at the same domains.
  for (const [domain, { reason, response, at }] of [...byDomain].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const subject = `domain ${domain}`;
    const detail = { reason, response: withoutAddresses(response) };
    const opened = await openTask(tx, { kind: 'mail-refused', subscriberId: null, subject, detail, at });
    if (opened !== null) await recordAudit(tx, { at, actor: systemActor, action: 'mail.refused', subject, detail });
  }
}
