import { plainText } from './plain.js';

/*
 * PURE. When two ways to write a place mean the same: "US", "USA" and "United States"; and when one
 * lies within the other: "Germany (Frankfurt)" in "Germany".
 */

const names = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' });
const aliases: Readonly<Record<string, string>> = {
  usa: 'US',
  'u.s': 'US',
  'u.s.a': 'US',
  'united states of america': 'US',
  uk: 'GB',
  'u.k': 'GB',
  'great britain': 'GB',
  eu: 'EU',
  'czech republic': 'CZ',
  'the netherlands': 'NL',
  holland: 'NL',
  'korea, republic of': 'KR',
  'hong kong': 'HK',
  turkey: 'TR',
};

const codesByName: ReadonlyMap<string, string> = new Map(
  [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'].flatMap((first) =>
    [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'].flatMap((second): [string, string][] => {
      const code = first + second;
      const name = names.of(code);
      // "United Kingdom" is GB: of a replaced code, such as UK or SU, only its follower has the name.
      return name === undefined || Intl.getCanonicalLocales(`und-${code}`)[0] !== `und-${code}`
        ? []
        : [[plainText(name), code]];
    }),
  ),
);

/** Equal for two spellings of one country; any other place is its plain form. */
function placeKey(place: string): string {
  const plain = plainText(place);
  // Two capitals are a code; "it" within a text is a word, so that lower case is none.
  if (/^[A-Z]{2}$/.test(place.trim()) && aliases[plain] === undefined) return place.trim();
  return aliases[plain] ?? codesByName.get(plain) ?? plain;
}

/** "Germany (Frankfurt)", "Germany, Frankfurt" → "Germany"; null where nothing is narrowed. */
function widerPlace(place: string): string | null {
  return /^\s*([^(,]+?)\s*[(,]/.exec(place)?.[1] ?? null;
}

/** The country (ISO 3166-1, or EU) that a place is or names: "DE", "Germany", "Frankfurt, Germany"; null: none known. */
export function countryOf(place: string): string | null {
  const parts = [place, ...place.split(/[(),;/]/).reverse()].filter((part) => part.trim() !== '');
  return parts.map(placeKey).find((key) => /^[A-Z]{2}$/.test(key)) ?? null;
}

/** What came and what went among places, whatever they are called. */
export function comparePlaces(before: readonly string[], after: readonly string[]): { came: boolean; went: boolean } {
  const was = new Set(before.map(placeKey));
  const is = new Set(after.map(placeKey));
  const isKnown = (place: string) => {
    const wider = widerPlace(place);
    return was.has(placeKey(place)) || (wider !== null && was.has(placeKey(wider)));
  };
  return { came: !after.every(isKnown), went: !before.every((place) => is.has(placeKey(place))) };
}

const germanNames = new Intl.DisplayNames('de', { type: 'region', fallback: 'none' });
const germanAliases: Readonly<Record<string, string>> = { 'vereinigte staaten von amerika': 'US', niederlande: 'NL' };
const codesByGermanName: ReadonlyMap<string, string> = new Map([
  ...[...new Set(codesByName.values())].flatMap((code): [string, string][] => {
    const name = germanNames.of(code);
    return name === undefined ? [] : [[plainText(name), code]];
  }),
  ...Object.entries(germanAliases),
]);

/** The code of the country that is all a text names, in English or German, or that it is the code of; null: it is none. */
export function countryNamed(place: string): string | null {
  const key = placeKey(place.replace(/^\s*the\s+/i, ''));
  if (/^[A-Z]{2}$/.test(key)) return names.of(key) === undefined ? null : key;
  return codesByGermanName.get(plainText(place)) ?? null;
}
