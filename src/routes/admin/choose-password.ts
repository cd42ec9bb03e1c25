import { setTimeout as pause } from 'node:timers/promises';
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { acceptInvitation, readInvitation } from '../../admins/invite.js';
import { readReset, requestReset, resetPassword } from '../../admins/reset-password.js';
import type { AppDeps } from '../../app.js';
import { Refusal } from '../../errors.js';
import { csrfToken, setSession } from '../guard.js';
import { networkOf, visitOf } from '../network.js';
import type { FieldFault } from '../pages/subscription-form.js';
import { redirect } from './console.js';

const word = z.string().max(4_000);
const post = z.object({ password: word, repeat: word });
const forgottenPost = z.object({ email: z.string().max(1_000).default('') });

/** Before that the form for a forgotten password does not answer. */
const answerMs = 100;

type Link = 'invitation' | 'reset';
type TokenRequest = FastifyRequest<{ Params: { token: string } }>;

/**
 * The links of letters to admins: whoever opens one chooses a password. GET changes nothing, since scanners of mail
 * fetch links. And the form that asks for such a letter, whose answer is the same whoever asks.
 */
export function choosePasswordRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    const anybody = { config: { permission: 'public' as const } };

    for (const link of ['invitation', 'reset'] as const) {
      app.get<{ Params: { token: string } }>(`/admin/${link}/:token`, anybody, async (request, reply) =>
        orOver(request, reply, link, () => show(request, reply, link, [])),
      );
    }

    app.post<{ Params: { token: string } }>('/admin/invitation/:token', anybody, async (request, reply) =>
      orOver(request, reply, 'invitation', async () => {
        const { token } = request.params;
        return chosen(request, reply, 'invitation', async (password) => {
          setSession(
            reply,
            deps.config,
            await acceptInvitation(deps, { ...visitOf(request, deps.pages.localeOf(request)), token, password }),
          );
          return redirect(deps, request, reply, '/admin');
        });
      }),
    );

    app.post<{ Params: { token: string } }>('/admin/reset/:token', anybody, async (request, reply) =>
      orOver(request, reply, 'reset', async () => {
        const { token } = request.params;
        return chosen(request, reply, 'reset', async (password) => {
          await resetPassword(deps, { token, password, ip: networkOf(request.ip) });
          return redirect(deps, request, reply, '/admin/sign-in?why=new-password');
        });
      }),
    );

    app.get('/admin/forgotten', anybody, async (_request, reply) =>
      deps.pages.page(reply, 'admin/forgotten', { errors: [], values: { email: '' }, csrf: csrfToken(reply) }),
    );

    app.post('/admin/forgotten', { ...anybody, onRequest: app.limitForms }, async (request, reply) => {
      const { email } = forgottenPost.parse(request.body);
      const locale = deps.pages.localeOf(request);
      // Nor does the time tell who has an account: the work for one takes a few milliseconds.
      await Promise.all([requestReset(deps, { email, locale, ip: networkOf(request.ip) }), pause(answerMs)]);
      const { t } = deps.texts.for(locale);
      return deps.pages.page(reply, 'admin/message', {
        title: t('accounts.forgotten.sentTitle'),
        lead: t('accounts.forgotten.sentLead'),
        way: { path: '/admin/sign-in', label: t('console.signIn.title') },
      });
    });
  };

  async function chosen(
    request: TokenRequest,
    reply: FastifyReply,
    link: Link,
    take: (password: string) => Promise<FastifyReply>,
  ): Promise<FastifyReply> {
    const { t } = deps.texts.for(deps.pages.localeOf(request));
    const { password, repeat } = post.parse(request.body);
    if (password !== repeat) {
      return show(request, reply, link, [{ field: 'repeat', message: t('console.setup.different') }]);
    }
    try {
      return await take(password);
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== 'password.weak') throw error;
      return show(request, reply, link, [{ field: 'password', message: t('console.faults.password') }]);
    }
  }

  async function show(request: TokenRequest, reply: FastifyReply, link: Link, errors: FieldFault[]) {
    const { token } = request.params;
    const { email, role } =
      link === 'invitation'
        ? await readInvitation(deps, token)
        : { email: (await readReset(deps, token)).email, role: null };
    const action = `/admin/${link}/${encodeURIComponent(token)}`;
    const data = { kind: link, email, role, action, errors, csrf: csrfToken(reply) };
    return deps.pages.page(reply, 'admin/choose-password', data, { status: errors.length > 0 ? 422 : 200 });
  }

  /** A link that opens nothing says so, and what to do. */
  async function orOver(
    request: FastifyRequest,
    reply: FastifyReply,
    link: Link,
    answer: () => Promise<FastifyReply>,
  ): Promise<FastifyReply> {
    try {
      return await answer();
    } catch (error) {
      const why = error instanceof Refusal ? over.get(error.code) : undefined;
      if (why === undefined) throw error;
      const { t } = deps.texts.for(deps.pages.localeOf(request));
      const isReset = link === 'reset' && why.name !== 'exists';
      return deps.pages.page(
        reply,
        'admin/message',
        {
          title: t(`accounts.over.${why.name}.title`),
          lead: t(`accounts.over.${why.name}.${link}`),
          way: isReset
            ? { path: '/admin/forgotten', label: t('accounts.forgotten.title') }
            : { path: '/admin/sign-in', label: t('console.signIn.title') },
        },
        { status: why.status },
      );
    }
  }
}

const over: ReadonlyMap<string, { name: string; status: number }> = new Map([
  ['token.unknown', { name: 'unknown', status: 404 }],
  ['token.used', { name: 'used', status: 410 }],
  ['token.expired', { name: 'expired', status: 410 }],
  ['invitation.missing', { name: 'used', status: 410 }],
  ['account.exists', { name: 'exists', status: 409 }],
]);
