import { z } from 'zod';
import { type Db, many, maybeOne, one, run } from '../database/query.js';
import { sql } from '../database/sql.js';
import type { Tx } from '../database/transaction.js';
import { storedChanges } from '../list/change.js';
import { storedDocument } from '../list/document.js';
import { type Objection, type ObjectionState, objectionStates } from './objection.js';

const Told = z.object({
  deliveryId: z.number(),
  subscriberId: z.number(),
  email: z.string(),
  recipientHash: z.instanceof(Buffer),
  locale: z.string(),
  services: z.array(z.string()).nullable(),
  version: z.number(),
  publishedAt: z.date(),
  effectiveAt: z.date(),
  objectionDeadline: z.date().nullable(),
  withdrawnAt: z.date().nullable(),
  changes: storedChanges,
  before: storedDocument.nullable(),
  after: storedDocument,
});
/** Who was told of which version, by the mail whose link is at hand. */
export type Told = z.infer<typeof Told>;

/**
 * What the notice of an objection link told. Null for other mail, and once the person is erased.
 *
 * A notice may have told of several versions (notices/quiet.ts): the last that stands is the one to object
 * to, until the latest of their deadlines.
 */
export async function selectTold(db: Db, deliveryId: number): Promise<Told | null> {
  return maybeOne(
    db,
    Told,
    sql`select d.id as "deliveryId", s.id as "subscriberId", s.email, s.email_hash as "recipientHash", s.locale, s.services,
        v.number as version, v.published_at as "publishedAt", v.effective_at as "effectiveAt",
        (select max(along.objection_deadline) from notices m join versions along on along.number = m.version
          where m.kind = 'change' and m.moment = n.moment and m.version <= n.version) as "objectionDeadline",
        w.withdrawn_at as "withdrawnAt",
        n.changes, b.document as before, v.document as after
      from deliveries d
      join subscribers s on s.id = d.subscriber_id
      join notices told on told.id = d.notice_id
      join lateral (
        select one.* from notices own
        join notices one on one.moment = own.moment and one.kind = 'change'
        where own.version = told.version and own.kind = 'change'
        order by exists (select from withdrawals where version = one.version), one.version desc limit 1
      ) n on true
      join versions v on v.number = n.version
      left join versions b on b.number = n.base_version
      left join withdrawals w on w.version = v.number
      where d.id = ${deliveryId}`,
  );
}

/**
 * Whether the person is still here; then they are not erased before this transaction ends. To be called
 * before anything is written about them.
 */
export async function holdPerson(tx: Tx, subscriberId: number): Promise<boolean> {
  const found = await maybeOne(
    tx,
    z.object({ id: z.number() }),
    sql`select id from subscribers where id = ${subscriberId} for key share`,
  );
  return found !== null;
}

const ObjectionRow = z.object({
  id: z.number(),
  version: z.number(),
  subscriberId: z.number().nullable(),
  deliveryId: z.number(),
  /** Null once the person is erased. */
  email: z.string().nullable(),
  company: z.string().nullable(),
  grounds: z.string(),
  receivedAt: z.date(),
  late: z.boolean(),
  state: z.enum(objectionStates),
  note: z.string().nullable(),
  updatedAt: z.date(),
});

const objectionColumns = sql`o.id, o.version, o.subscriber_id as "subscriberId", o.delivery_id as "deliveryId",
  s.email, s.company, o.grounds, o.received_at as "receivedAt", o.late, o.state, o.note, o.updated_at as "updatedAt"`;
const objectionTables = sql`objections o left join subscribers s on s.id = o.subscriber_id`;

/** Null when that delivery's recipient has objected before. */
export async function insertObjection(
  tx: Tx,
  objection: { deliveryId: number; subscriberId: number; version: number; grounds: string; at: Date; late: boolean },
): Promise<number | null> {
  const row = await maybeOne(
    tx,
    z.object({ id: z.number() }),
    sql`insert into objections (delivery_id, subscriber_id, version, grounds, received_at, late, updated_at)
      values (${objection.deliveryId}, ${objection.subscriberId}, ${objection.version}, ${objection.grounds},
        ${objection.at}, ${objection.late}, ${objection.at})
      on conflict do nothing returning id`,
  );
  return row?.id ?? null;
}

export async function selectObjection(db: Db, id: number): Promise<Objection | null> {
  return maybeOne(db, ObjectionRow, sql`select ${objectionColumns} from ${objectionTables} where o.id = ${id}`);
}

/** The objection of a person against a version: one, whichever of their mails it came by. */
export async function selectObjectionOf(db: Db, subscriberId: number, version: number): Promise<Objection | null> {
  return maybeOne(
    db,
    ObjectionRow,
    sql`select ${objectionColumns} from ${objectionTables}
      where o.subscriber_id = ${subscriberId} and o.version = ${version}`,
  );
}

export async function selectObjections(
  db: Db,
  page: { version: number | null; state: ObjectionState | null; before: number; limit: number },
): Promise<Objection[]> {
  return many(
    db,
    ObjectionRow,
    sql`select ${objectionColumns} from ${objectionTables}
      where o.id < ${page.before} and (${page.version}::integer is null or o.version = ${page.version})
        and (${page.state}::text is null or o.state = ${page.state})
      order by o.id desc limit ${page.limit}`,
  );
}

export async function countInState(db: Db, state: ObjectionState): Promise<number> {
  const { count } = await one(
    db,
    z.object({ count: z.number() }),
    sql`select count(*) as count from objections where state = ${state}`,
  );
  return count;
}

export async function setObjectionState(
  tx: Tx,
  id: number,
  decision: { state: ObjectionState; note: string | null; at: Date },
): Promise<boolean> {
  const changed = await run(
    tx,
    sql`update objections set state = ${decision.state}, note = coalesce(${decision.note}, note), updated_at = ${decision.at}
      where id = ${id}`,
  );
  return changed > 0;
}
