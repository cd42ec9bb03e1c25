import { type PlainEntry, plainEntry } from '../../src/list/compare.js';
import type { ListDocument } from '../../src/list/document.js';
import {
  dataCategoryFields,
  dataSubjectFields,
  fieldsOf,
  listFields,
  subProcessorFields,
} from '../../src/list/fields.js';
import { plainText } from '../../src/list/plain.js';

/** What a document says, with everything put aside that is no difference; entries are keyed by id. */
interface NormalForm {
  list: PlainEntry;
  services: Readonly<Record<string, string>>;
  statements: Readonly<Record<string, string>>;
  dataSubjects: Readonly<Record<string, { fields: PlainEntry; dataCategories: Readonly<Record<string, PlainEntry>> }>>;
  subProcessors: Readonly<Record<string, PlainEntry>>;
}

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

function byId<Item extends { id: string }, Plain>(
  items: readonly Item[] | undefined,
  plain: (item: Item) => Plain,
): Record<string, Plain> {
  return Object.fromEntries((items ?? []).map((item) => [item.id, plain(item)]));
}
