import { meaningOf } from '../deliveries/outcome.js';
import type { Meaning } from '../deliveries/reply-rules.js';
import type { ReportKind } from './report.js';

/*
 * PURE. What a report of a mail system means. The words are judged by the same rules as the answers of
 * the relay (deliveries/reply-rules.ts): a mailbox that does not exist is told the same way in both.
 */

export interface Verdict {
  kind: ReportKind;
  reason: string | null;
  status: string | null;
}

/** An enhanced status code (RFC 3463) in a text; not part of a longer number such as an IP address. */
const statusCode = /(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)/;
/** An SMTP code at the beginning of a reply, or where somebody quotes one. */
const replyCode = /(?:^|[^\w.])([45][0-5]\d)(?=[\s-]|$)/;

/**
 * Judges what a report says of one recipient.
 * @param said.action `failed`, `delayed`, `delivered`, `relayed` or `expanded` (RFC 3464, 2.3.3)
 * @param said.status the status that the report gives, if any
 * @param said.diagnostic the remote mail system's words
 * @param said.isPermanent what the reporter says itself of a failure without any code
 */
export function classify(said: {
  action: string;
  status: string | null;
  diagnostic: string;
  isPermanent?: boolean;
}): Verdict {
  const { action, diagnostic } = said;
  // Who passes a reply on often says 5.0.0 of it; the words of the mail system itself are better.
  const status = statusCode.exec(diagnostic)?.[1] ?? said.status;
  if (action === 'delivered' || action === 'relayed' || action === 'expanded') {
    return { kind: 'delivered', reason: null, status };
  }
  const code = codeOf(diagnostic);
  // A failure that began as a temporary fault (4.4.7: given up after days) says nothing final of the mailbox.
  const isFinal =
    status === null ? (code === null ? (said.isPermanent ?? false) : code >= 500) : status.startsWith('5');
  const fitting = code !== null && code >= 500 === isFinal ? code : isFinal ? 550 : 450;
  const reason = meaningOf({ stage: 'rcpt', code: fitting, enhanced: status, response: diagnostic });
  if (action !== 'failed') return { kind: 'delayed', reason, status };
  const kind = kindOf(reason);
  return { kind: kind === 'hard' && !isFinal ? 'soft' : kind, reason, status };
}

/** What a failure for that reason says of the mailbox. */
export function kindOf(meaning: Meaning): 'hard' | 'soft' | 'block' {
  switch (meaning) {
    case 'mailbox-unknown':
    case 'mailbox-disabled':
    case 'domain-unknown':
    case 'address-invalid':
      return 'hard';
    case 'mailbox-full':
    case 'domain-unreachable':
    case 'greylisted':
    case 'refused':
      return 'soft';
    case 'policy':
    case 'throttled':
    case 'too-large':
    case 'relaying-denied':
    case 'sender-refused':
    case 'dialogue':
      return 'block';
  }
}

function codeOf(diagnostic: string): number | null {
  const found = replyCode.exec(diagnostic)?.[1];
  return found === undefined ? null : Number(found);
}
