import { type Db, maybeOne, run } from '../database/query.js';
import { sql } from '../database/sql.js';
import type { Tx } from '../database/transaction.js';
import { type Admin, AdminRow, adminColumns } from './queries.js';

/** Whose identity this is, or null. */
export async function selectAdminByIdentity(db: Db, issuer: string, subject: string): Promise<Admin | null> {
  return maybeOne(
    db,
    AdminRow,
    sql`select ${adminColumns} from admins
      where id = (select admin_id from oidc_identities where issuer = ${issuer} and subject = ${subject})`,
  );
}

/** False when the account has an identity at this issuer already. */
export async function insertIdentity(
  tx: Tx,
  identity: { issuer: string; subject: string; adminId: number; at: Date },
): Promise<boolean> {
  const { issuer, subject, adminId, at } = identity;
  const inserted = await run(
    tx,
    sql`insert into oidc_identities (issuer, subject, admin_id, created_at)
      values (${issuer}, ${subject}, ${adminId}, ${at}) on conflict (admin_id, issuer) do nothing`,
  );
  return inserted === 1;
}
