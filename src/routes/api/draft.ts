import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppDeps } from '../../app.js';
import { type Draft, diffDraft, draftAsYaml, draftMissing, readDraft, writeDraft } from '../../versions/draft.js';
import { previewNotice } from '../../versions/preview.js';
import { publishRequestSchema } from '../../versions/version.js';
import { actorOf } from '../guard.js';
import { listBodyLimit, listTypes, rawListSchema, takeListText } from './list-body.js';
import { diffSchema, documentSchema } from './wire.js';

const draftAnswer = {
  description: 'The list document; its ETag is the revision',
  content: { 'application/json': { schema: documentSchema }, 'application/yaml': { schema: documentSchema } },
};

/** The draft: the bare list document in both directions, JSON or YAML, with its revision as ETag. */
export function draftRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (scope) => {
    const app = scope.withTypeProvider<ZodTypeProvider>();
    app.get(
      '/api/v1/draft',
      {
        config: { permission: 'viewer' },
        schema: {
          operationId: 'readDraft',
          tags: ['draft'],
          summary: 'The draft as JSON, or as YAML when Accept asks for it',
          response: { 200: draftAnswer },
        },
      },
      async (request, reply) => {
        const draft = await readDraft(deps.db);
        if (draft === null) throw draftMissing();
        return sendDraft(request, reply, draft);
      },
    );
    app.post(
      '/api/v1/draft/preview',
      {
        config: { permission: 'viewer' },
        schema: {
          operationId: 'previewNotice',
          tags: ['draft'],
          summary: 'The notice that publishing would send, in a language',
          body: publishRequestSchema.extend({ locale: z.string().max(35).optional() }).nullish(),
          response: { 200: z.object({ subject: z.string(), html: z.string(), text: z.string() }) },
        },
      },
      async ({ body }) => {
        const { locale, ...request } = body ?? {};
        return previewNotice(deps, request, { locale: deps.texts.negotiate(locale) });
      },
    );
    app.get(
      '/api/v1/draft/diff',
      {
        config: { permission: 'viewer' },
        schema: {
          operationId: 'diffDraft',
          tags: ['draft'],
          summary: 'What the draft changes against the latest published version',
          response: { 200: diffSchema },
        },
      },
      async () => diffDraft(deps.db),
    );
    await scope.register(async (raw) => {
      takeListText(raw);
      raw.withTypeProvider<ZodTypeProvider>().put(
        '/api/v1/draft',
        {
          config: { permission: 'editor' },
          bodyLimit: listBodyLimit,
          schema: {
            operationId: 'replaceDraft',
            tags: ['draft'],
            summary: 'Replaces the draft; a stale If-Match is 412, without one the write is unconditional',
            consumes: [...listTypes.json, ...listTypes.yaml],
            headers: z.looseObject({ 'if-match': z.string().optional() }),
            body: rawListSchema,
            response: { 200: draftAnswer },
          },
        },
        async (request, reply) => {
          const ifRevision = revisionOf(request.headers['if-match']);
          return sendDraft(request, reply, await writeDraft(deps, request.body, { ifRevision }, actorOf(request)));
        },
      );
    });
  };
}

function sendDraft(request: FastifyRequest, reply: FastifyReply, draft: Draft): FastifyReply {
  const yaml = /\byaml\b/.test(request.headers.accept ?? '');
  reply.header('etag', etagOf(draft.revision)).header('cache-control', 'no-store').header('vary', 'Accept');
  return yaml
    ? reply.type('application/yaml; charset=utf-8').send(draftAsYaml(draft))
    : reply.type('application/json; charset=utf-8').send(draft.document);
}

/** One tag for the draft in either form: a write replaces both. */
export function etagOf(revision: number): string {
  return `"r${revision}"`;
}

/** The revision that If-Match asks for; a tag that is none of ours matches nothing (RFC 9110, 13.1.1). */
export function revisionOf(ifMatch: string | undefined): number | undefined {
  if (ifMatch === undefined || ifMatch.trim() === '*') return undefined;
  // Proxies that compress make tags weak; the revision says all the same.
  return Number(/^(?:W\/)?"r(\d{1,15})"$/.exec(ifMatch.trim())?.[1] ?? -1);
}
