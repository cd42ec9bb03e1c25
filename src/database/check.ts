import type pg from 'pg';
import { z } from 'zod';
import { OperatorError } from '../errors.js';
import { one } from './query.js';
import { sql } from './sql.js';

/** Oldest PostgreSQL that the statements of this service run on. */
export const oldestMajor = 15;

const Facts = z.object({ version: z.number(), encoding: z.string(), migrated: z.boolean(), clock: z.date() });

/**
 * Whether the database can be used, before anything relies on it.
 * @throws OperatorError, one line that names DATABASE_URL, when it cannot be reached or does not fit
 * @returns whether migrations have run on it, and by how many milliseconds its clock is ahead of ours
 */
export async function checkDatabase(pool: pg.Pool): Promise<{ migrated: boolean; clockAheadMs: number }> {
  const asked = Date.now();
  const facts = await one(
    pool,
    Facts,
    sql`select current_setting('server_version_num')::integer as version,
        current_setting('server_encoding') as encoding,
        to_regclass('migrations') is not null as migrated,
        clock_timestamp() as clock`,
  ).catch((error: unknown) => {
    throw new OperatorError(`DATABASE_URL: ${causeOf(error)}`);
  });
  const major = Math.floor(facts.version / 10_000);
  if (major < oldestMajor) {
    throw new OperatorError(`DATABASE_URL: the server is PostgreSQL ${major}; use ${oldestMajor} or newer`);
  }
  if (facts.encoding !== 'UTF8') {
    throw new OperatorError(
      `DATABASE_URL: the database has the encoding ${facts.encoding}, in which names would get lost; create it with encoding UTF8`,
    );
  }
  // It looked somewhere between the question and the answer.
  const clockAheadMs = Math.round(facts.clock.getTime() - (asked + Date.now()) / 2);
  return { migrated: facts.migrated, clockAheadMs };
}

const causes: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing answers at that host and port; start PostgreSQL there or correct the address',
  ENOTFOUND: 'the host name is unknown; correct it',
  EAI_AGAIN: 'the host name cannot be looked up; correct it or mend the name service',
  ETIMEDOUT: 'the host does not answer; correct the address or open the way to it',
  EHOSTUNREACH: 'the host cannot be reached; correct the address or open the way to it',
  ENOENT: 'there is no such socket; correct the path',
  '28P01': 'user or password is wrong; correct them',
  '28000': 'the server refuses this user; allow it in pg_hba.conf or name another',
  '3D000': 'the server has no such database; create it or correct the name',
  '53300': 'the server has no connection left; raise max_connections',
  '57P03': 'the server is starting or stopping; try again in a moment',
};

/** Why a connection failed. The text of an unknown error is not shown: it may repeat the URL. */
function causeOf(error: unknown): string {
  const first = error instanceof AggregateError ? error.errors[0] : error;
  const code = first instanceof Error && 'code' in first ? String(first.code) : '';
  if (code in causes) return causes[code] ?? '';
  if (error instanceof Error && /timeout/i.test(error.message)) return causes.ETIMEDOUT ?? '';
  return `the database cannot be used (${code || (error instanceof Error ? error.name : 'unknown')}); correct the connection string`;
}
