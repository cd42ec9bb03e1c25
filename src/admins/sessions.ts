import { type Actor, actorFrom, type Role } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import { type Tx, transaction } from '../database/transaction.js';
import type { Deps } from '../deps.js';
import {
  type Admin,
  deleteSession,
  deleteStaleSessions,
  deleteStaleSignIns,
  insertSession,
  selectSession,
  touchSession,
} from './queries.js';
import { hashOf, randomToken } from './secret-tokens.js';

/*
 * Sessions of the console: a random token in a cookie, its hash here, so that signing out ends it on
 * every instance and a copy of the database opens nothing.
 */

const hour = 60 * 60 * 1000;
/** Ends a session that nobody used. */
export const sessionIdleMs = 12 * hour;
/** Ends every session, however busy. */
export const sessionLifeMs = 7 * 24 * hour;
/** How exact the last use is kept: a page view need not be a write. */
const touchMs = 60 * 1000;

export interface Session {
  /** Names the session without opening it: what the tokens of its forms are bound to. */
  name: string;
  actor: Extract<Actor, { kind: 'admin' }>;
  email: string;
  role: Role;
}

/** Begins a session with a new token, in the transaction of the sign-in. */
export async function beginSession(tx: Tx, admin: Admin, at: Date): Promise<string> {
  const token = randomToken();
  await insertSession(tx, { tokenHash: hashOf(token), adminId: admin.id, at });
  return token;
}

/**
 * Lets an admin in who has proven who they are, in the transaction of the sign-in: a session, and an entry of
 * the audit log.
 * @param from `ip`: an address, or the network of one; `how`: what they have proven it by
 * @returns the session's token, for its cookie
 */
export async function admit(
  tx: Tx,
  admin: Admin,
  { at, ip, how }: { at: Date; ip: string; how: 'password' | 'oidc' },
): Promise<string> {
  await recordAudit(tx, {
    at,
    actor: actorFrom({ kind: 'admin', id: admin.id, role: admin.role }, `console ${ip}`),
    action: 'admin.signed-in',
    subject: `admin ${admin.id}`,
    detail: { how },
  });
  return beginSession(tx, admin, at);
}

/** Whose session a cookie's token is, with the role they have now; null when it ended or never was. */
export async function sessionOf(deps: Pick<Deps, 'db' | 'now'>, token: string | undefined): Promise<Session | null> {
  if (token === undefined || token.length !== 43) return null;
  const now = deps.now();
  const tokenHash = hashOf(token);
  const found = await selectSession(deps.db, tokenHash, {
    begun: before(now, sessionLifeMs),
    seen: before(now, sessionIdleMs),
  });
  if (found === null) return null;
  if (found.lastSeenAt < before(now, touchMs)) await touchSession(deps.db, tokenHash, now);
  return {
    name: tokenHash.toString('base64url'),
    actor: { kind: 'admin', id: found.adminId, role: found.role },
    email: found.email,
    role: found.role,
  };
}

/** Ends a session; a token that opens none is no fault. */
export async function signOut(deps: Pick<Deps, 'db' | 'now'>, token: string | undefined): Promise<void> {
  if (token === undefined) return;
  const at = deps.now();
  await transaction(deps.db, async (tx) => {
    const adminId = await deleteSession(tx, hashOf(token));
    if (adminId === null) return;
    await recordAudit(tx, {
      at,
      actor: { kind: 'system' },
      action: 'admin.signed-out',
      subject: `admin ${adminId}`,
    });
  });
}

/**
 * Deletes the sessions that no cookie opens any more, and the counts of sign-ins of earlier days.
 * @returns how many sessions
 */
export async function purgeSessions(deps: Pick<Deps, 'db' | 'now'>): Promise<number> {
  const now = deps.now();
  return transaction(deps.db, async (tx) => {
    await deleteStaleSignIns(tx, before(now, 24 * hour));
    return deleteStaleSessions(tx, { begun: before(now, sessionLifeMs), seen: before(now, sessionIdleMs) });
  });
}

function before(at: Date, ms: number): Date {
  return new Date(at.getTime() - ms);
}
