import type { FastifyPluginAsync } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppDeps } from '../../app.js';
import { deliveryStates, letterKinds } from '../../deliveries/delivery.js';
import { deliveryHistory } from '../../deliveries/history.js';
import { Refusal } from '../../errors.js';
import { resendNotice } from '../../notices/resend.js';
import { actorOf } from '../guard.js';

const params = z.object({ id: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER) });

/** One delivery and everything that became of it: the evidence for one recipient. */
export function deliveryRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (scope) => {
    scope.withTypeProvider<ZodTypeProvider>().get(
      '/api/v1/deliveries/:id',
      {
        config: { permission: 'viewer' },
        schema: {
          operationId: 'readDelivery',
          tags: ['deliveries'],
          summary: 'One delivery, with each state that it passed through and what the mail system said',
          params,
          response: { 200: historySchema },
        },
      },
      async ({ params: { id } }) => historyOf(id),
    );

    scope.withTypeProvider<ZodTypeProvider>().post(
      '/api/v1/deliveries/:id/resend',
      {
        config: { permission: 'publisher' },
        schema: {
          operationId: 'resendDelivery',
          tags: ['deliveries'],
          summary: 'Send a notice to one recipient again; what waits is tried at once',
          params,
          response: { 202: historySchema },
        },
      },
      async (request, reply) => {
        const { id } = request.params;
        await resendNotice(deps, id, actorOf(request));
        return reply.code(202).send(await historyOf(id));
      },
    );
  };

  async function historyOf(id: number) {
    const history = await deliveryHistory(deps.db, id);
    if (history === null) throw new Refusal('delivery.missing', `there is no delivery ${id}`);
    return {
      ...history,
      dueAt: history.dueAt?.toISOString() ?? null,
      steps: history.steps.map((step) => ({ ...step, at: step.at.toISOString() })),
    };
  }
}

const historySchema = z
  .object({
    id: z.number().int(),
    kind: z.enum(['notice', ...letterKinds]),
    version: z.number().int().nullable().describe('Null for a letter'),
    subscriberId: z.number().int().nullable(),
    email: z.string().nullable().describe('Null once the person is erased'),
    messageId: z.string().nullable(),
    dueAt: z.iso.datetime().nullable(),
    steps: z.array(
      z.object({
        state: z.enum(deliveryStates),
        at: z.iso.datetime(),
        attempts: z.number().int(),
        reason: z.string().nullable(),
        response: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'DeliveryHistory' });
