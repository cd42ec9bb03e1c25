import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AppDeps } from '../../app.js';

const forms = {
  subscription: { title: 'subscription.unsubscribe.unknown.title', lead: 'subscription.unsubscribe.unknown.lead' },
  manage: { title: 'subscription.manage.unknown.title', lead: 'subscription.manage.unknown.lead' },
  objection: { title: 'subscription.objection.unknown.title', lead: 'subscription.objection.unknown.lead' },
};

/**
 * The page of a subscriber's link that is not one of ours, was cut off on the way, or is over.
 * @param status 410 for one that is over
 */
export function unknownLink(
  deps: Pick<AppDeps, 'config' | 'pages' | 'texts'>,
  request: FastifyRequest,
  reply: FastifyReply,
  { of = 'subscription', status = 404 }: { of?: keyof typeof forms; status?: 404 | 410 } = {},
) {
  const { t } = deps.texts.for(deps.pages.localeOf(request));
  return deps.pages.page(
    reply,
    'link-over',
    {
      title: t(forms[of].title),
      lead: t(forms[of].lead),
      form: null,
      contact: deps.config.mailReplyTo ?? deps.config.mailFrom.address,
    },
    { status },
  );
}
