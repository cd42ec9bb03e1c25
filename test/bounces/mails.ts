import type pg from 'pg';
import { addSubscribers, start } from '../deliveries/make.js';

/*
 * Mails as they arrive where bounces go, and what they are about.
 */

/** A letter that the relay took to each of `p1@example.org`, …; see `messageIdOf`. */
export async function addSentLetters(pool: pg.Pool, count: number): Promise<void> {
  await addSubscribers(
    pool,
    Array.from({ length: count }, (_, n) => ({ email: `p${n + 1}@example.org` })),
  );
  await pool.query(
    `insert into deliveries (kind, subscriber_id, email, recipient_hash, locale, priority, state, attempts,
        due_at, message_id, response, created_at, sent_at, settled_at)
     select 'welcome', id, email, email_hash, 'en', 0, 'sent', 1,
        $1, '<' || substring(email from '[0-9]+') || $2, '250 taken', $1, $1, $1
     from subscribers order by id`,
    [start, messageIdEnd],
  );
}

const messageIdEnd = `.${'0'.repeat(32)}@example.org>`;

/** The Message-ID of the letter to `pN@example.org`. */
export const messageIdOf = (n: number) => `<${n}${messageIdEnd}`;

export interface ReportOptions {
  /** Where the report is sent to; what stands in its `To`. */
  to?: string;
  /** The recipient that it names. */
  recipient?: string;
  action?: string;
  status?: string;
  diagnostic?: string;
  /** Of the mail that came back; null: it is not in the report. */
  messageId?: string | null;
  subject?: string;
  /** Further headers, each with its line break. */
  headers?: string;
  /** So many bytes of the mail that came back. */
  returned?: number;
}

/** A delivery status notification (RFC 3464), with LF. */
export function report(options: ReportOptions = {}): string {
  const {
    to = 'notices@localhost',
    recipient = 'ann@example.org',
    action = 'failed',
    status = '5.1.1',
    diagnostic = 'smtp; 550 5.1.1 no such user',
    messageId = null,
    subject = 'Undelivered Mail Returned to Sender',
    headers = '',
    returned = 0,
  } = options;
  const line = 'The whole mail that came back stands here, line by line.\n';
  const body = returned === 0 ? '' : line.repeat(Math.ceil(returned / line.length));
  return `${headers}Return-Path: <>
Date: Mon,  4 Jan 2027 10:00:00 +0000 (UTC)
From: Mail Delivery System <MAILER-DAEMON@mx.example.net>
Subject: ${subject}
To: ${to}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"
Message-Id: <20270104100000.${subject.length}@mx.example.net>

--b1
Content-Type: text/plain; charset=us-ascii

Your message could not be delivered.

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; ${recipient}
Action: ${action}
Status: ${status}
Remote-MTA: dns; mail.example.org
Diagnostic-Code: ${diagnostic}

--b1
Content-Type: message/rfc822

From: Notices <notices@localhost>
Subject: A change
${messageId === null ? 'X-Nothing: here' : `Message-ID: ${messageId}`}

${body}
--b1--
`;
}

/** What a person writes who pressed "reply". */
export function humanReply(options: { to?: string; subject?: string; bytes?: number } = {}): string {
  const { to = 'notices@localhost', subject = 'Re: Changes to our sub-processors', bytes = 0 } = options;
  const line = 'We have a question about this vendor; who can answer it?\n';
  return `From: Cleo Client <cleo@client.example>
To: ${to}
Subject: ${subject}
Date: Mon, 4 Jan 2027 11:00:00 +0000
Message-ID: <reply-${subject.length}@client.example>
In-Reply-To: <m1@example.org>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

${line.repeat(Math.max(1, Math.ceil(bytes / line.length)))}
`;
}
