import type { ListDocument, ListInput } from '../document.js';
import { identify } from '../identity.js';
import { completeAccount } from './account.js';
import { buildCatalogue, dropNameless, type MappedTable, placeCategories } from './build-catalogue.js';
import { catalogueOf, dataSubjectsOf } from './catalogue.js';
import { leaveRow } from './catalogue-row.js';
import { entriesOf, readEntries } from './entries.js';
import { headOf, idsIn, keptEntries, nameTest, serviceBook, usedServices } from './list-parts.js';
import type { Mapping, TableUse } from './mapping.js';
import { receivedBy, recoverNames } from './resolve.js';
import type { ImportSource, SourceTable } from './tables.js';

/*
 * PURE. From tables and a mapping to a list document, with an account of every cell: what it was understood
 * as, and what was not.
 */

/** Why words of a cell became no field; each has its words at `import.note.left-<reason>`. */
export const leftReasons = [
  'column-ignored',
  'table-ignored',
  'no-column',
  'repeated-heading',
  'no-name',
  'placeholder',
  'says-nothing',
  'not-a-country',
  'not-an-address',
  'not-a-flag',
  'not-a-relationship',
  'counts-only',
  'several-kinds',
  'second-value',
  'unknown-entry',
  'not-accepted',
  'too-many',
  'rest',
] as const;
export type LeftReason = (typeof leftReasons)[number];

/** What the preview says besides the rows; each has its words at `import.note.<code>`. */
export const noteCodes = [
  'title-assumed',
  'introduction-too-long',
  'heading-unused',
  'caption-unused',
  'catalogue-kept',
  'list-kept',
  'kind-made',
  'category-made',
  'service-made',
  'category-nameless',
  'category-name-recovered',
  'row-shifted',
  'name-guessed',
  'rows-joined',
  'categories-guessed',
  'too-many-rows',
] as const;
export type NoteCode = (typeof noteCodes)[number];

export interface Understood {
  /** Of the model, such as `purposes`; a data category by its kind, `dataCategories.<name of the kind>`. */
  field: string;
  /** As it will stand in the list, names instead of ids. */
  value: string;
  /** Of the row; null: from the heading above the table. */
  column: number | null;
  /** The words of the source that say so. */
  text: string;
}

export interface Left {
  column: number | null;
  text: string;
  why: LeftReason;
}

/** Which entry of the built list a row became (a part of). */
export type EntryPlace =
  | { kind: 'sub-processor'; index: number }
  /** `dataSubject` and `index` count in `list.dataSubjects` and its `dataCategories`. */
  | { kind: 'data-category'; dataSubject: number; index: number };

export interface BuiltRow {
  /** Index of the source's table. */
  table: number;
  line: number;
  /** Null: the row became no entry; `left` says why. */
  entry: EntryPlace | null;
  understood: Understood[];
  left: Left[];
}

export interface Note {
  code: NoteCode;
  values: Record<string, string | number>;
}

export interface BuiltList {
  /** Passes `listInputSchema`; entries are without ids, but for kinds, data categories and services. */
  list: ListInput;
  /** One for each row of the source, in its order, also of tables that are ignored. */
  rows: BuiltRow[];
  notes: Note[];
}

/**
 * Builds a list from a source by a mapping. Texts stay as written; what is not stated stays so; nothing is
 * guessed without a note. Never fails, whatever the mapping: what cannot be taken is in `left`.
 * What a source of sub-processors does not speak of at all is kept from the known list: its title, its
 * introduction, its link to the agreement, services, statements, and its catalogue.
 * A source that is a list of our own form is returned as it is, without rows.
 * @param known the list that the import goes on with, whose ids kinds, data categories and services keep
 */
export function buildList(source: ImportSource, mapping: Mapping, known: ListDocument | null): BuiltList {
  if (source.list !== null) return { list: source.list, rows: [], notes: [] };
  const notes: Note[] = [];
  const tables = source.tables.map((table, index) => mappedTable(table, index, mapping));
  const uses = (use: TableUse) => tables.filter((one) => one.use === use);
  for (const { table, rows } of uses('ignore')) {
    for (const [at, row] of rows.entries()) leaveRow(row, table.rows[at] ?? { line: 0, cells: [] }, 'table-ignored');
  }

  const isName = nameTest(known);
  const built = buildCatalogue(uses('data-categories'), notes);
  const hasCatalogue = built.catalogue.kinds.some(({ slots }) => slots.length > 0);
  const catalogue = hasCatalogue || known === null ? built.catalogue : catalogueOf(known);
  const drafts = uses('sub-processors').flatMap((table) => readEntries(table, isName, notes));
  if (hasCatalogue) recoverNames(drafts, catalogue, built.nameless, notes);
  dropNameless(built.nameless, notes);
  if (!hasCatalogue && (known?.dataSubjects.length ?? 0) > 0) notes.push({ code: 'catalogue-kept', values: {} });

  const services = serviceBook(known);
  const wholes = drafts.map((draft) => ({
    draft,
    received: receivedBy(draft, catalogue, notes),
    services: usedServices(draft, services, notes),
  }));
  placeCategories(catalogue);
  const head = headOf(source, known, notes);
  const base = identify(
    { ...head, dataSubjects: dataSubjectsOf(catalogue), services: services.all, subProcessors: [] },
    known,
  );
  const ids = idsIn(base, catalogue);
  for (const { draft, received, services: used } of wholes) {
    if (received.size > 0) draft.entry.dataCategories = ids.categoriesOf(received);
    if (used.length > 0) draft.entry.services = ids.servicesOf(used);
  }
  const entries = entriesOf(drafts, notes);
  for (const { row, source: cells } of drafts) completeAccount(row, cells);
  const kept = uses('sub-processors').length === 0 && known !== null ? keptEntries(known, base) : null;
  const { services: named, statements, ...list } = base;
  return {
    list: {
      ...list,
      ...(named !== undefined && named.length > 0 && { services: named }),
      ...(statements !== undefined && { statements }),
      subProcessors: kept ?? entries,
    },
    rows: tables.flatMap(({ rows }) => rows),
    notes,
  };
}

function mappedTable(table: SourceTable, index: number, mapping: Mapping): MappedTable & { use: TableUse } {
  const { use = 'ignore', headingAs = 'ignore', dataSubject, columns = [] } = mapping.tables[index] ?? {};
  const rows = table.rows.map(({ line }): BuiltRow => ({ table: index, line, entry: null, understood: [], left: [] }));
  // A column that the source does not have is none, whatever the mapping says.
  return { table, rows, use, headingAs, dataSubject, columns: columns.slice(0, table.columns.length) };
}
