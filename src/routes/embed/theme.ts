import { z } from 'zod';
import { type Colour, isDark, readableOn, readColour } from '../../colour.js';

/*
 * PURE. The look that a page asks for the frame in it: a frame inherits neither font nor colours, so the
 * address names them. What is no colour or no font is refused; what cannot be read is mended.
 */

const colour = z.string().transform((text, context): Colour => {
  const read = readColour(text);
  if (read !== null) return read;
  context.addIssue({ code: 'custom', message: 'is no colour; write three or six hexadecimal digits, such as 14576b' });
  return z.NEVER;
});

const generic = new Set(['serif', 'sans-serif', 'monospace', 'system-ui', 'ui-serif', 'ui-sans-serif', 'ui-monospace']);

/** Family names by comma, of letters, digits, spaces and hyphens: nothing that ends a string or begins a rule. */
const font = z.string().transform((text, context): string[] => {
  const names = text.split(',').map((name) => name.trim());
  if (names.length <= 8 && names.every((name) => /^[\p{L}\p{N}][\p{L}\p{N} -]{0,49}$/u.test(name))) return names;
  context.addIssue({ code: 'custom', message: 'names no fonts; write up to eight, by comma, of letters and spaces' });
  return z.NEVER;
});

/** The parameters of the look, all of them optional; text and ground go together. */
export const themeParams = {
  font: font.optional(),
  color: colour.optional(),
  background: colour.optional(),
  accent: colour.optional(),
};

export interface Theme {
  font?: string[] | undefined;
  color?: Colour | undefined;
  background?: Colour | undefined;
  accent?: Colour | undefined;
}

/** Colours belong together, or nobody could say whether they can be read. The name of the one that is missing. */
export function missingOf({ color, background, accent }: Theme): 'color' | 'background' | null {
  if (color !== undefined && background === undefined) return 'background';
  if (color === undefined && (background !== undefined || accent !== undefined)) return 'color';
  return null;
}

/** The theme as a query that says the same in one way only; empty: our own look. */
export function themeQuery({ font: names, color, background, accent }: Theme): string {
  const query = new URLSearchParams();
  if (names !== undefined) query.set('font', names.join(','));
  if (color !== undefined) query.set('color', color.slice(1));
  if (background !== undefined) query.set('background', background.slice(1));
  if (accent !== undefined) query.set('accent', accent.slice(1));
  return query.toString();
}

/** The rules of a theme. Text and links get the nearest tone that can be read on the ground (4.5 to 1). */
export function themeCss({ font: names, color, background, accent }: Theme): string {
  const rules: string[] = [];
  if (names !== undefined) rules.push(`body { font-family: ${names.map(familyOf).join(', ')}; }`);
  if (color !== undefined && background !== undefined) {
    const ink = readableOn(color, [background]);
    const link = accent === undefined ? ink : readableOn(accent, [background]);
    rules.push(
      `:root { color-scheme: ${isDark(background) ? 'dark' : 'light'}; }`,
      `body { color: ${ink}; background: ${background}; --subnotice-accent: ${link}; }`,
    );
  }
  return rules.map((rule) => `${rule}\n`).join('');
}

function familyOf(name: string): string {
  return generic.has(name.toLowerCase()) ? name.toLowerCase() : `"${name}"`;
}
