import type { Fault } from '../errors.js';
import type { ListInput } from './document.js';
import { quoted } from './faults.js';
import { byCodeUnit } from './plain.js';

/*
 * PURE. In which languages a list says anything, and whether that can be told to a reader.
 */

interface Translated {
  translations?: Readonly<Record<string, unknown>> | undefined;
}

/** Tags of the languages into which anything of the list is put, by code unit. */
export function languagesOf(document: ListInput): string[] {
  return [...new Set(translatedIn(document).flatMap(({ entry }) => tagsOf(entry)))].sort(byCodeUnit);
}

/** Whether two tags are of one language, whatever its variety: `pt-BR` and `pt`. */
export function isSameLanguage(a: string, b: string): boolean {
  return baseOf(a) === baseOf(b);
}

/**
 * Translations of a list that does not say in which language it is written, and those into that very language:
 * two texts would be the original.
 */
export function languageFaults(document: ListInput): Fault[] {
  const { language } = document;
  return translatedIn(document).flatMap(({ path, entry }, at): Fault[] => {
    const [first] = tagsOf(entry);
    if (language === undefined) {
      if (at > 0 || first === undefined) return [];
      const message = `The document has translations (${first}) and does not say in which language it is written: state "language", such as "en".`;
      return [{ path: 'language', message }];
    }
    if (!tagsOf(entry).includes(language)) return [];
    const message = `The document is written in ${quoted(language)} ("language"): change the text itself, or delete this translation.`;
    return [{ path: `${path}translations.${language}`, message }];
  });
}

/** The entries that have any translation, with their paths. */
function translatedIn(document: ListInput): { path: string; entry: Translated }[] {
  const all = (path: string, entries: readonly Translated[] | undefined = []) =>
    entries.map((entry, at) => ({ path: `${path}.${at}.`, entry }));
  return [
    { path: '', entry: document },
    ...all('services', document.services),
    ...all('statements', document.statements),
    ...all('dataSubjects', document.dataSubjects),
    ...document.dataSubjects.flatMap(({ dataCategories }, at) =>
      all(`dataSubjects.${at}.dataCategories`, dataCategories),
    ),
    ...all('subProcessors', document.subProcessors),
  ].filter(({ entry }) => tagsOf(entry).length > 0);
}

function tagsOf({ translations }: Translated): string[] {
  return Object.keys(translations ?? {});
}

function baseOf(tag: string): string {
  return tag.split('-')[0] ?? tag;
}
