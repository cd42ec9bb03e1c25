import { z } from 'zod';
import { type Role, roles } from '../actor.js';
import { type Db, many, maybeOne, one, run } from '../database/query.js';
import { sql } from '../database/sql.js';
import type { Tx } from '../database/transaction.js';

const role = z.enum(roles);

const AdminRow = z.object({ id: z.number(), email: z.string(), passwordHash: z.string(), role });
export type Admin = z.infer<typeof AdminRow>;

const adminColumns = sql`id, email, password_hash as "passwordHash", role`;

export async function selectAdminByKey(db: Db, emailKey: string): Promise<Admin | null> {
  return maybeOne(db, AdminRow, sql`select ${adminColumns} from admins where email_key = ${emailKey}`);
}

/** In the order in which they were made. */
export async function selectAddressesOf(
  db: Db,
  wanted: readonly Role[],
): Promise<{ email: string; emailKey: string }[]> {
  return many(
    db,
    z.object({ email: z.string(), emailKey: z.string() }),
    sql`select email, email_key as "emailKey" from admins where role = any(${wanted}) order by id`,
  );
}

export async function existsAdmin(db: Db): Promise<boolean> {
  const { found } = await one(db, z.object({ found: z.boolean() }), sql`select exists (select from admins) as found`);
  return found;
}

/** Nobody makes an admin until this transaction ends; reading goes on. */
export async function lockAdmins(tx: Tx): Promise<void> {
  await run(tx, sql`lock table admins in share row exclusive mode`);
}

export async function insertAdmin(
  tx: Tx,
  admin: { email: string; emailKey: string; passwordHash: string; role: Role; at: Date },
): Promise<Admin> {
  return one(
    tx,
    AdminRow,
    sql`insert into admins (email, email_key, password_hash, role, created_at)
      values (${admin.email}, ${admin.emailKey}, ${admin.passwordHash}, ${admin.role}, ${admin.at})
      returning ${adminColumns}`,
  );
}

export async function updatePasswordHash(tx: Tx, adminId: number, passwordHash: string): Promise<void> {
  await run(tx, sql`update admins set password_hash = ${passwordHash} where id = ${adminId}`);
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

export async function insertSession(tx: Tx, session: { tokenHash: Buffer; adminId: number; at: Date }): Promise<void> {
  await run(
    tx,
    sql`insert into sessions (token_hash, admin_id, created_at, last_seen_at)
      values (${session.tokenHash}, ${session.adminId}, ${session.at}, ${session.at})`,
  );
}

const SessionRow = z.object({ adminId: z.number(), email: z.string(), role, lastSeenAt: z.date() });

/** A session that was begun and seen after the given moments, with its admin as it is now. */
export async function selectSession(
  db: Db,
  tokenHash: Buffer,
  after: { begun: Date; seen: Date },
): Promise<z.infer<typeof SessionRow> | null> {
  return maybeOne(
    db,
    SessionRow,
    sql`select a.id as "adminId", a.email, a.role, s.last_seen_at as "lastSeenAt"
      from sessions s join admins a on a.id = s.admin_id
      where s.token_hash = ${tokenHash} and s.created_at > ${after.begun} and s.last_seen_at > ${after.seen}`,
  );
}

export async function touchSession(db: Db, tokenHash: Buffer, at: Date): Promise<void> {
  await run(db, sql`update sessions set last_seen_at = ${at} where token_hash = ${tokenHash}`);
}

export async function deleteSession(tx: Tx, tokenHash: Buffer): Promise<number | null> {
  const row = await maybeOne(
    tx,
    z.object({ adminId: z.number() }),
    sql`delete from sessions where token_hash = ${tokenHash} returning admin_id as "adminId"`,
  );
  return row?.adminId ?? null;
}

/** Sessions that no cookie opens any more. */
export async function deleteStaleSessions(tx: Tx, before: { begun: Date; seen: Date }): Promise<number> {
  return run(tx, sql`delete from sessions where created_at <= ${before.begun} or last_seen_at <= ${before.seen}`);
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

/** A successful attempt does not count against where it came from. */
export async function uncountSignIn(tx: Tx, bucket: Buffer): Promise<void> {
  await run(tx, sql`update sign_in_limits set attempts = greatest(attempts - 1, 0) where bucket = ${bucket}`);
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
