/*
 * PURE. What every source of reports is read into: what became of a mail after the relay had taken it.
 */

/**
 * - `hard`: nobody is there, and nobody will be. The address is not mailed again.
 * - `soft`: somebody may be there who cannot be reached now; counts (soft-rule.ts).
 * - `block`: it is about us: reputation, policy, size, our own settings. Says nothing of the mailbox.
 * - `complaint`: whoever got it marked it as spam.
 * - `auto-reply`: a machine answers for the mailbox (out of office, ticket system), so it works.
 * - `delayed`: still trying.
 * - `delivered`: the mail system of the recipient took it.
 * - `feedback`: a report of another sort, such as one about authentication; kept, and nothing follows.
 */
export const reportKinds = [
  'hard',
  'soft',
  'block',
  'complaint',
  'auto-reply',
  'delayed',
  'delivered',
  'feedback',
] as const;
export type ReportKind = (typeof reportKinds)[number];

/** Where a report comes from; `mail` is an automatic answer. */
export const reportSources = ['dsn', 'arf', 'mail', 'ses', 'postmark', 'sendgrid', 'mailgun'] as const;
export type ReportSource = (typeof reportSources)[number];

export interface Report {
  source: ReportSource;
  kind: ReportKind;
  /** Why, as a code such as `mailbox-unknown`; null when there is nothing to explain. */
  reason: string | null;
  /** Such as `5.1.1` (RFC 3463). */
  status: string | null;
  /** What the remote mail system said. Data of a stranger, may hold addresses. */
  diagnostic: string;
  /** Whom it is about, as far as it says so: mail addresses, the likeliest first. */
  addresses: string[];
  traces: Traces;
  /** What tells this report from every other of its source and survives a repeat; null: nothing does. */
  identity: string | null;
}

/** What may lead to the delivery, the surest first. */
export interface Traces {
  /** Addresses that may be the envelope sender of the mail, which carries the delivery's token. */
  returnPaths: string[];
  /** Message-IDs that may be ours, with their angle brackets. */
  messageIds: string[];
}

/** Longest text of a mail system that is kept. */
export const longestDiagnostic = 1_000;
/** More recipients than any report of one of our mails has; the rest is not looked at. */
export const mostRecipients = 50;

/** Words of a mail system on one line, without control characters. */
export function onOneLine(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cs}\s]+/gu, ' ')
    .trim()
    .slice(0, longestDiagnostic);
}
