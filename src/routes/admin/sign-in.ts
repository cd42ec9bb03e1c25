import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { signOut } from '../../admins/sessions.js';
import { checkSetupLink, createFirstAdmin } from '../../admins/setup.js';
import { signIn } from '../../admins/sign-in.js';
import type { AppDeps } from '../../app.js';
import { Refusal } from '../../errors.js';
import { clearSession, csrfToken, sessionToken, setSession } from '../guard.js';
import { visitOf } from '../network.js';
import type { FieldFault } from '../pages/subscription-form.js';
import { noteRefusal } from '../problem.js';
import { codePath, keepHalf } from './code.js';
import { redirect } from './console.js';
import { safePath } from './safe-path.js';

const signInPost = z.object({
  email: z.string().max(1_000),
  password: z.string().max(4_000),
  next: z.string().default(''),
});
const setupPost = z.object({ email: z.string().max(1_000), password: z.string().max(4_000), repeat: z.string() });
const query = z.object({
  next: z.string().default('').catch(''),
  why: z.enum(['ended', 'signed-out', 'new-password']).optional().catch(undefined),
});

const whyTexts = {
  ended: 'console.signIn.ended',
  'signed-out': 'console.signIn.signedOut',
  'new-password': 'accounts.reset.done',
} as const;

type TokenRequest = FastifyRequest<{ Params: { token: string } }>;

/** In and out: by address and password, and once by the link that the first start prints. */
export function signInRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    const anybody = { config: { permission: 'public' as const } };

    app.get('/admin/sign-in', anybody, async (request, reply) => {
      const { next, why } = query.parse(request.query);
      const status = why === undefined ? null : texts(request).t(whyTexts[why]);
      return showSignIn(reply, { email: '', next: safePath(next), status, errors: [] });
    });

    app.post('/admin/sign-in', anybody, async (request, reply) => {
      const { email, password, next } = signInPost.parse(request.body);
      try {
        const entered = await signIn(deps, { ...visitOf(request, deps.pages.localeOf(request)), email, password });
        if ('half' in entered) {
          keepHalf(reply, deps, entered.half);
          return redirect(deps, request, reply, `${codePath}?next=${encodeURIComponent(safePath(next))}`);
        }
        setSession(reply, deps.config, entered.session);
        return redirect(deps, request, reply, safePath(next));
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        const limited = error.code === 'rate.exceeded';
        if (!limited && error.code !== 'credentials.wrong') throw error;
        noteRefusal(request, error.code);
        if (error.retryAfter !== null) reply.header('retry-after', String(error.retryAfter));
        const message = texts(request).t(`console.signIn.${limited ? 'limited' : 'wrong'}`);
        const view = { email, next: safePath(next), status: null, errors: [{ field: 'email', message }] };
        return showSignIn(reply, view, limited ? 429 : 422);
      }
    });

    app.post('/admin/sign-out', anybody, async (request, reply) => {
      await signOut(deps, sessionToken(request, deps.config));
      clearSession(reply, deps.config);
      return redirect(deps, request, reply, '/admin/sign-in?why=signed-out');
    });

    app.get<{ Params: { token: string } }>('/admin/setup/:token', anybody, async (request, reply) => {
      try {
        await checkSetupLink(deps.db, request.params.token);
      } catch (error) {
        return linkOver(request, reply, error);
      }
      return showSetup(request, reply, '', []);
    });

    app.post<{ Params: { token: string } }>('/admin/setup/:token', anybody, async (request, reply) => {
      const { email, password, repeat } = setupPost.parse(request.body);
      const { t } = texts(request);
      if (password !== repeat) {
        return showSetup(request, reply, email, [{ field: 'repeat', message: t('console.setup.different') }]);
      }
      try {
        const first = {
          ...visitOf(request, deps.pages.localeOf(request)),
          token: request.params.token,
          email,
          password,
        };
        setSession(reply, deps.config, await createFirstAdmin(deps, first));
        return redirect(deps, request, reply, '/admin');
      } catch (error) {
        if (error instanceof Refusal && error.code === 'address.invalid') {
          return showSetup(request, reply, email, [{ field: 'email', message: t('console.faults.email') }]);
        }
        if (error instanceof Refusal && error.code === 'password.weak') {
          return showSetup(request, reply, email, [{ field: 'password', message: t('console.faults.password') }]);
        }
        return linkOver(request, reply, error);
      }
    });
  };

  function texts(request: FastifyRequest) {
    return deps.texts.for(deps.pages.localeOf(request));
  }

  function showSignIn(
    reply: FastifyReply,
    { email, ...view }: { email: string; next: string; status: string | null; errors: FieldFault[] },
    status = 200,
  ) {
    const { oidc } = deps.config;
    const provider =
      oidc === null ? null : { path: `/admin/oidc?next=${encodeURIComponent(view.next)}`, label: oidc.label };
    const data = { ...view, provider, values: { email }, csrf: csrfToken(reply) };
    return deps.pages.page(reply, 'admin/sign-in', data, { status });
  }

  function showSetup(request: TokenRequest, reply: FastifyReply, email: string, errors: FieldFault[]) {
    const action = `/admin/setup/${encodeURIComponent(request.params.token)}`;
    const data = { action, values: { email }, errors, csrf: csrfToken(reply) };
    return deps.pages.page(reply, 'admin/setup', data, { status: errors.length > 0 ? 422 : 200 });
  }

  function linkOver(request: FastifyRequest, reply: FastifyReply, error: unknown) {
    if (!(error instanceof Refusal) || (error.code !== 'setup.used' && error.code !== 'token.unknown')) throw error;
    const { t } = texts(request);
    return deps.pages.page(
      reply,
      'admin/message',
      {
        title: t('console.setup.unknown.title'),
        lead: t('console.setup.unknown.lead'),
        way: { path: '/admin/sign-in', label: t('console.signIn.title') },
      },
      { status: error.code === 'setup.used' ? 410 : 404 },
    );
  }
}
