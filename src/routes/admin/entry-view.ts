import { z } from 'zod';
import { type ListDocument, subProcessorSchema } from '../../list/document.js';
import type { EntryRef } from '../../list/entry-ref.js';
import type { Field } from '../../list/fields.js';
import { plainText } from '../../list/plain.js';
import type { Texts } from '../../texts.js';
import { formFields, type Values } from './entry-form.js';

/*
 * PURE. An entry as what the template of its form shows: inputs with their labels and suggestions, in
 * groups that follow how people think of a vendor.
 */

type Json = z.infer<ReturnType<typeof z.json>>;

export interface FieldView {
  name: string;
  label: string;
  hint: string | null;
  kind: Field['kind'] | 'relationship';
  /** Of one value: as it is typed. */
  text: string;
  /** Of a set: a row for each member. */
  members: string[];
  links: { label: string; url: string }[];
  /** The set is stated, and is empty. */
  none: boolean;
  options: { value: string; label: string; chosen: boolean }[];
  /** What others in this list are given; the id of a `<datalist>` in `suggestions`. */
  suggestions: string[];
  required: boolean;
}

export interface GroupView {
  name: string;
  title: string | null;
  fields: FieldView[];
}

/** One row a data category, one column a data subject kind. */
export interface MatrixView {
  subjects: { id: string; name: string }[];
  rows: { name: string; cells: ({ subject: string; id: string; checked: boolean } | null)[] }[];
  none: boolean;
}

const groups: Readonly<Record<string, readonly string[]>> = {
  who: ['name', 'legalName', 'product', 'address', 'country', 'corporateCountry', 'contact', 'website', 'dpaUrl'],
  what: ['purposes', 'services', 'optional', 'condition'],
  where: ['dataLocations', 'accessLocations', 'regions', 'transferMechanisms'],
  how: ['securityMeasures', 'duration'],
  more: ['relationship', 'parent', 'group', 'links', 'notes'],
};

/** Fields of one line for which others in the list have the likely values. */
const suggested = new Set(['legalBasis', 'source', 'retention', 'purpose', 'duration', 'group', 'product']);
const mostSuggestions = 200;

/** The fields of a form in their groups; the matrix of data categories is apart. */
export function groupsOf(kind: EntryRef['kind'], values: Values, document: ListDocument, texts: Texts): GroupView[] {
  const fields = formFields(kind).filter((field) => field.kind !== 'matrix');
  const view = (field: Field) => fieldView(kind, field, values[field.name] ?? null, document, texts);
  if (kind !== 'sub-processor') return [{ name: 'all', title: null, fields: fields.map(view) }];
  return Object.entries(groups).map(([name, names]) => ({
    name,
    title: texts.t(`editor.groups.${name}`),
    fields: names.flatMap((wanted) => fields.filter((field) => field.name === wanted).map(view)),
  }));
}

/** Which data of whom a sub-processor gets; null for other entries, and while there is no catalogue. */
export function matrixOf(kind: EntryRef['kind'], values: Values, document: ListDocument): MatrixView | null {
  if (kind !== 'sub-processor') return null;
  const subjects = document.dataSubjects.filter(({ dataCategories = [] }) => dataCategories.length > 0);
  if (subjects.length === 0) return null;
  // People choose the ids: a Map has no members but theirs.
  const stated = new Map(
    Object.entries(z.record(z.string(), z.array(z.string())).catch({}).parse(values.dataCategories)),
  );
  const catalogues = subjects.map(({ dataCategories = [] }) => {
    const byName = new Map<string, { id: string; name: string }[]>();
    for (const category of dataCategories) {
      const key = plainText(category.name);
      byName.set(key, [...(byName.get(key) ?? []), category]);
    }
    return byName;
  });
  const rows: MatrixView['rows'] = [];
  for (const key of new Set(catalogues.flatMap((byName) => [...byName.keys()]))) {
    const found = catalogues.map((byName) => byName.get(key) ?? []);
    const name = found.find(([first]) => first !== undefined)?.[0]?.name ?? '';
    // Two categories of one kind may have the same name: then the second has a row of its own.
    for (let row = 0; row < Math.max(...found.map(({ length }) => length)); row += 1) {
      const cells = subjects.map(({ id: subject }, at) => {
        const category = found[at]?.[row];
        if (category === undefined) return null;
        return { subject, id: category.id, checked: stated.get(subject)?.includes(category.id) ?? false };
      });
      rows.push({ name, cells });
    }
  }
  return {
    subjects: subjects.map(({ id, name }) => ({ id, name })),
    rows,
    none: values.dataCategories !== undefined && [...stated.values()].every(({ length }) => length === 0),
  };
}

function fieldView(kind: EntryRef['kind'], field: Field, value: Json, document: ListDocument, texts: Texts): FieldView {
  const { name } = field;
  const hint = `editor.hints.${name}`;
  const members = z.array(z.string()).catch([]).parse(value);
  const links = z
    .array(z.object({ label: z.string(), url: z.string() }))
    .catch([])
    .parse(value);
  return {
    name,
    label: texts.t(field.label),
    hint: texts.has(hint) ? texts.t(hint) : null,
    kind: name === 'relationship' ? 'relationship' : field.kind,
    text: typeof value === 'string' ? value : typeof value === 'boolean' ? (value ? 'yes' : 'no') : '',
    members: field.kind === 'set' ? members : [],
    links: field.kind === 'links' ? links : [],
    none: Array.isArray(value) && value.length === 0,
    options: optionsOf(field, value, document, texts),
    suggestions: field.kind === 'set' || suggested.has(name) ? suggestionsFor(kind, name, document) : [],
    required: name === 'name' || name === 'title' || (kind === 'statement' && name === 'text'),
  };
}

function optionsOf({ name, kind }: Field, value: Json, document: ListDocument, texts: Texts): FieldView['options'] {
  const option = (one: string, label: string) => ({ value: one, label, chosen: value === one });
  if (kind === 'place') return countriesIn(texts.locale).map(({ code, name: label }) => option(code, label));
  if (name === 'relationship') {
    return ['third-party', 'affiliate'].map((one) => option(one, texts.t(`list.relationship.${one}`)));
  }
  if (kind === 'flag') {
    const said = (one: boolean) => texts.t(`editor.flags.${name}.${one ? 'yes' : 'no'}`);
    return [
      { value: 'yes', label: said(true), chosen: value === true },
      { value: 'no', label: said(false), chosen: value === false },
    ];
  }
  if (kind === 'reference') {
    return document.subProcessors.map((entry) =>
      option(entry.id, entry.product === undefined ? entry.name : `${entry.name} (${entry.product})`),
    );
  }
  if (kind !== 'references') return [];
  const ids = z.array(z.string()).catch([]).parse(value);
  return (document.services ?? []).map(({ id, name: label }) => ({ value: id, label, chosen: ids.includes(id) }));
}

/** What is stated elsewhere in the list, the most frequent first. */
function suggestionsFor(kind: EntryRef['kind'], name: string, document: ListDocument): string[] {
  if (kind !== 'sub-processor' && kind !== 'data-category') return [];
  const known = suggestions[kind].get(document);
  const found = known ?? inUse(entriesOf(kind, document));
  if (known === undefined) suggestions[kind].set(document, found);
  return found.get(name) ?? [];
}

/** A list of thousands is gone through once for each state of it. */
const suggestions = {
  'sub-processor': new WeakMap<ListDocument, ReadonlyMap<string, string[]>>(),
  'data-category': new WeakMap<ListDocument, ReadonlyMap<string, string[]>>(),
};

function entriesOf(kind: 'sub-processor' | 'data-category', document: ListDocument): readonly object[] {
  if (kind === 'sub-processor') return document.subProcessors;
  return document.dataSubjects.flatMap(({ dataCategories = [] }) => dataCategories);
}

function inUse(entries: readonly object[]): ReadonlyMap<string, string[]> {
  const counts = new Map<string, Map<string, number>>();
  for (const entry of entries) {
    for (const [name, value] of Object.entries(entry)) {
      const texts: readonly unknown[] = Array.isArray(value) ? value : suggested.has(name) ? [value] : [];
      for (const text of texts) {
        if (typeof text !== 'string' || text.includes('\n')) continue;
        const field = counts.get(name) ?? new Map<string, number>();
        counts.set(name, field.set(text, (field.get(text) ?? 0) + 1));
      }
    }
  }
  const frequent = (field: ReadonlyMap<string, number>) =>
    [...field].sort(([, a], [, b]) => b - a).slice(0, mostSuggestions);
  return new Map([...counts].map(([name, field]) => [name, frequent(field).map(([text]) => text)]));
}

const countries = new Map<string, { code: string; name: string }[]>();

/** ISO 3166-1 with names in a language, in the order of that language; EU stands first. */
function countriesIn(locale: string): { code: string; name: string }[] {
  const known = countries.get(locale);
  if (known !== undefined) return known;
  const names = new Intl.DisplayNames(locale, { type: 'region', fallback: 'none' });
  const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
  const codes = letters.flatMap((first) => letters.map((second) => first + second));
  const found = codes
    .filter((code) => subProcessorSchema.shape.country.safeParse(code).success)
    .map((code) => ({ code, name: names.of(code) ?? code }));
  const { compare } = new Intl.Collator(locale);
  found.sort((a, b) => Number(b.code === 'EU') - Number(a.code === 'EU') || compare(a.name, b.name));
  countries.set(locale, found);
  return found;
}
