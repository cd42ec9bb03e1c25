import { z } from 'zod';
import type { Actor } from '../actor.js';
import { actorSchema } from '../audit/browse.js';
import { type Db, many, maybeOne, one, run } from '../database/query.js';
import { sql } from '../database/sql.js';
import type { Tx } from '../database/transaction.js';
import { storedDocument } from '../list/document.js';
import { type EditStep, editStepSchema } from '../list/edit.js';
import { sourceIdsSchema } from './source-edit.js';

const EditRow = z.object({
  id: z.number(),
  revision: z.number(),
  at: z.date(),
  by: actorSchema,
  /** Null: the whole draft was replaced. */
  steps: z.array(editStepSchema).nullable(),
  undoes: z.number().nullable(),
  undoneBy: z.number().nullable(),
  /** What a text replaced is still there. */
  hasBefore: z.boolean(),
});
export type DraftEdit = z.infer<typeof EditRow>;

const replaced = z.object({
  document: storedDocument,
  source: z.string().nullable(),
  sourceIds: sourceIdsSchema.nullable(),
});
/** A draft as it was. */
export type Replaced = z.infer<typeof replaced>;

const columns = sql`e.id, e.revision, e.at, e.by, e.steps, e.undoes, e.before is not null as "hasBefore",
  (select u.id from draft_edits u where u.undoes = e.id) as "undoneBy"`;

export async function insertEdit(
  tx: Tx,
  edit: {
    revision: number;
    at: Date;
    by: Actor;
    steps: readonly EditStep[] | null;
    before: Replaced | null;
    undoes: number | null;
  },
): Promise<number> {
  const refs = [...new Set((edit.steps ?? []).map(({ ref }) => ref))];
  const before = edit.before === null ? null : JSON.stringify(replaced.parse(edit.before));
  const { id } = await one(
    tx,
    z.object({ id: z.number() }),
    sql`insert into draft_edits (revision, at, by, steps, refs, before, undoes)
      values (${edit.revision}, ${edit.at}, ${JSON.stringify(edit.by)},
        ${edit.steps === null ? null : JSON.stringify(edit.steps)}, ${refs},
        ${before}, ${edit.undoes})
      returning id`,
  );
  return id;
}

/** An edit goes on: it now also did what was done after it. */
export async function extendEdit(
  tx: Tx,
  id: number,
  edit: { revision: number; at: Date; steps: readonly EditStep[] },
): Promise<void> {
  await run(
    tx,
    sql`update draft_edits set revision = ${edit.revision}, at = ${edit.at}, steps = ${JSON.stringify(edit.steps)}
      where id = ${id}`,
  );
}

/** A list may be megabytes: only the last few that were replaced are kept. */
export async function forgetReplaced(tx: Tx, keep: number): Promise<void> {
  await run(
    tx,
    sql`update draft_edits set before = null
      where before is not null and id not in (
        select id from draft_edits where before is not null order by id desc limit ${keep})`,
  );
}

/** Newest first. `ref`: only those that touched that entry; `since`: only later ones than that revision. */
export async function selectEdits(
  db: Db,
  page: { before: number | null; since: number | null; ref: string | null; limit: number },
): Promise<DraftEdit[]> {
  return many(
    db,
    EditRow,
    sql`select ${columns} from draft_edits e
      where (${page.before}::bigint is null or e.id < ${page.before})
        and (${page.since}::bigint is null or e.revision > ${page.since})
        and (${page.ref}::text is null or e.refs @> array[${page.ref}::text])
      order by e.id desc limit ${page.limit}`,
  );
}

export async function selectEdit(db: Db, id: number): Promise<DraftEdit | null> {
  return maybeOne(db, EditRow, sql`select ${columns} from draft_edits e where e.id = ${id}`);
}

/** What the edit replaced. */
export async function selectReplaced(db: Db, id: number): Promise<Replaced | null> {
  const row = await maybeOne(
    db,
    z.object({ before: replaced.nullable() }),
    sql`select before from draft_edits where id = ${id}`,
  );
  return row?.before ?? null;
}
