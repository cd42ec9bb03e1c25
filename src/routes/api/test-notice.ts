import type { FastifyPluginAsync } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppDeps } from '../../app.js';
import { orderTestNotice, testNoticeRequestSchema } from '../../versions/test-notice.js';
import { actorOf } from '../guard.js';

/** The notice of the draft as a mail to an admin. */
export function testNoticeRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (scope) => {
    scope.withTypeProvider<ZodTypeProvider>().post(
      '/api/v1/draft/test',
      {
        config: { permission: 'editor' },
        schema: {
          operationId: 'sendTestNotice',
          tags: ['draft'],
          summary: 'Mails the notice that publishing would send to an admin, marked as a test; 20 an hour',
          body: testNoticeRequestSchema.nullish(),
          response: {
            202: z.object({
              delivery: z.number().int().describe('Its number in the outbox'),
              email: z.string(),
            }),
          },
        },
      },
      async (request, reply) => reply.code(202).send(await orderTestNotice(deps, request.body ?? {}, actorOf(request))),
    );
  };
}
