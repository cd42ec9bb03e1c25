import type { FastifyPluginAsync } from 'fastify';
import type { AppDeps } from '../app.js';
import { escapeMarkup } from '../mail/escape.js';
import { readBoard, readVersions } from '../versions/read.js';
import { described } from './described.js';
import { renderedOf } from './render.js';

/*
 * For search engines: which pages there are, in which languages, and which are nobody's business
 * (RFC 9309, sitemaps.org).
 */

/** A sitemap holds 50,000 addresses at most; the newest versions come first. */
const mostPages = 5_000;

/** `/robots.txt` and `/sitemap.xml`. */
export function crawlerRoutes(deps: AppDeps): FastifyPluginAsync {
  const { kept, pages } = deps;
  const base = new URL(deps.config.publicUrl).pathname.replace(/\/$/, '');
  return async (app) => {
    app.get('/robots.txt', async (request, reply) =>
      kept.sendNeutral(request, reply, '/robots.txt', async () => {
        const hidden = ['/admin', '/api/', '/confirm/', '/unsubscribe/', '/preferences/', '/manage/', '/objections/'];
        const lines = [
          'User-agent: *',
          ...hidden.map((path) => `Disallow: ${base}${path}`),
          '',
          `Sitemap: ${pages.href('/sitemap.xml')}`,
        ];
        return renderedOf(`${lines.join('\n')}\n`, 'text/plain; charset=utf-8', '');
      }),
    );
    app.get('/sitemap.xml', described('readSitemap', 'Every public page (application/xml)'), async (request, reply) =>
      kept.sendNeutral(request, reply, '/sitemap.xml', async () =>
        renderedOf(sitemap(deps, await placesOf(deps)), 'application/xml; charset=utf-8', ''),
      ),
    );
  };
}

interface Place {
  path: string;
  changedAt: Date | null;
}

async function placesOf({ db, now }: Pick<AppDeps, 'db' | 'now'>): Promise<Place[]> {
  const versions = await readVersions(db, now());
  const { inForce } = await readBoard(db, now());
  const newest = versions[0] === undefined ? null : (versions[0].withdrawnAt ?? versions[0].publishedAt);
  return [
    { path: '/', changedAt: newest },
    { path: '/versions', changedAt: newest },
    { path: '/subscribe', changedAt: null },
    ...versions.map(({ number, publishedAt, withdrawnAt }) => ({
      path: `/versions/${number}`,
      changedAt: withdrawnAt ?? publishedAt,
    })),
    ...(inForce?.document.subProcessors ?? []).map(({ id }) => ({
      path: `/sub-processors/${encodeURIComponent(id)}`,
      changedAt: null,
    })),
  ].slice(0, mostPages);
}

function sitemap({ pages, texts }: Pick<AppDeps, 'pages' | 'texts'>, places: readonly Place[]): string {
  const address = (path: string, locale?: string) =>
    escapeMarkup(pages.href(path) + (locale === undefined ? '' : `?lang=${locale}`));
  const entries = places.map(({ path, changedAt }) =>
    [
      '<url>',
      `<loc>${address(path)}</loc>`,
      ...(changedAt === null ? [] : [`<lastmod>${changedAt.toISOString()}</lastmod>`]),
      ...texts.locales.map((locale) => {
        return `<xhtml:link rel="alternate" hreflang="${locale}" href="${address(path, locale)}"/>`;
      }),
      `<xhtml:link rel="alternate" hreflang="x-default" href="${address(path)}"/>`,
      '</url>',
    ].join(''),
  );
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:xhtml="http://www.w3.org/1999/xhtml">',
    ...entries,
    '</urlset>\n',
  ].join('\n');
}
