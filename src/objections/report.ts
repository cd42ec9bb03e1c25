import type { Db } from '../database/query.js';
import type { Objection, ObjectionState } from './objection.js';
import { countInState, selectObjections } from './queries.js';

/**
 * Objections, newest first.
 * @param options `before`: the id of the last one of the page before; `limit`: 1 to 1,000, 200 unless told otherwise
 */
export async function listObjections(
  db: Db,
  options: {
    version?: number | undefined;
    state?: ObjectionState | undefined;
    before?: number | undefined;
    limit?: number | undefined;
  } = {},
): Promise<Objection[]> {
  return selectObjections(db, {
    version: options.version ?? null,
    state: options.state ?? null,
    before: options.before ?? Number.MAX_SAFE_INTEGER,
    limit: Math.min(Math.max(options.limit ?? 200, 1), 1_000),
  });
}

/** Objections that nobody has taken up yet: work for the admins. */
export async function countUnanswered(db: Db): Promise<number> {
  return countInState(db, 'received');
}
