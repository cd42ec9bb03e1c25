import type { FastifyPluginAsync } from 'fastify';
import type { AppDeps } from '../../app.js';
import { Refusal } from '../../errors.js';
import { subscribe } from '../../subscribers/subscribe.js';
import { isSameOrigin } from '../guard.js';
import { isAtThisMachine } from '../network.js';
import { keepBrowserNonce } from './browser-cookie.js';
import {
  emptyForm,
  type FieldFault,
  faultsOfPost,
  faultsOfRefusal,
  knownServicesOf,
  subscriptionPost,
  typedValues,
} from './subscription-form.js';

/**
 * The form and its answer. The answer page is the same for every well-formed address, whoever stands
 * behind it: status, headers, cookie and words tell nothing of who is subscribed.
 */
export function subscribeRoutes(deps: AppDeps): FastifyPluginAsync {
  const { pages, config, texts } = deps;
  return async (app) => {
    app.get('/subscribe', async (_request, reply) => pages.page(reply, 'subscribe', { form: await emptyForm(deps) }));

    app.post('/subscribe', { onRequest: app.limitForms }, async (request, reply) => {
      const words = texts.for(pages.localeOf(request));
      const values = typedValues(request.body);
      const again = async (errors: FieldFault[]) =>
        pages.page(reply, 'subscribe', { form: { ...(await emptyForm(deps)), values, errors } }, { status: 422 });

      const post = subscriptionPost.safeParse(request.body ?? {});
      if (!post.success) return again(faultsOfPost(post.error.issues, values, words));
      const nonce = keepBrowserNonce(request, reply, config);
      if (isTrapped(post.data.reference)) return sent(values.email);
      try {
        await subscribe(deps, {
          email: post.data.email,
          company: post.data.company,
          locale: post.data.locale ?? words.locale,
          services: post.data.services,
          knownServices: await knownServicesOf(deps),
          via: 'form',
          // A form that another site sent makes no browser the one that may confirm at once.
          browserNonce: isSameOrigin(request, config) ? nonce : undefined,
          ip: request.ip,
          wording: words.t('subscription.form.consent', { company: config.companyName }),
        });
      } catch (error) {
        const faults = error instanceof Refusal ? faultsOfRefusal(error, values, words) : null;
        if (faults === null) throw error;
        return again(faults);
      }
      return sent(values.email);

      function sent(email: string) {
        return pages.page(reply, 'subscribe-sent', {
          email: email.trim(),
          mailbox: deps.mailbox !== null && isAtThisMachine(request, config),
        });
      }
    });
  };
}

function isTrapped(reference: unknown): boolean {
  return reference !== undefined && reference !== '';
}
