import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { systemActor } from '../actor.js';
import type { Config } from '../config.js';
import { transaction } from '../database/transaction.js';
import { Refusal } from '../errors.js';
import type { BookDeps, ReportResult } from './book.js';
import { parseJson } from './events.js';
import { isSignedByMailgun, mailgunMemoryMs, mailgunSignatureOf } from './mailgun.js';
import { isTokenSpent, spendToken } from './queries.js';
import { isFromSns, receiveEvents } from './receive-events.js';
import { isSignedBySendgrid } from './sendgrid.js';
import { readSnsMessage } from './sns.js';
import type { SnsWeb } from './sns-web.js';

type SignedDeps = BookDeps & { snsWeb: SnsWeb };

/** Whether the settings name anybody who could sign; else nothing unsigned needs to be read at all. */
export function believesSignatures({ snsTopicArns, sendgridWebhookKey, mailgunSigningKey }: Config): boolean {
  return snsTopicArns.length > 0 || sendgridWebhookKey !== null || mailgunSigningKey !== null;
}

/**
 * Takes events from whoever shows by a signature to be Amazon SNS, SendGrid or Mailgun, with the topics and keys of
 * the settings.
 * @throws Refusal `bearer.missing`, `bounce.unreadable`
 */
export async function receiveSigned(
  deps: SignedDeps,
  sent: { headers: IncomingHttpHeaders; body: Buffer },
): Promise<ReportResult[]> {
  const signer = await signerOf(deps, sent);
  if (signer === null) {
    throw new Refusal(
      'bearer.missing',
      'This needs a bearer token, or the signature of a mail provider that the settings name.',
    );
  }
  const results = await receiveEvents(deps, sent.body, systemActor);
  const { token } = signer;
  if (token !== null) {
    // Only now: an event that could not be booked is sent again, with the same token.
    const at = deps.now();
    await transaction(deps.db, (tx) => spendToken(tx, token, at, new Date(at.getTime() - 2 * mailgunMemoryMs)));
  }
  return results;
}

/** Null when nobody signed; `token`: what must not be good twice. */
async function signerOf(
  deps: SignedDeps,
  { headers, body }: { headers: IncomingHttpHeaders; body: Buffer },
): Promise<{ token: Buffer | null } | null> {
  const { sendgridWebhookKey, mailgunSigningKey } = deps.config;
  const signature = headers['x-twilio-email-event-webhook-signature'];
  const timestamp = headers['x-twilio-email-event-webhook-timestamp'];
  if (typeof signature === 'string' && typeof timestamp === 'string') {
    const isSigned =
      sendgridWebhookKey !== null && isSignedBySendgrid(sendgridWebhookKey, { signature, timestamp, body });
    return isSigned ? { token: null } : null;
  }
  const value = parseJson(body)?.value;
  const message = readSnsMessage(value);
  if (message !== null) return (await isFromSns(deps, deps.snsWeb, message)) ? { token: null } : null;
  const mailgun = mailgunSigningKey === null ? null : mailgunSignatureOf(value);
  if (mailgunSigningKey === null || mailgun === null || !isSignedByMailgun(mailgunSigningKey, mailgun, deps.now()))
    return null;
  const token = createHash('sha256').update(mailgun.token).digest();
  return (await isTokenSpent(deps.db, token)) ? null : { token };
}
