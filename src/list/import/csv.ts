import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import { type Page, pageOf } from './flow.js';
import { type GridRow, gridCell } from './grid.js';
import { looseCell } from './html-cell.js';
import { most, unreadable } from './unreadable.js';

/*
 * PURE. Tables as spreadsheets save them: parted by commas, semicolons, tabs or bars, any line ends, quoted
 * or not.
 */

const delimiters = [',', ';', '\t', '|'] as const;
const recordsSchema = z.array(z.object({ record: z.array(z.string()), info: z.object({ lines: z.number() }) }));
type Records = z.infer<typeof recordsSchema>;

/** Reads a table of values, as every text is one. Refuses `import.unreadable` for too many rows. */
export function readCsv(text: string): Page {
  // Excel's own way to say which separator a file has.
  const declared = /^sep=(.)\r?\n/i.exec(text)?.[1] ?? null;
  const body = declared === null ? text : text.slice(text.indexOf('\n') + 1);
  const before = declared === null ? 0 : 1;
  const records = recordsOf(body, declared ?? delimiterOf(body));
  if (records.length > most.rows) throw unreadable('too-large');
  let line = 1;
  const grid = records.map(({ record, info }): GridRow => {
    const values = record.slice(0, most.columns);
    // What is beyond the last column is one more cell, which the grid tells as left over.
    const beyond = record.slice(most.columns).filter((value) => value.trim() !== '');
    if (beyond.length > 0) values.push(beyond.join(' '));
    const row = { line: line + before, cells: values.map((value) => gridCell(looseCell(withoutGuard(value)))) };
    line = info.lines + 1;
    return row;
  });
  return pageOf([{ kind: 'table', caption: null, grid, line: 1 }], null);
}

/** How sure a text is a table of values: the separator, where its lines agree on one. Null: they do not. */
export function separatorOf(text: string): string | null {
  const found = delimiters.map((delimiter) => ({ delimiter, fit: fitOf(text, delimiter) }));
  const best = found.sort((a, b) => b.fit - a.fit)[0];
  return best !== undefined && best.fit >= 0.8 ? best.delimiter : null;
}

function delimiterOf(text: string): string {
  const found = delimiters.map((delimiter) => ({ delimiter, fit: fitOf(text, delimiter) }));
  return found.sort((a, b) => b.fit - a.fit)[0]?.delimiter ?? ',';
}

/** Which part of the first rows has the commonest number of cells; 0 where that is one. */
function fitOf(text: string, delimiter: string): number {
  const start = text.slice(0, 50_000);
  const rows = recordsOf(start, delimiter)
    .map(({ record }) => record.length)
    .slice(0, 50);
  // The last of them may be cut off.
  if (start.length < text.length && rows.length > 1) rows.pop();
  const counts = new Map<number, number>();
  for (const length of rows) counts.set(length, (counts.get(length) ?? 0) + 1);
  const [width = 1, often = 0] = [...counts].sort((a, b) => b[1] - a[1] || b[0] - a[0])[0] ?? [];
  if (width < 2 || rows.length === 0) return 0;
  // Of two that agree equally, the one with more columns; a comma within sentences agrees by chance only.
  return often / rows.length + Math.min(width, 20) / 1_000;
}

function recordsOf(text: string, delimiter: string): Records {
  const options = {
    delimiter,
    info: true,
    relax_column_count: true,
    to: most.rows + 1,
    relax_quotes: true,
    record_delimiter: ['\r\n', '\n', '\r'],
  };
  try {
    return recordsSchema.parse(parse(text, options));
  } catch {
    // A quote that is never closed: then quotes are letters.
    return recordsSchema.parse(parse(text, { ...options, quote: null }));
  }
}

/** Exports guard text that a spreadsheet would run as a formula by an apostrophe. */
function withoutGuard(value: string): string {
  return /^'[=+\-@\t\r＝＋－＠]/.test(value) ? value.slice(1) : value;
}
