import { stringify } from 'csv-stringify/sync';
import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import type { AppDeps } from '../../app.js';
import { deliveryFigures } from '../../deliveries/figures.js';
import { subscriberFigures } from '../../subscribers/figures.js';
import { dayOf } from '../../versions/clock.js';
import { sendDownload } from '../download.js';
import { consoleOf } from './console.js';
import { deliveryPanel, ranges, spanOf, subscriberPanels } from './figures-view.js';

const query = z.object({ range: z.enum(ranges).default('30-days').catch('30-days') });

/** How many people there were and what became of mails, over time: as pictures, tables and files. */
export function figuresRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    app.get('/admin/figures', { config: { permission: 'viewer' } }, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      const { texts } = console;
      const { range } = query.parse(request.query);
      const today = dayOf(deps.now(), deps.config.timeZone);
      const span = await spanFor(range, today);
      const people = await subscriberFigures(deps.db, span);
      const mails = await deliveryFigures(deps.db, span);
      const shown = { ...span, today };
      return console.page('figures', 'figures', {
        ranges: ranges.map((one) => ({
          label: texts.t(`figures.ranges.${one}`),
          path: `/admin/figures?range=${one}`,
          current: one === range,
        })),
        panels:
          people.countedAt === null
            ? []
            : [...subscriberPanels(people.periods, shown, texts), deliveryPanel(mails, shown, texts)],
        countedAt: people.countedAt,
        // Only where the range reaches back behind it.
        countedSince:
          people.countedSince === null || people.countedSince <= span.since || people.periods[0] === undefined
            ? null
            : new Date(`${people.countedSince}T12:00:00Z`),
        files: (['subscribers', 'deliveries'] as const).map((file) => ({
          label: texts.t(`figures.files.${file}`),
          path: `/admin/figures/${file}.csv?range=${range}`,
        })),
      });
    });

    app.get('/admin/figures/subscribers.csv', { config: { permission: 'viewer' } }, async (request, reply) => {
      const { periods } = await subscriberFigures(deps.db, await daysOf(request.query));
      const columns = [
        'day',
        'confirmed',
        'pending',
        'unsubscribed',
        'suppressed',
        'gained',
        'lostUnsubscribed',
        'lostSuppressed',
        'lostErased',
      ];
      return sendDownload(reply, 'subscribers-by-day.csv', csv(columns, periods));
    });

    app.get('/admin/figures/deliveries.csv', { config: { permission: 'viewer' } }, async (request, reply) => {
      const periods = await deliveryFigures(deps.db, await daysOf(request.query));
      return sendDownload(
        reply,
        'deliveries-by-day.csv',
        csv(['day', 'sent', 'bounced', 'failed', 'suppressed'], periods),
      );
    });
  };

  async function spanFor(range: (typeof ranges)[number], today: string) {
    if (range !== 'all') return spanOf(range, today, null);
    const years = { since: null, unit: 'year' } as const;
    const [people] = (await subscriberFigures(deps.db, { since: null, unit: 'month' })).periods;
    const [mails] = await deliveryFigures(deps.db, years);
    const first = [people?.day, mails?.day].filter((day) => day !== undefined).sort()[0] ?? null;
    return spanOf(range, today, first);
  }

  async function daysOf(asked: unknown) {
    const { range } = query.parse(asked);
    const { since } = await spanFor(range, dayOf(deps.now(), deps.config.timeZone));
    return { since, unit: 'day' } as const;
  }
}

/** Numbers and days alone, so nothing of it can run in a spreadsheet. */
async function* csv(columns: string[], rows: readonly Record<string, string | number>[]): AsyncGenerator<string> {
  yield stringify([...rows], { header: true, columns, record_delimiter: '\r\n' });
}
