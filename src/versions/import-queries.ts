import { z } from 'zod';
import type { Actor } from '../actor.js';
import { actorSchema } from '../audit/browse.js';
import { type Db, many, maybeOne, one, run } from '../database/query.js';
import { sql } from '../database/sql.js';
import type { Tx } from '../database/transaction.js';
import { type Mapping, mappingSchema } from '../list/import/mapping.js';
import type { ImportSource } from '../list/import/tables.js';
import { type ImportMode, importModes, type PairDecisions, pairDecisionsSchema } from './import-plan.js';

const HeadRow = z.object({
  id: z.number(),
  createdAt: z.date(),
  by: actorSchema,
  fileName: z.string().nullable(),
});
/** An import among those that wait. */
export type ImportHead = z.infer<typeof HeadRow>;

const ImportRow = HeadRow.extend({
  /** Null: it was applied, and its contents are erased. */
  mapping: mappingSchema.nullable(),
  mode: z.enum(importModes),
  pairs: pairDecisionsSchema,
  revision: z.number(),
  appliedRevision: z.number().nullable(),
});
/** An import but for what it was read from. */
export type ImportRow = z.infer<typeof ImportRow>;

const headColumns = sql`id, created_at as "createdAt", by, file_name as "fileName"`;
const columns = sql`${headColumns}, mapping, mode, pairs, revision, applied_revision as "appliedRevision"`;

export async function insertImport(
  tx: Tx,
  staged: { at: Date; by: Actor; fileName: string | null; source: ImportSource; mapping: Mapping; mode: ImportMode },
): Promise<number> {
  const { id } = await one(
    tx,
    z.object({ id: z.number() }),
    sql`insert into list_imports (created_at, by, file_name, source, mapping, mode)
      values (${staged.at}, ${JSON.stringify(staged.by)}, ${staged.fileName}, ${JSON.stringify(staged.source)},
        ${JSON.stringify(staged.mapping)}, ${staged.mode})
      returning id`,
  );
  return id;
}

export async function selectImport(db: Db, id: number): Promise<ImportRow | null> {
  return maybeOne(db, ImportRow, sql`select ${columns} from list_imports where id = ${id}`);
}

/** The import, and nobody else changes or takes it over until this transaction ends. */
export async function lockImport(tx: Tx, id: number): Promise<ImportRow | null> {
  return maybeOne(tx, ImportRow, sql`select ${columns} from list_imports where id = ${id} for update`);
}

/** It was checked when it came in. */
const storedSource = z.string().transform((text): ImportSource => JSON.parse(text));

/** What it was read from; null: there is none, or not any more. */
export async function selectSource(db: Db, id: number): Promise<ImportSource | null> {
  const row = await maybeOne(
    db,
    z.object({ source: storedSource }),
    sql`select source from list_imports where id = ${id} and source is not null`,
  );
  return row?.source ?? null;
}

/** Those that wait to be taken over, newest first. */
export async function selectWaiting(db: Db, limit: number): Promise<ImportHead[]> {
  return many(
    db,
    HeadRow,
    sql`select ${headColumns} from list_imports where applied_revision is null order by id desc limit ${limit}`,
  );
}

export async function updateImport(
  tx: Tx,
  id: number,
  state: { mapping: Mapping; mode: ImportMode; pairs: PairDecisions },
): Promise<void> {
  await run(
    tx,
    sql`update list_imports set mapping = ${JSON.stringify(state.mapping)}, mode = ${state.mode},
        pairs = ${JSON.stringify(state.pairs)}, revision = revision + 1
      where id = ${id}`,
  );
}

/** It was taken over: what is left is that it was, for whoever clicks twice. */
export async function eraseImport(tx: Tx, id: number, appliedRevision: number): Promise<void> {
  await run(
    tx,
    sql`update list_imports set file_name = null, source = null, mapping = null, pairs = '{}',
        applied_revision = ${appliedRevision}
      where id = ${id}`,
  );
}

export async function deleteImport(tx: Tx, id: number): Promise<void> {
  await run(tx, sql`delete from list_imports where id = ${id}`);
}

/** Those that are older; how many. */
export async function deleteImportsBefore(tx: Tx, before: Date): Promise<number> {
  return run(tx, sql`delete from list_imports where created_at < ${before}`);
}

/** A file may be megabytes: only the last few that wait are kept. */
export async function deleteAllButLatest(tx: Tx, keep: number): Promise<void> {
  await run(
    tx,
    sql`delete from list_imports where applied_revision is null and id not in (
      select id from list_imports where applied_revision is null order by id desc limit ${keep})`,
  );
}
