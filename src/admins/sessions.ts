import { type Actor, actorFrom, type Role } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import type { Config } from '../config.js';
import { type Tx, transaction } from '../database/transaction.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { deviceOf } from './device.js';
import { deleteStaleLinks } from './link-queries.js';
import { type Admin, deleteStaleSignIns, updateLastSignIn } from './queries.js';
import { hashOf, randomToken } from './secret-tokens.js';
import {
  deleteSession,
  deleteSessionOf,
  deleteSessionsOf,
  deleteStaleSessions,
  insertSession,
  type OwnSession,
  type Proof,
  selectSession,
  selectSessionsOf,
  touchSession,
} from './session-queries.js';

/*
 * Sessions of the console: a random token in a cookie, its hash here, so that signing out ends it on
 * every instance and a copy of the database opens nothing. SESSION_IDLE_MINUTES ends one that nobody used,
 * SESSION_HOURS every one, however busy (ASVS 7.3).
 */

const minute = 60 * 1000;
const hour = 60 * minute;
const day = 24 * hour;
/** How exact the last use is kept: a page view need not be a write. */
const touchMs = minute;
/** Links that opened nothing for so long are forgotten, with the addresses in them. */
const linkMemoryMs = 30 * day;

type Limits = Pick<Config, 'sessionIdleMinutes' | 'sessionHours'>;

export interface Session {
  id: number;
  /** Names the session without opening it: what the tokens of its forms are bound to. */
  name: string;
  actor: Extract<Actor, { kind: 'admin' }>;
  email: string;
  role: Role;
  begunAt: Date;
  /** Null: begun before this was kept. */
  how: Proof | null;
  /** Whether the account has one, as things are now. */
  hasSecondFactor: boolean;
}

/** From where somebody signs in. */
export interface Visit {
  /** An address, or the network of one. */
  ip: string;
  /** The same, shortened for the list of sessions. */
  area?: string | undefined;
  /** What the browser says of itself. */
  agent?: string | undefined;
  /** In which they see the pages. */
  locale?: string | undefined;
}

/** Begins a session with a new token, in a transaction that holds the account. */
export async function beginSession(
  tx: Tx,
  admin: Pick<Admin, 'id'>,
  { at, how, area, agent, locale }: { at: Date; how: Proof } & Omit<Visit, 'ip'>,
): Promise<string> {
  const token = randomToken();
  const session = { tokenHash: hashOf(token), adminId: admin.id, at, how, area: area ?? null, ...deviceOf(agent) };
  await insertSession(tx, session);
  await updateLastSignIn(tx, admin.id, at, locale ?? null);
  return token;
}

/**
 * Lets an admin in who has proven who they are, in the transaction of the sign-in, which holds the account: a
 * session, and an entry of the audit log.
 * @param from `how`: what they have proven it by; `detail`: what else the entry says
 * @returns the session's token, for its cookie
 */
export async function admit(
  tx: Tx,
  admin: Pick<Admin, 'id' | 'role'>,
  from: Visit & { at: Date; how: Proof; detail?: Record<string, unknown> },
): Promise<string> {
  const { at, ip, how, detail = {} } = from;
  await recordAudit(tx, {
    at,
    actor: actorFrom({ kind: 'admin', id: admin.id, role: admin.role }, `console ${ip}`),
    action: 'admin.signed-in',
    subject: `admin ${admin.id}`,
    detail: { how, ...detail },
  });
  return beginSession(tx, admin, from);
}

/** Whose session a cookie's token is, with the role they have now; null when it ended or never was. */
export async function sessionOf(
  deps: Pick<Deps, 'db' | 'now' | 'config'>,
  token: string | undefined,
): Promise<Session | null> {
  if (token === undefined || token.length !== 43) return null;
  const now = deps.now();
  const tokenHash = hashOf(token);
  const found = await selectSession(deps.db, tokenHash, limitsAt(deps.config, now));
  if (found === null) return null;
  if (found.lastSeenAt < before(now, touchMs)) await touchSession(deps.db, tokenHash, now);
  return {
    id: found.id,
    name: tokenHash.toString('base64url'),
    actor: { kind: 'admin', id: found.adminId, role: found.role },
    email: found.email,
    role: found.role,
    begunAt: found.createdAt,
    how: found.how,
    hasSecondFactor: found.hasSecondFactor,
  };
}

/** Whether they have to set up a second factor before anything else. Whoever comes by a provider has one there. */
export function mustEnrol({ secondFactor }: Pick<Config, 'secondFactor'>, session: Session): boolean {
  return secondFactor === 'required' && !session.hasSecondFactor && session.how !== 'oidc';
}

/** The sessions of an account, the last seen first. */
export async function listSessions(deps: Pick<Deps, 'db' | 'now' | 'config'>, adminId: number): Promise<OwnSession[]> {
  return selectSessionsOf(deps.db, adminId, limitsAt(deps.config, deps.now()));
}

/** Ends one session of one's own. Refuses `session.unknown`. */
export async function endSession(
  deps: Pick<Deps, 'db' | 'now'>,
  id: number,
  actor: Extract<Actor, { kind: 'admin' }>,
): Promise<void> {
  const at = deps.now();
  await transaction(deps.db, async (tx) => {
    if (!(await deleteSessionOf(tx, actor.id, id))) throw new Refusal('session.unknown', 'This session has ended.');
    await recordAudit(tx, {
      at,
      actor,
      action: 'admin.sessions-ended',
      subject: subjectOf(actor),
      detail: { ended: 1 },
    });
  });
}

/**
 * Ends every session of one's own but one.
 * @returns how many
 */
export async function endOtherSessions(
  deps: Pick<Deps, 'db' | 'now'>,
  session: Pick<Session, 'id' | 'actor'>,
): Promise<number> {
  const at = deps.now();
  const { actor } = session;
  return transaction(deps.db, async (tx) => {
    const ended = await deleteSessionsOf(tx, actor.id, session.id);
    if (ended > 0) {
      await recordAudit(tx, {
        at,
        actor,
        action: 'admin.sessions-ended',
        subject: subjectOf(actor),
        detail: { ended },
      });
    }
    return ended;
  });
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
 * Deletes the sessions that no cookie opens any more, the counts of sign-ins of earlier days, and links that
 * have long ended.
 * @returns how many sessions
 */
export async function purgeSessions(deps: Pick<Deps, 'db' | 'now' | 'config'>): Promise<number> {
  const now = deps.now();
  return transaction(deps.db, async (tx) => {
    await deleteStaleSignIns(tx, before(now, day));
    await deleteStaleLinks(tx, before(now, linkMemoryMs));
    return deleteStaleSessions(tx, limitsAt(deps.config, now));
  });
}

function limitsAt({ sessionIdleMinutes, sessionHours }: Limits, now: Date): { begun: Date; seen: Date } {
  return { begun: before(now, sessionHours * hour), seen: before(now, sessionIdleMinutes * minute) };
}

function subjectOf({ id }: { id: number }): string {
  return `admin ${id}`;
}

function before(at: Date, ms: number): Date {
  return new Date(at.getTime() - ms);
}
