import type { Content, DeliveryAtHand } from '../deliveries/delivery.js';
import type { Deps } from '../deps.js';
import { changesInScope } from '../list/scope.js';
import type { PreparedMessage } from '../mail/message.js';
import { renderNotice } from '../mail/notice.js';
import { slottedLinks } from '../mail/slots.js';
import { signLink } from '../subscribers/tokens.js';
import { together } from './along.js';
import { type NoticeFacts, selectNotice } from './content-queries.js';
import { prepareNotice } from './message.js';

/** A composed notice is about 30 kB, the facts behind one can be as large as two lists. */
const mostMessages = 100;
const mostNotices = 3;

/**
 * Makes the content of notices. A message is composed once for each notice, language, scope and reason, however
 * many get it and however many ask at the same moment; a recipient costs three signatures.
 */
export function createNoticeContent(
  deps: Pick<Deps, 'db' | 'config' | 'texts'>,
): (delivery: DeliveryAtHand) => Promise<Content | null> {
  const factsOf = createCache<number, NoticeFacts>(mostNotices);
  const messageOf = createCache<string, PreparedMessage>(mostMessages);
  const { config, db, texts } = deps;

  return async (delivery) => {
    const { id, noticeId, subscriberId, locale } = delivery;
    if (noticeId === null || subscriberId === null) return null;
    const facts = await factsOf(noticeId, () => selectNotice(db, noticeId));
    const scoped = scopeOf(facts, delivery.services);
    // Nothing in it is theirs: they have just chosen other services, and the sender was not told yet.
    if (scoped === null) return null;
    const { why } = delivery;
    const message = await messageOf(`${noticeId} ${locale} ${why} ${scoped.key}`, () =>
      compose(facts, scoped.changes, { locale, why }),
    );
    const keys = config.secretKeys;
    return {
      message,
      slots: {
        unsubscribe: signLink(keys, 'unsubscribe', subscriberId),
        preferences: signLink(keys, 'preferences', subscriberId),
        objection: signLink(keys, 'objection', id),
      },
    };
  };

  async function compose(
    facts: NoticeFacts,
    changes: NoticeFacts['changes'],
    { locale, why }: Pick<DeliveryAtHand, 'locale' | 'why'>,
  ): Promise<PreparedMessage> {
    const { version: number, kind, baseVersion, before, after, along, rest, ...version } = facts;
    const rendered = await renderNotice(
      {
        kind,
        ...together({ ...version, number }, changes, along),
        rest,
        baseVersion,
        changes,
        before,
        after,
        company: config.companyName,
        accent: config.look.accent,
        publicUrl: config.publicUrl,
        links: slottedLinks(config.publicUrl),
        why,
      },
      texts.for(locale),
    );
    return prepareNotice(rendered, config);
  }
}

/** The changes that a subscriber is told of, and a key that is equal for equal ones. */
function scopeOf({ kind, changes }: NoticeFacts, services: string[] | null) {
  const inScope = changesInScope(changes, services);
  if (inScope.length === changes.length) return { key: 'all', changes };
  // Whoever was told of a version is told that it is withdrawn, whatever they have chosen since.
  if (inScope.length === 0) return kind === 'withdrawal' ? { key: 'all', changes } : null;
  return { key: inScope.map((change) => changes.indexOf(change)).join(), changes: inScope };
}

/**
 * Keeps what was made last. Callers that ask while it is being made wait for the same; what could not
 * be made is forgotten, so that the next caller tries again.
 */
function createCache<K, V>(most: number): (key: K, make: () => Promise<V>) => Promise<V> {
  const kept = new Map<K, Promise<V>>();
  return (key, make) => {
    const found = kept.get(key);
    // Put back at the end: the first in the map is the one not used for longest.
    kept.delete(key);
    const value = found ?? make();
    kept.set(key, value);
    if (found === undefined) value.catch(() => kept.delete(key));
    for (const oldest of kept.keys()) {
      if (kept.size <= most) break;
      kept.delete(oldest);
    }
    return value;
  };
}
