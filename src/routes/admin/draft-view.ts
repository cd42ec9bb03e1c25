import type { Change, Diff } from '../../list/change.js';
import type { ListDocument, SubProcessor } from '../../list/document.js';
import { gapsOf } from '../../list/gaps.js';
import { plainText } from '../../list/plain.js';
import type { Texts } from '../../texts.js';

/* PURE. The draft on one page: its parts in their order, with what is new in each against the latest version. */

type Mark = 'added' | 'changed' | null;

export interface DraftOverview {
  title: string;
  introduction: string | null;
  headChanged: boolean;
  subjects: { id: string; name: string; count: string; mark: Mark }[];
  services: { id: string; name: string }[];
  statements: { id: string; text: string }[];
  entries: {
    id: string;
    name: string;
    /** Counted from 1, in the whole list. */
    place: number;
    facts: string;
    mark: Mark;
    severity: string | null;
    missing: string | null;
    first: boolean;
    last: boolean;
  }[];
  /** Of all that fit, and those before and behind this page. */
  total: number;
  count: number;
  previous: number | null;
  next: number | null;
  removed: { name: string }[];
}

/** @param page `q`: a part of a name, product, purpose or place; `from`: how many are passed over */
export function draftOverview(
  document: ListDocument,
  diff: Diff | null,
  page: { q: string; from: number; size: number },
  texts: Texts,
): DraftOverview {
  const changes = new Map((diff?.changes ?? []).map((change) => [keyOf(change), change]));
  const subjects = new Set(
    (diff?.changes ?? []).flatMap((change) => ('dataSubject' in change ? [change.dataSubject] : [])),
  );
  const all = document.subProcessors.map((entry, index) => ({ entry, index }));
  const q = plainText(page.q);
  const found = q === '' ? all : all.filter(({ entry }) => wordsOf(entry).includes(q));
  const { from, size } = page;
  return {
    title: document.title,
    introduction: document.introduction ?? null,
    headChanged: changes.has('list-changed/list'),
    subjects: document.dataSubjects.map(({ id, name, dataCategories = [] }) => ({
      id,
      name,
      count: texts.t('editor.categories', { count: dataCategories.length }),
      mark: markOf(changes, 'data-subject', id) ?? (subjects.has(id) ? 'changed' : null),
    })),
    services: document.services ?? [],
    statements: document.statements ?? [],
    entries: found.slice(from, from + size).map(({ entry, index }) => {
      const gaps = gapsOf(entry);
      return {
        id: entry.id,
        name: entry.name,
        place: index + 1,
        facts: [...(entry.product === undefined ? [] : [entry.product]), ...(entry.purposes ?? [])].join(' · '),
        mark: markOf(changes, 'sub-processor', entry.id),
        severity: changes.get(`sub-processor-changed/${entry.id}`)?.severity ?? null,
        missing: gaps.length === 0 ? null : texts.list(gaps.map((gap) => texts.t(`console.review.check.${gap}`))),
        first: index === 0,
        last: index === all.length - 1,
      };
    }),
    total: all.length,
    count: found.length,
    previous: from === 0 ? null : Math.max(0, from - size),
    next: from + size < found.length ? from + size : null,
    removed: (diff?.changes ?? []).flatMap((change) =>
      change.kind === 'sub-processor-removed' ? [{ name: change.name }] : [],
    ),
  };
}

function keyOf(change: Change): string {
  return `${change.kind}/${change.id}`;
}

function markOf(changes: ReadonlyMap<string, Change>, kind: string, id: string): Mark {
  if (changes.has(`${kind}-added/${id}`)) return 'added';
  return changes.has(`${kind}-changed/${id}`) ? 'changed' : null;
}

function wordsOf({ name, legalName, product, purposes, dataLocations, country, id }: SubProcessor): string {
  return plainText(
    [name, legalName, product, ...(purposes ?? []), ...(dataLocations ?? []), country, id].filter(Boolean).join(' '),
  );
}
