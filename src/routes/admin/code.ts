import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { finishSignIn, type HalfSignIn } from '../../admins/sign-in.js';
import type { AppDeps } from '../../app.js';
import { Refusal } from '../../errors.js';
import { csrfToken, endSignInState, keepSignInState, setSession, signInState } from '../guard.js';
import { visitOf } from '../network.js';
import type { FieldFault } from '../pages/subscription-form.js';
import { noteRefusal } from '../problem.js';
import { redirect } from './console.js';
import { safePath } from './safe-path.js';

export const codePath = '/admin/sign-in/code';
/** How long somebody may look for their device. */
const halfSeconds = 10 * 60;
const kept = z.object({ adminId: z.number(), mark: z.string(), until: z.number() });
const ways = ['app', 'recovery'] as const;
const query = z.object({ next: z.string().default('').catch(''), by: z.enum(ways).default('app').catch('app') });
const post = query.extend({ code: z.string().max(200) });

/** The second step of a sign-in by password, on a page of its own: a code of the app, or a recovery code. */
export function codeRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    const anybody = { config: { permission: 'public' as const } };

    app.get(codePath, anybody, async (request, reply) => {
      const { next, by } = query.parse(request.query);
      if (halfOf(request) === null) return backToStart(request, reply, next);
      return show(reply, { next: safePath(next), by, errors: [] });
    });

    app.post(codePath, anybody, async (request, reply) => {
      const { code, next, by } = post.parse(request.body);
      const half = halfOf(request);
      if (half === null) return backToStart(request, reply, next);
      try {
        const { session, codesLeft } = await finishSignIn(deps, half, {
          ...visitOf(request, deps.pages.localeOf(request)),
          code,
        });
        endSignInState(reply, deps.config, 'code');
        setSession(reply, deps.config, session);
        const path = safePath(next);
        if (codesLeft === null) return redirect(deps, request, reply, path);
        const onward = `/admin/account/second-factor?done=recovered&next=${encodeURIComponent(path)}`;
        return redirect(deps, request, reply, onward);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        if (error.code === 'session.missing') return backToStart(request, reply, next);
        const limited = error.code === 'rate.exceeded';
        if (!limited && error.code !== 'code.wrong') throw error;
        noteRefusal(request, error.code);
        if (error.retryAfter !== null) reply.header('retry-after', String(error.retryAfter));
        const { t } = deps.texts.for(deps.pages.localeOf(request));
        const message = limited ? t('console.signIn.limited') : t(`accounts.code.wrong.${by}`);
        return show(reply, { next: safePath(next), by, errors: [{ field: 'code', message }] }, limited ? 429 : 422);
      }
    });
  };

  function halfOf(request: FastifyRequest): HalfSignIn | null {
    const state = signInState(request, deps.config, 'code');
    const read = state === null ? null : kept.safeParse(parsed(state));
    if (read === null || !read.success || read.data.until < deps.now().getTime()) return null;
    return { adminId: read.data.adminId, mark: read.data.mark };
  }

  function backToStart(request: FastifyRequest, reply: FastifyReply, next: string) {
    endSignInState(reply, deps.config, 'code');
    return redirect(deps, request, reply, `/admin/sign-in?why=ended&next=${encodeURIComponent(safePath(next))}`);
  }

  function show(
    reply: FastifyReply,
    view: { next: string; by: (typeof ways)[number]; errors: FieldFault[] },
    status = 200,
  ) {
    const way = (by: string) => `${codePath}?${new URLSearchParams({ next: view.next, by })}`;
    const data = { ...view, action: codePath, toRecovery: way('recovery'), toApp: way('app'), csrf: csrfToken(reply) };
    return deps.pages.page(reply, 'admin/sign-in-code', data, { status });
  }
}

/** The password was right: the browser keeps so much until the code comes. */
export function keepHalf(reply: FastifyReply, { config, now }: AppDeps, half: HalfSignIn): void {
  const state = JSON.stringify({ ...half, until: now().getTime() + halfSeconds * 1_000 });
  keepSignInState(reply, config, { step: 'code', state, maxAge: halfSeconds });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
