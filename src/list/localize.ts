import { directionOf } from '../texts.js';
import { type ListDocument, type SubProcessor, storedDocument, translatedFields } from './document.js';
import { type EntryKind, type LooseEntry, refText } from './entry-ref.js';
import { isSameLanguage, languagesOf } from './languages.js';

/*
 * PURE. A list in the words of one language: each field by itself, and in the original where nobody has put
 * it into that language yet.
 */

export interface Localized {
  document: ListDocument;
  /** What a reader gets in the original language, in the order of the document. */
  fellBack: readonly { ref: string; field: string }[];
  /** Null: nothing fell back. */
  original: Original | null;
}

/** The original language, and which texts of a page, mail or feed are in it. */
export interface Original {
  /** BCP 47: the value of `lang`. */
  language: string;
  dir: 'ltr' | 'rtl';
  /** Letter for letter, one for each member of a set. */
  texts: ReadonlySet<string>;
}

export type WordsOf = keyof typeof translatedFields;

const names: ReadonlySet<string> = new Set(['sub-processor.address', 'sub-processor.product']);

const written = new WeakMap<SubProcessor, SubProcessor>();
const kept = new WeakMap<ListDocument, Map<string, Localized>>();

/**
 * The list for a reader of a language. Without a translation in it, or in another variety of it, the original
 * stays, and is named in `fellBack`; a list that does not say its language stays as it is, and nothing is known
 * to have fallen back. Done once for a document and language, as long as the document lives.
 * @param locale BCP 47 tag of the reader's language
 */
export function localize(document: ListDocument, locale: string): Localized {
  const known = kept.get(document) ?? new Map<string, Localized>();
  kept.set(document, known);
  const found = known.get(locale) ?? localized(document, locale);
  known.set(locale, found);
  return found;
}

function localized(document: ListDocument, locale: string): Localized {
  const { language } = document;
  const tag = language === undefined ? null : tagFor(document, language, locale);
  if (language === undefined || tag === language) return { document, fellBack: [], original: null };
  const fellBack: { ref: string; field: string }[] = [];
  const texts = new Set<string>();
  const put = <Entry extends LooseEntry>(kind: WordsOf, entry: Entry, ref: string): LooseEntry => {
    const words = tag === null ? {} : wordsIn(entry, tag);
    const own: Record<string, unknown> = {};
    for (const field of translatedFields[kind]) {
      const value = entry[field];
      const said = inWords(value, words[field]);
      if (said !== null) own[field] = said;
      else if (!mayStay(kind, field) && hasWords(value)) {
        fellBack.push({ ref, field });
        for (const text of textsOf(value)) texts.add(text);
      }
    }
    return Object.keys(own).length === 0 ? entry : { ...entry, ...own };
  };
  const each = <Entry extends LooseEntry & { id: string }>(
    kind: EntryKind,
    entries: readonly Entry[] | undefined,
    dataSubject: string | null = null,
  ) => entries?.map((entry) => put(kind, entry, refText({ kind, id: entry.id, dataSubject })));

  const { services, statements, dataSubjects, subProcessors, ...head } = document;
  const result = storedDocument.parse({
    ...put('list', head, 'list'),
    ...(services === undefined ? {} : { services: each('service', services) }),
    ...(statements === undefined ? {} : { statements: each('statement', statements) }),
    dataSubjects: dataSubjects.map(({ dataCategories, ...subject }) => ({
      ...put('data-subject', subject, refText({ kind: 'data-subject', id: subject.id, dataSubject: null })),
      ...(dataCategories === undefined ? {} : { dataCategories: each('data-category', dataCategories, subject.id) }),
    })),
    subProcessors: each('sub-processor', subProcessors),
  });
  for (const [at, entry] of result.subProcessors.entries()) {
    const own = subProcessors[at];
    if (own !== undefined) written.set(entry, own);
  }
  const original = fellBack.length === 0 ? null : { language, dir: directionOf(language), texts };
  return { document: result, fellBack, original };
}

/** An entry of a localized list as it was written: for what is read out of its words, such as a country. */
export function asWritten(entry: SubProcessor): SubProcessor {
  return written.get(entry) ?? entry;
}

/** Several lists as one page tells them: what is original in any of them. */
export function joinOriginals(originals: readonly (Original | null)[]): Original | null {
  const found = originals.filter((one) => one !== null);
  const last = found.at(-1);
  if (last === undefined) return null;
  // Of two original languages (it was stated wrongly before) the later one holds.
  return { ...last, texts: new Set(found.flatMap(({ texts }) => [...texts])) };
}

/**
 * The tag under which a reader finds the list: the very one, else the original if that is the same language,
 * else another variety of it. Null: nothing is in that language.
 */
function tagFor(document: ListDocument, language: string, locale: string): string | null {
  const tags = [language, ...languagesOf(document)];
  return tags.find((tag) => tag === locale) ?? tags.find((tag) => isSameLanguage(tag, locale)) ?? null;
}

/** What an entry says in the language of a tag, by its fields. */
export function wordsIn({ translations }: LooseEntry, tag: string): LooseEntry {
  const all = isEntry(translations) && Object.hasOwn(translations, tag) ? translations[tag] : {};
  return isEntry(all) ? all : {};
}

function isEntry(value: unknown): value is LooseEntry {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * A value of the original in other words. Null where there are none, or not for each member of a set: words of
 * other members would say something else.
 */
export function inWords(value: unknown, words: unknown): unknown {
  if (typeof value === 'string') {
    return value.trim() !== '' && typeof words === 'string' && words.trim() !== '' ? words : null;
  }
  if (!Array.isArray(value) || !Array.isArray(words) || value.length === 0 || value.length !== words.length)
    return null;
  return value.map((member: unknown, at) => (isEntry(member) ? { ...member, label: words[at] } : words[at]));
}

/** The texts of a value, one for each member of a set; of links their labels. */
export function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (!Array.isArray(value)) return [];
  return value.flatMap((member: unknown) => textsOf(isEntry(member) ? member.label : member));
}

/** Names that most languages leave as they are: without a translation they are no gap. */
export function mayStay(kind: WordsOf, field: string): boolean {
  return names.has(`${kind}.${field}`);
}

/** Figures, dashes and codes of countries say the same in every language. */
export function hasWords(value: unknown): boolean {
  return textsOf(value).some((text) => /\p{L}/u.test(text) && !/^[A-Z]{2}$/.test(text));
}
