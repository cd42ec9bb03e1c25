import type { AccountItem } from '../list/describe.js';
import type { Original } from '../list/localize.js';
import type { Texts } from '../texts.js';

/*
 * PURE. How much of a value is shown, the same in both parts of a mail.
 */

export interface ValueLimit {
  /** Longest value in characters (UTF-16 units). */
  characters: number;
  /** Most values of one field. */
  values: number;
  /** Which of them are in the original language of the list. */
  original?: Original | null;
}

/** From everything to the least that still tells what changed. */
export const valueLimits: readonly ValueLimit[] = [
  { characters: Number.POSITIVE_INFINITY, values: Number.POSITIVE_INFINITY },
  { characters: 700, values: 40 },
  { characters: 160, values: 14 },
];

/** The values within the limit; what is cut says so. */
export function withinLimit(values: readonly string[], limit: ValueLimit, texts: Texts): string[] {
  const shown = values.slice(0, limit.values).map((value) => shortened(value, limit.characters, texts));
  if (values.length > shown.length) shown.push(texts.t('mail.moreValues', { count: values.length - shown.length }));
  return shown;
}

/** A text cut between characters, never inside one. */
export function shortened(text: string, characters: number, texts: Texts): string {
  if (text.length <= characters) return text;
  const cut = text
    .slice(0, characters)
    .replace(/\p{Surrogate}$/u, '')
    .trimEnd();
  return texts.t('mail.shortened', { text: cut });
}

/** Whether values read well in a row (names, places), or want a line each (sentences, addresses). */
export function fitInARow(values: readonly string[]): boolean {
  const longest = Math.max(0, ...values.map((value) => value.length));
  const all = values.reduce((sum, value) => sum + value.length, 0);
  return (longest <= 30 || (longest <= 60 && all <= 90)) && !values.some((value) => /\n|https?:\/\//.test(value));
}

/** A value that is nothing but a web address. */
export function isWebAddress(value: string): boolean {
  return /^https?:\/\/\S+$/i.test(value);
}

/** Values in a row: "a, b", or "a, Inc.; b" where a value has commas of its own; `show` makes each fit its part. */
export function inARow(
  values: readonly string[],
  texts: Texts,
  show: (value: string, texts: Texts) => string = (value) => value,
): string {
  const hasComma = values.some((value) => value.includes(','));
  return values.map((value) => show(value, texts)).join(texts.t(hasComma ? 'mail.separatorOfLong' : 'mail.separator'));
}

/** The sign beside the word: colour alone would tell nothing to many readers. */
export function signOf(item: AccountItem, texts: Texts): string {
  const { kind } = item.change;
  if (kind.endsWith('-added')) return texts.t('mail.sign.added');
  return texts.t(kind.endsWith('-removed') ? 'mail.sign.removed' : 'mail.sign.changed');
}

/** The heading with what tells it from others of its name. */
export function headingOf(item: AccountItem, texts: Texts): string {
  return item.context === null ? item.heading : texts.t('list.inBrackets', { text: item.heading, note: item.context });
}

/** What stays of a set: by name where there are few, else counted. */
export function unchanged(kept: readonly string[], texts: Texts): string {
  if (kept.length > 4 || !fitInARow(kept)) return texts.t('list.difference.unchanged', { count: kept.length });
  return texts.t('mail.labelled', { label: texts.t('list.difference.same'), value: inARow(kept, texts) });
}
