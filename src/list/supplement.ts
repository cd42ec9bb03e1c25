import type { DataSubject, ListDocument, SubProcessor } from './document.js';

/*
 * PURE. A list with what another one adds to it: nothing is taken out, and what the other does not state stays.
 */

/**
 * The list with the entries of another, joined by id: a field that the other states goes before, the others
 * stay. Title, introduction and link stay those of the list; what is new comes at the end.
 */
export function supplemented(list: ListDocument, other: ListDocument): ListDocument {
  const services = united(list.services, other.services, withTranslations);
  const statements = united(list.statements, other.statements, withTranslations);
  return {
    ...list,
    ...(list.language === undefined && other.language !== undefined ? { language: other.language } : {}),
    ...(services === undefined ? {} : { services }),
    ...(statements === undefined ? {} : { statements }),
    dataSubjects: united(list.dataSubjects, other.dataSubjects, subjectOf) ?? [],
    subProcessors: united(list.subProcessors, other.subProcessors, entryOf) ?? [],
  };
}

function subjectOf(was: DataSubject, is: DataSubject): DataSubject {
  const dataCategories = united(was.dataCategories, is.dataCategories, (old, one) =>
    withTranslations(old, { ...old, ...one }),
  );
  return withTranslations(was, { ...was, ...is, ...(dataCategories === undefined ? {} : { dataCategories }) });
}

function entryOf(was: SubProcessor, is: SubProcessor): SubProcessor {
  const joined = withTranslations(was, { ...was, ...is });
  if (is.dataCategories === undefined) return joined;
  return { ...joined, dataCategories: { ...was.dataCategories, ...is.dataCategories } };
}

/** What was said in another language stays as well, field by field. */
function withTranslations<Item extends Translated>(was: Translated, is: Item): Item {
  if (was.translations === undefined) return is;
  const translations = { ...was.translations };
  for (const [tag, words] of Object.entries(is.translations ?? {}))
    translations[tag] = { ...translations[tag], ...words };
  return { ...is, translations };
}

interface Translated {
  translations?: Record<string, Record<string, unknown>> | undefined;
}

function united<Item extends { id: string }>(
  first: readonly Item[] | undefined,
  second: readonly Item[] | undefined,
  join: (was: Item, is: Item) => Item,
): Item[] | undefined {
  if (second === undefined) return first === undefined ? undefined : [...first];
  const others = new Map(second.map((item) => [item.id, item]));
  const known = new Set((first ?? []).map(({ id }) => id));
  return [
    ...(first ?? []).map((item) => {
      const other = others.get(item.id);
      return other === undefined ? item : join(item, other);
    }),
    ...second.filter(({ id }) => !known.has(id)),
  ];
}
