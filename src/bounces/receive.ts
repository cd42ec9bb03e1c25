import type { Actor } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import { transaction } from '../database/transaction.js';
import { findBounced, markBounced } from '../deliveries/bounced.js';
import { meaningOf } from '../deliveries/outcome.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { parseAddress } from '../mail/address.js';
import { emailHash } from '../subscribers/tokens.js';
import { type Dsn, type DsnRecipient, parseDsn } from './dsn.js';
import { suppressDeadAddresses } from './hard-bounce.js';
import { lockOwner } from './queries.js';

export interface BounceResult {
  /**
   * - `bounced`: the mail came back; `suppressed` says whether nothing more goes there.
   * - `noted`: it says that the mail is only late, or has arrived: nothing was changed.
   * - `known`: this was reported before.
   * - `unmatched`: no mail of ours.
   */
  outcome: 'bounced' | 'noted' | 'known' | 'unmatched';
  delivery: number | null;
  suppressed: boolean;
}

/** What a DSN of each kind means; the rest of the meanings is no fault of the mailbox. */
const dead = ['mailbox-unknown', 'mailbox-disabled', 'domain-unknown', 'address-invalid'];

/**
 * Takes a delivery status notification (RFC 3464): a mail that the relay had taken came back later.
 * A mailbox that does not exist is not mailed again; a full one, a blocked sender or "still trying"
 * takes nobody off the list.
 * @param contentType of the body: `message/rfc822` or `text/plain` for the whole notification as it
 *   arrived by mail, or `multipart/report; boundary=…` for its body alone
 * @returns one result for each recipient that it names
 * @throws Refusal `bounce.unreadable` for what is no such notification
 */
export async function receiveBounce(
  deps: Pick<Deps, 'db' | 'config' | 'now'>,
  contentType: string,
  body: Buffer,
  actor: Actor,
): Promise<BounceResult[]> {
  const dsn = await readDsn(contentType, body);
  const results: BounceResult[] = [];
  for (const recipient of dsn.recipients) results.push(await book(deps, dsn, recipient, actor));
  return results;
}

async function readDsn(contentType: string, body: Buffer): Promise<Dsn> {
  // The header goes into the source of a message: no line break may come with it.
  const type = contentType.replace(/[\r\n]/g, ' ').trim();
  const isBodyAlone = /^multipart\/report\b/i.test(type);
  const source = isBodyAlone ? Buffer.concat([Buffer.from(`Content-Type: ${type}\r\n\r\n`), body]) : body;
  const isMail = isBodyAlone || /^(?:message\/rfc822|text\/plain|application\/octet-stream)\b/i.test(type);
  const dsn = isMail ? await parseDsn(source).catch(() => null) : null;
  if (dsn !== null) return dsn;
  throw new Refusal(
    'bounce.unreadable',
    'This is no delivery status notification (RFC 3464): send the whole notification as message/rfc822.',
  );
}

async function book(
  deps: Pick<Deps, 'db' | 'config' | 'now'>,
  dsn: Dsn,
  recipient: DsnRecipient,
  actor: Actor,
): Promise<BounceResult> {
  const recipientHashes = recipient.addresses.flatMap((text) => {
    const address = parseAddress(text);
    return address === null ? [] : [emailHash(deps.config.secretKeys, address.key)];
  });
  // With several recipients the Message-ID alone does not tell whose mail it was (ours have one each).
  const messageId = dsn.recipients.length === 1 || recipientHashes.length === 0 ? dsn.messageId : null;
  const delivery = await findBounced(deps.db, { messageId, recipientHashes });
  if (delivery === null) return { outcome: 'unmatched', delivery: null, suppressed: false };
  if (recipient.action !== 'failed') return { outcome: 'noted', delivery: delivery.id, suppressed: false };

  const { diagnostic, status } = recipient;
  const code = Number(/^\s*(\d{3})\b/.exec(diagnostic)?.[1] ?? Number.NaN);
  // A failure that began as a temporary fault (4.4.7: given up after days) says nothing final of the mailbox.
  const isFinal = status === null ? code >= 500 : status.startsWith('5');
  const meaning = meaningOf({
    stage: 'rcpt',
    code: Number.isNaN(code) ? (isFinal ? 550 : 450) : code,
    enhanced: status,
    response: diagnostic,
  });
  const suppress = isFinal && dead.includes(meaning);
  const at = deps.now();
  return transaction(deps.db, async (tx) => {
    // The person before their deliveries, as everybody locks them.
    if (delivery.subscriberId !== null) await lockOwner(tx, delivery.subscriberId, delivery.recipientHash);
    if (!(await markBounced(tx, delivery.id, { reason: meaning, response: diagnostic, at }))) {
      return { outcome: 'known', delivery: delivery.id, suppressed: false };
    }
    if (suppress) await suppressDeadAddresses(tx, [{ ...delivery, reason: meaning, at }]);
    await recordAudit(tx, {
      at,
      actor,
      action: 'delivery.bounced',
      subject: `delivery ${delivery.id}`,
      detail: { reason: meaning, status, suppressed: suppress },
    });
    return { outcome: 'bounced', delivery: delivery.id, suppressed: suppress };
  });
}
