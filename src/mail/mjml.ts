import { fileURLToPath } from 'node:url';
import { Eta } from 'eta';
import type { Texts } from '../texts.js';
import { escapeMarkup } from './escape.js';

/*
 * Templates of templates/mail: Eta fills them, MJML makes them HTML that mail clients show. Every
 * value is escaped before MJML sees it; nothing that comes from a list is ever MJML.
 */

const eta = new Eta({
  views: fileURLToPath(new URL('../../templates/mail', import.meta.url)),
  defaultExtension: '.mjml',
  cache: true,
  autoEscape: true,
  escapeFunction: (value: unknown) => {
    // A misspelt key in a template would otherwise send "undefined" to everybody.
    if (typeof value !== 'string' && typeof value !== 'number') throw new TypeError('a template prints no text');
    return escapeMarkup(String(value));
  },
});

/**
 * Renders `templates/mail/<name>.mjml` to the HTML part of a mail.
 * @param data plain texts; `subject` becomes the title
 */
export async function renderMjml(
  name: 'notice' | 'letter',
  texts: Texts,
  data: Readonly<Record<string, unknown>>,
): Promise<string> {
  const source = eta.render(name, { ...data, lang: texts.locale, dir: texts.dir, t: texts.t, texts });
  const compile = await loadMjml();
  const { html } = await compile(source, { validationLevel: 'strict', keepComments: false, fonts: {} });
  // A sixth of it is indentation, which a million mails would carry.
  return html.replace(/\n\s+/g, '\n');
}

/** Half a second and 50 MB: only a process that sends mail pays for it, and does so before the first one. */
export async function loadMjml() {
  return (await import('mjml')).default;
}

const rightToLeft = /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;
const leftToRight = /(?![\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}])\p{L}/u;

/** Text as markup, its line breaks kept; what runs the other way is isolated, so that it keeps its place. */
export function textMarkup(text: string, { dir }: Pick<Texts, 'dir'>): string {
  const escaped = escapeMarkup(text).replaceAll('\n', '<br>');
  return runsOtherWay(text, dir) ? `<span dir="auto">${escaped}</span>` : escaped;
}

/** The same for plain text: first-strong isolates (Unicode UAX 9). */
export function isolated(text: string, { dir }: Pick<Texts, 'dir'>): string {
  return runsOtherWay(text, dir) ? `\u2068${text}\u2069` : text;
}

function runsOtherWay(text: string, dir: Texts['dir']): boolean {
  return (dir === 'rtl' ? leftToRight : rightToLeft).test(text);
}
