import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import { hasRole } from '../../actor.js';
import type { AppDeps } from '../../app.js';
import { countUnanswered } from '../../objections/report.js';
import { countByStatus } from '../../subscribers/browse.js';
import type { Texts } from '../../texts.js';
import { diffDraft, readDraft } from '../../versions/draft.js';
import { readBoardSummary, readScheduled } from '../../versions/read.js';
import type { ScheduledPublication } from '../../versions/version.js';
import { type Console, consoleOf } from './console.js';
import { obstaclesOf } from './sending.js';

const query = z.object({ done: z.enum(['retried', 'released']).optional().catch(undefined) });

interface Step {
  text: string;
  way?: { path: string; label: string };
  /** The one thing to do now. */
  main?: boolean;
}

/** What is in force, what is announced, what is in the draft, and what to do next. */
export function overviewRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    app.get('/admin', { config: { permission: 'viewer' } }, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      const board = await readBoardSummary(deps.db, deps.now());
      const [draft, subscribers] = [await readDraftState(deps), await countByStatus(deps.db)];
      const { done } = query.parse(request.query);
      return console.page('overview', 'overview', {
        steps: stepsOf(console, {
          board,
          draft,
          scheduled: await readScheduled(deps.db),
          objections: await countUnanswered(deps.db),
          tasks: request.openTasks,
        }),
        inForce: board.inForce,
        announced: board.announced,
        draft,
        subscribers,
        ...(await obstaclesOf(deps)),
        done: done === undefined ? null : console.texts.t(`console.${done === 'retried' ? 'relay' : 'hold'}.${done}`),
        mayPublish: hasRole(console.actor, 'publisher'),
      });
    });
  };
}

/** How many changes the draft holds; 'none' when there is no draft. */
async function readDraftState(deps: AppDeps): Promise<number | 'none'> {
  const draft = await readDraft(deps.db);
  return draft === null ? 'none' : (await diffDraft(deps.db)).changes.length;
}

function stepsOf(
  { texts, actor }: Console,
  state: {
    board: Awaited<ReturnType<typeof readBoardSummary>>;
    draft: number | 'none';
    scheduled: ScheduledPublication | null;
    objections: number;
    tasks: number;
  },
): Step[] {
  const t = (key: string, values?: Parameters<Texts['t']>[1]) => texts.t(`console.overview.${key}`, values);
  const ways = {
    draft: { path: '/admin/draft', label: t('toDraft') },
    review: { path: '/admin/review', label: t('toReview') },
    publish: { path: '/admin/publish', label: t('toPublish') },
    versions: { path: '/admin/versions', label: t('toVersions') },
    objections: { path: '/admin/objections', label: t('toObjections') },
    import: { path: '/admin/draft/import', label: texts.t('importing.start.title') },
  };
  const steps: Step[] = [];
  const { scheduled, draft, board } = state;
  if (state.tasks > 0) {
    const way = { path: '/admin/tasks', label: texts.t('tasks.toTasks') };
    steps.push({ text: texts.t('tasks.overview', { count: state.tasks }), way, main: true });
  }
  if (scheduled?.state === 'held') steps.push({ text: t('steps.held'), way: ways.versions, main: true });
  else if (scheduled !== null) {
    const at = { version: String(scheduled.number), moment: texts.moment(scheduled.publishAt) };
    steps.push({ text: t('steps.scheduled', at), way: ways.versions });
  }
  if (state.objections > 0) {
    steps.push({ text: t('steps.objections', { count: state.objections }), way: ways.objections, main: true });
  }
  const mayImport = hasRole(actor, 'editor');
  if (board.latest === null && mayImport) {
    steps.push({ text: texts.t('importing.bring'), way: ways.import, main: true });
  }
  if (draft === 'none') steps.push({ text: t('steps.start'), way: ways.draft, main: !mayImport });
  else if (board.latest === null) {
    steps.push(
      { text: t('steps.first'), way: ways.draft, main: !mayImport },
      { text: t('steps.publish'), way: ways.publish },
    );
  } else if (draft === 0) steps.push({ text: t('steps.unchanged'), way: ways.draft });
  else {
    steps.push(
      { text: t('steps.changed', { count: draft }), way: ways.review, main: true },
      { text: t('steps.publish'), way: ways.publish },
    );
  }
  return steps;
}
