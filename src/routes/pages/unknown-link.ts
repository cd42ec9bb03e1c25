import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AppDeps } from '../../app.js';

/** The page of a subscriber's link that is not one of ours, or was cut off on the way. */
export function unknownLink(
  deps: Pick<AppDeps, 'config' | 'pages' | 'texts'>,
  request: FastifyRequest,
  reply: FastifyReply,
) {
  const { t } = deps.texts.for(deps.pages.localeOf(request));
  return deps.pages.page(
    reply,
    'link-over',
    {
      title: t('subscription.unsubscribe.unknown.title'),
      lead: t('subscription.unsubscribe.unknown.lead'),
      form: null,
      contact: deps.config.mailReplyTo ?? deps.config.mailFrom.address,
    },
    { status: 404 },
  );
}
