import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import type { FastifyPluginAsync } from 'fastify';

const folder = new URL('../../templates/pages/', import.meta.url);

interface Asset {
  body: Buffer;
  type: string;
  /** Twelve characters of the content's hash: another content has another address. */
  mark: string;
}

/** The stylesheets, pictures and scripts of templates/pages, read once at start. */
export interface Assets {
  /** `/assets/style.<mark>.css` for `style.css`, without the base path. Throws for a file that is not there. */
  path(file: string): string;
  find(file: string): Asset | undefined;
}

/** Reads every stylesheet, as one file with style.css first, and every picture and script beside the page templates. */
export function readAssets(): Assets {
  const assets = new Map<string, Asset>();
  const files = readdirSync(folder).sort();
  const read = (file: string) => readFileSync(new URL(file, folder));
  const styles = ['style.css', ...files.filter((file) => file.endsWith('.css') && file !== 'style.css')];
  assets.set('style.css', assetOf(Buffer.concat(styles.map(read)), 'text/css; charset=utf-8'));
  for (const file of files) {
    if (file.endsWith('.svg')) assets.set(file, assetOf(read(file), 'image/svg+xml'));
    if (file.endsWith('.js')) assets.set(file, assetOf(read(file), 'text/javascript; charset=utf-8'));
  }
  return {
    find: (file) => assets.get(file),
    path(file) {
      const asset = assets.get(file);
      if (asset === undefined) throw new Error(`there is no templates/pages/${file}`);
      const ending = extname(file);
      return `/assets/${file.slice(0, -ending.length)}.${asset.mark}${ending}`;
    },
  };
}

function assetOf(body: Buffer, type: string): Asset {
  return { body, type, mark: createHash('sha256').update(body).digest('hex').slice(0, 12) };
}

/**
 * Files at addresses that carry their content's hash, to be kept for a year. An unknown hash is
 * answered with the present file, briefly: while instances are replaced one by one, a page of the new
 * version may ask an instance of the old one, and an unstyled page would be worse than a dated style.
 */
export function assetRoutes(deps: { pages: { assets: Assets } }): FastifyPluginAsync {
  return async (app) => {
    app.get<{ Params: { file: string } }>('/assets/:file', async (request, reply) => {
      const [, name, mark, ending] = /^([a-z-]+)\.([0-9a-f]{12})(\.[a-z]+)$/.exec(request.params.file) ?? [];
      const asset = deps.pages.assets.find(`${name}${ending}`);
      if (asset === undefined) return reply.callNotFound();
      const lasting = mark === asset.mark ? 'public, max-age=31536000, immutable' : 'no-cache';
      return reply.type(asset.type).header('cache-control', lasting).send(asset.body);
    });
  };
}
