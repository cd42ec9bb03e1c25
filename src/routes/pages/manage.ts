import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { AppDeps } from '../../app.js';
import { Refusal } from '../../errors.js';
import { requestAddressChange } from '../../subscribers/address-change.js';
import { eraseMe } from '../../subscribers/erase.js';
import { readManaged } from '../../subscribers/manage.js';
import { myData } from '../../subscribers/my-data.js';
import { keepPrivate } from './private.js';
import { type FieldFault, faultsOfPost, faultsOfRefusal, subscriptionPost, typedValues } from './subscription-form.js';
import { unknownLink } from './unknown-link.js';

type TokenRequest = FastifyRequest<{ Params: { token: string } }>;

const addressPost = z.object({ email: subscriptionPost.shape.email });

/** Behind the second link, good for an hour: one's own data, another address, erasure (GDPR Art. 15 to 20). */
export function manageRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    keepPrivate(app);

    app.get<{ Params: { token: string } }>('/manage/:token', async (request, reply) =>
      guarded(request, reply, () => show(request, reply, '', [])),
    );

    // Handing out a person's data is recorded, and a GET records nothing.
    app.post<{ Params: { token: string } }>('/manage/:token/my-data', async (request, reply) =>
      guarded(request, reply, async () => {
        const data = await myData(deps, request.params.token);
        return reply
          .type('application/json; charset=utf-8')
          .header('content-disposition', 'attachment; filename="my-data.json"')
          .serializer((value: unknown) => `${JSON.stringify(value, null, 2)}\n`)
          .send(data);
      }),
    );

    app.post<{ Params: { token: string } }>('/manage/:token/address', async (request, reply) =>
      guarded(request, reply, async () => {
        const { email } = typedValues(request.body);
        const words = texts(request);
        const wanted = addressPost.safeParse(request.body ?? {});
        if (!wanted.success) return show(request, reply, email, faultsOfPost(wanted.error.issues, { email }, words));
        try {
          await requestAddressChange(deps, request.params.token, wanted.data.email);
        } catch (error) {
          const faults = error instanceof Refusal ? faultsOfRefusal(error, { email }, words) : null;
          if (faults === null) throw error;
          return show(request, reply, email, faults);
        }
        return deps.pages.page(reply, 'subscription-done', {
          title: words.t('subscription.manage.changeSent.title'),
          lead: { key: 'subscription.manage.changeSent.lead', email: email.trim() },
          text: [],
          links: [],
        });
      }),
    );

    app.get<{ Params: { token: string } }>('/manage/:token/erasure', async (request, reply) =>
      guarded(request, reply, async () => {
        const { email, locale } = await readManaged(deps, request.params.token);
        return deps.pages.page(reply, 'manage-erase', { email, action: actionOf(request) }, { locale });
      }),
    );

    app.post<{ Params: { token: string } }>('/manage/:token/erasure', async (request, reply) =>
      guarded(request, reply, async () => {
        await eraseMe(deps, request.params.token);
        const words = texts(request);
        return deps.pages.page(reply, 'subscription-done', {
          title: words.t('subscription.manage.erased.title'),
          lead: { key: 'subscription.manage.erased.lead', email: null },
          text: [],
          links: [],
        });
      }),
    );
  };

  /** Answers, or says that the link is over. */
  async function guarded(request: TokenRequest, reply: FastifyReply, answer: () => Promise<FastifyReply>) {
    try {
      return await answer();
    } catch (error) {
      if (!(error instanceof Refusal) || (error.code !== 'token.unknown' && error.code !== 'token.expired'))
        throw error;
      return unknownLink(deps, request, reply, { of: 'manage', status: error.code === 'token.expired' ? 410 : 404 });
    }
  }

  async function show(request: TokenRequest, reply: FastifyReply, newEmail: string, errors: FieldFault[]) {
    const { email, locale, status } = await readManaged(deps, request.params.token);
    return deps.pages.page(
      reply,
      'manage',
      { email, subscribed: status === 'confirmed', action: actionOf(request), newEmail, errors },
      { locale, status: errors.length > 0 ? 422 : 200 },
    );
  }

  function texts(request: TokenRequest) {
    return deps.texts.for(deps.pages.localeOf(request));
  }
}

function actionOf(request: TokenRequest): string {
  return `/manage/${encodeURIComponent(request.params.token)}`;
}
