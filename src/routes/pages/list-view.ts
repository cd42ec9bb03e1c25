import type { ListDocument, SubProcessor } from '../../list/document.js';
import { labelOf, namesOf } from '../../list/values.js';
import { vendorKey } from '../../list/vendors.js';
import type { Texts } from '../../texts.js';
import type { Html } from '../html.js';
import { markdownHtml } from '../markdown.js';
import { catalogueView, categoryAnchor, entryAnchor, type SubjectView } from './catalogue-view.js';
import { badgesOf, type EntryContext, type EntryView, entryView, neededFields } from './entry-view.js';

/*
 * PURE. A list document as its page shows it: grouped, with one vendor once, in words of one
 * language. Markup is in the templates, apart from links and names inside a value.
 */

export interface ListView {
  introduction: Html | null;
  dpaUrl: string | null;
  services: string[];
  statements: { anchor: string; text: string }[];
  groups: GroupView[];
  subjects: SubjectView[];
  vendors: number;
  /** Whether any vendor is marked as optional, so that the legend is of use. */
  hasOptional: boolean;
  hasOptionalCategories: boolean;
  /** Columns that no entry states: said once, not at each vendor. */
  unstatedEverywhere: string[];
}

export interface GroupView {
  heading: string | null;
  anchor: string;
  vendors: VendorView[];
}

export interface VendorView {
  name: string;
  anchor: string;
  /** Where it sits, when all its entries agree on that. */
  country: string | null;
  address: string | null;
  /** The address ends with the country's name, so that it need not be said twice. */
  countryInAddress: boolean;
  badges: string[];
  entries: EntryView[];
}

/** The page's view of a document. Throws nothing: a stored document is whole. */
export function listView(document: ListDocument, texts: Texts): ListView {
  const names = namesOf(document);
  const children = gather(document.subProcessors, ({ parent }) => parent);
  const open = neededFields.filter((field) => document.subProcessors.every((entry) => entry[field] === undefined));
  const context: EntryContext = {
    texts,
    names,
    label: keeping((field) => labelOf(field, names, texts)),
    children,
    subjects: document.dataSubjects.map(({ id }) => id),
    optionalCategories: optionalCategoriesOf(document),
    open: new Set<string>(open),
  };

  const vendors = vendorsOf(document.subProcessors);
  const groups = gather(vendors, ([first]) => first?.group);
  return {
    introduction: document.introduction === undefined ? null : markdownHtml(document.introduction),
    dpaUrl: document.dpaUrl ?? null,
    services: (document.services ?? []).map(({ name }) => name),
    statements: (document.statements ?? []).map(({ id, text }) => ({ anchor: `statement-${id}`, text })),
    groups: [...groups].map(([heading, members], index) => ({
      heading: heading ?? (groups.size > 1 ? texts.t('pages.list.otherGroup') : null),
      anchor: `group-${index + 1}`,
      vendors: members.map((entries) => vendorView(entries, context)),
    })),
    subjects: catalogueView(document),
    vendors: vendors.length,
    hasOptional: document.subProcessors.some(({ optional }) => optional === true),
    hasOptionalCategories: context.optionalCategories.size > 0,
    unstatedEverywhere: document.subProcessors.length === 0 ? [] : open.map((field) => context.label(field)),
  };
}

/** Entries of one vendor beside each other, at the place of the first. */
function vendorsOf(entries: readonly SubProcessor[]): SubProcessor[][] {
  return [...gather(entries, ({ name }) => vendorKey(name)).values()];
}

function gather<Key, Value>(values: readonly Value[], keyOf: (value: Value) => Key): Map<Key, Value[]> {
  const gathered = new Map<Key, Value[]>();
  for (const value of values) {
    const key = keyOf(value);
    const others = gathered.get(key);
    if (others === undefined) gathered.set(key, [value]);
    else others.push(value);
  }
  return gathered;
}

function keeping(find: (key: string) => string): (key: string) => string {
  const known = new Map<string, string>();
  return (key) => {
    const found = known.get(key) ?? find(key);
    known.set(key, found);
    return found;
  };
}

function optionalCategoriesOf(document: ListDocument): Set<string> {
  return new Set(
    document.dataSubjects.flatMap(({ id, dataCategories = [] }) =>
      dataCategories.filter(({ optional }) => optional === true).map((category) => categoryAnchor(id, category.id)),
    ),
  );
}

function vendorView(entries: readonly SubProcessor[], context: EntryContext): VendorView {
  const [first] = entries;
  if (first === undefined) throw new Error('a vendor without an entry');
  const { texts } = context;
  const same = (field: 'address' | 'country' | 'optional' | 'relationship') =>
    entries.every((entry) => entry[field] === first[field]);
  const shared = new Set<string>((['address', 'country'] as const).filter(same));
  if (same('optional') && same('relationship')) shared.add('badges');
  return {
    name: first.name,
    anchor: entries.length === 1 ? entryAnchor(first.id) : `vendor-${first.id}`,
    address: shared.has('address') ? (first.address ?? null) : null,
    country: shared.has('country') && first.country !== undefined ? texts.country(first.country) : null,
    countryInAddress: shared.has('address') && isInAddress(first, texts),
    badges: shared.has('badges') ? badgesOf(first, texts) : [],
    entries: entries.map((entry) => entryView(entry, first, shared, entries.length > 1, context)),
  };
}

function isInAddress({ address, country }: SubProcessor, texts: Texts): boolean {
  return country !== undefined && (address ?? '').trim().endsWith(texts.country(country));
}
