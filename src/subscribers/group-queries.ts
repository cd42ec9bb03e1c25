import { z } from 'zod';
import { type Db, many, maybeOne, one, run } from '../database/query.js';
import { sql } from '../database/sql.js';
import type { Tx } from '../database/transaction.js';

const GroupRow = z.object({
  id: z.string(),
  name: z.string(),
  noticeDays: z.number(),
  createdAt: z.date(),
  /** Whoever is in it, also those who are not mailed any more. */
  members: z.number(),
});
/** Contractual contacts whose contracts ask for the same notice period. */
export type NoticeGroup = z.infer<typeof GroupRow>;

// Counted in one reading of the contacts, however many groups there are.
const groups = sql`select g.id, g.name, g.notice_days as "noticeDays", g.created_at as "createdAt",
    coalesce(m.members, 0) as members
  from notice_groups g left join (
    select s.notice_group, count(*) as members from subscribers s
    where s.kind = 'contractual' and s.notice_group is not null group by 1) m on m.notice_group = g.id`;

export async function selectGroups(db: Db): Promise<NoticeGroup[]> {
  return many(db, GroupRow, sql`${groups} order by g.notice_days, g.id`);
}

export async function selectGroup(db: Db, id: string): Promise<NoticeGroup | null> {
  return maybeOne(db, GroupRow, sql`${groups} where g.id = ${id}`);
}

const Id = z.object({ id: z.string() });

/** Ids of all groups; none of them goes until the transaction ends. */
export async function holdGroups(tx: Tx): Promise<string[]> {
  const rows = await many(tx, Id, sql`select id from notice_groups order by id for key share`);
  return rows.map(({ id }) => id);
}

export async function selectGroupIds(db: Db): Promise<string[]> {
  return (await many(db, Id, sql`select id from notice_groups order by id`)).map(({ id }) => id);
}

/** Waits for whoever puts people into it at this moment. */
export async function lockGroup(tx: Tx, id: string): Promise<NoticeGroup | null> {
  await run(tx, sql`select from notice_groups where id = ${id} for update`);
  return selectGroup(tx, id);
}

/** True when it is new. */
export async function upsertGroup(
  tx: Tx,
  group: { id: string; name: string; noticeDays: number; at: Date },
): Promise<boolean> {
  const { added } = await one(
    tx,
    z.object({ added: z.boolean() }),
    sql`insert into notice_groups (id, name, notice_days, created_at)
      values (${group.id}, ${group.name}, ${group.noticeDays}, ${group.at})
      on conflict (id) do update set name = excluded.name, notice_days = excluded.notice_days
      returning xmax = 0 as added`,
  );
  return added;
}

export async function deleteGroupRow(tx: Tx, id: string): Promise<void> {
  await run(tx, sql`delete from notice_groups where id = ${id}`);
}

/*
 * A recipient is whoever is confirmed and not suppressed. Which groups have one is answered by steps from
 * group to group along the index, each of which ends at the first one found, so a million subscribers cost
 * a publication nothing. It has to be asked in this form: for "is there one in this group" the planner
 * takes the whole table, as it believes that it will soon find one.
 */
const recipient = sql`s.status = 'confirmed'
  and (select x.email_hash from suppressions x where x.email_hash = s.email_hash limit 1) is null`;

const Longest = z.object({ days: z.number(), group: z.string().nullable() });

/**
 * The longest notice period among groups with recipients, and the name of such a group; those without a
 * group count with the default. Null: nobody would be told.
 */
export async function selectLongestPeriod(db: Db, defaultDays: number): Promise<z.infer<typeof Longest> | null> {
  return maybeOne(
    db,
    Longest,
    sql`with recursive grouped (id) as (
        (select s.notice_group from subscribers s where ${recipient} and s.notice_group > ''
          order by s.notice_group limit 1)
        union all
        select (select s.notice_group from subscribers s where ${recipient} and s.notice_group > grouped.id
          order by s.notice_group limit 1)
        from grouped where grouped.id is not null
      ), last as (
        -- Null stands last in the index: whoever has no group is found first from there.
        select s.notice_group from subscribers s where ${recipient}
        order by s.notice_group desc nulls first limit 1
      )
      select days, "group" from (
        select g.notice_days as days, g.name as "group" from grouped join notice_groups g using (id)
        union all
        select ${defaultDays}::integer, null from last where notice_group is null) periods
      order by days desc, "group" nulls first limit 1`,
  );
}

const PeriodRow = z.object({
  group: z.string().nullable(),
  name: z.string().nullable(),
  days: z.number(),
  recipients: z.number(),
});
export type PeriodInUse = z.infer<typeof PeriodRow>;

/** Longest first. */
export async function selectPeriodsInUse(db: Db, defaultDays: number): Promise<PeriodInUse[]> {
  return many(
    db,
    PeriodRow,
    sql`select g.id as "group", g.name, coalesce(g.notice_days, ${defaultDays}::integer) as days, members.recipients
      from (
        select s.notice_group, count(*) as recipients from subscribers s
        where s.status = 'confirmed' and not exists (select from suppressions x where x.email_hash = s.email_hash)
        group by 1) members
      left join notice_groups g on g.id = members.notice_group
      order by days desc, g.id nulls last`,
  );
}
