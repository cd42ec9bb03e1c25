import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { type ListDocument, translatedFields } from '../../list/document.js';
import type { EditStep } from '../../list/edit.js';
import { type EntryRef, type LooseEntry, refText } from '../../list/entry-ref.js';
import { isSameLanguage, languagesOf } from '../../list/languages.js';
import { textsOf, wordsIn } from '../../list/localize.js';
import type { TextSource, Texts } from '../../texts.js';
import { formFields } from './entry-form.js';

/*
 * PURE. What an entry says in another language, as a form: each text of the original with the field for its
 * translation, and the form as the step of an edit.
 */

/** The page on which an entry is put into other languages. */
export function translationsPath(ref: EntryRef, language?: string): string {
  const path = `/admin/draft/translations/${refText(ref)}`;
  return language === undefined ? path : `${path}?to=${encodeURIComponent(language)}`;
}

export interface TranslationField {
  name: string;
  label: string;
  /** One for each member of a set: what the original says, and what the language does. */
  texts: { original: string; translation: string; long: boolean }[];
}

/** The texts of an entry that can be put into a language, in the order in which they are told. */
export function translationFields(
  kind: EntryRef['kind'],
  entry: LooseEntry,
  words: LooseEntry,
  texts: Texts,
): TranslationField[] {
  const translated: readonly string[] = translatedFields[kind];
  return formFields(kind)
    .filter(({ name }) => translated.includes(name) && textsOf(entry[name]).some((text) => text.trim() !== ''))
    .map(({ name, label }) => {
      const said = textsOf(words[name]);
      return {
        name,
        label: texts.t(label),
        texts: textsOf(entry[name]).map((original, at) => ({
          original,
          translation: said[at] ?? '',
          long: original.length > 70 || original.includes('\n'),
        })),
      };
    });
}

export interface LanguageChoice {
  language: string;
  name: string;
  path: string;
  /** Something of the entry is in it. */
  begun: boolean;
  current: boolean;
}

/** The languages that readers can have and those that the list has, but for its own. */
export function languageChoices(
  { ref, entry, document, current }: { ref: EntryRef; entry: LooseEntry; document: ListDocument; current: string },
  { texts, source }: { texts: Texts; source: TextSource },
): LanguageChoice[] {
  const { language: own = '' } = document;
  const begun = languagesOf(document);
  const offered = source.locales.filter((locale) => !isSameLanguage(locale, own) && !begun.includes(locale));
  return [...begun, ...offered].map((language) => ({
    language,
    name: texts.language(language),
    path: translationsPath(ref, language),
    begun: Object.keys(wordsIn(entry, language)).length > 0,
    current: language === current,
  }));
}

const posted = z.record(z.string(), z.unknown()).catch({});
const several = z
  .union([z.string().transform((single) => [single]), z.array(z.string())])
  .catch([])
  .transform((all) => all.map((text) => text.replace(/\r\n?/g, '\n').trim()));

/** The words that a form holds: a field that is left empty is not put into the language. */
export function readWords(kind: EntryRef['kind'], entry: LooseEntry, body: unknown): Record<string, string | string[]> {
  const fields = posted.parse(body);
  return Object.fromEntries(
    translatedFields[kind].flatMap((name): [string, string | string[]][] => {
      const members = several.parse(fields[name]);
      if (members.every((text) => text === '')) return [];
      return [[name, Array.isArray(entry[name]) ? members : members.join('\n')]];
    }),
  );
}

/** What somebody changed in the words of one language; none: nothing. The others stay as they are. */
export function wordsStep(
  ref: EntryRef,
  entry: LooseEntry,
  language: string,
  words: Record<string, string | string[]>,
): EditStep[] {
  const { [language]: was = {}, ...others } = z.record(z.string(), z.json()).catch({}).parse(entry.translations);
  if (isDeepStrictEqual(was, words)) return [];
  const after = Object.keys(words).length === 0 ? others : { ...others, [language]: words };
  return [
    {
      step: 'set',
      ref: refText(ref),
      field: 'translations',
      before: z.json().parse(entry.translations ?? null),
      after: Object.keys(after).length === 0 ? null : after,
    },
  ];
}
