import type { Original } from '../list/localize.js';
import { escapeMarkup } from '../mail/escape.js';
import type { Texts } from '../texts.js';

/*
 * PURE: markup as a value of its own. Everything that is not `Html` is text and gets escaped, in
 * templates and feeds alike, so nothing has to be remembered at the place of use. A string can
 * become `Html` only through the functions of this file and through `markdown.ts`.
 */

const brand = Symbol('html');

/** A piece of markup that is safe to put between tags. */
export interface Html {
  readonly [brand]: string;
}

// A class, as a page of thousands of vendors makes a hundred thousand of them.
class Markup implements Html {
  readonly [brand]: string;
  constructor(markup: string) {
    this[brand] = markup;
  }
}

/** Marks finished markup as such. Only for markup whose every text was escaped by its maker. */
export function trusted(markup: string): Html {
  return new Markup(markup);
}

export function isHtml(value: unknown): value is Html {
  return value instanceof Markup;
}

/** The markup of a value: `Html` as it is, text and numbers escaped, null as nothing. */
export function markupOf(value: unknown): string {
  if (typeof value === 'string') return escapeMarkup(value);
  if (isHtml(value)) return value[brand];
  if (value === null) return '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  // A misspelt key in a template would otherwise print "undefined" on a page that nobody looks at.
  throw new TypeError(`a template prints a value that is no text: ${typeof value}`);
}

/** Builds markup from a template literal; each inserted value is escaped unless it is `Html`. */
export function html(strings: TemplateStringsArray, ...values: unknown[]): Html {
  let markup = strings[0] ?? '';
  for (let index = 0; index < values.length; index += 1) markup += markupOf(values[index]) + (strings[index + 1] ?? '');
  return trusted(markup);
}

/** Several pieces in a row, with nothing or a piece of markup between them. */
export function joinHtml(pieces: readonly Html[], between: Html = trusted('')): Html {
  return trusted(pieces.map(markupOf).join(markupOf(between)));
}

/**
 * A name of a vendor, person or thing: isolated, so that a name in another direction keeps its place. One that is in
 * the original language of the list says so.
 */
export function nameHtml(name: string, original: Original | null = null): Html {
  return original?.texts.has(name) ? html`<bdi ${marksOf(original)}>${name}</bdi>` : html`<bdi>${name}</bdi>`;
}

/** Text of the list, or markup made of it: in its original language with that language, else as it is. */
export function wordsHtml(text: string, original: Original | null, markup: Html = html`${text}`): Html {
  return original?.texts.has(text) ? html`<span ${marksOf(original)}>${markup}</span>` : markup;
}

/** The attributes that say in which language something is, and in which direction that is written. */
export function marksOf({ language, dir }: Pick<Original, 'language' | 'dir'>): Html {
  return html`lang="${language}" dir="${dir}"`;
}

/**
 * A catalogue sentence with markup inside: `fill` gets the values as texts, returns the sentence,
 * and the marks that stand for `Html` values are replaced after the sentence was escaped.
 */
export function sentenceHtml(
  values: Readonly<Record<string, string | number | Html>>,
  fill: (values: Record<string, string | number>) => string,
): Html {
  const pieces: string[] = [];
  const plain: Record<string, string | number> = {};
  for (const [name, value] of Object.entries(values)) {
    if (isHtml(value)) {
      // Noncharacters: they cannot occur in a document (its schema refuses them) nor in a catalogue.
      plain[name] = `\ufdd0${pieces.length}\ufdd1`;
      pieces.push(markupOf(value));
    } else {
      plain[name] = value;
    }
  }
  const sentence = escapeMarkup(fill(plain));
  return trusted(sentence.replace(/\ufdd0(\d+)\ufdd1/g, (_, index: string) => pieces[Number(index)] ?? ''));
}

/** "a, b and c" of markup, in the words of the language. */
export function listHtml(pieces: readonly Html[], texts: Texts): Html {
  const last = pieces.length - 1;
  const [usual, beforeI] = [separatorsOf(texts, '4'), separatorsOf(texts, 'i')];
  // Most languages do not tell the two apart, and a large list holds many lists.
  const isBeforeI = markupOf(usual.two) !== markupOf(beforeI.two) && iSound.test(markupOf(pieces[last] ?? null));
  const { two, start, middle, end } = isBeforeI ? beforeI : usual;
  const between = (index: number) => {
    if (last === 1) return two;
    if (index === last) return end;
    return index === 1 ? start : middle;
  };
  let markup = '';
  for (const [index, piece] of pieces.entries())
    markup += markupOf(index === 0 ? null : between(index)) + markupOf(piece);
  return trusted(markup);
}

interface Separators {
  two: Html;
  start: Html;
  middle: Html;
  end: Html;
}

const separators = { i: new WeakMap<Texts, Separators>(), 4: new WeakMap<Texts, Separators>() };
// The first letter behind tags. Before this sound "and" is another word in Spanish: "datos e identificadores".
const iSound = /^(?:<[^>]*>)*h?i(?![ae])/i;

/**
 * What Intl.ListFormat puts between members: asked once a language, not once a list.
 * @param last how the last member begins: with the sound of an i, or not
 */
function separatorsOf(texts: Texts, last: 'i' | '4'): Separators {
  const known = separators[last].get(texts);
  if (known !== undefined) return known;
  const between = (members: readonly string[]) => {
    const whole = texts.list([...members, last]);
    const [, ...rest] = whole.slice(0, whole.lastIndexOf(last)).split(/[1-3]/);
    return rest.map((separator) => html`${separator}`);
  };
  const [two = html`, `] = between(['1']);
  const [start = two, middle = two, end = two] = between(['1', '2', '3']);
  const found = { two, start, middle, end };
  separators[last].set(texts, found);
  return found;
}
