import { randomBytes } from 'node:crypto';
import type { Db } from '../database/query.js';
import type { Tx } from '../database/transaction.js';
import { countKnownCodes, countRecoveryCodes, replaceRecoveryCodes, useRecoveryCode } from './factor-queries.js';
import { hashOf } from './secret-tokens.js';

/*
 * Recovery codes: 24 characters of 32 each, 120 random bits, so that a plain hash is enough (ASVS 6.5.2). The
 * letters are those of Crockford's Base32, in which nothing is taken for something else.
 */

const letters = '0123456789abcdefghjkmnpqrstvwxyz';
const codeLength = 24;
/** How many there are of an account. */
export const recoveryCodes = 10;

/**
 * Makes ten codes in place of all there were.
 * @returns the codes as they are shown, once
 */
export async function makeRecoveryCodes(tx: Tx, adminId: number): Promise<string[]> {
  const codes = Array.from({ length: recoveryCodes }, () =>
    [...randomBytes(codeLength)].map((byte) => letters[byte % letters.length]).join(''),
  );
  await replaceRecoveryCodes(tx, adminId, codes.map(hashOf));
  return codes.map((code) => code.replace(/(.{4})(?=.)/g, '$1-'));
}

/** Takes a code, however it was typed; false when it is none of the account, or was used before. */
export async function takeRecoveryCode(tx: Tx, adminId: number, typed: string, at: Date): Promise<boolean> {
  const code = plainCode(typed);
  return code.length === codeLength && useRecoveryCode(tx, adminId, hashOf(code), at);
}

/** How many codes are left. */
export async function recoveryCodesLeft(db: Db, adminId: number): Promise<number> {
  return countRecoveryCodes(db, adminId);
}

/** Whether all of these are codes of the account: only those are written into its file. */
export async function areRecoveryCodesOf(db: Db, adminId: number, shown: readonly string[]): Promise<boolean> {
  const hashes = shown.map((code) => hashOf(plainCode(code)));
  return (await countKnownCodes(db, adminId, hashes)) === recoveryCodes && hashes.length === recoveryCodes;
}

function plainCode(typed: string): string {
  return typed.toLowerCase().replace(/[\s-]/g, '').replace(/o/g, '0').replace(/[il]/g, '1');
}
