import type { Suggestion } from './change.js';
import type { SubProcessor } from './document.js';
import { otherNames, stemsOf, vendorKey } from './vendors.js';

/*
 * PURE. Entries that came and went and may be the same under other names, for an admin to judge: one that was
 * renamed (suggest.ts), several that became one, and one that became several. Whatever the kind, only one of the
 * old entries goes on as only one of the new ones: that pair is what is chosen.
 */

export interface Pair {
  /** Id of the entry in the list before. */
  removed: string;
  /** Id that the entry has in the new list as long as nobody has joined the two. */
  added: string;
}

export interface PairSuggestion {
  /** The same for the same entries. */
  key: string;
  kind: 'renamed' | 'merged' | 'split';
  /** Several of one that was merged. */
  removed: SubProcessor[];
  /** Several of one that was split. */
  added: SubProcessor[];
  /** Of a rename only: what speaks for it. */
  because: Suggestion['because'];
}

/** More than so many are no merger, but a common word. */
const mostParts = 6;
/** A word that more entries share says nothing of any one of them. */
const commonWord = 25;

/** The pairs that a suggestion leaves to choose from. */
export function choicesOf({ removed, added }: Pick<PairSuggestion, 'removed' | 'added'>): Pair[] {
  return removed.flatMap((was) => added.map((is) => ({ removed: was.id, added: is.id })));
}

/**
 * What may be the same among the removed and the added: mergers and splits, then the renames that are not part
 * of one of them, the likeliest first.
 * @param renames of the same entries, as the diff suggests them
 */
export function suggestPairs(
  removed: readonly SubProcessor[],
  added: readonly SubProcessor[],
  renames: readonly Suggestion[],
): PairSuggestion[] {
  const merged = wholesOf(added, removed).map(({ whole, parts }) => suggestionOf('merged', parts, [whole], []));
  const split = wholesOf(removed, added).map(({ whole, parts }) => suggestionOf('split', [whole], parts, []));
  const covered = new Set([...merged, ...split].flatMap(choicesOf).map(keyOfPair));
  const before = new Map(removed.map((entry) => [entry.id, entry]));
  const after = new Map(added.map((entry) => [entry.id, entry]));
  const renamed = renames.flatMap((suggestion) => {
    const [was, is] = [before.get(suggestion.removed), after.get(suggestion.added)];
    if (was === undefined || is === undefined || covered.has(keyOfPair(suggestion))) return [];
    return [suggestionOf('renamed', [was], [is], suggestion.because)];
  });
  return [...merged, ...split, ...renamed];
}

function suggestionOf(
  kind: PairSuggestion['kind'],
  removed: SubProcessor[],
  added: SubProcessor[],
  because: Suggestion['because'],
): PairSuggestion {
  const ids = (entries: readonly SubProcessor[]) => entries.map(({ id }) => id).join('+');
  return { key: `${ids(removed)}>${ids(added)}`, kind, removed, added, because };
}

function keyOfPair({ removed, added }: Pair): string {
  return `${removed}>${added}`;
}

interface Face {
  entry: SubProcessor;
  key: string;
  stems: ReadonlySet<string>;
}

/** Entries that hold several others by name or product. */
function wholesOf(wholes: readonly SubProcessor[], parts: readonly SubProcessor[]) {
  const faces = parts.map((entry): Face => ({ entry, key: vendorKey(entry.name), stems: stemsOf(entry.name) }));
  const index = new Map<string, Face[]>();
  for (const face of faces) {
    for (const stem of face.stems) index.set(stem, [...(index.get(stem) ?? []), face]);
  }
  return wholes.flatMap((whole) => {
    const names = namesWithin(whole);
    const near = new Set(
      [...names.stems].flatMap((stem) => {
        const found = index.get(stem) ?? [];
        return found.length > commonWord ? [] : found;
      }),
    );
    const held = [...near].filter((part) => isPart(part, whole, names)).map(({ entry }) => entry);
    return held.length < 2 || held.length > mostParts ? [] : [{ whole, parts: held }];
  });
}

interface Names {
  keys: ReadonlySet<string>;
  stems: ReadonlySet<string>;
  products: ReadonlySet<string>;
}

/** The names that an entry gives: its own, those in brackets, its legal name, and the products that it counts up. */
function namesWithin({ name, legalName, product }: SubProcessor): Names {
  const { main, others } = otherNames(name);
  const counted = (text: string) => text.split(/\s*(?:[,;/&+·|]|\b(?:and|und|et|y)\b)\s*/).filter((one) => one !== '');
  const products = product === undefined ? [] : counted(product);
  const all = [main, ...others.flatMap(counted), ...(legalName === undefined ? [] : [legalName]), ...products];
  return {
    keys: new Set(all.filter((one) => one.trim() !== '').map(vendorKey)),
    stems: new Set([name, ...all].flatMap((one) => [...stemsOf(one)])),
    products: new Set(products.flatMap((one) => [...stemsOf(one)])),
  };
}

function isPart({ entry, key, stems }: Face, whole: SubProcessor, names: Names): boolean {
  if (key === vendorKey(whole.name)) {
    // Of one vendor: the products tell.
    if (entry.product === undefined || names.products.size === 0) return false;
    return [...stemsOf(entry.product)].every((stem) => names.products.has(stem));
  }
  if (names.keys.has(key)) return true;
  // One short word within a long name is mostly chance.
  return [...stems].every((stem) => names.stems.has(stem)) && [...stems].some((stem) => stem.length >= 4);
}
