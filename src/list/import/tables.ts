import type { ListInput } from '../document.js';

/*
 * PURE. What every file of an import is turned into before anybody asks what it means: tables of cells,
 * with the headings above them, and whatever else stood there.
 */

export interface CellLink {
  /** The words that are the link; the address itself where it has no words of its own. */
  label: string;
  /** As written; checked only when it becomes a field. */
  url: string;
}

export interface Cell {
  /** All of it as one text, lines parted by LF; white space within a line is one blank. */
  text: string;
  /** The members of a list in it, or its lines where it has several; empty for a cell of one line. */
  items: string[];
  links: CellLink[];
  /** What is set in bold, where that is a part of the cell only. */
  strong: string | null;
}

export interface SourceRow {
  /** 1-based line of the text, row of the sheet; of a data file the line of the entry. */
  line: number;
  /** Mostly one for each column; a row of the source may have fewer or more. */
  cells: Cell[];
}

export interface SourceTable {
  /** What stands between the heading and the table, such as a lead-in sentence; one line a paragraph. */
  caption: string | null;
  /** The headings it stands under, outermost first, without the title of the page. */
  headings: string[];
  /** Column headings as written; empty where a column has none. */
  columns: string[];
  rows: SourceRow[];
}

export const sourceFormats = ['json', 'yaml', 'csv', 'markdown', 'html', 'xlsx', 'text'] as const;
export type SourceFormat = (typeof sourceFormats)[number];

/** Words of the source that belong to no table. */
export interface LeftOver {
  line: number | null;
  text: string;
}

/** A file, a page or a pasted text as tables. Nothing of it is dropped: what is in no table is in `leftOver`. */
export interface ImportSource {
  format: SourceFormat;
  /** Such as `utf-8`, `utf-16le`, `windows-1252`. */
  encoding: string;
  tables: SourceTable[];
  /** Set when the file is a list document of our own form; there are no tables then. */
  list: ListInput | null;
  title: string | null;
  introduction: string | null;
  leftOver: LeftOver[];
}

export const emptyCell: Cell = { text: '', items: [], links: [], strong: null };

/** A cell of plain text. */
export function textCell(raw: string): Cell {
  const lines = linesOf(raw);
  return { text: lines.join('\n'), items: lines.length > 1 ? lines : [], links: [], strong: null };
}

/** The lines of a text that hold anything, each without surplus white space. */
export function linesOf(raw: string): string[] {
  return cleanText(raw)
    .split('\n')
    .map((line) => line.replace(/[^\S\n]+/g, ' ').trim())
    .filter((line) => line !== '');
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const lineEnds = /\r\n?|[\u000b\u000c\u0085\u2028\u2029]/g;
// What a list document cannot hold; and marks that no reader sees, which stand between the words of saved pages.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const unseen = /[\u0000-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f\u00ad\u200b\u200e\u200f\u2060\ufeff]/g;

/** The text without control characters and invisible marks, its line ends as LF. */
export function cleanText(raw: string): string {
  return raw
    .replace(lineEnds, '\n')
    .replace(unseen, '')
    .replace(/[\p{Surrogate}\p{Noncharacter_Code_Point}]/gu, '\ufffd');
}

/** One line: the text with every run of white space as one blank. */
export function oneLine(raw: string): string {
  return cleanText(raw).replace(/\s+/g, ' ').trim();
}
