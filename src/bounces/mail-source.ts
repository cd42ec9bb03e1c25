import { simpleParser } from 'mailparser';

/*
 * PURE. A mail taken apart as far as reports need it.
 */

export interface MailSource {
  headers: Headers;
  /** Media type of the whole, such as `multipart/report; report-type=delivery-status`, in lower case. */
  type: string;
  /** What people read of it, without the markup. */
  text: string;
  /** Parts that are no text for people. */
  parts: { type: string; content: Buffer }[];
}

/** Header fields by their name in lower case, in their order. */
export type Headers = ReadonlyMap<string, readonly string[]>;

/**
 * @param source the whole mail, headers included
 * @returns null for what is no mail, or one nested and cut up beyond reason
 */
export async function readMailSource(source: Buffer): Promise<MailSource | null> {
  // Without the first option the status would be melted into the text.
  const options = { keepDeliveryStatus: true, skipHtmlToText: true, skipTextToHtml: true, skipImageLinks: true };
  const mail = await simpleParser(source, options).catch(() => null);
  if (mail === null) return null;
  const lines = readHeaders(mail.headerLines.map(({ line }) => line).join('\n'));
  if (!ofMails.some((name) => lines.has(name))) return null;
  // The one field that is read as people read it (RFC 2047).
  const headers = mail.subject === undefined ? lines : new Map([...lines, ['subject', [mail.subject]]]);
  const html = typeof mail.html === 'string' ? withoutMarkup(mail.html) : '';
  return {
    headers,
    type: (headers.get('content-type')?.[0] ?? 'text/plain').toLowerCase(),
    text: mail.text === undefined || mail.text.trim() === '' ? html : mail.text,
    // Of a damaged part the type is `false`, whatever is declared.
    parts: mail.attachments.map(({ contentType, content }) => ({ type: String(contentType).toLowerCase(), content })),
  };
}

/** A text without one of them is no mail, whatever else it is. */
const ofMails = ['from', 'to', 'date', 'subject', 'message-id', 'received', 'return-path', 'content-type'];

/** The fields of a block of headers; whatever is no field is left out. */
export function readHeaders(block: string): Headers {
  const fields = new Map<string, string[]>();
  const unfolded = block.replace(/\r\n?/g, '\n').replace(/\n[ \t]+/g, ' ');
  for (const line of unfolded.split('\n')) {
    const name = /^([!-9;-~]+)[ \t]*:/.exec(line)?.[1]?.toLowerCase();
    if (name === undefined) continue;
    const value = line.slice(line.indexOf(':') + 1).trim();
    const values = fields.get(name);
    if (values === undefined) fields.set(name, [value]);
    else values.push(value);
  }
  return fields;
}

/** The headers of the mail that came back, whole or cut; null when none came. */
export function returnedHeaders(mail: MailSource): Headers | null {
  const part = mail.parts.find(({ type }) => returnedTypes.includes(type));
  return part === undefined ? null : readHeaders(headersOf(part.content.toString('utf8')));
}

const returnedTypes = [
  'message/rfc822',
  'text/rfc822-headers',
  'text/rfc822',
  // RFC 6532 and 6533, for addresses beyond ASCII.
  'message/global',
  'message/global-headers',
];

/** What stands before the first empty line. */
export function headersOf(message: string): string {
  const text = message.replace(/^(?:[ \t]*\r?\n)+/, '');
  const end = text.search(/\r?\n\r?\n/);
  return end < 0 ? text : text.slice(0, end);
}

/** Every Message-ID that stands in the named fields. */
export function messageIdsIn(headers: Headers | null, ...names: string[]): string[] {
  const text = names.flatMap((name) => headers?.get(name) ?? []).join(' ');
  return [...text.matchAll(/<[^<>\s]{3,250}>/g)].map(([id]) => id).slice(0, 20);
}

/** The addresses in the named fields, without telling names from comments: for tokens, not for people. */
export function addressesIn(headers: Headers | null, ...names: string[]): string[] {
  const text = names.flatMap((name) => headers?.get(name) ?? []).join(' ');
  return [...text.slice(0, 20_000).matchAll(/[^\s<>()",;:]{1,250}@[^\s<>()",;:]{1,255}/g)]
    .map(([address]) => address)
    .slice(0, 50);
}

function withoutMarkup(html: string): string {
  return withoutUnseen(html.slice(0, 200_000))
    .replace(/\r?\n/g, ' ')
    .replace(/<br\b[^<>]{0,500}>|<\/(?:p|div|tr|td|th|table|h\d|li|ul|pre|blockquote)\s{0,9}>/gi, '\n')
    .replace(/<[^<>]{0,5000}>/g, '')
    .replace(/&nbsp;/gi, ' ')
    .replace(/&lt;/gi, '<')
    .replace(/&gt;/gi, '>')
    .replace(/&quot;/gi, '"')
    .replace(/&#39;|&apos;/gi, "'")
    .replace(/&#64;/g, '@')
    .replace(/&amp;/gi, '&')
    .replace(/[ \t]+/g, ' ')
    .replace(/^ | $/gm, '');
}

/** Takes out what nobody reads; one that does not end hides all the rest, as in a browser. */
function withoutUnseen(html: string): string {
  const lower = html.toLowerCase();
  const opening = /<(style|script|head|title)\b|<!--/g;
  let seen = '';
  let from = 0;
  for (let found = opening.exec(lower); found !== null; found = opening.exec(lower)) {
    seen += html.slice(from, found.index);
    const end = found[1] === undefined ? '-->' : `</${found[1]}`;
    const at = lower.indexOf(end, found.index);
    if (at < 0) return seen;
    from = at + end.length;
    // What is left of a closing tag goes with the markup.
    if (found[1] !== undefined) seen += '<';
    opening.lastIndex = from;
  }
  return seen + html.slice(from);
}
