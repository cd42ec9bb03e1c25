import type { FastifyPluginAsync } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppDeps } from '../../app.js';
import { browseAudit } from '../../audit/browse.js';
import { exportAuditCsv, exportAuditLines } from '../../audit/export.js';
import { sendDownload } from '../download.js';
import { auditEntryJson, auditEntrySchema, pageQuery } from './wire.js';

const instant = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text))
  .optional();
const filters = {
  action: z.string().max(100).optional().describe('An action, or the part before its dot: `version`'),
  subject: z.string().max(200).optional().describe('Such as `version 3`'),
  actor: z.string().max(100).optional().describe('Such as `admin 2`, `token 5` or `system`'),
  q: z.string().max(200).optional().describe('A part of the subject, the detail or the origin'),
  since: instant.describe('Not before'),
  until: instant.describe('Before'),
};

/** The record of who did what, newest first; and whole, as a chain that anybody can check. */
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
          querystring: z.object({ ...pageQuery({ most: 1_000, usual: 100 }), ...filters }),
          response: { 200: z.object({ entries: z.array(auditEntrySchema), next: z.number().int().nullable() }) },
        },
      },
      async ({ query }) => {
        const { entries, next } = await browseAudit(deps.db, query);
        return { entries: entries.map(auditEntryJson), next };
      },
    );

    scope.get(
      '/api/v1/audit.jsonl',
      {
        config: { permission: 'admin' },
        schema: {
          operationId: 'exportAudit',
          tags: ['audit'],
          summary: 'The whole log as links of its hash chain, oldest first',
        },
      },
      async (_request, reply) => sendDownload(reply, 'audit.jsonl', exportAuditLines(deps.db)),
    );

    scope.get(
      '/api/v1/audit.csv',
      {
        config: { permission: 'admin' },
        schema: { operationId: 'exportAuditTable', tags: ['audit'], summary: 'The whole log as a table, oldest first' },
      },
      async (_request, reply) => sendDownload(reply, 'audit.csv', exportAuditCsv(deps.db)),
    );
  };
}
