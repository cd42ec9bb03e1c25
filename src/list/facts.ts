import type { Texts } from '../texts.js';
import type { Change } from './change.js';
import type { DataCategory, DataSubject, SubProcessor } from './document.js';
import { dataCategoryFields, fieldsOf, subProcessorFields } from './fields.js';
import { labelOf, type Names, valueTexts } from './values.js';

/*
 * PURE. What is told of an entry that came or went, in the order of the field tables.
 */

export interface AccountFact {
  /** The field; `notStated` for the one row that names what a controller needs and the list leaves open. */
  field: string;
  label: string;
  values: string[];
}

/** GDPR Art. 28(2) and EDPB Opinion 22/2024: what a controller needs to judge a new sub-processor. */
const needed: readonly (keyof SubProcessor)[] = [
  'purposes',
  'dataCategories',
  'address',
  'country',
  'contact',
  'dataLocations',
  'accessLocations',
  'transferMechanisms',
  'securityMeasures',
];
const neededOfCategory: readonly (keyof DataCategory)[] = ['purpose', 'legalBasis', 'source', 'retention'];

/** Of what goes, so much that it is recognised. */
const ofRemoved: ReadonlySet<string> = new Set([
  'legalName',
  'product',
  'parent',
  'purposes',
  'services',
  'dataCategories',
  'country',
]);

/** The facts of an added or removed entry; none for a changed one. */
export function factsOf(change: Change, names: Names, texts: Texts): AccountFact[] {
  switch (change.kind) {
    case 'sub-processor-added':
      return entryFacts(change.entry, names, texts);
    case 'sub-processor-removed':
      return subProcessorFacts(change.entry, names, texts, ofRemoved);
    case 'data-subject-added':
    case 'data-subject-removed':
      return dataSubjectFacts(change.entry, names, texts);
    case 'data-category-added':
      return categoryEntryFacts(change.entry, names, texts);
    case 'data-category-removed':
      return categoryFacts(change.entry, names, texts);
    case 'sub-processor-changed':
    case 'data-subject-changed':
    case 'data-category-changed':
    case 'list-changed':
      return [];
    default:
      return change satisfies never;
  }
}

/** Everything that the list says of a sub-processor, and what of the needed it leaves open. */
export function entryFacts(entry: SubProcessor, names: Names, texts: Texts): AccountFact[] {
  return [...subProcessorFacts(entry, names, texts), ...notStated(entry, needed, names, texts)];
}

/** The same of a data category of the catalogue. */
export function categoryEntryFacts(entry: DataCategory, names: Names, texts: Texts): AccountFact[] {
  return [...categoryFacts(entry, names, texts), ...notStated(entry, neededOfCategory, names, texts)];
}

function subProcessorFacts(entry: SubProcessor, names: Names, texts: Texts, only?: ReadonlySet<string>): AccountFact[] {
  const { translations: _, ...stated } = entry;
  const values: Readonly<Record<string, Value>> = stated;
  return fieldsOf(subProcessorFields)
    .filter(({ name, severity }) => name !== 'name' && severity !== null && (only?.has(name) ?? true))
    .flatMap(({ name, kind }) =>
      kind === 'matrix'
        ? Object.entries(entry.dataCategories ?? {}).flatMap(([subject, ids]) =>
            fact(`${name}.${subject}`, ids, names, texts),
          )
        : fact(name, values[name], names, texts),
    );
}

function dataSubjectFacts(entry: DataSubject, names: Names, texts: Texts): AccountFact[] {
  const categories = entry.dataCategories?.map(({ name }) => name);
  return [...fact('description', entry.description, names, texts), ...fact('dataCategories', categories, names, texts)];
}

function categoryFacts(entry: DataCategory, names: Names, texts: Texts): AccountFact[] {
  const { translations: _, ...stated } = entry;
  const values: Readonly<Record<string, Value>> = stated;
  return fieldsOf(dataCategoryFields)
    .filter(({ name }) => name !== 'name' && (name !== 'specialCategory' || entry.specialCategory === true))
    .flatMap(({ name }) => fact(name, values[name], names, texts));
}

type Value = Parameters<typeof valueTexts>[1];

function fact(field: string, value: Value, names: Names, texts: Texts): AccountFact[] {
  const values = valueTexts(field, value, names, texts);
  return values === null ? [] : [{ field, label: labelOf(field, names, texts), values }];
}

function notStated<Entry extends object>(
  entry: Entry,
  fields: readonly (keyof Entry & string)[],
  names: Names,
  texts: Texts,
): AccountFact[] {
  const open = fields.filter((field) => entry[field] === undefined);
  if (open.length === 0) return [];
  return [
    {
      field: 'notStated',
      label: texts.t('list.notStatedHeading'),
      values: open.map((field) => labelOf(field, names, texts)),
    },
  ];
}
