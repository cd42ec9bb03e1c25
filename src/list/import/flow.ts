import { plainText } from '../plain.js';
import { type GridRow, tablesOfGrid } from './grid.js';
import { headingWords } from './headings.js';
import { type ImportSource, type LeftOver, oneLine, type SourceTable } from './tables.js';
import { most, unreadable } from './unreadable.js';

/*
 * PURE. A page as the run of its parts, and the tables that stand in it with what stands above them.
 */

export type Block =
  /** Levels 1 to 6 as in HTML; 7 for a line that is only set like a heading. */
  | { kind: 'heading'; level: number; text: string; line: number }
  | { kind: 'paragraph'; text: string; line: number }
  /** Words of the site around the page: no heading, no introduction. */
  | { kind: 'beside'; text: string; line: number }
  | { kind: 'table'; caption: string | null; grid: GridRow[]; line: number }
  /** A table that is known to be one, such as bullets: its columns are named already. */
  | { kind: 'rows'; table: Omit<SourceTable, 'headings' | 'caption'>; line: number };

/** What a page holds, in whatever form it came. */
export type Page = Pick<ImportSource, 'tables' | 'title' | 'introduction' | 'leftOver'>;

/** The day of a page is no fact of the list, and no introduction. */
const dateLine =
  /^(?:last\s+)?(?:updated?|modified|revised|effective|reviewed)\b.{0,60}$|^(?:stand|zuletzt|letzte|version|aktualisiert)\b.{0,60}\d/i;

/**
 * The tables of a page in their order. Paragraphs below the title, before any other heading, are its
 * introduction; those between a heading and its table the table's caption.
 * @param title of the file, where the page itself has none
 */
export function pageOf(blocks: readonly Block[], title: string | null): Page {
  const ownTitle = titleOf(blocks);
  const page: Page = { tables: [], title: ownTitle?.text ?? title, introduction: null, leftOver: [] };
  if (ownTitle !== null && title !== null && plainText(title) !== plainText(ownTitle.text)) {
    page.leftOver.push({ line: null, text: title });
  }
  const open: { level: number; text: string; line: number; used: boolean }[] = [];
  let waiting: LeftOver[] = [];
  let atStart = true;

  const close = (level: number) => {
    for (let heading = open.at(-1); heading !== undefined && heading.level >= level; heading = open.at(-1)) {
      open.pop();
      if (!heading.used) page.leftOver.push({ line: heading.line, text: heading.text });
    }
  };
  const putAside = () => {
    for (const one of waiting) page.leftOver.push(one);
    waiting = [];
  };
  const take = (tables: readonly SourceTable[]) => {
    if (tables.length === 0) return;
    for (const table of tables) page.tables.push(table);
    if (page.tables.length > most.tables) throw unreadable('too-large');
    for (const heading of open) heading.used = true;
  };

  for (const block of blocks) {
    switch (block.kind) {
      case 'heading':
        if (block === ownTitle?.block) {
          putAside();
          break;
        }
        if (isDate(block.text)) {
          page.leftOver.push({ line: block.line, text: block.text });
          break;
        }
        if (atStart && open.length === 0 && page.tables.length === 0) {
          page.introduction = introductionOf(waiting, page.leftOver);
          waiting = [];
        }
        putAside();
        atStart = false;
        close(block.level);
        open.push({ level: block.level, text: block.text, line: block.line, used: false });
        break;
      case 'beside':
        page.leftOver.push({ line: block.line, text: oneLine(block.text) });
        break;
      case 'paragraph':
        for (const text of block.text.split('\n')) {
          if (isDate(text)) page.leftOver.push({ line: block.line, text });
          else waiting.push({ line: block.line, text });
        }
        break;
      default: {
        if (atStart && open.length === 0) {
          const leadIn = waiting.at(-1)?.text.endsWith(':') ? waiting.splice(-1) : [];
          page.introduction = introductionOf(waiting, page.leftOver) ?? page.introduction;
          waiting = leadIn;
        }
        atStart = false;
        const caption = captionOf(waiting, block.kind === 'table' ? block.caption : null);
        const headings = open.map(({ text }) => text);
        if (block.kind === 'rows') {
          take([{ ...block.table, caption, headings }]);
          waiting = [];
          break;
        }
        const { tables, above } = tablesOfGrid(block.grid, caption, headings);
        take(tables);
        for (const one of above) page.leftOver.push(one);
        // The caption of a table without rows is told with it.
        waiting = [];
      }
    }
  }
  if (atStart) page.introduction = introductionOf(waiting, page.leftOver);
  else putAside();
  close(0);
  for (const table of page.tables) table.headings = table.headings.map((text) => withoutCount(text, table.rows.length));
  page.leftOver.sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
  return page;
}

/** The first heading of level 1; else the very first part, where it stands above more than one table's heading does. */
function titleOf(blocks: readonly Block[]): { block: Block; text: string } | null {
  const top = blocks.find((block) => block.kind === 'heading' && block.level === 1 && !isDate(block.text));
  const block = top ?? blocks[0];
  if (block?.kind !== 'heading' || isDate(block.text)) return null;
  if (block !== top) {
    const behind = blocks.slice(1);
    const next = behind.findIndex((one) => one.kind === 'heading' && one.level <= block.level && !isDate(one.text));
    const tableBetween = behind.slice(0, Math.max(0, next)).some(({ kind }) => kind === 'table' || kind === 'rows');
    if (next >= 0 && tableBetween) return null;
  }
  return { block, text: oneLine(block.text) };
}

function isDate(text: string): boolean {
  return dateLine.test(text.replace(/[*_]/g, '').trim());
}

function introductionOf(paragraphs: readonly LeftOver[], leftOver: LeftOver[]): string | null {
  if (paragraphs.length === 0) return null;
  const text = paragraphs.map((one) => one.text).join('\n\n');
  if (text.length <= 20_000) return text;
  for (const one of paragraphs) leftOver.push(one);
  return null;
}

function captionOf(waiting: readonly LeftOver[], own: string | null): string | null {
  const lines = [...waiting.map(({ text }) => text), ...(own === null ? [] : [own])];
  return lines.length === 0 ? null : lines.join('\n');
}

/** "Storage 2" above two rows: the page counts them. */
function withoutCount(heading: string, rows: number): string {
  const counted = heading.length > 200 ? null : /^(.*\S)\s*\(?\b(\d{1,4})\)?$/.exec(heading);
  if (counted === null || Number(counted[2]) !== rows || headingWords(counted[1] ?? '') === '') return heading;
  return counted[1] ?? heading;
}

/** Whether a line of a plain text is set like a heading: short, and no sentence. */
export function isHeadingLine(text: string): boolean {
  return text.length <= 60 && text.split(' ').length <= 8 && !/[.:;,!?…|]$/.test(text) && !isDate(text);
}
