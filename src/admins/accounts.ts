import { type Actor, isSamePerson, type Role } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import type { Db } from '../database/query.js';
import { type Tx, transaction } from '../database/transaction.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { parseAddress } from '../mail/address.js';
import {
  type Account,
  countOtherManagers,
  deleteAccount,
  selectAccount,
  selectAccounts,
  updateDisabled,
  updateRole,
} from './account-queries.js';
import { revokeResetsOf } from './link-queries.js';
import { type Admin, holdAdmin, lockAdmins, selectAdminByKey } from './queries.js';
import { deleteSessionsOf } from './session-queries.js';

export type { Account } from './account-queries.js';

/*
 * Who may do what. Each change is made under one lock, so that of two admins who demote each other at once the second
 * finds that nobody would be left. What an account may do less it no longer does at once: its sessions end.
 */

type AccountDeps = Pick<Deps, 'db' | 'now'>;

/** A change of an account. `sure`: whoever makes it knows that it is their own. */
interface Change {
  id: number;
  sure?: boolean;
}

/** Every account, by address. */
export async function listAccounts(db: Db): Promise<Account[]> {
  return selectAccounts(db);
}

/** One account. Refuses `account.missing`. */
export async function readAccount(db: Db, id: number): Promise<Account> {
  const account = await selectAccount(db, id);
  if (account === null) throw missing();
  return account;
}

/** The number of the account of an address, for the command line. Refuses `account.missing`. */
export async function accountByAddress(db: Db, email: string): Promise<number> {
  const address = parseAddress(email);
  const admin = address === null ? null : await selectAdminByKey(db, address.key);
  if (admin === null) throw missing();
  return admin.id;
}

/**
 * Gives an account another role. Refuses `account.missing`, `account.last` for the last who may manage accounts, and
 * `account.unsure` for one's own.
 */
export async function changeRole(deps: AccountDeps, change: Change & { role: Role }, actor: Actor): Promise<void> {
  const { role } = change;
  await changing(deps, change, actor, async (tx, admin) => {
    if (admin.role === role) return null;
    if (role !== 'admin') await refuseLast(tx, admin);
    await updateRole(tx, admin.id, role);
    return { action: 'admin.role-changed', before: admin.role, after: role };
  });
}

/** Lets an account sign in no more. Refuses as `changeRole`. */
export async function disableAccount(deps: AccountDeps, change: Change, actor: Actor): Promise<void> {
  await changing(deps, change, actor, async (tx, admin, at) => {
    if (admin.disabledAt !== null) return null;
    await refuseLast(tx, admin);
    await updateDisabled(tx, admin.id, at);
    await revokeResetsOf(tx, admin.id, at);
    return { action: 'admin.disabled', before: 'enabled', after: 'disabled' };
  });
}

/** Lets an account sign in again. Refuses `account.missing`. */
export async function enableAccount(deps: AccountDeps, { id }: Change, actor: Actor): Promise<void> {
  await changing(deps, { id, sure: true }, actor, async (tx, admin) => {
    if (admin.disabledAt === null) return null;
    await updateDisabled(tx, admin.id, null);
    return { action: 'admin.enabled', before: 'disabled', after: 'enabled' };
  });
}

/** Removes an account; the audit log keeps what it did. Refuses as `changeRole`. */
export async function removeAccount(deps: AccountDeps, change: Change, actor: Actor): Promise<void> {
  await changing(deps, change, actor, async (tx, admin) => {
    await refuseLast(tx, admin);
    await deleteAccount(tx, admin.id);
    return { action: 'admin.removed', before: admin.role, after: 'none' };
  });
}

/** Ends every session of an account, but the one in which its owner asks for it. Refuses `account.missing`. */
export async function endSessionsOf(
  deps: AccountDeps,
  { id, except }: { id: number; except: number | null },
  actor: Actor,
): Promise<void> {
  const at = deps.now();
  await transaction(deps.db, async (tx) => {
    if ((await holdAdmin(tx, id)) === null) throw missing();
    const ended = await deleteSessionsOf(tx, id, except);
    await recordAudit(tx, { at, actor, action: 'admin.sessions-ended', subject: `admin ${id}`, detail: { ended } });
  });
}

/** @param change what becomes of the account, for the audit log; null when it is so already */
async function changing(
  deps: AccountDeps,
  { id, sure = false }: Change,
  actor: Actor,
  change: (tx: Tx, admin: Admin, at: Date) => Promise<{ action: string; before: string; after: string } | null>,
): Promise<void> {
  const at = deps.now();
  await transaction(deps.db, async (tx) => {
    await lockAdmins(tx);
    const admin = await holdAdmin(tx, id);
    if (admin === null) throw missing();
    if (!sure && isSamePerson(actor, { kind: 'admin', id, role: admin.role })) {
      throw new Refusal('account.unsure', 'This is your own account; say that you are sure.', [
        { path: 'sure', message: 'must be given for your own account' },
      ]);
    }
    const done = await change(tx, admin, at);
    if (done === null) return;
    const { action, ...detail } = done;
    await deleteSessionsOf(tx, id);
    await recordAudit(tx, { at, actor, action, subject: `admin ${id}`, detail });
  });
}

async function refuseLast(tx: Tx, { id, role, disabledAt }: Admin): Promise<void> {
  if (role !== 'admin' || disabledAt !== null || (await countOtherManagers(tx, id)) > 0) return;
  throw new Refusal('account.last', 'Nobody else could manage accounts then; make somebody else an admin first.');
}

function missing(): Refusal {
  return new Refusal('account.missing', 'There is no such account.');
}
