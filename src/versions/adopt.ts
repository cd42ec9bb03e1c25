import type { ListDocument, ListInput } from '../list/document.js';
import { readList, readListValue } from '../list/read.js';

/*
 * PURE. Whose ids a text without ids goes on with: those of the draft, and of the latest published version
 * for what the draft does not have (any more).
 */

/** The lists that an input continues. */
export interface Forebears {
  published: ListDocument | null;
  draft: ListDocument | null;
}

/**
 * Reads a list; entries that come without an id keep the one that the same entry has in the draft, else in
 * the published version. Refuses `document.invalid` as `readList` does.
 */
export function readWithIds(text: string, format: 'json' | 'yaml', forebears: Forebears): ListDocument {
  return adopted((base) => readList(text, format, base), forebears);
}

/** The same for a list that was read already, as an import is. Refuses `document.invalid`. */
export function completeWithIds(input: ListInput, forebears: Forebears): ListDocument {
  return adopted((base) => readListValue(input, base), forebears);
}

function adopted(read: (base: ListDocument | null) => ListDocument, { published, draft }: Forebears): ListDocument {
  if (published === null || draft === null) return read(draft ?? published);
  const document = read(joined(draft, published));
  const fresh = new Set(document.subProcessors.map(({ id }) => id));
  for (const { id } of [...draft.subProcessors, ...published.subProcessors]) fresh.delete(id);
  if (fresh.size === 0) return document;
  // What is unknown under its name may be an entry that the draft has renamed and the text has not: then
  // it goes by its published name.
  return withPublishedIds(document, read(published), fresh, published);
}

function withPublishedIds(
  document: ListDocument,
  asPublished: ListDocument,
  fresh: ReadonlySet<string>,
  published: ListDocument,
): ListDocument {
  const known = new Set(published.subProcessors.map(({ id }) => id));
  const used = new Set(document.subProcessors.map(({ id }) => id));
  const renamed = new Map<string, string>();
  document.subProcessors.forEach(({ id }, index) => {
    const old = asPublished.subProcessors[index]?.id;
    if (old === undefined || !fresh.has(id) || !known.has(old) || used.has(old)) return;
    renamed.set(id, old);
    used.add(old);
  });
  if (renamed.size === 0) return document;
  return {
    ...document,
    subProcessors: document.subProcessors.map(({ id, parent, ...entry }) => ({
      ...entry,
      id: renamed.get(id) ?? id,
      ...(parent === undefined ? {} : { parent: renamed.get(parent) ?? parent }),
    })),
  };
}

/** The first list, and what only the second has. */
function joined(first: ListDocument, second: ListDocument): ListDocument {
  const subjects = new Map(second.dataSubjects.map((subject) => [subject.id, subject]));
  return {
    ...first,
    services: union(first.services ?? [], second.services ?? []),
    statements: union(first.statements ?? [], second.statements ?? []),
    dataSubjects: union(
      first.dataSubjects.map((subject) => ({
        ...subject,
        dataCategories: union(subject.dataCategories ?? [], subjects.get(subject.id)?.dataCategories ?? []),
      })),
      second.dataSubjects,
    ),
    subProcessors: union(first.subProcessors, second.subProcessors),
  };
}

function union<Item extends { id: string }>(first: readonly Item[], second: readonly Item[]): Item[] {
  const ids = new Set(first.map(({ id }) => id));
  return [...first, ...second.filter(({ id }) => !ids.has(id))];
}
