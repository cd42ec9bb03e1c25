import type { FastifyPluginAsync } from 'fastify';
import type { AppDeps } from '../../app.js';
import { guardApi } from '../guard.js';
import { approvalApiRoutes } from './approval.js';
import { auditRoutes } from './audit.js';
import { bounceRoutes } from './bounces.js';
import { deliverabilityRoutes } from './deliverability.js';
import { deliveryRoutes } from './deliveries.js';
import { draftRoutes } from './draft.js';
import { draftEditsRoutes } from './draft-edits.js';
import { draftImportRoutes } from './draft-import.js';
import { draftReviewRoutes } from './draft-review.js';
import { dryRunRoutes } from './dry-run.js';
import { groupRoutes } from './groups.js';
import { planRoutes } from './plan.js';
import { progressRoutes } from './progress.js';
import { subscriberRoutes } from './subscribers.js';
import { subscriptionRoutes } from './subscriptions.js';
import { taskRoutes } from './tasks.js';
import { testNoticeRoutes } from './test-notice.js';
import { versionRoutes } from './versions.js';

/**
 * Every door under /api/v1, behind one guard: a route that does not say who may use it, or has no
 * name in /openapi.json, stops the start.
 */
export function apiRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    guardApi(app, deps);
    // JSON only: what another site's form can send without asking is not read here.
    app.removeAllContentTypeParsers();
    const parse = app.getDefaultJsonParser('error', 'error');
    app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
      // Clients name a type without sending anything; the schema says whether that is enough.
      if (body === '') done(null, undefined);
      else parse(request, body, done);
    });
    await app.register(subscriptionRoutes(deps));
    await app.register(draftRoutes(deps));
    await app.register(draftEditsRoutes(deps));
    await app.register(approvalApiRoutes(deps));
    await app.register(draftReviewRoutes(deps));
    await app.register(draftImportRoutes(deps));
    await app.register(dryRunRoutes(deps));
    await app.register(planRoutes(deps));
    await app.register(testNoticeRoutes(deps));
    await app.register(versionRoutes(deps));
    await app.register(progressRoutes(deps));
    await app.register(deliveryRoutes(deps));
    await app.register(deliverabilityRoutes(deps));
    await app.register(subscriberRoutes(deps));
    await app.register(groupRoutes(deps));
    await app.register(taskRoutes(deps));
    await app.register(bounceRoutes(deps));
    await app.register(auditRoutes(deps));
  };
}
