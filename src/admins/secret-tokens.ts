import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/*
 * PURE but for chance. Opaque tokens of 256 random bits: whoever holds one is let in, so only their hash
 * is kept. At that length a plain SHA-256 is enough (ASVS 6.5.2), and finding one by its hash tells
 * nothing by its time.
 */

export function randomToken(): string {
  return randomBytes(32).toString('base64url');
}

export function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** Whether two secrets are equal, in a time that tells neither their content nor their length. */
export function sameSecret(a: string, b: string): boolean {
  return timingSafeEqual(hashOf(a), hashOf(b));
}
