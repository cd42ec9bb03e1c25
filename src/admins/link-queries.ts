import { z } from 'zod';
import { type Actor, roles } from '../actor.js';
import { type Db, many, maybeOne, one, run } from '../database/query.js';
import { sql } from '../database/sql.js';
import type { Tx } from '../database/transaction.js';

export type LinkPurpose = 'invitation' | 'reset';

const LinkRow = z.object({
  id: z.number(),
  purpose: z.enum(['invitation', 'reset']),
  /** Of an invitation. */
  email: z.string().nullable(),
  emailKey: z.string().nullable(),
  role: z.enum(roles).nullable(),
  /** Of a reset. */
  adminId: z.number().nullable(),
  nonce: z.instanceof(Buffer),
  tokenHash: z.instanceof(Buffer),
  lifeMinutes: z.number(),
  locale: z.string(),
  createdAt: z.date(),
  usedAt: z.date().nullable(),
  revokedAt: z.date().nullable(),
  /** The letter with the link is still on its way out. */
  underway: z.boolean(),
  sentAt: z.date().nullable(),
});
export type AdminLink = z.infer<typeof LinkRow>;

const columns = sql`l.id, l.purpose, l.email, l.email_key as "emailKey", l.role, l.admin_id as "adminId", l.nonce,
  l.token_hash as "tokenHash", l.life_minutes as "lifeMinutes", l.locale, l.created_at as "createdAt",
  l.used_at as "usedAt", l.revoked_at as "revokedAt",
  coalesce(d.state in ('queued', 'sending', 'deferred'), false) as underway, d.sent_at as "sentAt"`;
const source = sql`admin_links l left join deliveries d on d.id = l.delivery_id`;

export async function insertLink(
  tx: Tx,
  link: {
    purpose: LinkPurpose;
    to: { email: string; emailKey: string; role: string } | { adminId: number };
    nonce: Buffer;
    tokenHash: Buffer;
    lifeMinutes: number;
    locale: string;
    madeBy: Actor;
    at: Date;
  },
): Promise<number> {
  const { purpose, to, nonce, tokenHash, lifeMinutes, locale, madeBy, at } = link;
  const invited = 'email' in to ? to : null;
  const adminId = 'adminId' in to ? to.adminId : null;
  const { id } = await one(
    tx,
    z.object({ id: z.number() }),
    sql`insert into admin_links
        (purpose, email, email_key, role, admin_id, nonce, token_hash, life_minutes, locale, made_by, created_at)
      values (${purpose}, ${invited?.email ?? null}, ${invited?.emailKey ?? null}, ${invited?.role ?? null},
        ${adminId}, ${nonce}, ${tokenHash}, ${lifeMinutes}, ${locale}, ${JSON.stringify(madeBy)}, ${at})
      returning id`,
  );
  return id;
}

export async function setLinkDelivery(tx: Tx, id: number, deliveryId: number): Promise<void> {
  await run(tx, sql`update admin_links set delivery_id = ${deliveryId} where id = ${id}`);
}

export async function selectLink(db: Db, id: number): Promise<AdminLink | null> {
  return maybeOne(db, LinkRow, sql`select ${columns} from ${source} where l.id = ${id}`);
}

export async function selectLinkByHash(db: Db, purpose: LinkPurpose, tokenHash: Buffer): Promise<AdminLink | null> {
  return maybeOne(
    db,
    LinkRow,
    sql`select ${columns} from ${source} where l.token_hash = ${tokenHash} and l.purpose = ${purpose}`,
  );
}

/** Invitations that nobody has taken or revoked, those that have expired included; the oldest first. */
export async function selectInvitations(db: Db): Promise<AdminLink[]> {
  return many(
    db,
    LinkRow,
    sql`select ${columns} from ${source}
      where l.purpose = 'invitation' and l.used_at is null and l.revoked_at is null order by l.id limit 500`,
  );
}

/** False when it was used or revoked before: of two at once one succeeds. */
export async function useLink(tx: Tx, id: number, at: Date): Promise<boolean> {
  return (
    (await run(
      tx,
      sql`update admin_links set used_at = ${at} where id = ${id} and used_at is null and revoked_at is null`,
    )) === 1
  );
}

/** False when there is no such invitation that still waits. */
export async function revokeInvitationRow(tx: Tx, id: number, at: Date): Promise<boolean> {
  return (
    (await run(
      tx,
      sql`update admin_links set revoked_at = ${at}
        where id = ${id} and purpose = 'invitation' and used_at is null and revoked_at is null`,
    )) === 1
  );
}

/** What waits for the address no longer opens anything. */
export async function revokeInvitationsTo(tx: Tx, emailKey: string, at: Date): Promise<void> {
  await run(
    tx,
    sql`update admin_links set revoked_at = ${at}
      where email_key = ${emailKey} and purpose = 'invitation' and used_at is null and revoked_at is null`,
  );
}

/** The links to a new password that the account still has. */
export async function revokeResetsOf(tx: Tx, adminId: number, at: Date): Promise<void> {
  await run(
    tx,
    sql`update admin_links set revoked_at = ${at}
      where admin_id = ${adminId} and purpose = 'reset' and used_at is null and revoked_at is null`,
  );
}

/** How many links an account was sent since a moment. */
export async function countResetsOf(db: Db, adminId: number, since: Date): Promise<number> {
  const { count } = await one(
    db,
    z.object({ count: z.number() }),
    sql`select count(*) as count from admin_links where admin_id = ${adminId} and created_at > ${since}`,
  );
  return count;
}

/** Links of earlier weeks, which open nothing any more. */
export async function deleteStaleLinks(tx: Tx, before: Date): Promise<void> {
  await run(
    tx,
    sql`delete from admin_links l where created_at < ${before} and not exists (
      select from deliveries d where d.id = l.delivery_id and d.state in ('queued', 'sending', 'deferred'))`,
  );
}
