import { createHmac, timingSafeEqual } from 'node:crypto';

/*
 * PURE. The envelope sender of a delivery names the delivery, so that whatever comes back is known by
 * the address it came back to. What a report says of the recipient and of the Message-ID is often
 * another address (a mailbox that forwards) or missing; the address it is sent to never is.
 *
 * The token is in base32: some systems write a local part in lower case, others in capitals, and a few
 * take nothing but letters and digits. It is signed, as anybody may send mail to any address.
 */

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';
const idBytes = 6;
/** 72 bits; with the id that is 24 characters of five bits each, without a bit left over. */
const tagBytes = 9;
const tokenLength = ((idBytes + tagBytes) * 8) / 5;
/** Longest address that is looked at: one in an envelope has at most 256 (RFC 5321, 4.5.3.1.3). */
const longestAddress = 320;

export interface ReturnPathConfig {
  bounceAddress: string | null;
  mailFrom: { address: string };
  secretKeys: readonly string[];
}

/**
 * The envelope sender of a delivery: `bounces+TOKEN@example.org` for BOUNCE_ADDRESS
 * `bounces@example.org`. Where there is no plus addressing, a star in BOUNCE_ADDRESS says where the
 * token goes: `bounces-*@example.org`, `*@bounces.example.org`. Without BOUNCE_ADDRESS it is the sender
 * that readers see.
 */
export function returnPath(config: ReturnPathConfig, deliveryId: number): string {
  const { bounceAddress, mailFrom, secretKeys } = config;
  if (bounceAddress === null) return mailFrom.address;
  const [key] = secretKeys;
  if (key === undefined) throw new Error('no SECRET_KEY');
  const at = bounceAddress.lastIndexOf('@');
  const pattern = bounceAddress.includes('*')
    ? bounceAddress
    : `${bounceAddress.slice(0, at)}+*${bounceAddress.slice(at)}`;
  return pattern.replace('*', tokenOf(key, deliveryId));
}

/**
 * The delivery that an address names, whatever stands around the token: brackets, another plus part,
 * the wrapping of a forwarder (`SRS0=…=bounces+TOKEN@…`, `prvs=…`), capitals.
 * @param keys SECRET_KEY: each may have made it
 * @returns null when it has no token of ours
 */
export function deliveryOfReturnPath(keys: readonly string[], address: string): number | null {
  const text = address.slice(0, longestAddress).toLowerCase();
  for (const { 0: run } of text.matchAll(/[a-z2-7]{24,}/g)) {
    // Nearly always one place; more where letters stand right beside the star of BOUNCE_ADDRESS.
    for (let start = 0; start + tokenLength <= run.length; start += 1) {
      const id = idOf(keys, run.slice(start, start + tokenLength));
      if (id !== null) return id;
    }
  }
  return null;
}

function tokenOf(key: string, id: number): string {
  const body = Buffer.alloc(idBytes);
  body.writeUIntBE(id, 0, idBytes);
  return encode(Buffer.concat([body, tagOf(key, body)]));
}

function idOf(keys: readonly string[], token: string): number | null {
  const bytes = decode(token);
  const body = bytes.subarray(0, idBytes);
  const tag = bytes.subarray(idBytes);
  // Every key is tried, so that the time does not tell which one fits.
  const fits = keys.filter((key) => timingSafeEqual(tag, tagOf(key, body)));
  return fits.length > 0 ? body.readUIntBE(0, idBytes) : null;
}

function tagOf(key: string, body: Buffer): Buffer {
  return createHmac('sha256', key).update('return-path\0').update(body).digest().subarray(0, tagBytes);
}

/** Five bits a character. Five bytes are eight characters, so that a group fits into 40 bits. */
function encode(bytes: Buffer): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 5) {
    let group = bytes.readUIntBE(at, 5);
    let part = '';
    for (let count = 0; count < 8; count += 1) {
      part = alphabet.charAt(group % 32) + part;
      group = Math.floor(group / 32);
    }
    text += part;
  }
  return text;
}

function decode(text: string): Buffer {
  const bytes = Buffer.alloc((text.length * 5) / 8);
  for (let at = 0; at < text.length; at += 8) {
    let group = 0;
    for (const sign of text.slice(at, at + 8)) group = group * 32 + alphabet.indexOf(sign);
    bytes.writeUIntBE(group, (at * 5) / 8, 5);
  }
  return bytes;
}
