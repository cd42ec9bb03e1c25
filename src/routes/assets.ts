import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import type { FastifyPluginAsync } from 'fastify';
import type { Look, Picture } from '../look.js';
import { type Answer, createAnswer } from './answer.js';
import { lookCss } from './look-css.js';

const folder = new URL('../../templates/pages/', import.meta.url);

interface Asset {
  body: Buffer;
  type: string;
  /** Twelve characters of the content's hash: another content has another address. */
  mark: string;
  /** How it is sent at that address, and at one that carries another mark. */
  lasting: Answer;
  passing: Answer;
}

/** The stylesheets, pictures and scripts of templates/pages, read once at start. */
export interface Assets {
  /** `/assets/style.<mark>.css` for `style.css`, without the base path. Throws for a file that is not there. */
  path(file: string): string;
  find(file: string): Asset | undefined;
  /** The company's logo, its addresses like those of `path`; null: there is none. */
  logo: Logo | null;
  /** Addresses of the fonts of the settings. */
  fonts: string[];
}

export interface Logo {
  light: string;
  /** For a dark ground; null: the one picture serves both. */
  dark: string | null;
  width: number;
  height: number;
}

/**
 * Reads every stylesheet, as one file with style.css first and the look of the settings last, and every picture
 * and script beside the page templates. Logo and fonts of the settings are files among them.
 */
export function readAssets(look: Look): Assets {
  const assets = new Map<string, Asset>();
  const { logo, fonts } = look;
  const pictures = { logo: logo?.light ?? null, 'logo-dark': logo?.dark ?? null };
  for (const [name, picture] of Object.entries(pictures)) {
    if (picture !== null) assets.set(name + endings[picture.type], assetOf(picture.body, picture.type));
  }
  if (fonts.regular !== null) assets.set('font.woff2', assetOf(fonts.regular.body, 'font/woff2'));
  if (fonts.bold !== null) assets.set('font-bold.woff2', assetOf(fonts.bold.body, 'font/woff2'));
  const files = readdirSync(folder).sort();
  const read = (file: string) => readFileSync(new URL(file, folder));
  const styles = ['style.css', ...files.filter((file) => file.endsWith('.css') && file !== 'style.css')];
  // Beside the stylesheet, wherever that is.
  const besides = (file: string) => (assets.has(file) ? path(file).replace('/assets/', '') : null);
  const own = lookCss(look, { regular: besides('font.woff2'), bold: besides('font-bold.woff2') });
  assets.set('style.css', assetOf(Buffer.concat([...styles.map(read), Buffer.from(own)]), 'text/css; charset=utf-8'));
  for (const file of files) {
    if (file.endsWith('.svg')) assets.set(file, assetOf(read(file), 'image/svg+xml'));
    if (file.endsWith('.js')) assets.set(file, assetOf(read(file), 'text/javascript; charset=utf-8'));
  }
  return {
    find: (file) => assets.get(file),
    path,
    logo: logo === null ? null : { ...sizeOf(logo.light), light: picture('logo', logo.light), dark: darkLogo() },
    fonts: ['font.woff2', 'font-bold.woff2'].filter((file) => assets.has(file)).map(path),
  };

  function picture(name: string, { type }: Picture): string {
    return path(name + endings[type]);
  }

  function darkLogo(): string | null {
    return logo === null || logo.dark === null ? null : picture('logo-dark', logo.dark);
  }

  function path(file: string): string {
    const asset = assets.get(file);
    if (asset === undefined) throw new Error(`there is no templates/pages/${file}`);
    const ending = extname(file);
    return `/assets/${file.slice(0, -ending.length)}.${asset.mark}${ending}`;
  }
}

function sizeOf({ width, height }: Picture): { width: number; height: number } {
  return { width: Math.round(width), height: Math.round(height) };
}

const endings: Readonly<Record<Picture['type'], string>> = {
  'image/svg+xml': '.svg',
  'image/png': '.png',
  'image/jpeg': '.jpg',
};

function assetOf(body: Buffer, type: string): Asset {
  const mark = createHash('sha256').update(body).digest('hex').slice(0, 12);
  const rendered = { body, type, etag: `"${mark}"`, locale: '' };
  const sent = (control: string) =>
    createAnswer(rendered, { byLanguage: false, caching: { 'cache-control': control } });
  return { body, type, mark, lasting: sent('public, max-age=31536000, immutable'), passing: sent('no-cache') };
}

/**
 * Files at addresses that carry their content's hash, to be kept for a year. An unknown hash is
 * answered with the present file, briefly: while instances are replaced one by one, a page of the new
 * version may ask an instance of the old one, and an unstyled page would be worse than a dated style.
 */
export function assetRoutes(deps: { pages: { assets: Assets } }): FastifyPluginAsync {
  return async (app) => {
    app.get<{ Params: { file: string } }>('/assets/:file', async (request, reply) => {
      const [, name, mark, ending] = /^([a-z-]+)\.([0-9a-f]{12})(\.[a-z0-9]+)$/.exec(request.params.file) ?? [];
      const asset = deps.pages.assets.find(`${name}${ending}`);
      if (asset === undefined) return reply.callNotFound();
      return (mark === asset.mark ? asset.lasting : asset.passing).send(request, reply, null);
    });
  };
}
