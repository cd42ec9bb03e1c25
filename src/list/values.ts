import type { z } from 'zod';
import type { Texts } from '../texts.js';
import type { Change } from './change.js';
import type { ListDocument } from './document.js';
import { localChanges } from './local-changes.js';
import { joinOriginals, localize, type Original } from './localize.js';
import { translationField } from './translation-diff.js';

/*
 * PURE. Values of fields, and the fields themselves, in the words of one language. Names stay
 * letter for letter; ids, codes and flags become words.
 */

/** Names of the ids that changes refer to. An unknown id is its own name. */
export interface Names {
  subProcessor(id: string): string;
  service(id: string): string;
  dataSubject(id: string): string;
  dataCategory(dataSubject: string, id: string): string;
  /** GDPR Art. 9 and 10. */
  isSpecial(dataSubject: string, id: string): boolean;
  /** The same in the words that the lists have for a language, as far as they have them. */
  in(locale: string): LocalNames;
}

export interface LocalNames {
  names: Names;
  /** A change that lies between the first and the last of the lists. */
  change(change: Change): Change;
  /** What of all that stays in the original language; null: nothing. */
  original: Original | null;
}

/** Names from documents; where two differ (a rename), those of the later one hold. */
export function namesOf(...documents: readonly (ListDocument | null)[]): Names {
  const subProcessors = new Map<string, string>();
  const services = new Map<string, string>();
  const dataSubjects = new Map<string, string>();
  const dataCategories = new Map<string, { name: string; special: boolean }>();
  for (const document of documents) {
    for (const entry of document?.subProcessors ?? []) subProcessors.set(entry.id, entry.name);
    for (const service of document?.services ?? []) services.set(service.id, service.name);
    for (const subject of document?.dataSubjects ?? []) {
      dataSubjects.set(subject.id, subject.name);
      for (const { id, name, specialCategory } of subject.dataCategories ?? []) {
        dataCategories.set(`${subject.id}/${id}`, { name, special: specialCategory ?? false });
      }
    }
  }
  return {
    subProcessor: (id) => subProcessors.get(id) ?? id,
    service: (id) => services.get(id) ?? id,
    dataSubject: (id) => dataSubjects.get(id) ?? id,
    dataCategory: (subject, id) => dataCategories.get(`${subject}/${id}`)?.name ?? id,
    isSpecial: (subject, id) => dataCategories.get(`${subject}/${id}`)?.special ?? false,
    in: (locale) => namesIn(documents, locale),
  };
}

function namesIn(documents: readonly (ListDocument | null)[], locale: string): LocalNames {
  const found = documents.map((document) => (document === null ? null : localize(document, locale)));
  const side = (at: number) => ({ own: documents.at(at) ?? null, local: found.at(at)?.document ?? null });
  return {
    names: namesOf(...found.map((one) => one?.document ?? null)),
    change: localChanges(side(0), side(-1)),
    original: joinOriginals(found.map((one) => one?.original ?? null)),
  };
}

type Json = z.core.util.JSONType;

/**
 * The value of a field as words, one string a member.
 * @param field such as `country`, `purposes`, `dataCategories.advocates`
 * @returns null: not stated. An empty set is "none", which is a statement.
 */
export function valueTexts(field: string, value: Json | undefined, names: Names, texts: Texts): string[] | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'boolean') return [flagText(field, value, texts)];
  if (Array.isArray(value)) {
    if (value.length === 0) return [texts.t('list.none')];
    return value.flatMap((member) => memberText(field, member, names, texts));
  }
  return memberText(field, value, names, texts);
}

/** Members of a set-valued field as words: ids of data categories and services become names. */
export function partTexts(field: string, members: readonly string[], names: Names, texts: Texts): string[] {
  return members.flatMap((member) => memberText(field, member, names, texts));
}

/** One column of all entries that appeared or vanished, such as `subProcessors.*.transferMechanisms`. */
export function isColumn(field: string): boolean {
  return field.includes('.*.');
}

/**
 * The values of a column that came or went, one line an entry: "Twilio Inc.: SCC". The diff keeps
 * them by path of ids.
 */
export function columnTexts(field: string, value: Json | undefined, names: Names, texts: Texts): string[] | null {
  if (!isTree(value)) return null;
  const name = field.slice(field.lastIndexOf('.*.') + 3);
  const line = (entry: string, of: Json | undefined) => {
    const values = valueTexts(name, of, names, texts) ?? [];
    return texts.t('list.ofEntry', { name: entry, value: values.join(texts.t('mail.separatorOfLong')) });
  };
  return Object.entries(value).flatMap(([id, inner]) => {
    if (field.startsWith('subProcessors.')) return line(names.subProcessor(id), inner);
    if (!field.startsWith('dataSubjects.*.dataCategories.')) return line(names.dataSubject(id), inner);
    const entries = isTree(inner) ? Object.entries(inner) : [];
    return entries.map(([category, of]) => {
      const note = names.dataSubject(id);
      return line(texts.t('list.inBrackets', { text: names.dataCategory(id, category), note }), of);
    });
  });
}

function isTree(value: Json | undefined): value is { [id: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The name of a field for people. */
export function labelOf(field: string, names: Names, texts: Texts, dataSubject: string | null = null): string {
  const column = /^(?<of>subProcessors|dataSubjects)\.\*\.(?<inner>dataCategories\.\*\.)?(?<name>.+)$/.exec(
    field,
  )?.groups;
  if (column) {
    const label = labelOf(column.name ?? '', names, texts, dataSubject);
    if (column.inner) return texts.t('list.field.columnOfDataCategories', { label });
    return texts.t(`list.field.columnOf${column.of === 'dataSubjects' ? 'DataSubjects' : 'SubProcessors'}`, { label });
  }
  const subject = dataSubjectOf(field);
  if (subject !== null) return texts.t('list.field.dataCategoriesOf', { name: names.dataSubject(subject) });
  const translation = translationField(field.replace(/^(?:service|statement)s\.[^.]+\.(?=translations\.)/, ''));
  if (translation !== null) {
    const label = labelOf(translation.field, names, texts, dataSubject);
    return texts.t('list.field.translation', { label, language: texts.language(translation.tag) });
  }
  const [head = '', ...rest] = field.split('.');
  if (head === 'statements' && rest.length > 0) return texts.t('list.field.statement');
  if (head === 'services' && rest.length > 0) return texts.t('list.field.service');
  return texts.has(`list.field.${field}`) ? texts.t(`list.field.${field}`) : texts.t('list.field.unknown', { field });
}

function dataSubjectOf(field: string): string | null {
  // Asked once a value, of which a list has tens of thousands.
  if (!field.startsWith('dataCategories.')) return null;
  return /^dataCategories\.(?<id>[^.*]+)$/.exec(field)?.groups?.id ?? null;
}

function flagText(field: string, value: boolean, texts: Texts): string {
  if (field === 'optional') return texts.t(value ? 'list.optional' : 'list.required');
  return texts.t(value ? 'list.yes' : 'list.no');
}

function memberText(field: string, value: Json, names: Names, texts: Texts): string[] {
  if (typeof value === 'string') return [stringText(field, value, names, texts)];
  if (typeof value === 'number') return [texts.number(value)];
  if (typeof value === 'boolean') return [flagText(field, value, texts)];
  if (value === null || Array.isArray(value)) return [JSON.stringify(value)];
  const { label, url, name, text } = value;
  if (typeof label === 'string' && typeof url === 'string') return [texts.t('list.linkTo', { label, url })];
  if (typeof name === 'string') return [name];
  if (typeof text === 'string') return [text];
  return [JSON.stringify(value)];
}

function stringText(field: string, value: string, names: Names, texts: Texts): string {
  const subject = dataSubjectOf(field);
  if (subject !== null) {
    const text = names.dataCategory(subject, value);
    if (!names.isSpecial(subject, value)) return text;
    return texts.t('list.inBrackets', { text, note: texts.t('list.specialCategory') });
  }
  switch (field) {
    case 'country':
    case 'corporateCountry':
    case 'accessLocations':
      return texts.country(value);
    case 'parent':
      return names.subProcessor(value);
    case 'services':
      return names.service(value);
    case 'language':
      return texts.language(value);
    case 'relationship':
      return texts.has(`list.relationship.${value}`) ? texts.t(`list.relationship.${value}`) : value;
    default:
      return value;
  }
}
