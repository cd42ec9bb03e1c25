import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import type { AppDeps } from '../../app.js';
import type { Progress } from '../../notices/progress.js';
import type { Texts } from '../../texts.js';
import { readVersionState } from '../../versions/read.js';
import { sendProgress, wantsEvents } from '../event-stream.js';
import { consoleOf } from './console.js';
import { reasonText } from './dry-run-view.js';

const params = z.object({ number: z.coerce.number().int().positive() });

/** Live figures for the page of a version: each event is the piece of the page that it replaces. */
export function progressRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    app.get('/admin/versions/:number/progress', { config: { permission: 'viewer' } }, async (request, reply) => {
      const { number } = params.parse(request.params);
      await readVersionState(deps.db, number, deps.now());
      const console = consoleOf(deps, request, reply);
      // Opened by hand it is of no use to a person; the page of the version shows the same.
      if (!wantsEvents(request)) return console.redirect(`/admin/versions/${number}`);
      const choice = deps.pages.localeChoice(request);
      return sendProgress(reply, deps.progress, number, (progress) =>
        deps.pages.fragment('admin/progress', { progress: progressView(progress, console.texts) }, choice),
      );
    });
  };
}

/** Progress in the words of an admin's language, for `templates/pages/admin/progress.eta`. */
export function progressView(progress: Progress, texts: Texts) {
  const t = (key: string, values?: Parameters<Texts['t']>[1]) => texts.t(`before.progress.${key}`, values);
  const { settled, total, complete, notReached } = progress;
  return {
    ...progress,
    done: t('done', { settled, total, percent: total === 0 ? 0 : Math.floor((settled * 100) / total) }),
    // For those who listen to the page: one sentence now and then, not every figure.
    said: complete ? texts.t('console.version.finished') : t('said', { settled, total }),
    pace: complete ? [] : [...rateText(progress, texts), ...timeText(progress, texts)],
    notReached: notReached.map(({ state, reason, count }) => {
      const name = texts.t(`console.version.counts.${state}`);
      return reason === null
        ? t('notReachedPlain', { state: name, count })
        : t('notReached', { state: name, reason: reasonText(reason, texts), count });
    }),
  };
}

function rateText({ rate }: Progress, texts: Texts): string[] {
  if (rate === null || rate === 0) return [];
  const count = Math.round(rate);
  return [count === 0 ? texts.t('before.progress.rateSlow') : texts.t('before.progress.rate', { count })];
}

const minute = 60;
const hour = 60 * minute;

/** In whole minutes from two on, and hours from two on: more would be guessed, and change with every look. */
function timeText({ secondsLeft }: Progress, texts: Texts): string[] {
  if (secondsLeft === null) return [];
  if (secondsLeft < 10) return [texts.t('before.progress.leftSoon')];
  const [unit, count] =
    secondsLeft < 2 * minute
      ? ['seconds', Math.ceil(secondsLeft / 10) * 10]
      : secondsLeft < 2 * hour
        ? ['minutes', Math.round(secondsLeft / minute)]
        : ['hours', Math.round(secondsLeft / hour)];
  const time = texts.t(`before.progress.time.${unit}`, { count: Number(count) });
  return [texts.t('before.progress.left', { time })];
}
