import { z } from 'zod';
import type { Actor } from '../actor.js';
import { actorSchema } from '../audit/browse.js';
import { type Db, many, maybeOne, one, run } from '../database/query.js';
import { sql } from '../database/sql.js';
import type { Tx } from '../database/transaction.js';
import { storedChanges } from '../list/change.js';
import { type ListDocument, storedDocument } from '../list/document.js';
import { type Grading, gradingSchema } from '../list/grading.js';
import { type SourceIds, sourceIdsSchema } from './source-edit.js';
import { type PublishedVersion, type PublishRequest, scheduledSchema } from './version.js';

const gradings = z.array(gradingSchema);

const DraftRow = z.object({
  document: storedDocument,
  source: z.string().nullable(),
  /** Null: the source says what the document says. Else the document was edited since, and these are its entries. */
  sourceIds: sourceIdsSchema.nullable(),
  revision: z.number(),
  updatedAt: z.date(),
  /** To subscribers; goes with the draft when it is published. */
  message: z.string().nullable(),
  /** Severities that persons have set (list/grading.ts). */
  gradings,
});
export type Draft = z.infer<typeof DraftRow>;

const draftColumns = sql`document, source, source_ids as "sourceIds", revision, updated_at as "updatedAt",
  message, gradings`;

export async function selectDraft(db: Db): Promise<Draft | null> {
  return maybeOne(db, DraftRow, sql`select ${draftColumns} from drafts`);
}

const DraftMarks = z.object({ mark: z.string(), documentMark: z.string() });

/**
 * `mark`: another text whenever the draft's row is another, whichever of its columns was written;
 * `documentMark`: whenever its document is.
 */
export async function selectDraftMarks(db: Db): Promise<z.infer<typeof DraftMarks> | null> {
  return maybeOne(
    db,
    DraftMarks,
    sql`select concat_ws(' ', revision, updated_at, xmin, ctid) as mark,
        concat_ws(' ', revision, updated_at, pg_column_size(document)) as "documentMark"
      from drafts`,
  );
}

/** The draft, and nobody else replaces it until this transaction ends. */
export async function lockDraft(tx: Tx): Promise<Draft | null> {
  return maybeOne(tx, DraftRow, sql`select ${draftColumns} from drafts for update`);
}

export interface WrittenDraft {
  document: ListDocument;
  source: string | null;
  sourceIds: SourceIds | null;
  at: Date;
  by: Actor;
}

function idsJson({ sourceIds }: WrittenDraft): string | null {
  return sourceIds === null ? null : JSON.stringify(sourceIds);
}

/** The first draft of a database; null when another was first. */
export async function insertDraft(tx: Tx, draft: WrittenDraft): Promise<Draft | null> {
  return maybeOne(
    tx,
    DraftRow,
    sql`insert into drafts (document, source, source_ids, updated_at, updated_by)
      values (${JSON.stringify(draft.document)}, ${draft.source}, ${idsJson(draft)}, ${draft.at},
        ${JSON.stringify(draft.by)})
      on conflict (id) do nothing returning ${draftColumns}`,
  );
}

export async function updateDraft(tx: Tx, draft: WrittenDraft): Promise<Draft> {
  return one(
    tx,
    DraftRow,
    sql`update drafts set document = ${JSON.stringify(draft.document)}, source = ${draft.source},
        source_ids = ${idsJson(draft)},
        revision = revision + 1, updated_at = ${draft.at}, updated_by = ${JSON.stringify(draft.by)}
      returning ${draftColumns}`,
  );
}

const facts = {
  number: z.number(),
  message: z.string().nullable(),
  publishedAt: z.date(),
  effectiveAt: z.date(),
  objectionDeadline: z.date().nullable(),
  emergency: z.boolean(),
  reason: z.string().nullable(),
  notify: z.boolean(),
  corrects: z.number().nullable(),
  gradings,
  hash: z.string(),
  previousHash: z.string().nullable(),
  withdrawnAt: z.date().nullable(),
  withdrawalReason: z.string().nullable(),
};
const VersionRow = z.object({ ...facts, document: storedDocument, changes: storedChanges });
const SummaryRow = z.object({ ...facts, changes: z.number() });

const factColumns = sql`v.number, v.message, v.published_at as "publishedAt", v.effective_at as "effectiveAt",
  v.objection_deadline as "objectionDeadline", v.emergency, v.reason, v.notify, v.corrects, v.gradings, v.hash,
  v.previous_hash as "previousHash", w.withdrawn_at as "withdrawnAt", w.reason as "withdrawalReason"`;
const versionTables = sql`versions v left join withdrawals w on w.version = v.number`;

export async function selectVersion(db: Db, number: number): Promise<PublishedVersion | null> {
  return maybeOne(
    db,
    VersionRow,
    sql`select ${factColumns}, v.document, v.changes from ${versionTables} where v.number = ${number}`,
  );
}

const FactsRow = z.object(facts);

/** A version but for what makes it large. */
export async function selectVersionFacts(db: Db, number: number): Promise<z.infer<typeof FactsRow> | null> {
  return maybeOne(db, FactsRow, sql`select ${factColumns} from ${versionTables} where v.number = ${number}`);
}

/** The same of the versions that are asked for, oldest first. */
export async function selectVersionsFacts(db: Db, numbers: readonly number[]): Promise<z.infer<typeof FactsRow>[]> {
  return many(
    db,
    FactsRow,
    sql`select ${factColumns} from ${versionTables} where v.number = any(${numbers}::integer[]) order by v.number`,
  );
}

/** What makes a version large. */
export async function selectContents(db: Db, number: number): Promise<Pick<PublishedVersion, 'document' | 'changes'>> {
  return one(
    db,
    z.object({ document: storedDocument, changes: storedChanges }),
    sql`select document, changes from versions where number = ${number}`,
  );
}

/** Every version without its document, newest first. */
export async function selectSummaries(db: Db): Promise<z.infer<typeof SummaryRow>[]> {
  return many(
    db,
    SummaryRow,
    sql`select ${factColumns}, jsonb_array_length(v.changes) as changes from ${versionTables} order by v.number desc`,
  );
}

const TimelineRow = z.object({
  number: z.number(),
  publishedAt: z.date(),
  effectiveAt: z.date(),
  withdrawnAt: z.date().nullable(),
  corrects: z.number().nullable(),
  hash: z.string(),
});
/** What the state of every version follows from; small, whatever the size of the lists. */
export type TimelineEntry = z.infer<typeof TimelineRow>;

/** Every version's place in time, oldest first. */
export async function selectTimeline(db: Db): Promise<TimelineEntry[]> {
  return many(
    db,
    TimelineRow,
    sql`select v.number, v.published_at as "publishedAt", v.effective_at as "effectiveAt",
        w.withdrawn_at as "withdrawnAt", v.corrects, v.hash
      from ${versionTables} order by v.number`,
  );
}

const GradingsRow = z.object({ gradings });

/** Gradings of the standing versions after one and up to another, the oldest first. */
export async function selectGradings(db: Db, range: { after: number; upTo: number }): Promise<Grading[]> {
  const rows = await many(
    db,
    GradingsRow,
    sql`select v.gradings from ${versionTables}
      where v.number > ${range.after} and v.number <= ${range.upTo} and w.version is null and v.gradings <> '[]'
      order by v.number`,
  );
  return rows.flatMap((row) => row.gradings);
}

export async function insertVersion(
  tx: Tx,
  version: Omit<PublishedVersion, 'withdrawnAt' | 'withdrawalReason'>,
  by: Actor,
): Promise<void> {
  await run(
    tx,
    sql`insert into versions (number, document, changes, message, published_at, effective_at, objection_deadline,
        emergency, reason, notify, published_by, corrects, gradings, hash, previous_hash)
      values (${version.number}, ${JSON.stringify(version.document)}, ${JSON.stringify(version.changes)},
        ${version.message}, ${version.publishedAt}, ${version.effectiveAt}, ${version.objectionDeadline},
        ${version.emergency}, ${version.reason}, ${version.notify}, ${JSON.stringify(by)}, ${version.corrects},
        ${JSON.stringify(version.gradings)}, ${version.hash}, ${version.previousHash})`,
  );
}

export async function insertWithdrawal(
  tx: Tx,
  withdrawal: { version: number; at: Date; reason: string; by: Actor },
): Promise<void> {
  await run(
    tx,
    sql`insert into withdrawals (version, withdrawn_at, reason, withdrawn_by)
      values (${withdrawal.version}, ${withdrawal.at}, ${withdrawal.reason}, ${JSON.stringify(withdrawal.by)})`,
  );
}

const ScheduledRow = scheduledSchema.extend({ createdBy: actorSchema });
export type ScheduledRow = z.infer<typeof ScheduledRow>;
const ScheduledWithDocument = ScheduledRow.extend({ document: storedDocument, gradings });

const scheduledColumns = sql`id, number, publish_at as "publishAt", state, held_because as "heldBecause", request,
  created_at as "createdAt", created_by as "createdBy"`;
const pending = sql`state in ('scheduled', 'held')`;

/** The publication that is planned or held, of which there is one at most. */
export async function selectScheduled(db: Db): Promise<ScheduledRow | null> {
  return maybeOne(db, ScheduledRow, sql`select ${scheduledColumns} from scheduled_publications where ${pending}`);
}

/** The planned or held publication, locked until this transaction ends. */
export async function lockScheduled(tx: Tx): Promise<z.infer<typeof ScheduledWithDocument> | null> {
  return maybeOne(
    tx,
    ScheduledWithDocument,
    sql`select ${scheduledColumns}, document, gradings from scheduled_publications where ${pending} for update`,
  );
}

/** Whether a planned publication has come due: the cheap question that is asked all the time. */
export async function isDue(db: Db, now: Date): Promise<boolean> {
  const { due } = await one(
    db,
    z.object({ due: z.boolean() }),
    sql`select exists (
      select from scheduled_publications where state = 'scheduled' and publish_at <= ${now}) as due`,
  );
  return due;
}

export async function insertScheduled(
  tx: Tx,
  planned: {
    number: number;
    document: ListDocument;
    gradings: readonly Grading[];
    request: PublishRequest;
    publishAt: Date;
    at: Date;
    by: Actor;
  },
): Promise<ScheduledRow> {
  return one(
    tx,
    ScheduledRow,
    sql`insert into scheduled_publications (number, document, gradings, request, publish_at, created_at, created_by)
      values (${planned.number}, ${JSON.stringify(planned.document)}, ${JSON.stringify(planned.gradings)},
        ${JSON.stringify(planned.request)}, ${planned.publishAt}, ${planned.at}, ${JSON.stringify(planned.by)})
      returning ${scheduledColumns}`,
  );
}

export async function markScheduled(
  tx: Tx,
  id: number,
  state: 'held' | 'published' | 'cancelled',
  heldBecause: string | null = null,
): Promise<void> {
  await run(
    tx,
    sql`update scheduled_publications set state = ${state}, held_because = ${heldBecause} where id = ${id}`,
  );
}

const KeyRow = z.object({ requestHash: z.string(), response: z.json() });

export async function selectIdempotencyKey(tx: Tx, key: string): Promise<z.infer<typeof KeyRow> | null> {
  return maybeOne(
    tx,
    KeyRow,
    sql`select request_hash as "requestHash", response from idempotency_keys where key = ${key}`,
  );
}

export async function insertIdempotencyKey(
  tx: Tx,
  entry: { key: string; requestHash: string; status: number; response: unknown; at: Date },
): Promise<void> {
  await run(
    tx,
    sql`insert into idempotency_keys (key, request_hash, status, response, created_at)
      values (${entry.key}, ${entry.requestHash}, ${entry.status}, ${JSON.stringify(entry.response)}, ${entry.at})`,
  );
}

export async function deleteIdempotencyKeys(tx: Tx, before: Date): Promise<void> {
  await run(tx, sql`delete from idempotency_keys where created_at < ${before}`);
}
