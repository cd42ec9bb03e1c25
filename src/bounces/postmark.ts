import { z } from 'zod';
import { classify } from './classify.js';
import { onOneLine, type Report, type ReportKind } from './report.js';

/*
 * PURE. Reads an event of Postmark, which signs nothing: it is sent with a password in the webhook's URL.
 */

const text = z.string().max(100_000);
const optional = text.optional().catch(undefined);

const Event = z.object({
  RecordType: z.enum(['Bounce', 'SpamComplaint', 'Delivery', 'SubscriptionChange', 'Open', 'Click', 'Inbound']),
  ID: z.union([z.number(), text]).optional(),
  MessageID: optional,
  Type: optional,
  Email: optional,
  Recipient: optional,
  Description: optional,
  Details: optional,
  DeliveredAt: optional,
  ChangedAt: optional,
  SuppressSending: z.boolean().optional().catch(undefined),
  SuppressionReason: optional,
  Origin: optional,
});
type Event = z.infer<typeof Event>;

/** What the types of bounces mean whose words decide nothing; the others go by their words. */
const types: Readonly<Record<string, { kind: ReportKind; reason: string }>> = {
  BadEmailAddress: { kind: 'hard', reason: 'address-invalid' },
  SpamComplaint: { kind: 'complaint', reason: 'complaint' },
  Unsubscribe: { kind: 'complaint', reason: 'unsubscribed-at-provider' },
  AutoResponder: { kind: 'auto-reply', reason: 'auto-reply' },
  AddressChange: { kind: 'auto-reply', reason: 'auto-reply' },
  ChallengeVerification: { kind: 'auto-reply', reason: 'auto-reply' },
  Subscribe: { kind: 'auto-reply', reason: 'auto-reply' },
  SpamNotification: { kind: 'block', reason: 'policy' },
  VirusNotification: { kind: 'block', reason: 'policy' },
  Blocked: { kind: 'block', reason: 'policy' },
  DMARCPolicy: { kind: 'block', reason: 'policy' },
  SMTPApiError: { kind: 'block', reason: 'refused' },
  InboundError: { kind: 'block', reason: 'refused' },
  TemplateRenderingFailed: { kind: 'block', reason: 'refused' },
  OpenRelayTest: { kind: 'block', reason: 'policy' },
  DnsError: { kind: 'soft', reason: 'domain-unreachable' },
};

/** Reports of an event; none for one that says nothing of its fate; null for no event of Postmark. */
export function readPostmark(value: unknown): Report[] | null {
  const { data: event } = Event.safeParse(value);
  if (event === undefined) return null;
  const address = event.Email ?? event.Recipient;
  const judged = judge(event);
  if (judged === null || address === undefined) return [];
  const identity = event.ID ?? `${event.MessageID ?? ''} ${event.ChangedAt ?? ''} ${address}`;
  return [
    {
      source: 'postmark',
      ...judged,
      diagnostic: onOneLine(event.Details ?? event.Description ?? event.SuppressionReason ?? ''),
      addresses: [address],
      // Postmark replaces the Message-ID and the envelope sender by its own.
      traces: { returnPaths: [], messageIds: [] },
      identity: `${event.RecordType} ${identity}`,
    },
  ];
}

function judge(event: Event): Pick<Report, 'kind' | 'reason' | 'status'> | null {
  switch (event.RecordType) {
    case 'Delivery':
      return { kind: 'delivered', reason: null, status: null };
    case 'SpamComplaint':
      return { kind: 'complaint', reason: 'complaint', status: null };
    case 'SubscriptionChange':
      return judgeChange(event);
    case 'Bounce':
      return judgeBounce(event);
    default:
      return null;
  }
}

function judgeBounce({ Type: type = '', Details: details = '' }: Event): Pick<Report, 'kind' | 'reason' | 'status'> {
  const known = types[type];
  if (known !== undefined) return { ...known, status: null };
  const diagnostic = onOneLine(details);
  // Still trying, says Postmark of this one.
  const action = type === 'Transient' ? 'delayed' : 'failed';
  const said = classify({ action, status: null, diagnostic, isPermanent: type === 'HardBounce' });
  if (type === 'HardBounce')
    return said.reason === 'refused' ? { ...said, kind: 'hard', reason: 'mailbox-unknown' } : said;
  return said.kind === 'hard' ? { ...said, kind: 'soft' } : said;
}

/** They used Postmark's own unsubscribe link. What follows from a bounce or a complaint has an event of its own. */
function judgeChange(event: Event): Pick<Report, 'kind' | 'reason' | 'status'> | null {
  const isTheirs = event.SuppressionReason === 'ManualSuppression' && event.Origin === 'Recipient';
  if (event.SuppressSending !== true || !isTheirs) return null;
  return { kind: 'complaint', reason: 'unsubscribed-at-provider', status: null };
}
