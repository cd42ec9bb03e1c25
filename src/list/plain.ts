/*
 * PURE. What is no difference between two texts: white space, Unicode form, letter case, quotes,
 * dashes, a trailing full stop or slash. Two texts are the same when their plain forms are; the
 * original is what people are shown.
 */

const invisible = /[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]|[\ufe0e\ufe0f]/g;
// One class for all quotes: houses differ in 'single' and "double", and « and ‹ are the same deed.
const quotes = /["`´‘’‚‛“”„‟«»‹›′″ʼ＇＂]/g;
const dashes = /[\u2010-\u2015\u2212\u2e3a\u2e3b\ufe58\ufe63\uff0d]/g;
const fullWidth = /[\uff01-\uff5e]/g;
const ascii = /^[\x20-\x7e]*$/;

/** The plain form of a text: equal for texts that differ in typography only. Idempotent. */
export function plainText(text: string): string {
  const folded = ascii.test(text) ? text.toLowerCase() : foldUnicode(text);
  const plain = folded
    .replace(quotes, "'")
    .replace(/-{2,}/g, '-')
    .replace(/\s+/g, ' ')
    .replace(/ ?- ?/g, '-')
    .replace(/ (?=[,;:.!?)\]])/g, '')
    .trimStart();
  return withoutEnd(plain, ' ./。');
}

/** Without those of `signs` that stand at the end. A regular expression for it is quadratic in "........x". */
function withoutEnd(text: string, signs: string): string {
  let end = text.length;
  while (end > 0 && signs.includes(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}

/** Through upper case, because only that way is ß equal to SS; lower case before it, for ẞ stays ẞ in upper case. */
function foldUnicode(text: string): string {
  return text
    .normalize('NFC')
    .replace(invisible, '')
    .toLowerCase()
    .toUpperCase()
    .toLowerCase()
    .replaceAll('ς', 'σ')
    .replace(fullWidth, (letter) => String.fromCharCode(letter.charCodeAt(0) - 0xfee0).toLowerCase())
    .replaceAll('…', '...')
    .replace(dashes, '-')
    .normalize('NFC');
}

/**
 * The plain form of a web address. Scheme and host in any letter case, a default port and a
 * trailing slash are no difference; the path keeps its case, for there it names another page.
 */
export function plainUrl(text: string): string {
  try {
    const { protocol, host, pathname, search, hash } = new URL(text.trim());
    return `${protocol}//${host}${withoutEnd(pathname, '/.')}${search}${hash}`;
  } catch {
    return plainText(text);
  }
}

/** By UTF-16 code unit: the same order on every machine, whatever its locale. */
export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
