import { z } from 'zod';
import type { Fault } from '../../errors.js';
import { dataCategoryHeadings, matchHeading, subProcessorHeadings } from '../../list/import/headings.js';
import {
  type ColumnTarget,
  dataCategoryTargets,
  type Mapping,
  mappingSchema,
  subProcessorTargets,
  type TableMapping,
  type TableUse,
} from '../../list/import/mapping.js';
import type { ImportSource, SourceTable } from '../../list/import/tables.js';
import { choicesOf } from '../../list/pairs.js';
import { type ImportMode, importModes, type PairDecisions, type PlannedPair } from '../../versions/import-plan.js';

/*
 * PURE. The form of an import's preview: what its fields are called, and what they say once they are sent. Only
 * a part of the tables may be on the page; of the others and of pairs nothing is said.
 */

const field = z.union([z.string().transform((text) => [text]), z.array(z.string())]);
export const importForm = z.record(z.string(), field.catch([]));
export type ImportForm = z.infer<typeof importForm>;

export const tableField = (table: number, name: 'use' | 'headingAs' | 'dataSubject' | 'columns' | 'alike') =>
  `import.${table}.${name}`;
export const pairField = (key: string) => `pair.${key}`;
/** Of a select or a button: what a suggestion that joins nothing is answered with. */
export const noPair = 'none';

/** What can be chosen for the columns of a table; none where it is ignored. */
export function targetsFor(use: TableUse): readonly ColumnTarget[] {
  if (use === 'ignore') return [];
  return use === 'sub-processors' ? subProcessorTargets : dataCategoryTargets;
}

/** The mapping with what the form says of its tables, and what is wrong with that; the paths name fields. */
export function mappingOf(
  form: ImportForm,
  source: ImportSource,
  before: Mapping,
): { mapping: Mapping; faults: Fault[] } {
  const tables = source.tables.map((table, at) => before.tables[at] ?? emptyMapping(table));
  source.tables.forEach((table, at) => {
    const was = tables[at];
    if (was === undefined || form[tableField(at, 'use')] === undefined) return;
    const is = tableOf(form, at, table, was);
    tables[at] = is;
    if (form[tableField(at, 'alike')] === undefined) return;
    for (const other of alikeTables(source, at)) {
      const { dataSubject } = tables[other] ?? {};
      const { dataSubject: _, ...shared } = is;
      tables[other] = { ...shared, ...(dataSubject === undefined ? {} : { dataSubject }) };
    }
  });
  const checked = mappingSchema.safeParse({ tables });
  if (checked.success) return { mapping: checked.data, faults: [] };
  const faults = checked.error.issues.map(({ path: [, at, name], message }) => ({
    path: `import.${String(at)}.${String(name)}`,
    message,
  }));
  return { mapping: { tables }, faults };
}

/** Other tables with the same columns. */
export function alikeTables({ tables }: ImportSource, at: number): number[] {
  const columns = JSON.stringify(tables[at]?.columns);
  return tables.flatMap((table, other) => (other !== at && JSON.stringify(table.columns) === columns ? [other] : []));
}

function emptyMapping({ columns }: SourceTable): TableMapping {
  return { use: 'ignore', headingAs: 'ignore', columns: columns.map(() => 'ignore') };
}

const single = <Known extends string>(
  known: readonly Known[],
  typed: readonly string[] | undefined,
  was: Known,
): Known => known.find((one) => one === typed?.[0]) ?? was;

function tableOf(form: ImportForm, at: number, table: SourceTable, was: TableMapping): TableMapping {
  const shape = mappingSchema.shape.tables.element.shape;
  const use = single(shape.use.options, form[tableField(at, 'use')], was.use);
  const headingAs = single(shape.headingAs.options, form[tableField(at, 'headingAs')], was.headingAs);
  const dataSubject = form[tableField(at, 'dataSubject')]?.[0]?.trim() ?? was.dataSubject ?? '';
  const typed = form[tableField(at, 'columns')];
  // Columns of a catalogue are others than those of vendors: what was chosen for the one says nothing of the other.
  const columns = use === was.use ? columnsOf(typed, use, was.columns) : columnsFor(use, table);
  return { use, headingAs, columns, ...(dataSubject === '' ? {} : { dataSubject }) };
}

function columnsOf(typed: readonly string[] | undefined, use: TableUse, was: readonly ColumnTarget[]): ColumnTarget[] {
  if (typed === undefined) return [...was];
  const known = targetsFor(use);
  return typed.map((one, at) => known.find((target) => target === one) ?? was[at] ?? 'ignore');
}

function columnsFor(use: TableUse, { columns }: SourceTable): ColumnTarget[] {
  const vocabulary = use === 'data-categories' ? dataCategoryHeadings : subProcessorHeadings;
  const known = targetsFor(use);
  return columns.map((heading) => {
    const target = matchHeading(heading, vocabulary)?.target;
    return target !== undefined && known.includes(target) ? target : 'ignore';
  });
}

/** The mode that the form says, else the one that was. */
export function modeOf(form: ImportForm, was: ImportMode): ImportMode {
  return single(importModes, form.mode, was);
}

/** What the form says of the pairs that are suggested. */
export function decisionsOf(form: ImportForm, pairs: readonly PlannedPair[]): PairDecisions {
  return Object.fromEntries(
    pairs.flatMap((pair): [string, PairDecisions[string]][] => {
      const typed = form[pairField(pair.key)]?.[0];
      if (typed === noPair) return [[pair.key, null]];
      const chosen = choicesOf(pair).find((choice) => choiceText(choice) === typed);
      return chosen === undefined ? [] : [[pair.key, chosen]];
    }),
  );
}

/** A choice as the value of its field. */
export function choiceText({ removed, added }: { removed: string; added: string }): string {
  return `${removed}>${added}`;
}
