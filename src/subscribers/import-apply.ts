import type { Actor } from '../actor.js';
import { type Tx, transaction } from '../database/transaction.js';
import { applyRows, batchSize, type ImportDeps, type Judged } from './import-batch.js';
import { type OutcomeKind, outcomeOf, outcomes } from './import-outcome.js';
import { missing } from './import-preview.js';
import {
  countLines,
  type Difference,
  deleteLines,
  holdLines,
  type ImportOutcome,
  lockImport,
  setApplied,
  setResult,
  takeLines,
} from './import-preview-queries.js';

const mostDifferences = 500;

/**
 * Puts a previewed file into effect. Each line is judged once more; one that would do something else than
 * was shown does nothing and is told of, as nobody has agreed to that. Nobody comes back who left
 * meanwhile.
 *
 * Each thousand lines are one transaction that removes them: called twice, at once or after a crash, the
 * second call does what the first has left.
 * @throws Refusal `subscriber-import.missing`
 */
export async function applyImport(deps: ImportDeps, id: string, actor: Actor): Promise<void> {
  while (await transaction(deps.db, (tx) => applyNext(tx, deps, id, actor))) {
    // One batch a transaction.
  }
}

async function applyNext(tx: Tx, deps: ImportDeps, id: string, actor: Actor): Promise<boolean> {
  const file = await lockImport(tx, id);
  if (file === null || file.state === 'reading') throw missing();
  if (file.state === 'applied') return false;
  const { result } = file;
  const waiting = await takeLines(tx, id, batchSize);
  if (waiting.length === 0) {
    // What is left could not take effect, as was shown.
    const counts = sum(result.counts, await countLines(tx, id));
    await setApplied(tx, id, { at: deps.now(), by: actor, result: { ...result, counts } });
    return false;
  }
  const shown = new Map(waiting.map(({ line, outcome }) => [line, outcome]));
  const differences: Difference[] = [];
  let gone: number[] = [];
  const done = await applyRows(
    tx,
    deps,
    waiting.map(({ row }) => row),
    {
      actor,
      async admit(judged) {
        const held = await holdLines(tx, id, [...shown.keys()]);
        gone = [...shown.keys()].filter((line) => !held.has(line));
        return judged
          .filter(({ row }) => held.has(row.line))
          .map((one) => {
            const difference = differenceOf(one, shown.get(one.row.line) ?? 'skipped');
            if (difference === null) return one;
            differences.push(difference);
            return difference.left ? leave(one) : one;
          });
      },
    },
  );
  await deleteLines(tx, id, [...gone, ...done.map(({ row }) => row.line)]);
  await setResult(tx, id, add(result, done, differences));
  return true;
}

/** Null: the line is still what was shown. */
function differenceOf(judged: Judged, shown: OutcomeKind): Difference | null {
  const { outcome, why } = outcomeOf(judged, false);
  if (outcome === shown) return null;
  const left = outcome !== 'skipped' && outcome !== 'unchanged';
  return { line: judged.row.line, shown, now: outcome, why, left };
}

function leave(judged: Judged): Judged {
  const because = 'would do something else than the preview has shown';
  return { ...judged, deed: { kind: 'skip', code: 'changed', why: 'changed', because } };
}

function add(before: ImportOutcome, done: readonly Judged[], differences: readonly Difference[]): ImportOutcome {
  const counts: ImportOutcome['counts'] = { ...before.counts };
  for (const judged of done) {
    const { outcome } = outcomeOf(judged, false);
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  return {
    counts,
    different: before.different + differences.length,
    differences: [...before.differences, ...differences].slice(0, mostDifferences),
  };
}

function sum(a: ImportOutcome['counts'], b: ImportOutcome['counts']): ImportOutcome['counts'] {
  return Object.fromEntries(outcomes.map((outcome) => [outcome, (a[outcome] ?? 0) + (b[outcome] ?? 0)]));
}
