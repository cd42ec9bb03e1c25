import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { createIdentityProvider, type IdentityProvider, pendingSchema } from '../../admins/identity-provider.js';
import { signInByIdentity } from '../../admins/oidc.js';
import type { AppDeps } from '../../app.js';
import type { Config } from '../../config.js';
import { Refusal } from '../../errors.js';
import { countedGuesses, endSignInState, keepSignInState, setSession, signInState } from '../guard.js';
import { isLoopback, visitOf } from '../network.js';
import { noteRefusal, problemOf } from '../problem.js';
import { redirect } from './console.js';
import { safePath } from './safe-path.js';

const startQuery = z.object({ next: z.string().default('').catch('') });
const callbackPath = '/admin/oidc/callback';
const minutes = 60 * 1000;
/** How long somebody may take at the provider. */
const pendingMs = 15 * minutes;
const kept = pendingSchema.extend({
  next: z.string(),
  /** A language that was chosen, which the way over the provider would lose. */
  lang: z.string().nullable(),
  until: z.number(),
});

/** The sentences of what keeps somebody out, in locales/…/oidc.json. */
const refusals: ReadonlyMap<string, string> = new Map([
  ['identity.unverified', 'unverified'],
  ['identity.taken', 'taken'],
  ['identity.unknown', 'unknown'],
  ['account.disabled', 'disabled'],
  ['provider.refused', 'refused'],
  ['provider.away', 'away'],
]);

/** Sign-in at the identity provider of the settings; without one there are no such routes. */
export function oidcRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    const { oidc } = deps.config;
    if (oidc === null) return;
    const provider = createIdentityProvider(oidc, deps);
    const guesses = countedGuesses(app);
    const anybody = { config: { permission: 'public' as const } };

    // A link and no form: the browser would not follow a form to another host (form-action 'self').
    app.get('/admin/oidc', anybody, async (request, reply) => {
      const next = safePath(startQuery.parse(request.query).next);
      if (isOnOtherName(request, deps.config)) {
        return reply.redirect(deps.pages.href(`/admin/oidc${searchOf(request)}`), 303);
      }
      return orPage(request, reply, oidc.label, async () => {
        const { url, pending } = await provider.begin(callbackOf(deps.config));
        const until = deps.now().getTime() + pendingMs;
        const { locale, chosen } = deps.pages.localeChoice(request);
        const state = { ...pending, next, lang: chosen ? locale : null, until };
        keepSignInState(reply, deps.config, {
          step: 'sign-in',
          state: JSON.stringify(state),
          maxAge: pendingMs / 1000,
        });
        return reply.header('cache-control', 'no-store').redirect(url, 303);
      });
    });

    app.get(callbackPath, anybody, async (request, reply) =>
      orPage(request, reply, oidc.label, async () => {
        const begun = readState(signInState(request, deps.config, 'sign-in'));
        const search = new URLSearchParams(searchOf(request));
        if (begun !== null && begun.lang !== null && !search.has('lang')) {
          search.set('lang', begun.lang);
          return reply.header('cache-control', 'no-store').redirect(deps.pages.href(`${callbackPath}?${search}`), 303);
        }
        // Good for one answer, whatever comes of it.
        endSignInState(reply, deps.config, 'sign-in');
        if (begun === null || begun.until < deps.now().getTime()) {
          throw new Refusal('provider.refused', 'This browser has begun no sign-in.');
        }
        return comeIn(provider, begun, request, reply);
      }),
    );

    async function comeIn(
      identities: IdentityProvider,
      { next, state, nonce, verifier }: z.infer<typeof kept>,
      request: FastifyRequest,
      reply: FastifyReply,
    ) {
      const callback = new URL(callbackOf(deps.config));
      callback.search = searchOf(request);
      callback.searchParams.delete('lang');
      // Each answer that is made up costs the provider a request of ours.
      await guesses.refuseTooMany(request);
      const identity = await identities.finish(callback, { state, nonce, verifier }).catch(async (error: unknown) => {
        await guesses.count(request);
        throw error;
      });
      const from = { ...visitOf(request, deps.pages.localeOf(request)), newRole: oidc?.newRole ?? null };
      setSession(reply, deps.config, await signInByIdentity(deps, identity, from));
      return redirect(deps, request, reply.header('cache-control', 'no-store'), safePath(next));
    }
  };

  /** What is refused is said on a page of its own, with the way back. */
  async function orPage(
    request: FastifyRequest,
    reply: FastifyReply,
    label: string,
    answer: () => Promise<FastifyReply>,
  ): Promise<FastifyReply> {
    try {
      return await answer();
    } catch (error) {
      const name = error instanceof Refusal ? refusals.get(error.code) : undefined;
      if (name === undefined) throw error;
      const { code, status, retryAfter } = problemOf(error);
      noteRefusal(request, code);
      if (retryAfter !== null) reply.header('retry-after', String(retryAfter));
      const { t } = deps.texts.for(deps.pages.localeOf(request));
      const data = {
        title: t(`oidc.refusals.${name}.title`, { label }),
        lead: t(`oidc.refusals.${name}.lead`, { label }),
        way: { path: '/admin/sign-in', label: t('oidc.back') },
      };
      return deps.pages.page(reply, 'admin/message', data, { status });
    }
  }
}

function callbackOf({ publicUrl }: Config): string {
  return publicUrl + callbackPath;
}

function searchOf({ url }: FastifyRequest): string {
  const at = url.indexOf('?');
  return at === -1 ? '' : url.slice(at);
}

/** Begun at localhost and come back to 127.0.0.1, a browser would have its cookie under the other name. */
function isOnOtherName({ headers }: FastifyRequest, { publicUrl }: Config): boolean {
  const [here, there] = [headers.host ?? '', new URL(publicUrl).host];
  return here !== there && isLoopback(here) && isLoopback(there);
}

function readState(text: string | null): z.infer<typeof kept> | null {
  if (text === null) return null;
  try {
    return kept.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
