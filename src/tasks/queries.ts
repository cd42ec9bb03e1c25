import { z } from 'zod';
import type { Actor } from '../actor.js';
import { actorSchema } from '../audit/browse.js';
import { type Db, many, maybeOne, one, run } from '../database/query.js';
import { sql } from '../database/sql.js';
import type { Tx } from '../database/transaction.js';
import { type NewTask, taskKinds } from './task.js';

const Id = z.object({ id: z.number() });

const TaskRow = z.object({
  id: z.number(),
  kind: z.enum(taskKinds),
  subject: z.string(),
  detail: z.record(z.string(), z.json()),
  subscriber: z
    .object({ id: z.number(), email: z.string(), company: z.string().nullable(), noticeGroup: z.string().nullable() })
    .nullable(),
  openedAt: z.date(),
  toldAt: z.date().nullable(),
  doneAt: z.date().nullable(),
  doneBy: actorSchema.nullable(),
  note: z.string().nullable(),
});
type TaskRow = z.infer<typeof TaskRow>;

const tasks = sql`select t.id, t.kind, t.subject, t.detail,
    case when s.id is not null then jsonb_build_object(
      'id', s.id, 'email', s.email, 'company', s.company, 'noticeGroup', s.notice_group) end as subscriber,
    t.opened_at as "openedAt", t.told_at as "toldAt", t.done_at as "doneAt", t.done_by as "doneBy", t.note
  from tasks t left join subscribers s on s.id = t.subscriber_id`;

/** Null when one of that kind and subject is open already. */
export async function insertTask(tx: Tx, task: NewTask): Promise<number | null> {
  const row = await maybeOne(
    tx,
    Id,
    sql`insert into tasks (kind, subscriber_id, subject, detail, opened_at)
      values (${task.kind}, ${task.subscriberId}, ${task.subject}, ${JSON.stringify(task.detail ?? {})}, ${task.at})
      on conflict (kind, subject) where done_at is null do nothing returning id`,
  );
  return row?.id ?? null;
}

/** Newest first. Kinds that a newer version of the service has opened are left to it. */
export async function selectTasks(
  db: Db,
  page: { open: boolean | null; after: number | null; limit: number },
): Promise<TaskRow[]> {
  return many(
    db,
    TaskRow,
    sql`${tasks}
      where t.kind = any(${taskKinds}) and (${page.after}::bigint is null or t.id < ${page.after})
        and (${page.open}::boolean is null or (t.done_at is null) = ${page.open})
      order by t.id desc limit ${page.limit}`,
  );
}

export async function selectTask(db: Db, id: number): Promise<TaskRow | null> {
  return maybeOne(db, TaskRow, sql`${tasks} where t.id = ${id} and t.kind = any(${taskKinds})`);
}

export async function selectOpenTask(db: Db, task: { kind: string; subject: string }): Promise<TaskRow | null> {
  return maybeOne(
    db,
    TaskRow,
    sql`${tasks} where t.kind = ${task.kind} and t.subject = ${task.subject} and t.done_at is null`,
  );
}

export async function countOpen(db: Db): Promise<number> {
  const { count } = await one(
    db,
    z.object({ count: z.number() }),
    sql`select count(*) as count from tasks where done_at is null and kind = any(${taskKinds})`,
  );
  return count;
}

/** What a task kept of somebody erased has served once it is done. */
const forgotten = sql`case when subscriber_id is null then detail - 'company' - 'entitlement' else detail end`;

/** False when there is no such task, or it was done before. */
export async function setDone(
  tx: Tx,
  id: number,
  by: { actor: Actor; note: string | null; at: Date },
): Promise<boolean> {
  const changed = await run(
    tx,
    sql`update tasks set done_at = ${by.at}, done_by = ${JSON.stringify(by.actor)}, note = ${by.note},
        detail = ${forgotten}
      where id = ${id} and done_at is null`,
  );
  return changed > 0;
}

/** The open task of that kind and subject, if there is one. */
export async function setSettled(
  tx: Tx,
  task: { kind: string; subject: string },
  by: { actor: Actor; at: Date },
): Promise<number | null> {
  const row = await maybeOne(
    tx,
    Id,
    sql`update tasks set done_at = ${by.at}, done_by = ${JSON.stringify(by.actor)}, detail = ${forgotten}
      where kind = ${task.kind} and subject = ${task.subject} and done_at is null returning id`,
  );
  return row?.id ?? null;
}

/** Whoever a task is about goes: what the admins need in order to see to it stays with it. */
export async function addDetail(tx: Tx, subscriberId: number, detail: Record<string, unknown>): Promise<void> {
  await run(
    tx,
    sql`update tasks set detail = detail || ${JSON.stringify(detail)}::jsonb
      where subscriber_id = ${subscriberId} and done_at is null`,
  );
}

/** Apart from the locks of `database/`: one instance at a time makes the digest. */
const telling = 7_305_240;

/** False when another instance is at it. */
export async function lockTelling(tx: Tx): Promise<boolean> {
  const { locked } = await one(
    tx,
    z.object({ locked: z.boolean() }),
    sql`select pg_try_advisory_xact_lock(${telling}) as locked`,
  );
  return locked;
}

/**
 * Marks every open task of which no letter told as told at that moment, unless a letter went after `since`.
 * @returns how many
 */
export async function markTold(tx: Tx, at: Date, since: Date): Promise<number> {
  return run(
    tx,
    sql`update tasks set told_at = ${at}
      where done_at is null and told_at is null and kind = any(${taskKinds})
        and not exists (select from tasks earlier where earlier.told_at > ${since})`,
  );
}

const CountRow = z.object({ kind: z.enum(taskKinds), count: z.number() });

/** Those told of at that moment which are open still, by their kind. */
export async function countTold(db: Db, toldAt: Date): Promise<z.infer<typeof CountRow>[]> {
  return many(
    db,
    CountRow,
    sql`select kind, count(*) as count from tasks
      where told_at = ${toldAt} and done_at is null and kind = any(${taskKinds})
      group by kind order by count(*) desc, kind`,
  );
}

/** The oldest of them. */
export async function selectTold(db: Db, toldAt: Date, most: number): Promise<TaskRow[]> {
  return many(
    db,
    TaskRow,
    sql`${tasks} where t.told_at = ${toldAt} and t.done_at is null and t.kind = any(${taskKinds})
      order by t.id limit ${most}`,
  );
}
