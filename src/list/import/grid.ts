import { columnOf } from './headings.js';
import { type Cell, emptyCell, type LeftOver, oneLine, type SourceTable } from './tables.js';
import { most } from './unreadable.js';

/*
 * PURE. From rows of cells to tables: which row holds the column headings, which rows are headings within
 * the table.
 */

export interface GridCell extends Cell {
  /** Marked as a heading (`<th>`). */
  isHeading: boolean;
  /** How many columns it spans; the columns to its right are empty cells then. */
  span: number;
}

export interface GridRow {
  line: number;
  cells: GridCell[];
}

/** A cell of a grid that spans one column. */
export function gridCell(cell: Cell, isHeading = false, span = 1): GridCell {
  return { ...cell, isHeading, span };
}

export const emptyGridCell: GridCell = gridCell(emptyCell);

/** Rows above the column headings that a sheet may have: its title, a date, a note. */
const mostLines = 20;

/**
 * The tables of a grid: more than one where rows within it are headings of those below.
 * @param headings those it stands under
 * @returns also what belongs to none of them, such as the lines above the column headings
 */
export function tablesOfGrid(
  grid: readonly GridRow[],
  caption: string | null,
  headings: readonly string[],
): { tables: SourceTable[]; above: LeftOver[] } {
  const outside: LeftOver[] = [];
  const rows = grid
    .map(({ line, cells }): GridRow => {
      const beyond = cells.slice(most.columns).filter(isFilled);
      if (beyond.length > 0) outside.push({ line, text: beyond.map(textOf).join(' | ') });
      return { line, cells: cells.slice(0, most.columns) };
    })
    .filter(({ cells }) => cells.some(isFilled));
  const width = rows.reduce((widest, { cells }) => Math.max(widest, lastFilled(cells) + 1), 0);
  const { start, columns } = headingRows(rows, width);
  const above = rows
    .slice(0, start)
    .filter((_, at) => at < start - columns.rows)
    .map(({ line, cells }): LeftOver => ({ line, text: cells.filter(isFilled).map(textOf).join(' ') }));

  const tables: (SourceTable & { line: number })[] = [];
  let open: (typeof tables)[number] | null = null;
  // "United States" across the table, then the columns, then rows, then "European Union": the first is one of them.
  const first = rows[start - columns.rows - 1];
  const leading = first === undefined || width < 2 ? null : sectionOf(first.cells, width);
  if (leading !== null && rows.slice(start).some(({ cells }) => sectionOf(cells, width) !== null)) {
    above.pop();
    tables.push({
      caption,
      headings: [...headings, leading],
      columns: columns.names,
      rows: [],
      line: first?.line ?? 1,
    });
  }
  for (const { line, cells } of rows.slice(start)) {
    const heading = width > 1 ? sectionOf(cells, width) : null;
    if (heading !== null) {
      open = null;
      tables.push({ caption, headings: [...headings, heading], columns: columns.names, rows: [], line });
      continue;
    }
    if (open === null) {
      open = tables.at(-1) ?? null;
      if (open === null) {
        open = { caption, headings: [...headings], columns: columns.names, rows: [], line };
        tables.push(open);
      }
    }
    open.rows.push({ line, cells: cells.slice(0, lastFilled(cells) + 1).map(plainCell) });
  }
  for (const { headings: all, line, rows: own } of tables) {
    if (own.length === 0) above.push({ line, text: all.at(-1) ?? '' });
  }
  const filled = tables.filter((table) => table.rows.length > 0).map(({ line: _, ...table }) => table);
  const names = columns.names.filter((name) => name !== '');
  if (filled.length === 0) {
    if (names.length > 0) above.push({ line: rows[0]?.line ?? 1, text: names.join(' | ') });
    if (caption !== null) above.push({ line: rows[0]?.line ?? null, text: caption });
  }
  return { tables: filled, above: [...above, ...outside] };
}

function isFilled({ text, links }: Cell): boolean {
  return text !== '' || links.length > 0;
}

function lastFilled(cells: readonly Cell[]): number {
  return cells.findLastIndex(isFilled);
}

function textOf({ text, links }: Cell): string {
  return oneLine(text === '' ? links.map(({ url }) => url).join(' ') : text);
}

function plainCell({ text, items, links, strong }: Cell): Cell {
  return { text, items, links, strong };
}

/** The heading that a row is: one cell that spans the whole table. */
function sectionOf(cells: readonly GridCell[], width: number): string | null {
  const [only, ...more] = cells.filter(isFilled);
  if (only === undefined || more.length > 0 || only.span < width) return null;
  return textOf(only);
}

interface Columns {
  names: string[];
  /** How many rows they take. */
  rows: number;
}

/** Where the rows of facts begin, and what the columns are called. */
function headingRows(rows: readonly GridRow[], width: number): { start: number; columns: Columns } {
  const isMarked = (row: GridRow | undefined) =>
    row?.cells.filter(isFilled).every(({ isHeading }) => isHeading) === true;
  // Above the column headings stand titles at most; a marked row further down is a heading within the table.
  const first = rows.findIndex((row) => !isTitle(row, width));
  if (first >= 0 && first < mostLines && isMarked(rows[first])) {
    let end = first + 1;
    while (end < rows.length && end - first < 3 && isMarked(rows[end]) && !isTitle(rows[end], width)) {
      end++;
    }
    // Every cell of the table is marked: then only the first row can be meant.
    if (end === rows.length && end - first > 1) end = first + 1;
    // An exporter that knows no table without a heading row writes an empty one.
    return { start: end, columns: namesOf(rows.slice(first, end), width) };
  }
  const known = rows
    .slice(0, mostLines)
    .map((row, at) => ({ at, count: row.cells.filter((cell) => columnOf(textOf(cell)) !== null).length }))
    .filter(({ at, count }) => count > 0 && !isTitle(rows[at], width))
    .sort((a, b) => Math.min(b.count, 3) - Math.min(a.count, 3) || a.at - b.at)[0];
  // One known word among many cells is a vendor's purpose as likely as a heading.
  const sure = known !== undefined && known.count >= Math.min(2, width);
  if (sure) return { start: known.at + 1, columns: namesOf(rows.slice(known.at, known.at + 1), width) };
  if (first < 0 || looksLikeFacts(rows[first])) {
    return { start: Math.max(first, 0), columns: { names: Array.from({ length: width }, () => ''), rows: 0 } };
  }
  return { start: first + 1, columns: namesOf(rows.slice(first, first + 1), width) };
}

/** One filled cell in a table of several columns: a title, or a heading within. */
function isTitle(row: GridRow | undefined, width: number): boolean {
  return row !== undefined && width > 1 && row.cells.filter(isFilled).length === 1;
}

/** Column headings hold neither links nor sentences nor figures. */
function looksLikeFacts(row: GridRow | undefined): boolean {
  return (row?.cells ?? []).some(({ text, links }) => links.length > 0 || /https?:\/\/|\d{3}|[.;!]$/.test(text));
}

/** One name a column; of several heading rows the parts from top to bottom, each once. */
function namesOf(rows: readonly GridRow[], width: number): Columns {
  const names = Array.from({ length: width }, (_, column) => {
    const parts = rows.flatMap(({ cells }) => {
      const owner = cells.findLastIndex((cell, at) => at <= column && isFilled(cell) && at + cell.span > column);
      const cell = cells[owner];
      return cell === undefined ? [] : [textOf(cell)];
    });
    return [...new Set(parts)].join(' ');
  });
  return { names, rows: rows.length };
}
