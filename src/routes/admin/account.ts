import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { readAccount } from '../../admins/accounts.js';
import { changePassword } from '../../admins/change-password.js';
import { factorState } from '../../admins/second-factor.js';
import { endOtherSessions, endSession, listSessions, type Session } from '../../admins/sessions.js';
import type { AppDeps } from '../../app.js';
import { Refusal } from '../../errors.js';
import { networkOf } from '../network.js';
import type { FieldFault } from '../pages/subscription-form.js';
import { noteRefusal } from '../problem.js';
import { type Console, consoleOf } from './console.js';

const word = z.string().max(4_000).default('');
const passwordPost = z.object({ currentPassword: word, password: word, repeat: word });
const params = z.object({ id: z.coerce.number().int().positive() });
const deeds = ['password', 'ended', 'ended-others', 'switched-off'] as const;
const query = z.object({ done: z.enum(deeds).optional().catch(undefined) });

/** One's own account: password, second factor, and where one is signed in. */
export function accountRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    const own = { config: { permission: 'viewer' as const } };

    app.get('/admin/account', own, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      const { done } = query.parse(request.query);
      const told = done === undefined ? null : console.texts.t(`accounts.account.done.${done}`);
      return show(console, sessionIn(request), { done: told });
    });

    app.post('/admin/account/password', own, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      const session = sessionIn(request);
      const { currentPassword, password, repeat } = passwordPost.parse(request.body);
      const { t } = console.texts;
      if (password !== repeat) {
        return show(console, session, { errors: [{ field: 'repeat', message: t('console.setup.different') }] });
      }
      try {
        await changePassword(deps, session, {
          current: currentPassword,
          fresh: password,
          ip: networkOf(request.ip),
        });
        return console.redirect('/admin/account?done=password');
      } catch (error) {
        const fault = error instanceof Refusal ? passwordFaults.get(error.code) : undefined;
        if (!(error instanceof Refusal) || fault === undefined) throw error;
        noteRefusal(request, error.code);
        return show(console, session, { errors: [{ field: fault.field, message: t(fault.text) }] });
      }
    });

    app.post('/admin/account/sessions/:id/end', own, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      try {
        await endSession(deps, params.parse(request.params).id, console.actor);
      } catch (error) {
        // Ended by itself meanwhile: what was asked for is so.
        if (!(error instanceof Refusal) || error.code !== 'session.unknown') throw error;
      }
      return console.redirect('/admin/account?done=ended');
    });

    app.post('/admin/account/sessions/end-others', own, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      await endOtherSessions(deps, sessionIn(request));
      return console.redirect('/admin/account?done=ended-others');
    });
  };

  async function show(console: Console, session: Session, view: { errors?: FieldFault[]; done?: string | null }) {
    const { errors = [], done = null } = view;
    const { id } = session.actor;
    return console.page(
      'account',
      'account',
      {
        account: await readAccount(deps.db, id),
        factor: await factorState(deps.db, id),
        sessions: await listSessions(deps, id),
        present: session.id,
        idle: durationIn(console, deps.config.sessionIdleMinutes),
        life: durationIn(console, deps.config.sessionHours * 60),
        errors,
        done,
      },
      { status: errors.length > 0 ? 422 : 200 },
    );
  }
}

/** Where a fault belongs, and its sentence. */
const passwordFaults: ReadonlyMap<string, { field: string; text: string }> = new Map([
  ['credentials.wrong', { field: 'currentPassword', text: 'accounts.account.password.wrong' }],
  ['rate.exceeded', { field: 'currentPassword', text: 'console.signIn.limited' }],
  ['password.weak', { field: 'password', text: 'console.faults.password' }],
]);

/** In the largest unit that says it exactly. */
function durationIn({ texts }: Console, minutes: number): string {
  const hours = minutes / 60;
  if (!Number.isInteger(hours)) return texts.t('accounts.sessions.minutes', { count: minutes });
  if (hours < 48 || hours % 24 !== 0) return texts.t('accounts.sessions.hours', { count: hours });
  return texts.t('accounts.sessions.days', { count: hours / 24 });
}

/** The session of a route that the guard has let pass. */
export function sessionIn({ session }: FastifyRequest): Session {
  if (session === null) throw new Error('this route of the console is not guarded');
  return session;
}
