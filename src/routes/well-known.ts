import type { FastifyPluginAsync } from 'fastify';
import type { z } from 'zod';
import type { AppDeps } from '../app.js';
import { readBoard, readVersions } from '../versions/read.js';
import { described } from './described.js';
import type { directorySchema } from './directory.js';
import { formats } from './formats.js';
import { renderedOf } from './render.js';
import { describedBy, schemaPath } from './schemas.js';

/*
 * What programs find without being told (RFC 8615): where the list and all about it is, and whom to tell of a
 * hole (RFC 9116).
 */

/** Days that a security.txt says it holds; RFC 9116 advises less than a year. */
const holdsForDays = 180;
const day = 24 * 60 * 60_000;

/** `/.well-known/…`. */
export function wellKnownRoutes(deps: AppDeps): FastifyPluginAsync {
  const { config, kept, pages } = deps;
  return async (app) => {
    const path = '/.well-known/sub-processors.json';
    app.get(
      path,
      described('readDirectory', 'Where the list and all about it is (application/json)'),
      async (request, reply) =>
        kept.sendNeutral(request, describedBy(reply, deps, 'directory'), path, async () =>
          renderedOf(`${JSON.stringify(await directoryOf(deps), null, 1)}\n`, 'application/json; charset=utf-8', ''),
        ),
    );

    const { securityContact } = config;
    // Without a contact there is nothing to say, and the address is not there.
    if (securityContact === null) return;
    const told = described('readSecurityContact', 'Whom to tell of a hole in the service (text/plain, RFC 9116)');
    app.get('/.well-known/security.txt', told, async (request, reply) => {
      const today = Math.floor(deps.now().getTime() / day) * day;
      return kept.sendNeutral(request, reply, `security.txt ${today}`, async () => {
        const lines = [
          `Contact: ${securityContact}`,
          // The same all day long, so that nobody fetches it anew for nothing.
          `Expires: ${new Date(today + holdsForDays * day).toISOString()}`,
          `Preferred-Languages: ${deps.texts.locales.join(', ')}`,
          `Canonical: ${pages.href('/.well-known/security.txt')}`,
        ];
        return renderedOf(`${lines.join('\n')}\n`, 'text/plain; charset=utf-8', '');
      });
    });
    app.get('/security.txt', async (_request, reply) => reply.redirect(pages.href('/.well-known/security.txt'), 301));
  };
}

async function directoryOf(deps: AppDeps): Promise<z.infer<typeof directorySchema>> {
  const { config, pages, texts } = deps;
  const { inForce, announced } = await readBoard(deps.db, deps.now());
  const changes = (await readVersions(deps.db, deps.now())).map(({ withdrawnAt, publishedAt }) =>
    (withdrawnAt ?? publishedAt).getTime(),
  );
  return {
    company: config.companyName,
    title: inForce?.document.title ?? null,
    version: inForce?.number ?? null,
    hash: inForce?.hash ?? null,
    effectiveAt: inForce?.effectiveAt.toISOString() ?? null,
    announced: announced.map(({ number, effectiveAt, objectionDeadline }) => ({
      version: number,
      effectiveAt: effectiveAt.toISOString(),
      objectionDeadline: objectionDeadline?.toISOString() ?? null,
    })),
    changedAt: changes.length === 0 ? null : new Date(Math.max(...changes)).toISOString(),
    dpaUrl: inForce?.document.dpaUrl ?? null,
    contact: config.mailReplyTo ?? config.mailFrom.address,
    languages: texts.locales,
    links: {
      page: pages.href('/'),
      versions: pages.href('/versions'),
      subscribe: pages.href('/subscribe'),
      api: pages.href('/api'),
      schema: pages.href(schemaPath('list')),
    },
    formats: formats.map(({ path, type }) => ({ url: pages.href(path), type })),
  };
}
