import type { FastifyPluginAsync } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppDeps } from '../../app.js';
import { Refusal } from '../../errors.js';
import { mappingSchema } from '../../list/import/mapping.js';
import { mostBytes } from '../../list/import/read-source.js';
import { unreadable } from '../../list/import/unreadable.js';
import { applyPrepared, prepareImport } from '../../versions/import.js';
import { importModes, pairDecisionsSchema } from '../../versions/import-plan.js';
import { actorOf } from '../guard.js';
import { takeUploads, uploadedFile } from '../uploads.js';
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
  'multipart/form-data',
];

const json = z.string().max(200_000).optional();

/** The file among fields: an address has no room for the mapping of a large page. */
const formSchema = z.strictObject({
  file: uploadedFile,
  mapping: z.string().optional(),
  pairs: z.string().optional(),
});
type Form = z.infer<typeof formSchema>;

/** A list as people have it, into the draft: looked at first, written when asked to. */
export function draftImportRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser<Buffer>('*', { parseAs: 'buffer' }, async (_request: unknown, body: Buffer) => body);
    await takeUploads(scope, {
      fileSize: mostBytes,
      onTooLarge: async () => {
        throw unreadable('too-large');
      },
    });
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
            'A saved page (HTML), an Excel workbook, CSV, Markdown, JSON or YAML as the body, or as `file` of a form (`multipart/form-data`) that may hold `mapping` and `pairs`, too. Without `apply` nothing is written; the ETag is that of the draft which the file was compared with. A stale If-Match is 412; without one the draft must be the one that the file was compared with.',
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
          body: z.custom<Buffer | Form>(
            (body) => (Buffer.isBuffer(body) ? body.length > 0 : formSchema.safeParse(body).success),
            'is missing: send the file, alone or as `file` of a form that holds nothing else but `mapping` and `pairs`',
          ),
          response: { 200: importReportSchema },
        },
      },
      async (request, reply) => {
        const { body, query } = request;
        const { mode, apply } = query;
        const form: Form = Buffer.isBuffer(body)
          ? { file: { bytes: body, name: '', type: request.headers['content-type'] ?? '' } }
          : body;
        const { bytes, name, type } = form.file;
        const mapping = parsed(mappingSchema, form.mapping ?? query.mapping, 'mapping');
        const pairs = parsed(pairDecisionsSchema, form.pairs ?? query.pairs, 'pairs');
        const hint = { fileName: query.fileName ?? name, contentType: type };
        const prepared = await prepareImport(deps.db, { bytes, hint }, { mapping, mode, pairs });
        if (!apply) {
          reply.header('etag', etagOf(prepared.draftRevision));
          return importReport(prepared, null);
        }
        const ifRevision = revisionOf(request.headers['if-match']);
        const { revision } = await applyPrepared(deps, prepared, { ifRevision }, actorOf(request));
        reply.header('etag', etagOf(revision));
        return importReport(prepared, revision);
      },
    );
  };
}

/** JSON within a query or a field. Refuses `input.invalid`, with paths into it. */
function parsed<T>(schema: z.ZodType<T>, text: string | undefined, name: string): T | undefined {
  if (text === undefined) return undefined;
  const found = schema.safeParse(jsonOf(text));
  if (found.success) return found.data;
  throw new Refusal(
    'input.invalid',
    `\`${name}\` does not have the form that the answer shows.`,
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
