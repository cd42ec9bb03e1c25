import { type Change, changeKindSchema, type FieldChange, type Suggestion } from './change.js';
import { columnsOf } from './columns.js';
import { differencesOf, type Entry, statedValue } from './compare.js';
import type { DataCategory, DataSubject, ListDocument, SubProcessor } from './document.js';
import {
  dataCategoryFields,
  dataSubjectFields,
  type Field,
  fieldsOf,
  listFields,
  subProcessorFields,
} from './fields.js';
import { byCodeUnit, plainText } from './plain.js';
import { graded, gradedService, gradedStatement, gradeOf } from './severity.js';
import { suggest } from './suggest.js';
import { isTold, translationChanges } from './translation-diff.js';
import { vendorKey } from './vendors.js';

const rows = {
  list: fieldsOf(listFields),
  dataSubject: fieldsOf(dataSubjectFields),
  dataCategory: fieldsOf(dataCategoryFields),
  subProcessor: fieldsOf(subProcessorFields),
};

interface Pair<Item> {
  before: Item;
  after: Item;
}

/**
 * What changed from one list to another, entry by entry (joined by id) and field by field, with the
 * severity of each change and why. Neither the order of anything nor what `plain.ts` puts aside has
 * any part in it. Likely renames among the entries that came and went are suggestions, for an admin
 * to judge; nothing is joined here. Ids are the affair of `identify`, which knows the list before.
 * The same two objects are compared once, as long as they live; what comes from here is not to be changed.
 * @param before null: there was no list; everything is added, and the list as a whole is no change
 */
export function diffLists(before: ListDocument | null, after: ListDocument): ListDiff {
  const known = diffsTo.get(after) ?? new WeakMap<object, ListDiff>();
  diffsTo.set(after, known);
  const found = known.get(before ?? nothing) ?? compareLists(before, after);
  known.set(before ?? nothing, found);
  return found;
}

interface ListDiff {
  changes: Change[];
  suggestions: Suggestion[];
}
const diffsTo = new WeakMap<object, WeakMap<object, ListDiff>>();
/** In place of the list before the first. */
const nothing = {};

function compareLists(before: ListDocument | null, after: ListDocument): ListDiff {
  const was = before ?? { title: after.title, dataSubjects: [], subProcessors: [] };
  const subProcessors = matched(was.subProcessors, after.subProcessors);
  const changes = [
    ...subProcessorChanges(was, after, subProcessors),
    ...catalogueChanges(was, after),
    ...(before === null ? [] : listChanges(before, after)),
  ];
  return { changes: inOrder(changes), suggestions: suggest(subProcessors.removed, subProcessors.added) };
}

interface Matched<Item> {
  added: Item[];
  removed: Item[];
  both: Pair<Item>[];
}

function matched<Item extends { id: string }>(
  before: readonly Item[] | undefined = [],
  after: readonly Item[] | undefined = [],
): Matched<Item> {
  const was = new Map(before.map((item) => [item.id, item]));
  const is = new Set(after.map(({ id }) => id));
  const both: Pair<Item>[] = [];
  const added: Item[] = [];
  for (const item of after) {
    const old = was.get(item.id);
    if (old === undefined) added.push(item);
    else both.push({ before: old, after: item });
  }
  return { added, removed: before.filter(({ id }) => !is.has(id)), both };
}

function subProcessorChanges(
  before: ListDocument,
  after: ListDocument,
  { added, removed, both }: Matched<SubProcessor>,
): Change[] {
  const columns = columnsOf(
    'subProcessors.*',
    rows.subProcessor,
    before.subProcessors,
    after.subProcessors,
    both.map((pair) => ({ ...pair, path: [pair.after.id] })),
    after.title,
  );
  const vendorsBefore = vendorsOf(before);
  const vendorsAfter = vendorsOf(after);
  return [
    ...added.map((entry): Change => {
      const knownVendor = vendorNames(entry).some((key) => vendorsBefore.has(key));
      const reason = knownVendor ? 'new-entry-of-known-vendor' : 'new-sub-processor';
      return { kind: 'sub-processor-added', ...told(entry, 'material', [reason]), knownVendor, entry };
    }),
    ...removed.map((entry): Change => {
      const knownVendor = vendorNames(entry).some((key) => vendorsAfter.has(key));
      const reason = knownVendor ? 'entry-removed' : 'sub-processor-removed';
      return { kind: 'sub-processor-removed', ...told(entry, 'reducing', [reason]), knownVendor, entry };
    }),
    ...both.flatMap(({ before: old, after: entry }): Change[] => {
      const fields = [
        ...fieldChanges(rows.subProcessor, old, entry, columns.names),
        ...translationChanges('sub-processor', old, entry),
      ];
      if (fields.length === 0) return [];
      return [{ kind: 'sub-processor-changed', ...changed(entry, fields), fields, entry }];
    }),
    ...columns.changes,
  ];
}

function catalogueChanges(before: ListDocument, after: ListDocument): Change[] {
  const subjects = matched(before.dataSubjects, after.dataSubjects);
  const categories = subjects.both.map(({ before: old, after: subject }) => ({
    subject,
    ...matched(old.dataCategories, subject.dataCategories),
  }));
  const subjectColumns = columnsOf(
    'dataSubjects.*',
    rows.dataSubject,
    before.dataSubjects.map(aboutSubject),
    after.dataSubjects.map(aboutSubject),
    subjects.both.map((pair) => ({
      path: [pair.after.id],
      before: aboutSubject(pair.before),
      after: aboutSubject(pair.after),
    })),
    after.title,
  );
  const categoryColumns = columnsOf(
    'dataSubjects.*.dataCategories.*',
    rows.dataCategory,
    allCategories(before),
    allCategories(after),
    categories.flatMap(({ subject, both }) => both.map((pair) => ({ ...pair, path: [subject.id, pair.after.id] }))),
    after.title,
  );
  return [
    ...subjects.added.map(
      (entry): Change => ({
        kind: 'data-subject-added',
        ...told(entry, 'material', ['new-data-subject-kind']),
        entry,
      }),
    ),
    ...subjects.removed.map(
      (entry): Change => ({
        kind: 'data-subject-removed',
        ...told(entry, 'reducing', ['data-subject-kind-removed']),
        entry,
      }),
    ),
    ...subjects.both.flatMap(({ before: old, after: entry }): Change[] => {
      const fields = [
        ...fieldChanges(rows.dataSubject, aboutSubject(old), aboutSubject(entry), subjectColumns.names),
        ...translationChanges('data-subject', old, entry),
      ];
      return fields.length === 0 ? [] : [{ kind: 'data-subject-changed', ...changed(entry, fields), fields }];
    }),
    ...categories.flatMap(({ subject, added, removed, both }): Change[] => [
      ...added.map(
        (entry): Change => ({
          kind: 'data-category-added',
          ...told(entry, 'material', [
            'new-catalogue-entry',
            ...(entry.specialCategory ? (['special-category'] as const) : []),
          ]),
          dataSubject: subject.id,
          entry,
        }),
      ),
      ...removed.map(
        (entry): Change => ({
          kind: 'data-category-removed',
          ...told(entry, 'reducing', ['catalogue-entry-removed']),
          dataSubject: subject.id,
          entry,
        }),
      ),
      ...both.flatMap(({ before: old, after: entry }): Change[] => {
        const fields = [
          ...fieldChanges(rows.dataCategory, old, entry, categoryColumns.names),
          ...translationChanges('data-category', old, entry),
        ];
        if (fields.length === 0) return [];
        return [{ kind: 'data-category-changed', ...changed(entry, fields), dataSubject: subject.id, fields }];
      }),
    ]),
    ...subjectColumns.changes,
    ...categoryColumns.changes,
  ];
}

function aboutSubject({ name, description }: DataSubject): Entry {
  return { name, description };
}

function allCategories(document: ListDocument): DataCategory[] {
  return document.dataSubjects.flatMap(({ dataCategories }) => dataCategories ?? []);
}

function listChanges(before: ListDocument, after: ListDocument): Change[] {
  const fields = [
    ...fieldChanges(rows.list, aboutList(before), aboutList(after), new Set()),
    ...definitionChanges('services', before.services, after.services, ({ name }) => name).map(gradedService),
    ...definitionChanges('statements', before.statements, after.statements, ({ text }) => text).map(gradedStatement),
    ...translationChanges('list', before, after),
    ...definitionTranslations('service', before.services, after.services),
    ...definitionTranslations('statement', before.statements, after.statements),
  ];
  if (fields.length === 0) return [];
  return [{ kind: 'list-changed', ...changed({ id: 'list', name: after.title }, fields), fields }];
}

function aboutList({ title, introduction, language, dpaUrl }: ListDocument): Entry {
  return { title, introduction, language, dpaUrl };
}

/** Services and statements are a name or text each: one field for each, `services.<id>`, `statements.<id>`. */
function definitionChanges<Item extends { id: string }>(
  field: 'services' | 'statements',
  before: readonly Item[] | undefined,
  after: readonly Item[] | undefined,
  textOf: (item: Item) => string,
) {
  const { added, removed, both } = matched(before, after);
  const ofPairs = (id: string, was: Item | undefined, is: Item | undefined) =>
    differencesOf(
      { name: `${field}.${id}`, kind: 'longText', severity: 'wording', label: `list.field.${field}` },
      was && textOf(was),
      is && textOf(is),
    );
  return [
    ...added.map((item) => ofPairs(item.id, undefined, item)),
    ...removed.map((item) => ofPairs(item.id, item, undefined)),
    ...both.map((pair) => ofPairs(pair.after.id, pair.before, pair.after)),
  ]
    .flat()
    .sort((a, b) => byCodeUnit(a.field, b.field));
}

/** In other languages: `services.<id>.translations.<language>.name` and likewise for statements. */
function definitionTranslations<Item extends { id: string }>(
  kind: 'service' | 'statement',
  before: readonly Item[] | undefined,
  after: readonly Item[] | undefined,
): FieldChange[] {
  const { both } = matched(before, after);
  return both
    .flatMap((pair) =>
      translationChanges(kind, pair.before, pair.after).map((change) => ({
        ...change,
        field: `${kind}s.${pair.after.id}.${change.field}`,
      })),
    )
    .sort((a, b) => byCodeUnit(a.field, b.field));
}

/** The differences of two entries, field by field, without the columns that are told once for all. */
function fieldChanges(
  fields: readonly Field[],
  before: Entry,
  after: Entry,
  columns: ReadonlySet<string>,
): FieldChange[] {
  return fields.flatMap((field) => {
    const { severity } = field;
    if (severity === null || columns.has(field.name)) return [];
    return differencesOf(field, statedValue(before, field), statedValue(after, field)).map((difference) =>
      graded(difference, severity),
    );
  });
}

type Told = Pick<Change, 'id' | 'name' | 'severity' | 'reasons' | 'notifiable'>;

/** What is a difference of typography alone is no change at all; of other words for the same nobody is told. */
function told({ id, name }: { id: string; name: string }, severity: Told['severity'], reasons: Told['reasons']): Told {
  return { id, name, severity, reasons, notifiable: true };
}

function changed(entry: { id: string; name: string }, fields: readonly FieldChange[]): Told {
  const { severity, reasons } = gradeOf(fields);
  return { ...told(entry, severity, reasons), notifiable: fields.some(isTold) };
}

function vendorNames({ name, legalName }: SubProcessor): string[] {
  return legalName === undefined ? [vendorKey(name)] : [vendorKey(name), vendorKey(legalName)];
}

function vendorsOf({ subProcessors }: ListDocument): Set<string> {
  return new Set(subProcessors.flatMap(vendorNames));
}

/** By kind, then by name, then by id: the same for every order of the input. */
function inOrder(changes: readonly Change[]): Change[] {
  const keyed = changes.map((change) => ({
    change,
    key: [
      String(changeKindSchema.options.indexOf(change.kind)),
      'dataSubject' in change ? change.dataSubject : '',
      plainText(change.name),
      change.id,
    ].join('\u0000'),
  }));
  return keyed.sort((a, b) => byCodeUnit(a.key, b.key)).map(({ change }) => change);
}
