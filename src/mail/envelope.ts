import { needsSmtpUtf8 } from './address.js';
import { type Reply, toReply } from './reply.js';
import type { Mail, Offers } from './session.js';

/*
 * PURE. The commands of a mail, and the bytes behind DATA.
 */

/** The answer for a mail that cannot be sent as it is, where the relay lacks what it needs; null: it can. */
export function refuseUnsent({ envelope, message }: Mail, { extensions, size }: Offers): Reply | null {
  if (needsSmtpUtf8(envelope.to) && !extensions.has('SMTPUTF8')) return withoutSmtpUtf8;
  if (size === null || message.length <= size) return null;
  return toReply('rejected', 'mail', `Message size larger than allowed ${size}`);
}

export const withoutSmtpUtf8: Reply = {
  outcome: 'rejected',
  stage: 'smtputf8',
  code: null,
  enhanced: null,
  response: 'The relay does not offer SMTPUTF8 (RFC 6531), without which this address cannot be written.',
};

export type Commands = readonly [mail: string, rcpt: string, data: string];

/** MAIL, RCPT and DATA, with the parameters that are needed and offered. */
export function commandsOf({ envelope: { from, to }, message }: Mail, { extensions }: Offers): Commands {
  const isUtf8 = needsSmtpUtf8(to) || needsSmtpUtf8(from);
  const utf8 = isUtf8 && extensions.has('SMTPUTF8') ? ' SMTPUTF8' : '';
  const body = isUtf8 && extensions.has('8BITMIME') ? ' BODY=8BITMIME' : '';
  const size = extensions.has('SIZE') ? ` SIZE=${message.length}` : '';
  return [`MAIL FROM:<${from}>${utf8}${body}${size}\r\n`, `RCPT TO:<${to}>\r\n`, 'DATA\r\n'];
}

const [lineFeed, dot] = [0x0a, 0x2e];

/** The message as it goes behind DATA: a line that begins with a dot gets another (RFC 5321, 4.5.2). */
export function stuffed(message: Buffer): Buffer {
  if (message[0] !== dot && message.indexOf('\n.', 0, 'latin1') < 0) return message;
  return Buffer.from(message.toString('latin1').replace(/(^|\n)\./g, '$1..'), 'latin1');
}

/** What ends a message behind DATA. */
export function endOf(message: Buffer): string {
  return message.length === 0 || message[message.length - 1] === lineFeed ? '.\r\n' : '\r\n.\r\n';
}
