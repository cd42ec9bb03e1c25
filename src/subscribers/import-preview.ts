import { randomUUID } from 'node:crypto';
import type { Actor } from '../actor.js';
import type { Db } from '../database/query.js';
import { transaction } from '../database/transaction.js';
import { Refusal } from '../errors.js';
import { decodeFile, readRows } from './csv.js';
import { selectGroupIds } from './group-queries.js';
import { batchSize, type ImportDeps, judgeRows } from './import-batch.js';
import { type OutcomeKind, outcomeOf, outcomeOfFault, outcomeOfRepeat } from './import-outcome.js';
import {
  deleteImport,
  findImport,
  insertImport,
  insertLines,
  lockImport,
  type NewLine,
  type ShownLine,
  type StagedImport,
  selectLines,
  selectWaiting,
  setShown,
} from './import-preview-queries.js';
import { type ImportRow, readRow } from './import-row.js';

export type { OutcomeCounts, ShownLine } from './import-preview-queries.js';

const longestName = 200;
const longestEmail = 320;

/**
 * Reads a file of subscribers and notes for each line what would become of it. Nothing takes effect, and
 * nobody is written to. The lines stay until the file is put into effect or aside, for seven days at most.
 *
 * @param file a file as it came, in whatever encoding spreadsheets save, or text that was pasted
 * @param options.knownServices ids of the services in the list in force; null while none is published
 * @returns the preview's id
 * @throws Refusal `csv.invalid` (`csvFaultOf` says why), and nothing is kept
 */
export async function previewImport(
  deps: ImportDeps,
  file: { name: string; bytes: Buffer } | { text: string },
  actor: Actor,
  options: { knownServices: readonly string[] | null },
): Promise<string> {
  const id = randomUUID();
  const at = deps.now();
  const { text, encoding } = 'text' in file ? { text: file.text, encoding: 'UTF-8' } : decodeFile(file.bytes);
  const name = 'text' in file ? null : file.name.slice(0, longestName);
  await transaction(deps.db, (tx) => insertImport(tx, { id, at, by: actor, name, encoding }));
  try {
    await readLines(deps, { id, text, at, known: options.knownServices });
    await transaction(deps.db, (tx) => setShown(tx, id));
  } catch (error) {
    await transaction(deps.db, (tx) => deleteImport(tx, id));
    throw error;
  }
  return id;
}

interface Readable {
  line: number;
  claimed: boolean;
  row: ImportRow;
}

async function readLines(
  deps: ImportDeps,
  file: { id: string; text: string; at: Date; known: readonly string[] | null },
): Promise<void> {
  const context = { texts: deps.texts, known: file.known, groups: await selectGroupIds(deps.db), now: file.at };
  const first = new Map<string, number>();
  let settled: NewLine[] = [];
  let readable: Readable[] = [];
  const flush = async () => {
    const [lines, rows] = [settled, readable];
    [settled, readable] = [[], []];
    await transaction(deps.db, async (tx) => {
      const claims = new Map(rows.map(({ line, claimed }) => [line, claimed]));
      const judged = await judgeRows(
        tx,
        deps,
        rows.map(({ row }) => row),
        file.at,
      );
      const shown = judged.map((one): NewLine => {
        const { row } = one;
        const { line, email, emailKey } = row;
        return { line, email, emailKey, row, ...outcomeOf(one, claims.get(line) ?? false) };
      });
      await insertLines(tx, file.id, [...lines, ...shown]);
    });
  };
  for await (const { line, cells } of readRows(file.text)) {
    const row = readRow({ line, cells }, context);
    if ('fault' in row) {
      const email = (cells.email ?? '').slice(0, longestEmail);
      settled.push({ line, email, emailKey: null, row: null, ...outcomeOfFault(row) });
    } else {
      const { email, emailKey } = row;
      const before = first.get(emailKey);
      if (before === undefined) {
        first.set(emailKey, line);
        const claimed = (cells.status ?? '').toLowerCase() === 'confirmed';
        readable.push({ line, claimed, row });
      } else settled.push({ line, email, emailKey, row: null, ...outcomeOfRepeat(before) });
    }
    if (settled.length + readable.length >= batchSize) await flush();
  }
  await flush();
}

/** @throws Refusal `subscriber-import.missing`: there is none, or it is still being read */
export async function readImport(db: Db, id: string): Promise<StagedImport> {
  const found = await findImport(db, id);
  if (found === null || found.state === 'reading') throw missing();
  return found;
}

/** A page of the lines of a preview. */
export async function browseLines(
  db: Db,
  id: string,
  page: { outcome?: OutcomeKind | undefined; after?: number | undefined; limit: number },
): Promise<{ lines: ShownLine[]; next: number | null }> {
  const { outcome = null, after = 0, limit } = page;
  const found = await selectLines(db, id, { outcome, after, limit: limit + 1 });
  const lines = found.slice(0, limit);
  return { lines, next: found.length > limit ? (lines.at(-1)?.line ?? null) : null };
}

/** Previews that wait for somebody's decision, newest first. */
export async function waitingImports(db: Db): Promise<StagedImport[]> {
  return selectWaiting(db);
}

/**
 * Puts a file aside that has not taken effect; nothing of it stays. Idempotent.
 * @returns false: it has taken effect, or begun to
 */
export async function discardImport(deps: Pick<ImportDeps, 'db'>, id: string): Promise<boolean> {
  return transaction(deps.db, async (tx) => {
    const found = await lockImport(tx, id);
    if (found === null) return true;
    if (found.state === 'applying' || found.state === 'applied') return false;
    await deleteImport(tx, id);
    return true;
  });
}

export function missing(): Refusal {
  return new Refusal(
    'subscriber-import.missing',
    'there is no such preview; it may have been put aside, or be older than a week',
  );
}
