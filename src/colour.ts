/*
 * PURE. Colours as settings and parameters name them, and whether text in them can be read.
 */

/** `#rrggbb` in lower case, and nothing else: safe in a stylesheet as it is. */
export type Colour = `#${string}`;

/** WCAG 2.2, 1.4.3: the least contrast of text. */
export const leastContrast = 4.5;

/** Reads `#rgb` or `#rrggbb`, the `#` may be missing as in an address; null: it is no such colour. */
export function readColour(text: string): Colour | null {
  const [, digits] = /^#?([0-9a-f]{6}|[0-9a-f]{3})$/i.exec(text.trim()) ?? [];
  if (digits === undefined) return null;
  const whole = digits.length === 3 ? digits.replace(/./g, '$&$&') : digits;
  return `#${whole.toLowerCase()}`;
}

/** The contrast of two colours, from 1 to 21 (WCAG 2.2, "contrast ratio"). */
export function contrast(one: Colour, other: Colour): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

/** The least contrast of a colour with any of several grounds. */
export function leastOn(colour: Colour, grounds: readonly Colour[]): number {
  return Math.min(...grounds.map((ground) => contrast(colour, ground)));
}

/**
 * The colour itself if text in it can be read on every ground, else the nearest that can: the same hue
 * with as little black or white in it as is needed. On grounds that leave none, whichever of black and
 * white reads best.
 */
export function readableOn(colour: Colour, grounds: readonly Colour[], least = leastContrast): Colour {
  const steps = 50;
  for (let step = 0; step <= steps; step += 1) {
    const fit = (['#000000', '#ffffff'] as const)
      .map((end) => mixed(colour, end, step / steps))
      .find((tone) => leastOn(tone, grounds) >= least);
    if (fit !== undefined) return fit;
  }
  return leastOn('#000000', grounds) >= leastOn('#ffffff', grounds) ? '#000000' : '#ffffff';
}

/** `share` (0 to 1) of the second colour in the first. */
export function mixed(first: Colour, second: Colour, share: number): Colour {
  const [one, other] = [channelsOf(first), channelsOf(second)];
  const digits = one.map((value, index) =>
    Math.round(value + ((other[index] ?? value) - value) * share)
      .toString(16)
      .padStart(2, '0'),
  );
  return `#${digits.join('')}`;
}

/** Whether it is nearer to black than to white, as the eye sees it. */
export function isDark(colour: Colour): boolean {
  return contrast(colour, '#ffffff') > contrast(colour, '#000000');
}

function luminance(colour: Colour): number {
  const [red = 0, green = 0, blue = 0] = channelsOf(colour).map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function channelsOf(colour: Colour): number[] {
  return [1, 3, 5].map((start) => Number.parseInt(colour.slice(start, start + 2), 16));
}
