import { describe, namesOf, summarise } from '../../list/describe.js';
import type { SubProcessor } from '../../list/document.js';
import { fieldsOf, subProcessorFields } from '../../list/fields.js';
import type { BuiltRow } from '../../list/import/build-list.js';
import { type ColumnTarget, headingTargets, tableUses } from '../../list/import/mapping.js';
import type { ImportSource } from '../../list/import/tables.js';
import { choicesOf } from '../../list/pairs.js';
import { plainText } from '../../list/plain.js';
import { labelOf, type Names, valueTexts } from '../../list/values.js';
import type { Texts } from '../../texts.js';
import type { StagedImport } from '../../versions/import.js';
import type { ImportPlan, ImportState, PlannedPair } from '../../versions/import-plan.js';
import { alikeTables, choiceText, noPair, pairField, tableField, targetsFor } from './import-form.js';

/* PURE. The preview of an import, as its page shows it. */

const longestText = 300;
const mostNames = 200;
const mostChanged = 30;
export const rowsOfPage = 50;
export const tablesOfPage = 10;

/** The fields that a column can be, in the groups in which a person looks for them. */
const targetGroups: readonly (readonly [string, readonly ColumnTarget[]])[] = [
  ['who', ['name', 'name+address', 'name+product', 'legalName', 'product', 'relationship', 'group', 'parent', 'id']],
  [
    'what',
    ['purposes', 'purposes+commas', 'services', 'optional', 'condition', 'dataCategories', 'dataSubject', 'duration'],
  ],
  ['where', ['dataLocations', 'country', 'corporateCountry', 'accessLocations', 'regions']],
  ['safeguards', ['transferMechanisms', 'securityMeasures']],
  ['contact', ['address', 'contact', 'website', 'dpaUrl', 'links', 'notes']],
];

/** A table of the source and what its columns are taken for. */
export function tableViews({ source, mapping }: ImportState, from: number, texts: Texts) {
  return source.tables.slice(from, from + tablesOfPage).map((table, offset) => {
    const at = from + offset;
    const own = mapping.tables[at] ?? { use: 'ignore' as const, headingAs: 'ignore' as const, columns: [] };
    const { use } = own;
    const ignored = own.columns.filter((column) => column === 'ignore').length;
    return {
      at,
      title: tableTitle(source, at, texts),
      caption: table.caption === null ? null : cut(table.caption),
      heading: table.headings.at(-1) ?? null,
      rows: table.rows.length,
      fields: {
        use: tableField(at, 'use'),
        headingAs: tableField(at, 'headingAs'),
        dataSubject: tableField(at, 'dataSubject'),
        columns: tableField(at, 'columns'),
        alike: tableField(at, 'alike'),
      },
      uses: tableUses.map((value) => ({ value, label: texts.t(`importing.use.${value}`), chosen: value === use })),
      headingTargets: headingTargets.map((value) => ({
        value,
        label: texts.t(value === 'ignore' ? 'importing.headingIgnored' : `import.target.${value}`),
        chosen: value === own.headingAs,
      })),
      use,
      dataSubject: own.dataSubject ?? '',
      columns:
        use === 'ignore'
          ? []
          : table.columns.map((heading, column) => ({
              heading: cut(heading),
              number: column + 1,
              samples: table.rows
                .map(({ cells }) => cells[column]?.text.replaceAll('\n', ' · ') ?? '')
                .filter((text) => text !== '')
                .slice(0, 2)
                .map((text) => cut(text, 80)),
              ...optionsOf(use, own.columns[column] ?? 'ignore', texts),
            })),
      alike: alikeTables(source, at).length,
      // What is recognised whole needs no look; the others are open.
      open: source.tables.length === 1 || use === 'ignore' || ignored > 0,
      ignored: use === 'ignore' ? null : ignored,
    };
  });
}

function optionsOf(use: 'sub-processors' | 'data-categories', chosen: ColumnTarget, texts: Texts) {
  const known = targetsFor(use);
  const option = (value: ColumnTarget) => ({
    value,
    label: texts.t(`import.target.${value}`),
    chosen: value === chosen,
  });
  const groups =
    use === 'data-categories'
      ? [{ label: null, options: known.filter((target) => target !== 'ignore').map(option) }]
      : targetGroups.map(([name, targets]) => ({
          label: texts.t(`importing.groups.${name}`),
          options: targets.map(option),
        }));
  return { ignored: option('ignore'), groups };
}

/** One page of the rows; `left`: only those with words that became no field. */
export function rowViews({ plan, source }: StagedImport, page: { from: number; left: boolean }, texts: Texts) {
  const { list, rows } = plan.built;
  const fitting = page.left ? rows.filter(({ left }) => left.length > 0) : rows;
  return {
    count: fitting.length,
    previous: page.from === 0 ? null : Math.max(0, page.from - rowsOfPage),
    next: page.from + rowsOfPage < fitting.length ? page.from + rowsOfPage : null,
    rows: fitting.slice(page.from, page.from + rowsOfPage).map((row) => ({
      line: row.line,
      table: source.tables.length > 1 ? tableTitle(source, row.table, texts) : null,
      name: entryName(row, list),
      understood: row.understood.map(({ field, value }) => ({ label: fieldLabel(field, texts), value: cut(value) })),
      left: row.left.map(({ column, text, why }) => ({
        where: column === null ? null : columnName(source, row.table, column, texts),
        text: cut(text),
        why: texts.t(`import.note.left-${why}`),
      })),
    })),
  };
}

function entryName({ entry }: BuiltRow, list: ImportPlan['built']['list']): string | null {
  if (entry === null) return null;
  if (entry.kind === 'sub-processor') return list.subProcessors[entry.index]?.name ?? null;
  return list.dataSubjects[entry.dataSubject]?.dataCategories?.[entry.index]?.name ?? null;
}

/** Pairs that may be one entry: their fields side by side, and what can be said of them. */
export function pairViews({ pairs, known, result }: ImportPlan, texts: Texts) {
  const names = namesOf(known, result?.document ?? null);
  return pairs.map((pair) => ({
    field: pairField(pair.key),
    kind: pair.kind,
    title: texts.t(`importing.pairs.${pair.kind}`, {
      removed: texts.list(pair.removed.map(calledIn(pair.removed))),
      added: texts.list(pair.added.map(calledIn(pair.added))),
    }),
    because: pair.because.map((one) => texts.t(`console.draft.because.${one}`)),
    heads: [
      ...pair.removed.map((entry) => ({ side: texts.t('importing.pairs.before'), name: entry.name })),
      ...pair.added.map((entry) => ({ side: texts.t('importing.pairs.after'), name: entry.name })),
    ],
    rows: sidesOf(pair, names, texts),
    choices: [
      ...choicesOf(pair).map((choice) => ({
        value: choiceText(choice),
        label: choiceLabel(pair, choice, texts),
        chosen: pair.decision?.removed === choice.removed && pair.decision.added === choice.added,
      })),
      { value: noPair, label: texts.t(`importing.pairs.none.${pair.kind}`), chosen: pair.decision === null },
    ],
  }));
}

function calledIn(entries: readonly SubProcessor[]) {
  return (entry: SubProcessor) =>
    entries.filter(({ name }) => name === entry.name).length > 1 && entry.product !== undefined
      ? `${entry.name} (${entry.product})`
      : entry.name;
}

function choiceLabel(pair: PlannedPair, choice: { removed: string; added: string }, texts: Texts): string {
  const called = (entries: readonly SubProcessor[], id: string) => {
    const entry = entries.find((one) => one.id === id);
    return entry === undefined ? id : calledIn(entries)(entry);
  };
  return texts.t(`importing.pairs.same.${pair.kind}`, {
    removed: called(pair.removed, choice.removed),
    added: called(pair.added, choice.added),
  });
}

/** A row for each field that one of the entries states; what only one side has is marked. */
function sidesOf({ removed, added }: PlannedPair, names: Names, texts: Texts) {
  const keys = [
    ...new Set(
      [...removed, ...added].flatMap((entry) =>
        Object.keys(entry.dataCategories ?? {}).map((kind) => `dataCategories.${kind}`),
      ),
    ),
  ];
  const fields = fieldsOf(subProcessorFields).flatMap(({ name }) => (name === 'dataCategories' ? keys : [name]));
  return fields.flatMap((field) => {
    const before = removed.map((entry) => valueTexts(field, statedIn(entry, field), names, texts));
    const after = added.map((entry) => valueTexts(field, statedIn(entry, field), names, texts));
    if ([...before, ...after].every((values) => values === null)) return [];
    const [was, is] = [plainMembers(before), plainMembers(after)];
    const marked = (values: string[] | null, others: ReadonlySet<string>, mark: 'del' | 'ins') =>
      values?.map((text) => ({ text: cut(text), mark: others.has(plainText(text)) ? null : mark })) ?? null;
    return [
      {
        label: labelOf(field, names, texts),
        cells: [
          ...before.map((values) => marked(values, is, 'del')),
          ...after.map((values) => marked(values, was, 'ins')),
        ],
      },
    ];
  });
}

function statedIn(entry: SubProcessor, field: string) {
  const kind = /^dataCategories\.(.+)$/.exec(field)?.[1];
  if (kind !== undefined) return entry.dataCategories?.[kind];
  const { translations: _, ...stated } = entry;
  const values: Readonly<Record<string, Parameters<typeof valueTexts>[1]>> = stated;
  return values[field];
}

function plainMembers(sides: readonly (string[] | null)[]): Set<string> {
  return new Set(sides.flatMap((values) => values ?? []).map(plainText));
}

/** What the draft would become. */
export function resultView({ known, result }: ImportPlan, texts: Texts) {
  if (result === null) return null;
  const { changes, document } = result;
  const named = (kind: 'sub-processor-added' | 'sub-processor-removed') => {
    const found = changes.flatMap((change) => (change.kind === kind ? [change] : []));
    return {
      count: found.length,
      more: Math.max(0, found.length - mostNames),
      names: found.slice(0, mostNames).map(({ entry }) => ({ name: entry.name, product: entry.product ?? null })),
    };
  };
  const others = changes.filter(({ kind }) => kind !== 'sub-processor-added' && kind !== 'sub-processor-removed');
  const account = describe(others.slice(0, mostChanged), namesOf(known, document), texts);
  return {
    summary: summarise(changes, texts),
    count: changes.length,
    added: named('sub-processor-added'),
    removed: named('sub-processor-removed'),
    changed: {
      count: others.length,
      more: Math.max(0, others.length - mostChanged),
      items: account.groups.flatMap(({ items }) => items),
    },
    total: document.subProcessors.length,
  };
}

/** Remarks on the whole, and words that stand in no table. */
export function remarksView({ source, plan }: StagedImport, texts: Texts) {
  return {
    notes: plan.built.notes.map(({ code, values }) => texts.t(`import.note.${code}`, values)),
    leftOver: source.leftOver.slice(0, mostNames).map(({ line, text }) => ({ line, text: cut(text) })),
    moreLeftOver: Math.max(0, source.leftOver.length - mostNames),
    title: plan.built.list.title,
  };
}

export function tableTitle({ tables }: ImportSource, at: number, texts: Texts): string {
  const headings = tables[at]?.headings ?? [];
  const number = texts.t('importing.table', { number: String(at + 1) });
  return headings.length === 0 ? number : `${number}: ${cut(headings.join(' › '), 120)}`;
}

function columnName({ tables }: ImportSource, table: number, column: number, texts: Texts): string {
  const heading = tables[table]?.columns[column] ?? '';
  return heading === '' ? texts.t('importing.column', { number: String(column + 1) }) : cut(heading, 80);
}

function fieldLabel(field: string, texts: Texts): string {
  const kind = /^dataCategories\.(.+)$/.exec(field)?.[1];
  if (kind !== undefined) return texts.t('list.field.dataCategoriesOf', { name: kind });
  if (texts.has(`list.field.${field}`)) return texts.t(`list.field.${field}`);
  return texts.has(`import.target.${field}`) ? texts.t(`import.target.${field}`) : field;
}

function cut(text: string, longest = longestText): string {
  return text.length <= longest ? text : `${text.slice(0, longest).trimEnd()}…`;
}
