import { byCodeUnit } from './plain.js';

/*
 * PURE. Which entries that come without ids are entries of the list before. Equal names, once
 * legal form, punctuation and case are put aside, are the same entry; where one name stands several
 * times, product, services and purposes tell its entries apart, as far as they are stated. Names that
 * are merely alike are never joined here: see suggest.ts.
 */

/** What an entry is known by. Texts and sets in plain form; what is not stated is undefined. */
export interface Traits {
  /** Equal for the same name. */
  name: string;
  product?: string | undefined;
  services?: readonly string[] | undefined;
  purposes?: readonly string[] | undefined;
  /** Further facts that speak for the same entry but never against it, such as its data locations. */
  hints: ReadonlySet<string>;
  /** Everything the entry says: the surest sign. */
  content: string;
}

export interface Known extends Traits {
  id: string;
}

interface Group {
  items: number[];
  known: Known[];
  /** Whether the name stands once on each side, claimed entries included: nothing to tell apart. */
  single: boolean;
}

/** Beyond so many pairs of one name only content, product and purposes decide, not their nearness. */
const mostPairs = 250_000;

/**
 * The id that each entry takes over; undefined for one that has its own or is new.
 * Does not depend on the order of either side, except between entries that say the very same.
 * @param items in document order; `id` is set where the document gives one
 * @param known entries of the list before
 */
export function adoptIds(
  items: readonly (Traits & { id?: string | undefined })[],
  known: readonly Known[],
): (string | undefined)[] {
  const claimed = new Set(items.flatMap(({ id }) => id ?? []));
  const adopted: (string | undefined)[] = items.map(() => undefined);
  for (const group of groupsByName(items, known, claimed)) {
    for (const [item, entry] of pairsOf(group, items)) adopted[item] = entry.id;
  }
  return adopted;
}

function groupsByName(
  items: readonly (Traits & { id?: string | undefined })[],
  known: readonly Known[],
  claimed: ReadonlySet<string>,
): Group[] {
  const knownByName = new Map<string, Known[]>();
  for (const entry of known) append(knownByName, entry.name, entry);
  const itemsByName = new Map<string, number[]>();
  for (const [index, { name }] of items.entries()) append(itemsByName, name, index);
  return [...itemsByName].flatMap(([name, indices]): Group[] => {
    const entries = knownByName.get(name) ?? [];
    const free = entries.filter(({ id }) => !claimed.has(id)).sort((a, b) => byCodeUnit(a.id, b.id));
    const open = indices.filter((index) => items[index]?.id === undefined);
    if (free.length === 0 || open.length === 0) return [];
    return [{ items: open, known: free, single: indices.length === 1 && entries.length === 1 }];
  });
}

function append<Key, Value>(map: Map<Key, Value[]>, key: Key, value: Value): void {
  const values = map.get(key);
  if (values === undefined) map.set(key, [value]);
  else values.push(value);
}

function pairsOf(group: Group, items: readonly Traits[]): [number, Known][] {
  const open = group.items.flatMap((index) => {
    const traits = items[index];
    return traits === undefined ? [] : [{ index, traits }];
  });
  const [first] = open;
  const [only] = group.known;
  if (group.single && first && only) return [[first.index, only]];

  const pairs: [number, Known][] = [];
  let left = open;
  let free = group.known;
  const join = (keyOf: (traits: Traits) => string | null) => {
    const byKey = new Map<string, Known[]>();
    for (const entry of free) {
      const key = keyOf(entry);
      if (key !== null) append(byKey, key, entry);
    }
    const taken = new Set<Known>();
    left = left.filter(({ index, traits }) => {
      const key = keyOf(traits);
      const entry = key === null ? undefined : byKey.get(key)?.shift();
      if (entry === undefined) return true;
      pairs.push([index, entry]);
      taken.add(entry);
      return false;
    });
    free = free.filter((entry) => !taken.has(entry));
  };

  join(({ content }) => content);
  if (left.length * free.length > mostPairs) {
    join(({ product, services, purposes }) => JSON.stringify([product, services, purposes]));
    join(({ product }) => product ?? null);
    return pairs;
  }
  return [...pairs, ...nearest(left, free)];
}

/** The likeliest pairs first; no pair that product, services or purposes tell apart. */
function nearest(open: readonly { index: number; traits: Traits }[], free: readonly Known[]): [number, Known][] {
  const scored = open
    .flatMap(({ index, traits }) =>
      free.map((entry) => ({ index, content: traits.content, entry, score: scoreOf(traits, entry) })),
    )
    .filter(({ score }) => score >= 0)
    .sort(
      (a, b) =>
        b.score - a.score ||
        byCodeUnit(a.entry.id, b.entry.id) ||
        byCodeUnit(a.content, b.content) ||
        a.index - b.index,
    );
  const pairs: [number, Known][] = [];
  const taken = new Set<number | Known>();
  for (const { index, entry } of scored) {
    if (taken.has(index) || taken.has(entry)) continue;
    taken.add(index).add(entry);
    pairs.push([index, entry]);
  }
  return pairs;
}

/** -1: told apart. Otherwise the more, the likelier. */
function scoreOf(a: Traits, b: Traits): number {
  let score = 0;
  if (a.product !== undefined && b.product !== undefined) {
    if (a.product !== b.product) return -1;
    score += 8;
  }
  for (const [mine, theirs, weight] of [
    [a.services, b.services, 3],
    [a.purposes, b.purposes, 4],
  ] as const) {
    if (mine === undefined || theirs === undefined || mine.length === 0 || theirs.length === 0) continue;
    const shared = mine.filter((member) => theirs.includes(member)).length;
    // Of the same product, other purposes are a change of the entry, not another entry.
    if (shared === 0 && score < 8) return -1;
    score += (weight * shared) / Math.max(mine.length, theirs.length);
  }
  return score + 0.1 * [...a.hints].filter((hint) => b.hints.has(hint)).length;
}
