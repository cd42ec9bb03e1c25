import type { FastifyPluginAsync } from 'fastify';
import type { AppDeps } from '../../app.js';
import { readBoard } from '../../versions/read.js';
import { listView } from './list-view.js';
import { announcedViews, marksOf, stepsOf } from './version-view.js';

/** The page that customers link to: the list in force, and above it what is announced. */
export function listRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    app.get('/', async (request, reply) =>
      deps.kept.send(request, reply, '/', async (choice) => {
        const board = await readBoard(deps.db, deps.now());
        const texts = deps.texts.for(choice.locale);
        // Before the first version takes effect, the announced one is all there is to read.
        const shown = board.inForce ?? board.announced[0] ?? null;
        if (shown === null) return deps.pages.render('list-empty', {}, choice, '/');
        const steps = stepsOf(board);
        const data = {
          board,
          shown,
          view: listView(shown.document, texts),
          announced: announcedViews(steps, texts),
          marks: marksOf(steps),
        };
        return deps.pages.render('list', data, choice, '/');
      }),
    );
  };
}
