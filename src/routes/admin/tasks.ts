import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import { hasRole } from '../../actor.js';
import type { AppDeps } from '../../app.js';
import { Refusal } from '../../errors.js';
import { wordsOfTask } from '../../task-words.js';
import { browseTasks } from '../../tasks/browse.js';
import { closeTask } from '../../tasks/close.js';
import type { Task, TaskKind } from '../../tasks/task.js';
import type { FieldFault } from '../pages/subscription-form.js';
import { type Console, consoleOf } from './console.js';
import { nameOf } from './records.js';

const pageSize = 50;
const params = z.object({ id: z.coerce.number().int().positive() });
const query = z.object({
  show: z.enum(['open', 'done']).default('open').catch('open'),
  after: z.coerce.number().int().positive().optional().catch(undefined),
  done: z.enum(['closed']).optional().catch(undefined),
});
type Query = z.infer<typeof query>;
const post = z.object({ note: z.string().default('') });

/** What the service cannot see to by itself, and who has seen to it. */
export function tasksRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    app.get('/admin/tasks', { config: { permission: 'viewer' } }, async (request, reply) =>
      show(consoleOf(deps, request, reply), query.parse(request.query)),
    );

    app.post('/admin/tasks/:id', { config: { permission: 'editor', keepsText: true } }, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      const { id } = params.parse(request.params);
      const { note } = post.parse(request.body);
      try {
        await closeTask(deps, id, note, console.actor);
        return console.redirect('/admin/tasks?done=closed');
      } catch (error) {
        if (!(error instanceof Refusal) || error.code !== 'input.invalid') throw error;
        const errors = [{ field: `note-${id}`, message: console.texts.t('tasks.page.noteFault') }];
        return show(console, query.parse({}), errors, { [id]: note });
      }
    });
  };

  async function show(
    console: Console,
    { show: which, after, done }: Query,
    errors: FieldFault[] = [],
    notes: Record<number, string> = {},
  ) {
    const { tasks, next } = await browseTasks(deps.db, { open: which === 'open', after, limit: pageSize });
    const { texts, actor } = console;
    return console.page(
      'tasks',
      'tasks',
      {
        tasks: tasks.map((task) => ({
          ...task,
          ...wordsOfTask(task, texts, 'full'),
          entitlement: typeof task.detail.entitlement === 'string' ? task.detail.entitlement : null,
          ways: waysOf(task, hasRole(actor, 'admin')),
          closedBy: task.doneBy === null ? null : nameOf(task.doneBy, texts),
          typed: notes[task.id] ?? '',
        })),
        which,
        nextPath: next === null ? null : `/admin/tasks?${new URLSearchParams({ show: which, after: String(next) })}`,
        mayClose: hasRole(actor, 'editor'),
        errors,
        done: done === undefined ? null : texts.t('tasks.page.closed'),
      },
      { status: errors.length > 0 ? 422 : 200 },
    );
  }
}

/** Where in the console a task is seen to. */
function waysOf({ kind, subscriber }: Task, mayManage: boolean): { path: string; label: string }[] {
  const contact = [
    ...(subscriber === null
      ? []
      : [{ path: `/admin/subscribers?${new URLSearchParams({ q: subscriber.email })}`, label: 'subscriber' }]),
    ...(mayManage ? [{ path: '/admin/subscribers/contact', label: 'contact' }] : []),
  ];
  const ways: Record<TaskKind, { path: string; label: string }[]> = {
    'bounced-contact': contact,
    'complaint-of-contact': contact,
    'contact-left': contact,
    'relay-down': [{ path: '/admin', label: 'overview' }],
    'mail-refused': [{ path: '/admin/versions', label: 'versions' }],
    'publication-held': [{ path: '/admin/versions', label: 'versions' }],
    'bounce-mailbox-down': [{ path: '/admin', label: 'overview' }],
    objection: [{ path: '/admin/objections', label: 'objections' }],
    'approval-wanted': [{ path: '/admin/review', label: 'review' }],
  };
  return ways[kind];
}
