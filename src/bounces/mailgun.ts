import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { classify } from './classify.js';
import { onOneLine, type Report } from './report.js';

/*
 * PURE. Reads and checks what Mailgun's webhooks send: one event, and a signature that covers a time and
 * a token but not the event; so each token is good once (queries.ts).
 */

const text = z.string().max(10_000);
const optional = text.optional().catch(undefined);

const Signature = z.object({
  timestamp: z.union([z.string().regex(/^\d{1,12}$/), z.number().int().min(0).max(1e12)]),
  token: z.string().min(1).max(200),
  signature: z.string().regex(/^[0-9a-f]{64}$/i),
});
export type MailgunSignature = z.infer<typeof Signature>;

const Body = z.object({
  'event-data': z.object({
    event: text,
    id: optional,
    timestamp: z.number().optional().catch(undefined),
    recipient: optional,
    severity: optional,
    reason: optional,
    envelope: z.object({ sender: optional }).optional().catch(undefined),
    message: z
      .object({ headers: z.object({ 'message-id': optional }).optional().catch(undefined) })
      .optional()
      .catch(undefined),
    'delivery-status': z
      .object({
        code: z.union([z.number(), z.string()]).optional().catch(undefined),
        'enhanced-code': optional,
        message: optional,
        description: optional,
      })
      .optional()
      .catch(undefined),
  }),
});
type Event = z.infer<typeof Body>['event-data'];

/** Reports of an event; none for one that says nothing of its fate; null for no event of Mailgun. */
export function readMailgun(value: unknown): Report[] | null {
  const { data } = Body.safeParse(value);
  if (data === undefined) return null;
  const event = data['event-data'];
  const judged = judge(event);
  if (judged === null || event.recipient === undefined) return [];
  const id = event.message?.headers?.['message-id'];
  return [
    {
      source: 'mailgun',
      ...judged,
      addresses: [event.recipient],
      traces: {
        returnPaths: event.envelope?.sender === undefined ? [] : [event.envelope.sender],
        // Mailgun leaves the angle brackets out.
        messageIds: id !== undefined && /^[^<>\s]{3,250}$/.test(id) ? [`<${id}>`] : [],
      },
      identity: event.id ?? null,
    },
  ];
}

function judge(event: Event): Pick<Report, 'kind' | 'reason' | 'status' | 'diagnostic'> | null {
  const { code, message = '', description = '', 'enhanced-code': enhanced } = event['delivery-status'] ?? {};
  const words = message === '' ? description : message;
  // The message often lacks the code that stands beside it.
  const quoted = /^[45]\d\d/.test(words) || !/^[45]\d\d$/.test(String(code ?? '')) ? words : `${code} ${words}`;
  const diagnostic = onOneLine(quoted);
  const status = enhanced !== undefined && /^[245]\.\d{1,3}\.\d{1,3}$/.test(enhanced) ? enhanced : null;
  switch (event.event) {
    case 'delivered':
      return { kind: 'delivered', reason: null, status: null, diagnostic };
    case 'complained':
      return { kind: 'complaint', reason: 'complaint', status: null, diagnostic };
    case 'rejected':
      return { kind: 'block', reason: 'policy', status: null, diagnostic: onOneLine(event.reason ?? diagnostic) };
    case 'failed':
      return { ...judgeFailed(event, { status, diagnostic }), diagnostic };
    default:
      return null;
  }
}

function judgeFailed(
  { severity, reason = '' }: Event,
  said: { status: string | null; diagnostic: string },
): Pick<Report, 'kind' | 'reason' | 'status'> {
  // Mailgun goes on trying.
  if (severity !== 'permanent') return classify({ action: 'delayed', ...said });
  switch (reason) {
    // On one of Mailgun's lists, so that it did not go at all.
    case 'suppress-bounce':
    case 'suppress-complaint':
      return { kind: 'hard', reason: 'suppressed-by-provider', status: null };
    case 'suppress-unsubscribe':
      return { kind: 'hard', reason: 'unsubscribed-at-provider', status: null };
    case 'old': {
      // Tried for too long.
      const judged = classify({ action: 'failed', ...said });
      return judged.kind === 'hard' ? { ...judged, kind: 'soft' } : judged;
    }
    default:
      return classify({ action: 'failed', ...said, isPermanent: true });
  }
}

/** The signature beside an event; null when there is none. */
export function mailgunSignatureOf(value: unknown): MailgunSignature | null {
  return z.object({ signature: Signature }).safeParse(value).data?.signature ?? null;
}

/** How long Mailgun may go on repeating an event that could not be taken (eight hours), and some more. */
export const mailgunMemoryMs = 12 * 60 * 60_000;
/** Clocks differ. */
const futureMs = 15 * 60_000;

/**
 * Whether Mailgun made a signature, lately.
 * @param key MAILGUN_SIGNING_KEY
 */
export function isSignedByMailgun(key: string, signature: MailgunSignature, now: Date): boolean {
  const timestamp = String(signature.timestamp);
  const age = now.getTime() - Number(timestamp) * 1_000;
  if (age > mailgunMemoryMs || age < -futureMs) return false;
  const made = createHmac('sha256', key).update(timestamp).update(signature.token).digest();
  return timingSafeEqual(made, Buffer.from(signature.signature, 'hex'));
}
