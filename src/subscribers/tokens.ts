import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { hmacHex } from '../hmac.js';

/**
 * PURE. The two sorts of links in mail.
 *
 * *Signed links* (unsubscribe, preferences, objection) name a row by its number and prove by an HMAC
 * that we made them. Nothing is stored, they never expire, and they outlive a change of SECRET_KEY as
 * long as the old key is still listed: mail lies in mailboxes for years (RFC 8058, 6).
 *
 * *Single-use tokens* (confirm, manage, change of address) are the HMAC of a random nonce. The nonce
 * is kept in the row, the token nowhere, only its hash: a letter can be composed when it is sent, and
 * a copy of the database without SECRET_KEY opens nothing.
 */
export type LinkPurpose = 'unsubscribe' | 'preferences' | 'objection';
export type TokenPurpose = 'confirm' | 'manage' | 'change-address';

const idBytes = 6;
const tagBytes = 16;
/** Length of every signed link: mail is composed once with a slot of this size in it. */
export const linkLength = 30;

/**
 * @param keys SECRET_KEY: the first signs
 * @param id the subscriber (`unsubscribe`, `preferences`) or the delivery (`objection`)
 * @returns always 30 characters of base64url
 */
export function signLink(keys: readonly string[], purpose: LinkPurpose, id: number): string {
  const body = Buffer.alloc(idBytes);
  body.writeUIntBE(id, 0, idBytes);
  return Buffer.concat([body, linkTag(first(keys), purpose, body)]).toString('base64url');
}

/** The number that the link names, or null if none of the keys made it for this purpose. */
export function readLink(keys: readonly string[], purpose: LinkPurpose, token: string): number | null {
  if (token.length !== linkLength) return null;
  const bytes = Buffer.from(token, 'base64url');
  // The last character holds four bits that decoding drops: without this, sixteen spellings would
  // open the same door, and "one character changed" would not always be refused.
  if (bytes.length !== idBytes + tagBytes || bytes.toString('base64url') !== token) return null;
  const body = bytes.subarray(0, idBytes);
  const tag = bytes.subarray(idBytes);
  // Every key is tried, so that the time does not tell which one fits.
  const fits = keys.filter((key) => timingSafeEqual(tag, linkTag(key, purpose, body)));
  return fits.length > 0 ? body.readUIntBE(0, idBytes) : null;
}

const linkLabels: Readonly<Record<LinkPurpose, Buffer>> = {
  unsubscribe: Buffer.from('link\0unsubscribe\0'),
  preferences: Buffer.from('link\0preferences\0'),
  objection: Buffer.from('link\0objection\0'),
};

function linkTag(key: string, purpose: LinkPurpose, body: Buffer): Buffer {
  const signed = hmacHex(key, Buffer.concat([linkLabels[purpose], body]));
  return Buffer.from(signed.slice(0, 2 * tagBytes), 'hex');
}

/** The token of a nonce: 22 characters, 128 bits (ASVS 6.5: enough to be looked up by a plain hash). */
export function singleUseToken(key: string, purpose: TokenPurpose, nonce: Buffer): string {
  const tag = createHmac('sha256', key).update(`token\0${purpose}\0`).update(nonce).digest();
  return tag.subarray(0, tagBytes).toString('base64url');
}

/**
 * The token of a stored nonce, by whichever key made it: a letter that waited in the queue while
 * SECRET_KEY was rotated still gets the link whose hash is stored. Null once that key is gone.
 */
export function tokenOfNonce(
  keys: readonly string[],
  purpose: TokenPurpose,
  nonce: Buffer,
  tokenHash: Buffer,
): string | null {
  for (const key of keys) {
    const token = singleUseToken(key, purpose, nonce);
    if (hashToken(token).equals(tokenHash)) return token;
  }
  return null;
}

/** What is stored of a token, and of the nonce in a browser's cookie: SHA-256. */
export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/**
 * The trace of an address that may outlive the person: an HMAC, so that nobody without the key can
 * try addresses against it. Made with the LAST key, the oldest one, so that suppressions hold when a
 * new key is put in front; whoever drops the oldest key gives up the suppressions of erased people.
 */
export function emailHash(keys: readonly string[], emailKey: string): Buffer {
  return createHmac('sha256', last(keys)).update(`email\0${emailKey}`).digest();
}

/** A client's address as evidence of consent: comparable, not readable. */
export function clientHash(keys: readonly string[], ip: string): string {
  return createHmac('sha256', last(keys)).update(`client\0${ip}`).digest('hex').slice(0, 32);
}

function first(keys: readonly string[]): string {
  const key = keys[0];
  if (key === undefined) throw new Error('no SECRET_KEY');
  return key;
}

function last(keys: readonly string[]): string {
  const key = keys.at(-1);
  if (key === undefined) throw new Error('no SECRET_KEY');
  return key;
}
