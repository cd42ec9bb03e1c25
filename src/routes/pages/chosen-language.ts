import type { FastifyRequest } from 'fastify';

/** The language chosen in the address goes along with a redirect. */
export function languageOf(request: FastifyRequest): string {
  const lang = new URLSearchParams(request.url.split('?')[1]).get('lang');
  return lang === null ? '' : `?lang=${encodeURIComponent(lang)}`;
}
