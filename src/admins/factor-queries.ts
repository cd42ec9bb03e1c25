import { z } from 'zod';
import { type Db, maybeOne, one, run } from '../database/query.js';
import { sql } from '../database/sql.js';
import type { Tx } from '../database/transaction.js';

const FactorRow = z.object({ secret: z.instanceof(Buffer), since: z.date() });
type FactorRow = z.infer<typeof FactorRow>;

/** The second factor of an account, its secret sealed; null: it has none. */
export async function selectFactor(db: Db, adminId: number): Promise<FactorRow | null> {
  return maybeOne(db, FactorRow, sql`select secret, since from second_factors where admin_id = ${adminId}`);
}

/** False when the account has one already. */
export async function insertFactor(
  tx: Tx,
  factor: { adminId: number; secret: Buffer; step: number; at: Date },
): Promise<boolean> {
  const inserted = await run(
    tx,
    sql`insert into second_factors (admin_id, secret, last_step, since)
      values (${factor.adminId}, ${factor.secret}, ${factor.step}, ${factor.at}) on conflict do nothing`,
  );
  return inserted === 1;
}

/** Takes the code of a time step; false when that one, or a later one, was used before. */
export async function useStep(tx: Tx, adminId: number, step: number): Promise<boolean> {
  return (
    (await run(
      tx,
      sql`update second_factors set last_step = ${step} where admin_id = ${adminId} and last_step < ${step}`,
    )) === 1
  );
}

export async function updateFactorSecret(tx: Tx, adminId: number, secret: Buffer): Promise<void> {
  await run(tx, sql`update second_factors set secret = ${secret} where admin_id = ${adminId}`);
}

/** Ends the second factor with its recovery codes; false when there was none. */
export async function deleteFactor(tx: Tx, adminId: number): Promise<boolean> {
  await run(tx, sql`delete from recovery_codes where admin_id = ${adminId}`);
  await run(tx, sql`update admins set second_factor_round = second_factor_round + 1 where id = ${adminId}`);
  return (await run(tx, sql`delete from second_factors where admin_id = ${adminId}`)) === 1;
}

/** How many second factors the account has had, so that each has a secret of its own. */
export async function selectRound(db: Db, adminId: number): Promise<number> {
  const row = await maybeOne(
    db,
    z.object({ round: z.number() }),
    sql`select second_factor_round as round from admins where id = ${adminId}`,
  );
  return row?.round ?? 0;
}

/** New recovery codes in place of all there were. */
export async function replaceRecoveryCodes(tx: Tx, adminId: number, hashes: readonly Buffer[]): Promise<void> {
  await run(tx, sql`delete from recovery_codes where admin_id = ${adminId}`);
  await run(
    tx,
    sql`insert into recovery_codes (admin_id, code_hash) select ${adminId}::bigint, hash from unnest(${hashes}::bytea[]) as hash`,
  );
}

/** False when there is no such code, or it was used before. */
export async function useRecoveryCode(tx: Tx, adminId: number, hash: Buffer, at: Date): Promise<boolean> {
  return (
    (await run(
      tx,
      sql`update recovery_codes set used_at = ${at}
        where admin_id = ${adminId} and code_hash = ${hash} and used_at is null`,
    )) === 1
  );
}

/** How many of these codes, by their hashes, belong to the account. */
export async function countKnownCodes(db: Db, adminId: number, hashes: readonly Buffer[]): Promise<number> {
  const { count } = await one(
    db,
    z.object({ count: z.number() }),
    sql`select count(*) as count from recovery_codes where admin_id = ${adminId} and code_hash = any(${hashes})`,
  );
  return count;
}

/** How many recovery codes are left. */
export async function countRecoveryCodes(db: Db, adminId: number): Promise<number> {
  const { count } = await one(
    db,
    z.object({ count: z.number() }),
    sql`select count(*) as count from recovery_codes where admin_id = ${adminId} and used_at is null`,
  );
  return count;
}
