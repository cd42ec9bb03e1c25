import type { FastifyPluginAsync } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppDeps } from '../../app.js';
import { browseTasks } from '../../tasks/browse.js';
import { closeTask } from '../../tasks/close.js';
import { type Task, taskKinds } from '../../tasks/task.js';
import { actorOf } from '../guard.js';
import { pageQuery } from './wire.js';

const tags = ['tasks'];
const instant = z.iso.datetime();

const taskSchema = z
  .object({
    id: z.number().int(),
    kind: z.enum(taskKinds),
    subject: z.string().describe('What it is about, such as `subscriber 17`, `version 3` or `objection 5`'),
    detail: z.record(z.string(), z.unknown()),
    subscriber: z
      .object({
        id: z.number().int(),
        email: z.string(),
        company: z.string().nullable(),
        noticeGroup: z.string().nullable(),
      })
      .nullable()
      .describe('Whom it is about; null when it is about nobody, or they were erased'),
    openedAt: instant,
    toldAt: instant.nullable().describe('When a letter to publishers and administrators was ordered that names it'),
    doneAt: instant.nullable(),
    doneBy: z.looseObject({ kind: z.string() }).nullable(),
    note: z.string().nullable(),
  })
  .meta({ id: 'Task' });

/** What the service cannot see to by itself. */
export function taskRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (scope) => {
    const app = scope.withTypeProvider<ZodTypeProvider>();
    app.get(
      '/api/v1/tasks',
      {
        config: { permission: 'viewer' },
        schema: {
          operationId: 'listTasks',
          tags,
          summary: 'What waits for an admin, and what was done, newest first',
          querystring: z.object({
            open: z.stringbool().optional().describe('Only those that are open, or only those that are done'),
            ...pageQuery({ most: 1_000, usual: 100 }),
          }),
          response: { 200: z.object({ tasks: z.array(taskSchema), next: z.number().int().nullable() }) },
        },
      },
      async ({ query }) => {
        const { tasks, next } = await browseTasks(deps.db, query);
        return { tasks: tasks.map(taskJson), next };
      },
    );
    app.post(
      '/api/v1/tasks/:id/done',
      {
        config: { permission: 'editor' },
        schema: {
          operationId: 'closeTask',
          tags,
          summary: 'Marks a task as done; of several who do the first counts',
          params: z.object({ id: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER) }),
          body: z.strictObject({ note: z.string().nullish() }).nullish(),
          response: { 200: taskSchema },
        },
      },
      async (request) => {
        const note = request.body?.note ?? null;
        return taskJson(await closeTask(deps, request.params.id, note, actorOf(request)));
      },
    );
  };
}

function taskJson(task: Task): z.infer<typeof taskSchema> {
  return {
    ...task,
    openedAt: task.openedAt.toISOString(),
    toldAt: task.toldAt?.toISOString() ?? null,
    doneAt: task.doneAt?.toISOString() ?? null,
    doneBy: task.doneBy === null ? null : { ...task.doneBy },
  };
}
