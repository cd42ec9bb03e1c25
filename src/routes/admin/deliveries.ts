import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import { hasRole } from '../../actor.js';
import type { AppDeps } from '../../app.js';
import { deliveryStates } from '../../deliveries/delivery.js';
import { deliveryHistory } from '../../deliveries/history.js';
import { Refusal } from '../../errors.js';
import { searchDeliveries, toldVersions } from '../../notices/browse.js';
import { deliveryReport } from '../../notices/report.js';
import { resendNotice, resendObstacle } from '../../notices/resend.js';
import { readSubscriber } from '../../subscribers/browse.js';
import { type Console, consoleOf } from './console.js';
import { reasonText } from './dry-run-view.js';
import { progressView } from './progress.js';

const pageSize = 50;
const query = z.object({
  version: z
    .union([z.literal('all'), z.coerce.number().int().positive()])
    .optional()
    .catch(undefined),
  state: z
    .enum(['not-reached', ...deliveryStates])
    .optional()
    .catch(undefined),
  reason: z.string().max(100).default('').catch(''),
  q: z.string().max(200).default('').catch(''),
  before: z.coerce.number().int().positive().optional().catch(undefined),
});
const params = z.object({ id: z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER) });
const outcome = z.object({ done: z.enum(['resent']).optional().catch(undefined) });

/** Who was told, who was not and why, and one mail once more. */
export function adminDeliveriesRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    app.get('/admin/deliveries', { config: { permission: 'viewer' } }, async (request, reply) =>
      showSearch(consoleOf(deps, request, reply), query.parse(request.query)),
    );

    app.get('/admin/deliveries/:id', { config: { permission: 'viewer' } }, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      const { done } = outcome.parse(request.query);
      return showDelivery(console, params.parse(request.params).id, {
        done: done === undefined ? null : console.texts.t('deliveries.one.resent'),
      });
    });

    app.post('/admin/deliveries/:id/resend', { config: { permission: 'publisher' } }, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      const { id } = params.parse(request.params);
      try {
        await resendNotice(deps, id, console.actor);
      } catch (error) {
        if (!(error instanceof Refusal) || error.code !== 'delivery.not-resendable') throw error;
        // What stands against it came meanwhile, and is on the page.
        return showDelivery(console, id, { status: 409 });
      }
      return console.redirect(`/admin/deliveries/${id}?done=resent`);
    });
  };

  async function showSearch(console: Console, { version, state, reason, q, before }: z.infer<typeof query>) {
    const versions = await toldVersions(deps.db);
    // Whoever looks for a person means them wherever they are; else it is the latest notice.
    const usual = q === '' ? (versions[0] ?? null) : null;
    const chosen = version === 'all' ? null : (version ?? usual);
    const found = await searchDeliveries(deps.db, {
      version: chosen,
      state: state ?? null,
      reason: reason === '' ? null : reason,
      q,
      before: before ?? null,
      limit: pageSize,
    });
    const filters = { version: chosen === null ? 'all' : String(chosen), state: state ?? '', reason, q };
    const { texts } = console;
    return console.page('deliveries', 'deliveries', {
      versions,
      filters,
      reasonName: reason === '' ? null : reasonText(reason, texts),
      deliveries: found.deliveries.map((delivery) => ({
        ...delivery,
        because: delivery.reason === null ? null : reasonText(delivery.reason, texts),
      })),
      tooMany: found.tooMany,
      nextPath:
        found.next === null
          ? null
          : `/admin/deliveries?${new URLSearchParams({ ...filters, before: String(found.next) })}`,
      summary: chosen === null || before !== undefined ? null : await summaryOf(console, chosen),
    });
  }

  /** How a version's notice stands, and its reasons as links. */
  async function summaryOf({ texts }: Console, version: number) {
    const progress = await deps.progress.read(version, await deliveryReport(deps.db, version));
    const link = (state: string, reason = '') =>
      `/admin/deliveries?${new URLSearchParams({ version: String(version), state, reason })}`;
    return {
      version: String(version),
      done: progressView(progress, texts).done,
      counts: deliveryStates.flatMap((state) => {
        const count = progress.counts[state];
        return count === 0 ? [] : [{ count, label: texts.t(`console.version.counts.${state}`), path: link(state) }];
      }),
      notReached: progress.notReached.map(({ state, reason, count }) => ({
        count,
        label: texts.t(`console.version.counts.${state}`),
        reason: reason === null ? null : reasonText(reason, texts),
        path: link(state, reason ?? ''),
      })),
    };
  }

  async function showDelivery(
    console: Console,
    id: number,
    { status = 200, done = null }: { status?: number; done?: string | null } = {},
  ) {
    const { texts } = console;
    const history = await deliveryHistory(deps.db, id);
    if (history === null) throw new Refusal('delivery.missing', `there is no delivery ${id}`);
    const obstacle = await resendObstacle(deps.db, id);
    const person = history.subscriberId === null ? null : await readSubscriber(deps.db, history.subscriberId);
    const state = history.steps.at(-1)?.state ?? 'queued';
    return console.page(
      'delivery',
      'deliveries',
      {
        delivery: history,
        state,
        title: texts.t(`deliveries.kinds.${history.kind}`, { version: String(history.version ?? '') }),
        steps: history.steps.map((step) => ({
          ...step,
          because: step.reason === null ? null : reasonText(step.reason, texts),
        })),
        person,
        obstacle: obstacle === null ? null : texts.t(`deliveries.obstacles.${obstacle}`),
        mayResend: hasRole(console.actor, 'publisher') && state !== 'queued' && state !== 'sending',
        done,
      },
      { status },
    );
  }
}
