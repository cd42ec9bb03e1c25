import { listInputSchema } from '../document.js';
import { plainText } from '../plain.js';
import { completeAccount, leave, leaveCell, understand } from './account.js';
import type { BuiltRow } from './build-list.js';
import type { CategoryInput } from './catalogue.js';
import { emptinessOf, flagOf, optionalOf } from './flags.js';
import type { ColumnTarget } from './mapping.js';
import { type Cell, cleanText, emptyCell, oneLine, type SourceRow, type SourceTable } from './tables.js';

/*
 * PURE. A row of a catalogue as a data category.
 */

const shape = listInputSchema.shape.dataSubjects.element.shape.dataCategories.unwrap().element.shape;
const lineFields = ['legalBasis', 'source', 'retention'] as const;
const longFields = ['purpose', 'description', 'example'] as const;

/** What the rows of all catalogues of a source have in common. */
export interface CatalogueHabits {
  /** First words that say the purpose, such as "Identification". */
  keywords: ReadonlySet<string>;
  /** Some names have a star, so that one without is required. */
  hasStars: boolean;
}

export interface CatalogueTable {
  table: SourceTable;
  columns: readonly ColumnTarget[];
}

const articles: ReadonlySet<string> = new Set(
  'a an the we to for this these our your if it used der die das ein eine wir zur zum für'.split(' '),
);

/** Looks through all catalogue rows once. */
export function habitsOf(tables: readonly CatalogueTable[]): CatalogueHabits {
  const counts = new Map<string, number>();
  let texts = 0;
  let hasStars = false;
  for (const { table, columns } of tables) {
    for (const row of table.rows) {
      for (const [column, cell] of row.cells.entries()) {
        if (columns[column] === 'name' && /\S\s*\*$/.test(cell.text)) hasStars = true;
        if (columns[column] !== 'purpose+description+example' || cell.text.includes('\n')) continue;
        const word = firstWord(cell.text);
        if (word === '') continue;
        texts++;
        counts.set(word, (counts.get(word) ?? 0) + 1);
      }
    }
  }
  const often = [...counts].filter(([word, count]) => count > 1 && !articles.has(word.toLowerCase()));
  const covered = often.reduce((sum, [, count]) => sum + count, 0);
  const isHabit = covered >= texts * 0.8 && often.length <= Math.max(1, texts / 2);
  return { keywords: new Set(isHabit ? often.map(([word]) => word) : []), hasStars };
}

function firstWord(text: string): string {
  return /^\p{Lu}[\p{L}-]*(?=\s)/u.exec(text)?.[0] ?? '';
}

/** A row whose cells have lost the first one and slid to the left, put back; null: it has not. */
export function unshifted(row: SourceRow, { table, columns }: CatalogueTable, values: ColumnValues): Cell[] | null {
  const width = table.columns.length;
  if (columns[0] !== 'name' || width < 3 || row.cells.length > width) return null;
  if (row.cells.length === width && row.cells[width - 1]?.text !== '') return null;
  const cells = row.cells.slice(0, width - 1);
  let right = 0;
  for (const [at, { text }] of cells.entries()) {
    if (text === '') continue;
    if (values[at]?.has(text)) return null;
    if (values[at + 1]?.has(text)) right++;
  }
  return right >= 2 ? [emptyCell, ...cells] : null;
}

export type ColumnValues = readonly (ReadonlySet<string> | undefined)[];

/** The words that stand in each column of the rows that are whole, where they stand there again and again. */
export function columnValues({ table }: CatalogueTable): ColumnValues {
  const width = table.columns.length;
  const whole = table.rows.filter(({ cells }) => cells.length === width && cells.every(({ text }) => text !== ''));
  return table.columns.map((_, column) => new Set(whole.map(({ cells }) => cells[column]?.text ?? '')));
}

export interface CategoryRow {
  category: CategoryInput;
  /** From a column of its own. */
  kinds: { name: string; column: number }[];
}

/**
 * Reads a row; the name stays empty where the row has none.
 * @param cells of the row, in their right columns
 * @param shift how many columns they stand to the left of where they belong
 */
export function readCategoryRow(
  row: BuiltRow,
  cells: readonly Cell[],
  shift: number,
  { table, columns }: CatalogueTable,
  habits: CatalogueHabits,
): CategoryRow {
  const category: CategoryInput = { name: '' };
  const kinds: CategoryRow['kinds'] = [];
  const set = (
    field: (typeof lineFields)[number] | (typeof longFields)[number],
    text: string,
    at: number,
    words: string = text,
  ) => {
    const value = longFields.some((one) => one === field) ? cleanText(text).trim() : oneLine(text);
    if (category[field] !== undefined) leave(row, at, words, 'second-value');
    else if (!shape[field].safeParse(value).success) leave(row, at, words, 'not-accepted');
    else {
      category[field] = value;
      understand(row, field, value, at, words);
    }
  };
  for (const [column, cell] of cells.entries()) {
    const at = column - shift;
    const target = columns[column];
    const { text } = cell;
    if (text === '' && cell.links.length === 0) continue;
    if (target === undefined) {
      leaveCell(row, at, cell, column < table.columns.length ? 'column-ignored' : 'no-column');
      continue;
    }
    if (target === 'ignore') {
      leaveCell(row, at, cell, 'column-ignored');
      continue;
    }
    const emptiness = emptinessOf(text);
    const isFlag = target === 'optional' || target === 'specialCategory';
    if (emptiness !== null && !isFlag) {
      leaveCell(row, at, cell, emptiness);
      continue;
    }
    switch (target) {
      case 'name':
        if (category.name === '') readName(row, category, text, at, habits);
        else leave(row, at, text, 'second-value');
        break;
      case 'optional':
      case 'specialCategory': {
        const flag = target === 'optional' ? optionalOf(text, table.columns[column] ?? '') : flagOf(text);
        if (flag === null) leave(row, at, text, 'not-a-flag');
        else {
          category[target] = flag;
          understand(row, target, text, at, text);
        }
        break;
      }
      case 'purpose+description+example':
        readFacts(text, habits, (field, part, words) => set(field, part, at, words));
        break;
      case 'purpose':
      case 'description':
      case 'example':
      case 'legalBasis':
      case 'source':
      case 'retention':
        set(target, text, at);
        break;
      case 'dataSubject':
        kinds.push({ name: oneLine(text), column: at });
        break;
      default:
        leaveCell(row, at, cell, 'not-accepted');
    }
  }
  return { category, kinds };
}

function readName(row: BuiltRow, category: CategoryInput, text: string, at: number, habits: CatalogueHabits): void {
  const marked = /^(.*\S)\s*(?:\*+|\((?:optional|wahlweise|freiwillig)\))$/is.exec(text);
  const required = /^(.*\S)\s*\((?:required|mandatory|erforderlich|pflicht)\)$/is.exec(text);
  const name = oneLine(marked?.[1] ?? required?.[1] ?? text);
  if (!shape.name.safeParse(name).success) {
    leave(row, at, text, 'not-accepted');
    return;
  }
  category.name = name;
  understand(row, 'name', name, at, text);
  if (marked === null && required === null && !habits.hasStars) return;
  category.optional ??= marked !== null;
  if (marked !== null) understand(row, 'optional', text.slice(marked[1]?.length).trim(), at, text);
}

/** "Identification The address … Example: …" as the three facts that it is. */
function readFacts(
  text: string,
  { keywords }: CatalogueHabits,
  set: (field: 'purpose' | 'description' | 'example', part: string, words?: string) => void,
): void {
  const found = /(?:^|\s)(?:Examples?|Beispiele?)\s*:\s*(?=\S)/i.exec(text);
  const told = found === null ? text : text.slice(0, found.index).trim();
  const [line = '', ...lines] = told.split('\n');
  const word = firstWord(`${told} `);
  if (lines.length > 0 && line.length <= 60 && !/[.!?:]$/.test(line)) {
    set('purpose', line);
    set('description', lines.join('\n'));
  } else if (keywords.has(word)) {
    set('purpose', word);
    const rest = told.slice(word.length).trim();
    if (rest !== '') set('description', rest);
  } else if (told !== '') set('description', told);
  if (found !== null) set('example', text.slice(found.index + found[0].length), text.slice(found.index).trim());
}

/** Everything of a row that became no entry. */
export function leaveRow(
  row: BuiltRow,
  source: SourceRow,
  why: 'table-ignored' | 'repeated-heading' | 'no-name',
): void {
  for (const [column, cell] of source.cells.entries()) {
    const isTold = row.left.some((one) => one.column === column);
    if (!isTold) leaveCell(row, column, cell, why);
  }
  row.understood = [];
  completeAccount(row, source);
}

/** Whether a row repeats the headings of the columns, as long tables do. */
export function repeatsHeadings({ cells }: SourceRow, columns: readonly string[]): boolean {
  const filled = cells.map(({ text }, at) => [plainText(text), plainText(columns[at] ?? '')]).filter(([text]) => text);
  return filled.length > 0 && filled.every(([text, heading]) => text === heading);
}
