import { z } from 'zod';
import type { Actor } from '../actor.js';
import { type Db, many, maybeOne, run } from '../database/query.js';
import { sql } from '../database/sql.js';
import type { Tx } from '../database/transaction.js';
import { type Outcome, type OutcomeKind, outcomes } from './import-outcome.js';
import { ImportRowRecord } from './import-queries.js';
import type { ImportRow } from './import-row.js';

/* Files of subscribers that are looked at before they take effect. */

const Counts = z.partialRecord(z.enum(outcomes), z.number());
export type OutcomeCounts = z.infer<typeof Counts>;

const Difference = z.object({
  line: z.number(),
  shown: z.enum(outcomes),
  /** What it would be now. */
  now: z.enum(outcomes),
  why: z.string(),
  /** Left alone, since it would do what nobody has seen. */
  left: z.boolean(),
});
export type Difference = z.infer<typeof Difference>;

const Result = z.object({
  counts: Counts.default({}),
  /** How many lines came out otherwise than shown; the first of them. */
  different: z.number().default(0),
  differences: z.array(Difference).default([]),
});
export type ImportOutcome = z.infer<typeof Result>;

const Import = z.object({
  id: z.string(),
  createdAt: z.date(),
  name: z.string().nullable(),
  encoding: z.string(),
  state: z.enum(['reading', 'shown', 'applying', 'applied']),
  counts: Counts,
  result: Result,
  appliedAt: z.date().nullable(),
});
export type StagedImport = z.infer<typeof Import>;

const importColumns = sql`id, created_at as "createdAt", name, encoding, state, counts, result,
  applied_at as "appliedAt"`;

export async function insertImport(
  tx: Tx,
  file: { id: string; at: Date; by: Actor; name: string | null; encoding: string },
): Promise<void> {
  await run(
    tx,
    sql`insert into subscriber_imports (id, created_at, created_by, name, encoding, state)
      values (${file.id}, ${file.at}, ${JSON.stringify(file.by)}, ${file.name}, ${file.encoding}, 'reading')`,
  );
}

export async function findImport(db: Db, id: string): Promise<StagedImport | null> {
  return maybeOne(db, Import, sql`select ${importColumns} from subscriber_imports where id = ${id}`);
}

/** Whoever puts the same file into effect waits here, batch by batch. */
export async function lockImport(tx: Tx, id: string): Promise<StagedImport | null> {
  return maybeOne(tx, Import, sql`select ${importColumns} from subscriber_imports where id = ${id} for update`);
}

/** Those that wait for somebody to look at them, newest first. */
export async function selectWaiting(db: Db): Promise<StagedImport[]> {
  return many(
    db,
    Import,
    sql`select ${importColumns} from subscriber_imports where state in ('shown', 'applying')
      order by created_at desc limit 50`,
  );
}

/** Every line is read. Counted from the lines, as somebody may have been erased meanwhile. */
export async function setShown(tx: Tx, id: string): Promise<void> {
  await run(
    tx,
    sql`update subscriber_imports set state = 'shown', counts = coalesce((
        select jsonb_object_agg(outcome, lines) from (
          select outcome, count(*) as lines from subscriber_import_lines where import_id = ${id} group by 1) counted), '{}')
      where id = ${id}`,
  );
}

export async function setResult(tx: Tx, id: string, result: ImportOutcome): Promise<void> {
  await run(
    tx,
    sql`update subscriber_imports set state = 'applying', result = ${JSON.stringify(result)} where id = ${id}`,
  );
}

/** It has taken effect: what is left of it is numbers. */
export async function setApplied(
  tx: Tx,
  id: string,
  applied: { at: Date; by: Actor; result: ImportOutcome },
): Promise<void> {
  await run(tx, sql`delete from subscriber_import_lines where import_id = ${id}`);
  await run(
    tx,
    sql`update subscriber_imports set state = 'applied', name = null, result = ${JSON.stringify(applied.result)},
        applied_at = ${applied.at}, applied_by = ${JSON.stringify(applied.by)}
      where id = ${id}`,
  );
}

/** Its lines go with it. */
export async function deleteImport(tx: Tx, id: string): Promise<void> {
  await run(tx, sql`delete from subscriber_imports where id = ${id}`);
}

export async function deleteImportsBefore(tx: Tx, before: Date): Promise<void> {
  await run(tx, sql`delete from subscriber_imports where created_at < ${before}`);
}

export interface NewLine extends Outcome {
  line: number;
  email: string;
  emailKey: string | null;
  row: ImportRow | null;
}

export async function insertLines(tx: Tx, importId: string, lines: readonly NewLine[]): Promise<void> {
  await run(
    tx,
    sql`insert into subscriber_import_lines (import_id, line, outcome, why, facts, email, email_key, row)
      select ${importId}, line, outcome, why, facts, email, "emailKey", nullif("row", 'null')
      from jsonb_to_recordset(${JSON.stringify(lines)}::jsonb) as r (
        line integer, outcome text, why text, facts jsonb, email text, "emailKey" text, "row" jsonb)`,
  );
}

const Row = ImportRowRecord.extend({ confirmedAt: z.coerce.date().nullable() });
const Facts = z.record(z.string(), z.string());

const ShownLine = z.object({
  line: z.number(),
  outcome: z.enum(outcomes),
  why: z.string(),
  facts: Facts,
  email: z.string(),
  row: Row.nullable(),
});
export type ShownLine = z.infer<typeof ShownLine>;

/** A page of lines in the order of the file. */
export async function selectLines(
  db: Db,
  importId: string,
  page: { outcome: OutcomeKind | null; after: number; limit: number },
): Promise<ShownLine[]> {
  const ofOutcome = page.outcome === null ? sql`true` : sql`outcome = ${page.outcome}`;
  return many(
    db,
    ShownLine,
    sql`select line, outcome, why, facts, email, row from subscriber_import_lines
      where import_id = ${importId} and ${ofOutcome} and line > ${page.after}
      order by line limit ${page.limit}`,
  );
}

const WaitingLine = z.object({ line: z.number(), outcome: z.enum(outcomes), row: Row });

/** The first lines that may take effect. */
export async function takeLines(tx: Tx, importId: string, most: number): Promise<z.infer<typeof WaitingLine>[]> {
  return many(
    tx,
    WaitingLine,
    sql`select line, outcome, row from subscriber_import_lines
      where import_id = ${importId} and row is not null order by line limit ${most}`,
  );
}

const Line = z.object({ line: z.number() });

/** Those of the lines that are still there. An erasure, which locks people first as well, waits from now on. */
export async function holdLines(tx: Tx, importId: string, lines: readonly number[]): Promise<Set<number>> {
  const held = await many(
    tx,
    Line,
    sql`select line from subscriber_import_lines where import_id = ${importId} and line = any(${lines})
      order by line for update`,
  );
  return new Set(held.map(({ line }) => line));
}

export async function deleteLines(tx: Tx, importId: string, lines: readonly number[]): Promise<void> {
  await run(tx, sql`delete from subscriber_import_lines where import_id = ${importId} and line = any(${lines})`);
}

/** Lines that are left, by outcome. */
export async function countLines(tx: Tx, importId: string): Promise<OutcomeCounts> {
  const rows = await many(
    tx,
    z.object({ outcome: z.enum(outcomes), lines: z.number() }),
    sql`select outcome, count(*) as lines from subscriber_import_lines where import_id = ${importId} group by 1`,
  );
  return Object.fromEntries(rows.map(({ outcome, lines }) => [outcome, lines]));
}

/** The person is erased: what a file says of them goes as well. */
export async function forgetLines(tx: Tx, emailKey: string): Promise<void> {
  await run(tx, sql`delete from subscriber_import_lines where email_key = ${emailKey}`);
}
