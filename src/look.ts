import { readFileSync } from 'node:fs';
import { type Colour, contrast, leastContrast, leastOn, mixed, readableOn, readColour } from './colour.js';
import { codeOf, oneOf, quoted, setting, Wrong } from './settings.js';
import { harmlessSvg } from './svg.js';

/*
 * The look by settings: logo, colours, fonts. What is wrong stops the start with a sentence; what passes can
 * be read by everybody, and asks nobody else for anything.
 */

export interface Picture {
  body: Buffer;
  type: 'image/svg+xml' | 'image/png' | 'image/jpeg';
  /** In pixels, for the place that it takes before it is there. */
  width: number;
  height: number;
}

export interface Font {
  /** WOFF2. */
  body: Buffer;
  /** Holds every weight. */
  variable: boolean;
}

export type FontStack = 'classic' | 'sans' | 'serif' | 'humanist' | 'geometric';

export interface Look {
  /** `dark`: for a dark ground; null: the one picture serves both. Null as a whole: the company's name stands there. */
  logo: { light: Picture; dark: Picture | null } | null;
  /** Links, buttons, marks; null: those of the stylesheet. */
  accent: { light: Colour; dark: Colour } | null;
  fonts: { stack: FontStack; regular: Font | null; bold: Font | null };
}

/** The grounds of templates/pages/style.css on which links stand: paper, panel, raised and the papers of notices. */
export const grounds: Readonly<Record<'light' | 'dark', readonly Colour[]>> = {
  light: ['#fcfbf8', '#f5f3ed', '#ffffff', '#fdf2e0', '#e9f4ec', '#fcecea', '#efece4'],
  dark: ['#14181c', '#1b2026', '#1f252c', '#2c2216', '#16281c', '#331a19', '#262c33'],
};

const largestLogo = 100 * 1024;
const largestFont = 150 * 1024;

/** A colour that can be read as text on every ground of the pages, or a sentence with the nearest that can. */
function brandColor(on: 'light' | 'dark') {
  return setting((text) => {
    const colour = readColour(text);
    if (colour === null) return new Wrong(`${quoted(text)} is no colour; write six digits such as #14576b`);
    const least = leastOn(colour, grounds[on]);
    if (least >= leastContrast) return colour;
    const nearest = readableOn(colour, grounds[on]);
    return new Wrong(
      `${colour} has a contrast of ${Math.floor(least * 10) / 10} to 1 on the pages' ${on} ground, and text needs ${leastContrast} (WCAG 1.4.3); the nearest that has it is ${nearest}`,
    );
  });
}

export const lightColour = brandColor('light');
export const darkColour = brandColor('dark');

/** What the brand's colour is on a dark ground when nobody says so: the same hue, lightened until it can be read. */
export function darkFrom(light: Colour): Colour {
  return readableOn(light, grounds.dark, 7);
}

/** The tone of a colour under the pointer, and of text on it. */
export function tonesOf(accent: Colour, on: 'light' | 'dark'): { deep: Colour; onAccent: Colour } {
  const [deep, ink] = on === 'light' ? (['#000000', '#ffffff'] as const) : (['#ffffff', '#0b1014'] as const);
  return { deep: mixed(accent, deep, 0.3), onAccent: contrast(ink, accent) >= leastContrast ? ink : deep };
}

/** SVG made harmless, PNG or JPEG, told by what is in the file and not by its name. */
export const logoFile = setting((text): Picture | Wrong => {
  const body = bytesOf(text, largestLogo);
  if (body instanceof Wrong) return body;
  const picture = pngOf(body) ?? jpegOf(body) ?? svgOf(body);
  return picture ?? new Wrong(`${quoted(text)} is no SVG, PNG or JPEG that says its size; name one`);
});

export const fontFile = setting((text): Font | Wrong => {
  const body = bytesOf(text, largestFont);
  if (body instanceof Wrong) return body;
  const tables = woff2Tables(body);
  if (tables === null) return new Wrong(`${quoted(text)} is no WOFF2 font; convert it, such as with woff2_compress`);
  return { body, variable: tables.includes(variationTable) };
});

export const fontStack = oneOf<FontStack>({
  classic: 'classic',
  sans: 'sans',
  serif: 'serif',
  humanist: 'humanist',
  geometric: 'geometric',
});

function bytesOf(path: string, largest: number): Buffer | Wrong {
  let body: Buffer;
  try {
    body = readFileSync(path);
  } catch (error) {
    return new Wrong(`${quoted(path)} cannot be read (${codeOf(error)}); name a file that this user may read`);
  }
  return body.length <= largest
    ? body
    : new Wrong(
        `${quoted(path)} has ${Math.ceil(body.length / 1024)} KiB, and every reader waits for it; at most ${largest / 1024} KiB`,
      );
}

/** PNG (ISO/IEC 15948): the signature, then the header with width and height. */
function pngOf(body: Buffer): Picture | null {
  if (
    body.length < 33 ||
    body.readBigUInt64BE(0) !== 0x89504e470d0a1a0an ||
    body.toString('latin1', 12, 16) !== 'IHDR'
  ) {
    return null;
  }
  return sized({ body, type: 'image/png', width: body.readUInt32BE(16), height: body.readUInt32BE(20) });
}

/** JPEG (ITU-T T.81, B.1): segments up to the frame header, which holds height and width. */
function jpegOf(body: Buffer): Picture | null {
  if (body.length < 4 || body.readUInt16BE(0) !== 0xffd8) return null;
  for (let at = 2; at + 9 < body.length && body[at] === 0xff; at += 2 + body.readUInt16BE(at + 2)) {
    const marker = body[at + 1] ?? 0;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (!isFrame) continue;
    return sized({ body, type: 'image/jpeg', width: body.readUInt16BE(at + 7), height: body.readUInt16BE(at + 5) });
  }
  return null;
}

function svgOf(body: Buffer): Picture | null {
  const svg = harmlessSvg(body.toString('utf8'));
  if (svg === null) return null;
  return { body: Buffer.from(svg.text), type: 'image/svg+xml', width: svg.width, height: svg.height };
}

function sized(picture: Picture): Picture | null {
  return picture.width > 0 && picture.height > 0 ? picture : null;
}

/** The number of `fvar` among the tables that WOFF2 names by number (W3C WOFF2, 4.1). */
const variationTable = 47;

/** Numbers of the tables of a WOFF2 font (W3C WOFF2, 4.1 and 4.2); null: it is none. */
function woff2Tables(body: Buffer): number[] | null {
  if (body.length < 48 || body.toString('latin1', 0, 4) !== 'wOF2' || body.readUInt32BE(8) !== body.length) return null;
  const tables: number[] = [];
  let at = 48;
  const skipNumber = () => {
    while (((body[at] ?? 0) & 0x80) !== 0) at += 1;
    at += 1;
  };
  for (let left = body.readUInt16BE(12); left > 0; left -= 1) {
    const flags = body[at] ?? 0;
    const table = flags & 0x3f;
    at += table === 0x3f ? 5 : 1;
    skipNumber();
    // glyf and loca are transformed unless they say otherwise, all others the other way round.
    const transform = flags >> 6;
    if (table === 10 || table === 11 ? transform !== 3 : transform !== 0) skipNumber();
    tables.push(table);
  }
  return tables;
}
