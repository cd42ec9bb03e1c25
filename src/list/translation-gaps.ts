import { isDeepStrictEqual } from 'node:util';
import { type ListDocument, translatedFields } from './document.js';
import { type EntryRef, findEntry, type LooseEntry, nameOfEntry } from './entry-ref.js';
import { languagesOf } from './languages.js';
import { hasWords, inWords, mayStay, textsOf, type WordsOf, wordsIn } from './localize.js';
import { plainText } from './plain.js';

/*
 * PURE. What the translations of a list leave open: advice for those who write it. A reader gets the original
 * where a translation is missing, and reads what is no longer so where one is stale.
 */

export interface TranslationGap {
  /** BCP 47 tag of the language. */
  language: string;
  /** `stale`: the original was changed and the translation was not; `missing`: others are there, this one is not. */
  gap: 'stale' | 'missing';
  fields: string[];
}

/** An entry with what its translations leave open, the stale ones first. */
export interface EntryGaps {
  ref: EntryRef;
  name: string;
  gaps: TranslationGap[];
}

/**
 * The entries whose translations leave something open, in the order of the document: the list itself, services,
 * statements, catalogues, sub-processors. None for a list without translations.
 * @param before the list with which a translation is compared, such as the latest version; null: nothing is stale
 */
export function translationGaps(document: ListDocument, before: ListDocument | null): EntryGaps[] {
  const languages = languagesOf(document);
  if (languages.length === 0) return [];
  return entriesOf(document).flatMap(({ ref, entry }) => {
    const was = before === null ? null : findEntry(before, ref);
    const gaps = languages.flatMap((language) => gapsIn(ref.kind, entry, was, language));
    if (gaps.length === 0) return [];
    return [{ ref, name: nameOfEntry(entry, ref), gaps: gaps.sort((a, b) => rank(a) - rank(b)) }];
  });
}

/** How many entries a list has in which something can be translated, itself among them. */
export function countEntries(document: ListDocument): number {
  return entriesOf(document).length;
}

function rank({ gap }: TranslationGap): number {
  return gap === 'stale' ? 0 : 1;
}

function gapsIn(kind: WordsOf, entry: LooseEntry, was: LooseEntry | null, language: string): TranslationGap[] {
  const words = wordsIn(entry, language);
  const wordsBefore = was === null ? {} : wordsIn(was, language);
  const stated = translatedFields[kind].filter((field) => hasWords(entry[field]));
  const missing = stated.filter((field) => !mayStay(kind, field) && inWords(entry[field], words[field]) === null);
  const stale = stated.filter(
    (field) =>
      was !== null &&
      words[field] !== undefined &&
      isDeepStrictEqual(words[field], wordsBefore[field]) &&
      !isDeepStrictEqual(plainTexts(entry[field]), plainTexts(was[field])) &&
      !missing.includes(field),
  );
  return [
    ...(stale.length === 0 ? [] : [{ language, gap: 'stale' as const, fields: stale }]),
    ...(missing.length === 0 ? [] : [{ language, gap: 'missing' as const, fields: missing }]),
  ];
}

function plainTexts(value: unknown): string[] {
  return textsOf(value).map(plainText);
}

function entriesOf(document: ListDocument): { ref: EntryRef; entry: LooseEntry }[] {
  const list: EntryRef = { kind: 'list', id: '', dataSubject: null };
  const all = (
    kind: Exclude<EntryRef['kind'], 'list'>,
    entries: readonly (LooseEntry & { id: string })[] | undefined,
    dataSubject: string | null = null,
  ) => (entries ?? []).map((entry) => ({ ref: { kind, id: entry.id, dataSubject }, entry }));
  return [
    { ref: list, entry: findEntry(document, list) ?? {} },
    ...all('service', document.services),
    ...all('statement', document.statements),
    ...document.dataSubjects.flatMap((subject) => [
      ...all('data-subject', [subject]),
      ...all('data-category', subject.dataCategories, subject.id),
    ]),
    ...all('sub-processor', document.subProcessors),
  ];
}
