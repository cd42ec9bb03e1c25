import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest, preHandlerAsyncHookHandler } from 'fastify';
import { Refusal } from '../errors.js';
import { networkOf } from './network.js';

declare module 'fastify' {
  interface FastifyInstance {
    /** `onRequest` of every route that asks us to write to somebody: one count for all of them. */
    limitForms: preHandlerAsyncHookHandler;
  }
}

/**
 * How often one network may ask us to write to somebody, by form and API together: it protects the
 * service; whoever is written to is protected by subscribers/limits.ts, whatever network asks.
 */
export const formLimit = {
  max: 60,
  timeWindow: 10 * 60 * 1000,
  keyGenerator: (request: FastifyRequest) => networkOf(request.ip),
};

/** Makes `app.limitForms`, which refuses `rate.exceeded`. Call it before the routes are registered. */
export async function registerFormLimit(app: FastifyInstance): Promise<void> {
  await app.register(rateLimit, {
    global: false,
    errorResponseBuilder: (_request, { ttl }) =>
      new Refusal('rate.exceeded', `Too many requests; try again in ${Math.ceil(ttl / 1_000)} seconds.`),
  });
  // One handler, not the `config` of each route: the plugin counts routes apart, whatever their group.
  app.decorate('limitForms', app.rateLimit(formLimit));
}
