import type { ListDocument, SubProcessor } from '../../list/document.js';
import type { Localized, Original } from '../../list/localize.js';
import { labelOf, namesOf } from '../../list/values.js';
import { entriesByVendor, type VendorEntries } from '../../list/vendor-groups.js';
import type { Texts } from '../../texts.js';
import { type Html, html, marksOf } from '../html.js';
import { markdownHtml } from '../markdown.js';
import { catalogueView, categoryAnchor, entryAnchor, type SubjectView, statementAnchor } from './catalogue-view.js';
import { badgesOf, dataLink, type EntryContext, type EntryView, entryView, neededFields } from './entry-view.js';

/*
 * PURE. A list document as its page shows it: grouped, with one vendor once, in words of one
 * language. Markup is in the templates, apart from links and names inside a value.
 */

export interface ListView {
  /** Where an anchor of the list is: on this page, or on that of the whole list. */
  at(anchor: string): string;
  /** The lasting address of an anchor, for copying. */
  permalink(anchor: string): string;
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
  /** As the entries name it; null: they name none. */
  name: string | null;
  anchor: string;
  vendors: VendorView[];
}

export interface VendorView {
  name: string;
  anchor: string;
  /** Where it sits, when all its entries agree on that. */
  country: string | null;
  countryCode: string | null;
  address: string | null;
  /** The address ends with the country's name, so that it need not be said twice. */
  countryInAddress: boolean;
  badges: string[];
  entries: EntryView[];
}

/** A part of the list. */
export interface ListPart {
  /** Vendors of the document, with those of their entries that are shown. */
  vendors: readonly VendorEntries[];
  /** The data categories that are shown, by their anchors. */
  categories: ReadonlySet<string>;
  /** The address of the whole list: links to what is not shown lead there. */
  whole: string;
}

/**
 * The page's view of a document, or of a part of it: vendors and data categories alone, as what stands around them
 * belongs to the whole. Throws nothing: a stored document is whole.
 * @param list a document in the words of the language (`localize`)
 */
export function listView(
  { document, original }: Pick<Localized, 'document' | 'original'>,
  texts: Texts,
  part?: ListPart,
): ListView {
  const names = namesOf(document);
  const children = gather(document.subProcessors, ({ parent }) => parent);
  const open = neededFields.filter((field) => document.subProcessors.every((entry) => entry[field] === undefined));
  const facts = {
    texts,
    names,
    label: keeping((field) => labelOf(field, names, texts)),
    children,
    subjects: document.dataSubjects.map(({ id }) => id),
    optionalCategories: optionalCategoriesOf(document),
    open: new Set<string>(open),
    at: atOf(part),
    original,
  };
  const links = new Map<string, Html>();
  const context: EntryContext = {
    ...facts,
    dataLink(subject, id) {
      const key = categoryAnchor(subject, id);
      const link = links.get(key) ?? dataLink(subject, id, facts);
      links.set(key, link);
      return link;
    },
  };

  const vendors = part?.vendors ?? entriesByVendor(document);
  const groups = gather(vendors, ([first]) => first?.group);
  const around: Partial<ListDocument> = part === undefined ? document : {};
  return {
    at: context.at,
    permalink: (anchor) => `${part?.whole ?? ''}#${anchor}`,
    introduction: around.introduction === undefined ? null : introductionHtml(around.introduction, original),
    dpaUrl: around.dpaUrl ?? null,
    services: (around.services ?? []).map(({ name }) => name),
    statements: (around.statements ?? []).map(({ id, text }) => ({ anchor: statementAnchor(id), text })),
    groups: [...groups].map(([heading, members], index) => ({
      heading: heading ?? (groups.size > 1 ? texts.t('pages.list.otherGroup') : null),
      name: heading ?? null,
      anchor: `group-${index + 1}`,
      vendors: members.map((entries) => vendorView(entries, context)),
    })),
    subjects: catalogueView(document, part?.categories),
    vendors: vendors.length,
    hasOptional: document.subProcessors.some(({ optional }) => optional === true),
    hasOptionalCategories: context.optionalCategories.size > 0,
    unstatedEverywhere: document.subProcessors.length === 0 ? [] : open.map((field) => context.label(field)),
  };
}

function introductionHtml(text: string, original: Original | null): Html {
  const markup = markdownHtml(text);
  return original?.texts.has(text) ? html`<div ${marksOf(original)}>${markup}</div>` : markup;
}

function atOf(part: ListPart | undefined): (anchor: string) => string {
  if (part === undefined) return (anchor) => `#${anchor}`;
  const shown = new Set([...part.vendors.flat().map(({ id }) => entryAnchor(id)), ...part.categories]);
  return (anchor) => `${shown.has(anchor) ? '' : part.whole}#${anchor}`;
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

function vendorView(entries: VendorEntries, context: EntryContext): VendorView {
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
    countryCode: first.country ?? null,
    countryInAddress: shared.has('address') && isInAddress(first, texts),
    badges: shared.has('badges') ? badgesOf(first, texts) : [],
    entries: entries.map((entry) => entryView(entry, first, shared, entries.length > 1, context)),
  };
}

function isInAddress({ address, country }: SubProcessor, texts: Texts): boolean {
  return country !== undefined && (address ?? '').trim().endsWith(texts.country(country));
}
