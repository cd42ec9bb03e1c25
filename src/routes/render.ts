import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Eta } from 'eta';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Deps } from '../deps.js';
import type { Original } from '../list/localize.js';
import type { Texts } from '../texts.js';
import { isFresh } from './answer.js';
import { type Assets, type Logo, readAssets } from './assets.js';
import { type Format, formats } from './formats.js';
import { type Html, html, joinHtml, listHtml, marksOf, markupOf, nameHtml, sentenceHtml, wordsHtml } from './html.js';

/*
 * Pages: an Eta template of templates/pages inside the layout, in the reader's language. Everything
 * that a template prints is escaped unless it is `Html` (html.ts). The first lines of
 * templates/pages/layout.eta tell what a template finds in `it`.
 */

/** What every template finds in `it`, beside the data of its page. */
export interface PageContext {
  texts: Texts;
  locale: string;
  dir: 'ltr' | 'rtl';
  company: string;
  /** The public address of this page without query, for `rel=canonical`. */
  canonical: string;
  stylesheet: string;
  icon: string;
  /** The company's logo in place of its name; null: there is none. */
  logo: Logo | null;
  /** Fonts of the settings, to be asked for before the stylesheet is read. */
  fonts: string[];
  /** The address of a script beside the templates, such as `progress.js`. */
  script(file: string): string;
  /** The languages that this page is to be had in; fewer in the console. */
  languages: { locale: string; name: string; link: string; current: boolean }[];
  /** The languages that a reader or subscriber can have, each by its own name. */
  readerLanguages: readonly { locale: string; name: string }[];
  /** The language that the address asks for; null where the browser's headers decided. */
  chosenLocale: string | null;
  /** What the list can be had in beside the page. */
  formats: readonly Format[];
  t: Texts['t'];
  /** A catalogue text whose values may be `Html`, as markup. */
  sentence(key: string, values: Readonly<Record<string, string | number | Html>>): Html;
  /** A name, isolated for right-to-left neighbours, with its language where it is another than the page's. */
  name(text: string): Html;
  /** A text of the list, with its language where that is another than the page's. */
  words(text: string): Html;
  /** A calendar day as `<time>`. */
  day(at: Date): Html;
  /** The day that ends at that instant, as `<time>`. */
  lastDay(end: Date): Html;
  /** When something begins: the day alone if that is when the day begins, else with time and zone. */
  start(at: Date): Html;
  /** Until when: "1 March 2027, 24:00 CET" if a day ends then, else day, time and zone. */
  deadline(end: Date): Html;
  /** Day, time and zone as `<time>`. */
  moment(at: Date): Html;
  /** "a, b and c" of texts of the list, like `words`. */
  wordList(texts: readonly string[]): Html;
  /** Text with its line breaks, as paragraphs like `words`; each inside `<ins>` or `<del>` when asked to. */
  paragraphs(text: string, mark?: 'ins' | 'del'): Html;
  /** Plain text whose web addresses are links, as a mail program shows it. */
  autolink(text: string): Html;
  /** A word that stands for nothing stated, set back. */
  quiet(text: string): Html;
  /** For `href` and `action`: the path below PUBLIC_URL, with the chosen language. */
  link(path: string): string;
  /** The whole address below PUBLIC_URL: for feeds, canonical addresses and what people copy. */
  href(path: string): string;
}

export { isFresh };

/** `original`: which texts of the page are in the original language of the list, as they have no translation. */
export type PageData = Readonly<Record<string, unknown>> & { original?: Original | null };

/** A page or a feed in one language, ready to be sent any number of times. */
export interface Rendered {
  body: Buffer;
  type: string;
  etag: string;
  /** '' where no language is in it, as in data. */
  locale: string;
}

const htmlType = 'text/html; charset=utf-8';

export interface PageOptions {
  /** The language, such as the subscriber's own; `?lang=` in the address still goes before it. */
  locale?: string;
  status?: number;
}

/** The language of one page view. `chosen` when the address named it. */
export interface LocaleChoice {
  locale: string;
  chosen: boolean;
}

export interface Renderer {
  /**
   * Renders `templates/pages/<name>.eta` and sends it: never stored and not for search engines, as pages behind
   * links with tokens and consoles must be. Public pages are sent by `kept.send` or `sendOnce`.
   */
  page(reply: FastifyReply, name: string, data: PageData, options?: PageOptions): FastifyReply;
  /** Renders without sending, for pages that are kept; `path` is where it lives, such as `/versions/3`. */
  render(name: string, data: PageData, choice: LocaleChoice, path: string): Rendered;
  /** A template without the layout, as markup: for feeds. */
  fragment(name: string, data: PageData, choice: LocaleChoice): string;
  /** PUBLIC_URL + path: for redirects, feeds and mail. */
  href(path: string): string;
  /** The path below PUBLIC_URL, with the language where the address has chosen it: `it.link` for who builds markup. */
  link(path: string, choice: LocaleChoice): string;
  localeOf(request: FastifyRequest): string;
  localeChoice(request: FastifyRequest, preferred?: string): LocaleChoice;
  assets: Assets;
}

/** Reads templates and stylesheets; a page never looks at the client's Host header. */
export function createRenderer(deps: Pick<Deps, 'config' | 'texts'>): Renderer {
  const { config, texts } = deps;
  const assets = readAssets(config.look);
  const basePath = new URL(config.publicUrl).pathname.replace(/\/$/, '');
  const eta = new Eta({
    views: fileURLToPath(new URL('../../templates/pages', import.meta.url)),
    cache: true,
    autoEscape: true,
    escapeFunction: markupOf,
  });
  const href = (path: string) => config.publicUrl + path;
  const readerLanguages = texts.locales.map((locale) => ({ locale, name: texts.for(locale).language(locale) }));

  /** The console is there in some languages only: of its pages `lang` must be true. */
  function localesAt(path: string): string[] {
    return /^\/admin(?:[/?#]|$)/.test(path) ? texts.consoleLocales : texts.locales;
  }

  function localeChoice(request: FastifyRequest, preferred?: string): LocaleChoice {
    const among = localesAt(request.url);
    const query = request.url.indexOf('?');
    const wish = query < 0 ? null : new URLSearchParams(request.url.slice(query)).get('lang');
    if (wish !== null && among.includes(wish)) return { locale: wish, chosen: true };
    return { locale: preferred ?? texts.negotiate(request.headers['accept-language'], among), chosen: false };
  }

  function link(path: string, { locale, chosen }: LocaleChoice): string {
    return basePath + (chosen ? withLocale(path, locale) : path);
  }

  function contextOf(choice: LocaleChoice, path: string, original: Original | null = null): PageContext {
    const words = texts.for(choice.locale);
    const time = (at: Date, shown: string) => html`<time datetime="${at.toISOString()}">${shown}</time>`;
    return {
      texts: words,
      locale: words.locale,
      dir: words.dir,
      company: config.companyName,
      canonical: href(path),
      stylesheet: basePath + assets.path('style.css'),
      icon: basePath + assets.path('icon.svg'),
      logo: assets.logo === null ? null : below(basePath, assets.logo),
      fonts: assets.fonts.map((path) => basePath + path),
      script: (file) => basePath + assets.path(file),
      languages: localesAt(path).map((locale) => ({
        locale,
        name: texts.for(locale).language(locale),
        link: withLocale(basePath + path, locale),
        current: locale === words.locale,
      })),
      readerLanguages,
      chosenLocale: choice.chosen ? words.locale : null,
      formats,
      t: words.t,
      sentence: (key, values) => sentenceHtml(values, (plain) => words.t(key, plain)),
      name: (text) => nameHtml(text, original),
      words: (text) => wordsHtml(text, original),
      wordList: (list) =>
        listHtml(
          list.map((text) => wordsHtml(text, original)),
          words,
        ),
      day: (at) => time(at, words.day(at)),
      lastDay: (end) => time(end, words.lastDay(end)),
      start: (at) => time(at, isMidnight(at, words) ? words.day(at) : words.moment(at)),
      deadline: (end) =>
        time(
          end,
          isMidnight(end, words)
            ? words.t('pages.layout.endOfDay', {
                day: words.lastDay(end),
                zone: words.zone(new Date(end.getTime() - 1)),
              })
            : words.moment(end),
        ),
      moment: (at) => time(at, words.moment(at)),
      paragraphs: (text, mark) => paragraphsHtml(text, original, mark),
      autolink: autolinkHtml,
      quiet: (text) => html`<span class="unstated">${text}</span>`,
      link: (to) => link(to, choice),
      href,
    };
  }

  function render(name: string, data: PageData, choice: LocaleChoice, path: string): Rendered {
    return renderedOf(
      eta.render(`./${name}`, { ...data, ...contextOf(choice, path, data.original) }),
      htmlType,
      choice.locale,
    );
  }

  return {
    assets,
    href,
    link,
    localeChoice,
    localeOf: (request) => localeChoice(request).locale,
    render,
    fragment: (name, data, choice) => eta.render(`./${name}`, { ...data, ...contextOf(choice, '/', data.original) }),
    page(reply, name, data, options = {}) {
      // Of several slashes at the start only one: "//host/x" in a link would lead to that host.
      const path = (reply.request.url.split('?')[0] ?? '').replace(/^[/\\]*/, '/');
      const { body, type, locale } = render(name, data, localeChoice(reply.request, options.locale), path);
      return reply
        .headers({
          vary: 'Accept-Language',
          'content-language': locale,
          'cache-control': 'no-store',
          'x-robots-tag': 'noindex',
        })
        .code(options.status ?? 200)
        .type(type)
        .send(body);
    },
  };
}

/** A finished body with its strong ETag (RFC 9110, 8.8.3): another content, another tag. */
export function renderedOf(content: string | Uint8Array, type: string, locale: string): Rendered {
  const body = Buffer.from(content);
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`;
  return { body, type, etag, locale };
}

function autolinkHtml(text: string): Html {
  const pieces = text.split(/(https?:\/\/[^\s<>"]+)/);
  return joinHtml(
    pieces.map((piece, index) => (index % 2 === 1 ? html`<a href="${piece}">${piece}</a>` : html`${piece}`)),
  );
}

/** In TIME_ZONE: another day than the millisecond before. */
function isMidnight(at: Date, texts: Texts): boolean {
  return texts.day(at) !== texts.lastDay(at);
}

function below(basePath: string, logo: Logo): Logo {
  return { ...logo, light: basePath + logo.light, dark: logo.dark === null ? null : basePath + logo.dark };
}

/** A path with `lang` set, before its fragment and after what else it asks. */
function withLocale(path: string, locale: string): string {
  const [, address = '', fragment = ''] = /^([^#]*)(#.*)?$/.exec(path) ?? [];
  // A fragment alone stays on the page it is on.
  if (address === '') return fragment;
  return `${address}${address.includes('?') ? '&' : '?'}lang=${encodeURIComponent(locale)}${fragment}`;
}

/** A blank line ends a paragraph, a single line break stays one. */
function paragraphsHtml(text: string, original: Original | null, mark?: 'ins' | 'del'): Html {
  const tag = original?.texts.has(text) ? html`p ${marksOf(original)}` : html`p`;
  const paragraphs = text.trim().split(/\n[ \t]*\n\s*/);
  return joinHtml(
    paragraphs.map((paragraph) => {
      const lines = joinHtml(
        paragraph.split('\n').map((line) => html`${line}`),
        html`<br>`,
      );
      const marked = mark === 'ins' ? html`<ins>${lines}</ins>` : mark === 'del' ? html`<del>${lines}</del>` : lines;
      return html`<${tag}>${marked}</p>`;
    }),
  );
}
