import type { FastifyPluginAsync } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppDeps } from '../../app.js';
import { entryRefSchema } from '../../list/entry-ref.js';
import { type DraftEdit, readEdits } from '../../versions/draft-edit.js';
import { pageQuery } from './wire.js';

const editSchema = z
  .object({
    id: z.number().int(),
    revision: z.number().int().describe('The revision of the draft that it made'),
    at: z.iso.datetime(),
    actor: z.looseObject({ kind: z.string() }),
    steps: z
      .array(
        z.looseObject({
          step: z.enum(['set', 'add', 'remove', 'move']),
          ref: z.string().describe('The entry, such as `sub-processor/twilio`; `list`: title and introduction'),
        }),
      )
      .nullable()
      .describe('`set`: a field with `before` and `after`; null: the whole draft was replaced'),
    undoes: z.number().int().nullable().describe('The edit that it took back'),
    undoneBy: z.number().int().nullable().describe('The edit that took it back'),
  })
  .meta({ id: 'DraftEdit' });

/** Who changed what in the draft. */
export function draftEditsRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (scope) => {
    scope.withTypeProvider<ZodTypeProvider>().get(
      '/api/v1/draft/edits',
      {
        config: { permission: 'viewer' },
        schema: {
          operationId: 'listDraftEdits',
          tags: ['draft'],
          summary: 'What was done to the draft, newest first, with before and after',
          querystring: z.object({
            ref: entryRefSchema.optional().describe('Only what was done to that entry, such as `sub-processor/twilio`'),
            since: z.coerce.number().int().min(0).optional().describe('Only what came after that revision'),
            ...pageQuery({ most: 500, usual: 100 }),
          }),
          response: { 200: z.object({ edits: z.array(editSchema), next: z.number().int().nullable() }) },
        },
      },
      async ({ query: { after, ...query } }) => {
        const { edits, next } = await readEdits(deps.db, { before: after, ...query });
        return { edits: edits.map(editJson), next };
      },
    );
  };
}

function editJson({ by, at, hasBefore: _, ...edit }: DraftEdit): z.infer<typeof editSchema> {
  return { ...edit, at: at.toISOString(), actor: { ...by }, steps: edit.steps?.map((step) => ({ ...step })) ?? null };
}
