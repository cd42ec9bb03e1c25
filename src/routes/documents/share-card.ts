import { renderAsync } from '@resvg/resvg-js';
import type { FastifyPluginAsync } from 'fastify';
import type { AppDeps } from '../../app.js';
import { localize } from '../../list/localize.js';
import { vendorKey } from '../../list/vendors.js';
import { escapeMarkup } from '../../mail/escape.js';
import type { Texts } from '../../texts.js';
import { readBoard } from '../../versions/read.js';
import { described } from '../described.js';
import { renderedOf } from '../render.js';
import { type FontName, family, fonts, widthOf } from './fonts.js';

/*
 * The picture that a link to the list is shown with elsewhere (Open Graph): drawn here, in our own font, the same
 * for the same state.
 */

export const shareCard = { path: '/share.png', width: 1200, height: 630 } as const;

const side = 80;
const accent = '#14576b';

/** `/share.png`. */
export function shareCardRoutes(deps: AppDeps): FastifyPluginAsync {
  const { config, db, kept, now, texts } = deps;
  return async (app) => {
    app.get(
      shareCard.path,
      described('readShareCard', 'The picture of a link to the list (image/png)'),
      async (request, reply) =>
        kept.send(request, reply, shareCard.path, async ({ locale }) => {
          const words = texts.for(locale);
          const board = await readBoard(db, now());
          const version = board.inForce ?? board.announced[0] ?? null;
          const lines =
            version === null
              ? []
              : [
                  words.t('pages.list.subProcessors', {
                    count: new Set(version.document.subProcessors.map(({ name }) => vendorKey(name))).size,
                  }),
                  words.t('documents.card.since', {
                    version: String(version.number),
                    day: words.day(version.effectiveAt),
                  }),
                ];
          const title =
            version === null ? words.t('documents.card.title') : localize(version.document, locale).document.title;
          const svg = drawn(
            { company: config.companyName, title, lines, colour: config.look.accent?.light ?? accent },
            words,
          );
          const picture = await renderAsync(svg, {
            font: { fontFiles: Object.values(fonts), loadSystemFonts: false, defaultFontFamily: family },
          });
          return renderedOf(picture.asPng(), 'image/png', locale);
        }),
    );
  };
}

/** The card as SVG. PURE. */
function drawn(
  { company, title, lines, colour: own }: { company: string; title: string; lines: readonly string[]; colour: string },
  { dir }: Texts,
): string {
  const big = fitting(title, 'bold', 76, 3);
  const texts = [
    ...fitting(company, 'text', 40, 1).map((text) => ({ text, size: 40, y: 130, weight: 400, colour: '#4a5563' })),
    ...big.map((text, at) => ({ text, size: 76, y: 250 + at * 92, weight: 700, colour: '#1b2430' })),
    ...lines.flatMap((line, at) =>
      fitting(line, 'text', 34, 1).map((text) => ({
        text,
        size: 34,
        y: 510 + at * 50,
        weight: 400,
        colour: '#1b2430',
      })),
    ),
  ];
  const [x, anchor] = dir === 'rtl' ? [shareCard.width - side, 'end'] : [side, 'start'];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${shareCard.width}" height="${shareCard.height}">`,
    `<rect width="1200" height="630" fill="#ffffff"/><rect width="1200" height="14" fill="${own}"/>`,
    ...texts.map(
      ({ text, size, y, weight, colour }) =>
        `<text x="${x}" y="${y}" text-anchor="${anchor}" font-family="${family}" font-size="${size}" font-weight="${weight}" fill="${colour}">${escapeMarkup(text)}</text>`,
    ),
    '</svg>',
  ].join('');
}

/** A text in so many lines at most; what does not fit ends with an ellipsis. */
function fitting(text: string, font: FontName, size: number, most: number): string[] {
  const width = (shareCard.width - 2 * side) / size;
  const fits = (lines: readonly string[]) =>
    lines.length <= most && lines.every((line) => widthOf(line, font) <= width);
  let letters = [...text.replace(/\s+/g, ' ').trim()];
  let lines = broken(letters.join(''), font, width);
  while (letters.length > 0 && !fits(lines)) {
    letters = letters.slice(0, -1);
    lines = broken(`${letters.join('').trimEnd()}…`, font, width);
  }
  return lines;
}

/** Broken at spaces. Lines as they are read: the drawing program puts letters from right to left itself. */
function broken(text: string, font: FontName, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const longer = lines.length === 0 ? word : `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && widthOf(longer, font) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}
