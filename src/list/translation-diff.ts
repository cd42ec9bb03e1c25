import type { Change, FieldChange } from './change.js';
import { differencesOf } from './compare.js';
import { translatedFields } from './document.js';
import type { LooseEntry } from './entry-ref.js';
import { type WordsOf, wordsIn } from './localize.js';
import { byCodeUnit } from './plain.js';
import { graded } from './severity.js';

/*
 * PURE. What changed in what a list says in other languages. The list itself says the same: it is no news to a
 * controller, so nobody is mailed for it, and every difference is there for who looks.
 */

const prefix = 'translations.';

/** The differences of two entries in each language and field, such as `translations.de.notes`. */
export function translationChanges(kind: WordsOf, before: LooseEntry, after: LooseEntry): FieldChange[] {
  if (before.translations === undefined && after.translations === undefined) return [];
  const tags = [...new Set([...tagsOf(before), ...tagsOf(after)])].sort(byCodeUnit);
  return tags.flatMap((tag) => {
    const [was, is] = [wordsIn(before, tag), wordsIn(after, tag)];
    return translatedFields[kind].flatMap((field) => {
      const [old, own] = [was[field], is[field]];
      const row = {
        name: `${prefix}${tag}.${field}`,
        kind: Array.isArray(old ?? own) ? ('set' as const) : ('longText' as const),
        severity: 'translation' as const,
        label: 'list.field.translation' as const,
      };
      return differencesOf(row, wordsValue(old), wordsValue(own)).map((one) => graded(one, row.severity));
    });
  });
}

/** The language and the field of a difference in words of another language; null for any other. */
export function translationField(field: string): { tag: string; field: string } | null {
  const [, tag, inner] = /^translations\.([^.]+)\.(.+)$/.exec(field) ?? [];
  return tag === undefined || inner === undefined ? null : { tag, field: inner };
}

/** Whether readers are told of a difference: not of other words for the same, nor of what language they are in. */
export function isTold({ field }: Pick<FieldChange, 'field'>): boolean {
  return field !== 'language' && !field.includes(prefix);
}

/** The changes as a notice tells them: without those that say the same in other words. */
export function toldChanges(changes: readonly Change[]): Change[] {
  return changes.flatMap((change): Change[] => {
    if (!change.notifiable) return [];
    if (!('fields' in change) || change.fields.every(isTold)) return [change];
    const fields = change.fields.filter(isTold);
    return [{ ...change, fields, reasons: change.reasons.filter((reason) => reason !== 'translation') }];
  });
}

function tagsOf({ translations }: LooseEntry): string[] {
  return typeof translations === 'object' && translations !== null ? Object.keys(translations) : [];
}

function wordsValue(value: unknown): string | string[] | undefined {
  if (typeof value === 'string') return value.trim() === '' ? undefined : value;
  return Array.isArray(value) ? value.filter((member) => typeof member === 'string') : undefined;
}
