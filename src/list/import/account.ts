import type { BuiltRow, LeftReason } from './build-list.js';
import type { Cell, SourceRow } from './tables.js';

/*
 * PURE. The account of a row: which words were understood, and which were left.
 */

export function understand(row: BuiltRow, field: string, value: string, column: number | null, text: string): void {
  row.understood.push({ field, value, column, text: text.trim() });
}

export function leave(row: BuiltRow, column: number | null, text: string, why: LeftReason): void {
  const words = text.trim();
  if (words !== '') row.left.push({ column, text: words, why });
}

/** Leaves a whole cell: its words, and the addresses of its links. */
export function leaveCell(row: BuiltRow, column: number, { text, links }: Cell, why: LeftReason): void {
  leave(row, column, text, why);
  for (const { url } of links) if (!text.includes(url)) leave(row, column, url, why);
}

/** Makes the account whole: words and addresses that nobody has accounted for are left as not understood. */
export function completeAccount(row: BuiltRow, source: SourceRow): void {
  for (const [column, cell] of source.cells.entries()) {
    const said = [...row.understood, ...row.left].filter((one) => one.column === column);
    const texts = said.map(({ text }) => text);
    if (!texts.includes(cell.text.trim())) {
      const words = new Set(texts.flatMap(wordsOf));
      const missing = wordsOf(cell.text).filter((word) => !words.has(word) && !isGlued(word, words));
      leave(row, column, missing.join(' '), 'rest');
    }
    const values = new Set([...texts, ...said.flatMap((one) => ('value' in one ? [one.value] : []))]);
    for (const { url } of cell.links) {
      if (![...values].some((value) => value.includes(url))) leave(row, column, url, 'rest');
    }
  }
}

function wordsOf(text: string): string[] {
  return text.match(/[\p{L}\p{N}\p{M}]+/gu) ?? [];
}

/** "Advocatesinterests": words without a blank between them, each of which is told. */
function isGlued(word: string, words: ReadonlySet<string>): boolean {
  if (word.length > 100) return false;
  const reached = [true];
  for (let end = 1; end <= word.length; end++) {
    reached[end] = reached.some((is, from) => is && words.has(word.slice(from, end)));
  }
  return reached[word.length] ?? false;
}
