import { isDeepStrictEqual } from 'node:util';
import type { Actor } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import type { Db } from '../database/query.js';
import { type Tx, transaction } from '../database/transaction.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import type { ListDocument, ListInput } from '../list/document.js';
import { applySteps, type Conflict, continued, type EditStep, invertSteps } from '../list/edit.js';
import { type EntryRef, refText, siblingsOf } from '../list/entry-ref.js';
import { identify } from '../list/identity.js';
import { readListValue } from '../list/read.js';
import { endOutdatedRequest } from './approval-task.js';
import { type DraftEdit, extendEdit, insertEdit, selectEdit, selectEdits, selectReplaced } from './edit-queries.js';
import { readKeptDraft } from './kept.js';
import { type Draft, insertDraft, lockDraft, updateDraft } from './queries.js';
import { readLatestList } from './read.js';
import { type SourceIds, sourceIdsOf } from './source-edit.js';

export type { DraftEdit } from './edit-queries.js';

/** Who comes back to a field after a longer time makes another edit. */
const longestPause = 5 * 60 * 1000;
/** A category may be in use by thousands; the audit entry of its removal names so many. */
const mostTouched = 50;

type EditDeps = Pick<Deps, 'db' | 'now'>;
type LooseFields = Extract<EditStep, { step: 'add' }>['entry'];

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
  return transaction(deps.db, (tx) =>
    writeSteps(tx, { stepsFor: () => steps, first, at: deps.now(), actor, undoes: null }),
  );
}

/**
 * Adds an entry at the end of its siblings; its id comes from its name. Two who add the same name at once
 * get two entries.
 * Refuses `document.invalid` with paths into the document, where the entry comes last, and `input.invalid`
 * when the data subject kind of a category is gone.
 * @returns the reference of the entry, such as `sub-processor/twilio`
 */
export async function addEntry(
  deps: EditDeps,
  at: Omit<EntryRef, 'id'>,
  { name, fields }: { name: string; fields: LooseFields },
  actor: Actor,
  title = 'Sub-processors',
): Promise<{ ref: string; draft: Draft }> {
  const latest = await readLatestList(deps.db);
  const first = latest ?? emptyList(title);
  const reserved = new Set(idsAmong(latest, at));
  return transaction(deps.db, async (tx) => {
    let ref = '';
    const stepsFor = (document: ListDocument): EditStep[] => {
      const ids = idsAmong(document, at);
      ref = refOf(at, freeId(name, new Set([...ids, ...reserved])));
      return [{ step: 'add', ref, entry: { ...fields }, place: ids.at(-1) ?? null }];
    };
    const done = await writeSteps(tx, { stepsFor, first, at: deps.now(), actor, undoes: null });
    if (!done.saved) throw new Refusal('input.invalid', 'The data subject kind of this category is gone.');
    return { ref, draft: done.draft };
  });
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
    const inverse = invertSteps(edit.steps);
    const done = await writeSteps(tx, { stepsFor: () => inverse, first: null, at, actor, undoes: id });
    if (!done.saved || done.edit === null) throw changedSince();
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
async function beginning(db: Db, title: string): Promise<ListDocument> {
  return (await readLatestList(db)) ?? emptyList(title);
}

function emptyList(title: string): ListDocument {
  return { title, dataSubjects: [], subProcessors: [] };
}

/** The draft's document, or what it would begin with. */
export async function readWorkingList(db: Db, title: string): Promise<{ document: ListDocument; draft: Draft | null }> {
  const draft = await readKeptDraft(db);
  return { document: draft?.document ?? (await beginning(db, title)), draft };
}

/** An id that nothing has, nor had in the latest version: a new vendor is not taken for an old one. */
function freeId(name: string, reserved: ReadonlySet<string>): string {
  const called = name.replace(/\s+/g, ' ').trim().slice(0, 60);
  const alone: ListInput = { title: 'x', dataSubjects: [], subProcessors: [{ name: called }] };
  const stem = identify(alone).subProcessors[0]?.id || 'entry';
  for (let count = 1; ; count += 1) {
    const candidate = count === 1 ? stem : `${stem}-${count}`;
    if (!reserved.has(candidate)) return candidate;
  }
}

function idsAmong(document: ListDocument | null, at: Omit<EntryRef, 'id'>): string[] {
  const siblings = document === null ? null : siblingsOf(document, { ...at, id: '' });
  return (siblings ?? []).flatMap(({ id }) => (typeof id === 'string' ? [id] : []));
}

async function writeSteps(
  tx: Tx,
  order: {
    /** What is done to the draft as it is once nobody else writes it. */
    stepsFor: (document: ListDocument) => readonly EditStep[];
    first: ListDocument | null;
    at: Date;
    actor: Actor;
    undoes: number | null;
  },
): Promise<EditResult> {
  const { at, actor, undoes } = order;
  const current = await lockDraft(tx);
  const document = current?.document ?? order.first;
  if (document === null) throw new Error('there is no draft to be edited');
  const steps = order.stepsFor(document);
  const applied = applySteps(document, steps);
  if (applied.conflicts.length > 0) return { saved: false, conflicts: applied.conflicts };
  if (applied.document === document && current !== null) return { saved: true, draft: current, edit: null };
  const checked = readListValue(applied.document);
  const source = current?.source ?? null;
  const sourceIds = current === null || source === null ? null : touching(current, steps);
  const content = { document: checked, source, sourceIds, at, by: actor };
  const draft = current === null ? await insertDraft(tx, content) : await updateDraft(tx, content);
  // Somebody else's first draft came between: the steps are done to that one.
  if (draft === null) return writeSteps(tx, order);
  await endOutdatedRequest(tx, draft, { actor, at });
  const edit = await keepEdit(tx, { revision: draft.revision, at, by: actor, steps, undoes });
  await recordAudit(tx, {
    at,
    actor,
    action: undoes === null ? 'draft.edited' : 'draft.undone',
    subject: `draft revision ${draft.revision}`,
    detail: { edit, ...(undoes === null ? {} : { undoes }), ...touchedBy(steps) },
  });
  return { saved: true, draft, edit };
}

/** The entries of the text that the draft was read from, and which of them say something else by now. */
function touching({ document, sourceIds }: Draft, steps: readonly EditStep[]): SourceIds {
  const own = sourceIds ?? sourceIdsOf(document);
  return { ...own, touched: [...new Set([...own.touched, ...steps.map(({ ref }) => ref)])] };
}

/** Somebody who pauses while they write a sentence makes one edit of it, not one for each pause. */
async function keepEdit(
  tx: Tx,
  edit: { revision: number; at: Date; by: Actor; steps: readonly EditStep[]; undoes: number | null },
): Promise<number> {
  const [last] = await selectEdits(tx, { before: null, since: null, ref: null, limit: 1 });
  const goesOn =
    last !== undefined &&
    edit.undoes === null &&
    last.undoes === null &&
    last.undoneBy === null &&
    edit.at.getTime() - last.at.getTime() < longestPause &&
    isDeepStrictEqual(last.by, edit.by);
  const steps = goesOn ? continued(last.steps ?? [], edit.steps) : null;
  if (last === undefined || steps === null) return insertEdit(tx, { ...edit, before: null });
  await extendEdit(tx, last.id, { ...edit, steps });
  return last.id;
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
  await endOutdatedRequest(tx, restored, { actor, at });
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
function touchedBy(steps: readonly EditStep[]): { touched: string[]; more?: number } {
  const all = [
    ...new Set(steps.map((step) => (step.step === 'set' ? `${step.ref} ${step.field}` : `${step.ref} ${step.step}`))),
  ];
  const touched = all.slice(0, mostTouched);
  return all.length === touched.length ? { touched } : { touched, more: all.length - touched.length };
}

function changedSince(): Refusal {
  return new Refusal('draft.stale', 'What it did was changed since, so it cannot be taken back by itself.');
}

/** The text form of where an entry of that kind will be. */
function refOf(at: Omit<EntryRef, 'id'>, id: string): string {
  return refText({ ...at, id });
}
