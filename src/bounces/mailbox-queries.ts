import { z } from 'zod';
import { type Db, many, maybeOne, one, run } from '../database/query.js';
import { sql } from '../database/sql.js';
import type { Tx } from '../database/transaction.js';

/*
 * The one row about the bounce mailbox that all instances share, and what was left in it for people.
 */

const MailboxRow = z.object({
  downSince: z.date().nullable(),
  fault: z.string().nullable(),
  response: z.string().nullable(),
  faults: z.number(),
  tryAt: z.date().nullable(),
});
export type MailboxState = z.infer<typeof MailboxRow>;

export async function selectMailbox(db: Db): Promise<MailboxState> {
  return one(
    db,
    MailboxRow,
    sql`select down_since as "downSince", fault, response, faults, try_at as "tryAt" from bounce_mailbox`,
  );
}

export async function lockMailbox(tx: Tx): Promise<MailboxState> {
  return one(
    tx,
    MailboxRow,
    sql`select down_since as "downSince", fault, response, faults, try_at as "tryAt" from bounce_mailbox for update`,
  );
}

export async function markMailboxDown(
  tx: Tx,
  fault: { fault: string; response: string | null; now: Date; tryAt: Date },
): Promise<void> {
  await run(
    tx,
    sql`update bounce_mailbox set down_since = coalesce(down_since, ${fault.now}), fault = ${fault.fault},
        response = ${fault.response}, faults = faults + 1, try_at = ${fault.tryAt}`,
  );
}

/** @returns since when it was down; null when it was not */
export async function markMailboxUp(tx: Tx): Promise<Date | null> {
  const row = await maybeOne(
    tx,
    z.object({ since: z.date() }),
    sql`with before as (select down_since from bounce_mailbox where down_since is not null for update)
      update bounce_mailbox set down_since = null, fault = null, response = null, faults = 0, try_at = null
      from before returning before.down_since as since`,
  );
  return row?.since ?? null;
}

/** A folder of a server; its UIDs mean something else once `uidValidity` is another. */
export interface Folder {
  mailbox: Buffer;
  uidValidity: bigint;
}

/** Those of `uids` that were left for people before; what is not among them any more is forgotten. */
export async function selectLeft(db: Db, folder: Folder, uids: readonly number[]): Promise<Set<number>> {
  const uidValidity = String(folder.uidValidity);
  await run(
    db,
    sql`delete from bounce_mailbox_left where mailbox = ${folder.mailbox}
      and not (uid_validity = ${uidValidity} and uid = any(${uids}::bigint[]))`,
  );
  const rows = await many(
    db,
    z.object({ uid: z.number() }),
    sql`select uid from bounce_mailbox_left where mailbox = ${folder.mailbox} and uid_validity = ${uidValidity}`,
  );
  return new Set(rows.map(({ uid }) => uid));
}

export async function insertLeft(db: Db, folder: Folder, uid: number): Promise<void> {
  await run(
    db,
    sql`insert into bounce_mailbox_left (mailbox, uid_validity, uid)
      values (${folder.mailbox}, ${String(folder.uidValidity)}, ${uid}) on conflict do nothing`,
  );
}
