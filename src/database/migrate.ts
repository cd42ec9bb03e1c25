import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import type pg from 'pg';
import { z } from 'zod';
import { OperatorError } from '../errors.js';
import { many, one, run } from './query.js';
import { sql } from './sql.js';
import { transaction } from './transaction.js';

/** Any number: only starters of this service ask for it. */
const migrationLock = 7_305_226;
const fileName = /^(\d{3})_[a-z_]+\.sql$/;

const MigrationRow = z.object({ number: z.number(), name: z.string(), checksum: z.string() });

/**
 * Brings the database to the state that this build needs: each file of `folder` in one transaction
 * with the row that says so, under a lock, so that any number of instances may start at once.
 *
 * Refuses a database that a newer build has migrated, and a file that was edited after it ran.
 * @returns the names of the files that were applied now
 */
export async function migrate(pool: pg.Pool, folder: URL): Promise<string[]> {
  const files = await readMigrations(folder);
  return transaction(pool, async (tx) => {
    // The whole run is one transaction: on PostgreSQL DDL is transactional, so a fault in the last
    // file leaves the database exactly as it was.
    await run(tx, sql`select pg_advisory_xact_lock(${migrationLock})`);
    await run(
      tx,
      sql`create table if not exists migrations (
        number integer primary key, name text not null, checksum text not null, applied_at timestamptz not null default now())`,
    );
    const applied = await many(tx, MigrationRow, sql`select number, name, checksum from migrations order by number`);
    for (const row of applied) {
      const file = files.find(({ number }) => number === row.number);
      if (file === undefined) {
        throw new OperatorError(
          `the database was migrated by a newer version of this service (${row.name}); run that version`,
        );
      }
      if (file.checksum !== row.checksum) {
        throw new OperatorError(`sql/${file.name} was edited after it had been applied; restore it from the release`);
      }
    }
    const missing = files.filter(({ number }) => !applied.some((row) => row.number === number));
    for (const file of missing) {
      await tx.query(file.text);
      await run(
        tx,
        sql`insert into migrations (number, name, checksum) values (${file.number}, ${file.name}, ${file.checksum})`,
      );
    }
    return missing.map(({ name }) => name);
  });
}

/** The files of `folder` that this database does not have yet, by name; an empty database lacks all. */
export async function pendingMigrations(pool: pg.Pool, folder: URL): Promise<string[]> {
  const files = await readMigrations(folder);
  const { there } = await one(
    pool,
    z.object({ there: z.boolean() }),
    sql`select to_regclass('migrations') is not null as there`,
  );
  if (!there) return files.map(({ name }) => name);
  const applied = await many(pool, MigrationRow, sql`select number, name, checksum from migrations`);
  return files.filter((file) => !applied.some(({ number }) => number === file.number)).map(({ name }) => name);
}

async function readMigrations(folder: URL) {
  const names = (await readdir(folder)).filter((name) => fileName.test(name)).sort();
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(new URL(name, folder), 'utf8');
      // A checkout with CRLF line ends is the same migration.
      const checksum = createHash('sha256').update(text.replace(/\r\n/g, '\n')).digest('hex');
      return { number: Number(name.slice(0, 3)), name, text, checksum };
    }),
  );
}
