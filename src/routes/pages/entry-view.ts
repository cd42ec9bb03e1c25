import type { SubProcessor } from '../../list/document.js';
import type { Original } from '../../list/localize.js';
import { type Names, valueTexts } from '../../list/values.js';
import type { Texts } from '../../texts.js';
import { type Html, html, joinHtml, listHtml, nameHtml, wordsHtml } from '../html.js';
import { categoryAnchor, entryAnchor } from './catalogue-view.js';

/*
 * PURE. One entry of the list as its page shows it: what is stated, in the order in which a reader asks,
 * and what is not.
 */

export interface EntryView {
  id: string;
  anchor: string;
  /** What tells it apart from the vendor's other entries; null for a vendor with a single one. */
  heading: string | null;
  badges: string[];
  facts: EntryFact[];
  /** Labels of what a controller would want to know and this entry leaves open. */
  unstated: string[];
}

export interface EntryFact {
  field: string;
  label: string;
  values: Html[];
  /** All values are short, so that they need no bullets to be told apart. */
  brief: boolean;
}

/** In the order in which a reader asks: what for, where, on which ground, how protected, who. */
const shownFields = [
  'name',
  'product',
  'purposes',
  'services',
  'condition',
  'regions',
  'dataLocations',
  'accessLocations',
  'transferMechanisms',
  'dataCategories',
  'securityMeasures',
  'duration',
  'parent',
  'children',
  'address',
  'country',
  'legalName',
  'corporateCountry',
  'contact',
  'website',
  'dpaUrl',
  'links',
  'group',
  'notes',
] as const;

/** GDPR Art. 28(2) and the EDPB's Opinion 22/2024: what the reader needs in order to judge. */
export const neededFields = [
  'purposes',
  'dataLocations',
  'transferMechanisms',
  'dataCategories',
  'securityMeasures',
] as const;

export interface EntryContext {
  texts: Texts;
  names: Names;
  /** The name of a field, asked of the catalogue once and not once an entry. */
  label(field: string): string;
  /** The entries that an entry engages, by its id. */
  children: ReadonlyMap<string | undefined, SubProcessor[]>;
  /** Ids of the data subject kinds in the document's order. */
  subjects: readonly string[];
  /** Anchors of the data categories that a controller may choose to allow or not. */
  optionalCategories: ReadonlySet<string>;
  /** Needed fields that no entry states. */
  open: ReadonlySet<string>;
  /** What of the list is in its original language; null: nothing. */
  original: Original | null;
  /** Where an anchor of the list is. */
  at(anchor: string): string;
  /** A data category as a link: made once, not once an entry. */
  dataLink(subject: string, id: string): Html;
}

/**
 * The view of one entry of a vendor.
 * @param vendor the vendor's first entry, under whose name and group all of them stand
 * @param shared facts that are shown with the vendor, since all its entries agree on them
 * @param several whether the vendor has other entries, so that this one needs a heading of its own
 */
export function entryView(
  entry: SubProcessor,
  vendor: SubProcessor,
  shared: ReadonlySet<string>,
  several: boolean,
  context: EntryContext,
): EntryView {
  return {
    id: entry.id,
    anchor: entryAnchor(entry.id),
    heading: several ? entryHeading(entry, context) : null,
    badges: shared.has('badges') ? [] : badgesOf(entry, context.texts),
    facts: factsOf(entry, vendor, shared, several, context),
    unstated: neededFields
      .filter((field) => entry[field] === undefined && !context.open.has(field))
      .map((field) => context.label(field)),
  };
}

/** Optional or required, and whether it is the processor's own affiliate. */
export function badgesOf(entry: SubProcessor, texts: Texts): string[] {
  return [
    ...(entry.optional === undefined ? [] : [texts.t(entry.optional ? 'list.optional' : 'list.required')]),
    ...(entry.relationship === 'affiliate' ? [texts.t('list.relationship.affiliate')] : []),
  ];
}

/** One vendor's entries differ by product, service, function or region: the first that is stated names it. */
function entryHeading(entry: SubProcessor, { texts, names }: EntryContext): string {
  const services = entry.services?.map((id) => names.service(id));
  const parts = [[entry.product], services, entry.purposes, entry.regions, entry.dataLocations];
  for (const part of parts) {
    const words = (part ?? []).filter((word) => word !== undefined);
    if (words.length > 0) return texts.list(words);
  }
  return entry.name;
}

function factsOf(
  entry: SubProcessor,
  vendor: SubProcessor,
  shared: ReadonlySet<string>,
  several: boolean,
  context: EntryContext,
): EntryFact[] {
  const facts: EntryFact[] = [];
  for (const field of shownFields) {
    // Most entries state a third of all fields, and there may be thousands.
    if (field !== 'children' && entry[field] === undefined) continue;
    facts.push(...factOf(entry, field, vendor, shared, several, context));
  }
  return facts;
}

function factOf(
  entry: SubProcessor,
  field: (typeof shownFields)[number],
  vendor: SubProcessor,
  shared: ReadonlySet<string>,
  several: boolean,
  context: EntryContext,
): EntryFact[] {
  const { texts, names } = context;
  const fact = (values: Html[] | null, label?: string) => {
    if (values === null || values.length === 0) return [];
    return [{ field, label: label ?? context.label(field), values, brief: isBrief(entry, field) }];
  };
  switch (field) {
    case 'name':
      // Another spelling or legal form of the same vendor.
      return entry.name === vendor.name ? [] : fact([nameHtml(entry.name)]);
    case 'address':
    case 'country':
      return shared.has(field) ? [] : fact(plain(entry, field, context));
    case 'product':
      // With several entries the product is the entry's heading already.
      return several ? [] : fact(plain(entry, field, context));
    case 'group':
      return entry.group === vendor.group ? [] : fact(plain(entry, field, context), texts.t('pages.list.group'));
    case 'dataCategories':
      return dataFacts(entry, context);
    case 'parent':
      return fact(
        entry.parent === undefined ? null : [entryLink(entry.parent, names.subProcessor(entry.parent), context)],
      );
    case 'children': {
      const engaged = context.children.get(entry.id) ?? [];
      return fact(
        engaged.map((child) => entryLink(child.id, child.name, context)),
        texts.t('pages.list.engages'),
      );
    }
    case 'website':
    case 'dpaUrl': {
      const address = entry[field];
      return fact(address === undefined ? null : [outwardLink(address, address)]);
    }
    case 'links':
      return fact(entry.links?.map(({ label, url }) => outwardLink(url, label, context.original)) ?? null);
    case 'contact':
      return fact(entry.contact === undefined ? null : [contactHtml(entry.contact)]);
    default:
      return fact(plain(entry, field, context));
  }
}

function isBrief(entry: SubProcessor, field: (typeof shownFields)[number]): boolean {
  const value = field === 'children' ? undefined : entry[field];
  return !Array.isArray(value) || value.every((member) => typeof member !== 'string' || member.length <= 60);
}

type PlainField = Exclude<(typeof shownFields)[number], 'children' | 'dataCategories' | 'links'>;

function plain(entry: SubProcessor, field: PlainField, { texts, names, original }: EntryContext): Html[] | null {
  const values = valueTexts(field, entry[field], names, texts);
  return values === null ? null : values.map((value) => wordsHtml(value, original, linesHtml(value)));
}

/** One fact a data subject kind; its categories in one sentence, each linked to the catalogue. */
function dataFacts(entry: SubProcessor, context: EntryContext): EntryFact[] {
  const { texts, subjects } = context;
  // In the catalogue's order: the keys of a JSON object keep none in the database.
  const kinds = subjects.filter((subject) => entry.dataCategories?.[subject] !== undefined);
  return kinds.map((subject) => {
    const ids = entry.dataCategories?.[subject] ?? [];
    const links = ids.map((id) => context.dataLink(subject, id));
    return {
      field: 'dataCategories',
      label: context.label(`dataCategories.${subject}`),
      values: [links.length === 0 ? html`${texts.t('list.none')}` : listHtml(links, texts)],
      brief: false,
    };
  });
}

/** A data category as a link to its place in the catalogue. */
export function dataLink(
  subject: string,
  id: string,
  { texts, names, at, original, optionalCategories }: Omit<EntryContext, 'dataLink'>,
): Html {
  const anchor = categoryAnchor(subject, id);
  const star = optionalCategories.has(anchor) ? optionalStar(texts) : null;
  const special = names.isSpecial(subject, id) ? html` (${texts.t('list.specialCategory')})` : null;
  return html`<a href="${at(anchor)}">${nameHtml(names.dataCategory(subject, id), original)}</a>${star}${special}`;
}

/** The star of the legend, and the word for who does not see it. */
function optionalStar(texts: Texts): Html {
  return html`<span class="star" aria-hidden="true">*</span><span class="visually-hidden"> (${texts.t('list.optional')})</span>`;
}

function entryLink(id: string, name: string, { at }: EntryContext): Html {
  return html`<a href="${at(entryAnchor(id))}">${nameHtml(name)}</a>`;
}

/** Addresses are http(s) by the document's schema. */
function outwardLink(url: string, label: string, original: Original | null = null): Html {
  return html`<a href="${url}" rel="noopener">${nameHtml(label, original)}</a>`;
}

function contactHtml(contact: string): Html {
  if (/^[^\s@<>?&"']+@[^\s@<>?&"']+$/.test(contact)) return html`<a href="mailto:${contact}">${contact}</a>`;
  return /^https?:\/\/\S+$/i.test(contact) ? outwardLink(contact, contact) : nameHtml(contact);
}

function linesHtml(text: string): Html {
  if (!text.includes('\n')) return html`${text}`;
  return joinHtml(
    text.split('\n').map((line) => html`${line}`),
    html`<br>`,
  );
}
