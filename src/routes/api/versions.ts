import type { FastifyPluginAsync } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppDeps } from '../../app.js';
import { deliveryStates } from '../../deliveries/delivery.js';
import { browseDeliveries, deliveryReport } from '../../notices/report.js';
import { publish } from '../../versions/publish.js';
import { readScheduled, readVersionState, readVersions } from '../../versions/read.js';
import { cancelScheduled } from '../../versions/scheduled.js';
import { sendNow } from '../../versions/send-now.js';
import { adminText, publishRequestSchema } from '../../versions/version.js';
import { withdraw } from '../../versions/withdraw.js';
import { actorOf } from '../guard.js';
import { revisionOf } from './draft.js';
import {
  adminVersionJson,
  adminVersionSchema,
  deliveriesJson,
  deliveriesSchema,
  noticeJson,
  pageQuery,
  publishedSchema,
  scheduledJson,
  scheduledJsonSchema,
  summaryJson,
  summarySchema,
  versionParams,
} from './wire.js';

const tags = ['versions'];

/** Publishing, planning, withdrawing, and what became of each version. */
export function versionRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (scope) => {
    const app = scope.withTypeProvider<ZodTypeProvider>();
    app.post(
      '/api/v1/versions',
      {
        config: { permission: 'publisher' },
        schema: {
          operationId: 'publish',
          tags,
          summary: 'Publishes the draft; 202 when publishAt plans it for later',
          headers: z.looseObject({
            'idempotency-key': z
              .string()
              .regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 visible ASCII characters')
              .optional()
              .describe(
                'A repeat with the same key and body gets the same answer and does nothing; kept for a day and more',
              ),
            'if-match': z.string().optional().describe('Publish only the draft of this ETag; another is 412'),
          }),
          body: publishRequestSchema.nullish(),
          response: { 201: publishedSchema, 202: scheduledJsonSchema },
        },
      },
      async (request, reply) => {
        const idempotencyKey = request.headers['idempotency-key'];
        const ifRevision = revisionOf(request.headers['if-match']);
        const result = await publish(deps, request.body ?? {}, actorOf(request), { idempotencyKey, ifRevision });
        if (result.status === 202) return reply.code(202).send(scheduledJson(result.scheduled));
        const { version, state, notice } = result;
        reply.header('location', deps.pages.href(`/api/v1/versions/${version.number}`));
        return reply.code(201).send({ ...adminVersionJson(version, state), notice: noticeJson(notice) });
      },
    );
    app.get(
      '/api/v1/versions',
      {
        config: { permission: 'viewer' },
        schema: {
          operationId: 'listVersions',
          tags,
          summary: 'Every version, newest first; a planned publication stands before them',
          response: { 200: z.object({ versions: z.array(z.union([scheduledJsonSchema, summarySchema])) }) },
        },
      },
      async () => {
        const scheduled = await readScheduled(deps.db);
        const versions = (await readVersions(deps.db, deps.now())).map(summaryJson);
        return { versions: [...(scheduled === null ? [] : [scheduledJson(scheduled)]), ...versions] };
      },
    );
    app.get(
      '/api/v1/versions/:number',
      {
        config: { permission: 'viewer' },
        schema: {
          operationId: 'readVersion',
          tags,
          summary: 'One version, whole',
          params: versionParams,
          response: { 200: adminVersionSchema },
        },
      },
      async ({ params }) => {
        const { version, state } = await readVersionState(deps.db, params.number, deps.now());
        return adminVersionJson(version, state);
      },
    );
    app.delete(
      '/api/v1/versions/scheduled',
      {
        config: { permission: 'publisher' },
        schema: {
          operationId: 'cancelScheduled',
          tags,
          summary: 'Calls off the planned or held publication',
          response: { 200: scheduledJsonSchema },
        },
      },
      async (request) => scheduledJson(await cancelScheduled(deps, actorOf(request))),
    );
    app.post(
      '/api/v1/versions/:number/withdraw',
      {
        config: { permission: 'publisher' },
        schema: {
          operationId: 'withdraw',
          tags,
          summary: 'Takes an announced version back before it takes effect',
          params: versionParams,
          body: z.strictObject({ reason: adminText }),
          response: { 200: publishedSchema },
        },
      },
      async (request) => {
        const { version, notice } = await withdraw(deps, request.params.number, request.body.reason, actorOf(request));
        return { ...adminVersionJson(version, 'withdrawn'), notice: noticeJson(notice) };
      },
    );
    app.post(
      '/api/v1/versions/:number/send-now',
      {
        config: { permission: 'publisher' },
        schema: {
          operationId: 'sendNow',
          tags,
          summary: 'Ends the quiet time for which the notice of a version waits',
          params: versionParams,
          response: {
            200: z
              .object({
                version: z.number().int().describe('Whose notice goes: the last of those that it tells'),
                sendAfter: z.iso.datetime(),
              })
              .meta({ id: 'SentNow' }),
          },
        },
      },
      async (request) => {
        const { version, sendAfter } = await sendNow(deps, request.params.number, actorOf(request));
        return { version, sendAfter: sendAfter.toISOString() };
      },
    );
    app.get(
      '/api/v1/versions/:number/deliveries',
      {
        config: { permission: 'viewer' },
        schema: {
          operationId: 'listDeliveries',
          tags: ['deliveries'],
          summary: 'What became of the mail that tells of a version, recipient by recipient',
          params: versionParams,
          querystring: z.object({
            state: z.enum(deliveryStates).optional(),
            ...pageQuery({ most: 1_000, usual: 100 }),
          }),
          response: { 200: deliveriesSchema },
        },
      },
      async ({ params, query }) => {
        await readVersionState(deps.db, params.number, deps.now());
        const report = await deliveryReport(deps.db, params.number);
        return deliveriesJson(report, await browseDeliveries(deps.db, params.number, query));
      },
    );
  };
}
