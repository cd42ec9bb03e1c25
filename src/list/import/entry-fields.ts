import { type ListInput, listInputSchema } from '../document.js';
import { plainText } from '../plain.js';
import { leave, understand } from './account.js';
import type { BuiltRow } from './build-list.js';
import type { Piece } from './pieces.js';
import { cleanText, oneLine } from './tables.js';

/*
 * PURE. Puts values into the fields of an entry within what the model allows, and accounts for each.
 */

export type EntryInput = ListInput['subProcessors'][number];

const shape = listInputSchema.shape.subProcessors.element.shape;

export type LineField = 'legalName' | 'product' | 'group' | 'duration' | 'contact' | 'id';
export type LongField = 'address' | 'condition' | 'notes';
export type SetField =
  | 'purposes'
  | 'securityMeasures'
  | 'dataLocations'
  | 'accessLocations'
  | 'regions'
  | 'transferMechanisms';
export type PlaceField = 'country' | 'corporateCountry';

/** Where a value comes from: a row, and its column; null for the heading above the table. */
export interface Place {
  row: BuiltRow;
  column: number | null;
}

/** One line of text. */
export function putLine(entry: EntryInput, field: LineField, raw: string, { row, column }: Place, words = raw): void {
  const value = oneLine(raw);
  if (entry[field] !== undefined) leave(row, column, words, 'second-value');
  else if (!shape[field].safeParse(value).success) leave(row, column, words, 'not-accepted');
  else {
    entry[field] = value;
    understand(row, field, value, column, words);
  }
}

/** Text of several lines; a second one is put below the first. */
export function putLong(entry: EntryInput, field: LongField, raw: string, { row, column }: Place, words = raw): void {
  const text = cleanText(raw).trim();
  const value = entry[field] === undefined ? text : `${entry[field]}\n${text}`;
  if (field === 'address' && entry.address !== undefined) leave(row, column, words, 'second-value');
  else if (text === '' || !shape[field].safeParse(value).success) leave(row, column, words, 'not-accepted');
  else {
    entry[field] = value;
    understand(row, field, text, column, words);
  }
}

/** Members of a set; one that is there already is not put twice. */
export function putMembers(entry: EntryInput, field: SetField, pieces: readonly Piece[], { row, column }: Place): void {
  const isLong = field === 'purposes' || field === 'securityMeasures';
  for (const { value: raw, text } of pieces) {
    const value = isLong ? cleanText(raw).trim() : oneLine(raw);
    const members = entry[field] ?? [];
    if (members.length >= 200) {
      leave(row, column, text, 'too-many');
    } else if (members.some((member) => plainText(member) === plainText(value))) {
      understand(row, field, value, column, text);
    } else if (!shape[field].safeParse([value]).success) {
      leave(row, column, text, 'not-accepted');
    } else {
      entry[field] = [...members, value];
      understand(row, field, value, column, text);
    }
  }
}

/** "None": there is nothing of it, which is a statement. */
export function putNone(entry: EntryInput, field: SetField, text: string, { row, column }: Place): void {
  if (entry[field] !== undefined) leave(row, column, text, 'second-value');
  else {
    entry[field] = [];
    understand(row, field, text, column, text);
  }
}

export function putCountry(
  entry: EntryInput,
  field: PlaceField,
  code: string | null,
  text: string,
  place: Place,
): void {
  const { row, column } = place;
  if (entry[field] !== undefined) leave(row, column, text, 'second-value');
  else if (code === null || !shape[field].safeParse(code).success) leave(row, column, text, 'not-a-country');
  else {
    entry[field] = code;
    understand(row, field, code, column, text);
  }
}

/** A web address; a second one becomes a further link. */
export function putAddress(
  entry: EntryInput,
  field: 'website' | 'dpaUrl' | 'links',
  link: { label: string; url: string },
  place: Place,
  words: string,
): void {
  const { row, column } = place;
  const url = link.url.trim();
  if (field !== 'links' && entry[field] === url) {
    understand(row, field, url, column, words);
  } else if (field !== 'links' && entry[field] === undefined) {
    if (!shape[field].safeParse(url).success) leave(row, column, words, 'not-an-address');
    else {
      entry[field] = url;
      understand(row, field, url, column, words);
    }
  } else {
    const label = oneLine(link.label) === '' ? url : oneLine(link.label);
    const links = entry.links ?? [];
    const accepted = shape.links.safeParse([{ label, url }]).success;
    if (links.some((one) => one.url === url && one.label === label)) understand(row, 'links', url, column, words);
    else if (!accepted)
      leave(row, column, words, shape.website.safeParse(url).success ? 'not-accepted' : 'not-an-address');
    else if (links.length >= 50) leave(row, column, words, 'too-many');
    else {
      entry.links = [...links, { label, url }];
      understand(row, 'links', label === url ? url : `${label}: ${url}`, column, words);
    }
  }
}

/** Whether a text can be the name of an entry. */
export function isPossibleName(name: string): boolean {
  return shape.name.safeParse(name).success;
}
