import type { FastifyPluginAsync, FastifyReply } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppDeps } from '../../app.js';
import { severitySchema } from '../../list/change.js';
import { changeKeySchema, type Grading } from '../../list/grading.js';
import { draftMissing, readDraft } from '../../versions/draft.js';
import { putGradings, putMessage, readGradings, tagOf } from '../../versions/review.js';
import { actorOf } from '../guard.js';

const tags = ['draft'];
const ifMatch = z.looseObject({ 'if-match': z.string().optional() });
const messageSchema = z.object({
  message: z.string().max(20_000).nullable().describe('What publishing sends when it is given none; null: nothing'),
});
const wantedSchema = z.strictObject({
  ...changeKeySchema.shape,
  severity: severitySchema,
  reason: z
    .string()
    .max(5_000)
    .default('')
    .describe('Subscribers read it; may be left out for the severity of the rules'),
});
const gradingsSchema = z.object({
  gradings: z.array(
    z.object({
      ...changeKeySchema.shape,
      severity: severitySchema,
      reason: z.string(),
      from: severitySchema.describe('What the rules said when it was set'),
      holds: z.boolean().describe('false: what was lowered says something else by now, or is no change any more'),
    }),
  ),
});

/** What goes with the draft beside its document: the message to subscribers, and severities set by hand. */
export function draftReviewRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (scope) => {
    const app = scope.withTypeProvider<ZodTypeProvider>();
    app.get(
      '/api/v1/draft/message',
      {
        config: { permission: 'viewer' },
        schema: {
          operationId: 'readDraftMessage',
          tags,
          summary: 'The message that goes with the draft',
          response: { 200: messageSchema },
        },
      },
      async (_request, reply) => {
        const draft = await readDraft(deps.db);
        if (draft === null) throw draftMissing();
        return tagged(reply, tagOf(draft.message)).send({ message: draft.message });
      },
    );
    app.put(
      '/api/v1/draft/message',
      {
        config: { permission: 'editor' },
        schema: {
          operationId: 'replaceDraftMessage',
          tags,
          summary: 'Replaces the message; a stale If-Match is 412, without one the write is unconditional',
          headers: ifMatch,
          body: messageSchema,
          response: { 200: messageSchema },
        },
      },
      async (request, reply) => {
        const options = { ifTag: tagIn(request.headers['if-match']) };
        const message = await putMessage(deps, request.body.message, options, actorOf(request));
        return tagged(reply, tagOf(message)).send({ message });
      },
    );
    app.get(
      '/api/v1/draft/gradings',
      {
        config: { permission: 'viewer' },
        schema: {
          operationId: 'readGradings',
          tags,
          summary: 'Severities of the draft’s changes that were set by hand',
          response: { 200: gradingsSchema },
        },
      },
      async (_request, reply) => sendGradings(reply),
    );
    app.put(
      '/api/v1/draft/gradings',
      {
        config: { permission: 'editor' },
        schema: {
          operationId: 'replaceGradings',
          tags,
          summary: 'Replaces all of them; an added sub-processor, or another company, is never lowered (422)',
          headers: ifMatch,
          body: z.strictObject({ gradings: z.array(wantedSchema).max(10_000) }),
          response: { 200: gradingsSchema },
        },
      },
      async (request, reply) => {
        const options = { ifTag: tagIn(request.headers['if-match']) };
        await putGradings(deps, request.body.gradings, options, actorOf(request));
        return sendGradings(reply);
      },
    );
    app.delete(
      '/api/v1/draft/gradings',
      {
        config: { permission: 'editor' },
        schema: {
          operationId: 'deleteGradings',
          tags,
          summary: 'Takes them all back: the rules alone count',
          headers: ifMatch,
          response: { 204: z.undefined().describe('They are gone') },
        },
      },
      async (request, reply) => {
        await putGradings(deps, [], { ifTag: tagIn(request.headers['if-match']) }, actorOf(request));
        return reply.code(204).send();
      },
    );
  };

  async function sendGradings(reply: FastifyReply) {
    const { gradings, tag } = await readGradings(deps);
    return tagged(reply, tag).send({ gradings: gradings.map(withoutFingerprint) });
  }
}

/** It says nothing to anybody but us. */
function withoutFingerprint({ fingerprint: _, ...grading }: Grading & { holds: boolean }) {
  return grading;
}

function tagged(reply: FastifyReply, tag: string): FastifyReply {
  return reply.header('etag', `"${tag}"`).header('cache-control', 'no-store');
}

/** Proxies that compress make tags weak; a tag that is none of ours matches nothing (RFC 9110, 13.1.1). */
function tagIn(header: string | undefined): string | undefined {
  if (header === undefined || header.trim() === '*') return undefined;
  return /^(?:W\/)?"([0-9a-f]{16})"$/.exec(header.trim())?.[1] ?? '';
}
