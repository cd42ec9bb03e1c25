import { type Actor, type Role, systemActor } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import type { Tx } from '../database/transaction.js';
import { type Admin, insertAdmin, spendSetupLinks } from './queries.js';

export type AdminOrigin = 'setup-link' | 'environment' | 'oidc' | 'invitation';

/**
 * Makes an admin, in a transaction that holds `lockAdmins` and knows that the address is free. From then on
 * no set-up link opens anything.
 * @param admin `how`: what they came by, for the audit log; `actor`: who lets them in
 */
export async function createAdmin(
  tx: Tx,
  admin: { address: string; key: string; passwordHash: string; role: Role; at: Date; how: AdminOrigin; actor?: Actor },
): Promise<Admin> {
  const { address: email, key: emailKey, passwordHash, role, at, how, actor = systemActor } = admin;
  const hasPassword = how !== 'oidc';
  const made = await insertAdmin(tx, { email, emailKey, passwordHash, hasPassword, role, at });
  await spendSetupLinks(tx, at);
  await recordAudit(tx, {
    at,
    actor,
    action: 'admin.created',
    subject: `admin ${made.id}`,
    detail: { role, how },
  });
  return made;
}
