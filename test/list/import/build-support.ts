import type { ListDocument } from '../../../src/list/document.js';
import { identify } from '../../../src/list/identity.js';
import { type BuiltList, buildList, type NoteCode } from '../../../src/list/import/build-list.js';
import { suggestMapping, type TableMapping } from '../../../src/list/import/mapping.js';
import { type Cell, type ImportSource, type SourceTable, textCell } from '../../../src/list/import/tables.js';

/*
 * Sources for tests of what an import makes of them, written as rows of texts.
 */

export type Text = string | Cell;

export function tableOf(columns: string[], rows: Text[][], more: Partial<SourceTable> = {}): SourceTable {
  return {
    caption: null,
    headings: [],
    columns,
    rows: rows.map((cells, at) => ({
      line: at + 2,
      cells: cells.map((cell) => (typeof cell === 'string' ? textCell(cell) : cell)),
    })),
    ...more,
  };
}

export function sourceOf(tables: SourceTable[], more: Partial<ImportSource> = {}): ImportSource {
  return {
    format: 'csv',
    encoding: 'utf-8',
    tables,
    list: null,
    title: 'Our list',
    introduction: null,
    leftOver: [],
    ...more,
  };
}

export function build(tables: SourceTable[], mapping?: Partial<TableMapping>[], known: ListDocument | null = null) {
  const source = sourceOf(tables);
  const { tables: suggested } = suggestMapping(source, known);
  return buildList(source, { tables: suggested.map((one, at) => ({ ...one, ...mapping?.[at] })) }, known);
}

export const codesOf = ({ notes }: BuiltList): NoteCode[] => notes.map(({ code }) => code);
export const leftOf = ({ rows }: BuiltList) =>
  rows.flatMap(({ left }) => left.map(({ text, why }) => `${why}: ${text}`));
export const one = (
  columns: string[],
  row: Text[],
  mapping?: Partial<TableMapping>,
  known: ListDocument | null = null,
) => {
  const built = build([tableOf(columns, [row])], mapping && [mapping], known);
  return { built, entry: built.list.subProcessors[0], left: leftOf(built) };
};

export const catalogue = (headings: string[], names: string[]) =>
  tableOf(
    ['Data', 'Lawfulness', 'Source'],
    names.map((name) => [name, 'Consent', 'Form']),
    { headings },
  );

export const known: ListDocument = identify({
  title: 'Known',
  services: [{ name: 'Chat' }],
  dataSubjects: [{ name: 'People', dataCategories: [{ name: 'name' }] }],
  subProcessors: [{ name: 'Acme', dataCategories: { people: ['name'] } }],
});
