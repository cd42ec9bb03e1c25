import type { FastifyPluginAsync } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppDeps } from '../../app.js';
import { receiveBounce } from '../../bounces/receive.js';
import { actorOf } from '../guard.js';

const mediaTypes = ['message/rfc822', 'multipart/report', 'text/plain', 'application/octet-stream'];

/** Takes what came back: whoever reports it says who they are, since a report takes people off the list. */
export function bounceRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser<Buffer>(
      mediaTypes,
      { parseAs: 'buffer' },
      async (_request: unknown, body: Buffer) => body,
    );
    scope.withTypeProvider<ZodTypeProvider>().post(
      '/api/v1/bounces',
      {
        config: { permission: 'editor' },
        bodyLimit: 1024 * 1024,
        schema: {
          operationId: 'receiveBounce',
          tags: ['deliveries'],
          summary: 'A delivery status notification (RFC 3464), as it arrived',
          consumes: mediaTypes,
          body: z.custom<Buffer>(Buffer.isBuffer, 'is missing: send the notification as message/rfc822'),
          response: { 200: z.object({ results: z.array(resultSchema) }) },
        },
      },
      async (request) => ({
        results: await receiveBounce(deps, request.headers['content-type'] ?? '', request.body, actorOf(request)),
      }),
    );
  };
}

const resultSchema = z.object({
  outcome: z.enum(['bounced', 'noted', 'known', 'unmatched']),
  delivery: z.number().int().nullable(),
  suppressed: z.boolean(),
});
