import { createHash } from 'node:crypto';

/**
 * A UUID (RFC 9562, version 8) made from what names a thing for ever, such as a version's hash. Unlike a tag: URI
 * it holds no host name, so ids stay when the service moves to another address, and no reader shows everything
 * again as new. PURE.
 */
export function permanentId(text: string): string {
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
