import { randomBytes } from 'node:crypto';
import type { Actor, Role } from '../actor.js';
import type { Db } from '../database/query.js';
import type { Tx } from '../database/transaction.js';
import { enqueueLetter } from '../deliveries/enqueue.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { hmacHex } from '../hmac.js';
import { emailHash } from '../subscribers/tokens.js';
import {
  type AdminLink,
  insertLink,
  type LinkPurpose,
  selectLink,
  selectLinkByHash,
  setLinkDelivery,
} from './link-queries.js';
import { selectAdmin } from './queries.js';
import { hashOf } from './secret-tokens.js';

/*
 * One-time links by mail for admins. The token is the HMAC of a nonce under SECRET_KEY and stands nowhere: it is made
 * when the letter goes, and found by its hash when it comes back. A copy of the database opens nothing.
 */

const minute = 60_000;

const letterKinds = { invitation: 'admin-invitation', reset: 'admin-reset' } as const;

/** A link and its letter, in the transaction of whatever causes them. */
export async function sendLink(
  tx: Tx,
  deps: Pick<Deps, 'config' | 'now'>,
  link: {
    purpose: LinkPurpose;
    to: { email: string; emailKey: string; role: Role } | { adminId: number };
    email: string;
    emailKey: string;
    lifeMinutes: number;
    locale: string;
    madeBy: Actor;
  },
): Promise<number> {
  const at = deps.now();
  const [key] = deps.config.secretKeys;
  if (key === undefined) throw new Error('no SECRET_KEY');
  const { purpose, to, email, emailKey, lifeMinutes, locale, madeBy } = link;
  const nonce = randomBytes(16);
  const tokenHash = hashOf(tokenOf(key, purpose, nonce));
  const id = await insertLink(tx, { purpose, to, nonce, tokenHash, lifeMinutes, locale, madeBy, at });
  const deliveryId = await enqueueLetter(tx, {
    kind: letterKinds[purpose],
    subscriberId: null,
    email,
    recipientHash: emailHash(deps.config.secretKeys, emailKey),
    locale,
    params: { linkId: id },
    at,
  });
  await setLinkDelivery(tx, id, deliveryId);
  return id;
}

/**
 * What the letter of a link says, at the moment when it goes.
 * @returns null when there is nothing left to say: the link was used, revoked, or its account is gone
 */
export async function linkLetterData(
  deps: Pick<Deps, 'db' | 'config' | 'now'>,
  linkId: number,
): Promise<{ token: string; role: Role | null; lifeMinutes: number } | null> {
  const link = await selectLink(deps.db, linkId);
  if (link === null || stateOfLink(link, deps.now()) !== 'open') return null;
  if (link.adminId !== null && (await selectAdmin(deps.db, link.adminId))?.disabledAt !== null) return null;
  const token = deps.config.secretKeys
    .map((key) => tokenOf(key, link.purpose, link.nonce))
    .find((made) => hashOf(made).equals(link.tokenHash));
  return token === undefined ? null : { token, role: link.role, lifeMinutes: link.lifeMinutes };
}

/** The link of a token, if it opens something. Refuses `token.unknown`, `token.used` and `token.expired`. */
export async function openLink(db: Db, purpose: LinkPurpose, token: string, at: Date): Promise<AdminLink> {
  const link = await selectLinkByHash(db, purpose, hashOf(token));
  if (link === null) throw new Refusal('token.unknown', 'This link is not known.');
  const state = stateOfLink(link, at);
  if (state === 'over') throw new Refusal('token.used', 'This link was used already, or was taken back.');
  if (state === 'expired') throw new Refusal('token.expired', 'This link has expired.');
  return link;
}

/** When a link ends; null while its letter waits for a relay. */
export function endOfLink(link: Pick<AdminLink, 'underway' | 'createdAt' | 'sentAt' | 'lifeMinutes'>): Date | null {
  if (link.underway) return null;
  const from = Math.max(link.createdAt.getTime(), link.sentAt?.getTime() ?? 0);
  return new Date(from + link.lifeMinutes * minute);
}

/** How a link stands. */
export function stateOfLink(link: AdminLink, at: Date): 'open' | 'expired' | 'over' {
  if (link.usedAt !== null || link.revokedAt !== null) return 'over';
  const end = endOfLink(link);
  return end !== null && end <= at ? 'expired' : 'open';
}

function tokenOf(key: string, purpose: LinkPurpose, nonce: Buffer): string {
  const signed = hmacHex(key, Buffer.concat([Buffer.from(`admin link\0${purpose}\0`), nonce]));
  return Buffer.from(signed, 'hex').toString('base64url');
}
