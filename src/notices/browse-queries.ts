import { z } from 'zod';
import { type Db, many } from '../database/query.js';
import { sql } from '../database/sql.js';
import { Listed, listedColumns } from './queries.js';

const Found = Listed.extend({
  version: z.number(),
  /** When the present state was reached. */
  stateAt: z.date(),
});
export type FoundDelivery = z.infer<typeof Found>;

const columns = sql`${listedColumns}, n.version, coalesce(d.state_at, d.sent_at, d.created_at) as "stateAt"`;

interface Page {
  states: readonly string[];
  reason: string | null;
  /** Ids below this one; null: from the newest. */
  before: number | null;
  limit: number;
}

/**
 * Of the notices of one version, newest first. The index leads with notice and state, so each pair of them
 * is read as a range of its own, and a page costs the same at the millionth row.
 */
export async function selectOfVersion(db: Db, version: number, page: Page): Promise<FoundDelivery[]> {
  return many(
    db,
    Found,
    sql`select ${columns}
      from notices n
      cross join unnest(${page.states}::text[]) as of_state (state)
      cross join lateral (
        select * from deliveries
        where notice_id = n.id and state = of_state.state
          and (${page.before}::bigint is null or id < ${page.before})
          and (${page.reason}::text is null or reason = ${page.reason})
        order by id desc limit ${page.limit}) d
      where n.version = ${version}
      order by d.id desc limit ${page.limit}`,
  );
}

/** Of some people, whichever version they are of, newest first. */
export async function selectOfPeople(
  db: Db,
  people: readonly number[],
  page: Page & { version: number | null },
): Promise<FoundDelivery[]> {
  return many(
    db,
    Found,
    sql`select ${columns}
      from unnest(${people}::bigint[]) as person (id)
      join deliveries d on d.subscriber_id = person.id
      join notices n on n.id = d.notice_id
      where d.state = any(${page.states}::text[])
        and (${page.before}::bigint is null or d.id < ${page.before})
        and (${page.reason}::text is null or d.reason = ${page.reason})
        and (${page.version}::integer is null or n.version = ${page.version})
      order by d.id desc limit ${page.limit}`,
  );
}

const NoticeVersion = z.object({ version: z.number() });

/** Versions that somebody was told of, or is, the latest first. */
export async function selectToldVersions(db: Db): Promise<number[]> {
  const rows = await many(db, NoticeVersion, sql`select distinct version from notices order by version desc`);
  return rows.map(({ version }) => version);
}
