import type { FastifyPluginAsync } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppDeps } from '../../app.js';
import { checkDeliverability } from '../../deliverability/check.js';
import { checks, type Finding, findingStates } from '../../deliverability/finding.js';
import { wordsOf } from '../../deliverability/words.js';
import type { Texts } from '../../texts.js';

/** Whether notices arrive and can be answered, looked at when it is asked for. */
export function deliverabilityRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (scope) => {
    scope.withTypeProvider<ZodTypeProvider>().get(
      '/api/v1/deliverability',
      {
        config: { permission: 'viewer' },
        schema: {
          operationId: 'checkDeliverability',
          tags: ['deliveries'],
          summary: 'SPF, DKIM and DMARC as name servers give them, one-click unsubscribe, replies, bounces, relay',
          response: { 200: z.object({ findings: z.array(findingSchema) }) },
        },
      },
      async (_request, reply) => {
        const texts = deps.texts.for(deps.texts.default);
        const findings = await checkDeliverability(deps, deps.outside);
        reply.header('cache-control', 'no-store');
        return { findings: findings.map((finding) => findingJson(finding, texts)) };
      },
    );
  };
}

const findingSchema = z
  .object({
    check: z.enum(checks),
    state: z
      .enum(findingStates)
      .describe('unknown: cannot be told from here, as when no name server answers; never a fault'),
    code: z.string().describe('Such as `missing`'),
    facts: z.record(z.string(), z.union([z.string(), z.number()])),
    says: z.string(),
    todo: z.string().nullable().describe('What to do; null: nothing'),
  })
  .meta({ id: 'DeliverabilityFinding' });

/** A finding for programs, with its sentences in a language. */
export function findingJson(finding: Finding, texts: Texts): z.infer<typeof findingSchema> {
  const { check, state, code } = finding;
  const facts = Object.fromEntries(
    Object.entries(finding.facts).map(([name, fact]) => [name, fact instanceof Date ? fact.toISOString() : fact]),
  );
  return { check, state, code, facts, ...wordsOf(finding, texts) };
}
