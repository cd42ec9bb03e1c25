import type { FastifyPluginAsync } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppDeps } from '../../app.js';
import type { Config } from '../../config.js';
import { type Change, severitySchema, suggestionSchema } from '../../list/change.js';
import { earliestEffective } from '../../versions/clock.js';
import { type DocumentPlan, planOrUnchanged } from '../../versions/plan-document.js';
import { listBodyLimit, listTypes, rawListSchema, takeListText } from './list-body.js';
import { documentSchema, noticeJson, noticeJsonSchema, scheduledJson, scheduledJsonSchema } from './wire.js';

/** What publishing a list that is kept elsewhere would come to; nothing is written. */
export function planRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (scope) => {
    await scope.register(async (raw) => {
      takeListText(raw);
      raw.withTypeProvider<ZodTypeProvider>().post(
        '/api/v1/plan',
        {
          config: { permission: 'viewer' },
          bodyLimit: listBodyLimit,
          schema: {
            operationId: 'plan',
            tags: ['draft'],
            summary: 'What publishing this list would come to, without making it the draft',
            consumes: [...listTypes.json, ...listTypes.yaml],
            body: rawListSchema,
            response: { 200: planSchema },
          },
        },
        async (request, reply) => {
          reply.header('cache-control', 'no-store');
          return planJson(await planOrUnchanged(deps, request.body), deps.config);
        },
      );
    });
  };
}

const count = z.number().int();
const instant = z.iso.datetime();

export const planSchema = z
  .object({
    version: count.nullable().describe('The number that it would have; null: nothing changes'),
    first: z.boolean().describe('It would be version 1: there is nobody to tell before it'),
    severity: severitySchema.nullable().describe('The gravest of what changes and of what is told'),
    changes: z.custom<Change[]>((value) => Array.isArray(value)).describe('As in a diff'),
    suggestions: z.array(suggestionSchema),
    notice: noticeJsonSchema.nullable().describe('Whether a notice would go out'),
    earliestEffectiveAt: instant.nullable().describe('The first moment at which it may lawfully take effect'),
    objectionDeadline: instant.nullable(),
    timeZone: z.string().describe('In which days begin and end'),
    recipients: count,
    byGroup: z
      .array(
        z.object({
          group: z.string().nullable(),
          name: z.string().nullable(),
          noticeDays: count,
          count,
          earliestEffectiveAt: instant.describe('If only this group had recipients'),
        }),
      )
      .describe('Recipients by notice group'),
    unreachable: z
      .array(z.object({ reason: z.string(), count, contractual: count }))
      .describe('Concerned, and nothing can be mailed to them'),
    needsApproval: z.boolean().describe('Another person has to approve it before it is published (FOUR_EYES)'),
    scheduled: scheduledJsonSchema.nullable().describe('A planned publication: it goes first, or is called off'),
    before: documentSchema.nullable().describe('The list that the changes are told against'),
    document: documentSchema.nullable().describe('The list that was sent, with the ids that its entries would have'),
  })
  .meta({ id: 'Plan' });
export type PlanAnswer = z.infer<typeof planSchema>;

/** @param found null: nothing changes */
export function planJson(
  found: DocumentPlan | null,
  { timeZone, fourEyes }: Pick<Config, 'timeZone' | 'fourEyes'>,
): PlanAnswer {
  if (found === null) return { ...unchanged, timeZone };
  const { plan, dates, audience, document, before, scheduled } = found;
  return {
    version: plan.number,
    first: plan.facts.first,
    severity: plan.severity,
    changes: plan.changes,
    suggestions: plan.suggestions,
    notice: noticeJson(plan.notice),
    earliestEffectiveAt: dates.earliest.toISOString(),
    objectionDeadline: dates.objectionDeadline?.toISOString() ?? null,
    timeZone,
    recipients: audience.recipients.total,
    byGroup: audience.recipients.byGroup.map((group) => ({
      ...group,
      earliestEffectiveAt: earliestEffective(plan.facts, {
        ...plan.clock,
        noticePeriodDays: group.noticeDays,
      }).toISOString(),
    })),
    unreachable: audience.unreachable,
    needsApproval: fourEyes,
    scheduled: scheduled === null ? null : scheduledJson(scheduled),
    before,
    document,
  };
}

const unchanged = {
  version: null,
  first: false,
  severity: null,
  changes: [],
  suggestions: [],
  notice: null,
  earliestEffectiveAt: null,
  objectionDeadline: null,
  recipients: 0,
  byGroup: [],
  unreachable: [],
  needsApproval: false,
  scheduled: null,
  before: null,
  document: null,
};
