import { type Cell, type CellLink, type LeftOver, linesOf, oneLine } from './tables.js';
import { most, unreadable } from './unreadable.js';
import { readXml } from './xml.js';

/*
 * PURE. The parts of an Excel workbook (ECMA-376, part 1, chapter 18): its sheets, shared strings, the cells of a
 * sheet with their links, merged ranges, and which number formats are dates.
 */

/** Gives the XML of a part; null: there is none. */
export type ReadPart = (name: string) => string | null;

export interface SheetCell {
  row: number;
  column: number;
  cell: Cell;
}

/** Rows and columns from 0, both ends included. */
export interface Range {
  top: number;
  left: number;
  bottom: number;
  right: number;
}

export interface Sheet {
  cells: SheetCell[];
  merged: Range[];
  /** Comments on cells, and cells beyond the last column that is read. */
  outside: LeftOver[];
}

export interface Workbook {
  sheets: { name: string; path: string }[];
  strings: readonly string[];
  /** Indexes of cell formats that show a day or a time. */
  dateFormats: ReadonlySet<number>;
  /** Days are counted from 1904 on, as on the first Macintosh. */
  from1904: boolean;
}

const mostMerged = 20_000;
const mostWideLinks = 100;

/** The workbook of an archive; one without sheets where it is none. */
export function readWorkbook(read: ReadPart): Workbook {
  const main = relations(read('_rels/.rels') ?? '').find(({ type }) => type.endsWith('/officeDocument'));
  const path = partPath('', main?.target ?? 'xl/workbook.xml');
  const folder = path.slice(0, path.lastIndexOf('/') + 1);
  const parts = relations(read(relationsPath(path)) ?? '');
  const target = (type: string) => {
    const part = parts.find((one) => one.type.endsWith(`/${type}`));
    return part === undefined ? null : read(partPath(folder, part.target));
  };
  const sheets: { name: string; path: string }[] = [];
  let from1904 = false;
  readXml(read(path) ?? '', {
    open: (name, attributes) => {
      if (name === 'workbookpr') from1904 = /^(?:1|true)$/.test(attributes.get('date1904') ?? '');
      if (name !== 'sheet') return;
      const id = attributes.get('r:id') ?? [...attributes].find(([key]) => key.endsWith(':id'))?.[1];
      const part = parts.find((one) => one.id === id);
      if (part === undefined) return;
      sheets.push({ name: oneLine(attributes.get('name') ?? ''), path: partPath(folder, part.target) });
    },
    close: () => {},
    text: () => {},
  });
  return {
    sheets,
    strings: stringsOf(target('sharedStrings') ?? ''),
    dateFormats: dateFormatsOf(target('styles') ?? ''),
    from1904,
  };
}

/** The cells of a sheet that hold something. Refuses `import.unreadable` for more rows than are read. */
export function readSheet(path: string, read: ReadPart, workbook: Workbook): Sheet {
  const parts = relations(read(relationsPath(path)) ?? '');
  const targets = new Map(parts.map(({ id, target }) => [id, target]));
  const sheet: Sheet = { cells: [], merged: [], outside: [] };
  const links: SheetLink[] = [];
  let [row, column, rows] = [-1, -1, 0];
  let open: { type: string; format: number; value: string; formula: string } | null = null;
  let into: 'value' | 'formula' | null = null;
  let phonetic = 0;
  readXml(read(path) ?? '', {
    open: (name, attributes) => {
      if (name === 'row') {
        row = Number(attributes.get('r') ?? row + 2) - 1;
        column = -1;
      } else if (name === 'c') {
        const place = placeOf(attributes.get('r') ?? '');
        [row, column] = place === null ? [row, column + 1] : [place.row, place.column];
        open = { type: attributes.get('t') ?? 'n', format: Number(attributes.get('s') ?? 0), value: '', formula: '' };
      } else if (name === 'rph') phonetic++;
      else if (name === 'v' || name === 't') into = 'value';
      else if (name === 'f') into = 'formula';
      else if (name === 'mergecell' && sheet.merged.length < mostMerged) {
        const range = rangeOf(attributes.get('ref') ?? '');
        if (range !== null) sheet.merged.push(range);
      } else if (name === 'hyperlink') {
        const range = rangeOf(attributes.get('ref') ?? '');
        const url = targets.get(attributes.get('r:id') ?? attributes.get('id') ?? '');
        const within = attributes.get('location') ?? '';
        if (range !== null && url !== undefined) links.push({ range, url: within === '' ? url : `${url}#${within}` });
      }
    },
    close: (name) => {
      if (name === 'rph') phonetic--;
      if (name === 'v' || name === 't' || name === 'f') into = null;
      if (name !== 'c' || open === null) return;
      const text = textOf(open.type, open.value, open.format, workbook);
      const linked = formulaLink(open.formula);
      open = null;
      if (row < 0 || column < 0 || (text.trim() === '' && linked === null)) return;
      if (sheet.cells.length === 0 || row !== sheet.cells.at(-1)?.row) rows++;
      if (rows > most.rows) throw unreadable('too-large');
      if (column < most.columns) sheet.cells.push({ row, column, cell: cellOf(text, linked === null ? [] : [linked]) });
      else sheet.outside.push({ line: row + 1, text: oneLine(text) });
    },
    text: (text) => {
      if (open === null || into === null || phonetic > 0) return;
      open[into] += text;
    },
  });
  addLinks(sheet, links);
  const folder = path.slice(0, path.lastIndexOf('/') + 1);
  for (const { type, target } of parts) {
    if (type.endsWith('/comments')) sheet.outside.push(...commentsOf(read(partPath(folder, target)) ?? ''));
  }
  return sheet;
}

/** What people noted at cells; no part of the table, and not to be lost. */
function commentsOf(xml: string): LeftOver[] {
  const comments: { line: number | null; text: string }[] = [];
  let inText = false;
  readXml(xml, {
    open: (name, attributes) => {
      const place = placeOf(attributes.get('ref') ?? '');
      if (name === 'comment') comments.push({ line: place === null ? null : place.row + 1, text: '' });
      if (name === 't') inText = true;
    },
    close: (name) => {
      if (name === 't') inText = false;
    },
    text: (part) => {
      const comment = comments.at(-1);
      if (inText && comment !== undefined) comment.text += unescaped(part);
    },
  });
  return comments.map(({ line, text }) => ({ line, text: oneLine(text) })).filter(({ text }) => text !== '');
}

interface SheetLink {
  range: Range;
  url: string;
}

/** A link covers one cell, or each cell of a range. */
function addLinks(sheet: Sheet, links: readonly SheetLink[]): void {
  const byCell = new Map(links.map((link) => [`${link.range.top} ${link.range.left}`, link]));
  const wide = links
    .filter(({ range }) => range.bottom > range.top || range.right > range.left)
    .slice(0, mostWideLinks);
  for (const { row, column, cell } of sheet.cells) {
    const link =
      byCell.get(`${row} ${column}`) ??
      wide.find(({ range: { top, left, bottom, right } }) => {
        return row >= top && row <= bottom && column >= left && column <= right;
      });
    // A link that a formula makes is the same one.
    if (link !== undefined && cell.links.length === 0) {
      cell.links.push({ label: oneLine(cell.text), url: oneLine(link.url) });
    }
  }
}

function cellOf(text: string, links: CellLink[]): Cell {
  const lines = linesOf(text === '' ? links.map(({ label }) => label).join('\n') : text);
  return { text: lines.join('\n'), items: lines.length > 1 ? lines : [], links, strong: null };
}

/** Characters that XML cannot hold are written as their numbers: `_x000D_`. */
function unescaped(text: string): string {
  return text.replace(/_x([0-9A-Fa-f]{4})_/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

/** What a cell shows: a shared string, a text of its own, a day, or a figure. */
function textOf(type: string, value: string, format: number, { strings, dateFormats, from1904 }: Workbook): string {
  switch (type) {
    case 's':
      return strings[Number(value)] ?? value;
    case 'b':
      return value.trim() === '1' ? 'TRUE' : 'FALSE';
    case 'n': {
      const figure = value.trim() === '' ? Number.NaN : Number(value);
      if (!Number.isFinite(figure)) return value;
      return dateFormats.has(format) ? dayText(figure, from1904) : String(figure);
    }
    default:
      return unescaped(value);
  }
}

/** The day of a serial number, as ISO 8601; day 60 is the 29 February 1900 that never was. */
function dayText(serial: number, from1904: boolean): string {
  const days = from1904 ? serial + 1_462 : serial < 60 ? serial + 1 : serial;
  const at = new Date(Math.round((days - 25_569) * 86_400) * 1_000);
  if (Number.isNaN(at.getTime())) return String(serial);
  const [day = '', time = ''] = at.toISOString().slice(0, 16).split('T');
  return serial % 1 === 0 ? day : serial < 1 ? time : `${day} ${time}`;
}

/** `HYPERLINK("https://…","words")`: the link that a formula makes. */
function formulaLink(formula: string): CellLink | null {
  const [, url, label] = /^\s*HYPERLINK\(\s*"([^"]+)"\s*(?:[,;]\s*"([^"]*)")?/i.exec(formula) ?? [];
  return url === undefined ? null : { label: oneLine(label ?? url), url: oneLine(url) };
}

function stringsOf(xml: string): string[] {
  const strings: string[] = [];
  let text: string | null = null;
  let inText = false;
  let phonetic = 0;
  readXml(xml, {
    open: (name) => {
      if (name === 'si') text = '';
      if (name === 't') inText = true;
      if (name === 'rph') phonetic++;
    },
    close: (name) => {
      if (name === 't') inText = false;
      if (name === 'rph') phonetic--;
      if (name !== 'si') return;
      strings.push(unescaped(text ?? ''));
      text = null;
    },
    text: (part) => {
      if (inText && phonetic === 0 && text !== null) text += part;
    },
  });
  return strings;
}

/** Formats 14 to 22 and 45 to 47 are days and times; of a workbook's own those whose code has a y, m, d or h. */
function dateFormatsOf(xml: string): Set<number> {
  const own = new Map<number, string>();
  const formats: number[] = [];
  let inFormats = false;
  readXml(xml, {
    open: (name, attributes) => {
      if (name === 'numfmt') own.set(Number(attributes.get('numfmtid')), attributes.get('formatcode') ?? '');
      if (name === 'cellxfs') inFormats = true;
      if (name === 'xf' && inFormats) formats.push(Number(attributes.get('numfmtid') ?? 0));
    },
    close: (name) => {
      if (name === 'cellxfs') inFormats = false;
    },
    text: () => {},
  });
  const isDate = (id: number) => {
    const code = own.get(id);
    if (code === undefined) return (id >= 14 && id <= 22) || (id >= 45 && id <= 47);
    return /[ymdh]/i.test(code.replace(/"[^"]*"|\\.|\[[^\]]*\]/g, ''));
  };
  return new Set(formats.flatMap((id, at) => (isDate(id) ? [at] : [])));
}

interface Relation {
  id: string;
  type: string;
  target: string;
}

function relations(xml: string): Relation[] {
  const found: Relation[] = [];
  readXml(xml, {
    open: (name, attributes) => {
      if (name !== 'relationship') return;
      const [id = '', type = '', target = ''] = ['id', 'type', 'target'].map((key) => attributes.get(key));
      found.push({ id, type, target });
    },
    close: () => {},
    text: () => {},
  });
  return found;
}

/** `xl/worksheets/sheet1.xml` → `xl/worksheets/_rels/sheet1.xml.rels`. */
function relationsPath(path: string): string {
  const at = path.lastIndexOf('/') + 1;
  return `${path.slice(0, at)}_rels/${path.slice(at)}.rels`;
}

function partPath(folder: string, target: string): string {
  if (target.startsWith('/')) return target.slice(1);
  const parts: string[] = [];
  for (const part of `${folder}${target}`.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return parts.join('/');
}

/** "B12" → row 11, column 1. */
function placeOf(text: string): { row: number; column: number } | null {
  const [, letters, digits] = /^\$?([A-Z]{1,3})\$?(\d{1,7})$/.exec(text) ?? [];
  if (letters === undefined || digits === undefined) return null;
  const column = [...letters].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0) - 1;
  return { row: Number(digits) - 1, column };
}

function rangeOf(text: string): Range | null {
  const [from = '', to = from] = text.split(':');
  const [first, last] = [placeOf(from), placeOf(to)];
  if (first === null || last === null) return null;
  return {
    top: first.row,
    left: first.column,
    bottom: last.row,
    right: Math.min(last.column, most.columns - 1),
  };
}
