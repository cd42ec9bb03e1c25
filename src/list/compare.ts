import type { FieldChange } from './change.js';
import type { Field, FieldKind } from './fields.js';
import { byCodeUnit, plainText, plainUrl } from './plain.js';

/*
 * PURE. Compares two values of one field, by the kind that the field table gives it. Differences
 * are found on plain forms and told in the original words.
 */

type Json = NonNullable<FieldChange['before']>;
type Link = { label: string; url: string };
type Matrix = Record<string, string[]>;
type Members = string[] | Link[];
export type FieldValue = string | boolean | Members | Matrix;

/** What an entry says in other languages: by language and field. No field of its own (translated.ts). */
export type Translations = Readonly<Record<string, Readonly<Record<string, string | readonly string[] | undefined>>>>;

/** An entry seen as its fields; what is not there is not stated. */
export type Entry = Readonly<Record<string, FieldValue | Translations | undefined>>;

/** A difference that counts; its severity is another file's affair. */
export type Difference = Pick<FieldChange, 'field' | 'before' | 'after' | 'how' | 'added' | 'removed'>;

/** The value of a field of an entry; undefined: not stated. A text of blanks alone states nothing. */
export function statedValue(entry: Entry, { name }: Field): FieldValue | undefined {
  const value = entry[name];
  if (typeof value === 'string') return value.trim() === '' ? undefined : value;
  return isTranslations(value) ? undefined : value;
}

/** No table of fields has a row of that shape, so it is asked for the compiler's sake. */
function isTranslations(value: Entry[string]): value is Translations {
  return typeof value === 'object' && !Array.isArray(value) && Object.values(value).some((one) => !Array.isArray(one));
}

/** The differences of one field: none, one, or for a matrix one for each data subject kind. */
export function differencesOf(
  field: Field,
  before: FieldValue | undefined,
  after: FieldValue | undefined,
): Difference[] {
  if (before === after) return [];
  if (isMatrix(before) || isMatrix(after)) {
    return matrixDifferences(field, isMatrix(before) ? before : undefined, isMatrix(after) ? after : undefined);
  }
  if (isSet(before) || isSet(after)) {
    const difference = setDifference(field, isSet(before) ? before : undefined, isSet(after) ? after : undefined);
    return difference === null ? [] : [difference];
  }
  if (before !== undefined && after !== undefined && plainOne(field.kind, before) === plainOne(field.kind, after)) {
    return [];
  }
  return [{ field: field.name, ...statedValues(before, after), how: howOf(before, after) }];
}

/** The value in plain form: equal for values between which `differencesOf` finds nothing. */
export function plainValue(kind: FieldKind, value: FieldValue): Json {
  if (isMatrix(value)) {
    const kinds = Object.entries(value).filter(([, ids]) => ids.length > 0);
    return Object.fromEntries(
      kinds.sort(([a], [b]) => byCodeUnit(a, b)).map(([id, ids]) => [id, plainSet('references', ids)]),
    );
  }
  return isSet(value) ? plainSet(kind, value) : plainOne(kind, value);
}

export type PlainEntry = Readonly<Record<string, Json>>;

/** The stated, compared fields of one entry in plain form. */
export function plainEntry(entry: Entry, fields: readonly Field[]): PlainEntry {
  return Object.fromEntries(
    fields.flatMap((field): [string, PlainEntry[string]][] => {
      const value = statedValue(entry, field);
      return value === undefined || field.severity === null ? [] : [[field.name, plainValue(field.kind, value)]];
    }),
  );
}

function isSet(value: FieldValue | undefined): value is Members {
  return Array.isArray(value);
}

function isMatrix(value: FieldValue | undefined): value is Matrix {
  return typeof value === 'object' && !Array.isArray(value);
}

function plainOne(kind: FieldKind, value: string | boolean): string | boolean {
  if (typeof value === 'boolean') return value;
  switch (kind) {
    case 'url':
      return plainUrl(value);
    case 'place':
    case 'reference':
    case 'references':
      return value;
    default:
      return plainText(value);
  }
}

function howOf(before: unknown, after: unknown): FieldChange['how'] {
  if (before === undefined) return 'stated';
  return after === undefined ? 'unstated' : 'changed';
}

function statedValues(before: Json | undefined, after: Json | undefined): { before?: Json; after?: Json } {
  return { ...(before !== undefined && { before }), ...(after !== undefined && { after }) };
}

/** The members by plain form, in their own order; of two spellings of one the first by code unit is shown. */
function membersOf(kind: FieldKind, values: Members): Map<string, string> {
  const members = new Map<string, string>();
  for (const member of values) {
    const [plain, shown] =
      typeof member === 'string'
        ? [String(plainOne(kind, member)), member]
        : [`${plainText(member.label)} ${plainUrl(member.url)}`, `${member.label}: ${member.url}`];
    const other = members.get(plain);
    if (other === undefined || byCodeUnit(shown, other) < 0) members.set(plain, shown);
  }
  return members;
}

function plainSet(kind: FieldKind, values: Members): string[] {
  return [...membersOf(kind, values).keys()].sort(byCodeUnit);
}

function setDifference(field: Field, before: Members | undefined, after: Members | undefined): Difference | null {
  if (before && after && before.length === after.length && before.every((member, at) => member === after[at])) {
    return null;
  }
  const was = membersOf(field.kind, before ?? []);
  const is = membersOf(field.kind, after ?? []);
  const added = [...is].filter(([plain]) => !was.has(plain)).map(([, shown]) => shown);
  const removed = [...was].filter(([plain]) => !is.has(plain)).map(([, shown]) => shown);
  if (before && after && added.length === 0 && removed.length === 0) return null;
  return {
    field: field.name,
    ...statedValues(before, after),
    how: howOf(before, after),
    added,
    removed,
  };
}

/**
 * One difference a data subject kind. A kind that a stated matrix leaves out receives nothing, so
 * its first category is an addition to "none", not something that is only now stated.
 */
function matrixDifferences(field: Field, before: Matrix | undefined, after: Matrix | undefined): Difference[] {
  const kinds = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])].sort(byCodeUnit);
  const differences = kinds.flatMap((kind): Difference[] => {
    const was = before && rowOf(before, kind);
    const is = after && rowOf(after, kind);
    if ((was ?? []).length === 0 && (is ?? []).length === 0) return [];
    const row: Field = { ...field, name: `${field.name}.${kind}`, kind: 'references' };
    const difference = setDifference(row, was, is);
    return difference === null ? [] : [difference];
  });
  // "None of anybody" is a statement as well, with no kind to hang it on.
  if (differences.length === 0 && howOf(before, after) !== 'changed') {
    return [setDifference({ ...field, kind: 'references' }, before && [], after && [])].filter((one) => one !== null);
  }
  return differences;
}

/** `constructor` is a fine id, so that only own keys count. */
function rowOf(matrix: Matrix, kind: string): string[] {
  return (Object.hasOwn(matrix, kind) ? matrix[kind] : undefined) ?? [];
}
