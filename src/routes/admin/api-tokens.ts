import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import { roles } from '../../actor.js';
import { type ApiToken, createApiToken, listApiTokens, revokeApiToken } from '../../admins/api-tokens.js';
import type { AppDeps } from '../../app.js';
import { Refusal } from '../../errors.js';
import { dayOf, readDayEnd } from '../../versions/clock.js';
import type { FieldFault } from '../pages/subscription-form.js';
import { type Console, consoleOf } from './console.js';

const params = z.object({ id: z.coerce.number().int().positive() });
const post = z.object({
  name: z.string().trim().default(''),
  role: z.enum(roles).default('viewer'),
  expires: z.string().trim().default(''),
});
/** What the form proposes: a token that nobody remembers ends by itself. */
const usualLifeMs = 365 * 24 * 60 * 60 * 1000;
type TokenForm = z.infer<typeof post>;

/** Tokens for programs: made, shown once, revoked. */
export function apiTokensRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    app.get('/admin/api-tokens', { config: { permission: 'admin' } }, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      const { done } = z.object({ done: z.enum(['revoked']).optional().catch(undefined) }).parse(request.query);
      return show(console, { done: done === undefined ? null : console.texts.t('console.tokens.revoked') });
    });

    app.post('/admin/api-tokens', { config: { permission: 'admin' } }, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      const values = post.parse(request.body);
      const fault = (field: string) => [{ field, message: console.texts.t(`console.faults.${field}`) }];
      try {
        const expiresAt = values.expires === '' ? null : readDayEnd('expiresAt', values.expires, deps.config.timeZone);
        const { secret } = await createApiToken(
          deps,
          { name: values.name, role: values.role, expiresAt },
          console.actor,
        );
        // Not by way of a redirect: the secret is in this answer and nowhere else.
        return show(console, { created: secret });
      } catch (error) {
        if (!(error instanceof Refusal) || !['input.invalid', 'date.invalid'].includes(error.code)) throw error;
        const field = error.errors[0]?.path === 'name' ? 'name' : 'expires';
        return show(console, { values, errors: fault(field) }, 422);
      }
    });

    app.post('/admin/api-tokens/:id/revoke', { config: { permission: 'admin' } }, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      await revokeApiToken(deps, params.parse(request.params).id, console.actor);
      return console.redirect('/admin/api-tokens?done=revoked');
    });
  };

  async function show(
    console: Console,
    view: { values?: TokenForm; errors?: FieldFault[]; created?: string; done?: string | null },
    status = 200,
  ) {
    const now = deps.now();
    const tokens = await listApiTokens(deps.db);
    return console.page(
      'tokens',
      'tokens',
      {
        tokens: tokens.map((token) => ({ ...token, state: stateOf(token, now) })),
        created: view.created ?? null,
        values:
          view.values ?? post.parse({ expires: dayOf(new Date(now.getTime() + usualLifeMs), deps.config.timeZone) }),
        errors: view.errors ?? [],
        done: view.done ?? null,
      },
      { status },
    );
  }
}

function stateOf({ revokedAt, expiresAt }: ApiToken, now: Date): 'active' | 'expired' | 'revoked' {
  if (revokedAt !== null) return 'revoked';
  return expiresAt !== null && expiresAt <= now ? 'expired' : 'active';
}
