import { z } from 'zod';
import type { Tx } from '../database/transaction.js';
import type { Meaning } from '../deliveries/reply-rules.js';
import { kindOf } from './classify.js';
import { type PastMailRow, selectPastMails } from './queries.js';
import { givenUpAfterMs, type PastMail } from './soft-rule.js';

/** Enough of them for any rule, and no more than a page of an index. */
const most = 30;

/** What became of the last mails to a subscriber's address, newest first, for the rule of soft-rule.ts. */
export async function mailsTo(tx: Tx, subscriberId: number, now: Date): Promise<PastMail[]> {
  const rows = await selectPastMails(tx, subscriberId, most);
  return rows.map((row) => ({ at: row.at, became: becameOf(row, now) }));
}

function becameOf({ at, state, reason, reported }: PastMailRow, now: Date): PastMail['became'] {
  if (state === 'sent') return now.getTime() - at.getTime() > givenUpAfterMs ? 'arrived' : 'undecided';
  // What no report says was said while talking to the relay.
  const kind = reported ?? kindOfReason(reason);
  return kind === 'soft' || kind === 'hard' ? 'soft' : 'undecided';
}

/** Refusals while talking that concern the mailbox; all others are of the relay, or about us. */
const meanings = [
  'mailbox-unknown',
  'mailbox-disabled',
  'domain-unknown',
  'address-invalid',
  'mailbox-full',
  'domain-unreachable',
] as const satisfies readonly Meaning[];

/** What a refusal while talking to the relay says of the mailbox; null when it says nothing. */
export function kindOfReason(reason: string | null): 'hard' | 'soft' | 'block' | null {
  const { data } = z.enum(meanings).safeParse(reason);
  return data === undefined ? null : kindOf(data);
}
