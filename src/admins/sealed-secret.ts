import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

/*
 * PURE but for chance. Secrets that have to be read again, so that a hash will not do: AES-256-GCM under a key
 * derived from SECRET_KEY (HKDF, RFC 5869), bound to the account that they belong to. A copy of the database
 * without SECRET_KEY holds none.
 */

const nonceBytes = 12;
const tagBytes = 16;

/** @param owner what the secret belongs to: under another owner it cannot be opened */
export function sealSecret(keys: readonly string[], owner: string, secret: Uint8Array): Buffer {
  const [key] = keys;
  if (key === undefined) throw new Error('no SECRET_KEY');
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', keyOf(key), nonce).setAAD(Buffer.from(owner));
  const sealed = Buffer.concat([cipher.update(secret), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
}

/**
 * The secret by whichever key sealed it; null once that key is gone.
 * `dated`: a newer key is in front of it, so seal it anew.
 */
export function openSecret(
  keys: readonly string[],
  owner: string,
  sealed: Buffer,
): { secret: Buffer; dated: boolean } | null {
  for (const [place, key] of keys.entries()) {
    const decipher = createDecipheriv('aes-256-gcm', keyOf(key), sealed.subarray(0, nonceBytes), {
      authTagLength: tagBytes,
    });
    decipher.setAAD(Buffer.from(owner)).setAuthTag(sealed.subarray(nonceBytes, nonceBytes + tagBytes));
    try {
      const secret = Buffer.concat([decipher.update(sealed.subarray(nonceBytes + tagBytes)), decipher.final()]);
      return { secret, dated: place > 0 };
    } catch {
      // Another key.
    }
  }
  return null;
}

function keyOf(secretKey: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secretKey, '', 'subnotice second factor', 32));
}
