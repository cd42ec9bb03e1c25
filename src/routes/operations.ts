import type { FastifyPluginAsync } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppDeps } from '../app.js';
import { pendingMigrations } from '../database/migrate.js';
import { migrations } from '../open.js';
import { isDatabaseAway } from './problem.js';

const tags = ['operations'];

/** For whoever runs the service: is the process alive, can it do its work, what does the API look like. */
export function operationRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (scope) => {
    const app = scope.withTypeProvider<ZodTypeProvider>();
    app.get(
      '/healthz',
      {
        schema: {
          operationId: 'health',
          tags,
          security: [],
          summary: 'The process answers; says nothing of the database',
          response: { 200: z.object({ status: z.literal('ok') }) },
        },
      },
      async (_request, reply) => {
        reply.header('cache-control', 'no-store');
        return { status: 'ok' as const };
      },
    );
    app.get(
      '/readyz',
      {
        schema: {
          operationId: 'readiness',
          tags,
          security: [],
          summary: 'The database answers and has every migration of this build',
          response: { 200: readySchema, 503: readySchema },
        },
      },
      async (_request, reply) => {
        const checks = await readiness(deps);
        const ready = checks.database === 'ok' && checks.migrations === 'ok';
        reply.header('cache-control', 'no-store').code(ready ? 200 : 503);
        return { status: ready ? ('ok' as const) : ('not-ready' as const), checks };
      },
    );
    // Without a schema: the document does not describe itself.
    app.get('/openapi.json', async (_request, reply) =>
      reply.header('cache-control', 'public, max-age=300').send(scope.swagger()),
    );
  };
}

const readySchema = z.object({
  status: z.enum(['ok', 'not-ready']),
  checks: z.object({ database: z.enum(['ok', 'away']), migrations: z.enum(['ok', 'missing', 'unknown']) }),
});

async function readiness({ db }: Pick<AppDeps, 'db'>): Promise<z.infer<typeof readySchema>['checks']> {
  try {
    const missing = await pendingMigrations(db, migrations);
    return { database: 'ok', migrations: missing.length === 0 ? 'ok' : 'missing' };
  } catch (error) {
    if (!isDatabaseAway(error)) throw error;
    return { database: 'away', migrations: 'unknown' };
  }
}
