import type { Account } from '../../list/describe.js';
import type { ListDocument, SubProcessor } from '../../list/document.js';
import { dataCategoryFields, fieldsOf, subProcessorFields } from '../../list/fields.js';
import { localize } from '../../list/localize.js';
import { labelOf, namesOf, valueTexts } from '../../list/values.js';
import type { Texts } from '../../texts.js';
import type { Cell, WorkbookSheet } from './workbook.js';

/*
 * PURE. A version of the list as tables of a workbook, in the words of one language.
 */

/** What stands about the version on a sheet of its own: a label, and its value. */
export type Head = readonly (readonly [label: string, value: Cell])[];

/** All sheets of a version. `account`: what it changed; null: there was none before it. */
export function listSheets(original: ListDocument, account: Account | null, head: Head, texts: Texts): WorkbookSheet[] {
  const { document } = localize(original, texts.locale);
  return [
    subProcessorSheet(document, texts),
    ...(document.dataSubjects.length === 0 ? [] : [catalogueSheet(document, texts), matrixSheet(document, texts)]),
    ...(account === null ? [] : [changeSheet(account, texts)]),
    {
      name: texts.t('documents.sheets.about'),
      columns: ['field', 'value'].map((key) => ({ heading: texts.t(`documents.columns.${key}`), width: 40 })),
      rows: head.map(([label, value]) => [label, value]),
    },
  ];
}

/** Members of a set are told one a line, as texts may hold commas and semicolons. */
const joined = (values: readonly string[] | null) => (values === null ? null : values.join('\n'));

const wide = new Set(['purposes', 'securityMeasures', 'address', 'notes', 'condition', 'links', 'transferMechanisms']);

function subProcessorSheet(document: ListDocument, texts: Texts): WorkbookSheet {
  const names = namesOf(document);
  const fields = fieldsOf(subProcessorFields)
    .map(({ name }) => name)
    .filter((name) => name !== 'dataCategories' && document.subProcessors.some((entry) => name in entry));
  const subjects = document.dataSubjects.map(({ id }) => `dataCategories.${id}`);
  const label = (field: string) => labelOf(field, names, texts);
  return {
    name: texts.t('list.field.subProcessors'),
    columns: [
      ...fields.map((field) => ({ heading: label(field), width: wide.has(field) ? 40 : 22 })),
      ...subjects.map((field) => ({ heading: label(field), width: 34 })),
      { heading: 'ID', width: 18 },
    ],
    rows: document.subProcessors.map((entry) => {
      const { translations: _, ...stated } = entry;
      const values: Readonly<Record<string, Parameters<typeof valueTexts>[1]>> = stated;
      return [
        ...fields.map((field) => linkOf(field, entry) ?? joined(valueTexts(field, values[field], names, texts))),
        ...subjects.map((field) =>
          joined(valueTexts(field, entry.dataCategories?.[field.slice('dataCategories.'.length)], names, texts)),
        ),
        entry.id,
      ];
    }),
  };
}

/** Addresses of the list are http or https (document.ts). */
function linkOf(field: string, { website, dpaUrl }: SubProcessor): Cell {
  if (field === 'website' && website !== undefined) return { link: website };
  return field === 'dpaUrl' && dpaUrl !== undefined ? { link: dpaUrl } : null;
}

function catalogueSheet(document: ListDocument, texts: Texts): WorkbookSheet {
  const names = namesOf(document);
  const fields = fieldsOf(dataCategoryFields).map(({ name }) => name);
  return {
    name: texts.t('list.field.dataCategories'),
    columns: [
      { heading: texts.t('documents.columns.dataSubject'), width: 24 },
      ...fields.map((field) => ({ heading: labelOf(field, names, texts), width: field === 'name' ? 30 : 26 })),
    ],
    rows: document.dataSubjects.flatMap((subject) =>
      (subject.dataCategories ?? []).map(({ translations: _, ...category }) => {
        const values: Readonly<Record<string, Parameters<typeof valueTexts>[1]>> = category;
        return [subject.name, ...fields.map((field) => joined(valueTexts(field, values[field], names, texts)))];
      }),
    ),
  };
}

/** Who gets what: a row for each sub-processor, a column for each data category. */
function matrixSheet(document: ListDocument, texts: Texts): WorkbookSheet {
  const columns = document.dataSubjects.flatMap((subject) =>
    (subject.dataCategories ?? []).map(({ id, name }) => ({
      subject: subject.id,
      id,
      heading: texts.t('list.ofEntry', { name: subject.name, value: name }),
    })),
  );
  return {
    name: texts.t('documents.sheets.matrix'),
    columns: [
      { heading: texts.t('list.field.name'), width: 30 },
      { heading: texts.t('list.field.product'), width: 22 },
      ...columns.map(({ heading }) => ({ heading, width: 14 })),
    ],
    rows: document.subProcessors.map((entry) => {
      const received = new Map(
        Object.entries(entry.dataCategories ?? {}).map(([subject, ids]) => [subject, new Set<string>(ids)]),
      );
      return [
        entry.name,
        entry.product ?? null,
        ...columns.map(({ subject, id }) => (received.get(subject)?.has(id) === true ? texts.t('list.yes') : null)),
      ];
    }),
  };
}

function changeSheet(account: Account, texts: Texts): WorkbookSheet {
  return {
    name: texts.t('documents.sheets.changes'),
    columns: changeColumns.map(({ key, width }) => ({ heading: texts.t(`documents.columns.${key}`), width })),
    rows: changeRows(account, texts),
  };
}

/** The columns of a table of changes. */
export const changeColumns = [
  { key: 'severity', width: 14 },
  { key: 'kind', width: 26 },
  { key: 'name', width: 28 },
  { key: 'context', width: 20 },
  { key: 'field', width: 24 },
  { key: 'before', width: 36 },
  { key: 'after', width: 36 },
  { key: 'reasons', width: 36 },
] as const;

/**
 * The account of changes as rows: one for each field that is told, so that what a change says stands once. A thing
 * that came has its facts in `after`, one that went in `before`.
 */
export function changeRows({ groups }: Account, texts: Texts): string[][] {
  return groups.flatMap(({ severity, items }) =>
    items.flatMap((item) => {
      const head = [texts.t(`list.severityOne.${severity}`), item.label, item.heading, item.context ?? ''];
      const reasons = [...item.reasons, ...(item.graded === null ? [] : [item.graded])].join('\n');
      const isGone = item.change.kind.endsWith('-removed');
      const row = (field: string, before: string[] | null, after: string[] | null) => [
        ...head,
        field,
        joined(before) ?? '',
        joined(after) ?? '',
        reasons,
      ];
      const rows = [
        ...item.facts.map(({ label, values }) => row(label, isGone ? values : null, isGone ? null : values)),
        ...item.differences.map(({ label, before, after }) => row(label, before, after)),
      ];
      return rows.length > 0 ? rows : [row('', null, null)];
    }),
  );
}
