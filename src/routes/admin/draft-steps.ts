import { z } from 'zod';
import type { ListDocument } from '../../list/document.js';
import type { EditStep } from '../../list/edit.js';
import { type EntryRef, findEntry, refText, siblingsOf } from '../../list/entry-ref.js';
import type { Move } from './moved.js';

/* PURE. What a button of the draft does, as steps of an edit. */

const idSchema = z.string();

/**
 * The step that moves an entry among its siblings: one place up or down, to either end, or to a place
 * counted from 1. Null when it stands there already.
 */
export function moveStep(document: ListDocument, ref: EntryRef, to: Move | number): EditStep | null {
  const ids = (siblingsOf(document, ref) ?? []).map(({ id }) => idSchema.parse(id));
  const at = ids.indexOf(ref.id);
  const last = ids.length - 1;
  const wanted = { up: at - 1, down: at + 1, first: 0, last };
  const target = Math.max(0, Math.min(last, typeof to === 'number' ? to - 1 : wanted[to]));
  if (at < 0 || target === at) return null;
  const others = ids.filter((id) => id !== ref.id);
  return { step: 'move', ref: refText(ref), before: ids[at - 1] ?? null, after: others[target - 1] ?? null };
}

/**
 * The steps that take an entry out of the list, with what refers to it: no vendor is left with a data
 * category, a service or a parent that is not there any more.
 * @returns `users`: who refers to it; null when there is no such entry
 */
export function removalOf(
  document: ListDocument,
  ref: EntryRef,
): { steps: EditStep[]; users: { id: string; name: string }[] } | null {
  const entry = findEntry(document, ref);
  const siblings = siblingsOf(document, ref);
  if (entry === null || siblings === null) return null;
  const users = usersOf(document, ref);
  const steps: EditStep[] = users.map(({ id, field, before }) => ({
    step: 'set',
    ref: `sub-processor/${id}`,
    field,
    before,
    after: without(before, ref),
  }));
  const at = siblings.findIndex(({ id }) => id === ref.id);
  const { id: _, ...fields } = entry;
  steps.push({
    step: 'remove',
    ref: refText(ref),
    entry: z.record(z.string(), z.json()).parse(fields),
    place: at <= 0 ? null : idSchema.parse(siblings[at - 1]?.id),
  });
  return { steps, users };
}

/** The sub-processors that refer to an entry, with the field and the value by which they do. */
export function usersOf(
  document: ListDocument,
  ref: EntryRef,
): { id: string; name: string; field: string; before: Reference }[] {
  const field = fieldThatRefers(ref);
  if (field === null) return [];
  return document.subProcessors.flatMap(({ id, name, [field]: before }) =>
    before !== undefined && refersTo(before, ref) ? [{ id, name, field, before }] : [],
  );
}

type Reference = string | string[] | Record<string, string[]>;

function fieldThatRefers({ kind }: EntryRef): 'dataCategories' | 'services' | 'parent' | null {
  if (kind === 'data-category' || kind === 'data-subject') return 'dataCategories';
  if (kind === 'service') return 'services';
  return kind === 'sub-processor' ? 'parent' : null;
}

function refersTo(value: Reference, ref: EntryRef): boolean {
  if (typeof value === 'string') return value === ref.id;
  if (Array.isArray(value)) return value.includes(ref.id);
  return Object.entries(value).some(([subject, ids]) =>
    ref.kind === 'data-subject' ? subject === ref.id : subject === ref.dataSubject && ids.includes(ref.id),
  );
}

/**
 * The value without the reference. Null, not stated, once nothing is left: that a vendor gets no data at
 * all is a statement which nobody has made.
 */
function without(value: Reference, ref: EntryRef): Reference | null {
  if (typeof value === 'string') return null;
  if (Array.isArray(value)) {
    const left = value.filter((id) => id !== ref.id);
    return left.length === 0 ? null : left;
  }
  const kinds = Object.entries(value).flatMap(([subject, ids]): [string, string[]][] => {
    if (ref.kind === 'data-subject') return subject === ref.id ? [] : [[subject, ids]];
    if (subject !== ref.dataSubject) return [[subject, ids]];
    const left = ids.filter((id) => id !== ref.id);
    return left.length === 0 ? [] : [[subject, left]];
  });
  return kinds.length === 0 ? null : Object.fromEntries(kinds);
}
