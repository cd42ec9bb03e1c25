import { z } from 'zod';
import { type Role, roles } from '../actor.js';
import { type Db, many, maybeOne, one, run } from '../database/query.js';
import { type Sql, sql } from '../database/sql.js';
import type { Tx } from '../database/transaction.js';

const AccountRow = z.object({
  id: z.number(),
  email: z.string(),
  role: z.enum(roles),
  createdAt: z.date(),
  disabledAt: z.date().nullable(),
  lastSignedInAt: z.date().nullable(),
  hasPassword: z.boolean(),
  /** Belongs to somebody at an identity provider. */
  hasIdentity: z.boolean(),
  secondFactorSince: z.date().nullable(),
  sessions: z.number(),
});
/** An account as those see it who manage accounts. */
export type Account = z.infer<typeof AccountRow>;

const accounts = (where: Sql) => sql`select a.id, a.email, a.role, a.created_at as "createdAt",
    a.disabled_at as "disabledAt", a.last_signed_in_at as "lastSignedInAt", a.has_password as "hasPassword",
    exists (select from oidc_identities i where i.admin_id = a.id) as "hasIdentity",
    f.since as "secondFactorSince",
    (select count(*) from sessions s where s.admin_id = a.id) as sessions
  from admins a left join second_factors f on f.admin_id = a.id ${where} order by a.email_key`;

export async function selectAccounts(db: Db): Promise<Account[]> {
  return many(db, AccountRow, accounts(sql``));
}

export async function selectAccount(db: Db, id: number): Promise<Account | null> {
  return maybeOne(db, AccountRow, accounts(sql`where a.id = ${id}`));
}

/** How many could still manage accounts if that one could not. */
export async function countOtherManagers(tx: Tx, id: number): Promise<number> {
  const { count } = await one(
    tx,
    z.object({ count: z.number() }),
    sql`select count(*) as count from admins where role = 'admin' and disabled_at is null and id <> ${id}`,
  );
  return count;
}

export async function updateRole(tx: Tx, id: number, role: Role): Promise<void> {
  await run(tx, sql`update admins set role = ${role} where id = ${id}`);
}

export async function updateDisabled(tx: Tx, id: number, disabledAt: Date | null): Promise<void> {
  await run(tx, sql`update admins set disabled_at = ${disabledAt} where id = ${id}`);
}

/** With the sessions, the second factor and the links of the account; what it did stays in the audit log. */
export async function deleteAccount(tx: Tx, id: number): Promise<void> {
  await run(tx, sql`delete from admins where id = ${id}`);
}
