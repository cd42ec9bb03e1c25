import { decodeText } from './decode.js';
import { type Block, type Page, pageOf } from './flow.js';
import { emptyGridCell, type GridCell, type GridRow, gridCell } from './grid.js';
import { columnOf } from './headings.js';
import { readSheet, readWorkbook, type Sheet } from './sheet.js';
import type { LeftOver } from './tables.js';
import { most, unreadable } from './unreadable.js';
import { unzip } from './unzip.js';

/*
 * PURE. An Excel workbook: each sheet a part of the page with its name above it, merged cells taken apart, links
 * kept. Read here rather than by a package: those at hand give bare values, without links and merged cells.
 */

/** Cells that merged ranges may be taken apart to. */
const mostSpread = 100_000;

/** Names that programs give, and that say nothing. */
const givenName = /^(?:sheet|worksheet|tabelle|table|feuille?|hoja|foglio|blad|ark|list|лист)\s*\d*$/i;

/** Parts that hold no words of a cell, and can be large. */
const beside =
  /(?:^|\/)(?:theme|drawings|media|charts|customXml|docProps|pivotCache|pivotTables|printerSettings|calcChain)/;

/** Reads a workbook. Refuses `import.unreadable` for what is none, is damaged or too large. */
export function readXlsx(bytes: Uint8Array): Page {
  const parts = unzip(bytes, (name) => /\.(?:xml|rels)$/i.test(name) && !beside.test(name));
  const read = (name: string) => {
    const content = parts.get(name);
    return content === undefined ? null : decodeText(content, null).text;
  };
  const workbook = readWorkbook(read);
  if (workbook.sheets.length === 0) throw unreadable('broken-sheet');
  if (workbook.sheets.length > most.tables) throw unreadable('too-large');
  const outside: LeftOver[] = [];
  const blocks = workbook.sheets.flatMap(({ name, path }) => {
    const sheet = readSheet(path, read, workbook);
    outside.push(...sheet.outside.slice(0, most.rows));
    return blocksOf(sheet, givenName.test(name) ? null : name);
  });
  const page = pageOf(blocks, null);
  return { ...page, leftOver: [...page.leftOver, ...outside] };
}

/** Rows without anything part the tables of a sheet, where a new row of headings follows them. */
function blocksOf(sheet: Sheet, name: string | null): Block[] {
  const rows = gridOf(sheet);
  if (rows.length === 0) return [];
  const tables: GridRow[][] = [];
  for (const [at, row] of rows.entries()) {
    const above = rows[at - 1];
    const follows = above !== undefined && row.line === above.line + 1;
    const last = tables.at(-1);
    if (last === undefined || (!follows && beginsTable(rows.slice(at, at + 3)))) tables.push([row]);
    else last.push(row);
  }
  const heading: Block[] = name === null ? [] : [{ kind: 'heading', level: 2, text: name, line: rows[0]?.line ?? 1 }];
  return [
    ...heading,
    ...tables.map((grid): Block => ({ kind: 'table', caption: null, grid, line: grid[0]?.line ?? 1 })),
  ];
}

function beginsTable(rows: readonly GridRow[]): boolean {
  return rows.some(({ cells }) => cells.filter(({ text }) => columnOf(text) !== null).length >= 2);
}

/** The rows that hold something; a merged cell stands in each row that it covers. */
function gridOf({ cells, merged }: Sheet): GridRow[] {
  const rows = new Map<number, GridCell[]>();
  const put = (row: number, column: number, cell: GridCell) => {
    const line = rows.get(row) ?? [];
    rows.set(row, line);
    while (line.length < column) line.push(emptyGridCell);
    line[column] = cell;
  };
  for (const { row, column, cell } of cells) put(row, column, gridCell(cell));
  let spread = 0;
  for (const { top, left, bottom, right } of merged) {
    const origin = rows.get(top)?.[left];
    if (origin === undefined || origin.text === '') continue;
    for (let row = top; row <= bottom && spread < mostSpread; row++, spread++) {
      // Only rows that have cells of their own: a cell merged downwards makes no rows.
      if (rows.has(row)) put(row, left, { ...origin, span: right - left + 1 });
    }
  }
  return [...rows]
    .sort(([a], [b]) => a - b)
    .map(([row, line]): GridRow => ({ line: row + 1, cells: line }))
    .filter(({ cells: line }) => line.some(({ text }) => text !== ''));
}
