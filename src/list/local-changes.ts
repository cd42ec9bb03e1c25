import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { Change, FieldChange } from './change.js';
import type { DataCategory, DataSubject, ListDocument, SubProcessor } from './document.js';
import type { LooseEntry } from './entry-ref.js';
import { textsOf } from './localize.js';

/*
 * PURE. Changes in the words of one language. A difference is told in translation where each side that is
 * stated has one, and the two differ; else in the original. A translation that nobody has touched although the
 * original changed would otherwise tell a reader that nothing did.
 */

type Json = z.core.util.JSONType;

/** A list as it was written, and in the words of a language. */
export interface Side {
  own: ListDocument | null;
  local: ListDocument | null;
}

/** How a change reads in the language of the two sides between which it lies: its name, its entry, its fields. */
export function localChanges(before: Side, after: Side): (change: Change) => Change {
  if (before.own === before.local && after.own === after.local) return (change) => change;
  const [was, is] = [pairsOf(before), pairsOf(after)];
  return (change) => {
    switch (change.kind) {
      case 'sub-processor-added':
        return { ...change, entry: is.subProcessors.get(change.id)?.local ?? change.entry };
      case 'sub-processor-removed':
        return { ...change, entry: was.subProcessors.get(change.id)?.local ?? change.entry };
      case 'sub-processor-changed': {
        const [old, own] = [was.subProcessors.get(change.id), is.subProcessors.get(change.id)];
        const fields = change.fields.map((field) => localField(field, field.field, old, own));
        return { ...change, fields, entry: own?.local ?? change.entry };
      }
      case 'data-subject-added':
      case 'data-subject-removed': {
        const entry = (change.kind === 'data-subject-added' ? is : was).dataSubjects.get(change.id)?.local;
        return entry === undefined ? change : { ...change, entry, name: entry.name };
      }
      case 'data-subject-changed': {
        const [old, own] = [was.dataSubjects.get(change.id), is.dataSubjects.get(change.id)];
        const fields = change.fields.map((field) => localField(field, field.field, old, own));
        return { ...change, fields, name: own?.local.name ?? change.name };
      }
      case 'data-category-added':
      case 'data-category-removed': {
        const side = change.kind === 'data-category-added' ? is : was;
        const entry = side.dataCategories.get(`${change.dataSubject}/${change.id}`)?.local;
        return entry === undefined ? change : { ...change, entry, name: entry.name };
      }
      case 'data-category-changed': {
        const key = `${change.dataSubject}/${change.id}`;
        const [old, own] = [was.dataCategories.get(key), is.dataCategories.get(key)];
        const fields = change.fields.map((field) => localField(field, field.field, old, own));
        return { ...change, fields, name: own?.local.name ?? change.name };
      }
      case 'list-changed':
        return { ...change, fields: change.fields.map((field) => listField(field, was, is)) };
      default:
        return change satisfies never;
    }
  };
}

/** An entry as it was written, and in the words of the language. */
interface Pair<Entry> {
  own: Entry;
  local: Entry;
}

interface Pairs {
  list: Pair<LooseEntry> | undefined;
  subProcessors: ReadonlyMap<string, Pair<SubProcessor>>;
  dataSubjects: ReadonlyMap<string, Pair<DataSubject>>;
  /** By data subject kind and id. */
  dataCategories: ReadonlyMap<string, Pair<DataCategory>>;
  /** Services and statements by `services.<id>`, as a difference names them. */
  definitions: ReadonlyMap<string, Pair<LooseEntry>>;
}

function pairsOf({ own, local }: Side): Pairs {
  const at = <Entry extends { id: string }>(
    entries: readonly Entry[] | undefined,
    others: readonly Entry[] | undefined,
    prefix = '',
  ) =>
    (entries ?? []).flatMap((entry, index): [string, Pair<Entry>][] => {
      const other = others?.[index];
      return other === undefined ? [] : [[prefix + entry.id, { own: entry, local: other }]];
    });
  return {
    list: own === null || local === null ? undefined : { own, local },
    subProcessors: new Map(at(own?.subProcessors, local?.subProcessors)),
    dataSubjects: new Map(at(own?.dataSubjects, local?.dataSubjects)),
    dataCategories: new Map(
      own?.dataSubjects.flatMap(({ id, dataCategories }, index) =>
        at(dataCategories, local?.dataSubjects[index]?.dataCategories, `${id}/`),
      ),
    ),
    definitions: new Map<string, Pair<LooseEntry>>([
      ...at(own?.services, local?.services, 'services.'),
      ...at(own?.statements, local?.statements, 'statements.'),
    ]),
  };
}

function localField(
  change: FieldChange,
  field: string,
  was: Pair<LooseEntry> | undefined,
  is: Pair<LooseEntry> | undefined,
): FieldChange {
  const before = sideOf(change.before, was, field);
  const after = sideOf(change.after, is, field);
  if (before === null || after === null || isDeepStrictEqual(before.local, after.local)) return change;
  const added = change.added?.map(after.member);
  const removed = change.removed?.map(before.member);
  if (added?.some((member) => removed?.includes(member))) return change;
  return {
    ...change,
    ...(before.local === undefined ? {} : { before: before.local }),
    ...(after.local === undefined ? {} : { after: after.local }),
    ...(added === undefined ? {} : { added }),
    ...(removed === undefined ? {} : { removed }),
  };
}

const json = z.json();

/** One side in the words of the language; null: it has none, or not for this value. */
function sideOf(value: Json | undefined, pair: Pair<LooseEntry> | undefined, field: string) {
  if (value === undefined) return { local: undefined, member: (member: string) => member };
  const own = pair?.own[field];
  const local = pair?.local[field];
  if (local === undefined || own === local || !isDeepStrictEqual(own, value)) return null;
  const shown = shownOf(local);
  const words = new Map(shownOf(own).map((text, at) => [text, shown[at] ?? text]));
  return { local: json.parse(local), member: (member: string) => words.get(member) ?? member };
}

/** Members as a difference names them: links with their address. */
function shownOf(value: unknown): string[] {
  if (!Array.isArray(value)) return textsOf(value);
  return value.map((member: unknown) => {
    if (typeof member !== 'object' || member === null || !('label' in member) || !('url' in member)) {
      return String(member);
    }
    return `${String(member.label)}: ${String(member.url)}`;
  });
}

/** Title and introduction, services and statements, and columns with a value for each entry. */
function listField(change: FieldChange, was: Pairs, is: Pairs): FieldChange {
  if (was.definitions.has(change.field) || is.definitions.has(change.field)) {
    const inner = change.field.startsWith('services.') ? 'name' : 'text';
    return localField(change, inner, was.definitions.get(change.field), is.definitions.get(change.field));
  }
  const [, of, inner, field] =
    /^(subProcessors|dataSubjects)\.\*\.(dataCategories\.\*\.)?([^.*]+)$/.exec(change.field) ?? [];
  if (field === undefined) return localField(change, change.field, was.list, is.list);
  const entryAt = (pairs: Pairs, path: string): Pair<LooseEntry> | undefined => {
    if (of === 'subProcessors') return pairs.subProcessors.get(path);
    return inner === undefined ? pairs.dataSubjects.get(path) : pairs.dataCategories.get(path);
  };
  const words = (value: Json, pairs: Pairs) =>
    treeInWords(value, inner === undefined ? 1 : 2, '', (path, own) => {
      return sideOf(own, entryAt(pairs, path), field)?.local ?? own;
    });
  return {
    ...change,
    ...(change.before === undefined ? {} : { before: words(change.before, was) }),
    ...(change.after === undefined ? {} : { after: words(change.after, is) }),
  };
}

/** @param depth how many ids lead to a value */
function treeInWords(value: Json, depth: number, path: string, say: (path: string, value: Json) => Json): Json {
  if (depth === 0) return say(path, value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([id, inner]) => [
      id,
      treeInWords(inner, depth - 1, path === '' ? id : `${path}/${id}`, say),
    ]),
  );
}
