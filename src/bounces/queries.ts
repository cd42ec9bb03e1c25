import { z } from 'zod';
import { type Db, many, maybeOne, run } from '../database/query.js';
import { sql } from '../database/sql.js';
import type { Tx } from '../database/transaction.js';
import { type ReportKind, type ReportSource, reportKinds } from './report.js';

/** The person whose address bounced. */
export interface Owner {
  id: number;
  kind: 'voluntary' | 'contractual';
}

const OwnerRow = z.object({ id: z.number(), kind: z.enum(['voluntary', 'contractual']), owns: z.boolean() });

/**
 * Locks a subscriber: also one who has moved, so that an erasure meanwhile finds what is written of them.
 * @returns null when an address that bounced is theirs no more, or they are gone
 */
export async function lockOwner(tx: Tx, subscriberId: number, recipientHash: Buffer): Promise<Owner | null> {
  const row = await maybeOne(
    tx,
    OwnerRow,
    sql`select id, kind, email_hash = ${recipientHash} as owns from subscribers where id = ${subscriberId}
      for no key update`,
  );
  return row?.owns === true ? { id: row.id, kind: row.kind } : null;
}

export interface NewBounce {
  deliveryId: number;
  recipientHash: Buffer;
  at: Date;
  kind: ReportKind;
  reason: string | null;
  status: string | null;
  diagnostic: string;
  source: ReportSource;
  eventKey: string;
}

/** Of an erased person no address is kept, as in the delivery. False: the report is known. */
export async function insertBounce(tx: Tx, bounce: NewBounce): Promise<boolean> {
  const { diagnostic } = bounce;
  const added = await run(
    tx,
    sql`insert into bounces
        (delivery_id, recipient_hash, received_at, kind, reason, status, diagnostic, source, event_key)
      select d.id, ${bounce.recipientHash}, ${bounce.at}, ${bounce.kind}, ${bounce.reason}, ${bounce.status},
        case when d.email is null
          then left(regexp_replace(${diagnostic}, ${String.raw`[^\s<>()",;:]+@[^\s<>()",;:]+`}, '[address]', 'g'), 1000)
          else ${diagnostic} end,
        ${bounce.source}, ${bounce.eventKey}
      from deliveries d where d.id = ${bounce.deliveryId}
      on conflict (event_key) do nothing`,
  );
  return added > 0;
}

const PastMail = z.object({
  at: z.date(),
  state: z.enum(['sent', 'bounced', 'failed']),
  reason: z.string().nullable(),
  reported: z.enum(reportKinds).nullable(),
});
export type PastMailRow = z.infer<typeof PastMail>;

/**
 * The last mails to the address that a subscriber has, newest first, with what was reported of them.
 * What lies before their last confirmation does not count: it proved that the mailbox works.
 */
export async function selectPastMails(tx: Tx, subscriberId: number, most: number): Promise<PastMailRow[]> {
  return many(
    tx,
    PastMail,
    sql`select coalesce(d.sent_at, d.settled_at, d.created_at) as at, d.state, d.reason, (
        select b.kind from bounces b
        where b.delivery_id = d.id and b.kind in ('hard', 'soft', 'block') order by b.id limit 1) as reported
      from subscribers s join deliveries d on d.subscriber_id = s.id and d.recipient_hash = s.email_hash
      where s.id = ${subscriberId} and d.state in ('sent', 'bounced', 'failed')
        and d.created_at > coalesce(s.confirmed_at, '-infinity')
      order by d.id desc limit ${most}`,
  );
}

/** Whether a token of a webhook was used before. */
export async function isTokenSpent(db: Db, tokenHash: Buffer): Promise<boolean> {
  const found = await maybeOne(
    db,
    z.object({ found: z.literal(1) }),
    sql`select 1 as found from webhook_tokens where token_hash = ${tokenHash}`,
  );
  return found !== null;
}

/** Keeps a token that was used, and forgets those that are refused for their age by now. */
export async function spendToken(tx: Tx, tokenHash: Buffer, at: Date, forgetBefore: Date): Promise<void> {
  await run(tx, sql`delete from webhook_tokens where seen_at < ${forgetBefore}`);
  await run(
    tx,
    sql`insert into webhook_tokens (token_hash, seen_at) values (${tokenHash}, ${at}) on conflict do nothing`,
  );
}
