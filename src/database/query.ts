import type pg from 'pg';
import type { z } from 'zod';
import type { Sql } from './sql.js';
import type { Tx } from './transaction.js';

/** What reads need: a pool, or the transaction at hand. Writes take a `Tx` or open their own. */
export type Db = pg.Pool | Tx;

/** All rows, each checked against its schema: the row's type is the schema's, without a cast. */
export async function many<T>(db: Db, row: z.ZodType<T>, statement: Sql): Promise<T[]> {
  const result = await db.query(queryOf(statement));
  return result.rows.map((raw) => row.parse(raw));
}

/** The one row that there may be; a second one is a fault of the statement. */
export async function maybeOne<T>(db: Db, row: z.ZodType<T>, statement: Sql): Promise<T | null> {
  const rows = await many(db, row, statement);
  if (rows.length > 1) throw new Error(`expected at most one row, got ${rows.length}: ${statement.text}`);
  return rows[0] ?? null;
}

/** The one row that there must be. */
export async function one<T>(db: Db, row: z.ZodType<T>, statement: Sql): Promise<T> {
  const found = await maybeOne(db, row, statement);
  if (found === null) throw new Error(`expected one row, got none: ${statement.text}`);
  return found;
}

/** A statement run for its effect; the number of rows it touched. */
export async function run(db: Db, statement: Sql): Promise<number> {
  const result = await db.query(queryOf(statement));
  return result.rowCount ?? 0;
}

function queryOf({ text, values, name }: Sql): pg.QueryConfig {
  return { text, values: [...values], ...(name === undefined ? {} : { name }) };
}
