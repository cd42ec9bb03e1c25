import { STATUS_CODES } from 'node:http';
import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppDeps } from '../../app.js';
import type { Refusal } from '../../errors.js';
import { maskAddress } from '../../mail/address.js';
import { namedContacts } from '../../notices/audience.js';
import { type DryRun, dryRun } from '../../versions/dry-run.js';
import { noticeReasons, publishRequestSchema } from '../../versions/version.js';
import { problemOf } from '../problem.js';
import { problemSchema } from './wire.js';

/** What publishing would come to, and whom it would tell; nothing is written. */
export function dryRunRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (scope) => {
    scope.withTypeProvider<ZodTypeProvider>().post(
      '/api/v1/draft/dry-run',
      {
        config: { permission: 'editor' },
        schema: {
          operationId: 'dryRun',
          tags: ['draft'],
          summary: 'What POST /api/v1/versions would do with the same body now: whom it tells, its dates, its refusals',
          body: publishRequestSchema.nullish(),
          response: { 200: dryRunSchema },
        },
      },
      async (request) => dryRunJson(await dryRun(deps, request.body ?? {}), request),
    );
  };
}

const count = z.number().int();
const instant = z.iso.datetime();
const dryRunSchema = z
  .object({
    version: count.nullable().describe('The number that it would have'),
    notice: z
      .discriminatedUnion('ordered', [
        z.object({ ordered: z.literal(true) }),
        z.object({ ordered: z.literal(false), because: z.enum(noticeReasons) }),
      ])
      .nullable(),
    recipients: z.object({
      total: count,
      byLocale: z.record(z.string(), count),
      byGroup: z.array(
        z.object({ group: z.string().nullable(), name: z.string().nullable(), noticeDays: count, count }),
      ),
      byKind: z.object({ voluntary: count, contractual: count }),
      outOfScope: count.describe('Subscribed, but to services that nothing changes for'),
      notMaterial: count.describe('Subscribed to material changes only'),
    }),
    unreachable: z
      .array(z.object({ reason: z.string(), count, contractual: count }))
      .describe('Concerned, and nothing can be mailed to them'),
    lostContacts: z
      .array(z.object({ subscriberId: count, email: z.string(), reason: z.string(), group: z.string().nullable() }))
      .describe(`Contractual contacts among them, ${namedContacts} at most, addresses masked`),
    noticePeriods: z.array(count).describe('Days of notice that recipients are owed, the longest first'),
    changes: z.object({ material: count, reducing: count, editorial: count }),
    earliestEffectiveAt: instant.nullable(),
    effectiveAt: instant.nullable(),
    objectionDeadline: instant.nullable(),
    refusals: z.array(problemSchema).describe('What publishing would be refused for'),
    relay: z.object({ down: z.boolean(), since: instant.nullable(), says: z.string().nullable() }),
    held: z.object({ since: instant, because: z.enum(['gap', 'copy']) }).nullable(),
    quietUntil: instant.nullable().describe('Until when the notice waits for further versions'),
    takesOver: count.nullable().describe('The waiting version that this notice would tell as well'),
  })
  .meta({ id: 'DryRun' });

function dryRunJson(found: DryRun, request: FastifyRequest): z.infer<typeof dryRunSchema> {
  const { relay, held, notice } = found;
  return {
    ...found,
    // Until when it waits is `quietUntil`.
    notice: notice?.ordered === true ? { ordered: true } : notice,
    earliestEffectiveAt: found.earliestEffectiveAt?.toISOString() ?? null,
    effectiveAt: found.effectiveAt?.toISOString() ?? null,
    objectionDeadline: found.objectionDeadline?.toISOString() ?? null,
    quietUntil: found.quietUntil?.toISOString() ?? null,
    relay: { ...relay, since: relay.since?.toISOString() ?? null },
    // Who may edit the draft need not know whom it goes to.
    lostContacts: found.lostContacts.map(({ email, ...contact }) => ({ ...contact, email: maskAddress(email) })),
    held: held === null ? null : { ...held, since: held.since.toISOString() },
    refusals: found.refusals.map((refusal) => refusalJson(refusal, request)),
  };
}

/** As the answer would be if it were refused in earnest. */
function refusalJson(refusal: Refusal, request: FastifyRequest): z.infer<typeof problemSchema> {
  const { code, status, detail, errors } = problemOf(refusal);
  return {
    type: `urn:subnotice:problem:${code}`,
    title: STATUS_CODES[status] ?? 'Error',
    status,
    code,
    detail,
    instance: `urn:uuid:${request.id}`,
    ...(errors.length === 0
      ? {}
      : {
          errors: errors.map(({ path, message, line }) => ({ path, message, ...(line === undefined ? {} : { line }) })),
        }),
  };
}
