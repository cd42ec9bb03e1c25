import { createPublicKey, verify } from 'node:crypto';
import { z } from 'zod';
import { classify } from './classify.js';
import { onOneLine, type Report } from './report.js';

/*
 * PURE. Reads and checks what SendGrid's event webhook sends: a list of events, signed as a whole.
 */

const text = z.string().max(100_000);
const optional = text.optional().catch(undefined);

const Event = z.object({
  event: text,
  email: optional,
  sg_event_id: optional,
  'smtp-id': optional,
  type: optional,
  status: optional,
  reason: optional,
  response: optional,
});
type Event = z.infer<typeof Event>;

/** Reports of what concerns the fate of mails; null for no list of events. */
export function readSendgrid(value: unknown): Report[] | null {
  const parsed = z.array(Event).max(20_000).safeParse(value);
  if (parsed.data === undefined) return null;
  return parsed.data.flatMap((event): Report[] => {
    const judged = judge(event);
    if (judged === null || event.email === undefined) return [];
    const id = event['smtp-id'];
    return [
      {
        source: 'sendgrid',
        ...judged,
        addresses: [event.email],
        // The Message-ID that the mail had when SendGrid got it.
        traces: { returnPaths: [], messageIds: id !== undefined && /^<[^<>\s]{3,250}>$/.test(id) ? [id] : [] },
        identity: event.sg_event_id ?? null,
      },
    ];
  });
}

function judge(event: Event): Pick<Report, 'kind' | 'reason' | 'status' | 'diagnostic'> | null {
  const diagnostic = onOneLine(event.reason ?? event.response ?? '');
  const status = event.status ?? null;
  switch (event.event) {
    case 'delivered':
      return { kind: 'delivered', reason: null, status: null, diagnostic };
    case 'deferred':
      return { ...classify({ action: 'delayed', status, diagnostic }), diagnostic };
    case 'bounce': {
      // SendGrid's own word for whether it is final; "blocked" is a refusal for this time.
      const isPermanent = event.type !== 'blocked';
      const said = classify({ action: 'failed', status, diagnostic, isPermanent });
      return { ...said, kind: said.kind === 'hard' && !isPermanent ? 'soft' : said.kind, diagnostic };
    }
    case 'dropped':
      return { ...judgeDropped(diagnostic), status: null, diagnostic };
    case 'spamreport':
      return { kind: 'complaint', reason: 'complaint', status: null, diagnostic };
    default:
      return null;
  }
}

/** It never left SendGrid: on one of its lists, or against one of its rules. */
function judgeDropped(reason: string): Pick<Report, 'kind' | 'reason'> {
  if (/bounced address|spam reporting address/i.test(reason)) return { kind: 'hard', reason: 'suppressed-by-provider' };
  if (/unsubscribed address/i.test(reason)) return { kind: 'hard', reason: 'unsubscribed-at-provider' };
  if (/^invalid$|invalid (?:email|address)/i.test(reason)) return { kind: 'hard', reason: 'address-invalid' };
  return { kind: 'block', reason: 'policy' };
}

/**
 * Whether SendGrid signed a body: ECDSA over the time stamp and the body as it came.
 * @param key SENDGRID_WEBHOOK_KEY
 */
export function isSignedBySendgrid(key: string, sent: { signature: string; timestamp: string; body: Buffer }): boolean {
  if (!/^\d{1,15}$/.test(sent.timestamp) || !/^[A-Za-z0-9+/]{40,200}={0,2}$/.test(sent.signature)) return false;
  const publicKey = createPublicKey({ key: Buffer.from(key, 'base64'), format: 'der', type: 'spki' });
  const signed = Buffer.concat([Buffer.from(sent.timestamp), sent.body]);
  return verify('sha256', signed, publicKey, Buffer.from(sent.signature, 'base64'));
}
