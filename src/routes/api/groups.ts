import type { FastifyPluginAsync } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppDeps } from '../../app.js';
import {
  deleteGroup,
  listGroups,
  mostNoticeDays,
  type NoticeGroup,
  readGroup,
  saveGroup,
} from '../../subscribers/groups.js';
import { actorOf } from '../guard.js';

const tags = ['subscribers'];
const params = z.object({ id: z.string().max(200) });

const groupSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    noticeDays: z.number().int().describe('Days between publishing and the effective date that its members are owed'),
    members: z.number().int(),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: 'NoticeGroup' });

/** Groups of contractual contacts, each with a notice period of its own. */
export function groupRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (scope) => {
    const app = scope.withTypeProvider<ZodTypeProvider>();
    app.get(
      '/api/v1/notice-groups',
      {
        config: { permission: 'viewer' },
        schema: {
          operationId: 'listNoticeGroups',
          tags,
          summary: 'Every notice group, the shortest period first',
          response: { 200: z.object({ groups: z.array(groupSchema) }) },
        },
      },
      async () => ({ groups: (await listGroups(deps.db)).map(groupJson) }),
    );
    app.get(
      '/api/v1/notice-groups/:id',
      {
        config: { permission: 'viewer' },
        schema: {
          operationId: 'readNoticeGroup',
          tags,
          summary: 'One notice group',
          params,
          response: { 200: groupSchema },
        },
      },
      async (request) => groupJson(await readGroup(deps.db, request.params.id)),
    );
    app.put(
      '/api/v1/notice-groups/:id',
      {
        config: { permission: 'admin' },
        schema: {
          operationId: 'saveNoticeGroup',
          tags,
          summary: 'Makes a notice group or changes it; a period holds for what is published from now on',
          params,
          body: z.strictObject({ name: z.string(), noticeDays: z.number().int().min(0).max(mostNoticeDays) }),
          response: { 200: groupSchema, 201: groupSchema },
        },
      },
      async (request, reply) => {
        const { group, added } = await saveGroup(deps, { ...request.body, id: request.params.id }, actorOf(request));
        return reply.code(added ? 201 : 200).send(groupJson(group));
      },
    );
    app.delete(
      '/api/v1/notice-groups/:id',
      {
        config: { permission: 'admin' },
        schema: {
          operationId: 'deleteNoticeGroup',
          tags,
          summary: 'Removes a notice group that nobody is in',
          params,
          response: { 204: z.undefined().describe('Removed') },
        },
      },
      async (request, reply) => {
        await deleteGroup(deps, request.params.id, actorOf(request));
        return reply.code(204).send();
      },
    );
  };
}

function groupJson(group: NoticeGroup): z.infer<typeof groupSchema> {
  return { ...group, createdAt: group.createdAt.toISOString() };
}
