import { visitorActor } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import { type Tx, transaction } from '../database/transaction.js';
import { enqueueLetter } from '../deliveries/enqueue.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { type Address, parseAddress } from '../mail/address.js';
import { type ConfirmDetail, type Details, readCompany, readServices, settleLocale } from './details.js';
import { enqueueLinkedLetter, mayWriteByForm } from './form-letters.js';
import { insertEvent, insertPending, lockSubscriberOf, type NewSubscriber, type Subscriber } from './queries.js';
import { clientHash, emailHash } from './tokens.js';

export interface SubscribeRequest {
  email: string;
  company?: string | undefined;
  /** What was asked for; one that is not offered becomes the nearest that is. */
  locale: string;
  services?: string[] | undefined;
  /** Ids of the services in the list in force; null while none is published. */
  knownServices: readonly string[] | null;
  via: 'form' | 'api';
  /** From the cookie of the browser that sent the form: there the link of the mail confirms at once. */
  browserNonce?: string | undefined;
  ip: string;
  /** What the person read when they asked: the text of consent itself, or its version (GDPR Art. 7(1)). */
  wording: string;
}

/**
 * Somebody, nobody knows who, asks for an address to be told. The outcome is the same for every
 * well-formed address; what happens is between us and the mailbox:
 *
 * | the address is | what happens |
 * | --- | --- |
 * | new | a pending subscriber and a confirmation letter |
 * | pending | another confirmation letter; the earlier link stays good |
 * | unsubscribed, bounced or complained | it stays that; a confirmation letter, since confirming is the way back |
 * | confirmed | a letter with the link to their preferences |
 *
 * Letters are limited by whom they reach (`limits.ts`); past a limit nothing happens at all. A stranger
 * changes nothing: what the form says of somebody who is here already waits in the link until they
 * confirm. Everything is one transaction, and the mail goes by the outbox, so the time of the answer
 * tells little and no crash leaves a person waiting for a letter that nobody will send.
 *
 * @throws Refusal `address.invalid` (path `email`), `input.invalid` (`company`, `services`)
 */
export async function subscribe(
  deps: Pick<Deps, 'db' | 'config' | 'now' | 'texts' | 'log'>,
  request: SubscribeRequest,
): Promise<void> {
  const address = readAddress(request.email);
  const details: Details = {
    company: readCompany(request.company),
    locale: settleLocale(deps.texts, request.locale),
    services: readServices(request.services, request.knownServices),
  };
  const keys = deps.config.secretKeys;
  const at = deps.now();
  const evidence = {
    via: request.via,
    wording: request.wording.slice(0, 2_000),
    locale: details.locale,
    client: clientHash(keys, request.ip),
    requestedAt: at.toISOString(),
  };
  const detail: ConfirmDetail = { ...details, evidence };

  await transaction(deps.db, async (tx) => {
    const emailKey = address.key;
    const recipient = { email: address.address, emailKey, emailHash: emailHash(keys, emailKey) };
    if (!(await mayWriteByForm(tx, deps, recipient, at))) return;

    const { subscriber, isNew } = await holdSubscriber(tx, { ...recipient, ...details, at });
    const kind = isNew ? 'requested' : 'repeated';
    await insertEvent(tx, { subscriberId: subscriber.id, at, kind, detail: evidence });
    await recordAudit(tx, {
      at,
      actor: visitorActor,
      action: `subscriber.${kind}`,
      subject: `subscriber ${subscriber.id}`,
      detail: { via: request.via },
    });
    if (subscriber.status === 'confirmed' && subscriber.suppression === null) {
      await remindOfSubscription(tx, subscriber, at);
    } else {
      await enqueueLinkedLetter(tx, keys, {
        kind: 'confirmation',
        purpose: 'confirm',
        subscriberId: subscriber.id,
        email: subscriber.email,
        recipientHash: subscriber.emailHash,
        locale: details.locale,
        detail,
        browserNonce: request.browserNonce,
        at,
      });
    }
  });
}

/**
 * @throws Refusal `address.invalid` with path `email`, which says nothing of who is on the list
 */
export function readAddress(text: string): Address {
  const address = parseAddress(text);
  if (address !== null) return address;
  const message = 'must be one plain e-mail address, such as privacy@example.org';
  throw new Refusal('address.invalid', `email ${message}`, [{ path: 'email', message }]);
}

/** The locked row of the address, made if need be. */
async function holdSubscriber(tx: Tx, wanted: NewSubscriber): Promise<{ subscriber: Subscriber; isNew: boolean }> {
  for (;;) {
    const added = await insertPending(tx, wanted);
    const subscriber = await lockSubscriberOf(tx, wanted.emailKey);
    // Erased or purged between the two statements: it is new, then.
    if (subscriber !== null) return { subscriber, isNew: added !== null };
  }
}

async function remindOfSubscription(tx: Tx, subscriber: Subscriber, at: Date): Promise<void> {
  await enqueueLetter(tx, {
    kind: 'already-subscribed',
    subscriberId: subscriber.id,
    email: subscriber.email,
    recipientHash: subscriber.emailHash,
    locale: subscriber.locale,
    params: {},
    at,
  });
}
