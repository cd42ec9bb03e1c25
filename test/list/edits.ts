import { isDeepStrictEqual } from 'node:util';
import type fc from 'fast-check';
import { z } from 'zod';
import type { ListDocument } from '../../src/list/document.js';
import { applySteps, type EditStep } from '../../src/list/edit.js';
import {
  type EntryRef,
  entryKinds,
  findEntry,
  type LooseEntry,
  refText,
  siblingsOf,
} from '../../src/list/entry-ref.js';
import { anyList } from './arbitrary.js';

/*
 * Lists as they can be stored, and the steps from one to another as somebody would do them by form.
 */

/** Any list whose references lead somewhere. A collection without entries is left out: forms do not tell the two apart. */
export const storable: fc.Arbitrary<ListDocument> = anyList.map((list) => plain(withReferences(list)));

/** References that lead nowhere are left out. */
export function withReferences(list: ListDocument): ListDocument {
  const known = new Set(list.services?.map(({ id }) => id));
  const categories = new Map(
    list.dataSubjects.map(({ id, dataCategories }) => [id, new Set(dataCategories?.map((one) => one.id))]),
  );
  return {
    ...list,
    subProcessors: list.subProcessors.map(({ parent: _, ...entry }) => ({
      ...entry,
      ...(entry.services && { services: [...new Set(entry.services.filter((id) => known.has(id)))] }),
      ...(entry.dataCategories && {
        dataCategories: Object.fromEntries(
          Object.entries(entry.dataCategories).flatMap(([id, own]) => {
            const there = categories.get(id);
            return there === undefined ? [] : [[id, [...new Set(own.filter((one) => there.has(one)))]]];
          }),
        ),
      }),
    })),
  };
}

/** Without the collections that hold nothing. */
export function plain({ services = [], statements = [], ...list }: ListDocument): ListDocument {
  return {
    ...list,
    ...(services.length === 0 ? {} : { services }),
    ...(statements.length === 0 ? {} : { statements }),
    dataSubjects: list.dataSubjects.map(({ dataCategories = [], ...subject }) =>
      dataCategories.length === 0 ? subject : { ...subject, dataCategories },
    ),
  };
}

/** What has to be done to make the second list of the first. */
export function stepsBetween(from: ListDocument, to: ListDocument): EditStep[] {
  const steps: EditStep[] = [];
  let current = from;
  const step = (one: EditStep) => {
    steps.push(one);
    current = applySteps(current, [one]).document;
  };
  const fields = (ref: EntryRef, before: LooseEntry, after: LooseEntry) => {
    for (const field of new Set([...Object.keys(before), ...Object.keys(after)])) {
      if (field === 'id' || (field === 'dataCategories' && ref.kind === 'data-subject')) continue;
      const [old, fresh] = [json(before[field]), json(after[field])];
      if (!isDeepStrictEqual(old, fresh)) step({ step: 'set', ref: refText(ref), field, before: old, after: fresh });
    }
  };
  const head = { kind: 'list', id: '', dataSubject: null } as const;
  fields(head, findEntry(from, head) ?? {}, findEntry(to, head) ?? {});
  const follow = (at: Omit<EntryRef, 'id'>) => {
    const refOf = (entry: LooseEntry): EntryRef => ({ ...at, id: String(entry.id) });
    const wanted = siblingsOf(to, { ...at, id: '' }) ?? [];
    for (const entry of siblingsOf(current, { ...at, id: '' }) ?? []) {
      const after = findEntry(to, refOf(entry));
      if (after !== null) fields(refOf(entry), entry, after);
      else step({ step: 'remove', ref: refText(refOf(entry)), ...entryAt(current, refOf(entry)) });
    }
    for (const [index, entry] of wanted.entries()) {
      const place = index === 0 ? null : String(wanted[index - 1]?.id);
      if (findEntry(current, refOf(entry)) === null) {
        const { id: _, ...own } = entry;
        step({ step: 'add', ref: refText(refOf(entry)), entry: record(own), place });
      } else {
        step({ step: 'move', ref: refText(refOf(entry)), before: entryAt(current, refOf(entry)).place, after: place });
      }
    }
  };
  for (const kind of entryKinds) if (kind !== 'data-category') follow({ kind, dataSubject: null });
  for (const { id } of to.dataSubjects) follow({ kind: 'data-category', dataSubject: id });
  return steps;
}

function entryAt(document: ListDocument, ref: EntryRef) {
  const siblings = siblingsOf(document, ref) ?? [];
  const index = siblings.findIndex(({ id }) => id === ref.id);
  const { id: _, ...own } = siblings[index] ?? {};
  return { entry: record(own), place: index < 1 ? null : String(siblings[index - 1]?.id) };
}

function json(value: unknown): z.infer<ReturnType<typeof z.json>> {
  return z.json().parse(value ?? null);
}

function record(value: object) {
  return z.record(z.string(), z.json()).parse(value);
}
