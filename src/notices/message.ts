import type { Config } from '../config.js';
import { type PreparedMessage, prepareMessage, type RenderedMail } from '../mail/message.js';

/** A rendered notice as a message for any number of recipients; a test is made by the same call. */
export function prepareNotice(
  rendered: RenderedMail,
  { mailFrom, mailReplyTo, publicUrl }: Pick<Config, 'mailFrom' | 'mailReplyTo' | 'publicUrl'>,
): Promise<PreparedMessage> {
  return prepareMessage(rendered, {
    from: mailFrom,
    ...(mailReplyTo === null ? {} : { replyTo: mailReplyTo }),
    list: { publicUrl },
  });
}
