import { z } from 'zod';
import { roles } from '../actor.js';
import { type Db, many, maybeOne, one, run } from '../database/query.js';
import { sql } from '../database/sql.js';
import type { Tx } from '../database/transaction.js';

/** By what somebody has proven who they are. */
export const proofs = ['password', 'second-factor', 'recovery-code', 'oidc', 'link'] as const;
export type Proof = (typeof proofs)[number];

export interface NewSession {
  tokenHash: Buffer;
  adminId: number;
  at: Date;
  how: Proof;
  browser: string | null;
  system: string | null;
  area: string | null;
}

export async function insertSession(tx: Tx, session: NewSession): Promise<number> {
  const { tokenHash, adminId, at, how, browser, system, area } = session;
  const { id } = await one(
    tx,
    z.object({ id: z.number() }),
    sql`insert into sessions (token_hash, admin_id, created_at, last_seen_at, how, browser, system, area)
      values (${tokenHash}, ${adminId}, ${at}, ${at}, ${how}, ${browser}, ${system}, ${area}) returning id`,
  );
  return id;
}

const SessionRow = z.object({
  id: z.number(),
  adminId: z.number(),
  email: z.string(),
  role: z.enum(roles),
  createdAt: z.date(),
  lastSeenAt: z.date(),
  how: z.enum(proofs).nullable(),
  hasSecondFactor: z.boolean(),
});

/** A session that was begun and seen after the given moments, with its admin as it is now. */
export async function selectSession(
  db: Db,
  tokenHash: Buffer,
  after: { begun: Date; seen: Date },
): Promise<z.infer<typeof SessionRow> | null> {
  return maybeOne(
    db,
    SessionRow,
    sql`select s.id, a.id as "adminId", a.email, a.role, s.created_at as "createdAt", s.last_seen_at as "lastSeenAt",
        s.how, f.admin_id is not null as "hasSecondFactor"
      from sessions s join admins a on a.id = s.admin_id left join second_factors f on f.admin_id = a.id
      where s.token_hash = ${tokenHash} and s.created_at > ${after.begun} and s.last_seen_at > ${after.seen}
        and a.disabled_at is null`,
  );
}

const OwnSessionRow = z.object({
  id: z.number(),
  createdAt: z.date(),
  lastSeenAt: z.date(),
  how: z.enum(proofs).nullable(),
  browser: z.string().nullable(),
  system: z.string().nullable(),
  area: z.string().nullable(),
});
/** A session as its owner sees it. */
export type OwnSession = z.infer<typeof OwnSessionRow>;

/** The sessions of an account that open something, the last seen first. */
export async function selectSessionsOf(
  db: Db,
  adminId: number,
  after: { begun: Date; seen: Date },
): Promise<OwnSession[]> {
  return many(
    db,
    OwnSessionRow,
    sql`select id, created_at as "createdAt", last_seen_at as "lastSeenAt", how, browser, system, area
      from sessions
      where admin_id = ${adminId} and created_at > ${after.begun} and last_seen_at > ${after.seen}
      order by last_seen_at desc, id desc limit 100`,
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

/** One session of an account; false when there is none. */
export async function deleteSessionOf(tx: Tx, adminId: number, id: number): Promise<boolean> {
  return (await run(tx, sql`delete from sessions where admin_id = ${adminId} and id = ${id}`)) === 1;
}

/** Every session of an account but that one; how many. */
export async function deleteSessionsOf(tx: Tx, adminId: number, except: number | null = null): Promise<number> {
  return run(
    tx,
    sql`delete from sessions where admin_id = ${adminId} and (${except}::bigint is null or id <> ${except}::bigint)`,
  );
}

/** Sessions that no cookie opens any more. */
export async function deleteStaleSessions(tx: Tx, before: { begun: Date; seen: Date }): Promise<number> {
  return run(tx, sql`delete from sessions where created_at <= ${before.begun} or last_seen_at <= ${before.seen}`);
}
