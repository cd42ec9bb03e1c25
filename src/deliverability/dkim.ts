import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { type Judgement, published } from './finding.js';
import type { Answer } from './outside.js';

/*
 * PURE. Whether the public key that receivers find (RFC 6376, 3.6.1; RFC 8463) is the one of the private
 * key that signs here.
 */

export interface SigningKey {
  domain: string;
  selector: string;
  /** PEM. */
  privateKey: string;
}

const shortestRsa = 2_048;

/** Where receivers look for the key. */
export function keyName({ selector, domain }: Pick<SigningKey, 'selector' | 'domain'>): string {
  return `${selector}._domainkey.${domain}`;
}

/** Judges the TXT records at `keyName`. */
export function judgeDkim(key: SigningKey, answer: Answer<string>): Judgement {
  const name = keyName(key);
  const own = createPublicKey(createPrivateKey(key.privateKey));
  const kind = own.asymmetricKeyType === 'ed25519' ? 'ed25519' : 'rsa';
  const facts = { name, kind, publish: `v=DKIM1; k=${kind}; p=${publicPart(own)}` };
  if (answer.kind === 'unknown')
    return { state: 'unknown', code: 'silent', facts: { ...facts, because: answer.because } };
  const records = answer.kind === 'none' ? [] : answer.records.map(tagsOf).filter((tags) => tags.has('p'));
  const [tags] = records;
  if (tags === undefined) return { state: 'fault', code: 'missing', facts };
  if (records.length > 1) return { state: 'fault', code: 'several', facts: { ...facts, count: records.length } };

  const listed = (tag: string, fallback: string) => (tags.get(tag) ?? fallback).toLowerCase().split(/\s*:\s*/);
  if ((tags.get('v') ?? 'DKIM1') !== 'DKIM1') return { state: 'fault', code: 'version', facts };
  if (tags.get('p') === '') return { state: 'fault', code: 'revoked', facts };
  if ((tags.get('k') ?? 'rsa').toLowerCase() !== kind || !isSame(own, kind, tags.get('p') ?? '')) {
    return { state: 'fault', code: 'different', facts: { ...facts, published: published(tags.get('p') ?? '') } };
  }
  if (!listed('h', 'sha256').includes('sha256')) return { state: 'fault', code: 'hash', facts };
  if (!listed('s', '*').some((service) => service === '*' || service === 'email')) {
    return { state: 'fault', code: 'service', facts };
  }
  const bits = own.asymmetricKeyDetails?.modulusLength;
  if (bits !== undefined && bits < shortestRsa) return { state: 'warning', code: 'short', facts: { ...facts, bits } };
  if (listed('t', '').includes('y')) return { state: 'warning', code: 'testing', facts };
  return { state: 'ok', code: 'ok', facts };
}

/** `tag=value; tag=value`, with the white space that names and keys may have around and in them. */
function tagsOf(record: string): Map<string, string> {
  return new Map(
    record.split(';').flatMap((part): [string, string][] => {
      const at = part.indexOf('=');
      if (at < 0) return [];
      const name = part.slice(0, at).trim();
      const value = part.slice(at + 1).trim();
      return [[name, name === 'p' ? value.replace(/\s+/g, '') : value]];
    }),
  );
}

/** As it stands in `p=`: SPKI for RSA, the bare 32 bytes for Ed25519. */
function publicPart(key: KeyObject): string {
  if (key.asymmetricKeyType !== 'ed25519') return key.export({ format: 'der', type: 'spki' }).toString('base64');
  return Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url').toString('base64');
}

/** RSA keys are published as SPKI (RFC 6376) or, by its own erratum, as PKCS #1: compared as keys, not as texts. */
function isSame(own: KeyObject, kind: 'rsa' | 'ed25519', text: string): boolean {
  const bytes = Buffer.from(text, 'base64');
  if (kind === 'ed25519') return bytes.equals(Buffer.from(publicPart(own), 'base64'));
  for (const type of ['spki', 'pkcs1'] as const) {
    try {
      return createPublicKey({ key: bytes, format: 'der', type }).equals(own);
    } catch {
      // Not in this form.
    }
  }
  return false;
}
