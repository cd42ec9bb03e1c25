import { simpleParser } from 'mailparser';

/*
 * PURE. Reads a delivery status notification: multipart/report (RFC 6522) with message/delivery-status
 * (RFC 3464). Nothing is concluded from the subject or the prose, which each mail system words anew.
 */

export interface DsnRecipient {
  /** `failed`, `delayed`, `delivered`, `relayed` or `expanded`; lower case. */
  action: string;
  /** Such as `5.1.1` (RFC 3463); null when it is missing or malformed. */
  status: string | null;
  /** Original and final recipient, as far as they are mail addresses. */
  addresses: string[];
  /** What the remote mail system said: the diagnostic code without its type, else the status. */
  diagnostic: string;
}

export interface Dsn {
  recipients: DsnRecipient[];
  /** Message-ID of the mail that came back, with its angle brackets. */
  messageId: string | null;
}

const longest = 1_000;

/**
 * @param source the whole notification, headers included
 * @returns null when it is no delivery status notification
 */
export async function parseDsn(source: Buffer): Promise<Dsn | null> {
  // Without this option the status would be melted into the text.
  const mail = await simpleParser(source, { keepDeliveryStatus: true, skipHtmlToText: true, skipImageLinks: true });
  const status = mail.attachments.find(({ contentType }) => contentType === 'message/delivery-status');
  if (status === undefined) return null;
  const returned = mail.attachments.find(
    ({ contentType }) => contentType === 'message/rfc822' || contentType === 'text/rfc822-headers',
  );
  const [, ...groups] = readGroups(status.content.toString('utf8'));
  const recipients = groups.flatMap((fields) => readRecipient(fields));
  if (recipients.length === 0) return null;
  return { recipients, messageId: returned === undefined ? null : readMessageId(returned.content.toString('latin1')) };
}

/** Groups of headers, separated by empty lines: the first is about the message, each other about a recipient. */
function readGroups(text: string): Map<string, string>[] {
  const groups = text
    .replace(/\r\n?/g, '\n')
    .split(/\n[ \t]*(?:\n[ \t]*)+/)
    .map(readFields)
    .filter((fields) => fields.size > 0);
  // Some systems leave the empty line out, or the group about the message.
  const [first] = groups;
  return first !== undefined && isRecipient(first) ? [new Map(), ...groups] : groups;
}

function readFields(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.replace(/\n[ \t]+/g, ' ').split('\n')) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).trim().toLowerCase();
    if (colon > 0 && !fields.has(name)) fields.set(name, line.slice(colon + 1).trim());
  }
  return fields;
}

function isRecipient(fields: Map<string, string>): boolean {
  return fields.has('final-recipient') || fields.has('original-recipient');
}

function readRecipient(fields: Map<string, string>): DsnRecipient[] {
  const action = fields
    .get('action')
    ?.toLowerCase()
    .split(/[\s(;]/)[0];
  if (action === undefined || !isRecipient(fields)) return [];
  // Comments in brackets are allowed and used: "5.1.1 (bad destination mailbox address)".
  const status = /\b([245]\.\d{1,3}\.\d{1,3})\b/.exec(fields.get('status') ?? '')?.[1] ?? null;
  const diagnostic = afterType(fields.get('diagnostic-code')) ?? fields.get('status') ?? action;
  const addresses = ['original-recipient', 'final-recipient']
    .map((name) => afterType(fields.get(name))?.replace(/^<(.*)>$/, '$1'))
    .filter((address) => address?.includes('@') === true)
    .filter((address) => address !== undefined);
  return [{ action, status, addresses: [...new Set(addresses)], diagnostic: diagnostic.slice(0, longest) }];
}

/** "rfc822; ann@example.org" → the part behind the type. */
function afterType(typed: string | undefined): string | undefined {
  if (typed === undefined) return undefined;
  const value = typed.slice(typed.indexOf(';') + 1).trim();
  return value === '' ? undefined : value;
}

function readMessageId(headers: string): string | null {
  const end = headers.search(/\r?\n\r?\n/);
  const unfolded = (end < 0 ? headers : headers.slice(0, end)).replace(/\r?\n[ \t]+/g, ' ');
  return /^message-id:\s*(<[^<>\s]{3,250}>)/im.exec(unfolded)?.[1] ?? null;
}
