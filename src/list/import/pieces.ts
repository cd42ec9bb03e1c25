import { countryNamed } from '../places.js';
import { plainText } from '../plain.js';
import type { Cell } from './tables.js';

/*
 * PURE. The members of a list that stands in one cell. A piece keeps the words of the source that it comes
 * from, separators and "and" included, so that nothing of a cell gets lost on the way.
 */

export interface Piece {
  value: string;
  text: string;
}

/** The lines of a cell: the members of a list in it, or the one line that it is. */
export function cellLines({ text, items }: Cell): string[] {
  const lines = items.length > 0 ? items : text.split('\n');
  return lines.filter((line) => line.trim() !== '');
}

/** Lines, and what ";", "•" and " / " part. For sentences: commas part nothing. */
export function textPieces(cell: Cell): Piece[] {
  return cellLines(cell).flatMap((line) => piecesOf(line, /[;•]| \/ /y));
}

/** As `textPieces`, and parted by commas as well. */
export function commaPieces(cell: Cell): Piece[] {
  return cellLines(cell).flatMap((line) => withLastParted(piecesOf(line, /[;•]| \/ |,(?!\d)/y)));
}

/** Names of services and of kinds of people: parted by "and", too. */
export function namePieces(cell: Cell): Piece[] {
  return cellLines(cell).flatMap((line) => piecesOf(line, /[;•|]|\s\/\s|,(?!\d)|\s(?:and|und|et|y|e|en|&|\+)\s/iy));
}

/** German sets no comma before "und": in "A, B und C" it parts as one. In English it may be a part of C. */
function withLastParted(pieces: readonly Piece[]): Piece[] {
  const last = pieces.at(-1);
  const before = pieces.at(-2);
  if (last === undefined || before?.text.trimEnd().endsWith(',') !== true) return [...pieces];
  const parts = last.value.length > 200 ? [] : last.value.split(' und ');
  if (parts.length !== 2 || parts.some((part) => part.split(' ').length > 4)) return [...pieces];
  const [first = '', second = ''] = parts;
  return [...pieces.slice(0, -1), { value: first, text: `${first} und` }, { value: second, text: second }];
}

// What follows a comma and goes on with the member before it.
const goesOn =
  /^(?:which|that|who|whom|where|when|while|if|but|so|as|including|incl|excluding|such|e\.g|i\.e|etc|for example|art|§|\d|module?s?|welche[rsnm]?|d(?:ie|er|as) (?=\S+ )|wenn|sofern|soweit|z\. ?b|inkl|einschließlich)(?![\p{L}\p{N}])/iu;

/** Mechanisms and measures: commas part them, but not "Art. 46 (2) c, Module 2". */
export function termPieces(cell: Cell): Piece[] {
  return rejoined(commaPieces(cell));
}

/** Puts what only goes on with the member before back to it. */
function rejoined(pieces: readonly Piece[]): Piece[] {
  const joined: Piece[] = [];
  for (const piece of pieces) {
    const last = joined.at(-1);
    if (last?.text.trimEnd().endsWith(',') && goesOn.test(piece.value)) {
      const text = `${last.text}${piece.text}`;
      joined[joined.length - 1] = { text, value: cleaned(text) };
    } else joined.push(piece);
  }
  return joined;
}

/** A line taken apart at a separator, but not within brackets. */
export function piecesOf(line: string, separator: RegExp): Piece[] {
  const cuts = cutsOf(line, separator, true) ?? cutsOf(line, separator, false) ?? [];
  const pieces: Piece[] = [];
  let from = 0;
  for (const [at, end] of [...cuts, [line.length, line.length] as const]) {
    const value = cleaned(line.slice(from, at));
    const text = line.slice(from, end);
    const last = pieces.at(-1);
    if (value !== '') pieces.push({ value: last?.text.trimEnd().endsWith(',') ? withoutAnd(value) : value, text });
    else if (last !== undefined) last.text += text;
    from = end;
  }
  return pieces;
}

/** Where separators begin and end; null: brackets do not close, so that they part nothing. */
function cutsOf(line: string, separator: RegExp, heedBrackets: boolean): (readonly [number, number])[] | null {
  const cuts: (readonly [number, number])[] = [];
  let depth = 0;
  for (let at = 0; at < line.length; at++) {
    const sign = line.charAt(at);
    if (heedBrackets && (sign === '(' || sign === '[')) depth++;
    else if (heedBrackets && (sign === ')' || sign === ']')) depth--;
    if (depth < 0) return null;
    if (depth > 0) continue;
    separator.lastIndex = at;
    const found = separator.exec(line);
    if (found === null || found[0] === '') continue;
    cuts.push([at, at + found[0].length]);
    at += found[0].length - 1;
  }
  return depth === 0 ? cuts : null;
}

function cleaned(text: string): string {
  return text
    .replace(/^\s*[-–—*·▪◦‣]\s+/, '')
    .trim()
    .replace(/[,;]$/, '')
    .trimEnd();
}

/** "A, B, and C": the "and" is no part of C. */
function withoutAnd(text: string): string {
  return text.replace(/^(?:and|or|as well as|und|oder|sowie|et|y|e|en)\s+/i, '');
}

// Regions that are no country, as lists name them.
const regions: ReadonlySet<string> = new Set(
  `europe|european economic area|eea|ewr|europa|europäischer wirtschaftsraum|eu/eea|eea/eu|north america|south america|latin america|central america|
  americas|the americas|asia|asia pacific|asia-pacific|apac|emea|latam|mena|middle east|africa|oceania|nordics|benelux|dach|nordamerika|südamerika|asien|afrika|
  global|globally|worldwide|weltweit|international`
    .split('|')
    .map((word) => word.trim()),
);

/** Whether a text names a country or a region, perhaps narrowed: "Germany (Frankfurt)". */
export function isPlace(text: string): boolean {
  if (text.length > 200) return false;
  const base = /^(.*?)\s*\([^()]*\)$/s.exec(text.trim())?.[1] ?? text.trim();
  return countryNamed(base) !== null || regions.has(plainText(base));
}

/** The places of a cell, each as written. "Amsterdam, Netherlands" is one, "USA, Germany" are two. */
export function placePieces(cell: Cell): Piece[] {
  return cellLines(cell).flatMap(placesOfLine);
}

/** The places of a line. */
export function placesOfLine(line: string): Piece[] {
  if (isPlace(cleaned(line))) return [{ value: withoutStop(cleaned(line)), text: line }];
  return piecesOf(line, /[;•|]| \/ |\/(?=\s)/y).flatMap((piece) => {
    const parts = gathered(piecesOf(piece.value, /,/y));
    return parts.flatMap(({ text: part, value }) => {
      const more = isPlace(value) ? [] : piecesOf(part, /\/| (?:and|or|und|oder|et|y|e) | [&+] /iy);
      return more.length > 1 && more.every((one) => isPlace(withoutStop(one.value)))
        ? more.map((one) => ({ text: one.text, value: withoutStop(one.value) }))
        : [{ text: part, value: withoutStop(value) }];
    });
  });
}

/** City and country belong together: what is no country is gathered up to the country that follows it. */
function gathered(parts: readonly Piece[]): Piece[] {
  const places: Piece[] = [];
  let waiting: Piece[] = [];
  for (const [at, part] of parts.entries()) {
    waiting.push(part);
    if (!isPlace(withoutStop(part.value))) continue;
    // "San Francisco, CA, USA": California, not Canada.
    const next = parts[at + 1]?.value ?? '';
    if (waiting.length > 1 && /^[A-Z]{2}$/.test(part.value) && countryNamed(withoutStop(next)) === 'US') continue;
    places.push(waiting.length === 1 ? part : gatheredPiece(waiting));
    waiting = [];
  }
  return [...places, ...waiting];
}

function gatheredPiece(parts: readonly Piece[]): Piece {
  const text = parts.map((part) => part.text).join('');
  return { text, value: cleaned(text) };
}

/** Without the full stop of a sentence; "U.S." keeps its own. */
function withoutStop(text: string): string {
  if (!text.endsWith('.')) return text;
  const end = text.slice(-30);
  return /[^.\s]{3,}\.$/.test(end) && !/\.[^.\s]+\.$/.test(end) ? text.slice(0, -1) : text;
}

/** Categories of personal data in a line: parted by commas, the sentence's full stop left off. */
export function dataPieces(line: string): Piece[] {
  const parts = /\)\s+\p{Lu}/u.test(line) && !/[;•]/.test(line) ? bracketed(line) : [line];
  return parts.flatMap((part) =>
    rejoined(withLastParted(piecesOf(part, /[;•|]| \/ |,(?!\d)/y))).map(({ text, value }) => ({
      text,
      value: withoutStop(value),
    })),
  );
}

/** "Contact data (name, address) Log data (IP address)": each closing bracket ends a member, if all do. */
function bracketed(line: string): string[] {
  const parts = line.split(/(?<=\)\s)(?=\p{Lu})/u);
  return parts.every((part) => /\([^()]*\)\.?\s*$/.test(part)) ? parts : [line];
}
