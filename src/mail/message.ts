import MailComposer from 'nodemailer/lib/mail-composer';
import { wrapQuotedPrintable } from './quoted-printable.js';
import { countSlots, cutAtSlots, type LinkSlot, type Slot, slotLength, slotMark, slotMarks } from './slots.js';

export { slottedLinks } from './slots.js';

/*
 * MIME. A message is composed once, by nodemailer, and filled for each recipient in microseconds:
 * composing each one anew reaches a tenth of what the relay takes.
 */

/** What `renderNotice` and `renderLetter` make. */
export interface RenderedMail {
  /** One line. */
  subject: string;
  html: string;
  text: string;
}

export interface MessageOptions {
  from: { name: string; address: string };
  /** A mailbox that is read; without it replies go to `from`. */
  replyTo?: string;
  /**
   * For notices and the welcome letter, which come because of a subscription: List-Id (RFC 2919),
   * List-Help and List-Archive (RFC 2369), List-Unsubscribe with one click (RFC 8058). Other letters
   * answer something that a person has just done and carry none.
   */
  list?: { publicUrl: string };
}

export interface PreparedMessage {
  /** The header, cut at its slots, whose values differ in length. */
  readonly header: readonly (string | { slot: Slot })[];
  /** From the empty line on: values are as long as the marks in whose place they are written. */
  readonly body: Buffer;
  readonly bodySlots: readonly { slot: LinkSlot; at: number }[];
}

/** Room for one message, filled again and again by whoever owns it; see `createScratch`. */
export interface Scratch {
  of: PreparedMessage | null;
  buffer: Buffer;
  /** Where the body begins; the header ends there. */
  bodyAt: number;
}

export interface Recipient {
  /** By the rule of `parseAddress`. */
  to: string;
  /** With its angle brackets; stored in the delivery, so that a repeat is the same message. */
  messageId: string;
  date: Date;
  /** Signed links for the slots that the message has; more than it has do no harm. */
  slots: Partial<Record<LinkSlot, string>>;
}

/**
 * Composes a message for any number of recipients.
 * @param rendered may hold slots (`slottedLinks`) in its HTML and text, each of which will be whole
 */
export async function prepareMessage(rendered: RenderedMail, options: MessageOptions): Promise<PreparedMessage> {
  const composed = await compose(rendered, options);
  const end = composed.indexOf('\r\n\r\n');
  const given = composed
    .slice(0, end)
    .replace(/\r\n[ \t]+/g, ' ')
    .split('\r\n');
  const headerOf = (name: string) => given.find((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`));
  const header = [
    fold(headerOf('From') ?? ''),
    `To: ${slotMark('to')}`,
    fold(headerOf('Subject') ?? 'Subject:'),
    `Date: ${slotMark('date')}`,
    `Message-ID: ${slotMark('messageId')}`,
    ...(options.replyTo === undefined ? [] : [`Reply-To: ${options.replyTo}`]),
    ...listHeaders(options),
    // RFC 3834: no vacation notice answers it.
    'Auto-Submitted: auto-generated',
    'MIME-Version: 1.0',
    fold(headerOf('Content-Type') ?? ''),
  ].join('\r\n');
  const body = `\r\n\r\n${wrapQuotedPrintable(composed.slice(end + 4), slotMarks)}`;
  checkMessage(header + body, countSlots(rendered.html) + countSlots(rendered.text) + countSlots(header));
  return { header: cutAtSlots(header), body: Buffer.from(body, 'ascii'), bodySlots: linksIn(body) };
}

/** Where the links of a body stand. */
function linksIn(body: string): { slot: LinkSlot; at: number }[] {
  let at = 0;
  return cutAtSlots(body).flatMap((piece) => {
    const from = at;
    at += typeof piece === 'string' ? piece.length : slotLength;
    if (typeof piece === 'string') return [];
    const { slot } = piece;
    if (slot === 'to' || slot === 'date' || slot === 'messageId') throw new Error(`${slot} stands in the body`);
    return [{ slot, at: from }];
  });
}

/** Longer than any header of ours; a longer one gets a buffer of its own. */
const headerRoom = 4_096;

/** Room in which messages are filled one after the other. */
export function createScratch(): Scratch {
  return { of: null, buffer: Buffer.alloc(0), bodyAt: 0 };
}

/**
 * The message for one recipient: CRLF, 7-bit (but for the To header of an address with a non-ASCII
 * local part, RFC 6532), lines of the body at most 76 long, none of them beginning with a dot.
 * @param scratch where to write it: the next recipient of the same message then costs the header and the
 *   links, not a copy of 30 kB. What is returned holds until the scratch is used again.
 */
export function fillMessage(
  prepared: PreparedMessage,
  recipient: Recipient,
  scratch: Scratch = createScratch(),
): Buffer {
  let header = '';
  for (const piece of prepared.header) header += typeof piece === 'string' ? piece : slotValue(piece.slot, recipient);
  const length = Buffer.byteLength(header);
  if (scratch.of !== prepared || scratch.bodyAt < length) {
    scratch.of = prepared;
    scratch.bodyAt = Math.max(headerRoom, length);
    scratch.buffer = Buffer.allocUnsafe(scratch.bodyAt + prepared.body.length);
    prepared.body.copy(scratch.buffer, scratch.bodyAt);
  }
  const { buffer, bodyAt } = scratch;
  buffer.write(header, bodyAt - length);
  for (const { slot, at } of prepared.bodySlots)
    buffer.write(slotValue(slot, recipient), bodyAt + at, slotLength, 'latin1');
  return buffer.subarray(bodyAt - length);
}

async function compose(rendered: RenderedMail, options: MessageOptions): Promise<string> {
  const node = new MailComposer({
    from: options.from,
    subject: oneLine(rendered.subject),
    text: cleanText(rendered.text),
    html: cleanText(rendered.html),
    // Always: a relay without 8BITMIME need not re-encode, and slots stay readable in it.
    encoding: 'quoted-printable',
    disableFileAccess: true,
    disableUrlAccess: true,
    newline: 'win',
  }).compile();
  return (await node.build()).toString('latin1');
}

function listHeaders({ from, list }: MessageOptions): string[] {
  if (!list) return [];
  const domain = from.address.slice(from.address.lastIndexOf('@') + 1);
  return [
    // Bound to the sender's domain, not to the host of the pages: it stays when those move.
    `List-Id: <sub-processors.${domain}>`,
    `List-Help: <${list.publicUrl}/subscribe>`,
    `List-Archive: <${list.publicUrl}/versions>`,
    // One HTTPS URI and not folded: folded ones have broken signatures and buttons.
    `List-Unsubscribe: <${list.publicUrl}/unsubscribe/${slotMark('unsubscribe')}>`,
    'List-Unsubscribe-Post: List-Unsubscribe=One-Click',
  ];
}

function slotValue(slot: Slot, recipient: Recipient): string {
  switch (slot) {
    case 'to':
      return headerSafe(recipient.to);
    case 'messageId':
      return headerSafe(recipient.messageId);
    case 'date':
      return recipient.date.toUTCString().replace('GMT', '+0000');
    default: {
      const token = recipient.slots[slot];
      if (token === undefined || token.length !== slotLength || !/^[\w-]+$/.test(token)) {
        throw new Error(`the message needs a ${slot} link of ${slotLength} characters`);
      }
      return token;
    }
  }
}

function headerSafe(value: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u0020\u007f,;]/.test(value)) throw new Error('a header value is malformed');
  return value;
}

function oneLine(text: string): string {
  return cleanText(text).replace(/\s+/g, ' ').trim();
}

/** Line ends as LF, without control characters: RFC 2045 has no place for a bare CR. */
function cleanText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  return text.replace(/\r\n?/g, '\n').replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, '');
}

/** RFC 5322, 2.1.1: lines of about 78, broken at spaces only (encoded words hold none). */
function fold(line: string): string {
  let folded = '';
  let width = 0;
  for (const word of line.split(' ')) {
    if (width > 0 && width + 1 + word.length > 76) {
      folded += `\r\n ${word}`;
      width = 1 + word.length;
    } else {
      folded += width > 0 ? ` ${word}` : word;
      width += (width > 0 ? 1 : 0) + word.length;
    }
  }
  return folded;
}

/** What would break at a relay or leave a link without its token is found here, before anything is sent. */
function checkMessage(message: string, slots: number): void {
  if (countSlots(message) !== slots) throw new Error('a slot was lost in the encoding');
  if (!/^[\t\r\n\u0020-\u007e]*$/.test(message)) throw new Error('the message is not 7-bit');
  if (message.split('\r\n').some((line) => line.length > 998 || /[\r\n]/.test(line))) {
    throw new Error('the message has a line that is too long or not ended by CRLF');
  }
  // quoted-printable.ts sees to it, and the sender takes it for granted.
  if (/^\./m.test(message)) throw new Error('a line of the message begins with a dot');
}
