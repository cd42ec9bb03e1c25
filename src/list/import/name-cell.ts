import { countryNamed } from '../places.js';
import type { Cell } from './tables.js';

/*
 * PURE. "Twilio Inc. Optional 375 Beale Street, …": where the name ends, and the address begins.
 */

export interface NameParts {
  name: string;
  /** The flag that stands between name and address, as written. */
  flag: string | null;
  address: string | null;
  /** No legal form, line break, bold print or flag says where the name ends. */
  isGuess: boolean;
}

const flagWord = /(?<=^|\s|\()(?:Optional|Required|Wahlweise|Erforderlich)(?=$|\s|\)|:)/;

// Legal forms as they stand at the end of a name that an address follows.
const legalForm =
  /(?:,\s*|\s+)(?:Inc(?:orporated)?|L\.?L\.?C|Ltd|Limited|Corp(?:oration)?|G?mbH(?: ?& ?Co\.? ?KG(?:aA)?)?|AG|SE|KG|OHG|UG|e\.V|S\.?A\.?S|S\.?A(?:\.?R\.?L)?|S\.à ?r\.l|B\.?V|N\.?V|AB|A\/S|ApS|AS|Oyj?|P\.?L\.?C|L\.?L\.?P|L\.?P|P[Tt][YyEe]\.? L(?:td|TD|imited)|PBC|s\.r\.o|sp\. ?z ?o\.? ?o|S\.p\.A|S\.r\.l|S\.L|Kft|Zrt|d\.o\.o|Unlimited Company|Company|Co)(?:\.(?!\p{L})|(?![\p{L}\p{N}]))(?:\s*\([^()]{0,80}\))?/gu;

// What ends a street that has its number behind it.
const street =
  /(?:str(?:\.|aße|asse|aat)?|weg|gasse|platz|allee|gatan|vägen|vej|gade|gate|laan|kade|plein|ring|damm|ufer|tie|katu|utca|ulica)$/i;
// What such a street begins with, in languages that put it first.
const streetStart =
  /^(?:rue|avenue|boulevard|via|viale|piazza|calle|carrer|avenida|rua|ul\.|place|quai|am|an der|im)$/i;

/**
 * Takes a cell with name and address apart. A cell without an address is all name.
 * @param isName whether a text is the name of a vendor that is known
 */
export function readNameCell({ text, items, strong }: Cell, isName: (text: string) => boolean): NameParts {
  const lines = items.length > 0 ? items : text.split('\n');
  if (strong !== null && strong !== '' && text.startsWith(strong)) {
    return withFlag(strong, text.slice(strong.length), false);
  }
  const [first = '', ...more] = lines;
  if (more.length > 0) {
    const parts = readLine(first, isName);
    return parts.address === null
      ? withFlag(first, more.join('\n'), false)
      : { ...parts, address: [parts.address, ...more].join('\n') };
  }
  return readLine(first, isName);
}

function readLine(line: string, isName: (text: string) => boolean): NameParts {
  const flag = flagWord.exec(line);
  if (flag !== null && flag.index > 0) {
    const name = line.slice(0, flag.index).replace(/[\s(]+$/, '');
    return withFlag(name, line.slice(flag.index), false);
  }
  if (!/\d/.test(line)) return { name: line.trim(), flag: null, address: null, isGuess: false };
  for (const { index, 0: form } of line.matchAll(legalForm)) {
    const name = line.slice(0, index + form.length);
    if (index === 0 || /\s\d/.test(name)) break;
    if (/\d/.test(line.slice(name.length))) return withFlag(name, line.slice(name.length), false);
  }
  const words = line.split(' ');
  for (let count = Math.min(words.length - 1, 12); count > 0; count--) {
    const name = words.slice(0, count).join(' ').replace(/[,;]$/, '');
    if (isName(name)) return withFlag(name, words.slice(count).join(' '), false);
  }
  return guessed(line, words);
}

/** Without a mark: the house number says where the street is, and the street where the name ends. */
function guessed(line: string, words: readonly string[]): NameParts {
  const [first = '', ...behind] = line.split(/,\s*/);
  const wholeName = { name: line.trim(), flag: null, address: null, isGuess: false };
  if (!looksLikeAddress(line)) return wholeName;
  if (behind.length > 0 && !/\d/.test(first)) return withFlag(first, behind.join(', '), true);
  const number = words.findIndex((word, at) => at > 0 && /^\d{1,5}\p{L}?,?$/u.test(word));
  if (number < 1) return wholeName;
  const before = words.slice(0, number);
  const start = before.findIndex((word, at) => at > 0 && streetStart.test(word));
  // "Acme 410 Terry Avenue" has its number before the street.
  const isBehind = words[number]?.endsWith(',') || street.test(before.at(-1) ?? '') || start > 0;
  const end = !isBehind ? number : start > 0 ? start : number - 1;
  if (end < 1) return wholeName;
  return withFlag(before.slice(0, end).join(' '), words.slice(end).join(' '), true);
}

function withFlag(name: string, rest: string, isGuess: boolean): NameParts {
  const address = rest.replace(/^[\s,;:–—-]+/, '').trim();
  const flag = /^\(?(Optional|Required|Wahlweise|Erforderlich)\b\)?[\s,:]*/.exec(address);
  const left = flag === null ? address : address.slice(flag[0].length).trim();
  return {
    name: name.trim().replace(/[;:]$/, ''),
    flag: flag?.[1] ?? null,
    address: left === '' ? null : left,
    isGuess,
  };
}

/** Whether a text holds a postal address: figures, several words, and a comma, a code or a street. */
export function looksLikeAddress(text: string): boolean {
  const words = text.split(/\s+/);
  return (
    words.length >= 4 &&
    /(?:^|\s)\d{1,6}/.test(text) &&
    (/,/.test(text) || /\b\d{4,6}\b/.test(text) || words.some((word) => street.test(word)))
  );
}

/** The country that an address ends with, as its own part; null: it does not name one. */
export function countryOfAddress(address: string): { code: string; text: string } | null {
  const text = address.split(/[,\n]/).at(-1)?.trim().replace(/\.$/, '') ?? '';
  // Two letters after a city are a state: "San Francisco, CA".
  if (/^[A-Z]{2}$/.test(text) && text !== 'US' && text !== 'UK') return null;
  const code = countryNamed(text);
  return code === null || code === 'EU' ? null : { code, text };
}

/** "SolarWinds LLC (Loggly)": the name, and the product in brackets. */
export function readProductName(text: string): { name: string; product: string | null } {
  const found = /^(.*\S)\s*\(([^()]+)\)$/s.exec(text);
  return { name: found?.[1] ?? text, product: found?.[2]?.trim() ?? null };
}
