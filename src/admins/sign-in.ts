import { createHmac } from 'node:crypto';
import { transaction } from '../database/transaction.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { parseAddress } from '../mail/address.js';
import { checkPassword, hashPassword, longestPassword } from './password.js';
import {
  countSignIn,
  forgetSignIns,
  secondsBlocked,
  selectAdminByKey,
  uncountSignIn,
  updatePasswordHash,
} from './queries.js';
import { admit } from './sessions.js';

/** One account from one place: five tries, then a growing pause. Others, and the owner elsewhere, are not held up. */
const perAccountAndPlace = { free: 5, firstSeconds: 15, mostSeconds: 15 * 60 };
/** One place, whichever accounts it tries. */
const perPlace = { free: 30, firstSeconds: 30, mostSeconds: 15 * 60 };

/**
 * Signs an admin in. A wrong password and an unknown address get the same refusal after the same work,
 * so that nobody learns who has an account. Attempts are counted by account and place, and by place; no
 * account is ever locked.
 * Refuses `credentials.wrong` and `rate.exceeded` (with the seconds to wait).
 * @returns the new session's token, for its cookie
 */
export async function signIn(
  deps: Pick<Deps, 'db' | 'now' | 'config'>,
  request: { email: string; password: string /** An address, or the network of one. */; ip: string },
): Promise<string> {
  const now = deps.now();
  const address = parseAddress(request.email);
  const place = bucket(deps.config, `place ${request.ip}`);
  const pair = bucket(deps.config, `pair ${request.ip} ${address?.key ?? ''}`);
  const counted =
    (await countSignIn(deps.db, pair, now, perAccountAndPlace)) && (await countSignIn(deps.db, place, now, perPlace));
  if (!counted) {
    const seconds = await secondsBlocked(deps.db, [pair, place], now);
    throw new Refusal('rate.exceeded', `Too many attempts; try again in ${seconds} seconds.`, [], Math.max(1, seconds));
  }
  const admin = address === null ? null : await selectAdminByKey(deps.db, address.key);
  const password = request.password.slice(0, 4 * longestPassword);
  const { right, outdated } = await checkPassword(password, admin?.passwordHash ?? null);
  if (admin === null || !right) throw new Refusal('credentials.wrong', 'The address or the password is wrong.');
  const freshHash = outdated ? await hashPassword(password) : null;
  return transaction(deps.db, async (tx) => {
    if (freshHash !== null) await updatePasswordHash(tx, admin.id, freshHash);
    await forgetSignIns(tx, pair);
    await uncountSignIn(tx, place);
    return admit(tx, admin, { at: now, ip: request.ip, how: 'password' });
  });
}

/** Neither the address nor the place is kept in clear. */
function bucket({ secretKeys }: { secretKeys: readonly string[] }, name: string): Buffer {
  return createHmac('sha256', secretKeys[0] ?? '')
    .update(`sign-in ${name}`)
    .digest();
}
