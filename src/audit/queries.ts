import { z } from 'zod';
import { roles } from '../actor.js';
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
  action: z.string(),
  subject: z.string(),
  detail: z.record(z.string(), z.json()),
});
export type AuditEntry = z.infer<typeof EntryRow>;

export async function insertEntry(tx: Tx, record: AuditRecord): Promise<void> {
  await run(
    tx,
    sql`insert into audit_log (at, actor, action, subject, detail)
      values (${record.at}, ${JSON.stringify(record.actor)}, ${record.action}, ${record.subject},
        ${JSON.stringify(record.detail ?? {})})`,
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

export async function selectEntries(db: Db, page: { after: number | null; limit: number }): Promise<AuditEntry[]> {
  return many(
    db,
    EntryRow,
    sql`select id, at, actor, action, subject, detail from audit_log
      where ${page.after}::bigint is null or id < ${page.after}
      order by id desc limit ${page.limit}`,
  );
}
