import { verify, X509Certificate } from 'node:crypto';
import { z } from 'zod';

/*
 * PURE. The envelope in which Amazon SNS sends events, and its signature. Nothing in it is believed, and
 * none of its addresses is called, before the signature is checked against a certificate of Amazon.
 */

const text = z.string().max(2_000);

const Message = z.object({
  Type: z.enum(['Notification', 'SubscriptionConfirmation', 'UnsubscribeConfirmation']),
  MessageId: text,
  TopicArn: text,
  Message: z.string(),
  Timestamp: text,
  Subject: z.string().max(10_000).nullish(),
  Token: text.optional(),
  SubscribeURL: text.optional(),
  SignatureVersion: text.optional(),
  Signature: text.optional(),
  SigningCertURL: text.optional(),
});
export type SnsMessage = z.infer<typeof Message>;

/** Null for what is no message of SNS. */
export function readSnsMessage(value: unknown): SnsMessage | null {
  return Message.safeParse(value).data ?? null;
}

/** Of a region such as `eu-west-1`: `sns.s3.amazonaws.com` would be a bucket of whoever calls it "sns". */
const ofRegion = /^sns\.[a-z]{2,10}(?:-[a-z]{2,20}){1,3}-\d{1,2}\.amazonaws\.com(?:\.cn)?$/;

/**
 * An address of SNS itself: `https`, a host of Amazon's, no port, no password. Everything else is
 * somebody who wants to be called by us, or to be believed by us.
 * @param kind a certificate's path ends in `.pem`
 */
export function snsUrl(address: string | undefined, kind: 'certificate' | 'subscription'): URL | null {
  if (address === undefined || !URL.canParse(address)) return null;
  const url = new URL(address);
  const isOfAmazon =
    url.protocol === 'https:' &&
    ofRegion.test(url.hostname) &&
    url.port === '' &&
    url.username === '' &&
    url.password === '';
  if (!isOfAmazon) return null;
  if (kind === 'certificate') return url.pathname.endsWith('.pem') && url.search === '' ? url : null;
  return url.searchParams.get('Action') === 'ConfirmSubscription' ? url : null;
}

/** What the signature covers: names and values, each on a line of its own, in that order. */
export function signedText(message: SnsMessage): string {
  const { Type, MessageId, TopicArn, Timestamp, Subject, Token, SubscribeURL } = message;
  const pairs: [string, string | null | undefined][] =
    Type === 'Notification'
      ? [
          ['Message', message.Message],
          ['MessageId', MessageId],
          ['Subject', Subject],
        ]
      : [
          ['Message', message.Message],
          ['MessageId', MessageId],
          ['SubscribeURL', SubscribeURL ?? ''],
        ];
  pairs.push(['Timestamp', Timestamp]);
  if (Type !== 'Notification') pairs.push(['Token', Token ?? '']);
  pairs.push(['TopicArn', TopicArn], ['Type', Type]);
  return pairs.flatMap(([name, value]) => (value == null ? [] : [`${name}\n${value}\n`])).join('');
}

/**
 * Whether the owner of a certificate signed a message. The certificate comes by TLS from a host of
 * Amazon's, so its chain says nothing more; its dates are checked.
 * @param certificate PEM, as it came
 */
export function isSignedBy(message: SnsMessage, certificate: Buffer, now: Date): boolean {
  const algorithm = { '1': 'sha1', '2': 'sha256' }[message.SignatureVersion ?? ''];
  if (algorithm === undefined || message.Signature === undefined) return false;
  try {
    const { publicKey, validFrom, validTo } = new X509Certificate(certificate);
    if (now < new Date(validFrom) || now > new Date(validTo)) return false;
    if (publicKey.asymmetricKeyType !== 'rsa') return false;
    return verify(algorithm, Buffer.from(signedText(message)), publicKey, Buffer.from(message.Signature, 'base64'));
  } catch {
    return false;
  }
}
