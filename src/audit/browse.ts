import type { Db } from '../database/query.js';
import { containing } from '../database/sql.js';
import { type AuditEntry, type AuditFilter, countRecent, selectEntries } from './queries.js';

export { type AuditEntry, actorSchema } from './queries.js';

/** What is looked for in the log; what is left out, or empty, is anything. */
export interface AuditSearch {
  /** An action, or the part before its dot: `version` finds `version.published`. */
  action?: string | undefined;
  /** Such as `version 3`. */
  subject?: string | undefined;
  /** Such as `admin 2`, `token environment` or `system`; a kind alone is everybody of it. */
  actor?: string | undefined;
  /** A part of the subject, the detail or the origin, in any case. */
  q?: string | undefined;
  since?: Date | undefined;
  until?: Date | undefined;
}

/**
 * A page of the audit log, newest first.
 * @param page `after`: the `next` of the page before; `limit`: how many entries
 */
export async function browseAudit(
  db: Db,
  page: AuditSearch & { after?: number | undefined; limit: number },
): Promise<{ entries: AuditEntry[]; next: number | null }> {
  const found = await selectEntries(db, { ...filterOf(page), after: page.after ?? null, limit: page.limit + 1 });
  const entries = found.slice(0, page.limit);
  const last = entries.at(-1);
  return { entries, next: found.length > page.limit && last !== undefined ? last.id : null };
}

function filterOf({ action = '', subject = '', actor = '', q = '', since, until }: AuditSearch): AuditFilter {
  return {
    action: given(action),
    subject: given(subject),
    actor: actorOf(actor),
    like: containing(q),
    since: since ?? null,
    until: until ?? null,
  };
}

/** What names nobody finds nothing: the whole log in its place would look like an answer. */
function actorOf(text: string): AuditFilter['actor'] {
  const [, kind = '', id = null] = /^(\S+)(?: +(\S.*))?$/.exec(given(text) ?? '') ?? [];
  return kind === '' ? null : { kind: kind.toLowerCase(), id };
}

function given(text: string): string | null {
  const plain = text.replaceAll('\0', '').trim();
  return plain === '' ? null : plain;
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
