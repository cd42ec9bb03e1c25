import { stringify } from 'csv-stringify/sync';
import type { ListDocument, SubProcessor } from '../../list/document.js';
import { fieldsOf, subProcessorFields } from '../../list/fields.js';
import { toSpreadsheet } from '../../spreadsheet.js';

/*
 * PURE. The list as a table: a row for each sub-processor, a column for each field, and one for the data
 * categories of each data subject kind.
 */

/** CSV (RFC 4180) with a header; cells that a spreadsheet would run as formulas are made text. */
export function listAsCsv(document: ListDocument): string {
  const subjects = document.dataSubjects;
  const fields = fieldsOf(subProcessorFields)
    .map(({ name }) => name)
    .filter((name) => name !== 'dataCategories');
  const header = ['id', ...fields, ...subjects.map(({ id }) => `dataCategories.${id}`)];
  const names = new Map(
    subjects.flatMap((subject) =>
      (subject.dataCategories ?? []).map(({ id, name }) => [`${subject.id} ${id}`, name] as const),
    ),
  );
  const rows = document.subProcessors.map((entry) => {
    const cells: Readonly<Record<string, SubProcessor[keyof SubProcessor]>> = { ...entry };
    return [
      entry.id,
      ...fields.map((field) => cellOf(cells[field])),
      ...subjects.map(({ id }) =>
        (entry.dataCategories?.[id] ?? []).map((category) => names.get(`${id} ${category}`) ?? category).join('\n'),
      ),
    ];
  });
  return stringify([header, ...rows.map((row) => row.map(toSpreadsheet))], { record_delimiter: '\r\n' });
}

/** Sets are told one a line, as texts may hold commas and semicolons. */
function cellOf(value: SubProcessor[keyof SubProcessor]): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (!Array.isArray(value)) return '';
  return value.map((item) => (typeof item === 'string' ? item : `${item.label}: ${item.url}`)).join('\n');
}
