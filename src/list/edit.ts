import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { ListDocument } from './document.js';
import { type EntryRef, entryRefSchema, findEntry, type LooseEntry, parseRef, siblingsOf } from './entry-ref.js';
import { mergeValues } from './merge.js';

/*
 * PURE. What somebody did to a list, small enough to be kept, undone, and put beside what somebody else
 * did meanwhile. A step says what was there when it was made: so it is seen when that is so no more.
 */

const ref = entryRefSchema;
/** Null: not stated. */
const value = z.json();
const place = z.string().nullable().describe('The id of the entry before it; null: it is the first');
const entry = z.record(z.string(), z.json());

export const editStepSchema = z.discriminatedUnion('step', [
  z.object({ step: z.literal('set'), ref, field: z.string(), before: value, after: value }),
  z.object({ step: z.literal('add'), ref, entry, place }),
  z.object({ step: z.literal('remove'), ref, entry, place }),
  z.object({ step: z.literal('move'), ref, before: place, after: place }),
]);
export type EditStep = z.infer<typeof editStepSchema>;

/** A step that no longer fits: what it would have set, and what is there instead. */
export interface Conflict {
  ref: string;
  /** Null: the entry itself is gone, or there again. */
  field: string | null;
  mine: z.infer<typeof value>;
  theirs: z.infer<typeof value>;
}

/**
 * Does the steps one after the other. Where somebody changed the same meanwhile, sets and matrices are
 * merged by member; of two different values of one field neither is taken, it is a conflict. With any
 * conflict nothing of the document is to be used.
 * @returns the document, not checked yet: `readListValue` does that
 */
export function applySteps(
  document: ListDocument,
  steps: readonly EditStep[],
): { document: ListDocument; conflicts: Conflict[] } {
  const conflicts: Conflict[] = [];
  let current = document;
  for (const step of steps) {
    const done = applyStep(current, step);
    if ('conflict' in done) conflicts.push(done.conflict);
    else current = done.document;
  }
  return { document: current, conflicts };
}

/** The steps that take these back, in the order in which they have to be done. */
export function invertSteps(steps: readonly EditStep[]): EditStep[] {
  return [...steps].reverse().map(inverseOf);
}

/**
 * Two edits as one, when the second goes on with the very fields of the first. Null: it does something
 * else, or takes all of it back.
 */
export function continued(first: readonly EditStep[], second: readonly EditStep[]): EditStep[] | null {
  if (first.length !== second.length || first.length === 0) return null;
  const steps: EditStep[] = [];
  for (const next of second) {
    const begun = first.find(
      (one) => one.step === 'set' && one.ref === next.ref && 'field' in next && one.field === next.field,
    );
    if (begun?.step !== 'set' || next.step !== 'set' || !isDeepStrictEqual(begun.after, next.before)) return null;
    if (isDeepStrictEqual(begun.before, next.after)) return null;
    steps.push({ ...next, before: begun.before });
  }
  return steps;
}

function inverseOf(step: EditStep): EditStep {
  switch (step.step) {
    case 'add':
      return { ...step, step: 'remove' };
    case 'remove':
      return { ...step, step: 'add' };
    case 'set':
      return { ...step, before: step.after, after: step.before };
    case 'move':
      return { ...step, before: step.after, after: step.before };
  }
}

type Done = { document: ListDocument } | { conflict: Conflict };

function applyStep(document: ListDocument, step: EditStep): Done {
  const at = parseRef(step.ref);
  if (at === null) throw new Error(`a step names no entry: ${step.ref}`);
  switch (step.step) {
    case 'set':
      return applySet(document, at, step);
    case 'add':
      return applyAdd(document, at, step);
    case 'remove':
      return applyRemove(document, at, step);
    case 'move':
      return applyMove(document, at, step);
  }
}

function applySet(document: ListDocument, at: EntryRef, step: Extract<EditStep, { step: 'set' }>): Done {
  const { field, before, after } = step;
  const found = findEntry(document, at);
  if (found === null) return { conflict: { ref: step.ref, field: null, mine: after, theirs: null } };
  const theirs = value.parse(found[field] ?? null);
  const merged = mergeValues({ before, mine: after, theirs });
  if (merged === null) return { conflict: { ref: step.ref, field, mine: after, theirs } };
  if (isDeepStrictEqual(merged.value, theirs)) return { document };
  const { [field]: _, ...rest } = found;
  const changed = merged.value === null ? rest : { ...rest, [field]: merged.value };
  return { document: withEntry(document, at, changed) };
}

function applyAdd(document: ListDocument, at: EntryRef, step: Extract<EditStep, { step: 'add' }>): Done {
  const siblings = siblingsOf(document, at);
  const there = siblings?.find(({ id }) => id === at.id);
  if (siblings === null || there !== undefined) {
    return { conflict: { ref: step.ref, field: null, mine: step.entry, theirs: value.parse(there ?? null) } };
  }
  return { document: withSiblings(document, at, placed(siblings, { id: at.id, ...step.entry }, step.place)) };
}

function applyRemove(document: ListDocument, at: EntryRef, step: Extract<EditStep, { step: 'remove' }>): Done {
  const siblings = siblingsOf(document, at);
  const there = siblings?.find(({ id }) => id === at.id);
  if (siblings === null || there === undefined) return { document };
  // What somebody has changed meanwhile is not removed unseen.
  if (!isDeepStrictEqual(value.parse(there), { id: at.id, ...step.entry })) {
    return { conflict: { ref: step.ref, field: null, mine: null, theirs: value.parse(there) } };
  }
  const left = siblings.filter((one) => one !== there);
  return { document: withSiblings(document, at, left) };
}

function applyMove(document: ListDocument, at: EntryRef, step: Extract<EditStep, { step: 'move' }>): Done {
  const siblings = siblingsOf(document, at);
  const there = siblings?.find(({ id }) => id === at.id);
  // Order is never a change: of two who move the same the last one decides.
  if (siblings === null || there === undefined) return { document };
  const others = siblings.filter((one) => one !== there);
  return { document: withSiblings(document, at, placed(others, there, step.after)) };
}

/** With an entry behind the one that is named; at the end when that one is gone. */
function placed(siblings: readonly LooseEntry[], one: LooseEntry, place: string | null): LooseEntry[] {
  if (place === null) return [one, ...siblings];
  const at = siblings.findIndex(({ id }) => id === place);
  return at < 0 ? [...siblings, one] : [...siblings.slice(0, at + 1), one, ...siblings.slice(at + 1)];
}

function withEntry(document: ListDocument, at: EntryRef, changed: LooseEntry): ListDocument {
  if (at.kind === 'list') {
    const { services, statements, dataSubjects, subProcessors } = document;
    return loose({ ...changed, ...stated({ services, statements }), dataSubjects, subProcessors });
  }
  const siblings = siblingsOf(document, at) ?? [];
  return withSiblings(
    document,
    at,
    siblings.map((one) => (one.id === at.id ? changed : one)),
  );
}

function withSiblings(document: ListDocument, at: EntryRef, siblings: readonly LooseEntry[]): ListDocument {
  switch (at.kind) {
    case 'sub-processor':
      return loose({ ...document, subProcessors: siblings });
    case 'data-subject':
      return loose({ ...document, dataSubjects: siblings });
    case 'service':
      return loose({ ...document, services: siblings });
    case 'statement':
      return loose({ ...document, statements: siblings });
    case 'data-category': {
      const dataSubjects = document.dataSubjects.map((subject) =>
        subject.id === at.dataSubject ? { ...subject, dataCategories: siblings } : subject,
      );
      return loose({ ...document, dataSubjects });
    }
    case 'list':
      throw new Error('the list has no siblings');
  }
}

function stated(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, one]) => one !== undefined));
}

const unchecked = z.custom<ListDocument>((one) => typeof one === 'object' && one !== null);

/** Still to be read by `readListValue`: between two steps it may refer to what comes with the next. */
function loose(document: object): ListDocument {
  return unchecked.parse(document);
}
