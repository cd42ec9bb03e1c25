import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { AppDeps } from '../../app.js';
import { confirm, confirmFromBrowser, confirmState } from '../../subscribers/confirm.js';
import type { Confirmation } from '../../subscribers/standing.js';
import { browserNonceOf } from './browser-cookie.js';
import { keepPrivate } from './private.js';
import { emptyForm } from './subscription-form.js';

type TokenRequest = FastifyRequest<{ Params: { token: string } }>;

/**
 * The link of a confirmation mail. GET shows a button and changes nothing, since scanners of mail fetch
 * links; in the very browser that sent the form it confirms at once. POST confirms.
 */
export function confirmRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    keepPrivate(app);

    app.get<{ Params: { token: string } }>('/confirm/:token', async (request, reply) => {
      const { token } = request.params;
      const nonce = isOpened(request) ? browserNonceOf(request, deps.config) : null;
      const done = nonce === null ? null : await confirmFromBrowser(deps, token, nonce, { ip: request.ip });
      if (done !== null) return show(request, reply, done, 'done');
      return show(request, reply, await confirmState(deps, token), 'already');
    });

    app.post<{ Params: { token: string } }>('/confirm/:token', async (request, reply) =>
      show(request, reply, await confirm(deps, request.params.token, { ip: request.ip }), 'done'),
    );
  };

  async function show(
    request: TokenRequest,
    reply: FastifyReply,
    { state, purpose, address }: Confirmation,
    confirmed: 'done' | 'already',
  ) {
    const { t } = deps.texts.for(deps.pages.localeOf(request));
    const key = purpose === 'change-address' ? 'subscription.change' : 'subscription.confirm';
    if (state === 'open') {
      const action = `/confirm/${encodeURIComponent(request.params.token)}`;
      return deps.pages.page(reply, 'confirm', { kind: purpose, email: address, action });
    }
    if (state === 'confirmed') {
      const text = purpose === 'confirm' && confirmed === 'done' ? [t('subscription.confirm.done.welcome')] : [];
      const part = purpose === 'confirm' && confirmed === 'already' ? 'already' : 'done';
      return deps.pages.page(reply, 'subscription-done', {
        title: t(`${key}.${part}.title`),
        lead: { key: `${key}.${part}.lead`, email: address },
        text,
        links: [{ path: '/', label: t('subscription.confirm.toList'), main: false }],
      });
    }
    return deps.pages.page(
      reply,
      'link-over',
      {
        title: t(`subscription.confirm.${state}.title`),
        lead: t(`subscription.confirm.${state}.lead`),
        form: await emptyForm(deps),
      },
      { status: state === 'unknown' ? 404 : 410 },
    );
  }
}

/** A person has opened the page: no HEAD, no fetch by a script, no prefetch by the browser itself. */
function isOpened(request: FastifyRequest): boolean {
  const mode = request.headers['sec-fetch-mode'];
  const purpose = request.headers['sec-purpose'] ?? request.headers.purpose;
  return request.method === 'GET' && (mode === undefined || mode === 'navigate') && purpose === undefined;
}
