import { readFileSync } from 'node:fs';
import { strToU8, zipSync } from 'fflate';
import { Refusal } from '../../../src/errors.js';
import { readSource, type SourceHint } from '../../../src/list/import/read-source.js';
import type { ImportSource } from '../../../src/list/import/tables.js';

/*
 * Sources for the tests of the readers, and what they became in a short form.
 */

/** Reads a text (or bytes) as the file of a name. */
export function read(content: string | Uint8Array, fileName = '', contentType?: string): Promise<ImportSource> {
  const hint: SourceHint = { fileName, contentType };
  return readSource(typeof content === 'string' ? Buffer.from(content) : content, hint);
}

/** A file of `test/cases/lists/`. */
export function published(name: string): Uint8Array {
  return readFileSync(new URL(`../../cases/lists/${name}`, import.meta.url));
}

/** The tables of a source: headings, caption, columns, and the texts of each row. */
export function shortTables({ tables }: ImportSource) {
  return tables.map(({ headings, caption, columns, rows }) => ({
    headings,
    caption,
    columns,
    rows: rows.map(({ cells }) => cells.map(({ text }) => text)),
  }));
}

/** Rows of the only table, as texts. */
export function onlyRows(source: ImportSource): string[][] {
  if (source.tables.length !== 1) throw new Error(`${source.tables.length} tables`);
  return source.tables.flatMap(({ rows }) => rows.map(({ cells }) => cells.map(({ text }) => text)));
}

/** All words that a source holds, wherever they went. */
export function wordsOf(source: ImportSource): string {
  const texts = [source.title ?? '', source.introduction ?? '', ...source.leftOver.map(({ text }) => text)];
  for (const { headings, caption, columns, rows } of source.tables) {
    texts.push(caption ?? '', ...headings, ...columns);
    for (const { cells } of rows) for (const { text } of cells) texts.push(text);
  }
  return texts.join('\n');
}

/** Why a file is refused, or what was thrown instead; null: it was read. */
export async function refusalOf(content: string | Uint8Array, fileName = ''): Promise<string | null> {
  try {
    await read(content, fileName);
    return null;
  } catch (error) {
    if (!(error instanceof Refusal)) return String(error);
    return error.code === 'import.unreadable' ? (error.errors[0]?.path ?? '') : error.code;
  }
}

const main = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
const office = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const packaged = 'http://schemas.openxmlformats.org/package/2006/relationships';

/** A sheet of a workbook, as the XML within its parts. */
export interface SheetParts {
  name: string;
  /** `<row>…</row>` */
  rows: string;
  /** What follows the rows: merged cells, links. */
  after?: string;
  /** Id, kind and target of what the sheet refers to. */
  relations?: readonly (readonly [id: string, kind: string, target: string])[];
}

/** A workbook as Excel writes it. */
export function workbook(
  sheets: readonly SheetParts[],
  {
    strings = '',
    styles = '',
    properties = '',
    more = {},
  }: Partial<Record<'strings' | 'styles' | 'properties', string>> & {
    more?: Record<string, string>;
  } = {},
): Uint8Array {
  const head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n';
  const relation = (id: string, kind: string, target: string) =>
    `<Relationship Id="${id}" Type="${office}/${kind}" Target="${target}"${kind === 'hyperlink' ? ' TargetMode="External"' : ''}/>`;
  const relations = (inner: string) => `${head}<Relationships xmlns="${packaged}">${inner}</Relationships>`;
  const files: Record<string, string> = {
    '[Content_Types].xml': `${head}<Types/>`,
    '_rels/.rels': relations(relation('rId1', 'officeDocument', 'xl/workbook.xml')),
    'xl/workbook.xml': `${head}<workbook xmlns="${main}" xmlns:r="${office}"><workbookPr${properties}/><sheets>${sheets
      .map(({ name }, at) => `<sheet name="${name}" sheetId="${at + 1}" r:id="rId${at + 1}"/>`)
      .join('')}</sheets></workbook>`,
    'xl/_rels/workbook.xml.rels': relations(
      [
        ...sheets.map((_, at) => relation(`rId${at + 1}`, 'worksheet', `worksheets/sheet${at + 1}.xml`)),
        relation('rId98', 'sharedStrings', 'sharedStrings.xml'),
        relation('rId99', 'styles', 'styles.xml'),
      ].join(''),
    ),
    'xl/sharedStrings.xml': `${head}<sst xmlns="${main}">${strings}</sst>`,
    'xl/styles.xml': `${head}<styleSheet xmlns="${main}">${styles}</styleSheet>`,
    ...more,
  };
  for (const [at, { rows, after = '', relations: own = [] }] of sheets.entries()) {
    files[`xl/worksheets/sheet${at + 1}.xml`] =
      `${head}<worksheet xmlns="${main}" xmlns:r="${office}"><sheetData>${rows}</sheetData>${after}</worksheet>`;
    if (own.length > 0) {
      files[`xl/worksheets/_rels/sheet${at + 1}.xml.rels`] = relations(own.map((one) => relation(...one)).join(''));
    }
  }
  return zipSync(Object.fromEntries(Object.entries(files).map(([name, xml]) => [name, strToU8(xml)])));
}

/** A row of inline strings from column A on, as libraries write them. */
export function inlineRow(row: number, values: readonly string[]): string {
  const cells = values.map((value, at) => {
    const place = `${String.fromCharCode(65 + at)}${row}`;
    return `<c r="${place}" t="inlineStr"><is><t xml:space="preserve">${value}</t></is></c>`;
  });
  return `<row r="${row}">${cells.join('')}</row>`;
}
