import { z } from 'zod';
import { type Db, maybeOne, one, run } from '../database/query.js';
import { sql } from '../database/sql.js';
import type { Tx } from '../database/transaction.js';
import type { TokenPurpose } from './tokens.js';

const purposes = ['confirm', 'manage', 'change-address'] as const satisfies readonly TokenPurpose[];

const TokenRow = z.object({
  id: z.number(),
  purpose: z.enum(purposes),
  subscriberId: z.number(),
  nonce: z.instanceof(Buffer),
  tokenHash: z.instanceof(Buffer),
  browserHash: z.instanceof(Buffer).nullable(),
  detail: z.unknown(),
  createdAt: z.date(),
  usedAt: z.date().nullable(),
  deliveryId: z.number().nullable(),
  /** The letter with the link is still on its way out. */
  underway: z.boolean(),
  sentAt: z.date().nullable(),
});
export type StoredToken = z.infer<typeof TokenRow>;

const tokenColumns = sql`t.id, t.purpose, t.subscriber_id as "subscriberId", t.nonce, t.token_hash as "tokenHash",
  t.browser_hash as "browserHash", t.detail, t.created_at as "createdAt", t.used_at as "usedAt", t.delivery_id as "deliveryId",
  coalesce(d.state in ('queued', 'sending', 'deferred'), false) as underway, d.sent_at as "sentAt"`;

export async function findToken(db: Db, tokenHash: Buffer): Promise<StoredToken | null> {
  return maybeOne(
    db,
    TokenRow,
    sql`select ${tokenColumns} from single_use_tokens t left join deliveries d on d.id = t.delivery_id
      where t.token_hash = ${tokenHash}`,
  );
}

export async function findTokenById(db: Db, id: number): Promise<StoredToken | null> {
  return maybeOne(
    db,
    TokenRow,
    sql`select ${tokenColumns} from single_use_tokens t left join deliveries d on d.id = t.delivery_id
      where t.id = ${id}`,
  );
}

export interface NewToken {
  purpose: TokenPurpose;
  subscriberId: number;
  nonce: Buffer;
  tokenHash: Buffer;
  browserHash: Buffer | null;
  detail: Record<string, unknown>;
  at: Date;
}

export async function insertToken(tx: Tx, token: NewToken): Promise<number> {
  const { id } = await one(
    tx,
    z.object({ id: z.number() }),
    sql`insert into single_use_tokens (purpose, subscriber_id, nonce, token_hash, browser_hash, detail, created_at)
      values (${token.purpose}, ${token.subscriberId}, ${token.nonce}, ${token.tokenHash}, ${token.browserHash},
        ${JSON.stringify(token.detail)}, ${token.at})
      returning id`,
  );
  return id;
}

export async function setTokenDelivery(tx: Tx, id: number, deliveryId: number): Promise<void> {
  await run(tx, sql`update single_use_tokens set delivery_id = ${deliveryId} where id = ${id}`);
}

export async function setTokenUsed(tx: Tx, id: number, at: Date): Promise<void> {
  await run(tx, sql`update single_use_tokens set used_at = ${at} where id = ${id}`);
}

/** Ends every open link of a person: who leaves is not brought back by an older mail. */
export async function voidTokens(tx: Tx, subscriberId: number, at: Date): Promise<void> {
  await run(
    tx,
    sql`update single_use_tokens set used_at = ${at} where subscriber_id = ${subscriberId} and used_at is null`,
  );
}

/** The person goes on under another row, and the used link of the change with them. */
export async function setTokenOwner(tx: Tx, id: number, subscriberId: number): Promise<void> {
  await run(tx, sql`update single_use_tokens set subscriber_id = ${subscriberId} where id = ${id}`);
}
