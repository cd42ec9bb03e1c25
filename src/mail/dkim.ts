import DKIM from 'nodemailer/lib/dkim';

/** Signs whole messages (RFC 6376), relaxed/relaxed, rsa-sha256 or ed25519-sha256 by the key. */
export type Signer = (message: Buffer) => Promise<Buffer>;

export interface DkimKey {
  domain: string;
  selector: string;
  /** PEM. */
  privateKey: string;
}

// The library's own list lacks List-Unsubscribe-Post, and a mailbox provider shows its button only
// when the signature covers both (RFC 8058, 4).
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

/** A signer, or one that leaves messages as they are when there is no key (the relay signs then). */
export function createSigner(key: DkimKey | null): Signer {
  if (key === null) return async (message) => message;
  const dkim = new DKIM({
    domainName: key.domain,
    keySelector: key.selector,
    privateKey: key.privateKey,
    headerFieldNames: signedHeaders.join(':'),
  });
  return async (message) => {
    const chunks: Buffer[] = [];
    for await (const chunk of dkim.sign(message))
      chunks.push(Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk)));
    return Buffer.concat(chunks);
  };
}
