import type { Actor, Role } from '../actor.js';
import type { Db } from '../database/query.js';
import { parseAddress } from '../mail/address.js';
import { selectAddress } from './address-queries.js';
import { selectAddressesOf } from './queries.js';

/** Who answers for what is published: letters about what the service cannot see to go to them. */
const responsible: readonly Role[] = ['publisher', 'admin'];

/** The addresses of every publisher and administrator. */
export async function responsibleAdmins(db: Db): Promise<{ email: string; emailKey: string }[]> {
  return selectAddressesOf(db, responsible);
}

/**
 * The address of an admin: the one that `to` names, else of the admin who asks.
 * @returns null when it is no admin's, or a token asks and names none
 */
export async function adminAddress(
  db: Db,
  { actor, to }: { actor: Actor; to?: string | undefined },
): Promise<{ id: number; email: string; emailKey: string } | null> {
  if (to !== undefined) {
    const parsed = parseAddress(to);
    return parsed === null ? null : selectAddress(db, { emailKey: parsed.key });
  }
  return actor.kind === 'admin' ? selectAddress(db, { id: actor.id }) : null;
}
