import { hash } from 'node:crypto';

/*
 * PURE. HMAC-SHA-256 (RFC 2104) from two one-shot hashes. A notice needs three or four signatures a
 * recipient, and the stream object of `createHmac` costs three times as much as its work.
 */

const blockBytes = 64;

interface Pads {
  inner: Buffer;
  outer: Buffer;
}
const padsOf = new Map<string, Pads>();

/**
 * @param key a secret of the service, of which there are few: what is derived from it is kept
 * @param message what is signed; not empty
 * @returns 32 bytes in hexadecimal
 */
export function hmacHex(key: string, message: Buffer): string {
  const pads = padsOf.get(key) ?? makePads(key);
  const inner = hash('sha256', Buffer.concat([pads.inner, message]), 'hex');
  pads.outer.write(inner, blockBytes, 'hex');
  return hash('sha256', pads.outer, 'hex');
}

function makePads(key: string): Pads {
  const bytes = Buffer.from(key);
  const block = bytes.length > blockBytes ? hash('sha256', bytes, 'buffer') : bytes;
  const inner = Buffer.alloc(blockBytes, 0x36);
  const outer = Buffer.alloc(blockBytes + 32, 0x5c);
  block.forEach((byte, at) => {
    inner[at] = byte ^ 0x36;
    outer[at] = byte ^ 0x5c;
  });
  const pads = { inner, outer };
  padsOf.set(key, pads);
  return pads;
}
