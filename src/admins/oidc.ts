import { type Actor, type Role, systemActor } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import { type Tx, transaction } from '../database/transaction.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { parseAddress } from '../mail/address.js';
import { createAdmin } from './create.js';
import { insertIdentity, selectAdminByIdentity } from './identity-queries.js';
import { hashPassword } from './password.js';
import { type Admin, existsAdmin, holdAdmin, lockAdmins, selectAdminByKey } from './queries.js';
import { randomToken } from './secret-tokens.js';
import { admit, type Visit } from './sessions.js';

/** Somebody as the identity provider has proven them. */
export interface ProvenIdentity {
  issuer: string;
  /** The provider's own name for the person, which never changes (`sub`). */
  subject: string;
  email: string | null;
  /** Whether the provider has seen that the mailbox is theirs; whoever may type any address is nobody yet. */
  emailVerified: boolean;
}

/**
 * Signs in whoever the identity provider has proven. The account is the one that this identity belongs to;
 * else that of the verified address, to which the identity belongs from then on; else a new one with
 * `newRole`. An account that has another identity at the provider is not handed over: addresses get reused.
 * The first account of all is made this way only with the role admin, as the set-up link ends with it.
 * No second factor is asked for: that is the provider's business then.
 * Refuses `identity.unverified`, `identity.taken`, `identity.unknown` and `account.disabled`.
 * @returns the new session's token, for its cookie
 */
export async function signInByIdentity(
  deps: Pick<Deps, 'db' | 'now'>,
  identity: ProvenIdentity,
  from: Visit & { newRole: Role | null },
): Promise<string> {
  const at = deps.now();
  const issuer = normalIssuer(identity.issuer);
  const { subject } = identity;
  const known = await selectAdminByIdentity(deps.db, issuer, subject);
  // Nobody knows this password. Made beforehand, as it takes long and others would wait for the lock.
  const passwordHash = known === null && from.newRole !== null ? await hashPassword(randomToken()) : null;
  return transaction(deps.db, async (tx) => {
    const { id } =
      (await selectAdminByIdentity(tx, issuer, subject)) ??
      (await adopt(tx, { ...identity, issuer }, { at, role: from.newRole, passwordHash }));
    const admin = await holdAdmin(tx, id);
    if (admin === null) throw new Refusal('identity.unknown', 'There is no account for this address.');
    if (admin.disabledAt !== null) throw new Refusal('account.disabled', 'This account is disabled.');
    return admit(tx, admin, { ...from, at, how: 'oidc' });
  });
}

/**
 * Says which identity an account has at a provider, where that vouches for no address.
 * Refuses `identity.unknown` without an account of the address, and `identity.taken` when the account has
 * another identity there, or the identity another account.
 */
export async function linkIdentity(
  deps: Pick<Deps, 'db' | 'now'>,
  link: { email: string; issuer: string; subject: string },
  actor: Actor,
): Promise<void> {
  const at = deps.now();
  const issuer = normalIssuer(link.issuer);
  const address = parseAddress(link.email);
  await transaction(deps.db, async (tx) => {
    await lockAdmins(tx);
    const admin = address === null ? null : await selectAdminByKey(tx, address.key);
    if (admin === null) throw new Refusal('identity.unknown', 'There is no account for this address.');
    const owner = await selectAdminByIdentity(tx, issuer, link.subject);
    if (owner?.id === admin.id) return;
    if (owner !== null || !(await insertIdentity(tx, { issuer, subject: link.subject, adminId: admin.id, at }))) {
      throw new Refusal(
        'identity.taken',
        'This account has another identity already, or this identity another account.',
      );
    }
    await recordLink(tx, { at, actor, admin, issuer });
  });
}

/** The same issuer may be written with and without a slash at the end. */
function normalIssuer(issuer: string): string {
  return new URL(issuer).href;
}

async function recordLink(
  tx: Tx,
  { at, actor, admin, issuer }: { at: Date; actor: Actor; admin: Admin; issuer: string },
): Promise<void> {
  await recordAudit(tx, {
    at,
    actor,
    action: 'admin.identity-linked',
    subject: `admin ${admin.id}`,
    detail: { issuer },
  });
}

async function adopt(
  tx: Tx,
  { issuer, subject, email, emailVerified }: ProvenIdentity,
  fresh: { at: Date; role: Role | null; passwordHash: string | null },
): Promise<Admin> {
  await lockAdmins(tx);
  // Two answers for the same person at once: the second finds what the first has made.
  const made = await selectAdminByIdentity(tx, issuer, subject);
  if (made !== null) return made;
  const address = email === null ? null : parseAddress(email);
  if (address === null || !emailVerified) {
    throw new Refusal('identity.unverified', 'The identity provider does not vouch for an e-mail address.');
  }
  const { at, role, passwordHash } = fresh;
  const existing = await selectAdminByKey(tx, address.key);
  let admin = existing;
  if (admin === null) {
    if (role === null || passwordHash === null || (role !== 'admin' && !(await existsAdmin(tx)))) {
      throw new Refusal('identity.unknown', 'There is no account for this address.');
    }
    admin = await createAdmin(tx, { ...address, passwordHash, role, at, how: 'oidc' });
  }
  if (!(await insertIdentity(tx, { issuer, subject, adminId: admin.id, at }))) {
    throw new Refusal('identity.taken', 'The account of this address belongs to another identity of the provider.');
  }
  if (existing !== null) await recordLink(tx, { at, actor: systemActor, admin, issuer });
  return admin;
}
