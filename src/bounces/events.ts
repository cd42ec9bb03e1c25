import { Refusal } from '../errors.js';
import { readMailgun } from './mailgun.js';
import { readPostmark } from './postmark.js';
import type { Report } from './report.js';
import { readSendgrid } from './sendgrid.js';
import { readSes } from './ses.js';
import { readSnsMessage, type SnsMessage } from './sns.js';

/*
 * PURE. Tells the events of the mail providers apart by their form.
 */

export type Events =
  | { kind: 'reports'; reports: Report[] }
  /** SNS asks to be confirmed, or says that it will send no more. */
  | { kind: 'sns'; message: SnsMessage };

/** More events than any provider sends at once. */
const mostEvents = 5_000;

/** A body as JSON; null when it is none. */
export function parseJson(body: Buffer): { value: unknown } | null {
  try {
    return { value: JSON.parse(body.toString('utf8')) };
  } catch {
    return null;
  }
}

/**
 * @param body JSON as a provider sent it
 * @throws Refusal `bounce.unreadable`
 */
export function readEvents(body: Buffer): Events {
  const parsed = parseJson(body);
  if (parsed === null) throw unreadable('The body is no JSON.');
  const sns = readSnsMessage(parsed.value);
  if (sns !== null && sns.Type !== 'Notification') return { kind: 'sns', message: sns };
  // A notification of something else, such as "Successfully validated SNS topic", says nothing of a mail.
  const reports =
    sns === null ? readReports(parsed.value) : (readReports(parseJson(Buffer.from(sns.Message))?.value) ?? []);
  if (reports === null) throw unreadable('These are no events of a mail provider that is known here.');
  return { kind: 'reports', reports: reports.slice(0, mostEvents) };
}

function readReports(value: unknown): Report[] | null {
  return readSes(value) ?? readMailgun(value) ?? readPostmark(value) ?? readSendgrid(value);
}

export function unreadable(what: string): Refusal {
  return new Refusal(
    'bounce.unreadable',
    `${what} Send a delivery status notification or a complaint as message/rfc822, whole as it arrived by mail, or the JSON of Amazon SES (by SNS), Postmark, SendGrid or Mailgun as application/json.`,
  );
}
