import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { roles } from '../../actor.js';
import { listAccounts } from '../../admins/accounts.js';
import { invite, inviteAgain, listInvitations, revokeInvitation } from '../../admins/invite.js';
import type { AppDeps } from '../../app.js';
import { Refusal } from '../../errors.js';
import type { FieldFault } from '../pages/subscription-form.js';
import { type Console, consoleOf } from './console.js';

const post = z.object({
  email: z.string().trim().max(1_000).default(''),
  role: z.enum(roles).default('viewer'),
  locale: z.string().default(''),
});
type InviteForm = z.infer<typeof post>;
const params = z.object({ id: z.coerce.number().int().positive() });
const deeds = ['invited', 'invited-again', 'revoked', 'removed', 'role-changed', 'disabled'] as const;
const query = z.object({ done: z.enum(deeds).optional().catch(undefined) });

/** Everybody who may come in, and invitations. */
export function adminsRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    const admins = { config: { permission: 'admin' as const } };

    app.get('/admin/admins', admins, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      const { done } = query.parse(request.query);
      return show(console, { done: done === undefined ? null : console.texts.t(`accounts.admins.done.${done}`) });
    });

    app.post(
      '/admin/admins/invitations',
      { config: { permission: 'admin', keepsText: true } },
      async (request, reply) => {
        const console = consoleOf(deps, request, reply);
        const values = post.parse(request.body);
        const locale = deps.texts.forConsole(values.locale).locale;
        return orFault(console, values, async () => {
          await invite(deps, { email: values.email, role: values.role, locale }, console.actor);
          return console.redirect('/admin/admins?done=invited');
        });
      },
    );

    app.post('/admin/admins/invitations/:id/again', admins, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      return orFault(console, null, async () => {
        await inviteAgain(deps, idOf(request), console.actor);
        return console.redirect('/admin/admins?done=invited-again');
      });
    });

    app.post('/admin/admins/invitations/:id/revocation', admins, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      return orFault(console, null, async () => {
        await revokeInvitation(deps, idOf(request), console.actor);
        return console.redirect('/admin/admins?done=revoked');
      });
    });
  };

  async function orFault(
    console: Console,
    values: InviteForm | null,
    answer: () => Promise<ReturnType<Console['redirect']>>,
  ) {
    try {
      return await answer();
    } catch (error) {
      const text = error instanceof Refusal ? faults.get(error.code) : undefined;
      if (!(error instanceof Refusal) || text === undefined) throw error;
      const message = console.texts.t(text);
      const status = error.code === 'address.invalid' ? 422 : 409;
      return show(
        console,
        { ...(values === null ? {} : { values }), errors: [{ field: values === null ? '' : 'email', message }] },
        status,
      );
    }
  }

  async function show(
    console: Console,
    view: { values?: InviteForm; errors?: FieldFault[]; done?: string | null },
    status = 200,
  ) {
    return console.page(
      'admins',
      'admins',
      {
        accounts: await listAccounts(deps.db),
        own: console.actor.id,
        invitations: await listInvitations(deps),
        required: deps.config.secondFactor === 'required',
        values: view.values ?? post.parse({ locale: console.texts.locale }),
        errors: view.errors ?? [],
        done: view.done ?? null,
      },
      { status },
    );
  }
}

const faults: ReadonlyMap<string, string> = new Map([
  ['address.invalid', 'console.faults.email'],
  ['account.exists', 'accounts.faults.exists'],
  ['invitation.missing', 'accounts.faults.noInvitation'],
]);

function idOf(request: FastifyRequest): number {
  return params.parse(request.params).id;
}
