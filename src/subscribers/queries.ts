import { z } from 'zod';
import { type Db, many, maybeOne, one, run } from '../database/query.js';
import { type Sql, sql } from '../database/sql.js';
import type { Tx } from '../database/transaction.js';
import { type SubscriberKind, subscriberKinds, toldOfChoices } from './details.js';

export const statuses = ['pending', 'confirmed', 'unsubscribed'] as const;
export type Status = (typeof statuses)[number];
export const suppressionReasons = ['hard-bounce', 'soft-bounces', 'complaint', 'erased', 'admin'] as const;
export type SuppressionReason = (typeof suppressionReasons)[number];

const bytes = z.instanceof(Buffer);

const SubscriberRow = z.object({
  id: z.number(),
  email: z.string(),
  emailKey: z.string(),
  emailHash: bytes,
  company: z.string().nullable(),
  locale: z.string(),
  services: z.array(z.string()).nullable(),
  toldOf: z.enum(toldOfChoices),
  status: z.enum(statuses),
  createdAt: z.date(),
  confirmedAt: z.date().nullable(),
  unsubscribedAt: z.date().nullable(),
  kind: z.enum(subscriberKinds),
  /** Where the contract says so; null for voluntary ones. */
  entitlement: z.string().nullable(),
  noticeGroup: z.string().nullable(),
  suppression: z.enum(suppressionReasons).nullable(),
});
/** A subscriber, and why their address is not mailed, if it is suppressed. */
export type Subscriber = z.infer<typeof SubscriberRow>;

const subscriberColumns = sql`s.id, s.email, s.email_key as "emailKey", s.email_hash as "emailHash", s.company,
  s.locale, s.services, s.told_of as "toldOf", s.status, s.created_at as "createdAt",
  s.confirmed_at as "confirmedAt", s.unsubscribed_at as "unsubscribedAt",
  s.kind, s.entitlement, s.notice_group as "noticeGroup",
  (select x.reason from suppressions x where x.email_hash = s.email_hash) as suppression`;

export async function findSubscriber(db: Db, id: number): Promise<Subscriber | null> {
  return maybeOne(db, SubscriberRow, sql`select ${subscriberColumns} from subscribers s where s.id = ${id}`);
}

/**
 * Locks people until the transaction ends, in the order of their ids. "No key" leaves those alone who
 * only refer to the row: a fan-out that writes deliveries does not wait for a click.
 */
export async function lockSubscribers(tx: Tx, ids: readonly number[]): Promise<Subscriber[]> {
  await run(tx, sql`select id from subscribers where id = any(${ids}) order by id for no key update`);
  // Read by a statement of its own: the suppression must be as new as the row.
  return many(
    tx,
    SubscriberRow,
    sql`select ${subscriberColumns} from subscribers s where s.id = any(${ids}) order by s.id`,
  );
}

export async function lockSubscriber(tx: Tx, id: number): Promise<Subscriber | null> {
  const [found] = await lockSubscribers(tx, [id]);
  return found ?? null;
}

/**
 * As `lockSubscriber`, before the row goes: also waits for transactions that write about the person at
 * this moment (a fan-out's chunk, an objection), so that what they write is there to be erased.
 */
export async function lockToErase(tx: Tx, id: number): Promise<Subscriber | null> {
  await run(tx, sql`select id from subscribers where id = ${id} for update`);
  return lockSubscriber(tx, id);
}

/** As `lockSubscriber`, for an address as it is compared. */
export async function lockSubscriberOf(tx: Tx, emailKey: string): Promise<Subscriber | null> {
  const id = await findIdOf(tx, emailKey);
  return id === null ? null : lockSubscriber(tx, id);
}

export async function findIdOf(db: Db, emailKey: string): Promise<number | null> {
  const row = await maybeOne(db, Id, sql`select id from subscribers where email_key = ${emailKey}`);
  return row?.id ?? null;
}

const Id = z.object({ id: z.number() });

export interface NewSubscriber {
  email: string;
  emailKey: string;
  emailHash: Buffer;
  company: string | null;
  locale: string;
  services: string[] | null;
  at: Date;
}

/** A pending subscriber; null when the address is there already. */
export async function insertPending(tx: Tx, subscriber: NewSubscriber): Promise<number | null> {
  const row = await maybeOne(
    tx,
    Id,
    sql`insert into subscribers (email, email_key, email_hash, company, locale, services, status, created_at)
      values (${subscriber.email}, ${subscriber.emailKey}, ${subscriber.emailHash}, ${subscriber.company},
        ${subscriber.locale}, ${subscriber.services}, 'pending', ${subscriber.at})
      -- Whichever of its two unique keys another transaction has written first: it is the same person.
      on conflict do nothing returning id`,
  );
  return row?.id ?? null;
}

export interface Consent {
  at: Date;
  moment: number;
  company: string | null;
  locale: string;
  services: string[] | null;
}

/** Consent proven: what the form said comes into force. A company is kept where the form named none. */
export async function setConfirmed(tx: Tx, id: number, consent: Consent): Promise<void> {
  await run(
    tx,
    sql`update subscribers set status = 'confirmed', confirmed_at = ${consent.at}, confirmed_moment = ${consent.moment},
        unsubscribed_at = null, company = coalesce(${consent.company}, company), locale = ${consent.locale},
        services = ${consent.services}
      where id = ${id}`,
  );
}

export async function setUnsubscribed(tx: Tx, id: number, at: Date): Promise<void> {
  await run(tx, sql`update subscribers set status = 'unsubscribed', unsubscribed_at = ${at} where id = ${id}`);
}

export async function setPreferences(
  tx: Tx,
  id: number,
  preferences: { locale: string; services: string[] | null; toldOf: string },
): Promise<void> {
  await run(
    tx,
    sql`update subscribers set locale = ${preferences.locale}, services = ${preferences.services},
      told_of = ${preferences.toldOf} where id = ${id}`,
  );
}

export async function setAddress(
  tx: Tx,
  id: number,
  address: { email: string; emailKey: string; emailHash: Buffer },
): Promise<void> {
  await run(
    tx,
    sql`update subscribers set email = ${address.email}, email_key = ${address.emailKey},
      email_hash = ${address.emailHash} where id = ${id}`,
  );
}

/** A contract entitles them, or another one does. */
export async function setContract(
  tx: Tx,
  id: number,
  contract: { entitlement: string | null; noticeGroup: string | null },
): Promise<void> {
  await run(
    tx,
    sql`update subscribers set kind = 'contractual', entitlement = ${contract.entitlement},
      notice_group = ${contract.noticeGroup} where id = ${id}`,
  );
}

/** No contract entitles them any more. */
export async function endContract(tx: Tx, id: number): Promise<void> {
  await run(
    tx,
    sql`update subscribers set kind = 'voluntary', entitlement = null, notice_group = null where id = ${id}`,
  );
}

/** The person goes; events and tokens go with them. */
export async function deleteSubscriber(tx: Tx, id: number): Promise<void> {
  await run(tx, sql`delete from subscribers where id = ${id}`);
}

export type EventKind =
  | 'requested'
  | 'repeated'
  | 'confirmed'
  | 'unsubscribed'
  | 'imported'
  | 'updated'
  | 'preferences'
  | 'address-changed'
  | 'suppressed'
  | 'revived'
  | 'entitled';

export async function insertEvent(
  tx: Tx,
  event: { subscriberId: number; at: Date; kind: EventKind; detail?: Record<string, unknown> },
): Promise<void> {
  await run(
    tx,
    sql`insert into subscriber_events (subscriber_id, at, kind, detail)
      values (${event.subscriberId}, ${event.at}, ${event.kind}, ${JSON.stringify(event.detail ?? {})})`,
  );
}

const ListedRow = SubscriberRow.extend({
  unreached: z
    .object({ state: z.enum(['failed', 'bounced']), reason: z.string().nullable(), response: z.string().nullable() })
    .nullable(),
});
/** A subscriber, and what became of the last mail to them if it did not arrive. */
export type ListedSubscriber = z.infer<typeof ListedRow>;

/** A page of subscribers in the order of their ids. `like` is a pattern for address or company. */
export async function selectSubscribers(
  db: Db,
  page: {
    status: Status | 'suppressed' | null;
    kind: SubscriberKind | null;
    group: string | null;
    like: string | null;
    after: number;
    limit: number;
  },
): Promise<ListedSubscriber[]> {
  return many(
    db,
    ListedRow,
    sql`select ${subscriberColumns}, (
        select case when d.state in ('failed', 'bounced')
          then jsonb_build_object('state', d.state, 'reason', d.reason, 'response', d.response) end
        from deliveries d where d.subscriber_id = s.id and d.recipient_hash = s.email_hash
        order by d.id desc limit 1) as unreached
      from subscribers s
      where s.id > ${page.after} and ${ofStatus(page.status)}
        and ${page.kind === null ? sql`true` : sql`s.kind = ${page.kind}`}
        and ${page.group === null ? sql`true` : sql`s.notice_group = ${page.group}`}
        and (${page.like}::text is null or s.email_key like lower(${page.like}) or s.company ilike ${page.like})
      order by s.id limit ${page.limit}`,
  );
}

/** Suppressed people count as such, whatever else they are: nothing is mailed to them. */
function ofStatus(status: Status | 'suppressed' | null): Sql {
  const suppressed = sql`exists (select 1 from suppressions x where x.email_hash = s.email_hash)`;
  if (status === null) return sql`true`;
  // Looked up person by person: taken together, everybody would be sorted to find the first page.
  const reachable = sql`(select x.email_hash from suppressions x where x.email_hash = s.email_hash limit 1) is null`;
  return status === 'suppressed' ? suppressed : sql`(s.status = ${status} and ${reachable})`;
}

/** Whether there is anybody at all, without counting them. */
export async function hasSubscribers(db: Db): Promise<boolean> {
  const found = await maybeOne(db, Id, sql`select id from subscribers limit 1`);
  return found !== null;
}

const Counts = z.object({
  pending: z.number(),
  confirmed: z.number(),
  unsubscribed: z.number(),
  suppressed: z.number(),
});
export type SubscriberCounts = z.infer<typeof Counts>;

export async function countStatuses(db: Db): Promise<SubscriberCounts> {
  return one(
    db,
    Counts,
    sql`select count(*) filter (where x.email_hash is null and s.status = 'pending') as pending,
        count(*) filter (where x.email_hash is null and s.status = 'confirmed') as confirmed,
        count(*) filter (where x.email_hash is null and s.status = 'unsubscribed') as unsubscribed,
        count(x.email_hash) as suppressed
      from subscribers s left join suppressions x using (email_hash)`,
  );
}
