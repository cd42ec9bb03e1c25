import { z } from 'zod';
import { type Db, many, maybeOne, run } from '../database/query.js';
import { prepared, type Sql, sql } from '../database/sql.js';
import type { Tx } from '../database/transaction.js';
import { letterKinds } from './delivery.js';
import type { Letter } from './enqueue.js';

/*
 * The outbox. All statements on the way of a mail take many rows at once: one UPDATE a mail would cap
 * the service at about 2,000 mails a second on one connection, batches of 500 run at 30,000.
 */

const Id = z.object({ id: z.number() });

export async function insertLetters(tx: Tx, letters: readonly Letter[]): Promise<number[]> {
  const rows = await many(
    tx,
    Id,
    sql`insert into deliveries
        (kind, subscriber_id, email, recipient_hash, locale, params, priority, state, due_at, created_at)
      select kind, subscriber_id, email, recipient_hash, locale, params::jsonb, 0, 'queued', at, at
      from unnest(
        ${letters.map(({ kind }) => kind)}::text[],
        ${letters.map(({ subscriberId }) => subscriberId)}::bigint[],
        ${letters.map(({ email }) => email)}::text[],
        ${letters.map(({ recipientHash }) => recipientHash)}::bytea[],
        ${letters.map(({ locale }) => locale)}::text[],
        ${letters.map(({ params }) => JSON.stringify(params))}::text[],
        ${letters.map(({ at }) => at)}::timestamptz[]
      ) with ordinality as letter (kind, subscriber_id, email, recipient_hash, locale, params, at, place)
      order by place
      returning id`,
  );
  return rows.map(({ id }) => id);
}

/** Letters that somebody asked for themselves still go after they left; not to a dead address. */
export async function suppressUnsent(tx: Tx, subscriberId: number, reason: string, at: Date): Promise<number> {
  return run(
    tx,
    sql`update deliveries set state = 'suppressed', reason = ${reason}, settled_at = ${at}, state_at = ${at}
      where subscriber_id = ${subscriberId} and state in ('queued', 'deferred')
        and (${reason} <> 'unsubscribed' or kind in ('notice', 'welcome'))`,
  );
}

/** What an answer says of an address: whole words with an "@". */
const addresses = String.raw`[^\s<>()",;:]+@[^\s<>()",;:]+`;

export async function forgetRecipientOf(tx: Tx, subscriberId: number, at: Date): Promise<void> {
  await run(
    tx,
    sql`update deliveries set
        subscriber_id = null, email = null, params = '{}',
        response = regexp_replace(response, ${addresses}, '[address]', 'g'),
        state_at = case when state in ('queued', 'deferred') then ${at} else state_at end,
        settled_at = case when state in ('queued', 'deferred') then ${at} else settled_at end,
        state = case when state in ('queued', 'deferred') then 'suppressed' else state end,
        reason = case when state in ('queued', 'deferred') then 'erased' else reason end
      where subscriber_id = ${subscriberId}`,
  );
}

const Claimed = z.object({
  id: z.number(),
  kind: z.enum(['notice', ...letterKinds]),
  noticeId: z.number().nullable(),
  subscriberId: z.number().nullable(),
  email: z.string().nullable(),
  locale: z.string(),
  params: z.record(z.string(), z.unknown()),
  services: z.array(z.string()).nullable(),
  why: z.enum(['voluntary', 'contractual']),
  attempts: z.number(),
  messageId: z.string(),
  recipientHash: z.instanceof(Buffer),
  createdAt: z.date(),
  priority: z.number(),
  /** Why it must not be sent any more; null: it may. */
  withheld: z.string().nullable(),
});
export type ClaimedDelivery = z.infer<typeof Claimed>;

/**
 * Why a delivery must not go, as things stand now: consent is looked at when the mail goes, not when the
 * list was drawn up. Expects `d` (deliveries) and `r`, its recipient as `recipientOf` finds them. Letters
 * go to whoever caused them, confirmed or not: confirming by mail is what brings an unsubscribed or
 * bounced address back. The welcome alone needs a subscriber who stayed.
 */
const withheld = sql`case
    when d.email is null then 'erased'
    when d.kind not in ('notice', 'welcome') then null
    when r.id is null then 'erased'
    when r.status <> 'confirmed' then 'unsubscribed'
    when r.suppressed is not null then r.suppressed
    when d.notice_id = any(array(
      select n.id from notices n join withdrawals w on w.version = n.version where n.kind = 'change')) then 'withdrawn'
    -- Whoever is told of everything was in scope when the row was made, and still is.
    when r.services is not null or r.told_of <> 'all' then (
      select out_of_scope(r.told_of, r.services, n.services, n.material_services)
      from notices n where n.id = d.notice_id and n.kind = 'change')
  end`;

/** The subscriber of a delivery as they are now, and whether their address is mailed. */
const recipientOf = (subscriberId: Sql) => sql`left join lateral (
      select s.id, s.email, s.email_hash, s.locale, s.status, s.told_of, s.services, s.kind, x.reason as suppressed
      from subscribers s left join suppressions x on x.email_hash = s.email_hash
      where s.id = ${subscriberId} limit 1) r on true`;

/** What was ordered before a hold (holds/) waits until an admin lets it go. */
const released = sql`created_at >= coalesce((select held_since from service_state), '-infinity')`;

export interface Claim {
  instance: string;
  most: number;
  now: Date;
  leasedUntil: Date;
  /** Right side of the Message-ID. */
  domain: string;
}

/**
 * Takes up to `most` deliveries that are due, letters first, and marks them as at hand until the
 * lease ends. Rows that another instance is taking are passed over.
 *
 * The two priorities are two index ranges: with one range over both, a claim would read past every
 * deferred letter, and past a million deferred notices once nothing is due. What is joined to a row is
 * looked up by its key, row by row (`limit 1`, and the rows pass through arrays): left to choose, the
 * planner took a limit that it cannot see for a tenth of the table, and read all subscribers for each claim.
 *
 * A notice goes to the address and in the language that the subscriber has now, and the row says so.
 */
export async function claimDeliveries(db: Db, claim: Claim): Promise<ClaimedDelivery[]> {
  const rows = await many(
    db,
    Claimed,
    prepared(sql`with letters as materialized (
        select id, subscriber_id from deliveries
        where state in ('queued', 'deferred') and priority = 0 and due_at <= ${claim.now}
          and ${released}
        order by due_at, id limit ${claim.most} for update skip locked
      ), notices_due as materialized (
        select id, subscriber_id from deliveries
        where state in ('queued', 'deferred') and priority = 1 and due_at <= ${claim.now}
          and ${released}
        order by due_at, id limit ${claim.most} for update skip locked
      ), due as materialized (
        select id, subscriber_id from (table letters union all table notices_due) both_kinds limit ${claim.most}
      ), taken as materialized (
        select due.id as delivery, r.*
        from unnest(array(select id from due), array(select subscriber_id from due)) as due (id, subscriber_id)
        ${recipientOf(sql`due.subscriber_id`)}
      )
      update deliveries d set
        state = 'sending', state_at = ${claim.now}, claimed_at = ${claim.now}, attempts = d.attempts + 1,
        leased_until = ${claim.leasedUntil}, leased_by = ${claim.instance},
        message_id = coalesce(d.message_id,
          '<' || d.id || '.' || replace(gen_random_uuid()::text, '-', '') || '@' || ${claim.domain}::text || '>'),
        email = case when d.kind = 'notice' then coalesce(r.email, d.email) else d.email end,
        recipient_hash = case when d.kind = 'notice' then coalesce(r.email_hash, d.recipient_hash) else d.recipient_hash end,
        locale = case when d.kind = 'notice' then coalesce(r.locale, d.locale) else d.locale end
      from taken r
      where d.id = r.delivery
      returning d.id, d.kind, d.notice_id as "noticeId", d.subscriber_id as "subscriberId", d.email, d.locale, d.params,
        r.services, coalesce(r.kind, 'voluntary') as why, d.attempts, d.message_id as "messageId",
        d.recipient_hash as "recipientHash", d.created_at as "createdAt", ${withheld} as withheld, d.priority`),
  );
  // What an update returns has no order of its own: letters go first, the rest is as they were picked.
  return rows.sort((a, b) => a.priority - b.priority);
}

/** What a bounce needs to know of the delivery that it is about. */
const Known = z.object({
  id: z.number(),
  subscriberId: z.number().nullable(),
  recipientHash: z.instanceof(Buffer),
});
export type KnownDelivery = z.infer<typeof Known>;

export async function selectKnown(db: Db, id: number): Promise<KnownDelivery | null> {
  return maybeOne(
    db,
    Known,
    sql`select id, subscriber_id as "subscriberId", recipient_hash as "recipientHash" from deliveries where id = ${id}`,
  );
}

/** The number with which a Message-ID begins; null for one that we made differently, or did not make. */
function numberIn(messageId: string): number | null {
  const digits = /^<(\d{1,15})\.[0-9a-f]{32}@/.exec(messageId)?.[1];
  return digits === undefined ? null : Number(digits);
}

export async function selectByMessageId(db: Db, messageId: string): Promise<KnownDelivery | null> {
  // A stranger may have written it: ours are of visible ASCII, and a NUL would be an error of the database.
  if (!/^[!-~]+$/.test(messageId)) return null;
  return maybeOne(
    db,
    Known,
    sql`select id, subscriber_id as "subscriberId", recipient_hash as "recipientHash" from deliveries
      where id = coalesce(
          ${numberIn(messageId)}::bigint,
          (select delivery_id from former_message_ids where message_id = ${messageId}))
        -- Of one that was sent again the mail before counts as well.
        and (message_id = ${messageId} or exists (
          select from former_message_ids f where f.message_id = ${messageId} and f.delivery_id = deliveries.id))`,
  );
}

/** The last mail that the relay took for an address. */
export async function selectLastTo(db: Db, recipientHash: Buffer): Promise<KnownDelivery | null> {
  return maybeOne(
    db,
    Known,
    sql`select d.id, d.subscriber_id as "subscriberId", d.recipient_hash as "recipientHash"
      from subscribers s join deliveries d on d.subscriber_id = s.id
      where s.email_hash = ${recipientHash} and d.recipient_hash = s.email_hash and d.sent_at is not null
      order by d.id desc limit 1`,
  );
}

/**
 * Only once: a second report changes nothing. The report may be faster than the record of the hand-over,
 * or all that is known of one that a crash cut off; then it ends the delivery, which is not sent again.
 */
export async function setBounced(tx: Tx, id: number, reason: string, response: string, at: Date): Promise<boolean> {
  const changed = await run(
    tx,
    sql`update deliveries set state = 'bounced', reason = ${reason}, settled_at = ${at}, state_at = ${at},
        response = case when email is null then regexp_replace(${response}, ${addresses}, '[address]', 'g') else ${response} end,
        leased_until = null, leased_by = null
      where id = ${id} and state in ('sent', 'deferred', 'sending', 'queued')`,
  );
  return changed > 0;
}

const Withheld = z.object({ id: z.number(), isOurs: z.boolean(), withheld: z.string().nullable() });

/** Which of the deliveries at hand must not go any more, or are at hand elsewhere by now. */
export async function recheckDeliveries(
  db: Db,
  instance: string,
  ids: readonly number[],
): Promise<z.infer<typeof Withheld>[]> {
  return many(
    db,
    Withheld,
    sql`select * from (
        select d.id, d.leased_by is not distinct from ${instance}::uuid as "isOurs", ${withheld} as withheld
        from deliveries d ${recipientOf(sql`d.subscriber_id`)}
        where d.id = any(${ids}::bigint[])) at_hand
      where withheld is not null or not "isOurs"`,
  );
}

export interface Outcome {
  id: number;
  state: 'queued' | 'sent' | 'deferred' | 'bounced' | 'failed' | 'suppressed';
  reason: string | null;
  /** Null: what an earlier attempt was told stays. */
  response: string | null;
  /** Null: unchanged. */
  dueAt: Date | null;
  at: Date;
  /** Whether the hand-over took place; what was only claimed does not count as an attempt. */
  attempted: boolean;
}

/**
 * Records what became of many deliveries. Only the holder of the lease may say that something was not
 * sent; that it *was* sent is a fact, whoever holds the lease by now.
 */
export async function recordOutcomes(db: Db, instance: string, outcomes: readonly Outcome[]): Promise<number> {
  // In the order in which an erasure locks a person's deliveries, who may have two of these.
  const inOrder = [...outcomes].sort((a, b) => a.id - b.id);
  return run(
    db,
    prepared(sql`update deliveries d set
        state = v.state, state_at = v.at,
        reason = case when v.attempted or v.reason is not null then v.reason else d.reason end,
        response = case when d.email is null
          then coalesce(regexp_replace(v.response, ${addresses}, '[address]', 'g'), d.response)
          else coalesce(v.response, d.response) end,
        due_at = coalesce(v.due_at, d.due_at),
        sent_at = case when v.state = 'sent' then v.at else d.sent_at end,
        settled_at = case when v.state in ('sent', 'bounced', 'failed', 'suppressed') then v.at end,
        attempts = case when v.attempted then d.attempts else greatest(d.attempts - 1, 0) end,
        leased_until = null, leased_by = null
      from unnest(
        ${inOrder.map(({ id }) => id)}::bigint[],
        ${inOrder.map(({ state }) => state)}::text[],
        ${inOrder.map(({ reason }) => reason)}::text[],
        ${inOrder.map(({ response }) => response)}::text[],
        ${inOrder.map(({ dueAt }) => dueAt)}::timestamptz[],
        ${inOrder.map(({ at }) => at)}::timestamptz[],
        ${inOrder.map(({ attempted }) => attempted)}::boolean[]
      ) as v (id, state, reason, response, due_at, at, attempted)
      where d.id = v.id and d.state not in ('sent', 'bounced') and (v.state = 'sent' or d.leased_by = ${instance})`),
  );
}

/** Keeps what is at hand; an instance that dies stops doing so and is covered when the lease ends. */
export async function renewLeases(db: Db, instance: string, ids: readonly number[], until: Date): Promise<void> {
  await run(
    db,
    // What is being recorded at this moment needs no lease, and waiting for it could end in a deadlock.
    sql`update deliveries set leased_until = ${until} where id in (
        select id from deliveries where id = any(${ids}::bigint[]) and state = 'sending' and leased_by = ${instance}
        for update skip locked)`,
  );
}

/** Gives back what a dead instance held. Whether its last hand-over arrived nobody knows: it counts. */
export async function releaseExpired(db: Db, now: Date): Promise<number> {
  return run(
    db,
    sql`update deliveries set
        state = case when attempts > 1 then 'deferred' else 'queued' end, state_at = ${now},
        leased_until = null, leased_by = null
      where id in (
        select id from deliveries where state = 'sending' and leased_until < ${now} for update skip locked)`,
  );
}
