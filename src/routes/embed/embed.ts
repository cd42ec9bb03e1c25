import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { AppDeps } from '../../app.js';
import type { Config } from '../../config.js';
import { Refusal } from '../../errors.js';
import { frameLookCss } from '../look-css.js';
import { isFresh, type LocaleChoice, renderedOf } from '../render.js';
import { createEmbedContent, parts } from './content.js';
import { markupForFrame, nodesOf } from './nodes.js';
import { missingOf, type Theme, themeCss, themeParams, themeQuery } from './theme.js';

/*
 * The list in pages of others, where the settings allow it (EMBED_ORIGINS): as a frame, or as nodes that a
 * script puts into the page. Nothing here knows who reads: no cookie is set or read.
 */

const query = z.object({ part: z.enum(parts).default('all'), ...themeParams });

const read = (file: string) => readFileSync(new URL(`../../../templates/embed/${file}`, import.meta.url), 'utf8');

/** Frame, script and data. No route at all where EMBED_ORIGINS is not set. */
export function embedRoutes(deps: AppDeps): FastifyPluginAsync {
  const { config, kept, pages } = deps;
  const { embedOrigins } = config;
  const files = { css: read('embed.css'), js: read('embed.js'), frameJs: read('frame.js') };
  const frameCss = `${files.css}${read('frame.css')}${frameLookCss(config.look)}`;
  // Another content, another address: no frame is shown with the style of an older build.
  const mark = createHash('sha256').update(frameCss).update(files.frameJs).digest('hex').slice(0, 12);
  const contentOf = createEmbedContent(deps);
  const basePath = new URL(config.publicUrl).pathname.replace(/\/$/, '');

  function framePage(markup: string, title: string, look: string, choice: LocaleChoice) {
    const data = {
      title,
      content: markupForFrame(markup),
      styles: `${basePath}/embed/frame.css?v=${mark}${look === '' ? '' : `&${look}`}`,
      frameScript: `${basePath}/embed/frame.js?v=${mark}`,
    };
    return pages.render('embed-frame', data, choice, '/embed');
  }

  return async (app) => {
    if (embedOrigins === null) return;
    app.addHook('onRequest', async (request, reply) => openTo(embedOrigins, request, reply));
    app.addHook('onSend', async (_request, reply) => {
      // What is sent depends on who asks, where not everybody may.
      if (embedOrigins !== 'any') reply.header('vary', joined(reply.getHeader('vary'), 'Origin'));
    });

    app.get('/embed', async (request, reply) => {
      const { part, ...theme } = readQuery(request);
      const look = themeQuery(theme);
      return kept.send(request, reply, `/embed ${part} ${look}`, async (choice) => {
        const { markup, title } = await contentOf(part, choice);
        return framePage(markup, title, look, choice);
      });
    });
    app.get('/embed.json', async (request, reply) => {
      const { part } = readQuery(request);
      return kept.send(request, reply, `/embed.json ${part}`, async (choice) => {
        const { markup } = await contentOf(part, choice);
        // With the language that was asked for, since a visitor's browser need not have it.
        const page = pages.href(choice.chosen ? `/?lang=${choice.locale}` : '/');
        const { dir } = deps.texts.for(choice.locale);
        const answer = { lang: choice.locale, dir, css: files.css, nodes: nodesOf(markup, page) };
        return renderedOf(JSON.stringify(answer), 'application/json; charset=utf-8', choice.locale);
      });
    });

    app.get('/embed.js', async (request, reply) => sendFile(request, reply, files.js, 'text/javascript'));
    app.get('/embed/frame.js', async (request, reply) => sendFile(request, reply, files.frameJs, 'text/javascript'));
    app.get('/embed/frame.css', async (request, reply) =>
      sendFile(request, reply, frameCss + themeCss(readQuery(request)), 'text/css'),
    );
  };
}

/** Refuses `input.invalid`, naming each parameter that is wrong. */
function readQuery(request: FastifyRequest): z.infer<typeof query> & Theme {
  const read = query.safeParse(request.query);
  const missing = read.success ? missingOf(read.data) : null;
  const errors = read.success
    ? missing === null
      ? []
      : [{ path: missing, message: 'is missing; color and background go together' }]
    : read.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }));
  if (read.success && errors.length === 0) return read.data;
  throw new Refusal('input.invalid', 'The query does not have the form that this address takes.', errors);
}

/** The headers of every other answer keep a page of ours to itself; these may be shown and read elsewhere. */
function openTo(origins: NonNullable<Config['embedOrigins']>, request: FastifyRequest, reply: FastifyReply): void {
  const ancestors = origins === 'any' ? '*' : origins.join(' ');
  reply.removeHeader('x-frame-options');
  reply.header(
    'content-security-policy',
    `default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; object-src 'none'; require-trusted-types-for 'script'; frame-ancestors ${ancestors}`,
  );
  reply.header('cross-origin-resource-policy', 'cross-origin');
  const { origin } = request.headers;
  if (origins === 'any') reply.header('access-control-allow-origin', '*');
  else if (origin !== undefined && origins.includes(origin)) reply.header('access-control-allow-origin', origin);
}

function sendFile(request: FastifyRequest, reply: FastifyReply, text: string, type: string): FastifyReply {
  const { body, etag } = renderedOf(text, type, 'en');
  reply.header('etag', etag).header('cache-control', 'public, max-age=600');
  if (isFresh(request.headers['if-none-match'], etag)) return reply.code(304).send();
  return reply.type(`${type}; charset=utf-8`).send(body);
}

function joined(vary: number | string | string[] | undefined, name: string): string {
  return [...(vary === undefined ? [] : [String(vary)]), name].join(', ');
}
