import type { Actor, Role } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import { transaction } from '../database/transaction.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { parseAddress } from '../mail/address.js';
import { createAdmin } from './create.js';
import {
  type AdminLink,
  revokeInvitationRow,
  revokeInvitationsTo,
  selectInvitations,
  selectLink,
  useLink,
} from './link-queries.js';
import { endOfLink, openLink, sendLink, stateOfLink } from './links.js';
import { hashPassword, refuseWeak } from './password.js';
import { lockAdmins, selectAdminByKey } from './queries.js';
import { beginSession, type Visit } from './sessions.js';

const invitationMinutes = 72 * 60;

/** An invitation that waits, without what opens it. */
export interface Invitation {
  id: number;
  email: string;
  role: Role;
  createdAt: Date;
  /** Null: the letter has not gone yet. */
  endsAt: Date | null;
  expired: boolean;
}

/**
 * Invites somebody by mail to make an account with a role. One that waits for the same address opens nothing any more.
 * Refuses `address.invalid`, and `account.exists` for the address of an account.
 * @returns the number of the invitation
 */
export async function invite(
  deps: Pick<Deps, 'db' | 'config' | 'now'>,
  request: { email: string; role: Role; locale: string },
  actor: Actor,
): Promise<number> {
  const address = parseAddress(request.email);
  if (address === null) {
    throw new Refusal('address.invalid', 'This is no e-mail address.', [
      { path: 'email', message: 'must be an e-mail address such as "name@example.org"' },
    ]);
  }
  const at = deps.now();
  const { role, locale } = request;
  return transaction(deps.db, async (tx) => {
    await lockAdmins(tx);
    if ((await selectAdminByKey(tx, address.key)) !== null) {
      throw new Refusal('account.exists', 'This address has an account already.', [
        { path: 'email', message: 'has an account already' },
      ]);
    }
    await revokeInvitationsTo(tx, address.key, at);
    const id = await sendLink(tx, deps, {
      purpose: 'invitation',
      to: { email: address.address, emailKey: address.key, role },
      email: address.address,
      emailKey: address.key,
      lifeMinutes: invitationMinutes,
      locale,
      madeBy: actor,
    });
    await recordAudit(tx, { at, actor, action: 'admin.invited', subject: `invitation ${id}`, detail: { role } });
    return id;
  });
}

/** The same invitation once more, by a new letter with a new link. Refuses `invitation.missing`, `account.exists`. */
export async function inviteAgain(
  deps: Pick<Deps, 'db' | 'config' | 'now'>,
  id: number,
  actor: Actor,
): Promise<number> {
  const link = await selectLink(deps.db, id);
  const { email = null, role = null, locale = '' } = link ?? {};
  if (link === null || email === null || role === null || stateOfLink(link, deps.now()) === 'over') throw missing(id);
  return invite(deps, { email, role, locale }, actor);
}

/** Takes an invitation back. Refuses `invitation.missing`. */
export async function revokeInvitation(deps: Pick<Deps, 'db' | 'now'>, id: number, actor: Actor): Promise<void> {
  const at = deps.now();
  await transaction(deps.db, async (tx) => {
    if (!(await revokeInvitationRow(tx, id, at))) throw missing(id);
    await recordAudit(tx, { at, actor, action: 'admin.invitation-revoked', subject: `invitation ${id}` });
  });
}

/** Invitations that wait, those that have expired included. */
export async function listInvitations(deps: Pick<Deps, 'db' | 'now'>): Promise<Invitation[]> {
  const at = deps.now();
  return (await selectInvitations(deps.db)).map((link) => invitationOf(link, at));
}

/** What an invitation says. Refuses as `openLink`. */
export async function readInvitation(deps: Pick<Deps, 'db' | 'now'>, token: string): Promise<Invitation> {
  return invitationOf(await openLink(deps.db, 'invitation', token, deps.now()), deps.now());
}

/**
 * Makes the account of an invitation with a password, and signs them in: the link has shown that the mailbox is theirs.
 * Refuses as `openLink`, `password.weak`, and `account.exists` when there is one by now.
 * @returns the session's token, for its cookie
 */
export async function acceptInvitation(
  deps: Pick<Deps, 'db' | 'now'>,
  request: Omit<Visit, 'ip'> & { token: string; password: string },
): Promise<string> {
  const at = deps.now();
  const { email } = await readInvitation(deps, request.token);
  refuseWeak(request.password, email);
  const passwordHash = await hashPassword(request.password);
  return transaction(deps.db, async (tx) => {
    await lockAdmins(tx);
    const { id, emailKey, role } = await openLink(tx, 'invitation', request.token, at);
    if (emailKey === null || role === null || !(await useLink(tx, id, at))) throw missing(id);
    if ((await selectAdminByKey(tx, emailKey)) !== null) {
      throw new Refusal('account.exists', 'This address has an account already.');
    }
    const account = { address: email, key: emailKey, passwordHash, role, at };
    const admin = await createAdmin(tx, { ...account, how: 'invitation' });
    return beginSession(tx, admin, { ...request, at, how: 'link' });
  });
}

function invitationOf(link: AdminLink, at: Date): Invitation {
  const { id, email, role, createdAt } = link;
  if (email === null || role === null) throw new Error('this link is no invitation');
  return { id, email, role, createdAt, endsAt: endOfLink(link), expired: stateOfLink(link, at) === 'expired' };
}

function missing(id: number): Refusal {
  return new Refusal('invitation.missing', `There is no invitation ${id} that waits.`);
}
