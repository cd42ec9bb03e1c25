import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppDeps } from '../../app.js';
import type { Change } from '../../list/change.js';
import { readOnDay } from '../../versions/on-day.js';
import { readVendorHistory } from '../../versions/vendor-history.js';
import { sendOnce } from '../answer.js';
import { renderedOf } from '../render.js';
import { versionJson, versionSchema } from './wire.js';

const json = 'application/json; charset=utf-8';
const instant = z.iso.datetime();

const onDaySchema = z
  .object({
    day: z.string(),
    timeZone: z.string().describe('The day is one of this zone, and what counts is its end'),
    when: z.enum(['past', 'today', 'ahead']).describe('`ahead`: as announced by now; it may still change'),
    inForceFrom: instant,
    inForceUntil: instant.nullable().describe('null: until another version is announced'),
    earlier: z
      .array(z.object({ version: z.number().int(), from: instant, until: instant.nullable() }))
      .describe('Versions that were in force for the first part of the day only'),
    list: versionSchema.describe('The version in force at the end of the day'),
  })
  .meta({ id: 'ListOnDay' });

const historySchema = z
  .object({
    id: z.string(),
    name: z.string(),
    entries: z.array(
      z.object({
        id: z.string(),
        name: z.string(),
        product: z.string().nullable(),
        standing: z.enum(['announced', 'in-force', 'removed', 'withdrawn']),
        leavesAt: instant.nullable().describe('When an announced version takes it off the list'),
        history: z.array(
          z.object({
            version: z.number().int(),
            state: z.enum(['announced', 'in-force', 'superseded', 'withdrawn']),
            publishedAt: instant,
            effectiveAt: instant,
            withdrawnAt: instant.nullable(),
            change: z.custom<Change>().describe('One of `changes` in component Diff'),
          }),
        ),
      }),
    ),
  })
  .meta({ id: 'SubProcessorHistory' });

/** Looking back, for programs: the list on a day, and what became of a sub-processor. */
export function publicHistoryRoutes(deps: AppDeps): FastifyPluginAsync {
  const send = (request: FastifyRequest, reply: FastifyReply, answer: object) =>
    sendOnce(request, reply, renderedOf(JSON.stringify(answer), json, ''), false);

  return async (scope) => {
    const app = scope.withTypeProvider<ZodTypeProvider>();
    app.get(
      '/at/:day.json',
      {
        schema: {
          operationId: 'readListOnDay',
          tags: ['public'],
          security: [],
          summary: 'The list in force at the end of a day',
          params: z.object({ day: z.string().max(40).describe('Such as `2027-03-01`') }),
          response: { 200: onDaySchema },
        },
      },
      async (request, reply) => {
        const { params } = request;
        const { day, when, period, earlier, version, state } = await readOnDay(deps, params.day);
        return send(request, reply, {
          day,
          timeZone: deps.config.timeZone,
          when,
          inForceFrom: period.from,
          inForceUntil: period.until,
          earlier: earlier.map(({ number, from, until }) => ({ version: number, from, until })),
          list: versionJson(version, state),
        });
      },
    );
    app.get(
      '/sub-processors/:id.json',
      {
        schema: {
          operationId: 'readSubProcessorHistory',
          tags: ['public'],
          security: [],
          summary: 'What became of a sub-processor over all versions, its other entries included',
          params: z.object({ id: z.string().max(120) }),
          response: { 200: historySchema },
        },
      },
      async (request, reply) => {
        const { id } = request.params;
        const { name, entries } = await readVendorHistory(deps, id);
        return send(request, reply, {
          id,
          name,
          entries: entries.map(({ steps, leaving, ...entry }) => ({
            ...entry,
            leavesAt: leaving?.effectiveAt ?? null,
            history: steps.map(({ version, change }) => ({
              version: version.number,
              state: version.state,
              publishedAt: version.publishedAt,
              effectiveAt: version.effectiveAt,
              withdrawnAt: version.withdrawnAt,
              change,
            })),
          })),
        });
      },
    );
  };
}
