import { strToU8, zipSync } from 'fflate';
import { escapeMarkup } from '../../mail/escape.js';

/*
 * PURE. An Excel workbook (ECMA-376, part 1, chapter 18) of plain tables: a heading row that stays in sight and
 * filters, texts that are texts, days that are days. The same sheets give the same bytes.
 *
 * Written here, as the libraries that do it drag along readers with known holes, or half of an office.
 */

/** A text is never a formula: it is stored as what it is, without any sign in front. */
export type Cell = string | number | { day: string } | { link: string } | null;

export interface WorkbookSheet {
  name: string;
  /** Of each column: its heading, and about how many letters it is wide. */
  columns: { heading: string; width: number }[];
  rows: Cell[][];
}

/** More letters no cell of a spreadsheet holds. */
const mostLetters = 32_767;
/** More links no sheet holds. */
const mostLinks = 65_530;
const longestName = 31;
/** As zip writes it, in the zone of the process: the same everywhere. */
const made = new Date(1980, 0, 1);

const styles = { text: 0, heading: 1, day: 2, link: 3 } as const;
const relationships = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const main = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
const packages = 'http://schemas.openxmlformats.org/package/2006';

/**
 * The bytes of an `.xlsx` file.
 * @param options.title of the document; `dir`: of the language in which it is read
 */
export function writeWorkbook(
  sheets: readonly WorkbookSheet[],
  { title, dir }: { title: string; dir: 'ltr' | 'rtl' },
): Uint8Array {
  const parts: Record<string, string> = {
    '[Content_Types].xml': contentTypes(sheets.length),
    '_rels/.rels': relations([
      { id: 'rId1', type: 'officeDocument', target: 'xl/workbook.xml' },
      {
        id: 'rId2',
        type: `${packages}/relationships/metadata/core-properties`,
        target: 'docProps/core.xml',
      },
    ]),
    'docProps/core.xml': coreProperties(title),
    'xl/workbook.xml': workbook(namesOf(sheets)),
    'xl/_rels/workbook.xml.rels': relations([
      ...sheets.map((_, at) => ({ id: `rId${at + 1}`, type: 'worksheet', target: `worksheets/sheet${at + 1}.xml` })),
      { id: `rId${sheets.length + 1}`, type: 'styles', target: 'styles.xml' },
    ]),
    'xl/styles.xml': stylesheet,
  };
  for (const [at, sheet] of sheets.entries()) {
    const links: string[] = [];
    parts[`xl/worksheets/sheet${at + 1}.xml`] = worksheet(sheet, { dir, isFirst: at === 0, links });
    if (links.length > 0) {
      parts[`xl/worksheets/_rels/sheet${at + 1}.xml.rels`] = relations(
        links.map((target, index) => ({ id: `rId${index + 1}`, type: 'hyperlink', target, isOutside: true })),
      );
    }
  }
  const files = Object.entries(parts).map(([name, text]) => [name, strToU8(text)] as const);
  return zipSync(Object.fromEntries(files), { mtime: made, level: 6 });
}

const declaration = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';

function worksheet(
  { columns, rows }: WorkbookSheet,
  { dir, isFirst, links }: { dir: 'ltr' | 'rtl'; isFirst: boolean; links: string[] },
): string {
  const linked: string[] = [];
  const lines = rows.map((cells, row) => {
    const written = cells.map((cell, column) => {
      const at = `${letters(column)}${row + 2}`;
      if (cell !== null && typeof cell === 'object' && 'link' in cell && links.length < mostLinks) {
        links.push(cell.link);
        linked.push(`<hyperlink ref="${at}" r:id="rId${links.length}"/>`);
      }
      return cellXml(at, cell);
    });
    return `<row r="${row + 2}">${written.join('')}</row>`;
  });
  const last = `${letters(Math.max(0, columns.length - 1))}${rows.length + 1}`;
  const heading = columns.map(({ heading: text }, column) => textXml(`${letters(column)}1`, text, styles.heading));
  return [
    declaration,
    `<worksheet xmlns="${main}" xmlns:r="${relationships}">`,
    `<dimension ref="A1:${last}"/>`,
    `<sheetViews><sheetView workbookViewId="0"${isFirst ? ' tabSelected="1"' : ''}${dir === 'rtl' ? ' rightToLeft="1"' : ''}>`,
    '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>',
    `<cols>${columns.map(({ width }, at) => `<col min="${at + 1}" max="${at + 1}" width="${width}" customWidth="1"/>`).join('')}</cols>`,
    `<sheetData><row r="1">${heading.join('')}</row>${lines.join('')}</sheetData>`,
    `<autoFilter ref="A1:${last}"/>`,
    ...(linked.length > 0 ? [`<hyperlinks>${linked.join('')}</hyperlinks>`] : []),
    '</worksheet>',
  ].join('');
}

function cellXml(at: string, cell: Cell): string {
  if (cell === null || cell === '') return '';
  if (typeof cell === 'number') return `<c r="${at}"><v>${cell}</v></c>`;
  if (typeof cell === 'string') return textXml(at, cell, styles.text);
  if ('link' in cell) return textXml(at, cell.link, styles.link);
  return `<c r="${at}" s="${styles.day}"><v>${serialOf(cell.day)}</v></c>`;
}

function textXml(at: string, text: string, style: number): string {
  return `<c r="${at}" s="${style}" t="inlineStr"><is><t xml:space="preserve">${textOf(text)}</t></is></c>`;
}

/** What looks like the number of a character is said letter for letter (part 1, 22.4.2.4). */
function textOf(text: string): string {
  const cut = text.length > mostLetters ? `${text.slice(0, mostLetters - 1)}…` : text;
  return escapeMarkup(cut.replace(/_(?=x[0-9A-Fa-f]{4}_)/g, '_x005F_'));
}

/** Days since the 30th of December 1899. */
function serialOf(day: string): number {
  return Date.parse(`${day}T00:00:00Z`) / 86_400_000 + 25_569;
}

function letters(column: number): string {
  const own = String.fromCharCode(65 + (column % 26));
  return column < 26 ? own : letters(Math.floor(column / 26) - 1) + own;
}

/** A sheet's name is short, without some signs, and no other's. */
function namesOf(sheets: readonly WorkbookSheet[]): string[] {
  const used = new Set<string>();
  return sheets.map(({ name }, at) => {
    const plain =
      name
        .replace(/[[\]:*?/\\]/g, ' ')
        .replace(/^'+|'+$/g, '')
        .trim() || `${at + 1}`;
    let chosen = plain.slice(0, longestName);
    for (let count = 2; used.has(chosen.toLowerCase()); count++) {
      chosen = `${plain.slice(0, longestName - 4)} ${count}`;
    }
    used.add(chosen.toLowerCase());
    return chosen;
  });
}

function workbook(names: readonly string[]): string {
  const sheets = names.map(
    (name, at) => `<sheet name="${escapeMarkup(name)}" sheetId="${at + 1}" r:id="rId${at + 1}"/>`,
  );
  return `${declaration}<workbook xmlns="${main}" xmlns:r="${relationships}"><sheets>${sheets.join('')}</sheets></workbook>`;
}

interface Relation {
  id: string;
  type: string;
  target: string;
  isOutside?: boolean;
}

function relations(all: readonly Relation[]): string {
  const lines = all.map(({ id, type, target, isOutside }) => {
    const kind = type.includes('/') ? type : `${relationships}/${type}`;
    const mode = isOutside === true ? ' TargetMode="External"' : '';
    return `<Relationship Id="${id}" Type="${kind}" Target="${escapeMarkup(target)}"${mode}/>`;
  });
  return `${declaration}<Relationships xmlns="${packages}/relationships">${lines.join('')}</Relationships>`;
}

function contentTypes(sheets: number): string {
  const form = 'application/vnd.openxmlformats-officedocument.spreadsheetml';
  const parts = [
    ['/xl/workbook.xml', `${form}.sheet.main+xml`],
    ['/xl/styles.xml', `${form}.styles+xml`],
    ...Array.from({ length: sheets }, (_, at) => [`/xl/worksheets/sheet${at + 1}.xml`, `${form}.worksheet+xml`]),
    ['/docProps/core.xml', 'application/vnd.openxmlformats-package.core-properties+xml'],
  ];
  const overrides = parts.map(([name, type]) => `<Override PartName="${name}" ContentType="${type}"/>`);
  return [
    declaration,
    `<Types xmlns="${packages}/content-types">`,
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>',
    '<Default Extension="xml" ContentType="application/xml"/>',
    ...overrides,
    '</Types>',
  ].join('');
}

function coreProperties(title: string): string {
  return [
    declaration,
    `<cp:coreProperties xmlns:cp="${packages}/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/">`,
    `<dc:title>${escapeMarkup(title)}</dc:title></cp:coreProperties>`,
  ].join('');
}

const stylesheet = [
  declaration,
  `<styleSheet xmlns="${main}">`,
  '<numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/></numFmts>',
  '<fonts count="3"><font><sz val="11"/><name val="Calibri"/></font>',
  '<font><b/><sz val="11"/><name val="Calibri"/></font>',
  '<font><u/><sz val="11"/><color rgb="FF1F5FA8"/><name val="Calibri"/></font></fonts>',
  '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>',
  '<borders count="1"><border/></borders>',
  '<cellStyleXfs count="1"><xf/></cellStyleXfs>',
  '<cellXfs count="4">',
  // 49: text. Whoever edits a cell that begins with a sign of a formula keeps a text.
  '<xf numFmtId="49" fontId="0" applyNumberFormat="1" applyAlignment="1"><alignment vertical="top" wrapText="1"/></xf>',
  '<xf numFmtId="49" fontId="1" applyNumberFormat="1" applyFont="1" applyAlignment="1"><alignment vertical="top" wrapText="1"/></xf>',
  '<xf numFmtId="164" fontId="0" applyNumberFormat="1" applyAlignment="1"><alignment vertical="top" horizontal="left"/></xf>',
  '<xf numFmtId="49" fontId="2" applyNumberFormat="1" applyFont="1" applyAlignment="1"><alignment vertical="top" wrapText="1"/></xf>',
  '</cellXfs></styleSheet>',
].join('');
