import { recordAudit } from '../audit/record.js';
import type { Db } from '../database/query.js';
import { transaction } from '../database/transaction.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { maskAddress } from '../mail/address.js';
import { readServices, type SubscriberKind, settleLocale, type ToldOf } from './details.js';
import {
  findSubscriber,
  insertEvent,
  lockSubscriber,
  type Status,
  type Subscriber,
  setPreferences,
} from './queries.js';
import { type LinkPurpose, readLink } from './tokens.js';

export interface Preferences {
  /** Masked: mails get forwarded. */
  address: string;
  status: Status;
  locale: string;
  /** Null: every service. */
  services: string[] | null;
  toldOf: ToldOf;
  kind: SubscriberKind;
}

/**
 * What the preferences page shows; reads only.
 * @returns null when the link is ours and the person has been erased since
 * @throws Refusal `token.unknown`
 */
export async function readPreferences(deps: Pick<Deps, 'db' | 'config'>, token: string): Promise<Preferences | null> {
  const subscriber = await subscriberOfLink(deps.db, deps.config.secretKeys, 'preferences', token);
  if (subscriber === null) return null;
  const { email, status, locale, services, toldOf, kind } = subscriber;
  return { address: maskAddress(email), status, locale, services, toldOf, kind };
}

/**
 * Changes language and scope. They hold from now on, also for a notice that is still queued: the
 * sender looks at them when the mail goes.
 *
 * @param wanted `services`: null for every one
 * @param knownServices ids of the list in force; null while none is published
 * @throws Refusal `token.unknown`, `input.invalid` with path `services`, `subscriber.missing` (erased)
 */
export async function savePreferences(
  deps: Pick<Deps, 'db' | 'config' | 'now' | 'texts'>,
  token: string,
  wanted: { locale: string; services: readonly string[] | null; toldOf: ToldOf },
  knownServices: readonly string[] | null,
): Promise<void> {
  const found = await subscriberOfLink(deps.db, deps.config.secretKeys, 'preferences', token);
  if (found === null) throw new Refusal('subscriber.missing', 'the person has been erased');
  const after = {
    locale: settleLocale(deps.texts, wanted.locale),
    services: readServices(wanted.services, knownServices),
    toldOf: wanted.toldOf,
  };
  const at = deps.now();
  await transaction(deps.db, async (tx) => {
    const subscriber = await lockSubscriber(tx, found.id);
    if (subscriber === null) throw new Refusal('subscriber.missing', 'the person has been erased');
    const { locale, services, toldOf } = subscriber;
    const before = { locale, services, toldOf };
    if (JSON.stringify(before) === JSON.stringify(after)) return;
    await setPreferences(tx, subscriber.id, after);
    await insertEvent(tx, { subscriberId: subscriber.id, at, kind: 'preferences', detail: { before, after } });
    await recordAudit(tx, {
      at,
      actor: { kind: 'subscriber', id: subscriber.id },
      action: 'subscriber.preferences',
      subject: `subscriber ${subscriber.id}`,
      detail: { before, after },
    });
  });
}

/**
 * The subscriber that a signed link names; null when the person has been erased.
 * @throws Refusal `token.unknown`
 */
export async function subscriberOfLink(
  db: Db,
  keys: readonly string[],
  purpose: Exclude<LinkPurpose, 'objection'>,
  token: string,
): Promise<Subscriber | null> {
  const id = readLink(keys, purpose, token);
  if (id === null) throw new Refusal('token.unknown', 'this link is not one of ours');
  return findSubscriber(db, id);
}
