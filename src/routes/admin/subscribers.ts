import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import { hasRole } from '../../actor.js';
import type { AppDeps } from '../../app.js';
import { browseSubscribers, isAnybodyThere, readSubscriber } from '../../subscribers/browse.js';
import { subscriberKinds } from '../../subscribers/details.js';
import { eraseSubscriber } from '../../subscribers/erase.js';
import { exportSubscribers } from '../../subscribers/export.js';
import { listGroups } from '../../subscribers/groups.js';
import { sendDownload } from '../download.js';
import { actorOf } from '../guard.js';
import { type Console, consoleOf } from './console.js';

const pageSize = 50;
const params = z.object({ id: z.coerce.number().int().positive() });
const query = z.object({
  q: z.string().max(200).default('').catch(''),
  status: z.enum(['confirmed', 'pending', 'unsubscribed', 'suppressed']).optional().catch(undefined),
  kind: z.enum(subscriberKinds).optional().catch(undefined),
  group: z.string().max(200).default('').catch(''),
  after: z.coerce.number().int().nonnegative().optional().catch(undefined),
  done: z.enum(['erased']).optional().catch(undefined),
});
/** Who is told: search, take along, erase. */
export function adminSubscribersRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    app.get('/admin/subscribers', { config: { permission: 'viewer' } }, async (request, reply) =>
      show(consoleOf(deps, request, reply), query.parse(request.query)),
    );

    // Taking addresses out is recorded, and a GET records nothing.
    app.post('/admin/subscribers/export', { config: { permission: 'viewer' } }, async (request, reply) =>
      sendDownload(reply, 'subscribers.csv', exportSubscribers(deps, actorOf(request))),
    );

    app.get('/admin/subscribers/:id/erasure', { config: { permission: 'admin' } }, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      const { id } = params.parse(request.params);
      const { email } = await readSubscriber(deps.db, id);
      return console.page('subscriber-erase', 'subscribers', { id, email });
    });

    app.post('/admin/subscribers/:id/erasure', { config: { permission: 'admin' } }, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      await eraseSubscriber(deps, params.parse(request.params).id, console.actor);
      return console.redirect('/admin/subscribers?done=erased');
    });
  };

  async function show(console: Console, { q, status, kind, group, after, done }: z.infer<typeof query>) {
    const search = { q, status, kind, group: group === '' ? undefined : group };
    const page = await browseSubscribers(deps.db, { ...search, after, limit: pageSize });
    const groups = await listGroups(deps.db);
    return console.page('subscribers', 'subscribers', {
      subscribers: page.subscribers.map((subscriber) => ({
        ...subscriber,
        language: console.texts.language(subscriber.locale),
        since: subscriber.confirmedAt ?? subscriber.createdAt,
        groupName: groups.find(({ id }) => id === subscriber.noticeGroup)?.name ?? null,
      })),
      query: { q, status: status ?? '', kind: kind ?? '', group },
      groups,
      next: page.next,
      nextPath: `/admin/subscribers?${new URLSearchParams({ q, status: status ?? '', kind: kind ?? '', group, after: String(page.next ?? '') })}`,
      any: page.subscribers.length > 0 || (await isAnybodyThere(deps.db)),
      mayManage: hasRole(console.actor, 'admin'),
      done: done === 'erased' ? console.texts.t('console.subscribers.erased') : null,
    });
  }
}
