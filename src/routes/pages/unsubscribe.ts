import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { AppDeps } from '../../app.js';
import { Refusal } from '../../errors.js';
import { type Unsubscription, unsubscribe, unsubscribeState } from '../../subscribers/unsubscribe.js';
import { keepPrivate } from './private.js';
import { answerTestLinks } from './test-links.js';
import { unknownLink } from './unknown-link.js';

type TokenRequest = FastifyRequest<{ Params: { token: string } }>;

const bodyLimit = 64 * 1024;

/**
 * Leaving: a page with one button, and the one click of mail programs (RFC 8058, 3.2). Their request
 * comes from a data centre without cookie or token of ours, with a body of any type or none; the address
 * alone decides, and the answer is the page itself, never a redirect.
 */
export function unsubscribeRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    keepPrivate(app);
    answerTestLinks(app, deps, 'unsubscribe');
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', { parseAs: 'string', bodyLimit }, (_request, body, done) => done(null, body));
    // What is no media type at all would be refused before any parser is asked.
    app.addHook('onRequest', async ({ raw }) => {
      if (raw.method === 'POST') raw.headers['content-type'] = 'application/octet-stream';
    });

    app.get<{ Params: { token: string } }>('/unsubscribe/:token', async (request, reply) => {
      try {
        const found = await unsubscribeState(deps, request.params.token);
        if (found.state === 'left') return left(request, reply, found);
        return deps.pages.page(
          reply,
          'unsubscribe',
          { email: found.address, kind: found.kind, action: `/unsubscribe/${request.params.token}` },
          found.locale === null ? {} : { locale: found.locale },
        );
      } catch (error) {
        return refuse(request, reply, error);
      }
    });

    app.post<{ Params: { token: string } }>('/unsubscribe/:token', async (request, reply) => {
      try {
        const via = typeof request.body === 'string' && request.body.includes('via=page') ? 'page' : 'one-click';
        return left(request, reply, await unsubscribe(deps, request.params.token, via));
      } catch (error) {
        return refuse(request, reply, error);
      }
    });
  };

  function left(request: TokenRequest, reply: FastifyReply, { address, locale, kind }: Unsubscription) {
    const choice = deps.pages.localeChoice(request, locale ?? undefined);
    const { t } = deps.texts.for(choice.locale);
    return deps.pages.page(
      reply,
      'subscription-done',
      {
        title: t('subscription.unsubscribe.done.title'),
        lead:
          address === null
            ? { key: 'subscription.unsubscribe.done.leadErased', email: null }
            : { key: 'subscription.unsubscribe.done.lead', email: address },
        text: [
          t('subscription.unsubscribe.done.back'),
          ...(kind === 'contractual' ? [t('entitled.told', { company: deps.config.companyName })] : []),
        ],
        links: [{ path: '/subscribe', label: t('subscription.unsubscribe.done.form'), main: false }],
      },
      { locale: choice.locale },
    );
  }

  function refuse(request: TokenRequest, reply: FastifyReply, error: unknown) {
    if (!(error instanceof Refusal) || error.code !== 'token.unknown') throw error;
    return unknownLink(deps, request, reply);
  }
}
