import { createHmac } from 'node:crypto';
import { actorFrom, visitorActor } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import { transaction } from '../database/transaction.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { parseAddress } from '../mail/address.js';
import { countAttempt, countWrongCode, excuseAttempt, forgetAttempts } from './attempts.js';
import { selectFactor } from './factor-queries.js';
import { checkPassword, hashPassword, longestPassword } from './password.js';
import { holdAdmin, selectAdmin, selectAdminByKey, updatePasswordHash } from './queries.js';
import { recoveryCodesLeft } from './recovery-codes.js';
import { takeCode } from './second-factor.js';
import { admit, type Visit } from './sessions.js';
import { tellOwner } from './tell.js';

type SignInDeps = Pick<Deps, 'db' | 'now' | 'config'>;

/** Somebody with the right password, who still owes a code; kept by their browser. */
export interface HalfSignIn {
  adminId: number;
  /** Of the password that was right: another one meanwhile, and it is begun anew. */
  mark: string;
}

/** Either the token of a new session, for its cookie, or what the second step needs. */
export type SignedIn = { session: string } | { half: HalfSignIn };

/**
 * Signs an admin in by address and password; who has a second factor owes a code then (`finishSignIn`). A wrong
 * password, an unknown address and a disabled account get the same refusal after the same work, so that nobody
 * learns who has an account. Attempts are counted (attempts.ts).
 * Refuses `credentials.wrong` and `rate.exceeded` (with the seconds to wait).
 */
export async function signIn(
  deps: SignInDeps,
  request: Visit & { email: string; password: string },
): Promise<SignedIn> {
  const now = deps.now();
  const address = parseAddress(request.email);
  const attempt = await countAttempt(deps, { ip: request.ip, key: address?.key ?? null });
  const admin = address === null ? null : await selectAdminByKey(deps.db, address.key);
  const password = request.password.slice(0, 4 * longestPassword);
  const { right, outdated } = await checkPassword(password, admin?.passwordHash ?? null);
  if (admin === null || !right || !admin.hasPassword) throw wrong();
  const freshHash = outdated ? await hashPassword(password) : null;
  return transaction(deps.db, async (tx) => {
    const held = await holdAdmin(tx, admin.id);
    if (held === null || held.disabledAt !== null || held.passwordHash !== admin.passwordHash) throw wrong();
    if (freshHash !== null) await updatePasswordHash(tx, admin.id, freshHash);
    if ((await selectFactor(tx, admin.id)) !== null) {
      await excuseAttempt(tx, attempt, now);
      return { half: { adminId: admin.id, mark: markOf(deps, freshHash ?? admin.passwordHash) } };
    }
    await forgetAttempts(tx, attempt, now);
    return { session: await admit(tx, held, { ...request, at: now, how: 'password' }) };
  });
}

/**
 * The second step: a code of the app, or a recovery code. A wrong one counts as an attempt and is in the audit log,
 * since whoever sends it knows the password; of several the owner is told by mail.
 * Refuses `code.wrong`, `rate.exceeded`, and `session.missing` when the first step has to be done anew.
 * @returns the session's token, and how many recovery codes are left if one was used
 */
export async function finishSignIn(
  deps: SignInDeps,
  half: HalfSignIn,
  request: Visit & { code: string },
): Promise<{ session: string; codesLeft: number | null }> {
  const now = deps.now();
  const known = await selectAdmin(deps.db, half.adminId);
  const attempt = await countAttempt(deps, { ip: request.ip, key: known?.emailKey ?? null });
  const entered = await transaction(deps.db, async (tx) => {
    const admin = await holdAdmin(tx, half.adminId);
    if (admin === null || admin.disabledAt !== null || markOf(deps, admin.passwordHash) !== half.mark) throw over();
    const how = await takeCode(tx, deps, admin.id, request.code);
    if (how === null) {
      const actor = actorFrom(visitorActor, `console ${request.ip}`);
      await recordAudit(tx, { at: now, actor, action: 'admin.code-refused', subject: `admin ${admin.id}` });
      if (await countWrongCode(tx, deps, admin.id, now)) await tellOwner(tx, deps, admin, 'codes-refused');
      return null;
    }
    await forgetAttempts(tx, attempt, now);
    if (how === 'recovery-code') await tellOwner(tx, deps, admin, 'recovery-code-used');
    const codesLeft = how === 'recovery-code' ? await recoveryCodesLeft(tx, admin.id) : null;
    const detail = codesLeft === null ? {} : { codesLeft };
    return { session: await admit(tx, admin, { ...request, at: now, how, detail }), codesLeft };
  });
  if (entered === null) throw new Refusal('code.wrong', 'This code is not the right one at this time.');
  return entered;
}

/** Tells one password from another and neither of them to anybody. */
function markOf({ config }: Pick<Deps, 'config'>, passwordHash: string): string {
  return createHmac('sha256', config.secretKeys.at(-1) ?? '')
    .update(`half sign-in ${passwordHash}`)
    .digest('base64url');
}

function wrong(): Refusal {
  return new Refusal('credentials.wrong', 'The address or the password is wrong.');
}

function over(): Refusal {
  return new Refusal('session.missing', 'Begin to sign in anew.');
}
