import { z } from 'zod';
import { type Db, many, maybeOne, one, run } from '../database/query.js';
import { type Sql, sql } from '../database/sql.js';
import type { Tx } from '../database/transaction.js';
import { deliveryStates } from '../deliveries/delivery.js';
import type { Concern, NoticeOrder } from './order.js';

const Id = z.object({ id: z.number() });

export async function insertNotice(
  tx: Tx,
  order: NoticeOrder & Concern & { moment: number | null; sendAfter: Date },
): Promise<number> {
  const { id } = await one(
    tx,
    Id,
    sql`insert into notices (version, kind, base_version, changes, services, material_services, moment, ordered_at,
        send_after)
      values (${order.version}, ${order.kind}, ${order.baseVersion}, ${JSON.stringify(order.changes)},
        ${order.services}, ${order.materialServices}, ${order.moment}, ${order.at}, ${order.sendAfter})
      returning id`,
  );
  return id;
}

/** Nobody further is told of a version that is withdrawn; waits for the chunk at hand. */
export async function endFanOutOfChange(tx: Tx, version: number, at: Date): Promise<void> {
  await run(
    tx,
    sql`update notices set fanned_out_at = ${at}
      where version = ${version} and kind = 'change' and fanned_out_at is null`,
  );
}

export async function selectLastNotified(db: Db): Promise<{ version: number } | null> {
  return maybeOne(
    db,
    z.object({ version: z.number() }),
    sql`select n.version from notices n
      where n.kind = 'change' and (n.moment is not null or n.merged_into is null)
        and not exists (select from withdrawals w where w.version = n.version)
      order by n.version desc limit 1`,
  );
}

const Unfinished = z.object({
  id: z.number(),
  version: z.number(),
  kind: z.enum(['change', 'withdrawal']),
  moment: z.number(),
  fannedOutTo: z.number(),
  /** Its version was taken over by a later one, whose notice told of both. */
  merged: z.boolean(),
});
export type UnfinishedNotice = z.infer<typeof Unfinished>;

/**
 * The notice that is to be told first of those that are not fanned out, do not wait, are not held (holds/),
 * and that no other instance has at hand.
 */
export async function claimNotice(tx: Tx): Promise<UnfinishedNotice | null> {
  return maybeOne(
    tx,
    Unfinished,
    sql`select id, version, kind, moment, fanned_out_to as "fannedOutTo",
        exists (select from notices told where told.version = notices.version and told.merged_into is not null) as merged
      from notices
      where fanned_out_at is null and moment is not null
        and ordered_at >= coalesce((select held_since from service_state), '-infinity')
      order by moment, id limit 1 for update skip locked`,
  );
}

/** Subscribers after `from`, up to and with `to`; null: to the end. */
export interface Range {
  from: number;
  to: number | null;
}

/**
 * Holds the next chunk of confirmed subscribers until the transaction ends: they may leave or change
 * meanwhile, but not be erased between being chosen and having their row. To be called before any
 * delivery is touched, as everybody locks a person before their deliveries.
 * @returns the id that ends the chunk; null when it is the last one
 */
export async function holdChunk(tx: Tx, notice: UnfinishedNotice, size: number): Promise<number | null> {
  const { last, count } = await one(
    tx,
    z.object({ last: z.number().nullable(), count: z.number() }),
    sql`select max(id) as last, count(*) as count from (
        select id from subscribers where status = 'confirmed' and id > ${notice.fannedOutTo}
        order by id limit ${size} for key share) chunk`,
  );
  return count === size ? last : null;
}

/** Ids are far below it; a bound that is always there keeps the statement a plain index range. */
const endOfIds = Number.MAX_SAFE_INTEGER;

/** Rows of the outbox for the notice `n` to subscribers `s`; `reason`: why it does not go, null where it goes. */
const insertRows = (reason: Sql, now: Date) => sql`insert into deliveries
    (kind, notice_id, subscriber_id, email, recipient_hash, locale, priority, state, reason, due_at, created_at,
    settled_at)
  select 'notice', n.id, s.id, s.email, s.email_hash, s.locale, 1,
    case when ${reason} is null then 'queued' else 'suppressed' end, ${reason}, ${now}, ${now},
    case when ${reason} is not null then ${now}::timestamptz end`;

/**
 * One row for each confirmed subscriber of the range: to be sent, or the reason why not. Of what a later
 * version's notice told as well, only whoever was not sent that one.
 */
export async function insertChangeDeliveries(
  tx: Tx,
  notice: UnfinishedNotice,
  range: Range,
  now: Date,
): Promise<number> {
  return run(
    tx,
    sql`${insertRows(sql`because.reason`, now)}
      from notices n
      join subscribers s on s.status = 'confirmed' and s.id > ${range.from} and s.id <= ${range.to ?? endOfIds}
        and s.confirmed_moment < n.moment
      left join suppressions x on x.email_hash = s.email_hash
      cross join lateral (select coalesce(
        x.reason, out_of_scope(s.told_of, s.services, n.services, n.material_services)) as reason) because
      where n.id = ${notice.id} and ${notice.merged ? sql`not ${hasAnother(sql`had.sent_at is not null`)}` : sql`true`}
      order by s.id
      on conflict (notice_id, subscriber_id) do nothing`,
  );
}

/** Whether the mail of another version, which told of this one too, has come so far with subscriber `s`. */
const hasAnother = (state: Sql) => sql`exists (select from notices told
    join notices along on along.moment = told.moment and along.kind = 'change' and along.id <> told.id
    join deliveries had on had.notice_id = along.id and had.subscriber_id = s.id
    where told.version = n.version and told.kind = 'change' and along.version > told.version and ${state})`;

/** Announcements of a withdrawn version that are still queued in the range do not go. */
export async function suppressWithdrawn(tx: Tx, notice: UnfinishedNotice, range: Range, now: Date): Promise<void> {
  await run(
    tx,
    sql`update deliveries d set state = 'suppressed', reason = 'withdrawn', settled_at = ${now}, state_at = ${now}
      from notices n
      where n.version = ${notice.version} and n.kind = 'change' and d.notice_id = n.id
        and d.subscriber_id > ${range.from} and d.subscriber_id <= ${range.to ?? endOfIds}
        and d.state in ('queued', 'deferred')`,
  );
}

/** A welcome that waited for the relay told of what was announced meanwhile, too; letters wait four days at most. */
const wasWelcomedLate = sql`(s.confirmed_at > announced.send_after - interval '5 days' and exists (
    select from deliveries welcome where welcome.subscriber_id = s.id and welcome.kind = 'welcome'
      and welcome.sent_at >= announced.send_after))`;

/**
 * The withdrawal goes to those who were told: by the announcement (handed over at least once: an
 * attempt whose end is unknown may have arrived) or by the welcome, if they came or came back after it.
 */
export async function insertWithdrawalDeliveries(
  tx: Tx,
  notice: UnfinishedNotice,
  range: Range,
  now: Date,
): Promise<number> {
  return run(
    tx,
    sql`${insertRows(sql`x.reason`, now)}
      from notices n
      join notices announced on announced.version = n.version and announced.kind = 'change'
      join subscribers s on s.status = 'confirmed' and s.id > ${range.from} and s.id <= ${range.to ?? endOfIds}
        and s.confirmed_moment < n.moment
      left join deliveries d on d.notice_id = announced.id and d.subscriber_id = s.id
      left join suppressions x on x.email_hash = s.email_hash
      where n.id = ${notice.id} and (
        d.state in ('sent', 'sending') or d.attempts > 0
        or ${notice.merged ? hasAnother(sql`(had.state in ('sent', 'sending') or had.attempts > 0)`) : sql`false`}
        or ((s.confirmed_moment > announced.moment or ${wasWelcomedLate})
          and out_of_scope('all', s.services, announced.services, announced.material_services) is null))
      order by s.id
      on conflict (notice_id, subscriber_id) do nothing`,
  );
}

export async function saveProgress(tx: Tx, id: number, to: number | null, finishedAt: Date | null): Promise<void> {
  await run(
    tx,
    sql`update notices set fanned_out_to = coalesce(${to}, fanned_out_to), fanned_out_at = ${finishedAt} where id = ${id}`,
  );
}

const Progress = z.object({
  id: z.number(),
  kind: z.enum(['change', 'withdrawal']),
  orderedAt: z.date(),
  fannedOutAt: z.date().nullable(),
});
export type NoticeProgress = z.infer<typeof Progress>;

export async function selectNoticesOf(db: Db, version: number): Promise<NoticeProgress[]> {
  return many(
    db,
    Progress,
    sql`select id, kind, ordered_at as "orderedAt", fanned_out_at as "fannedOutAt" from notices
      where version = ${version} order by id`,
  );
}

const Count = z.object({ state: z.enum(deliveryStates), count: z.number() });

export async function countByState(db: Db, noticeIds: readonly number[]): Promise<z.infer<typeof Count>[]> {
  return many(
    db,
    Count,
    sql`select state, count(*) as count from deliveries where notice_id = any(${noticeIds}::bigint[]) group by state`,
  );
}

/** A delivery as the lists of them show it, and where its fields are: `d` deliveries, `n` their notices. */
export const Listed = z.object({
  id: z.number(),
  notice: z.enum(['change', 'withdrawal']),
  subscriberId: z.number().nullable(),
  email: z.string().nullable(),
  state: z.enum(deliveryStates),
  reason: z.string().nullable(),
  attempts: z.number(),
  response: z.string().nullable(),
  sentAt: z.date().nullable(),
});
export const listedColumns = sql`d.id, n.kind as notice, d.subscriber_id as "subscriberId", d.email, d.state, d.reason,
  d.attempts, d.response, d.sent_at as "sentAt"`;

const Row = Listed.extend({
  messageId: z.string().nullable(),
  dueAt: z.date().nullable(),
});
export type DeliveryRow = z.infer<typeof Row>;

/**
 * Rows in the order they were made. The index leads with the state, so each state is read as a range
 * of its own and the ranges are merged: a page costs the same at the millionth row.
 */
export async function selectDeliveries(
  db: Db,
  noticeIds: readonly number[],
  states: readonly string[],
  after: number,
  limit: number,
): Promise<DeliveryRow[]> {
  return many(
    db,
    Row,
    sql`select ${listedColumns}, d.message_id as "messageId",
        case when d.state in ('queued', 'deferred') then d.due_at end as "dueAt"
      from unnest(${noticeIds}::bigint[]) as of_notice (id)
      cross join unnest(${states}::text[]) as of_state (state)
      cross join lateral (
        select * from deliveries
        where notice_id = of_notice.id and state = of_state.state and id > ${after}
        order by id limit ${limit}) d
      join notices n on n.id = d.notice_id
      order by d.id limit ${limit}`,
  );
}
