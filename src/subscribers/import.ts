import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { Actor } from '../actor.js';
import { transaction } from '../database/transaction.js';
import { readRows } from './csv.js';
import { selectGroupIds } from './group-queries.js';
import { applyBatch, batchSize, type ImportDeps, type ImportResult, skipLine } from './import-batch.js';
import { deleteRows, stageRows } from './import-queries.js';
import { type ImportRow, readRow } from './import-row.js';

/**
 * An admin brings a file of subscribers. A row with the status `confirmed` and a consent text is taken
 * as confirmed, and so is a contractual contact, whom a contract entitles; anybody else gets a
 * confirmation letter, one an address however often the file comes. Somebody who has left or is suppressed is skipped and gets no mail of any kind.
 *
 * The file is read to its end into a table of its own before the first row takes effect, so a file
 * that turns out to be broken changes nothing, and memory does not grow with it. Then each thousand
 * rows are one transaction with their audit entry: an import that is cut off leaves whole batches, and
 * the same file again does the rest. An address twice in the file is one person; the first row counts.
 *
 * Confirmed ones get no welcome unless a version is announced, of which nothing else would tell them: they
 * did not just click anything, and a mail to thousands who expect none is what gets a sender blocked. What GDPR Art. 14 asks for (who, why, where the address is from)
 * stands in the first notice, whose footer says why they get it.
 *
 * @param options.knownServices ids of the services in the list in force; null while none is published
 * @throws Refusal `csv.invalid`, and nothing was imported
 */
export async function importSubscribers(
  deps: ImportDeps,
  csv: Readable | string,
  actor: Actor,
  options: { knownServices: readonly string[] | null },
): Promise<ImportResult> {
  const importId = randomUUID();
  const result: ImportResult = { imported: 0, updated: 0, skipped: 0, errors: [] };
  try {
    await stage(deps, importId, csv, options.knownServices, result);
    await putIntoEffect(deps, { importId, actor, result });
  } finally {
    await transaction(deps.db, (tx) => deleteRows(tx, importId, null));
  }
  result.errors.sort((a, b) => a.line - b.line);
  const hidden = result.skipped - result.errors.length;
  const last = result.errors.at(-1);
  if (hidden > 0 && last !== undefined) {
    result.errors.push({ line: last.line, message: `and ${hidden} more that are not listed here` });
  }
  return result;
}

async function stage(
  deps: ImportDeps,
  importId: string,
  csv: Readable | string,
  known: readonly string[] | null,
  result: ImportResult,
): Promise<void> {
  const context = { texts: deps.texts, known, groups: await selectGroupIds(deps.db), now: deps.now() };
  let rows: ImportRow[] = [];
  const flush = async () => {
    const repeated = await transaction(deps.db, (tx) => stageRows(tx, importId, rows, context.now));
    for (const { line, first } of repeated) skipLine(result, line, `is the same address as in line ${first}`);
    rows = [];
  };
  for await (const raw of readRows(csv)) {
    const row = readRow(raw, context);
    if ('fault' in row) skipLine(result, raw.line, row.message);
    else rows.push(row);
    if (rows.length >= batchSize) await flush();
  }
  if (rows.length > 0) await flush();
}

/** Puts a staged file into effect, one batch a transaction. */
export async function putIntoEffect(
  deps: ImportDeps,
  run: { importId: string; actor: Actor; result: ImportResult },
): Promise<void> {
  while (await transaction(deps.db, (tx) => applyBatch(tx, deps, run))) {
    // One batch a transaction.
  }
}
