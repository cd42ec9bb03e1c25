import { type Cell, type CellLink, cleanText, linesOf, oneLine } from './tables.js';
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
}

export interface Workbook {
  sheets: { name: string; path: string }[];
  strings: readonly string[];
  /** Indexes of cell formats that show a day or a time. */
  dateFormats: ReadonlySet<number>;
  /** Days are counted from 1904 on, as on the first Macintosh. */
  from1904: boolean;
}

const mostRows = 20_000;
const mostColumns = 200;
const mostMerged = 20_000;

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

/** The cells of a sheet that hold something. */
export function readSheet(path: string, read: ReadPart, workbook: Workbook): Sheet {
  const targets = new Map(relations(read(relationsPath(path)) ?? '').map(({ id, target }) => [id, target]));
  const sheet: Sheet = { cells: [], merged: [] };
  const links: { range: Range; url: string; label: string }[] = [];
  let [row, column] = [-1, -1];
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
        if (range !== null && url !== undefined) links.push({ range, url, label: attributes.get('display') ?? '' });
      }
    },
    close: (name) => {
      if (name === 'rph') phonetic--;
      if (name === 'v' || name === 't' || name === 'f') into = null;
      if (name !== 'c' || open === null) return;
      const text = textOf(open.type, open.value, open.format, workbook);
      const linked = formulaLink(open.formula);
      if (row >= 0 && row < mostRows && column >= 0 && column < mostColumns && text.trim() !== '') {
        sheet.cells.push({ row, column, cell: cellOf(text, linked === null ? [] : [linked]) });
      }
      open = null;
    },
    text: (text) => {
      if (open === null || into === null || phonetic > 0) return;
      open[into] += text;
    },
  });
  addLinks(sheet, links);
  return sheet;
}

function addLinks(sheet: Sheet, links: readonly { range: Range; url: string; label: string }[]): void {
  const byPlace = new Map(links.map((link) => [`${link.range.top} ${link.range.left}`, link]));
  for (const { row, column, cell } of sheet.cells) {
    const link = byPlace.get(`${row} ${column}`);
    if (link !== undefined) cell.links.push({ label: oneLine(cell.text), url: oneLine(link.url) });
  }
}

function cellOf(text: string, links: CellLink[]): Cell {
  const lines = linesOf(text);
  return { text: lines.join('\n'), items: lines.length > 1 ? lines : [], links, strong: null };
}

/** What a cell shows: a shared string, a text of its own, a day, or a figure. */
function textOf(type: string, value: string, format: number, { strings, dateFormats, from1904 }: Workbook): string {
  switch (type) {
    case 's':
      return strings[Number(value)] ?? '';
    case 'b':
      return value.trim() === '1' ? 'TRUE' : 'FALSE';
    case 'e':
      return '';
    case 'n': {
      const figure = value.trim() === '' ? Number.NaN : Number(value);
      if (!Number.isFinite(figure)) return value;
      return dateFormats.has(format) ? dayText(figure, from1904) : String(figure);
    }
    default:
      return value;
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
      strings.push(cleanText(text ?? ''));
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
    bottom: Math.min(last.row, mostRows - 1),
    right: Math.min(last.column, mostColumns - 1),
  };
}
