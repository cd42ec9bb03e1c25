import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { Fault } from '../../errors.js';
import type { ListDocument } from '../../list/document.js';
import type { EditStep } from '../../list/edit.js';
import { type EntryRef, type LooseEntry, refText, siblingsOf } from '../../list/entry-ref.js';
import {
  dataCategoryFields,
  dataSubjectFields,
  type Field,
  fieldsOf,
  listFields,
  subProcessorFields,
} from '../../list/fields.js';

/*
 * PURE. An entry of the list as a form, and the form as steps of an edit. Which fields there are, and of
 * what kind, say the tables of list/fields.ts. A form carries the entry as it was when the form was made
 * (`base`), so that only what somebody changed in it is changed in the draft.
 */

type Json = z.infer<ReturnType<typeof z.json>>;
export type Values = Record<string, Json>;
type SetStep = Extract<EditStep, { step: 'set' }>;

const rows: Readonly<Record<EntryRef['kind'], readonly Field[]>> = {
  'sub-processor': fieldsOf(subProcessorFields),
  'data-subject': fieldsOf(dataSubjectFields),
  'data-category': fieldsOf(dataCategoryFields),
  service: [{ name: 'name', kind: 'text', severity: 'wording', label: 'list.field.name' }],
  statement: [{ name: 'text', kind: 'longText', severity: 'wording', label: 'list.field.statements' }],
  list: fieldsOf(listFields),
};

/** The fields of a kind of entry, in the order in which changes of them are told. */
export function formFields(kind: EntryRef['kind']): readonly Field[] {
  return rows[kind];
}

const one = z.union([z.string(), z.array(z.string()).transform((all) => all.at(-1) ?? '')]).catch('');
const several = z
  .union([z.string().transform((single) => [single]), z.array(z.string())])
  .optional()
  .transform((all) => (all ?? []).map((text) => text.replace(/\r\n?/g, '\n')));

const posted = z.record(z.string(), z.unknown()).catch({});
const entrySchema = z.record(z.string(), z.json());

/** What a form holds: its values, and the entry that it was made from. */
export interface PostedEntry {
  values: Values;
  base: Values;
}

/**
 * Reads the body of a form. An empty field is one that is not stated; a set whose box "none" is ticked is
 * stated as empty, which is not the same.
 */
export function readEntryForm(kind: EntryRef['kind'], body: unknown): PostedEntry {
  const fields = posted.parse(body);
  const values: Values = {};
  for (const field of rows[kind]) {
    const value = readField(field, fields);
    if (value !== null) values[field.name] = value;
  }
  return { values, base: readBase(one.parse(fields.base ?? '')) };
}

function readBase(text: string): Values {
  if (text === '') return {};
  try {
    return entrySchema.parse(JSON.parse(text));
  } catch {
    // Whoever tampers with it conflicts with whatever is there, and changes nothing unseen.
    return {};
  }
}

function readField({ name, kind }: Field, fields: Record<string, unknown>): Json | null {
  const text = () => one.parse(fields[name] ?? '').replace(/\r\n?/g, '\n');
  switch (kind) {
    case 'longText':
      return text().trim() === '' ? null : text().replace(/\s+$/, '');
    case 'text':
    case 'url':
    case 'reference':
      return text().trim() === '' ? null : text().trim();
    case 'place':
      return text().trim() === '' ? null : text().trim().toUpperCase();
    case 'flag':
      return text() === '' ? null : text() === 'yes';
    case 'set':
    case 'references': {
      const members = several.parse(fields[name]).flatMap((member) => (member.trim() === '' ? [] : [member.trim()]));
      return members.length > 0 ? [...new Set(members)] : saysNone(name, fields) ? [] : null;
    }
    case 'links':
      return readLinks(name, fields);
    case 'matrix':
      return readMatrix(name, fields);
  }
}

function readLinks(name: string, fields: Record<string, unknown>): Json | null {
  const labels = several.parse(fields[`${name}.label`]);
  const urls = several.parse(fields[`${name}.url`]);
  const links = urls.flatMap((url, at) => {
    const label = labels[at]?.trim() ?? '';
    return url.trim() === '' && label === '' ? [] : [{ label, url: url.trim() }];
  });
  return links.length > 0 ? links : saysNone(name, fields) ? [] : null;
}

function readMatrix(name: string, fields: Record<string, unknown>): Json | null {
  const kinds = Object.entries(fields).flatMap(([key, value]): [string, string[]][] => {
    const subject = key.startsWith(`${name}.`) ? key.slice(name.length + 1) : '';
    const ids = several.safeParse(value);
    return subject === '' || !ids.success || ids.data.length === 0 ? [] : [[subject, ids.data]];
  });
  return kinds.length > 0 ? Object.fromEntries(kinds) : saysNone(name, fields) ? {} : null;
}

function saysNone(name: string, fields: Record<string, unknown>): boolean {
  return several.catch([]).parse(fields.none).includes(name);
}

/** The values of an entry that a form shows; its id is no field. */
export function valuesOf(kind: EntryRef['kind'], entry: LooseEntry): Values {
  return Object.fromEntries(
    rows[kind].flatMap(({ name }): [string, Json][] =>
      entry[name] === undefined ? [] : [[name, z.json().parse(entry[name])]],
    ),
  );
}

/** What somebody changed in the form: one step a field. */
export function stepsOfForm(ref: EntryRef, { values, base }: PostedEntry): SetStep[] {
  return rows[ref.kind].flatMap(({ name, kind }): SetStep[] => {
    const [before, after] = [base[name] ?? null, values[name] ?? null];
    const same =
      kind === 'matrix' ? sameMatrix(before, after) : isDeepStrictEqual(plain(before, kind), plain(after, kind));
    return same ? [] : [{ step: 'set', ref: refText(ref), field: name, before, after }];
  });
}

/**
 * What a form does not keep is no change of whoever sent it: blanks at the end, a text of nothing else, a
 * member that stands twice, the order of boxes.
 */
function plain(value: Json, kind: Field['kind']): Json {
  if (typeof value === 'string') return value.replace(/\r\n?/g, '\n').trim() || null;
  if (!Array.isArray(value)) return value;
  const members = value.map((member) => plain(member, kind));
  if (kind === 'links') return members;
  const once = [...new Set(members)];
  return kind === 'references' ? once.sort() : once;
}

/** Neither the order of boxes nor a kind without any of them is a change. */
function sameMatrix(before: Json, after: Json): boolean {
  const plain = (value: Json) => {
    const parsed = z.record(z.string(), z.array(z.string())).nullable().safeParse(value);
    if (!parsed.success || parsed.data === null) return value;
    const kinds = Object.entries(parsed.data).filter(([, ids]) => ids.length > 0);
    return Object.fromEntries(kinds.map(([subject, ids]) => [subject, [...ids].sort()]));
  };
  return isDeepStrictEqual(plain(before), plain(after));
}

/**
 * The fields of an entry that a refused document is at fault with, as the form names them; faults elsewhere
 * have no field.
 */
export function faultsOfEntry(ref: EntryRef, document: ListDocument, faults: readonly Fault[]) {
  const place = placeOf(ref, document);
  return faults.map(({ path, message }) => {
    const inside = place === '' ? path : path.startsWith(`${place}.`) ? path.slice(place.length + 1) : null;
    const name = inside?.split('.')[0] ?? '';
    return { field: rows[ref.kind].some((field) => field.name === name) ? name : null, message };
  });
}

const collections = {
  'sub-processor': 'subProcessors',
  'data-subject': 'dataSubjects',
  service: 'services',
  statement: 'statements',
} as const;

/** The path of an entry in the document; one that is not there yet comes last. */
function placeOf(ref: EntryRef, document: ListDocument): string {
  if (ref.kind === 'list') return '';
  const siblings = siblingsOf(document, ref) ?? [];
  const found = siblings.findIndex(({ id }) => id === ref.id);
  const at = found < 0 ? siblings.length : found;
  if (ref.kind !== 'data-category') return `${collections[ref.kind]}.${at}`;
  const subject = document.dataSubjects.findIndex(({ id }) => id === ref.dataSubject);
  return `dataSubjects.${subject}.dataCategories.${at}`;
}
