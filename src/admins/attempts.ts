import { createHmac } from 'node:crypto';
import type { Db } from '../database/query.js';
import type { Tx } from '../database/transaction.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { countSignIn, forgetSignIns, secondsBlocked, uncountSignIn } from './queries.js';

/*
 * How often somebody may guess a password or a code. Attempts are counted by account and place, and by place;
 * no account is ever locked, so nobody locks another out.
 */

/** One account from one place: five tries, then a growing pause. Others, and the owner elsewhere, are not held up. */
const perAccountAndPlace = { free: 5, firstSeconds: 15, mostSeconds: 15 * 60 };

/** One place, whichever accounts it tries. */
const perPlace = { free: 30, firstSeconds: 30, mostSeconds: 15 * 60 };

const daySeconds = 24 * 60 * 60;

export interface Attempt {
  pair: Buffer;
  place: Buffer;
}

/**
 * Counts an attempt before it is looked at. Refuses `rate.exceeded` with the seconds to wait.
 * @param who `key`: of the address that they try to be, null when it is none
 */
export async function countAttempt(
  deps: Pick<Deps, 'db' | 'now' | 'config'>,
  who: { ip: string; key: string | null },
): Promise<Attempt> {
  const now = deps.now();
  const place = bucket(deps.config, `place ${who.ip}`);
  const pair = bucket(deps.config, `pair ${who.ip} ${who.key ?? ''}`);
  const counted =
    (await countSignIn(deps.db, pair, now, perAccountAndPlace)) && (await countSignIn(deps.db, place, now, perPlace));
  if (counted) return { pair, place };
  const seconds = Math.max(1, await secondsBlocked(deps.db, [pair, place], now));
  throw new Refusal('rate.exceeded', `Too many attempts; try again in ${seconds} seconds.`, [], seconds);
}

/** It was right, and so is all that came before it. */
export async function forgetAttempts(tx: Tx, { pair, place }: Attempt, now: Date): Promise<void> {
  await forgetSignIns(tx, pair);
  await uncountSignIn(tx, place, now);
}

/** It was right, but more is asked for: the wrong ones before it still count, or codes could be guessed for ever. */
export async function excuseAttempt(db: Db, { pair, place }: Attempt, now: Date): Promise<void> {
  await uncountSignIn(db, pair, now);
  await uncountSignIn(db, place, now);
}

/**
 * Counts a wrong code of somebody who knows the password, from wherever.
 * @returns whether these have become so many that the owner is to be told, which is so once a day
 */
export async function countWrongCode(
  tx: Tx,
  { config }: Pick<Deps, 'config'>,
  adminId: number,
  now: Date,
): Promise<boolean> {
  const codes = bucket(config, `codes ${adminId}`);
  // Blocked from the fifth on, for a day: in that time it is told, and counts no further.
  const counted = await countSignIn(tx, codes, now, { free: 5, firstSeconds: daySeconds, mostSeconds: daySeconds });
  return counted && (await secondsBlocked(tx, [codes], now)) > 0;
}

/** Neither the address nor the place is kept in clear. */
function bucket({ secretKeys }: { secretKeys: readonly string[] }, name: string): Buffer {
  return createHmac('sha256', secretKeys[0] ?? '')
    .update(`sign-in ${name}`)
    .digest();
}
