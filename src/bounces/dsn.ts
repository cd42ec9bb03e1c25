import { classify } from './classify.js';
import { addressesIn, type Headers, type MailSource, messageIdsIn, returnedHeaders } from './mail-source.js';
import { mostRecipients, onOneLine, type Report } from './report.js';

/*
 * PURE. Reads a delivery status notification: multipart/report (RFC 6522) with message/delivery-status
 * (RFC 3464; RFC 6533 for addresses beyond ASCII). Nothing is concluded from the subject or the prose,
 * which each mail system words anew.
 */

const statusTypes = ['message/delivery-status', 'message/global-delivery-status'];

/** Whether a mail has a part for programs; its prose is not consulted then. */
export function hasStatus(mail: MailSource): boolean {
  return mail.parts.some(({ type }) => statusTypes.includes(type));
}

/** One report for each recipient that a notification names; none when it is no notification. */
export function readDsn(mail: MailSource): Report[] {
  const part = mail.parts.find(({ type }) => statusTypes.includes(type));
  if (part === undefined) return [];
  const { envelopeId, recipients } = readStatus(part.content.toString('utf8'));
  const traces = tracesOf(mail, returnedHeaders(mail), envelopeId);
  return recipients.map(({ action, status, addresses, diagnostic }) => ({
    source: 'dsn',
    ...classify({ action, status, diagnostic, isPermanent: action === 'failed' }),
    diagnostic,
    addresses,
    traces,
    identity: identityOf(mail),
  }));
}

/** Where a report says which mail it is about: its own addresses, and the headers that came back. */
export function tracesOf(mail: MailSource, returned: Headers | null, envelopeId: string[] = []) {
  return {
    returnPaths: [
      ...addressesIn(mail.headers, ...recipientHeaders),
      ...envelopeId,
      ...addressesIn(returned, 'return-path', 'x-envelope-from', 'sender', 'errors-to'),
    ],
    messageIds: [
      ...messageIdsIn(returned, 'message-id', 'x-original-message-id', 'x-google-original-message-id'),
      ...messageIdsIn(mail.headers, 'in-reply-to', 'references'),
    ],
  };
}

/** Where mail systems keep whom a mail was sent to; in `Received` it stands behind "for". */
const recipientHeaders = [
  'delivered-to',
  'x-delivered-to',
  'x-original-to',
  'original-recipient',
  'envelope-to',
  'x-envelope-to',
  'x-rcpt-to',
  'apparently-to',
  'resent-to',
  'to',
  'cc',
  'received',
];

/** The Message-ID of the report itself. */
export function identityOf(mail: MailSource): string | null {
  return messageIdsIn(mail.headers, 'message-id')[0] ?? null;
}

interface StatusRecipient {
  action: string;
  status: string | null;
  addresses: string[];
  diagnostic: string;
}

type Fields = Map<string, string>;

/** Fields that belong to one recipient and stand once in its group. */
const ofRecipient = ['original-recipient', 'final-recipient', 'action', 'status'];

export function readStatus(text: string): { envelopeId: string[]; recipients: StatusRecipient[] } {
  const groups = readGroups(text);
  const envelopeId = groups
    .map((fields) => fields.get('original-envelope-id'))
    .filter((id) => id !== undefined)
    .slice(0, 5);
  return { envelopeId, recipients: groups.flatMap(readRecipient).slice(0, mostRecipients) };
}

/**
 * Groups of fields: one about the message, one about each recipient. Empty lines should tell them apart
 * and do not: some systems leave them out, others put one behind every field. So a group ends where a
 * field comes again, or where an empty line stands before another recipient.
 */
function readGroups(text: string): Fields[] {
  const lines = text
    .replace(/\r\n?/g, '\n')
    .replace(/\n[ \t]+(?=\S)/g, ' ')
    .split('\n');
  let group: Fields = new Map();
  const groups = [group];
  let afterGap = false;
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0)).trim().toLowerCase();
    if (name === '') {
      afterGap = true;
      continue;
    }
    const isRepeated = ofRecipient.includes(name) && group.has(name);
    const isNext = afterGap && name.endsWith('-recipient') && group.has('action') && namesRecipient(group);
    if (isRepeated || isNext) {
      group = new Map();
      groups.push(group);
    }
    if (!group.has(name)) group.set(name, line.slice(colon + 1).trim());
    afterGap = false;
  }
  return groups;
}

function namesRecipient(fields: Fields): boolean {
  return fields.has('final-recipient') || fields.has('original-recipient');
}

function readRecipient(fields: Fields): StatusRecipient[] {
  if (!namesRecipient(fields)) return [];
  // Comments in brackets are allowed and used: "Failed (permanent)", "5.1.1 (bad destination mailbox)".
  const status = /(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])/.exec(fields.get('status') ?? '')?.[1] ?? null;
  const action = fields
    .get('action')
    ?.toLowerCase()
    .split(/[\s(;]/)[0];
  if (action === undefined || !['failed', 'delayed', 'delivered', 'relayed', 'expanded'].includes(action)) return [];
  const diagnostic = afterType(fields.get('diagnostic-code')) ?? fields.get('status') ?? action;
  const addresses = ['original-recipient', 'final-recipient', 'x-actual-recipient']
    .map((name) => addressOf(fields.get(name)))
    .filter((address) => address !== null);
  return [{ action, status, addresses: [...new Set(addresses)], diagnostic: onOneLine(diagnostic) }];
}

/** "rfc822; ann@example.org" → the address; the "utf-8" type writes letters beyond ASCII as \x{F6}. */
function addressOf(typed: string | undefined): string | null {
  const value = afterType(typed)?.replace(/^<(.*)>$/, '$1');
  if (value?.includes('@') !== true) return null;
  return value.replace(/\\x\{([0-9a-f]{1,6})\}/gi, (whole, hex: string) => {
    const point = Number.parseInt(hex, 16);
    return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
  });
}

/** "smtp; 550 5.1.1 no such user" → the part behind the type. */
function afterType(typed: string | undefined): string | undefined {
  if (typed === undefined) return undefined;
  const value = /^[\w-]{1,40}[ \t]*;/.test(typed) ? typed.slice(typed.indexOf(';') + 1).trim() : typed.trim();
  return value === '' ? undefined : value;
}
