import { Readable } from 'node:stream';
import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppDeps } from '../../app.js';
import { browseSubscribers, type ListedEntry } from '../../subscribers/browse.js';
import { subscriberKinds } from '../../subscribers/details.js';
import { eraseSubscriber } from '../../subscribers/erase.js';
import { exportSubscribers } from '../../subscribers/export.js';
import { importSubscribers } from '../../subscribers/import.js';
import { sendDownload } from '../download.js';
import { actorOf } from '../guard.js';
import { knownServicesOf } from '../pages/subscription-form.js';
import { importResultSchema, pageQuery } from './wire.js';

const tags = ['subscribers'];
const statuses = z.enum(['pending', 'confirmed', 'unsubscribed', 'suppressed']);
const instant = z.iso.datetime();

const subscriberSchema = z
  .object({
    id: z.number().int(),
    email: z.string(),
    company: z.string().nullable(),
    locale: z.string(),
    services: z.array(z.string()).nullable().describe('Null: every service'),
    toldOf: z.enum(['all', 'material']),
    status: statuses,
    suppressedBecause: z.string().nullable(),
    kind: z.enum(subscriberKinds),
    entitlement: z.string().nullable().describe('Of a contractual contact: where the contract says so'),
    noticeGroup: z.string().nullable(),
    unreached: z
      .object({ state: z.enum(['failed', 'bounced']), reason: z.string().nullable(), response: z.string().nullable() })
      .nullable()
      .describe('Why the last mail to them, a notice or a letter, did not arrive'),
    createdAt: instant,
    confirmedAt: instant.nullable(),
    unsubscribedAt: instant.nullable(),
  })
  .meta({ id: 'Subscriber' });

/** A file on its way out. */
const fileSchema = z.custom<Readable>().meta({ type: 'string' });

/** Who is told: search, erasure, import and export. */
export function subscriberRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (scope) => {
    const app = scope.withTypeProvider<ZodTypeProvider>();
    app.get(
      '/api/v1/subscribers',
      {
        config: { permission: 'viewer' },
        schema: {
          operationId: 'listSubscribers',
          tags,
          summary: 'Subscribers in the order in which they came',
          querystring: z.object({
            status: statuses.optional(),
            kind: z.enum(subscriberKinds).optional(),
            group: z.string().max(200).optional().describe('Id of a notice group'),
            q: z.string().max(300).optional().describe('A part of the address or the company'),
            ...pageQuery({ most: 1_000, usual: 100 }),
          }),
          response: { 200: z.object({ subscribers: z.array(subscriberSchema), next: z.number().int().nullable() }) },
        },
      },
      async ({ query }) => {
        const { subscribers, next } = await browseSubscribers(deps.db, query);
        return { subscribers: subscribers.map(subscriberJson), next };
      },
    );
    app.delete(
      '/api/v1/subscribers/:id',
      {
        config: { permission: 'admin' },
        schema: {
          operationId: 'eraseSubscriber',
          tags,
          summary: 'Erases the person; the proof of what was sent stays without them',
          params: z.object({ id: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER) }),
          querystring: z.object({
            suppress: z
              .stringbool()
              .optional()
              .describe('Keep a keyed hash, so that no import brings the address back'),
          }),
          response: { 204: z.undefined().describe('Erased') },
        },
      },
      async (request, reply) => {
        const { suppress = false } = request.query;
        await eraseSubscriber(deps, request.params.id, actorOf(request), { suppress });
        return reply.code(204).send();
      },
    );
    app.get(
      '/api/v1/subscribers.csv',
      {
        config: { permission: 'viewer' },
        schema: {
          operationId: 'exportSubscribers',
          tags,
          summary: 'Every subscriber, as the import takes them',
          response: { 200: { description: 'CSV with a header', content: { 'text/csv': { schema: fileSchema } } } },
        },
      },
      async (request, reply) => sendDownload(reply, 'subscribers.csv', exportSubscribers(deps, actorOf(request))),
    );
    await scope.register(async (csv) => {
      csv.removeAllContentTypeParsers();
      // Read as it arrives: memory does not grow with the file.
      csv.addContentTypeParser(csvTypes, (_request: FastifyRequest, payload: Readable, done: Done) =>
        done(null, payload),
      );
      csv.withTypeProvider<ZodTypeProvider>().post(
        '/api/v1/subscribers/import',
        {
          config: { permission: 'admin' },
          schema: {
            operationId: 'importSubscribers',
            tags,
            summary: 'Takes subscribers from a CSV file; who has left is never brought back',
            consumes: csvTypes,
            body: z.custom<Readable>((body) => body instanceof Readable, 'is missing: send the file as text/csv'),
            response: { 200: importResultSchema },
          },
        },
        async (request) =>
          importSubscribers(deps, request.body, actorOf(request), { knownServices: await knownServicesOf(deps) }),
      );
    });
  };
}

type Done = (error: Error | null, body?: unknown) => void;
const csvTypes = ['text/csv', 'application/csv', 'text/plain'];

function subscriberJson(subscriber: ListedEntry): z.infer<typeof subscriberSchema> {
  return {
    ...subscriber,
    createdAt: subscriber.createdAt.toISOString(),
    confirmedAt: subscriber.confirmedAt?.toISOString() ?? null,
    unsubscribedAt: subscriber.unsubscribedAt?.toISOString() ?? null,
  };
}
