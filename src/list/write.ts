import { Document, isMap, isScalar, isSeq, visit } from 'yaml';
import {
  dataCategorySchema,
  dataSubjectSchema,
  type ListDocument,
  listDocumentSchema,
  subProcessorSchema,
} from './document.js';
import { byCodeUnit } from './plain.js';

/**
 * The list as YAML for people to edit: keys in the order of the schema, a blank line between
 * entries, long texts folded. The same document gives the same bytes, and `readList` gives back the
 * same document.
 */
export function writeYaml(document: ListDocument): string {
  const { dataSubjects, subProcessors, ...rest } = document;
  const value = ordered(listDocumentSchema.shape, {
    ...rest,
    dataSubjects: dataSubjects.map(({ dataCategories, ...subject }) =>
      ordered(dataSubjectSchema.shape, {
        ...subject,
        dataCategories: dataCategories?.map((category) => ordered(dataCategorySchema.shape, category)),
      }),
    ),
    subProcessors: subProcessors.map((entry) => ordered(subProcessorSchema.shape, entry)),
  });
  const yaml = new Document(value, { aliasDuplicateObjects: false });
  separate(yaml.get('dataSubjects'));
  separate(yaml.get('subProcessors'));
  if (isMap(yaml.contents)) {
    for (const { key } of yaml.contents.items.slice(1)) if (isScalar(key)) key.spaceBefore = true;
  }
  quoteBlanks(yaml);
  return yaml.toString({ lineWidth: 100, minContentWidth: 40 });
}

/** As a block the library writes blanks alone as nothing. */
export function quoteBlanks(yaml: Document): void {
  visit(yaml, {
    Scalar: (_, scalar) => {
      if (typeof scalar.value === 'string' && scalar.value.trim() === '') scalar.type = 'QUOTE_DOUBLE';
    },
  });
}

/** The stated keys of an entry in the order of its schema; its translations by language, in the same order. */
function ordered(shape: Readonly<Record<string, unknown>>, entry: object): Record<string, unknown> {
  const order = new Map(Object.keys(shape).map((key, index) => [key, index]));
  const inOrder = (fields: object) =>
    Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .sort(([a], [b]) => (order.get(a) ?? 0) - (order.get(b) ?? 0));
  return Object.fromEntries(
    inOrder(entry).map(([key, value]) => (key === 'translations' ? [key, byLanguage(value, inOrder)] : [key, value])),
  );
}

function byLanguage(translations: object, inOrder: (fields: object) => [string, unknown][]): object {
  const languages = Object.entries(translations).sort(([a], [b]) => byCodeUnit(a, b));
  return Object.fromEntries(languages.map(([tag, words]) => [tag, Object.fromEntries(inOrder(words))]));
}

function separate(entries: unknown): void {
  if (!isSeq(entries)) return;
  for (const entry of entries.items.slice(1)) if (isMap(entry)) entry.spaceBefore = true;
}
