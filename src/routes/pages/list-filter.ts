import { z } from 'zod';
import type { ListDocument } from '../../list/document.js';
import { type Facets, facetsOf, filterQuery, filterVendors, type ListFilter, noFilter } from '../../list/filter.js';
import { namesOf } from '../../list/values.js';
import { entriesByVendor, type VendorEntries } from '../../list/vendor-groups.js';
import type { Texts } from '../../texts.js';

/*
 * PURE. The filter of `/` as its page shows it: what was asked for, what can be asked for, and what was found.
 * `GET /?q=mail&country=US&category=managers.email-address&service=community&optional=optional&page=2`
 */

export interface FilterView {
  filter: ListFilter;
  choices: FilterChoice[];
  /** What is filtered by, each with the path of the list without it. */
  active: { label: string; value: string; without: string }[];
  /** Asked for, and nowhere in the list. */
  unknown: string[];
  /** Vendors, of all. */
  found: number;
  total: number;
  pages: { number: number; path: string; current: boolean }[];
}

/** A field of the form with a fixed set of values; `group` is the data subject kind of a data category. */
export interface FilterChoice {
  name: Choosable;
  label: string;
  options: { value: string; label: string; group: string | null; count: number }[];
}

type Choosable = keyof Facets;
const choosable: readonly Choosable[] = ['service', 'country', 'category', 'optional'];

/** So many vendors on one page of what was found: whatever is asked for, an answer is soon made. */
const vendorsOnPage = 100;
/** A field with more values than this is of no use; the catalogue leads to each of them. */
const mostOptions = 500;
const longestWords = 200;

const given = z
  .preprocess((value) => (Array.isArray(value) ? value[0] : value), z.string().optional())
  .catch(undefined);
const asked = z.object({ q: given, service: given, country: given, category: given, optional: given, page: given });
export type AskedFilter = z.infer<typeof asked>;

/** What an address asks for; null: for the whole list, whatever else it says. */
export function askedFilter(query: unknown): AskedFilter | null {
  // Most readers ask for nothing in particular.
  if (typeof query === 'object' && query !== null && Object.keys(query).length === 0) return null;
  const found = asked.parse(query);
  return Object.values({ ...found, page: undefined }).some((value) => value !== undefined) ? found : null;
}

/** What the form of the whole list offers. */
export function wholeFilter(document: ListDocument, texts: Texts): FilterView {
  const vendors = entriesByVendor(document);
  return {
    filter: noFilter,
    choices: choicesOf(document, facetsOf(document), texts),
    active: [],
    unknown: [],
    found: vendors.length,
    total: vendors.length,
    pages: [],
  };
}

/** What was asked for: the vendors of one page, and what stands around them. */
export function filteredList(
  document: ListDocument,
  wish: AskedFilter,
  texts: Texts,
): { vendors: VendorEntries[]; filter: FilterView } {
  const { choices, total } = wholeFilter(document, texts);
  const { filter, unknown } = readFilter(wish, facetsOf(document));
  const found = filterVendors(document, filter, texts);
  const pages = Math.max(1, Math.ceil(found.length / vendorsOnPage));
  const page = /^[1-9]\d{0,5}$/.test(wish.page ?? '') ? Math.min(Number(wish.page), pages) : 1;
  const labelled = new Map(choices.map((choice) => [choice.name, choice]));
  const names = namesOf(document);
  return {
    vendors: found.slice((page - 1) * vendorsOnPage, page * vendorsOnPage),
    filter: {
      filter,
      choices,
      active: [
        ...(filter.q === ''
          ? []
          : [{ label: texts.t('register.filter.words'), value: filter.q, without: pathOf({ ...filter, q: '' }) }]),
        ...choosable.flatMap((name) => {
          const value = filter[name];
          if (value === null) return [];
          const label = labelled.get(name)?.label ?? texts.t(`register.filter.${name}`);
          return [{ label, value: wordFor(name, value, names, texts), without: pathOf({ ...filter, [name]: null }) }];
        }),
      ],
      unknown,
      found: found.length,
      total,
      pages:
        pages === 1
          ? []
          : Array.from({ length: pages }, (_, index) => ({
              number: index + 1,
              path: pathOf(filter, index + 1),
              current: index + 1 === page,
            })),
    },
  };
}

/** The one path of a filtered list, whatever order its address came in. */
export function pathOf(filter: ListFilter, page = 1): string {
  const query = [filterQuery(filter), page > 1 ? `page=${page}` : ''].filter(Boolean).join('&');
  return query === '' ? '/' : `/?${query}`;
}

function readFilter(wish: AskedFilter, facets: Facets): { filter: ListFilter; unknown: string[] } {
  const filter: ListFilter = { ...noFilter, q: (wish.q ?? '').trim().slice(0, longestWords) };
  const unknown: string[] = [];
  for (const name of choosable) {
    const value = wish[name];
    if (value === undefined) continue;
    if (!facets[name].has(value)) unknown.push(value.slice(0, longestWords));
    else if (name !== 'optional') filter[name] = value;
    else filter.optional = value === 'optional' ? 'optional' : 'required';
  }
  return { filter, unknown };
}

const known = new WeakMap<ListDocument, Map<string, FilterChoice[]>>();

/** Made once a document and language: what can be asked for does not depend on what is. */
function choicesOf(document: ListDocument, facets: Facets, texts: Texts): FilterChoice[] {
  const languages = known.get(document) ?? new Map<string, FilterChoice[]>();
  known.set(document, languages);
  const made = languages.get(texts.locale);
  if (made !== undefined) return made;
  const names = namesOf(document);
  const { compare } = new Intl.Collator(texts.locale);
  const order: Readonly<Record<Choosable, readonly string[]>> = {
    service: (document.services ?? []).map(({ id }) => id),
    country: [...facets.country.keys()].sort((a, b) => compare(texts.country(a), texts.country(b))),
    category: document.dataSubjects.flatMap(({ id, dataCategories = [] }) =>
      dataCategories.map((category) => `${id}.${category.id}`),
    ),
    optional: ['required', 'optional'],
  };
  const choices = choosable.flatMap((name): FilterChoice[] => {
    const options = order[name].flatMap((value) => {
      const count = facets[name].get(value);
      if (count === undefined) return [];
      const group = name === 'category' ? names.dataSubject(value.split('.')[0] ?? '') : null;
      const label = name === 'category' ? names.dataCategory(...pairOf(value)) : wordFor(name, value, names, texts);
      return [{ value, label, group, count }];
    });
    return options.length === 0 || options.length > mostOptions
      ? []
      : [{ name, label: texts.t(`register.filter.${name}`), options }];
  });
  languages.set(texts.locale, choices);
  return choices;
}

function wordFor(name: Choosable, value: string, names: ReturnType<typeof namesOf>, texts: Texts): string {
  if (name === 'service') return names.service(value);
  if (name === 'country') return texts.country(value);
  if (name === 'optional') return texts.t(`list.${value}`);
  const [subject, category] = pairOf(value);
  return texts.t('list.inBrackets', { text: names.dataCategory(subject, category), note: names.dataSubject(subject) });
}

function pairOf(value: string): [string, string] {
  const [subject = '', category = ''] = value.split('.');
  return [subject, category];
}
