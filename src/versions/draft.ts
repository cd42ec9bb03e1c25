import type { Actor } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import type { Db } from '../database/query.js';
import { type Tx, transaction } from '../database/transaction.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import type { Diff } from '../list/change.js';
import { diffLists } from '../list/diff.js';
import type { ListDocument } from '../list/document.js';
import { applyGradings } from '../list/grading.js';
import { writeYaml } from '../list/write.js';
import { readWithIds } from './adopt.js';
import { endOutdatedRequest } from './approval-task.js';
import { forgetReplaced, insertEdit } from './edit-queries.js';
import { readKeptDraft } from './kept.js';
import { type Draft, insertDraft, lockDraft, updateDraft } from './queries.js';
import { latestNumber, readLatestList, readVersion } from './read.js';
import { sourceInStep } from './source-edit.js';

export type { Draft } from './queries.js';

/** So many replacements of the whole draft can be taken back. */
const mostReplaced = 20;

/** The draft as it stands; null before the first one is written. */
export async function readDraft(db: Db): Promise<Draft | null> {
  return readKeptDraft(db);
}

/** The draft as YAML: the admin's own text with its comments, or one made from the document. */
export function draftAsYaml(draft: Draft): string {
  return sourceOf(draft) ?? writeYaml(draft.document);
}

/** The admin's own text, in step with what was edited by form since; null: there is none that could say it. */
export function sourceOf(draft: Draft): string | null {
  const { source, sourceIds, document } = draft;
  if (source === null || sourceIds === null) return source;
  const known = inStep.get(draft);
  if (known !== undefined) return known;
  const text = sourceInStep(source, sourceIds, document);
  inStep.set(draft, text);
  return text;
}

/** For thousands of entries it takes seconds; the same state of the draft is the same object (kept.ts). */
const inStep = new WeakMap<Draft, string | null>();

/**
 * Writes the draft from a text. Entries without ids take those of the same entries in the latest
 * published version and in the draft as it stands, so that nothing becomes "removed and added" because
 * a file came without ids.
 * Refuses `document.invalid` with each fault's path and line, and `draft.stale`.
 */
export async function writeDraft(
  deps: Pick<Deps, 'db' | 'now'>,
  input: { text: string; format: 'json' | 'yaml' },
  options: { ifRevision?: number | undefined },
  actor: Actor,
): Promise<Draft> {
  const document = await readText(deps.db, input);
  const source = input.format === 'yaml' ? input.text : null;
  return replaceDraft(deps, { document, source }, options, actor);
}

/** A text as the document that it would be in the draft; nothing is written. Refuses `document.invalid`. */
export async function readText(db: Db, input: { text: string; format: 'json' | 'yaml' }): Promise<ListDocument> {
  const published = await readLatestList(db);
  const draft = (await readKeptDraft(db))?.document ?? null;
  return readWithIds(input.text, input.format, { published, draft });
}

/**
 * Replaces the draft by a document that was read already. `source` is the YAML it was read from, kept
 * with its comments and layout; null when it came as JSON.
 * Refuses `draft.stale` when `ifRevision` is not the draft's revision any more: nobody overwrites what
 * they have not seen (RFC 9110, 13.1.1). Without it the write is unconditional.
 */
export async function replaceDraft(
  deps: Pick<Deps, 'db' | 'now'>,
  content: { document: ListDocument; source: string | null },
  options: { ifRevision?: number | undefined },
  actor: Actor,
): Promise<Draft> {
  const at = deps.now();
  const told = { action: 'draft.replaced', detail: { as: content.source === null ? 'json' : 'yaml' } };
  return transaction(deps.db, (tx) => replaceDraftWithin(tx, { ...content, ...options, at, by: actor, told }));
}

/**
 * The same within a transaction that does more.
 * @param order `ifRevision`: 0 says that there was no draft; `told`: for the audit log
 */
export async function replaceDraftWithin(
  tx: Tx,
  order: {
    document: ListDocument;
    source: string | null;
    ifRevision?: number | undefined;
    at: Date;
    by: Actor;
    told: { action: string; detail: Record<string, unknown> };
  },
): Promise<Draft> {
  const { document, source, ifRevision, at, by, told } = order;
  const current = await lockDraft(tx);
  if (current !== null || ifRevision !== 0) refuseStale(current, ifRevision);
  const written = { document, source, sourceIds: null, at, by };
  const inserted = current === null ? await insertDraft(tx, written) : null;
  // Two first drafts at once: the second finds the row of the first, and replaces it unless it asked for none.
  if (current === null && inserted === null && ifRevision === 0) refuseStale(await lockDraft(tx), 0);
  const draft = inserted ?? (await updateDraft(tx, written));
  await insertEdit(tx, { revision: draft.revision, at, by, steps: null, before: current, undoes: null });
  await forgetReplaced(tx, mostReplaced);
  await endOutdatedRequest(tx, draft, { actor: by, at });
  await recordAudit(tx, {
    at,
    actor: by,
    action: told.action,
    subject: `draft revision ${draft.revision}`,
    detail: { subProcessors: document.subProcessors.length, ...told.detail },
  });
  return draft;
}

/** What the draft changes against the latest published version, as it is graded. Refuses `draft.missing`. */
export async function diffDraft(db: Db): Promise<Diff> {
  const draft = await readKeptDraft(db);
  if (draft === null) throw draftMissing();
  const from = await latestNumber(db);
  const before = from === null ? null : await readVersion(db, from);
  const { changes, suggestions } = diffLists(before?.document ?? null, draft.document);
  return { from, to: null, changes: applyGradings(changes, draft.gradings), suggestions };
}

/** Nothing was ever put in. */
export function draftMissing(): Refusal {
  return new Refusal('draft.missing', 'There is no draft yet: put a list document to /api/v1/draft first.');
}

/** Refuses `draft.stale` when a revision is asked for and the draft is at another. */
export function refuseStale(current: Draft | null, ifRevision: number | undefined): void {
  if (ifRevision === undefined || current?.revision === ifRevision) return;
  throw new Refusal(
    'draft.stale',
    current === null
      ? 'There is no draft yet, so it cannot be the one that was read.'
      : `The draft was changed meanwhile: it is at revision ${current.revision}, not ${ifRevision}. Read it again.`,
  );
}
