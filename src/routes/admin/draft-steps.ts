import { z } from 'zod';
import type { ListDocument } from '../../list/document.js';
import type { EditStep } from '../../list/edit.js';
import { type EntryRef, findEntry, refText, siblingsOf } from '../../list/entry-ref.js';

/* PURE. What a button of the draft does, as steps of an edit. */

const idSchema = z.string();

/**
 * The step that moves an entry among its siblings: one place up or down, to either end, or to a place
 * counted from 1. Null when it stands there already.
 */
export function moveStep(
  document: ListDocument,
  ref: EntryRef,
  to: 'up' | 'down' | 'first' | 'last' | number,
): EditStep | null {
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
  const users: { id: string; name: string }[] = [];
  const steps: EditStep[] = [];
  for (const one of document.subProcessors) {
    const field = fieldThatRefers(ref);
    const before = field === null ? undefined : one[field];
    const after = field === null || before === undefined ? undefined : without(before, ref);
    if (field === null || before === undefined || after === undefined) continue;
    users.push({ id: one.id, name: one.name });
    steps.push({
      step: 'set',
      ref: `sub-processor/${one.id}`,
      field,
      before: z.json().parse(before),
      after: z.json().parse(after),
    });
  }
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

function fieldThatRefers({ kind }: EntryRef): 'dataCategories' | 'services' | 'parent' | null {
  if (kind === 'data-category' || kind === 'data-subject') return 'dataCategories';
  if (kind === 'service') return 'services';
  return kind === 'sub-processor' ? 'parent' : null;
}

/** The value without the reference; undefined: it does not hold it. */
function without(
  value: string | string[] | Record<string, string[]>,
  ref: EntryRef,
): z.infer<ReturnType<typeof z.json>> | undefined {
  if (typeof value === 'string') return value === ref.id ? null : undefined;
  if (Array.isArray(value)) return value.includes(ref.id) ? value.filter((id) => id !== ref.id) : undefined;
  if (ref.kind === 'data-subject') {
    if (value[ref.id] === undefined) return undefined;
    return Object.fromEntries(Object.entries(value).filter(([subject]) => subject !== ref.id));
  }
  const own = value[ref.dataSubject ?? ''];
  if (own?.includes(ref.id) !== true) return undefined;
  return { ...value, [ref.dataSubject ?? '']: own.filter((id) => id !== ref.id) };
}
