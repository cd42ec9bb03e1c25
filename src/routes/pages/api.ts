import type { FastifyPluginAsync } from 'fastify';
import type { AppDeps } from '../../app.js';
import { apiView } from './api-view.js';

/** `/api`: what /openapi.json says, to be read by people. */
export function apiPageRoutes(deps: AppDeps): FastifyPluginAsync {
  const { config, kept, pages } = deps;
  return async (app) => {
    app.get('/api', async (request, reply) =>
      kept.send(request, reply, '/api', async (choice) =>
        pages.render('api', { view: apiView(app.swagger(), config.publicUrl) }, choice, '/api'),
      ),
    );
  };
}
