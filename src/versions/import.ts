import type pg from 'pg';
import type { Actor } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import type { Db } from '../database/query.js';
import { transaction } from '../database/transaction.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { type Mapping, suggestMapping } from '../list/import/mapping.js';
import { readSource, type SourceHint } from '../list/import/read-source.js';
import { type ImportSource, oneLine } from '../list/import/tables.js';
import { type Draft, replaceDraftWithin } from './draft.js';
import {
  clashesOf,
  type ImportMode,
  type ImportPlan,
  type ImportState,
  isEmptyImport,
  type PairDecisions,
  planImport,
} from './import-plan.js';
import {
  deleteAllButLatest,
  deleteImport,
  deleteImportsBefore,
  eraseImport,
  type ImportHead,
  type ImportRow,
  insertImport,
  lockImport,
  selectImport,
  selectSource,
  selectWaiting,
  updateImport,
} from './import-queries.js';
import { readKeptDraft } from './kept.js';
import { latestNumber, readLatestList } from './read.js';

export type { ImportHead } from './import-queries.js';

type ImportDeps = Pick<Deps, 'db' | 'now'>;

const daysKept = 7;
/** So many may wait at once. */
const mostWaiting = 20;
const longestFileName = 200;

/** An import that waits, with what it would make of the draft. */
export interface StagedImport extends ImportState, ImportHead {
  plan: ImportPlan;
  /** Changes with everything that the preview shows: the import, the draft and the latest version. */
  seen: string;
}

/**
 * Reads a file or a pasted text and puts it aside, with what its tables and columns most likely are. Nothing of it
 * is in the draft yet. Kept for seven days. Who does what next: `readImport` shows, `remapImport` and `decidePairs`
 * change, `applyImport` takes over.
 * Refuses `import.unreadable` and `document.invalid` as `readSource` does.
 * @returns its number
 */
export async function stageImport(
  deps: ImportDeps,
  input: { bytes: Uint8Array; fileName: string | null; contentType: string | undefined },
  actor: Actor,
): Promise<number> {
  const { source, mapping } = await readAndSuggest(deps.db, input.bytes, {
    fileName: input.fileName ?? undefined,
    contentType: input.contentType,
  });
  const fileName = oneLine(input.fileName ?? '').slice(0, longestFileName);
  const at = deps.now();
  const staged = await transaction(deps.db, async (tx) => {
    const named = fileName === '' ? null : fileName;
    const id = await insertImport(tx, { at, by: actor, fileName: named, source, mapping, mode: 'replace' });
    await deleteAllButLatest(tx, mostWaiting);
    const detail = { format: source.format };
    await recordAudit(tx, { at, actor, action: 'import.staged', subject: `import ${id}`, detail });
    return id;
  });
  // Thousands of entries take a second to compare: the page that comes next finds it done.
  await readImport(deps.db, staged);
  return staged;
}

/** An import with its preview. Refuses `import.missing` when there is none, or it was taken over or is too old. */
export async function readImport(db: pg.Pool, id: number): Promise<StagedImport> {
  const row = await selectImport(db, id);
  if (row === null || row.appliedRevision !== null) throw importMissing();
  return completed(db, row);
}

/** Whether it was taken over: whoever clicks twice is told so, and not that there is no such import. */
export async function wasApplied(db: Db, id: number): Promise<boolean> {
  return ((await selectImport(db, id))?.appliedRevision ?? null) !== null;
}

/** Those that wait, newest first. */
export async function listImports(db: Db): Promise<ImportHead[]> {
  return selectWaiting(db, mostWaiting);
}

/**
 * Takes tables and columns for something else, or the import for the whole list or for an addition.
 * Refuses `import.missing`.
 */
export async function remapImport(
  deps: Pick<Deps, 'db'>,
  id: number,
  change: { mapping?: Mapping; mode?: ImportMode },
): Promise<void> {
  await changeImport(deps, id, (row) => ({ ...row, ...change }));
}

/**
 * Says of suggested pairs whether they are one entry. Decisions on other pairs stay.
 * Refuses `import.missing`, and `input.invalid` when one entry would go on as two, or two as one: the paths are the
 * keys of the suggestions.
 */
export async function decidePairs(deps: Pick<Deps, 'db'>, id: number, decisions: PairDecisions): Promise<void> {
  const staged = await readImport(deps.db, id);
  const pairs = staged.plan.pairs.map((one) => ({
    ...one,
    decision: Object.hasOwn(decisions, one.key) ? decisions[one.key] : one.decision,
  }));
  const clashes = clashesOf(pairs);
  if (clashes.length > 0) {
    throw new Refusal(
      'input.invalid',
      'One entry cannot go on as two, nor two as one: choose one of them.',
      clashes.map((path) => ({ path, message: 'one of its entries is chosen elsewhere already' })),
    );
  }
  await changeImport(deps, id, (row) => ({ ...row, pairs: { ...row.pairs, ...decisions } }));
}

/**
 * Makes the import the draft, as the preview showed it. Whoever does so twice has done it once.
 * Refuses `import.missing`, `draft.stale` when the draft, the import or the latest version is another than the
 * preview showed, `input.invalid` when no row was understood, and `document.invalid`.
 * @param seen of the preview (`readImport`)
 */
export async function applyImport(
  deps: ImportDeps,
  id: number,
  seen: string,
  actor: Actor,
): Promise<{ revision: number; repeated: boolean }> {
  const row = await selectImport(deps.db, id);
  if (row === null) throw importMissing();
  if (row.appliedRevision !== null) return { revision: row.appliedRevision, repeated: true };
  const staged = await completed(deps.db, row);
  const document = documentOf(staged, staged.plan);
  const at = deps.now();
  return transaction(deps.db, async (tx) => {
    const current = await lockImport(tx, id);
    if (current === null) throw importMissing();
    if (current.appliedRevision !== null) return { revision: current.appliedRevision, repeated: true };
    if (staged.seen !== seen || current.revision !== row.revision) {
      throw new Refusal('draft.stale', 'The draft or the import was changed since: look at the preview again.');
    }
    const ifRevision = Number(seen.split('.')[1]);
    const { revision } = await writeWithin(tx, { ...staged, document, ifRevision, at, by: actor });
    await eraseImport(tx, id, revision);
    return { revision, repeated: false };
  });
}

/** Puts an import away that nobody wants. Nothing happens when it is gone already. */
export async function discardImport(deps: Pick<Deps, 'db'>, id: number): Promise<void> {
  await transaction(deps.db, (tx) => deleteImport(tx, id));
}

/** Removes imports seven days after they came. May run anywhere at any time. @returns how many */
export async function purgeImports(deps: ImportDeps): Promise<number> {
  const before = new Date(deps.now().getTime() - daysKept * 24 * 60 * 60_000);
  return transaction(deps.db, (tx) => deleteImportsBefore(tx, before));
}

/** How a file is to be taken; what is left out is suggested. */
export interface ImportOptions {
  mapping?: Mapping | undefined;
  mode?: ImportMode | undefined;
  pairs?: PairDecisions | undefined;
}

/** An import that nobody put aside, for programs. */
export interface PreparedImport extends ImportState {
  plan: ImportPlan;
  /** Of the draft that it was compared with; 0: there was none. */
  draftRevision: number;
}

/**
 * What a file would make of the draft, in one go; nothing is written.
 * Refuses `import.unreadable` and `document.invalid` as `readSource` does.
 */
export async function prepareImport(
  db: pg.Pool,
  input: { bytes: Uint8Array; hint: SourceHint },
  { mapping, mode = 'replace', pairs = {} }: ImportOptions,
): Promise<PreparedImport> {
  const { source, mapping: suggested } = await readAndSuggest(db, input.bytes, input.hint);
  const state: ImportState = { source, mapping: mapping ?? suggested, mode, pairs };
  const { published, draft } = await standing(db);
  const plan = planImport(state, { published, draft: draft?.document ?? null });
  return { ...state, plan, draftRevision: draft?.revision ?? 0 };
}

/**
 * Makes a prepared import the draft.
 * Refuses `draft.stale` when the draft is another than it was compared with, or than `ifRevision` asks for,
 * `input.invalid` when no row was understood, and `document.invalid`.
 */
export async function applyPrepared(
  deps: ImportDeps,
  prepared: PreparedImport,
  options: { ifRevision?: number | undefined },
  actor: Actor,
): Promise<Draft> {
  const document = documentOf(prepared, prepared.plan);
  const ifRevision = options.ifRevision ?? prepared.draftRevision;
  return transaction(deps.db, (tx) =>
    writeWithin(tx, { ...prepared, document, ifRevision, at: deps.now(), by: actor }),
  );
}

async function readAndSuggest(db: Db, bytes: Uint8Array, hint: SourceHint) {
  const source = await readSource(bytes, hint);
  const { published, draft } = await standing(db);
  return { source, mapping: suggestMapping(source, draft?.document ?? published) };
}

async function standing(db: Db) {
  return { published: await readLatestList(db), draft: await readKeptDraft(db) };
}

type Written = ImportState &
  Pick<Parameters<typeof replaceDraftWithin>[1], 'document' | 'ifRevision' | 'at' | 'by'> & { plan: ImportPlan };

async function writeWithin(
  tx: Parameters<typeof replaceDraftWithin>[0],
  { source, mode, plan, document, ifRevision, at, by }: Written,
): Promise<Draft> {
  const detail = { as: 'import', format: source.format, mode, rowsLeft: plan.rowsLeft };
  return replaceDraftWithin(tx, {
    document,
    source: null,
    ifRevision,
    at,
    by,
    told: { action: 'draft.imported', detail },
  });
}

/** What is to be written. Refuses what cannot be. */
function documentOf(state: Pick<ImportState, 'source'>, plan: ImportPlan) {
  if (plan.result === null) throw new Refusal('document.invalid', 'The list cannot stand like this.', plan.faults);
  if (isEmptyImport(state, plan)) {
    throw new Refusal('input.invalid', 'No row was understood: say which column holds the names.', [
      { path: 'mapping', message: 'takes no column for the name of a sub-processor' },
    ]);
  }
  return plan.result.document;
}

async function changeImport(
  deps: Pick<Deps, 'db'>,
  id: number,
  change: (row: { mapping: Mapping; mode: ImportMode; pairs: PairDecisions }) => {
    mapping: Mapping;
    mode: ImportMode;
    pairs: PairDecisions;
  },
): Promise<void> {
  await transaction(deps.db, async (tx) => {
    const row = await lockImport(tx, id);
    if (row === null || row.mapping === null) throw importMissing();
    await updateImport(tx, id, change({ mapping: row.mapping, mode: row.mode, pairs: row.pairs }));
  });
  await readImport(deps.db, id);
}

async function completed(db: pg.Pool, row: ImportRow): Promise<StagedImport> {
  const { mapping, mode, pairs } = row;
  const source = await sourceOf(db, row.id);
  if (source === null || mapping === null) throw importMissing();
  const { published, draft } = await standing(db);
  const state = { source, mapping, mode, pairs };
  const known = plansOf.get(source);
  const key = { revision: row.revision, published, draft: draft?.document ?? null };
  const isKnown = known?.revision === key.revision && known.published === key.published && known.draft === key.draft;
  const plan = isKnown ? known.plan : planImport(state, key);
  if (!isKnown) plansOf.set(source, { ...key, plan });
  const seen = [row.revision, draft?.revision ?? 0, (await latestNumber(db)) ?? 0].join('.');
  return { ...state, id: row.id, createdAt: row.createdAt, by: row.by, fileName: row.fileName, plan, seen };
}

/*
 * A preview is read page by page: what a file was read from, and what it comes to, is kept for the last few. A
 * source never changes; the same state of draft and version is the same object (kept.ts).
 */
const mostSources = 3;
const sources = new WeakMap<pg.Pool, Map<number, ImportSource>>();
interface KnownPlan {
  revision: number;
  published: unknown;
  draft: unknown;
  plan: ImportPlan;
}
const plansOf = new WeakMap<ImportSource, KnownPlan>();

async function sourceOf(db: pg.Pool, id: number): Promise<ImportSource | null> {
  const kept = sources.get(db) ?? new Map<number, ImportSource>();
  sources.set(db, kept);
  const source = kept.get(id) ?? (await selectSource(db, id));
  kept.delete(id);
  if (source === null) return null;
  kept.set(id, source);
  const [oldest] = kept.keys();
  if (kept.size > mostSources && oldest !== undefined) kept.delete(oldest);
  return source;
}

function importMissing(): Refusal {
  return new Refusal('import.missing', 'There is no such import: it was taken over or put away, or is too old.');
}
