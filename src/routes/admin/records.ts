import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import { type Actor, hasRole } from '../../actor.js';
import type { AppDeps } from '../../app.js';
import { decideObjection } from '../../objections/decide.js';
import { objectionStates } from '../../objections/objection.js';
import { listObjections } from '../../objections/report.js';
import type { Texts } from '../../texts.js';
import { consoleOf } from './console.js';

const params = z.object({ id: z.coerce.number().int().positive() });
const decision = z.object({ state: z.enum(objectionStates), note: z.string().max(2_000).default('') });

/** Objections with their state. */
export function recordsRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    app.get('/admin/objections', { config: { permission: 'viewer' } }, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      const { done } = z.object({ done: z.enum(['saved']).optional().catch(undefined) }).parse(request.query);
      return console.page('objections', 'objections', {
        objections: await listObjections(deps.db),
        mayDecide: hasRole(console.actor, 'publisher'),
        done: done === undefined ? null : console.texts.t('console.objections.saved'),
      });
    });

    app.post(
      '/admin/objections/:id',
      { config: { permission: 'publisher', keepsText: true } },
      async (request, reply) => {
        const console = consoleOf(deps, request, reply);
        const { id } = params.parse(request.params);
        await decideObjection(deps, id, decision.parse(request.body), console.actor);
        return console.redirect('/admin/objections?done=saved');
      },
    );
  };
}

/** Whoever did something, in the words of the language. */
export function nameOf(actor: Actor, { t }: Texts): string {
  if (actor.kind === 'token' && actor.id === 'environment') return t('console.audit.actors.environment');
  return t(`console.audit.actors.${actor.kind}`, 'id' in actor ? { id: String(actor.id) } : {});
}
