import type { FastifyPluginAsync } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppDeps } from '../../app.js';
import { browseAudit } from '../../audit/browse.js';
import { auditEntryJson, auditEntrySchema, pageQuery } from './wire.js';

/** The record of who did what, newest first. */
export function auditRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (scope) => {
    scope.withTypeProvider<ZodTypeProvider>().get(
      '/api/v1/audit',
      {
        config: { permission: 'admin' },
        schema: {
          operationId: 'listAudit',
          tags: ['audit'],
          summary: 'The audit log, newest first',
          querystring: z.object(pageQuery({ most: 1_000, usual: 100 })),
          response: { 200: z.object({ entries: z.array(auditEntrySchema), next: z.number().int().nullable() }) },
        },
      },
      async ({ query }) => {
        const { entries, next } = await browseAudit(deps.db, query);
        return { entries: entries.map(auditEntryJson), next };
      },
    );
  };
}
