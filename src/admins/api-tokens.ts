import type { Actor, Role } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import type { Db } from '../database/query.js';
import { transaction } from '../database/transaction.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import {
  type ApiToken,
  insertApiToken,
  markRevoked,
  selectApiTokenByHash,
  selectApiTokens,
  touchApiToken,
} from './queries.js';
import { hashOf, randomToken, sameSecret } from './secret-tokens.js';

export type { ApiToken } from './queries.js';

/** How exact the last use is kept: reading by API need not be a write each time. */
const touchMs = 60 * 1000;
/** So that a token is recognised where it does not belong, in a log or a repository. */
const prefix = 'sn_';

/**
 * Makes an API token. Its secret is in the answer and never again.
 * Refuses `input.invalid` (no name, or an end that is over).
 */
export async function createApiToken(
  deps: Pick<Deps, 'db' | 'now'>,
  request: { name: string; role: Role; expiresAt?: Date | null },
  actor: Actor,
): Promise<ApiToken & { secret: string }> {
  const at = deps.now();
  const { role, expiresAt = null } = request;
  const name = request.name.trim();
  if (name === '' || name.length > 200) {
    throw new Refusal('input.invalid', 'An API token needs a name that says what it is for.', [
      { path: 'name', message: 'must have 1 to 200 characters' },
    ]);
  }
  if (expiresAt !== null && expiresAt <= at) {
    throw new Refusal('input.invalid', 'The token would have expired already.', [
      { path: 'expiresAt', message: 'must be in the future' },
    ]);
  }
  const secret = prefix + randomToken();
  return transaction(deps.db, async (tx) => {
    const token = await insertApiToken(tx, { name, role, tokenHash: hashOf(secret), at, expiresAt });
    await recordAudit(tx, {
      at,
      actor,
      action: 'api-token.created',
      subject: `API token ${token.id}`,
      detail: { name, role, expiresAt: expiresAt?.toISOString() ?? null },
    });
    return { ...token, secret };
  });
}

/** Every API token, revoked and expired ones included, oldest first. */
export async function listApiTokens(db: Db): Promise<ApiToken[]> {
  return selectApiTokens(db);
}

/** Ends an API token at once, on every instance. Refuses `api-token.missing`. */
export async function revokeApiToken(deps: Pick<Deps, 'db' | 'now'>, id: number, actor: Actor): Promise<void> {
  const at = deps.now();
  await transaction(deps.db, async (tx) => {
    const valid = Number.isInteger(id) && id > 0 && id <= Number.MAX_SAFE_INTEGER;
    if (!valid || !(await markRevoked(tx, id, at))) {
      throw new Refusal('api-token.missing', `There is no API token ${id} that could be revoked.`);
    }
    await recordAudit(tx, { at, actor, action: 'api-token.revoked', subject: `API token ${id}` });
  });
}

/**
 * Who sends an `Authorization` header: ADMIN_TOKEN has every right, an API token those of its role.
 * Null when it opens nothing: unknown, revoked, expired, or another scheme.
 */
export async function actorOfBearer(deps: Pick<Deps, 'db' | 'now' | 'config'>, header: string): Promise<Actor | null> {
  const token = /^Bearer +(\S+) *$/i.exec(header)?.[1];
  if (token === undefined) return null;
  const { adminToken } = deps.config;
  if (adminToken !== null && sameSecret(token, adminToken)) return { kind: 'token', id: 'environment', role: 'admin' };
  if (!token.startsWith(prefix)) return null;
  const now = deps.now();
  const found = await selectApiTokenByHash(deps.db, hashOf(token));
  if (found === null || found.revokedAt !== null || (found.expiresAt !== null && found.expiresAt <= now)) return null;
  if (found.lastUsedAt === null || now.getTime() - found.lastUsedAt.getTime() > touchMs) {
    await touchApiToken(deps.db, found.id, now);
  }
  return { kind: 'token', id: found.id, role: found.role };
}
