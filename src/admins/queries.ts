import { z } from 'zod';
import { type Role, roles } from '../actor.js';
import { type Db, many, maybeOne, one, run } from '../database/query.js';
import { sql } from '../database/sql.js';
import type { Tx } from '../database/transaction.js';

const role = z.enum(roles);

export const AdminRow = z.object({
  id: z.number(),
  email: z.string(),
  emailKey: z.string(),
  passwordHash: z.string(),
  /** False: it was made at an identity provider, and nobody knows its password. */
  hasPassword: z.boolean(),
  role,
  disabledAt: z.date().nullable(),
  /** Null: none was met yet. */
  locale: z.string().nullable(),
});
export type Admin = z.infer<typeof AdminRow>;

export const adminColumns = sql`id, email, email_key as "emailKey", password_hash as "passwordHash",
  has_password as "hasPassword", role, disabled_at as "disabledAt", locale`;

export async function selectAdminByKey(db: Db, emailKey: string): Promise<Admin | null> {
  return maybeOne(db, AdminRow, sql`select ${adminColumns} from admins where email_key = ${emailKey}`);
}

export async function selectAdmin(db: Db, id: number): Promise<Admin | null> {
  return maybeOne(db, AdminRow, sql`select ${adminColumns} from admins where id = ${id}`);
}

/**
 * The account as it is now, which nobody else changes until this transaction ends. To be taken before any other
 * row: the lock of the table, which `lockAdmins` waits for, comes first.
 */
export async function holdAdmin(tx: Tx, id: number): Promise<Admin | null> {
  await run(tx, sql`lock table admins in row exclusive mode`);
  return maybeOne(tx, AdminRow, sql`select ${adminColumns} from admins where id = ${id} for update`);
}

/** Who may sign in, in the order in which they were made. */
export async function selectAddressesOf(
  db: Db,
  wanted: readonly Role[],
): Promise<{ email: string; emailKey: string }[]> {
  return many(
    db,
    z.object({ email: z.string(), emailKey: z.string() }),
    sql`select email, email_key as "emailKey" from admins
      where role = any(${wanted}) and disabled_at is null order by id`,
  );
}

export async function existsAdmin(db: Db): Promise<boolean> {
  const { found } = await one(db, z.object({ found: z.boolean() }), sql`select exists (select from admins) as found`);
  return found;
}

/** Nobody makes or changes an account until this transaction ends; reading goes on. */
export async function lockAdmins(tx: Tx): Promise<void> {
  await run(tx, sql`lock table admins in share row exclusive mode`);
}

export async function insertAdmin(
  tx: Tx,
  admin: { email: string; emailKey: string; passwordHash: string; hasPassword: boolean; role: Role; at: Date },
): Promise<Admin> {
  return one(
    tx,
    AdminRow,
    sql`insert into admins (email, email_key, password_hash, has_password, role, created_at)
      values (${admin.email}, ${admin.emailKey}, ${admin.passwordHash}, ${admin.hasPassword}, ${admin.role}, ${admin.at})
      returning ${adminColumns}`,
  );
}

/** Of a password that somebody knows. */
export async function updatePasswordHash(tx: Tx, adminId: number, passwordHash: string): Promise<void> {
  await run(tx, sql`update admins set password_hash = ${passwordHash}, has_password = true where id = ${adminId}`);
}

export async function updateLastSignIn(tx: Tx, adminId: number, at: Date, locale: string | null): Promise<void> {
  await run(
    tx,
    sql`update admins set last_signed_in_at = ${at}, locale = coalesce(${locale}, locale) where id = ${adminId}`,
  );
}

export async function insertSetupLink(tx: Tx, tokenHash: Buffer, at: Date): Promise<void> {
  await run(tx, sql`insert into setup_links (token_hash, created_at) values (${tokenHash}, ${at})`);
}

const LinkRow = z.object({ createdAt: z.date(), usedAt: z.date().nullable() });

export async function selectSetupLink(db: Db, tokenHash: Buffer): Promise<z.infer<typeof LinkRow> | null> {
  return maybeOne(
    db,
    LinkRow,
    sql`select created_at as "createdAt", used_at as "usedAt" from setup_links where token_hash = ${tokenHash}`,
  );
}

/** Once there is an admin no set-up link opens anything, whichever was used. */
export async function spendSetupLinks(tx: Tx, at: Date): Promise<void> {
  await run(tx, sql`update setup_links set used_at = ${at} where used_at is null`);
}

/**
 * Counts an attempt before it is made, so that many at once cannot slip past the count; false while the
 * bucket is blocked. From the `free`-th attempt on each blocks the bucket for twice as long as the one
 * before it; an hour of quiet forgets them all.
 */
export async function countSignIn(
  db: Db,
  bucket: Buffer,
  now: Date,
  limit: { free: number; firstSeconds: number; mostSeconds: number },
): Promise<boolean> {
  const counted = await run(
    db,
    sql`insert into sign_in_limits as l (bucket, attempts, last_at, blocked_until)
      values (${bucket}, 1, ${now}, ${now})
      on conflict (bucket) do update set
        attempts = case when l.last_at < ${now}::timestamptz - interval '1 hour' then 1 else l.attempts + 1 end,
        last_at = ${now},
        blocked_until = case
          when l.last_at < ${now}::timestamptz - interval '1 hour' or l.attempts + 1 < ${limit.free} then ${now}
          else ${now}::timestamptz + least(
            ${limit.mostSeconds}, ${limit.firstSeconds} * power(2, least(l.attempts + 1 - ${limit.free}, 20))
          ) * interval '1 second'
        end
      where l.blocked_until <= ${now}`,
  );
  return counted === 1;
}

/** Seconds until the later of the buckets opens; 0 when all are open. */
export async function secondsBlocked(db: Db, buckets: readonly Buffer[], now: Date): Promise<number> {
  const { seconds } = await one(
    db,
    z.object({ seconds: z.number() }),
    sql`select greatest(0, ceil(coalesce(max(extract(epoch from blocked_until - ${now}::timestamptz)), 0)))::integer
        as seconds
      from sign_in_limits where bucket = any(${buckets})`,
  );
  return seconds;
}

export async function forgetSignIns(tx: Tx, bucket: Buffer): Promise<void> {
  await run(tx, sql`delete from sign_in_limits where bucket = ${bucket}`);
}

/** Counts that hold nobody up any more. */
export async function deleteStaleSignIns(tx: Tx, before: Date): Promise<void> {
  await run(tx, sql`delete from sign_in_limits where last_at < ${before} and blocked_until < ${before}`);
}

/** An attempt that succeeded does not count, and holds nobody up. */
export async function uncountSignIn(db: Db, bucket: Buffer, now: Date): Promise<void> {
  await run(
    db,
    sql`update sign_in_limits set attempts = greatest(attempts - 1, 0), blocked_until = least(blocked_until, ${now})
      where bucket = ${bucket}`,
  );
}

const ApiTokenRow = z.object({
  id: z.number(),
  name: z.string(),
  role,
  createdAt: z.date(),
  expiresAt: z.date().nullable(),
  lastUsedAt: z.date().nullable(),
  revokedAt: z.date().nullable(),
});
/** An API token without its secret, which is shown once and kept nowhere. */
export type ApiToken = z.infer<typeof ApiTokenRow>;

const apiTokenColumns = sql`id, name, role, created_at as "createdAt", expires_at as "expiresAt",
  last_used_at as "lastUsedAt", revoked_at as "revokedAt"`;

export async function insertApiToken(
  tx: Tx,
  token: { name: string; role: Role; tokenHash: Buffer; at: Date; expiresAt: Date | null },
): Promise<ApiToken> {
  return one(
    tx,
    ApiTokenRow,
    sql`insert into api_tokens (name, role, token_hash, created_at, expires_at)
      values (${token.name}, ${token.role}, ${token.tokenHash}, ${token.at}, ${token.expiresAt})
      returning ${apiTokenColumns}`,
  );
}

export async function selectApiTokens(db: Db): Promise<ApiToken[]> {
  return many(db, ApiTokenRow, sql`select ${apiTokenColumns} from api_tokens order by id`);
}

export async function selectApiTokenByHash(db: Db, tokenHash: Buffer): Promise<ApiToken | null> {
  return maybeOne(db, ApiTokenRow, sql`select ${apiTokenColumns} from api_tokens where token_hash = ${tokenHash}`);
}

export async function touchApiToken(db: Db, id: number, at: Date): Promise<void> {
  await run(db, sql`update api_tokens set last_used_at = ${at} where id = ${id}`);
}

/** False when there is no such token, or it was revoked before. */
export async function markRevoked(tx: Tx, id: number, at: Date): Promise<boolean> {
  return (await run(tx, sql`update api_tokens set revoked_at = ${at} where id = ${id} and revoked_at is null`)) === 1;
}
