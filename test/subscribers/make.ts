import { pino } from 'pino';
import type { Test } from 'tap';
import { z } from 'zod';
import { readConfig } from '../../src/config.js';
import { many, run } from '../../src/database/query.js';
import { sql } from '../../src/database/sql.js';
import { transaction } from '../../src/database/transaction.js';
import type { Deps } from '../../src/deps.js';
import { confirm } from '../../src/subscribers/confirm.js';
import { confirmationData, manageLinkData, subscriberLinks } from '../../src/subscribers/letters.js';
import { requestManageLink } from '../../src/subscribers/manage.js';
import { type SubscribeRequest, subscribe } from '../../src/subscribers/subscribe.js';
import { suppressAddress } from '../../src/subscribers/suppression.js';
import { loadTexts } from '../../src/texts.js';
import { type Clock, createClock } from '../support/clock.js';
import { openDatabase } from '../support/database.js';

const key = 'a test key that is long enough for anybody';
const Letter = z.object({
  id: z.number(),
  kind: z.string(),
  email: z.string().nullable(),
  locale: z.string(),
  state: z.string(),
  reason: z.string().nullable(),
  params: z.record(z.string(), z.unknown()),
});
type Letter = z.infer<typeof Letter>;

const Person = z.object({
  id: z.number(),
  email: z.string(),
  company: z.string().nullable(),
  locale: z.string(),
  services: z.array(z.string()).nullable(),
  toldOf: z.string(),
  status: z.string(),
  confirmedAt: z.date().nullable(),
  confirmedMoment: z.number().nullable(),
  unsubscribedAt: z.date().nullable(),
});

export type Stage = Awaited<ReturnType<typeof openStage>>;

/** A database, a clock, and what a test asks again and again. */
export async function openStage(t: Test) {
  const { pool } = await openDatabase(t);
  const clock: Clock = createClock();
  const deps: Deps = {
    db: pool,
    config: readConfig({ SECRET_KEY: key, DATABASE_URL: 'postgres://unused.example/none' }),
    now: clock.now,
    texts: loadTexts({ timeZone: 'UTC' }),
    log: pino({ level: 'silent' }),
  };

  const letters = (email?: string) =>
    many(
      pool,
      Letter,
      sql`select id, kind, email, locale, state, reason, params from deliveries
        where kind <> 'notice' and (${email ?? null}::text is null or lower(email) = lower(${email})) order by id`,
    );
  const person = async (email: string) => {
    const [found] = await many(
      pool,
      Person,
      sql`select id, email, company, locale, services, told_of as "toldOf", status, confirmed_at as "confirmedAt",
          confirmed_moment as "confirmedMoment", unsubscribed_at as "unsubscribedAt"
        from subscribers where email_key = lower(${email})`,
    );
    return found;
  };
  const lastLink = async (email: string): Promise<string> => {
    const last = (await letters(email)).findLast(({ kind }) => kind === 'confirmation' || kind === 'manage-link');
    if (last === undefined) throw new Error(`no link was mailed to ${email}`);
    const data = await (last.kind === 'confirmation' ? confirmationData : manageLinkData)(deps, last.params);
    if (data === null) throw new Error('the link is of no use');
    return data.token;
  };
  const idOf = async (email: string) => {
    const found = await person(email);
    if (found === undefined) throw new Error(`nobody is ${email}`);
    return found.id;
  };
  const linksOf = async (email: string) => subscriberLinks(deps.config, await idOf(email));

  return {
    deps,
    clock,
    letters,
    person,
    idOf,
    lastLink,
    linksOf,
    /** The kinds of letters to an address, in order. */
    kinds: async (email: string) => (await letters(email)).map(({ kind }) => kind),
    ask: (email: string, more: Partial<SubscribeRequest> = {}) => subscribe(deps, aRequest({ email, ...more })),
    /** Asks, and confirms with the link of the mail. */
    join: async (email: string, more: Partial<SubscribeRequest> = {}) => {
      await subscribe(deps, aRequest({ email, ...more }));
      return confirm(deps, await lastLink(email));
    },
    manageLink: async (email: string) => {
      await requestManageLink(deps, (await linksOf(email)).preferences);
      return lastLink(email);
    },
    bounce: async (email: string, reason: 'hard-bounce' | 'complaint' | 'admin' = 'hard-bounce') => {
      const id = await idOf(email);
      return transaction(pool, (tx) => suppressAddress(tx, id, reason, '550 5.1.1 no such user', clock.now()));
    },
    /** As the sender does when the relay has taken it. */
    markSent: (letter: Letter) =>
      run(pool, sql`update deliveries set state = 'sent', sent_at = ${clock.now()} where id = ${letter.id}`),
    markAllSent: () =>
      run(pool, sql`update deliveries set state = 'sent', sent_at = ${clock.now()} where state = 'queued'`),
    audited: async (action: string) => {
      const rows = await many(
        pool,
        z.object({
          subject: z.string(),
          actor: z.record(z.string(), z.unknown()),
          detail: z.record(z.string(), z.unknown()),
        }),
        sql`select subject, actor, detail from audit_log where action = ${action} order by id`,
      );
      return rows;
    },
    events: async (email: string) => {
      const rows = await many(
        pool,
        z.object({ kind: z.string(), detail: z.record(z.string(), z.unknown()) }),
        sql`select e.kind, e.detail from subscriber_events e join subscribers s on s.id = e.subscriber_id
          where s.email_key = lower(${email}) order by e.id`,
      );
      return rows;
    },
  };
}

export function aRequest(more: Partial<SubscribeRequest> & { email: string }): SubscribeRequest {
  return {
    locale: 'en',
    knownServices: ['analytics', 'community'],
    via: 'form',
    ip: '192.0.2.1',
    wording: 'I want to be told of changes.',
    ...more,
  };
}
