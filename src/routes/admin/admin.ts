import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { roles } from '../../actor.js';
import {
  changeRole,
  disableAccount,
  enableAccount,
  endSessionsOf,
  readAccount,
  removeAccount,
} from '../../admins/accounts.js';
import { sendReset } from '../../admins/reset-password.js';
import { resetSecondFactor } from '../../admins/second-factor.js';
import type { AppDeps } from '../../app.js';
import { Refusal } from '../../errors.js';
import type { FieldFault } from '../pages/subscription-form.js';
import { sessionIn } from './account.js';
import { type Console, consoleOf } from './console.js';

const params = z.object({ id: z.coerce.number().int().positive() });
const ticked = z
  .literal('yes')
  .optional()
  .transform((value) => value === 'yes');
const sureBody = z.object({ sure: ticked });
const roleBody = sureBody.extend({ role: z.enum(roles) });
const deeds = ['role-changed', 'disabled', 'enabled', 'factor-reset', 'reset-sent', 'sessions-ended'] as const;
const query = z.object({ done: z.enum(deeds).optional().catch(undefined) });

/** One account, and what those who manage accounts can do to it. */
export function adminAccountRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    const admins = { config: { permission: 'admin' as const } };

    app.get('/admin/admins/:id', admins, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      const { done } = query.parse(request.query);
      return show(console, idOf(request), {
        done: done === undefined ? null : console.texts.t(`accounts.admin.done.${done}`),
      });
    });

    /** A form of the page: `field` is where its fault is shown. */
    const deed = (
      name: string,
      field: string,
      act: (console: Console, id: number, request: FastifyRequest) => Promise<string>,
    ) => {
      app.post(`/admin/admins/:id/${name}`, admins, async (request, reply) => {
        const console = consoleOf(deps, request, reply);
        const id = idOf(request);
        return orFault(console, id, field, async () => console.redirect(await act(console, id, request)));
      });
    };

    deed('role', 'role-sure', async (console, id, request) => {
      const { role, sure } = roleBody.parse(request.body);
      await changeRole(deps, { id, role, sure }, console.actor);
      return `/admin/admins/${id}?done=role-changed`;
    });

    deed('disabling', 'disable-sure', async (console, id, request) => {
      const { sure } = sureBody.parse(request.body);
      await disableAccount(deps, { id, sure }, console.actor);
      return `/admin/admins/${id}?done=disabled`;
    });

    deed('enabling', '', async (console, id) => {
      await enableAccount(deps, { id }, console.actor);
      return `/admin/admins/${id}?done=enabled`;
    });

    deed('second-factor-reset', '', async (console, id) => {
      await resetSecondFactor(deps, id, console.actor);
      return `/admin/admins/${id}?done=factor-reset`;
    });

    deed('reset-link', '', async (console, id) => {
      await sendReset(deps, { adminId: id, locale: console.texts.locale }, console.actor);
      return `/admin/admins/${id}?done=reset-sent`;
    });

    deed('sessions-end', '', async (console, id, request) => {
      const own = sessionIn(request);
      await endSessionsOf(deps, { id, except: own.actor.id === id ? own.id : null }, console.actor);
      return `/admin/admins/${id}?done=sessions-ended`;
    });

    deed('removal', 'remove-sure', async (console, id, request) => {
      const { sure } = sureBody.parse(request.body);
      // Nothing brings it back, so it is asked for whoever's it is.
      if (!sure) throw new Refusal('account.unsure', 'Say that you are sure.');
      await removeAccount(deps, { id, sure }, console.actor);
      return '/admin/admins?done=removed';
    });
  };

  async function orFault(
    console: Console,
    id: number,
    field: string,
    answer: () => Promise<FastifyReply>,
  ): Promise<FastifyReply> {
    try {
      return await answer();
    } catch (error) {
      const fault = error instanceof Refusal ? faults.get(error.code) : undefined;
      if (fault === undefined) throw error;
      return show(console, id, { errors: [{ field, message: console.texts.t(fault.text) }] }, fault.status);
    }
  }

  async function show(
    console: Console,
    id: number,
    view: { errors?: FieldFault[]; done?: string | null },
    status = 200,
  ) {
    const account = await readAccount(deps.db, id);
    const data = { account, isOwn: console.actor.id === id, errors: view.errors ?? [], done: view.done ?? null };
    return console.page('admin', 'admins', data, { status });
  }
}

const faults: ReadonlyMap<string, { text: string; status: number }> = new Map([
  ['account.last', { text: 'accounts.faults.last', status: 409 }],
  ['account.unsure', { text: 'accounts.faults.unsure', status: 422 }],
  ['account.disabled', { text: 'accounts.faults.disabled', status: 409 }],
  ['account.own', { text: 'accounts.faults.own', status: 409 }],
  ['factor.missing', { text: 'accounts.faults.noFactor', status: 409 }],
]);

function idOf(request: FastifyRequest): number {
  return params.parse(request.params).id;
}
