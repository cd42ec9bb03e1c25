import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { Refusal } from '../errors.js';
import { commonPasswords } from './common-passwords.js';

/*
 * Passwords are kept as scrypt hashes with their parameters beside them, in the form of the Password
 * Hashing Competition: $scrypt$ln=17,r=8,p=1$salt$hash. N = 2^17, r = 8, p = 1 is what OWASP advises
 * where argon2id is not at hand; it takes 128 MiB and about a third of a second.
 */

const cost = { ln: 17, r: 8, p: 1 };
const hashBytes = 32;

export const shortestPassword = 12;
export const longestPassword = 200;

/** Of an unknown account: checking against it takes as long as against a real one, and never succeeds. */
const nobodysHash = `$scrypt$ln=${cost.ln},r=${cost.r},p=${cost.p}$${'A'.repeat(22)}$${'A'.repeat(43)}`;

/** Hash of a password, with a fresh salt and today's parameters. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const hash = await derive(password, salt, cost);
  return `$scrypt$ln=${cost.ln},r=${cost.r},p=${cost.p}$${base64(salt)}$${base64(hash)}`;
}

/**
 * Whether a password is the one of a hash; in the same time for an unknown account (`stored` null).
 * `outdated`: it was hashed with other parameters than today's, so hash it anew.
 */
export async function checkPassword(
  password: string,
  stored: string | null,
): Promise<{ right: boolean; outdated: boolean }> {
  const match = /^\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(stored ?? nobodysHash);
  const [, ln, r, p, salt, hash] = match ?? [];
  if (salt === undefined || hash === undefined) throw new Error('a stored password hash cannot be read');
  const used = { ln: Number(ln), r: Number(r), p: Number(p) };
  const expected = Buffer.from(hash, 'base64');
  const derived = await derive(password, Buffer.from(salt, 'base64'), used);
  const equal = derived.length === expected.length && timingSafeEqual(derived, expected);
  return {
    right: equal && stored !== null,
    outdated: used.ln !== cost.ln || used.r !== cost.r || used.p !== cost.p,
  };
}

export type Weakness = 'too-short' | 'too-long' | 'common' | 'uniform' | 'personal';

/**
 * PURE. What makes a password weak; null when nothing does. Length counts, and that it is not one that
 * everybody tries first; no rule about kinds of characters (ASVS 6.2).
 * @param address the account's own e-mail address, which is no secret
 */
export function weaknessOf(password: string, address = ''): Weakness | null {
  const length = [...password].length;
  if (length < shortestPassword) return 'too-short';
  if (length > longestPassword) return 'too-long';
  const plain = normal(password).toLowerCase();
  if (new Set(plain).size < 5) return 'uniform';
  const bare = plain.replace(/^[^a-z]+|[^a-z]+$/g, '');
  if (commonPasswords.has(plain) || commonPasswords.has(bare) || isRun(plain)) return 'common';
  const name = address.toLowerCase().split('@')[0] ?? '';
  if (address !== '' && (plain === address.toLowerCase() || (name.length > 3 && bare === name))) return 'personal';
  return null;
}

/** Refuses `password.weak` with the sentence that says how to mend it. */
export function refuseWeak(password: string, address: string): void {
  const weakness = weaknessOf(password, address);
  if (weakness === null) return;
  const message = {
    'too-short': `must have ${shortestPassword} characters or more; several words make a good one`,
    'too-long': `must have ${longestPassword} characters at most`,
    common: 'is one of those that are tried first; choose one that nobody else has',
    uniform: 'repeats too few characters; several words make a good one',
    personal: 'is made from the e-mail address; choose one that cannot be guessed from it',
  }[weakness];
  throw new Refusal('password.weak', 'This password is too weak.', [{ path: 'password', message }]);
}

/** Parts of the keyboard or the alphabet, or one short piece again and again. */
function isRun(text: string): boolean {
  const rows = [
    'abcdefghijklmnopqrstuvwxyz',
    '01234567890123456789',
    'qwertyuiopasdfghjklzxcvbnm',
    'qwertzuiopasdfghjklyxcvbnm',
  ];
  if (rows.some((row) => row.includes(text) || [...row].reverse().join('').includes(text))) return true;
  return /^(.{1,6})\1+$/.test(text);
}

/** The same characters typed on another keyboard may be other code points. */
function normal(password: string): string {
  return password.normalize('NFKC');
}

const deriveKey = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt);

/** One at a time: each takes 128 MiB, so that a flood of sign-ins must not run side by side. */
let last: Promise<unknown> = Promise.resolve();
let waiting = 0;
const mostWaiting = 40;

async function derive(password: string, salt: Buffer, { ln, r, p }: typeof cost): Promise<Buffer> {
  if (waiting >= mostWaiting) {
    throw new Refusal('rate.exceeded', 'Too many people are signing in; try again in a moment.', [], 15);
  }
  waiting += 1;
  const options = { N: 2 ** ln, r, p, maxmem: 2 * 128 * 2 ** ln * r };
  const result = last.then(() => deriveKey(normal(password), salt, hashBytes, options));
  last = result
    .catch(() => undefined)
    .finally(() => {
      waiting -= 1;
    });
  return result;
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
