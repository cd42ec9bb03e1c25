import type { Actor } from '../actor.js';
import type { Tx } from '../database/transaction.js';
import { insertEntry } from './queries.js';

export interface AuditRecord {
  at: Date;
  actor: Actor;
  /** What was done, as `feature.deed`, such as `version.published`. */
  action: string;
  /** What it was done to, such as `version 3` or `subscriber 17`: ids, never an address or a name. */
  subject: string;
  /** Facts that a reader of the log needs; no address, no token, no password. */
  detail?: Record<string, unknown>;
}

/**
 * Writes an entry of the audit log in the transaction of the deed itself: both stand or fall together.
 * Entries are never changed or deleted; the database refuses it.
 */
export async function recordAudit(tx: Tx, record: AuditRecord): Promise<void> {
  await insertEntry(tx, record);
}
