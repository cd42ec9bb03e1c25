import type { FastifyInstance } from 'fastify';

/**
 * Pages behind a link with a token: the address opens something, so it goes to nobody else (no referrer),
 * into no cache and no search engine (ASVS 14.2.1, 14.3.2). Set before anything can fail.
 */
export function keepPrivate(scope: FastifyInstance): void {
  scope.addHook('onRequest', async (_request, reply) => {
    reply
      .header('referrer-policy', 'no-referrer')
      .header('cache-control', 'no-store')
      .header('x-robots-tag', 'noindex, nofollow');
  });
}
