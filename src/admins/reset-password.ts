import { type Actor, actorFrom, visitorActor } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import { type Tx, transaction } from '../database/transaction.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { parseAddress } from '../mail/address.js';
import { countResetsOf, revokeResetsOf, useLink } from './link-queries.js';
import { openLink, sendLink } from './links.js';
import { hashPassword, refuseWeak } from './password.js';
import { type Admin, holdAdmin, selectAdmin, selectAdminByKey, updatePasswordHash } from './queries.js';
import { deleteSessionsOf } from './session-queries.js';
import { tellOwner } from './tell.js';

/** ASVS 6.5.5: what one asks for oneself is asked for at the desk. */
const ownMinutes = 10;
/** What a colleague sends waits until its reader is back. */
const sentMinutes = 24 * 60;
/** Letters an hour that strangers can cause. */
const mostAnHour = 3;
const hour = 60 * 60_000;

/**
 * Sends a link to a new password, as whoever has forgotten theirs asks for it. Nothing tells whether the address has an
 * account. Accounts without a password get none: theirs is the business of the identity provider.
 */
export async function requestReset(
  deps: Pick<Deps, 'db' | 'config' | 'now'>,
  request: { email: string; locale: string; ip: string },
): Promise<void> {
  const address = parseAddress(request.email);
  const known = address === null ? null : await selectAdminByKey(deps.db, address.key);
  if (known === null) return;
  const at = deps.now();
  await transaction(deps.db, async (tx) => {
    const admin = await holdAdmin(tx, known.id);
    if (admin === null || admin.disabledAt !== null || !admin.hasPassword) return;
    if ((await countResetsOf(tx, admin.id, new Date(at.getTime() - hour))) >= mostAnHour) return;
    const actor = actorFrom(visitorActor, `console ${request.ip}`);
    await sendResetLink(tx, deps, admin, { locale: request.locale, lifeMinutes: ownMinutes, madeBy: actor });
    await recordAudit(tx, { at, actor, action: 'admin.reset-requested', subject: `admin ${admin.id}` });
  });
}

/** Sends somebody a link to a new password. Refuses `account.missing` and `account.disabled`. */
export async function sendReset(
  deps: Pick<Deps, 'db' | 'config' | 'now'>,
  request: { adminId: number; locale: string },
  actor: Actor,
): Promise<void> {
  const at = deps.now();
  await transaction(deps.db, async (tx) => {
    const admin = await holdAdmin(tx, request.adminId);
    if (admin === null) throw new Refusal('account.missing', 'There is no such account.');
    if (admin.disabledAt !== null) throw new Refusal('account.disabled', 'This account is disabled.');
    await sendResetLink(tx, deps, admin, { locale: request.locale, lifeMinutes: sentMinutes, madeBy: actor });
    await recordAudit(tx, { at, actor, action: 'admin.reset-sent', subject: `admin ${admin.id}` });
  });
}

async function sendResetLink(
  tx: Tx,
  deps: Pick<Deps, 'config' | 'now'>,
  { id, email, emailKey }: Admin,
  link: { locale: string; lifeMinutes: number; madeBy: Actor },
): Promise<void> {
  await sendLink(tx, deps, { purpose: 'reset', to: { adminId: id }, email, emailKey, ...link });
}

/** Whether a link to a new password opens something, and for which address. Refuses as `openLink`. */
export async function readReset(deps: Pick<Deps, 'db' | 'now'>, token: string): Promise<{ email: string }> {
  const { adminId } = await openLink(deps.db, 'reset', token, deps.now());
  const admin = adminId === null ? null : await selectAdmin(deps.db, adminId);
  if (admin === null || admin.disabledAt !== null) throw new Refusal('token.used', 'This link opens nothing any more.');
  return { email: admin.email };
}

/**
 * Sets the password that somebody has chosen by a link. Every session and every other such link ends; a second factor
 * stays, so nobody is signed in by it. Refuses as `openLink`, and `password.weak`.
 */
export async function resetPassword(
  deps: Pick<Deps, 'db' | 'config' | 'now'>,
  request: { token: string; password: string; ip: string },
): Promise<void> {
  const { email } = await readReset(deps, request.token);
  refuseWeak(request.password, email);
  const passwordHash = await hashPassword(request.password);
  const at = deps.now();
  await transaction(deps.db, async (tx) => {
    const { id, adminId } = await openLink(tx, 'reset', request.token, at);
    const admin = adminId === null ? null : await holdAdmin(tx, adminId);
    if (admin === null || admin.disabledAt !== null || !(await useLink(tx, id, at))) {
      throw new Refusal('token.used', 'This link opens nothing any more.');
    }
    await updatePasswordHash(tx, admin.id, passwordHash);
    await revokeResetsOf(tx, admin.id, at);
    await tellOwner(tx, deps, admin, 'password-reset');
    const ended = await deleteSessionsOf(tx, admin.id);
    await recordAudit(tx, {
      at,
      actor: actorFrom(visitorActor, `console ${request.ip}`),
      action: 'admin.password-reset',
      subject: `admin ${admin.id}`,
      detail: { sessionsEnded: ended },
    });
  });
}
