import type { FastifyPluginAsync } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppDeps } from '../../app.js';
import { Refusal } from '../../errors.js';
import { mappingSchema } from '../../list/import/mapping.js';
import { mostBytes } from '../../list/import/read-source.js';
import { applyPrepared, prepareImport } from '../../versions/import.js';
import { importModes, pairDecisionsSchema } from '../../versions/import-plan.js';
import { actorOf } from '../guard.js';
import { etagOf, revisionOf } from './draft.js';
import { importReport, importReportSchema } from './import-json.js';

/** What the formats are called; whatever else comes is told by its content. */
const mediaTypes = [
  'text/html',
  'text/csv',
  'text/markdown',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  'application/json',
  'application/yaml',
  'text/plain',
  'application/octet-stream',
];

const json = z.string().max(200_000).optional();

/** A list as people have it, into the draft: looked at first, written when asked to. */
export function draftImportRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser<Buffer>('*', { parseAs: 'buffer' }, async (_request: unknown, body: Buffer) => body);
    scope.withTypeProvider<ZodTypeProvider>().post(
      '/api/v1/draft/import',
      {
        config: { permission: 'editor' },
        // Past the limit of the import itself, so that the answer names that.
        bodyLimit: mostBytes + 1024 * 1024,
        schema: {
          operationId: 'importDraft',
          tags: ['draft'],
          summary: 'What a file would make of the draft, row by row; with `apply=true` it becomes the draft',
          description:
            'A saved page (HTML), an Excel workbook, CSV, Markdown, JSON or YAML as the body. Without `apply` nothing is written. A stale If-Match is 412; without one the draft must be the one that the file was compared with.',
          consumes: mediaTypes,
          headers: z.looseObject({ 'if-match': z.string().optional() }),
          querystring: z.object({
            fileName: z.string().max(500).optional().describe('Tells the format where the content leaves it open'),
            mode: z
              .enum(importModes)
              .optional()
              .describe('`replace` (default): it is the whole list; `merge`: it adds'),
            apply: z.stringbool().default(false),
            mapping: json.describe('JSON, as `mapping` of the answer'),
            pairs: json.describe(
              'JSON: by the `key` of a suggestion one of its `choices`, or null when they are not the same',
            ),
          }),
          body: z.custom<Buffer>((body) => Buffer.isBuffer(body) && body.length > 0, 'is missing: send the file'),
          response: { 200: importReportSchema },
        },
      },
      async (request, reply) => {
        const { fileName, mode, apply } = request.query;
        const mapping = parsed(mappingSchema, request.query.mapping, 'mapping');
        const pairs = parsed(pairDecisionsSchema, request.query.pairs, 'pairs');
        const hint = { fileName, contentType: request.headers['content-type'] };
        const prepared = await prepareImport(deps.db, { bytes: request.body, hint }, { mapping, mode, pairs });
        if (!apply) return importReport(prepared, null);
        const ifRevision = revisionOf(request.headers['if-match']);
        const { revision } = await applyPrepared(deps, prepared, { ifRevision }, actorOf(request));
        reply.header('etag', etagOf(revision));
        return importReport(prepared, revision);
      },
    );
  };
}

/** JSON within a query. Refuses `input.invalid`, with paths into it. */
function parsed<T>(schema: z.ZodType<T>, text: string | undefined, name: string): T | undefined {
  if (text === undefined) return undefined;
  const found = schema.safeParse(jsonOf(text));
  if (found.success) return found.data;
  throw new Refusal(
    'input.invalid',
    `The query's \`${name}\` does not have the form that the answer shows.`,
    found.error.issues.map(({ path, message }) => ({ path: [name, ...path].join('.'), message })),
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
