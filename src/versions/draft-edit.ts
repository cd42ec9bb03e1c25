import type { Actor } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import type { Db } from '../database/query.js';
import { type Tx, transaction } from '../database/transaction.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import type { ListDocument, ListInput } from '../list/document.js';
import { applySteps, type Conflict, type EditStep, invertSteps } from '../list/edit.js';
import { type EntryRef, refText, siblingsOf } from '../list/entry-ref.js';
import { identify } from '../list/identity.js';
import { readListValue } from '../list/read.js';
import { type DraftEdit, insertEdit, selectEdit, selectEdits, selectReplaced } from './edit-queries.js';
import { readKeptDraft } from './kept.js';
import { type Draft, insertDraft, lockDraft, updateDraft } from './queries.js';
import { latestNumber, readVersion } from './read.js';
import { sourceIdsOf } from './source-edit.js';

export type { DraftEdit } from './edit-queries.js';

type EditDeps = Pick<Deps, 'db' | 'now'>;

export type EditResult =
  | { saved: true; draft: Draft; edit: number | null }
  /** Somebody changed the same meanwhile; nothing was written. */
  | { saved: false; conflicts: Conflict[] };

/**
 * Changes single entries of the draft, beside whatever others do to it: what they changed elsewhere stays,
 * and where both changed the same value nothing is written and both are told. Without a draft it begins
 * with the latest version, else with an empty list.
 * Refuses `document.invalid`, with paths into the document.
 */
export async function editDraft(
  deps: EditDeps,
  steps: readonly EditStep[],
  actor: Actor,
  title = 'Sub-processors',
): Promise<EditResult> {
  const first = await beginning(deps.db, title);
  return transaction(deps.db, (tx) => writeSteps(tx, { steps, first, at: deps.now(), actor, undoes: null }));
}

/**
 * Takes an edit back, and leaves what was done since. Refuses `input.invalid` when there is no such edit or
 * it was taken back already, and `draft.stale` when what it did was changed since.
 */
export async function undoEdit(deps: EditDeps, id: number, actor: Actor): Promise<Draft> {
  const at = deps.now();
  return transaction(deps.db, async (tx) => {
    const draft = await lockDraft(tx);
    const edit = await selectEdit(tx, id);
    if (draft === null || edit === null || edit.undoneBy !== null) {
      throw new Refusal('input.invalid', 'There is no such edit that could be taken back.');
    }
    if (edit.steps === null) return restore(tx, edit, draft, { at, actor });
    const done = await writeSteps(tx, { steps: invertSteps(edit.steps), first: null, at, actor, undoes: id });
    if (!done.saved) throw changedSince();
    return done.draft;
  });
}

/** What was done to the draft, newest first; `ref`: to one entry; `since`: after a revision. */
export async function readEdits(
  db: Db,
  page: { before?: number | undefined; since?: number | undefined; ref?: string | undefined; limit: number },
): Promise<{ edits: DraftEdit[]; next: number | null }> {
  const { before = null, since = null, ref = null, limit } = page;
  const found = await selectEdits(db, { before, since, ref, limit: limit + 1 });
  const edits = found.slice(0, limit);
  const last = edits.at(-1);
  return { edits, next: found.length > limit && last !== undefined ? last.id : null };
}

/** What is edited when there is no draft yet: the latest version, else an empty list. */
export async function beginning(db: Db, title: string): Promise<ListDocument> {
  const number = await latestNumber(db);
  const version = number === null ? null : await readVersion(db, number);
  return version?.document ?? { title, dataSubjects: [], subProcessors: [] };
}

/** The draft's document, or what it would begin with. */
export async function readWorkingList(db: Db, title: string): Promise<{ document: ListDocument; draft: Draft | null }> {
  const draft = await readKeptDraft(db);
  return { document: draft?.document ?? (await beginning(db, title)), draft };
}

/**
 * The id that a new entry gets, from its name; never one that an entry of the latest version has or had in
 * the draft's place, so that a new vendor is not taken for an old one.
 */
export async function newId(
  db: Db,
  document: ListDocument,
  at: Omit<EntryRef, 'id'>,
  entry: { name: string },
): Promise<string> {
  const number = await latestNumber(db);
  const base = number === null ? null : ((await readVersion(db, number))?.document ?? null);
  const siblings = siblingsOf(document, { ...at, id: '' }) ?? [];
  const ids = new Set(siblings.flatMap(({ id }) => (typeof id === 'string' ? [id] : [])));
  const before = base === null ? [] : (siblingsOf(base, { ...at, id: '' }) ?? []);
  const reserved = new Set([...ids, ...before.flatMap(({ id }) => (typeof id === 'string' ? [id] : []))]);
  const alone: ListInput = { title: 'x', dataSubjects: [], subProcessors: [{ name: entry.name }] };
  const stem = identify(alone).subProcessors[0]?.id ?? 'entry';
  for (let count = 1; ; count += 1) {
    const candidate = count === 1 ? stem : `${stem}-${count}`;
    if (!reserved.has(candidate)) return candidate;
  }
}

async function writeSteps(
  tx: Tx,
  order: {
    steps: readonly EditStep[];
    first: ListDocument | null;
    at: Date;
    actor: Actor;
    undoes: number | null;
  },
): Promise<EditResult> {
  const { steps, at, actor, undoes } = order;
  const current = await lockDraft(tx);
  const document = current?.document ?? order.first;
  if (document === null) throw new Error('there is no draft to be edited');
  const applied = applySteps(document, steps);
  if (applied.conflicts.length > 0) return { saved: false, conflicts: applied.conflicts };
  if (applied.document === document && current !== null) return { saved: true, draft: current, edit: null };
  const checked = readListValue(applied.document);
  const source = current?.source ?? null;
  const sourceIds = current === null || source === null ? null : (current.sourceIds ?? sourceIdsOf(document));
  const content = { document: checked, source, sourceIds, at, by: actor };
  const draft = current === null ? await insertDraft(tx, content) : await updateDraft(tx, content);
  // Somebody else's first draft came between: the steps are done to that one.
  if (draft === null) return writeSteps(tx, order);
  const edit = await insertEdit(tx, { revision: draft.revision, at, by: actor, steps, before: null, undoes });
  await recordAudit(tx, {
    at,
    actor,
    action: undoes === null ? 'draft.edited' : 'draft.undone',
    subject: `draft revision ${draft.revision}`,
    detail: { edit, ...(undoes === null ? {} : { undoes }), touched: touchedBy(steps) },
  });
  return { saved: true, draft, edit };
}

/** What a text had replaced comes back, unless something was done since. */
async function restore(
  tx: Tx,
  edit: DraftEdit,
  draft: Draft,
  { at, actor }: { at: Date; actor: Actor },
): Promise<Draft> {
  const before = await selectReplaced(tx, edit.id);
  if (before === null || edit.revision !== draft.revision) throw changedSince();
  const restored = await updateDraft(tx, { ...before, at, by: actor });
  await insertEdit(tx, {
    revision: restored.revision,
    at,
    by: actor,
    steps: null,
    before: draft,
    undoes: edit.id,
  });
  await recordAudit(tx, {
    at,
    actor,
    action: 'draft.undone',
    subject: `draft revision ${restored.revision}`,
    detail: { undoes: edit.id },
  });
  return restored;
}

/** Entries and fields, for the audit log: what they hold is in the edit itself. */
function touchedBy(steps: readonly EditStep[]): string[] {
  return [
    ...new Set(steps.map((step) => (step.step === 'set' ? `${step.ref} ${step.field}` : `${step.ref} ${step.step}`))),
  ];
}

function changedSince(): Refusal {
  return new Refusal('draft.stale', 'What it did was changed since, so it cannot be taken back by itself.');
}

/** The text form of where an entry of that kind will be. */
export function refOf(at: Omit<EntryRef, 'id'>, id: string): string {
  return refText({ ...at, id });
}
