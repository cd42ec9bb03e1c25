import type { Db } from '../database/query.js';
import { type AuditEntry, countRecent, selectEntries } from './queries.js';

export { type AuditEntry, actorSchema } from './queries.js';

/**
 * A page of the audit log, newest first.
 * @param page `after`: the `next` of the page before; `limit`: how many entries
 */
export async function browseAudit(
  db: Db,
  page: { after?: number | undefined; limit: number },
): Promise<{ entries: AuditEntry[]; next: number | null }> {
  const found = await selectEntries(db, { after: page.after ?? null, limit: page.limit + 1 });
  const entries = found.slice(0, page.limit);
  const last = entries.at(-1);
  return { entries, next: found.length > page.limit && last !== undefined ? last.id : null };
}

/** How often something was done since a moment, counted up to `most`; `oldest`: the first of those. */
export async function countSince(
  db: Db,
  action: string,
  since: Date,
  most: number,
): Promise<{ count: number; oldest: Date | null }> {
  return countRecent(db, action, since, most);
}
