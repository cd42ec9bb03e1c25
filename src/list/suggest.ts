import type { Suggestion } from './change.js';
import type { SubProcessor } from './document.js';
import { likenessOf } from './likeness.js';
import { byCodeUnit, plainText, plainUrl } from './plain.js';
import { otherNames, stemsOf, vendorKey } from './vendors.js';

/*
 * PURE. Pairs of a removed and an added entry that may be one entry under a new name, for an admin
 * to judge. A pair needs evidence in its names, its address or its website: that both serve the same
 * purpose is how replacements look, and is no evidence at all.
 */

type Because = Suggestion['because'][number];

/** Below it names are not worth a look. "Copper CRM" and "Copper" reach it, "reCAPTCHA" and "hCaptcha" do not. */
const leastLikeness = 0.5;
const mostForOne = 3;
const mostInAll = 200;
/** Up to so many pairs each is looked at; beyond, only those that share a word, a beginning or a place. */
const allPairs = 40_000;
/** A word that more entries share says nothing of any one of them. */
const commonWord = 25;

interface Face {
  entry: SubProcessor;
  key: string;
  compact: string;
  stems: ReadonlySet<string>;
  /** Keys of the names in brackets, behind dba and aka, of the legal name and of the product. */
  others: ReadonlySet<string>;
  main: string;
  address: string | null;
  website: string | null;
}

/** Likely renames among the removed and the added, the likeliest first. */
export function suggest(removed: readonly SubProcessor[], added: readonly SubProcessor[]): Suggestion[] {
  if (removed.length === 0 || added.length === 0) return [];
  const before = removed.map(faceOf);
  const after = added.map(faceOf);
  const found = candidates(before, after)
    .flatMap(([was, is]) => judge(was, is) ?? [])
    .sort((a, b) => b.likeness - a.likeness || byCodeUnit(a.removed, b.removed) || byCodeUnit(a.added, b.added));
  return fewForEach(found).slice(0, mostInAll);
}

function faceOf(entry: SubProcessor): Face {
  const { main, others } = otherNames(entry.name);
  const also = [...others, ...(entry.legalName ? [entry.legalName] : []), ...(entry.product ? [entry.product] : [])];
  const key = vendorKey(entry.name);
  const address = plainText(entry.address ?? '')
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
  return {
    entry,
    key,
    compact: key.replaceAll(' ', ''),
    stems: stemsOf(entry.name),
    others: new Set(also.filter((name) => name.trim() !== '').map(vendorKey)),
    main: vendorKey(main.trim() === '' ? entry.name : main),
    // A mere country or town is no address.
    address: /\d/.test(address) && address.length >= 10 ? address : null,
    website: entry.website ? plainUrl(entry.website).replace(/^https?:\/\/(?:www\.)?/, '') : null,
  };
}

function judge(was: Face, is: Face): Suggestion | null {
  if (toldApart(was.entry, is.entry)) return null;
  const evidence: [Because, number][] = [];
  const words = sharedWords(was.stems, is.stems);
  if (words > 0) evidence.push(['same-words', words]);
  const spelling = likenessOf(was.compact, is.compact);
  if (spelling >= 0.8 && sameDigits(was.compact, is.compact)) evidence.push(['similar-name', spelling]);
  if (isOtherName(was, is) || isOtherName(is, was)) evidence.push(['other-name-in-brackets', 0.9]);
  if (was.address !== null && was.address === is.address) evidence.push(['same-address', 0.7]);
  if (was.website !== null && was.website === is.website) evidence.push(['same-website', 0.7]);
  // Independent evidence adds up, but only equality is certainty.
  const likeness = evidence.reduce((sum, [, weight]) => sum + weight - sum * weight, 0);
  if (likeness < leastLikeness) return null;
  return {
    removed: was.entry.id,
    added: is.entry.id,
    removedName: was.entry.name,
    addedName: is.entry.name,
    likeness: Math.round(Math.min(likeness, 1) * 100) / 100,
    because: evidence.map(([because]) => because),
  };
}

/** Entries of one vendor for two products are two entries, and were so before. */
function toldApart(was: SubProcessor, is: SubProcessor): boolean {
  if (vendorKey(was.name) !== vendorKey(is.name)) return false;
  return was.product !== undefined && is.product !== undefined && plainText(was.product) !== plainText(is.product);
}

/** 1 for the same words in any order; for a name within the other the part it makes up; else 0. */
function sharedWords(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const [fewer, more] = a.size <= b.size ? [a, b] : [b, a];
  if (fewer.size === 0 || ![...fewer].every((word) => more.has(word))) return 0;
  if (fewer.size === more.size) return 1;
  // One short word within a long name is mostly chance.
  const part = fewer.size / more.size;
  return part >= 0.5 && [...fewer].some((word) => word.length >= 4) ? part : 0;
}

function sameDigits(a: string, b: string): boolean {
  return a.replace(/\D/g, '') === b.replace(/\D/g, '');
}

function isOtherName(one: Face, other: Face): boolean {
  return one.others.has(other.main) || one.others.has(other.key);
}

/** Pairs worth judging. Few entries: all. Many: those found in an index, so that 5,000 × 5,000 stays fast. */
function candidates(before: readonly Face[], after: readonly Face[]): [Face, Face][] {
  if (before.length * after.length <= allPairs)
    return before.flatMap((was) => after.map((is): [Face, Face] => [was, is]));
  const index = new Map<string, Face[]>();
  for (const is of after) {
    for (const hint of hintsOf(is)) index.set(hint, [...(index.get(hint) ?? []), is]);
  }
  return before.flatMap((was) => {
    const near = new Set<Face>();
    for (const hint of hintsOf(was)) {
      const found = index.get(hint) ?? [];
      if (found.length <= commonWord) for (const is of found) near.add(is);
    }
    return [...near].map((is): [Face, Face] => [was, is]);
  });
}

function hintsOf(face: Face): Set<string> {
  return new Set([
    ...[...face.stems].map((stem) => `word ${stem}`),
    ...[face.key, face.main, ...face.others].map((key) => `name ${key}`),
    `begins ${face.compact.slice(0, 5)}`,
    `ends ${face.compact.slice(-5)}`,
    ...(face.address === null ? [] : [`address ${face.address}`]),
    ...(face.website === null ? [] : [`website ${face.website}`]),
  ]);
}

function fewForEach(suggestions: readonly Suggestion[]): Suggestion[] {
  const seen = new Map<string, number>();
  return suggestions.filter(({ removed, added }) => {
    const counts = [`removed ${removed}`, `added ${added}`].map((key) => {
      const count = (seen.get(key) ?? 0) + 1;
      seen.set(key, count);
      return count;
    });
    return counts.every((count) => count <= mostForOne);
  });
}
