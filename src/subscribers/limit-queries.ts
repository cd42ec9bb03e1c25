import { z } from 'zod';
import { maybeOne, one, run } from '../database/query.js';
import { sql } from '../database/sql.js';
import type { Tx } from '../database/transaction.js';
import { type SuppressionReason, suppressionReasons } from './queries.js';

/** Who is written to, by the forms or by a link of their own: the key of a count. */
export function formBucket(emailHash: Buffer): string {
  return `form:${emailHash.toString('hex')}`;
}

export function manageBucket(subscriberId: number): string {
  return `manage:${subscriberId}`;
}

/**
 * The times of the last letters, with the count locked until the transaction ends: of twenty equal
 * forms at once nineteen wait here and then find that a letter has gone.
 */
export async function lockLetters(tx: Tx, bucket: string, at: Date): Promise<Date[]> {
  const { letters } = await one(
    tx,
    z.object({ letters: z.array(z.date()) }),
    sql`insert into letter_limits (bucket, touched_at) values (${bucket}, ${at})
      on conflict (bucket) do update set touched_at = excluded.touched_at
      returning letters`,
  );
  return letters;
}

export async function setLetters(tx: Tx, bucket: string, letters: readonly Date[]): Promise<void> {
  await run(tx, sql`update letter_limits set letters = ${letters} where bucket = ${bucket}`);
}

/** The owner of the mailbox has shown themselves: the forms may write to them anew. */
export async function forgetLetters(tx: Tx, bucket: string): Promise<void> {
  await run(tx, sql`delete from letter_limits where bucket = ${bucket}`);
}

/** Counts a letter to a domain; the number of letters in the window that `at` falls in. */
export async function countDomainLetter(tx: Tx, domain: string, at: Date, oldestWindow: Date): Promise<number> {
  const { letters } = await one(
    tx,
    z.object({ letters: z.number() }),
    sql`insert into domain_limits as d (domain, window_from, letters) values (${domain}, ${at}, 1)
      on conflict (domain) do update set
        letters = case when d.window_from <= ${oldestWindow} then 1 else d.letters + 1 end,
        window_from = case when d.window_from <= ${oldestWindow} then excluded.window_from else d.window_from end
      returning letters`,
  );
  return letters;
}

export async function findSuppression(tx: Tx, emailHash: Buffer): Promise<SuppressionReason | null> {
  const row = await maybeOne(
    tx,
    z.object({ reason: z.enum(suppressionReasons) }),
    sql`select reason from suppressions where email_hash = ${emailHash}`,
  );
  return row?.reason ?? null;
}

/** The first reason stays; false when the address was suppressed before. */
export async function insertSuppression(
  tx: Tx,
  suppression: { emailHash: Buffer; reason: SuppressionReason; detail: string | null; at: Date },
): Promise<boolean> {
  const added = await run(
    tx,
    sql`insert into suppressions (email_hash, reason, detail, created_at)
      values (${suppression.emailHash}, ${suppression.reason}, ${suppression.detail}, ${suppression.at})
      on conflict (email_hash) do nothing`,
  );
  return added > 0;
}

export async function deleteSuppression(tx: Tx, emailHash: Buffer): Promise<void> {
  await run(tx, sql`delete from suppressions where email_hash = ${emailHash}`);
}
