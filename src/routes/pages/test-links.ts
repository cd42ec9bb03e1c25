import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { AppDeps } from '../../app.js';
import { isTestLink, testLinkProof } from '../../subscribers/test-link.js';
import type { LinkPurpose } from '../../subscribers/tokens.js';

/**
 * Answers links of a test, which are signed for nobody, on all routes of a scope with `:token`: they say so
 * and do nothing, by whichever method. The header shows a check of deliverability that it reached us.
 */
export function answerTestLinks(
  scope: FastifyInstance,
  deps: Pick<AppDeps, 'config' | 'pages' | 'texts'>,
  purpose: LinkPurpose,
): void {
  scope.addHook('preHandler', async (request, reply) => {
    if (!isTestLink(deps.config.secretKeys, purpose, tokenOf(request))) return;
    const { t } = deps.texts.for(deps.pages.localeOf(request));
    reply.header(testLinkProof.header, testLinkProof.value);
    return deps.pages.page(reply, 'subscription-done', {
      title: t('test-mail.link.title'),
      lead: { key: `test-mail.link.${purpose}`, email: null },
      text: [t('test-mail.link.nothing')],
      links: [],
    });
  });
}

function tokenOf({ params }: FastifyRequest): string {
  const given: unknown = params;
  if (typeof given !== 'object' || given === null || !('token' in given)) return '';
  return typeof given.token === 'string' ? given.token : '';
}
