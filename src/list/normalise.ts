import type { FieldChange } from './change.js';
import { type Entry, plainValue, statedValue } from './compare.js';
import type { ListDocument } from './document.js';
import {
  dataCategoryFields,
  dataSubjectFields,
  type Field,
  fieldsOf,
  listFields,
  subProcessorFields,
} from './fields.js';
import { plainText } from './plain.js';

/** What a document says, with everything put aside that is no difference; entries are keyed by id. */
export interface NormalForm {
  list: PlainEntry;
  services: Readonly<Record<string, string>>;
  statements: Readonly<Record<string, string>>;
  dataSubjects: Readonly<Record<string, { fields: PlainEntry; dataCategories: Readonly<Record<string, PlainEntry>> }>>;
  subProcessors: Readonly<Record<string, PlainEntry>>;
}

export type PlainEntry = Readonly<Record<string, NonNullable<FieldChange['before']>>>;

const rows = {
  list: fieldsOf(listFields),
  dataSubject: fieldsOf(dataSubjectFields),
  dataCategory: fieldsOf(dataCategoryFields),
  subProcessor: fieldsOf(subProcessorFields),
};

/**
 * The normal form of a document: white space, Unicode form, letter case, quotes, dashes, trailing
 * full stops and slashes, the order of everything and the headings are put aside. Two documents
 * have an empty diff exactly when their normal forms are deeply equal. For comparing, not for showing.
 */
export function normalForm(document: ListDocument): NormalForm {
  const { title, introduction, dpaUrl } = document;
  return {
    list: plainEntry({ title, introduction, dpaUrl }, rows.list),
    services: byId(document.services, ({ name }) => plainText(name)),
    statements: byId(document.statements, ({ text }) => plainText(text)),
    dataSubjects: byId(document.dataSubjects, ({ name, description, dataCategories }) => ({
      fields: plainEntry({ name, description }, rows.dataSubject),
      dataCategories: byId(dataCategories, (category) => plainEntry(category, rows.dataCategory)),
    })),
    subProcessors: byId(document.subProcessors, (entry) => plainEntry(entry, rows.subProcessor)),
  };
}

/** The stated, compared fields of one entry in plain form. */
export function plainEntry(entry: Entry, fields: readonly Field[]): PlainEntry {
  return Object.fromEntries(
    fields.flatMap((field): [string, PlainEntry[string]][] => {
      const value = statedValue(entry, field);
      return value === undefined || field.severity === null ? [] : [[field.name, plainValue(field.kind, value)]];
    }),
  );
}

function byId<Item extends { id: string }, Plain>(
  items: readonly Item[] | undefined,
  plain: (item: Item) => Plain,
): Record<string, Plain> {
  return Object.fromEntries((items ?? []).map((item) => [item.id, plain(item)]));
}
