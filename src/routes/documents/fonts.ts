import { createRequire } from 'node:module';
import * as fontkit from 'fontkit';

/*
 * The letters of papers and of the share card. DejaVu has Latin, Greek, Cyrillic, Arabic, Hebrew and more in one
 * family; Chinese, Japanese and Korean are not in it.
 */

const resolve = createRequire(import.meta.url).resolve;

/** Paths of the files. */
export const fonts = {
  text: resolve('dejavu-fonts-ttf/ttf/DejaVuSansCondensed.ttf'),
  bold: resolve('dejavu-fonts-ttf/ttf/DejaVuSansCondensed-Bold.ttf'),
} as const;
export type FontName = keyof typeof fonts;

/** The name of the family within the files. */
export const family = 'DejaVu Sans Condensed';

const opened = new Map<string, { font: fontkit.Font; letters: ReadonlySet<number> }>();

function open(name: string) {
  const known = opened.get(name);
  if (known !== undefined) return known;
  const font = fontkit.openSync(name === 'bold' ? fonts.bold : fonts.text);
  if (!('characterSet' in font)) throw new Error(`the font ${name} is a collection`);
  const found = { font, letters: new Set(font.characterSet) };
  opened.set(name, found);
  return found;
}

/** The code points that a font can show. */
export function lettersOf(name: string): ReadonlySet<number> {
  return open(name).letters;
}

/** The width of a text for a size of one. */
export function widthOf(text: string, name: string): number {
  const { font } = open(name);
  return font.layout(text).advanceWidth / font.unitsPerEm;
}
