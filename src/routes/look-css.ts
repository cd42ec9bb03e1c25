import { type FontStack, type Look, tonesOf } from '../look.js';

/*
 * PURE. The rules that the settings of the look come to, at the end of the stylesheet. Families are those that
 * systems bring along: nothing is asked of anybody.
 */

const families: Readonly<Record<FontStack, string>> = {
  classic: 'system-ui, sans-serif',
  sans: 'system-ui, sans-serif',
  serif: 'Charter, Cambria, Georgia, serif',
  humanist: 'Seravek, "Gill Sans Nova", Ubuntu, Calibri, "DejaVu Sans", sans-serif',
  geometric: 'Avenir, Montserrat, Corbel, "URW Gothic", sans-serif',
};

/** Where the files of the look are, seen from the stylesheet. */
export interface LookFiles {
  regular: string | null;
  bold: string | null;
}

/** The rules of fonts and colours for every page; empty where no setting asks for another look. */
export function lookCss({ accent, fonts }: Look, files: LookFiles): string {
  return faces(fonts, files) + fontRules(fonts) + (accent === null ? '' : accentRules(accent));
}

/** The same for our frame in pages of others, which names its own font and colours where it wants others. */
export function frameLookCss({ accent }: Look): string {
  if (accent === null) return '';
  const rule = (colour: string) => `body { --subnotice-accent: ${colour}; }`;
  return `${rule(accent.light)}\n@media (prefers-color-scheme: dark) { ${rule(accent.dark)} }\n`;
}

function faces({ regular, bold }: Look['fonts'], files: LookFiles): string {
  const face = (file: string | null, weight: string) =>
    file === null
      ? ''
      : // `optional`: text is never set a second time, so nothing jumps under the reader's eyes.
        `@font-face { font-family: "Brand"; src: url("${file}") format("woff2"); font-weight: ${weight}; font-display: optional; }\n`;
  const weight = regular?.variable === true && bold === null ? '100 900' : '400';
  return face(files.regular, weight) + face(files.bold, '600 900');
}

/** The stylesheet has one family for text and one for headings; any choice but its own is one for both. */
function fontRules({ stack, regular }: Look['fonts']): string {
  const one = (family: string) => `:root { --sans: ${family}; --serif: var(--sans); }\n`;
  if (regular !== null) return one(`"Brand", ${families[stack]}`);
  if (stack === 'classic') return '';
  return stack === 'sans' ? ':root { --serif: var(--sans); }\n' : one(families[stack]);
}

/** On the screen only: paper stays black and white. */
function accentRules(accent: NonNullable<Look['accent']>): string {
  const rule = (on: 'light' | 'dark') => {
    const { deep, onAccent } = tonesOf(accent[on], on);
    return `:root { --accent: ${accent[on]}; --accent-deep: ${deep}; --on-accent: ${onAccent}; }`;
  };
  return `@media screen { ${rule('light')} }\n@media screen and (prefers-color-scheme: dark) { ${rule('dark')} }\n`;
}
