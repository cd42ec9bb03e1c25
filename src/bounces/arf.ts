import { identityOf, tracesOf } from './dsn.js';
import { addressesIn, type Headers, type MailSource, readHeaders, returnedHeaders } from './mail-source.js';
import { onOneLine, type Report } from './report.js';

/*
 * PURE. Reads feedback of mailbox providers: multipart/report with message/feedback-report (RFC 5965),
 * and the older form of Outlook.com, which attaches the mail and names its recipient in a header.
 */

/** One report; null when it is no feedback. */
export function readFeedback(mail: MailSource): Report | null {
  const returned = returnedHeaders(mail);
  const part = mail.parts.find(({ type }) => type === 'message/feedback-report');
  const fields = part === undefined ? null : readHeaders(part.content.toString('utf8'));
  const type = fields?.get('feedback-type')?.[0]?.trim().toLowerCase() ?? null;
  const jmrp = returned?.get('x-hmxmroriginalrecipient') ?? [];
  if (type === null && (jmrp.length === 0 || !isJmrp(mail.headers))) return null;
  const kind = type === null ? 'abuse' : /^[a-z-]{1,40}$/.test(type) ? type : 'other';
  const traces = tracesOf(mail, returned);
  return {
    source: 'arf',
    kind: isComplaint(kind) ? 'complaint' : 'feedback',
    reason: isComplaint(kind) ? 'complaint' : `feedback-${kind}`,
    status: null,
    diagnostic: onOneLine(`${kind} ${fields?.get('user-agent')?.[0] ?? ''}`),
    addresses: [
      ...addressesIn(fields, 'original-rcpt-to', 'removal-recipient'),
      ...jmrp,
      ...addressesIn(returned, 'x-original-to', 'delivered-to', 'to'),
    ].slice(0, 5),
    traces: {
      ...traces,
      returnPaths: [...addressesIn(fields, 'original-mail-from', 'original-envelope-id'), ...traces.returnPaths],
    },
    identity: identityOf(mail),
  };
}

/** `opt-out` is not in the register any more, and says even more clearly that they want no mail. */
function isComplaint(type: string): boolean {
  return type === 'abuse' || type === 'opt-out' || type === 'opt-out-list';
}

function isJmrp(headers: Headers): boolean {
  return /@(?:[\w-]+\.)*(?:hotmail|outlook|microsoft)\.com>?\s*$/i.test(headers.get('from')?.[0] ?? '');
}
