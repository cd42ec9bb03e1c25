import { createHash, createPrivateKey, type KeyObject, sign as signWith } from 'node:crypto';
import { relaxBody } from './relaxed.js';

/*
 * Signatures by DKIM: RFC 6376 with rsa-sha256 (RFC 8301: 2048 bits or more), RFC 8463 for
 * ed25519-sha256, both relaxed/relaxed. With a key of each kind a mail carries two signatures: receivers
 * that do not know Ed25519 yet read the other.
 */

/** Signs whole messages. */
export type Signer = (message: Buffer) => Promise<Buffer>;

export interface DkimKeys {
  domain: string;
  /** Private keys as PEM, RSA or Ed25519. */
  keys: readonly { selector: string; privateKey: string }[];
}

// A mailbox provider shows its button to leave the list only when the signature covers both headers of
// it (RFC 8058, 4).
const signedHeaders = [
  'from',
  'to',
  'subject',
  'date',
  'message-id',
  'reply-to',
  'mime-version',
  'content-type',
  'auto-submitted',
  'list-id',
  'list-help',
  'list-archive',
  'list-unsubscribe',
  'list-unsubscribe-post',
];
// Named once more than they are there: whoever sends the mail on cannot put a second one beside it, which
// many mail programs would show instead (RFC 6376, 8.15).
const sealedHeaders = new Set(['from', 'to', 'subject']);

const leastRsaBits = 2_048;
const lineLength = 76;

/**
 * A signer, or one that leaves messages as they are when there is no key (the relay signs then). The
 * signatures are made on other threads.
 * @throws for a key that receivers would not take
 */
export function createSigner(dkim: DkimKeys | null): Signer {
  if (dkim === null || dkim.keys.length === 0) return async (message) => message;
  const signatures = dkim.keys.map((key) => createSignature(dkim.domain, key));
  return async (message) => {
    const blank = message.indexOf('\r\n\r\n');
    const end = blank < 0 ? message.length : blank;
    const headers = readHeaders(message.toString('latin1', 0, end));
    const bodyHash = hashBody(message.subarray(end + 4));
    const made = await Promise.all(signatures.map((signature) => signature(headers, bodyHash)));
    return Buffer.concat([...made, message]);
  };
}

/** What the headers are for a signature: their names, and their canonical lines. */
interface SignedHeaders {
  names: string[];
  lines: string;
}

type Signature = (headers: SignedHeaders, bodyHash: string) => Promise<Buffer>;

function createSignature(domain: string, { selector, privateKey }: DkimKeys['keys'][number]): Signature {
  const key = createPrivateKey(privateKey);
  const isRsa = key.asymmetricKeyType === 'rsa';
  if (!isRsa && key.asymmetricKeyType !== 'ed25519') throw new Error('DKIM knows RSA and Ed25519 keys only');
  if (isRsa && (key.asymmetricKeyDetails?.modulusLength ?? 0) < leastRsaBits) {
    throw new Error(`an RSA key for DKIM has at least ${leastRsaBits} bits`);
  }
  const algorithm = isRsa ? 'rsa-sha256' : 'ed25519-sha256';
  return async ({ names, lines }, bodyHash) => {
    // Canonical as it stands: its line breaks are put where it has single spaces.
    const unsigned = [
      'DKIM-Signature: v=1;',
      `a=${algorithm};`,
      'c=relaxed/relaxed;',
      `d=${domain};`,
      `s=${selector};`,
      `h=${listed(names)};`,
      `bh=${bodyHash};`,
      'b=',
    ].join(' ');
    const data = Buffer.from(lines + unsigned.replace('DKIM-Signature: ', 'dkim-signature:'), 'latin1');
    const value = await signed(data, key, isRsa);
    return Buffer.from(`${fold(unsigned)}${value.replace(/.{1,72}/g, '\r\n $&')}\r\n`, 'latin1');
  };
}

/** The signature in base64. Ed25519 signs the hash, as RFC 8463, 3 has it. */
function signed(data: Buffer, key: KeyObject, isRsa: boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, signature: Buffer) =>
      error ? reject(error) : resolve(signature.toString('base64'));
    if (isRsa) signWith('sha256', data, key, done);
    else signWith(null, createHash('sha256').update(data).digest(), key, done);
  });
}

/** @param text the header section, each byte a character */
function readHeaders(text: string): SignedHeaders {
  const fields = new Map<string, string[]>();
  for (const field of text.split(/\r\n(?![ \t])/)) {
    const colon = field.indexOf(':');
    const name = field.slice(0, colon).trimEnd().toLowerCase();
    const line = `${name}:${field
      .slice(colon + 1)
      .replace(/[ \t\r\n]+/g, ' ')
      .trim()}\r\n`;
    const same = fields.get(name);
    if (same === undefined) fields.set(name, [line]);
    else same.push(line);
  }
  const names: string[] = [];
  let lines = '';
  for (const name of signedHeaders) {
    const same = fields.get(name);
    if (same === undefined) continue;
    // The last one counts first (RFC 6376, 5.4.2).
    for (const line of same.reverse()) {
      names.push(name);
      lines += line;
    }
    if (sealedHeaders.has(name)) names.push(name);
  }
  return { names, lines };
}

/** The relaxed body (RFC 6376, 3.4.4) as SHA-256 in base64. */
function hashBody(body: Buffer): string {
  const relaxed = relaxBody(body);
  let end = relaxed.length;
  while (end >= 2 && relaxed[end - 1] === 0x0a && relaxed[end - 2] === 0x0d) end -= 2;
  const hash = createHash('sha256');
  return (end === 0 ? hash : hash.update(relaxed.subarray(0, end)).update('\r\n')).digest('base64');
}

/** Names joined by colons, with spaces where a line may be broken. */
function listed(names: readonly string[]): string {
  let [list = '', ...rest] = names;
  let width = list.length;
  for (const name of rest) {
    const isWide = width + name.length > lineLength - 8;
    list += `:${isWide ? ' ' : ''}${name}`;
    width = isWide ? name.length : width + 1 + name.length;
  }
  return list;
}

function fold(line: string): string {
  let folded = '';
  let width = 0;
  for (const word of line.split(' ')) {
    const isWide = width > 0 && width + 1 + word.length > lineLength;
    folded += `${isWide ? '\r\n ' : width > 0 ? ' ' : ''}${word}`;
    width = isWide ? 1 + word.length : width + (width > 0 ? 1 : 0) + word.length;
  }
  return folded;
}
