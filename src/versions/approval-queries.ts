import { z } from 'zod';
import type { Actor } from '../actor.js';
import { actorSchema } from '../audit/browse.js';
import { type Db, many, run } from '../database/query.js';
import { sql } from '../database/sql.js';
import type { Tx } from '../database/transaction.js';

const ApprovalRow = z.object({ by: actorSchema, at: z.date() });
/** Who has approved, and when. */
export type Approval = z.infer<typeof ApprovalRow>;

export async function selectApprovals(db: Db, hash: string): Promise<Approval[]> {
  return many(db, ApprovalRow, sql`select by, at from approvals where hash = ${hash} order by id`);
}

export async function insertApproval(tx: Tx, approval: { hash: string; by: Actor; at: Date }): Promise<void> {
  await run(
    tx,
    sql`insert into approvals (hash, by, at) values (${approval.hash}, ${JSON.stringify(approval.by)}, ${approval.at})`,
  );
}
