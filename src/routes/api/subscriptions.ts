import type { FastifyPluginAsync } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppDeps } from '../../app.js';
import { subscribe } from '../../subscribers/subscribe.js';
import { knownServicesOf } from '../pages/subscription-form.js';

/** Asking to be told, for programs: the same verb, limits and neutral answer as the form. */
export function subscriptionRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (scope) => {
    scope.withTypeProvider<ZodTypeProvider>().post(
      '/api/v1/subscriptions',
      {
        config: { permission: 'public' },
        onRequest: scope.limitForms,
        schema: {
          operationId: 'subscribe',
          tags: ['subscriptions'],
          security: [],
          summary: 'Asks for a confirmation mail; the answer is the same for every well-formed address',
          body: z.strictObject({
            email: z.string().max(1_000),
            company: z.string().max(2_000).optional(),
            locale: z.string().max(35).optional().describe('A language tag such as "de"'),
            services: z.array(z.string().max(120)).max(500).optional().describe('Ids of services; without it all'),
          }),
          response: { 202: z.object({ status: z.literal('accepted'), detail: z.string() }) },
        },
      },
      async ({ body, ip, headers }, reply) => {
        const { locale } = deps.texts.for(deps.texts.negotiate(body.locale ?? headers['accept-language']));
        await subscribe(deps, {
          ...body,
          locale: body.locale ?? locale,
          knownServices: await knownServicesOf(deps),
          via: 'api',
          ip,
          wording: deps.texts.for(locale).t('subscription.form.consent', { company: deps.config.companyName }),
        });
        reply.header('cache-control', 'no-store');
        return reply.code(202).send({ status: 'accepted', detail: acceptedDetail });
      },
    );
  };
}

const acceptedDetail =
  'If the address can be mailed, a message is on its way to it; nothing is sent before it confirms.';
