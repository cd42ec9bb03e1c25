import { z } from 'zod';
import { type Db, maybeOne, run } from '../database/query.js';
import { sql } from '../database/sql.js';
import type { Tx } from '../database/transaction.js';
import { type Grading, gradingSchema } from '../list/grading.js';

const ReviewRow = z.object({
  revision: z.number(),
  message: z.string().nullable(),
  gradings: z.array(gradingSchema),
});
/** What belongs to the draft beside its document. */
export type Review = z.infer<typeof ReviewRow>;

export async function selectReview(db: Db): Promise<Review | null> {
  return maybeOne(db, ReviewRow, sql`select revision, message, gradings from drafts`);
}

/** The same, and nobody else writes the draft until this transaction ends; null: there is none. */
export async function lockReview(tx: Tx): Promise<Review | null> {
  return maybeOne(tx, ReviewRow, sql`select revision, message, gradings from drafts for update`);
}

export async function updateMessage(tx: Tx, message: string | null): Promise<void> {
  await run(tx, sql`update drafts set message = ${message}`);
}

export async function updateGradings(tx: Tx, gradings: readonly Grading[]): Promise<void> {
  await run(tx, sql`update drafts set gradings = ${JSON.stringify(gradings)}`);
}
