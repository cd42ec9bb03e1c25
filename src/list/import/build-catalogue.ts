import { plainText } from '../plain.js';
import { completeAccount, leave, understand } from './account.js';
import type { BuiltRow, Note } from './build-list.js';
import { type Catalogue, describeKind, emptyCatalogue, type Kind, kindNamed, putSlot, type Slot } from './catalogue.js';
import { columnValues, habitsOf, leaveRow, readCategoryRow, repeatsHeadings, unshifted } from './catalogue-row.js';
import type { ColumnTarget, HeadingTarget } from './mapping.js';
import { headingOf } from './table-heading.js';
import { oneLine, type SourceRow, type SourceTable } from './tables.js';

/*
 * PURE. Tables of data categories as a catalogue.
 */

/** A table with what it is taken for, and the rows of its account. */
export interface MappedTable {
  table: SourceTable;
  rows: BuiltRow[];
  columns: readonly ColumnTarget[];
  headingAs: HeadingTarget;
  dataSubject: string | undefined;
}

/** Name of the kind where the source speaks of none. */
export const unnamedKind = 'Data subjects';

/** A data category whose name its row has lost. */
export interface Nameless {
  kind: Kind;
  slot: Slot;
  row: BuiltRow;
  source: SourceRow;
}

export function buildCatalogue(
  tables: readonly MappedTable[],
  notes: Note[],
): { catalogue: Catalogue; nameless: Nameless[] } {
  const catalogue = emptyCatalogue();
  const nameless: Nameless[] = [];
  const habits = habitsOf(tables);
  for (const mapped of tables) {
    const ofTable = kindNameOf(mapped);
    if (ofTable !== null) describe(catalogue, ofTable, mapped.table, notes);
    else if (mapped.table.caption !== null) noteCaption(mapped.table.caption, notes);
    const values = columnValues(mapped);
    for (const [at, source] of mapped.table.rows.entries()) {
      const row = mapped.rows[at];
      if (row !== undefined) readRow(source, row, { mapped, values, habits, ofTable, catalogue, nameless, notes });
    }
  }
  return { catalogue, nameless };
}

function kindNameOf({ table, headingAs, dataSubject }: MappedTable): string | null {
  const heading = headingOf(table);
  if (headingAs === 'dataSubject' && heading !== null) return oneLine(heading.text).replace(/\s*:$/, '');
  return dataSubject === undefined || dataSubject.trim() === '' ? null : oneLine(dataSubject);
}

const legend = /^(?:\*|(?:optional|required|mandatory|pflicht|erforderlich|wahlweise|freiwillig)(?!\p{L}))/iu;

/** The text above a table describes the kind, but for the legend of its signs. */
function describe(catalogue: Catalogue, name: string, { caption }: SourceTable, notes: Note[]): void {
  const kind = kindNamed(catalogue, name, true);
  const lines = caption?.split('\n') ?? [];
  const end = lines.findIndex((line) => legend.test(line));
  const description = (end < 0 ? lines : lines.slice(0, end)).join('\n');
  const isTaken = description !== '' && kind !== null && describeKind(kind, description);
  const unused = [...(isTaken || description === '' ? [] : [description]), ...(end < 0 ? [] : lines.slice(end))];
  for (const text of unused) noteCaption(text, notes);
}

/** Once for each text, however many tables it stands above. */
export function noteCaption(text: string, notes: Note[]): void {
  noteOnce({ code: 'caption-unused', values: { text } }, notes);
}

export function noteOnce(note: Note, notes: Note[]): void {
  const key = JSON.stringify(note);
  if (!notes.some((one) => one.code === note.code && JSON.stringify(one) === key)) notes.push(note);
}

interface RowReading {
  mapped: MappedTable;
  values: ReturnType<typeof columnValues>;
  habits: ReturnType<typeof habitsOf>;
  ofTable: string | null;
  catalogue: Catalogue;
  nameless: Nameless[];
  notes: Note[];
}

function readRow(source: SourceRow, row: BuiltRow, reading: RowReading): void {
  const { mapped, values, habits, ofTable, catalogue, nameless, notes } = reading;
  if (repeatsHeadings(source, mapped.table.columns)) {
    leaveRow(row, source, 'repeated-heading');
    return;
  }
  const slid = unshifted(source, mapped, values);
  const { category, kinds } = readCategoryRow(row, slid ?? source.cells, slid === null ? 0 : 1, mapped, habits);
  if (slid !== null) notes.push({ code: 'row-shifted', values: { line: source.line } });
  const [own, ...more] = kinds;
  for (const { name, column } of more) leave(row, column, name, 'second-value');
  const kind = kindNamed(catalogue, own?.name ?? ofTable ?? unnamedKind, true);
  if (kind === null || (category.name === '' && !(slid !== null && hasFacts(category)))) {
    if (category.name === '' && kind !== null && hasFacts(category)) {
      notes.push({ code: 'category-nameless', values: { line: source.line, dataSubject: kind.name } });
    }
    leaveRow(row, source, kind === null ? 'table-ignored' : 'no-name');
    return;
  }
  if (own !== undefined) understand(row, 'dataSubject', kind.name, own.column, own.name);
  else if (ofTable !== null) understand(row, 'dataSubject', kind.name, null, headingOf(mapped.table)?.text ?? ofTable);
  const slot: Slot = { category, row };
  if (!putSlot(catalogue, kind, slot)) {
    row.understood = [];
    for (const [column, { text }] of source.cells.entries()) leave(row, column, text, 'too-many');
    return;
  }
  if (category.name === '') nameless.push({ kind, slot, row, source });
  completeAccount(row, source);
}

function hasFacts(category: object): boolean {
  return Object.keys(category).length > 1;
}

/** Takes rows out whose names were not recovered. */
export function dropNameless(nameless: readonly Nameless[], notes: Note[]): void {
  for (const { kind, slot, row, source } of nameless) {
    if (slot.category.name !== '') continue;
    kind.slots = kind.slots.filter((one) => one !== slot);
    leaveRow(row, source, 'no-name');
    notes.push({ code: 'category-nameless', values: { line: source.line, dataSubject: kind.name } });
  }
}

/** Which entry each row of the catalogue became. */
export function placeCategories({ kinds }: Catalogue): void {
  for (const [dataSubject, { slots }] of kinds.entries()) {
    for (const [index, { row }] of slots.entries()) {
      if (row !== null) row.entry = { kind: 'data-category', dataSubject, index };
    }
  }
}

/** The kind among several whose name a label means; null: none. */
export function kindMeant({ kinds, byKind }: Catalogue, label: string): Kind | null {
  const plain = plainText(label);
  return (
    byKind.get(plain) ?? kinds.find(({ name }) => plainText(name).replace(/s$/, '') === plain.replace(/s$/, '')) ?? null
  );
}
