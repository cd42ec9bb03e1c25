import { z } from 'zod';
import { classify } from './classify.js';
import { mostRecipients, onOneLine, type Report } from './report.js';

/*
 * PURE. Reads an event of Amazon SES, as feedback notifications (`notificationType`) and event publishing
 * (`eventType`) write it; it comes inside a message of SNS, or bare with raw message delivery.
 */

const text = z.string().max(10_000);
const optional = text.optional().catch(undefined);

const Recipient = z.object({
  emailAddress: text,
  status: optional,
  diagnosticCode: optional,
});
const recipients = z.array(Recipient).max(1_000).default([]);

const Mail = z.object({
  messageId: optional,
  source: optional,
  destination: z.array(text).max(1_000).optional().catch(undefined),
  headers: z
    .array(z.object({ name: text, value: text }))
    .max(1_000)
    .optional()
    .catch(undefined),
  commonHeaders: z.object({ messageId: optional, returnPath: optional }).optional().catch(undefined),
});
type Mail = z.infer<typeof Mail>;

const Event = z.object({
  notificationType: optional,
  eventType: optional,
  mail: Mail,
  bounce: z
    .object({ bounceType: text, bounceSubType: optional, bouncedRecipients: recipients, feedbackId: optional })
    .optional(),
  complaint: z
    .object({
      complainedRecipients: recipients,
      complaintFeedbackType: optional,
      complaintSubType: z.string().nullish().catch(null),
      feedbackId: optional,
    })
    .optional(),
  delivery: z.object({ recipients: z.array(text).max(1_000).default([]), smtpResponse: optional }).optional(),
  deliveryDelay: z.object({ delayType: optional, delayedRecipients: recipients, timestamp: optional }).optional(),
  reject: z.object({ reason: optional }).optional(),
  failure: z.object({ errorMessage: optional }).optional(),
});
type Event = z.infer<typeof Event>;

/** Reports of an event; none for one that says nothing of its fate (Send, Open, Click); null for no event. */
export function readSes(value: unknown): Report[] | null {
  const parsed = Event.safeParse(value);
  const kind = parsed.data?.notificationType ?? parsed.data?.eventType;
  if (parsed.data === undefined || kind === undefined) return null;
  const event = parsed.data;
  const traces = tracesOf(event.mail);
  return told(event, kind)
    .slice(0, mostRecipients)
    .map(({ address, identity, ...report }) => ({
      source: 'ses',
      ...report,
      addresses: [address],
      traces,
      identity: [kind, event.mail.messageId ?? '', identity ?? '', address].join(' '),
    }));
}

type Told = Pick<Report, 'kind' | 'reason' | 'status' | 'diagnostic' | 'identity'> & { address: string };

function told(event: Event, kind: string): Told[] {
  const { bounce, complaint, delivery, deliveryDelay, reject, failure, mail } = event;
  if (bounce !== undefined) {
    return bounce.bouncedRecipients.map((recipient) => ({
      ...judgeBounce(bounce.bounceType, bounce.bounceSubType ?? '', recipient),
      diagnostic: onOneLine(recipient.diagnosticCode ?? `${bounce.bounceType} ${bounce.bounceSubType ?? ''}`),
      address: recipient.emailAddress,
      identity: bounce.feedbackId ?? null,
    }));
  }
  if (complaint !== undefined) {
    const type = complaint.complaintFeedbackType ?? 'abuse';
    return complaint.complainedRecipients.map(({ emailAddress }) => ({
      ...judgeComplaint(type, complaint.complaintSubType ?? ''),
      status: null,
      diagnostic: onOneLine(type),
      address: emailAddress,
      identity: complaint.feedbackId ?? null,
    }));
  }
  if (deliveryDelay !== undefined) {
    return deliveryDelay.delayedRecipients.map((recipient) => {
      const diagnostic = onOneLine(recipient.diagnosticCode ?? deliveryDelay.delayType ?? '');
      return {
        ...classify({ action: 'delayed', status: recipient.status ?? null, diagnostic }),
        diagnostic,
        address: recipient.emailAddress,
        identity: deliveryDelay.timestamp ?? null,
      };
    });
  }
  if (delivery !== undefined) {
    const diagnostic = onOneLine(delivery.smtpResponse ?? '');
    return delivery.recipients.map((address) => ({
      ...classify({ action: 'delivered', status: null, diagnostic }),
      diagnostic,
      address,
      identity: null,
    }));
  }
  if (kind === 'Reject' || kind === 'Rendering Failure') {
    const diagnostic = onOneLine(reject?.reason ?? failure?.errorMessage ?? kind);
    const all = mail.destination ?? [];
    return all.map((address) => ({
      kind: 'block',
      reason: 'policy',
      status: null,
      diagnostic,
      address,
      identity: null,
    }));
  }
  return [];
}

/** "not-spam" is somebody who took the mail out of the spam folder. */
function judgeComplaint(type: string, subType: string): Pick<Report, 'kind' | 'reason'> {
  // They complained of an earlier mail, so this one did not go at all.
  if (subType === 'OnAccountSuppressionList') return { kind: 'hard', reason: 'suppressed-by-provider' };
  if (['abuse', 'other'].includes(type)) return { kind: 'complaint', reason: 'complaint' };
  return { kind: 'feedback', reason: 'feedback' };
}

/**
 * SES calls refusals of a policy "Permanent, General" as well, and automatic answers "Transient, General"
 * without a word of a mail system: the words decide where there are some.
 */
function judgeBounce(
  type: string,
  subType: string,
  { status, diagnosticCode }: z.infer<typeof Recipient>,
): Pick<Report, 'kind' | 'reason' | 'status'> {
  const said = classify({
    action: 'failed',
    status: status ?? null,
    diagnostic: diagnosticCode ?? '',
    isPermanent: type === 'Permanent',
  });
  if (type === 'Permanent') {
    if (subType === 'Suppressed' || subType === 'OnAccountSuppressionList') {
      return { kind: 'hard', reason: 'suppressed-by-provider', status: said.status };
    }
    if (subType === 'UnsubscribedRecipient') return { kind: 'hard', reason: 'unsubscribed-at-provider', status: null };
    if (said.reason !== 'refused') return said;
    return { kind: 'hard', reason: 'mailbox-unknown', status: said.status };
  }
  switch (subType) {
    case 'MailboxFull':
      return { ...said, kind: 'soft', reason: 'mailbox-full' };
    case 'MessageTooLarge':
      return { ...said, kind: 'block', reason: 'too-large' };
    case 'ContentRejected':
    case 'AttachmentRejected':
      return { ...said, kind: 'block', reason: 'policy' };
    default:
      if (type === 'Transient' && diagnosticCode === undefined) {
        return { kind: 'auto-reply', reason: 'auto-reply', status: said.status };
      }
      return { ...said, kind: said.kind === 'block' ? 'block' : 'soft' };
  }
}

function tracesOf({ source, headers = [], commonHeaders }: Mail): Report['traces'] {
  const named = (name: string) =>
    headers.filter((header) => header.name.toLowerCase() === name).map(({ value }) => value);
  const ids = [commonHeaders?.messageId, ...named('message-id')].filter((id) => id !== undefined);
  const paths = [source, commonHeaders?.returnPath, ...named('return-path')].filter((path) => path !== undefined);
  return { returnPaths: paths, messageIds: ids.filter((id) => /^<[^<>\s]{3,250}>$/.test(id)) };
}
