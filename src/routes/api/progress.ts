import type { FastifyPluginAsync } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppDeps } from '../../app.js';
import { deliveryStates } from '../../deliveries/delivery.js';
import type { Progress } from '../../notices/progress.js';
import { readVersionState } from '../../versions/read.js';
import { sendProgress, wantsEvents } from '../event-stream.js';
import { countsSchema, versionParams } from './wire.js';

/** How far a version's notices are: one look, or every change as it comes. */
export function progressRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (scope) => {
    scope.withTypeProvider<ZodTypeProvider>().get(
      '/api/v1/versions/:number/progress',
      {
        config: { permission: 'viewer' },
        schema: {
          operationId: 'watchProgress',
          tags: ['deliveries'],
          summary:
            'How far the notices of a version are; with `Accept: text/event-stream` an event `progress` for each change, at most one a second, and `complete` at the end',
          params: versionParams,
          response: {
            200: {
              description: 'One look, or events that hold the same',
              content: {
                'application/json': { schema: progressSchema },
                'text/event-stream': { schema: z.string() },
              },
            },
          },
        },
      },
      async (request, reply) => {
        const { number } = request.params;
        await readVersionState(deps.db, number, deps.now());
        if (wantsEvents(request)) {
          return sendProgress(reply, deps.progress, number, (progress) => JSON.stringify(progressJson(progress)));
        }
        return reply.header('cache-control', 'no-store').send(progressJson(await deps.progress.read(number)));
      },
    );
  };
}

const count = z.number().int();
const instant = z.iso.datetime();
const progressSchema = z
  .object({
    counts: countsSchema,
    total: count,
    settled: count.describe('Those that have their result'),
    complete: z.boolean().describe('Nobody is left to be told'),
    preparing: z.boolean().describe('Recipients are still being chosen, so `total` grows'),
    waits: z.boolean().describe('The quiet time is not over: nothing goes before `nextAttemptAt`'),
    rate: z.number().nullable().describe('Mails a second over the last ten seconds; null until it was watched'),
    secondsLeft: count.nullable(),
    startedAt: instant.nullable().describe('When the relay took the first mail'),
    lastAcceptedAt: instant.nullable(),
    relay: z.object({
      down: z.boolean(),
      since: instant.nullable(),
      says: z.string().nullable().describe("The relay's own words"),
    }),
    held: z.boolean().describe('Waits for a release, as after a long stop or on a restored copy'),
    nextAttemptAt: instant.nullable().describe('When the next waiting mail is tried; null: now, or none waits'),
    notReached: z
      .array(z.object({ state: z.enum(deliveryStates), reason: z.string().nullable(), count }))
      .describe('Who has not been reached, or not yet, and why'),
  })
  .meta({ id: 'Progress' });

function progressJson(progress: Progress): z.infer<typeof progressSchema> {
  const { relay } = progress;
  return {
    ...progress,
    startedAt: progress.startedAt?.toISOString() ?? null,
    lastAcceptedAt: progress.lastAcceptedAt?.toISOString() ?? null,
    nextAttemptAt: progress.nextAttemptAt?.toISOString() ?? null,
    relay: { ...relay, since: relay.since?.toISOString() ?? null },
  };
}
