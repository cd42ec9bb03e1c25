import { z } from 'zod';
import { type Fault, Refusal } from '../errors.js';
import type { Change } from '../list/change.js';
import { diffLists } from '../list/diff.js';
import type { ListDocument } from '../list/document.js';
import { type BuiltList, buildList } from '../list/import/build-list.js';
import type { Mapping } from '../list/import/mapping.js';
import type { ImportSource } from '../list/import/tables.js';
import { choicesOf, type Pair, type PairSuggestion, suggestPairs } from '../list/pairs.js';
import { readListValue } from '../list/read.js';
import { supplemented } from '../list/supplement.js';
import { completeWithIds, type Forebears } from './adopt.js';
import { withNewId } from './join.js';

/*
 * PURE. What an import would make of the draft: computed for the preview, and again, the very same, when it is
 * taken over.
 */

/** `replace`: the import is the whole list, and what it does not have goes; `merge`: it adds and updates only. */
export const importModes = ['replace', 'merge'] as const;
export type ImportMode = (typeof importModes)[number];

const pair = z.strictObject({ removed: z.string().max(120), added: z.string().max(120) });
/** By the key of the suggestion: the pair that is one entry; null: none is. */
export const pairDecisionsSchema = z.record(z.string().max(2_000), pair.nullable());
export type PairDecisions = z.infer<typeof pairDecisionsSchema>;

export interface ImportState {
  source: ImportSource;
  mapping: Mapping;
  mode: ImportMode;
  pairs: PairDecisions;
}

export interface PlannedPair extends PairSuggestion {
  /** Undefined: not decided yet; null: none of them is the same. */
  decision: Pair | null | undefined;
}

export interface ImportPlan {
  built: BuiltList;
  /** The list that it goes on with: the draft, else the latest version; null: there is none. */
  known: ListDocument | null;
  pairs: PlannedPair[];
  /** Sub-processors that the source holds; a catalogue alone has none, and the list keeps its own. */
  entries: number;
  /** Rows of the source with words that became no field. */
  rowsLeft: number;
  /** Null: it cannot stand in the draft, and `faults` say why. */
  result: ImportResult | null;
  faults: readonly Fault[];
}

export interface ImportResult {
  /** What the draft would be. */
  document: ListDocument;
  /** Against `known`. */
  changes: Change[];
}

/**
 * Builds the list of a source by its mapping, gives its entries the ids of those they are, joins the pairs that
 * were confirmed, and compares with the list as it is. Never fails: what speaks against it is in `faults`.
 */
export function planImport(state: ImportState, forebears: Forebears): ImportPlan {
  const known = forebears.draft ?? forebears.published;
  const built = buildList(state.source, state.mapping, known);
  const plan = {
    built,
    known,
    entries: entriesOf(state.source, built),
    rowsLeft: built.rows.filter(({ left }) => left.length > 0).length,
  };
  try {
    const whole = completeWithIds(built.list, forebears);
    const pairs = pairsOf(known, whole, state.pairs);
    const joined = confirmedOf(pairs).reduce(withNewId, whole);
    const document = known !== null && state.mode === 'merge' ? readListValue(supplemented(known, joined)) : joined;
    const { changes } = diffLists(known, document);
    return { ...plan, pairs, result: { document, changes }, faults: [] };
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 'document.invalid') throw error;
    return { ...plan, pairs: [], result: null, faults: error.errors };
  }
}

/** Whether there is nothing to take over. A list of our own form may be empty, as it says so itself. */
export function isEmptyImport({ source }: Pick<ImportState, 'source'>, { built }: Pick<ImportPlan, 'built'>): boolean {
  return source.list === null && built.rows.every(({ entry }) => entry === null);
}

function entriesOf(source: ImportSource, { list, rows }: BuiltList): number {
  if (source.list !== null) return list.subProcessors.length;
  return new Set(rows.flatMap(({ entry }) => (entry?.kind === 'sub-processor' ? [entry.index] : []))).size;
}

/** Confirmed pairs that cannot both hold, as each has one entry that the other has, too; by the keys of their suggestions. */
export function clashesOf(pairs: readonly PlannedPair[]): string[] {
  const taken = new Set<string>();
  return pairs.flatMap(({ key, decision }) => {
    if (decision === null || decision === undefined) return [];
    const ids = [`removed ${decision.removed}`, `added ${decision.added}`];
    if (ids.some((id) => taken.has(id))) return [key];
    for (const id of ids) taken.add(id);
    return [];
  });
}

function pairsOf(known: ListDocument | null, whole: ListDocument, decisions: PairDecisions): PlannedPair[] {
  if (known === null) return [];
  const before = new Set(known.subProcessors.map(({ id }) => id));
  const after = new Set(whole.subProcessors.map(({ id }) => id));
  const suggestions = suggestPairs(
    known.subProcessors.filter(({ id }) => !after.has(id)),
    whole.subProcessors.filter(({ id }) => !before.has(id)),
    diffLists(known, whole).suggestions,
  );
  return suggestions.map((suggestion) => ({ ...suggestion, decision: decisionOn(suggestion, decisions) }));
}

/** A decision holds while its entries are there to choose from. */
function decisionOn(suggestion: PairSuggestion, decisions: PairDecisions): PlannedPair['decision'] {
  const decision = Object.hasOwn(decisions, suggestion.key) ? decisions[suggestion.key] : undefined;
  if (decision === null || decision === undefined) return decision;
  const { removed, added } = decision;
  return choicesOf(suggestion).find((choice) => choice.removed === removed && choice.added === added);
}

/** Of two that clash the first: whoever decides is told of the other before. */
function confirmedOf(pairs: readonly PlannedPair[]): Pair[] {
  const clashes = new Set(clashesOf(pairs));
  return pairs.flatMap(({ key, decision }) => (decision && !clashes.has(key) ? [decision] : []));
}
