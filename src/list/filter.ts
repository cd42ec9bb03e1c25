import type { Texts } from '../texts.js';
import type { ListDocument, SubProcessor } from './document.js';
import { subProcessorFields } from './fields.js';
import { asWritten } from './localize.js';
import { countryOf } from './places.js';
import { plainText } from './plain.js';
import { type Names, namesOf, valueTexts } from './values.js';
import { entriesByVendor, type VendorEntries } from './vendor-groups.js';

/*
 * PURE. Which vendors of a list somebody looks for: by words, by a service, a country, a data category, and by
 * whether they are optional. Everything that is asked for must hold for one and the same entry.
 */

export interface ListFilter {
  /** Words that must all occur in what an entry says, in any order, in the words of the reader's language. */
  q: string;
  /** An id. */
  service: string | null;
  /** ISO 3166-1: the vendor sits there, keeps data there, or reaches it from there. */
  country: string | null;
  /** The ids of a data subject kind and of one of its data categories, as `managers.email-address`. */
  category: string | null;
  optional: 'optional' | 'required' | null;
}

export const noFilter: ListFilter = { q: '', service: null, country: null, category: null, optional: null };

/** What can be filtered by: each value that occurs in the entries, with the number of vendors it occurs at. */
export interface Facets {
  service: Map<string, number>;
  country: Map<string, number>;
  category: Map<string, number>;
  optional: Map<string, number>;
}

/** The vendors that have an entry which meets the filter, each with those entries; in the list's order. */
export function filterVendors(document: ListDocument, filter: ListFilter, texts: Texts): VendorEntries[] {
  const words = foldText(filter.q).split(' ').filter(Boolean);
  const said = words.length === 0 ? null : saidBy(document, texts);
  const countries = countriesIn(document);
  const [subject = '', category = ''] = (filter.category ?? '').split('.');
  const meets = (entry: SubProcessor) =>
    (filter.service === null || entry.services?.includes(filter.service) === true) &&
    (filter.country === null || countries.get(entry)?.has(filter.country) === true) &&
    (filter.category === null || categoriesOf(entry, subject).includes(category)) &&
    (filter.optional === null || optionalOf(entry) === filter.optional) &&
    words.every((word) => said?.get(entry)?.includes(word) === true);
  return entriesByVendor(document).flatMap((entries) => {
    const found = entries.filter(meets);
    return found.length === 0 ? [] : [found];
  });
}

const knownFacets = new WeakMap<ListDocument, Facets>();

/** The values that occur in a list; counted once, as long as the document lives. */
export function facetsOf(document: ListDocument): Facets {
  const known = knownFacets.get(document);
  if (known !== undefined) return known;
  const countries = countriesIn(document);
  const vendors = entriesByVendor(document);
  const facets: Facets = {
    service: countIn(vendors, (entry) => entry.services ?? []),
    country: countIn(vendors, (entry) => countries.get(entry) ?? []),
    category: new Map(
      document.dataSubjects.flatMap(({ id: subject }) => {
        const counts = countIn(vendors, (entry) => categoriesOf(entry, subject));
        return [...counts].map(([id, count]) => [`${subject}.${id}`, count]);
      }),
    ),
    optional: countIn(vendors, (entry) => {
      const optional = optionalOf(entry);
      return optional === null ? [] : [optional];
    }),
  };
  knownFacets.set(document, facets);
  return facets;
}

/** The filter as the part of an address behind `?`, always in the same order; empty: everything. */
export function filterQuery(filter: Partial<ListFilter>): string {
  const { q, service, country, category, optional } = filter;
  const asked = Object.entries({ q, service, country, category, optional });
  return new URLSearchParams(
    asked.flatMap(([name, value]): [string, string][] => (value ? [[name, value]] : [])),
  ).toString();
}

/** At how many vendors each value occurs. */
function countIn(
  vendors: readonly VendorEntries[],
  valuesOf: (entry: SubProcessor) => readonly string[] | ReadonlySet<string>,
): Map<string, number> {
  // With the vendor that it was last seen at, as each counts once; a set a vendor would be thousands of sets.
  const found = new Map<string, { count: number; last: VendorEntries }>();
  for (const entries of vendors) {
    for (const entry of entries) {
      for (const value of valuesOf(entry)) {
        const known = found.get(value);
        if (known === undefined) found.set(value, { count: 1, last: entries });
        else if (known.last !== entries) {
          known.count += 1;
          known.last = entries;
        }
      }
    }
  }
  return new Map([...found].map(([value, { count }]) => [value, count]));
}

function optionalOf({ optional }: SubProcessor): 'optional' | 'required' | null {
  if (optional === undefined) return null;
  return optional ? 'optional' : 'required';
}

function categoriesOf({ dataCategories }: SubProcessor, subject: string): readonly string[] {
  return dataCategories !== undefined && Object.hasOwn(dataCategories, subject) ? (dataCategories[subject] ?? []) : [];
}

type Countries = ReadonlyMap<SubProcessor, ReadonlySet<string>>;
const knownCountries = new WeakMap<ListDocument, Countries>();

/** Every country that an entry names, found once a document. */
function countriesIn(document: ListDocument): Countries {
  const known = knownCountries.get(document);
  if (known !== undefined) return known;
  const places = new Map<string, string | null>();
  const codeOf = (place: string) => {
    const code = places.get(place);
    if (code !== undefined) return code;
    const found = countryOf(place);
    places.set(place, found);
    return found;
  };
  const found: Countries = new Map(
    document.subProcessors.map((entry) => {
      const { country, corporateCountry, accessLocations = [], dataLocations = [] } = asWritten(entry);
      const named = [country, corporateCountry, ...accessLocations, ...dataLocations];
      return [entry, new Set(named.flatMap((place) => (place === undefined ? [] : (codeOf(place) ?? []))))];
    }),
  );
  knownCountries.set(document, found);
  return found;
}

type Said = ReadonlyMap<SubProcessor, string>;
const knownWords = new WeakMap<ListDocument, Map<string, Said>>();

/** What each entry says in a language, folded for comparing; made once, when somebody first looks for words. */
function saidBy(document: ListDocument, texts: Texts): Said {
  const languages = knownWords.get(document) ?? new Map<string, Said>();
  knownWords.set(document, languages);
  const known = languages.get(texts.locale);
  if (known !== undefined) return known;
  const names = namesOf(document);
  const said: Said = new Map(
    document.subProcessors.map((entry) => {
      // Who knows the original finds it by that as well.
      const both = [...new Set([entry, asWritten(entry)])];
      return [entry, foldText(both.map((one) => wordsOf(one, names, texts)).join('\n'))];
    }),
  );
  languages.set(texts.locale, said);
  return said;
}

const fields = Object.keys(subProcessorFields).filter((field) => field !== 'dataCategories');

function wordsOf(entry: SubProcessor, names: Names, texts: Texts): string {
  const { translations: _, ...stated } = entry;
  const values: Readonly<Record<string, Parameters<typeof valueTexts>[1]>> = stated;
  const own = fields.flatMap((field) => valueTexts(field, values[field], names, texts) ?? []);
  const data = Object.entries(entry.dataCategories ?? {}).flatMap(([subject, ids]) => [
    names.dataSubject(subject),
    ...ids.map((id) => names.dataCategory(subject, id)),
  ]);
  return [...own, ...data].join('\n');
}

/** "Zürich" is found by "zurich", and what is typed on a phone by what is printed. */
function foldText(text: string): string {
  return plainText(text)
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '');
}
