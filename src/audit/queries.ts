import { z } from 'zod';
import { originOf, roles } from '../actor.js';
import { type Db, many, one, run } from '../database/query.js';
import { sql } from '../database/sql.js';
import type { Tx } from '../database/transaction.js';
import type { AuditRecord } from './record.js';

const role = z.enum(roles);

export const actorSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('admin'), id: z.number(), role }),
  z.object({ kind: z.literal('token'), id: z.union([z.number(), z.literal('environment')]), role }),
  z.object({ kind: z.literal('subscriber'), id: z.number() }),
  z.object({ kind: z.literal('visitor') }),
  z.object({ kind: z.literal('system') }),
]);

const EntryRow = z.object({
  id: z.number(),
  at: z.date(),
  actor: actorSchema,
  /** Which door they came by, and from where; null: the service itself, or from before this was kept. */
  origin: z.string().nullable(),
  action: z.string(),
  subject: z.string(),
  detail: z.record(z.string(), z.json()),
});
export type AuditEntry = z.infer<typeof EntryRow>;

export async function insertEntry(tx: Tx, record: AuditRecord): Promise<void> {
  await run(
    tx,
    sql`insert into audit_log (at, actor, origin, action, subject, detail)
      values (${record.at}, ${JSON.stringify(record.actor)}, ${originOf(record.actor)}, ${record.action},
        ${record.subject}, ${JSON.stringify(record.detail ?? {})})`,
  );
}

const Recent = z.object({ count: z.number(), oldest: z.date().nullable() });

/** How many entries of an action there are since a moment, up to `most`, and when the oldest of these was. */
export async function countRecent(db: Db, action: string, since: Date, most: number): Promise<z.infer<typeof Recent>> {
  return one(
    db,
    Recent,
    sql`select count(*) as count, min(at) as oldest from (
        select at from audit_log where action = ${action} and at > ${since} order by id desc limit ${most}) recent`,
  );
}

/** What admins look for in the log; null: whatever it is. */
export interface AuditFilter {
  /** An action, or the part before its dot: `version` finds `version.published`. */
  action: string | null;
  subject: string | null;
  /** `id` null: everybody of that kind. */
  actor: { kind: string; id: string | null } | null;
  /** A part of the subject, the detail or the origin, as a pattern. */
  like: string | null;
  since: Date | null;
  until: Date | null;
}

export async function selectEntries(
  db: Db,
  page: AuditFilter & { after: number | null; limit: number },
): Promise<AuditEntry[]> {
  const { action, subject, actor, like, since, until } = page;
  return many(
    db,
    EntryRow,
    sql`select id, at, actor, origin, action, subject, detail from audit_log
      where (${page.after}::bigint is null or id < ${page.after})
        and (${action}::text is null or action = ${action} or starts_with(action, ${action} || '.'))
        and (${subject}::text is null or subject = ${subject})
        and (${actor?.kind ?? null}::text is null
          or (actor ->> 'kind' = ${actor?.kind ?? null}
            and (${actor?.id ?? null}::text is null or actor ->> 'id' = ${actor?.id ?? null})))
        and (${like}::text is null or subject ilike ${like} or detail::text ilike ${like} or origin ilike ${like})
        and (${since}::timestamptz is null or at >= ${since})
        and (${until}::timestamptz is null or at < ${until})
      order by id desc limit ${page.limit}`,
  );
}

const SealedRow = z.object({
  position: z.number(),
  entry: z.number(),
  /** Null: the entry is not there. */
  content: z.string().nullable(),
  hash: z.string(),
  previousHash: z.string().nullable(),
});
export type SealedEntry = z.infer<typeof SealedRow>;

/** The chain from a position on, in its order, each with the text of the entry as it is now. */
export async function selectSealed(db: Db, after: number, limit: number): Promise<SealedEntry[]> {
  return many(
    db,
    SealedRow,
    sql`select s.position, s.entry, case when a.id is not null then audit_text(a) end as content, s.hash,
        s.previous_hash as "previousHash"
      from audit_seals s left join audit_log a on a.id = s.entry
      where s.position > ${after} order by s.position limit ${limit}`,
  );
}

/** Entries that have no seal: somebody put them in beside the trigger. */
export async function selectUnsealed(db: Db, limit: number): Promise<number[]> {
  const rows = await many(
    db,
    z.object({ id: z.number() }),
    sql`select a.id from audit_log a
      where not exists (select from audit_seals s where s.entry = a.id) order by a.id limit ${limit}`,
  );
  return rows.map(({ id }) => id);
}
