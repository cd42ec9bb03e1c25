import type { Db } from '../database/query.js';
import { transaction } from '../database/transaction.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { parseAddress } from '../mail/address.js';
import { createAdmin } from './create.js';
import { hashPassword, refuseWeak } from './password.js';
import { existsAdmin, insertSetupLink, lockAdmins, selectAdminByKey, selectSetupLink } from './queries.js';
import { hashOf, randomToken } from './secret-tokens.js';
import { beginSession, type Visit } from './sessions.js';

/**
 * A one-time link by which the first admin is made, for the operator who starts the service: whoever
 * sees its output may. Null as soon as there is an admin. Each start makes one; all die with the first use.
 */
export async function ensureSetupLink(deps: Pick<Deps, 'db' | 'now' | 'config'>): Promise<string | null> {
  if (await existsAdmin(deps.db)) return null;
  const token = randomToken();
  await transaction(deps.db, async (tx) => insertSetupLink(tx, hashOf(token), deps.now()));
  return `${deps.config.publicUrl}/admin/setup/${token}`;
}

/** Whether a set-up link still opens anything. Refuses `token.unknown` and `setup.used`. */
export async function checkSetupLink(db: Db, token: string): Promise<void> {
  const link = await selectSetupLink(db, hashOf(token));
  if (link === null) throw new Refusal('token.unknown', 'This set-up link is not known.');
  if (link.usedAt !== null || (await existsAdmin(db))) throw setupUsed();
}

/**
 * Makes the first admin and signs them in. Of several at once, with whichever links, one succeeds.
 * Refuses `token.unknown`, `setup.used`, `address.invalid`, `password.weak`.
 * @returns the session's token, for its cookie
 */
export async function createFirstAdmin(
  deps: Pick<Deps, 'db' | 'now'>,
  request: Omit<Visit, 'ip'> & { token: string; email: string; password: string },
): Promise<string> {
  await checkSetupLink(deps.db, request.token);
  const address = addressOf(request.email);
  refuseWeak(request.password, address.address);
  const passwordHash = await hashPassword(request.password);
  const at = deps.now();
  return transaction(deps.db, async (tx) => {
    await lockAdmins(tx);
    await checkSetupLink(tx, request.token);
    const admin = await createAdmin(tx, { ...address, passwordHash, at, role: 'admin', how: 'setup-link' });
    return beginSession(tx, admin, { ...request, at, how: 'link' });
  });
}

/**
 * Makes the admin of ADMIN_EMAIL and ADMIN_PASSWORD if nobody has that address. An account that exists
 * keeps its own password: a setting left behind must not undo a change made since.
 * Refuses `address.invalid` and `password.weak`.
 * @returns whether one was made
 */
export async function ensureConfiguredAdmin(deps: Pick<Deps, 'db' | 'now' | 'config'>): Promise<boolean> {
  const { adminEmail, adminPassword } = deps.config;
  if (adminEmail === null || adminPassword === null) return false;
  const address = addressOf(adminEmail);
  if ((await selectAdminByKey(deps.db, address.key)) !== null) return false;
  refuseWeak(adminPassword, address.address);
  const passwordHash = await hashPassword(adminPassword);
  const at = deps.now();
  return transaction(deps.db, async (tx) => {
    await lockAdmins(tx);
    if ((await selectAdminByKey(tx, address.key)) !== null) return false;
    await createAdmin(tx, { ...address, passwordHash, at, role: 'admin', how: 'environment' });
    return true;
  });
}

function addressOf(email: string) {
  const address = parseAddress(email);
  if (address !== null) return address;
  throw new Refusal('address.invalid', 'This is no e-mail address.', [
    { path: 'email', message: 'must be an e-mail address such as "name@example.org"' },
  ]);
}

function setupUsed(): Refusal {
  return new Refusal('setup.used', 'There is an admin already, so this set-up link opens nothing any more.');
}
