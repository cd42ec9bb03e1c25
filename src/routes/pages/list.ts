import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { AppDeps } from '../../app.js';
import { joinOriginals, localize } from '../../list/localize.js';
import { type Board, readBoard } from '../../versions/read.js';
import type { PublishedVersion } from '../../versions/version.js';
import { sendOnce } from '../answer.js';
import { formats } from '../formats.js';
import type { LocaleChoice, Rendered } from '../render.js';
import { comingOf, marksOf } from './announced-marks.js';
import { categoryAnchor } from './catalogue-view.js';
import { type AskedFilter, askedFilter, filteredList, pathOf, wholeFilter } from './list-filter.js';
import { listView } from './list-view.js';
import { announcedViews, stepsOf } from './version-view.js';

/** The page that customers link to: the list in force, and above it what is announced. */
export function listRoutes(deps: AppDeps): FastifyPluginAsync {
  const { pages } = deps;

  /** Before the first version takes effect, the announced one is all there is to read. */
  const shownOf = (board: Board) => board.inForce ?? board.announced[0] ?? null;

  /**
   * A part of the list. Not kept, as nobody can say how many of them are asked for; of a long list one page is
   * rendered at a time, so that it costs little.
   */
  function sendPart(
    request: FastifyRequest,
    reply: FastifyReply,
    wish: AskedFilter,
    { board, shown, choice }: { board: Board; shown: PublishedVersion; choice: LocaleChoice },
  ): FastifyReply | Promise<FastifyReply> {
    const texts = deps.texts.for(choice.locale);
    const list = localize(shown.document, choice.locale);
    const { vendors, filter } = filteredList(list.document, wish, texts);
    const [subject, category] = filter.filter.category?.split('.') ?? [];
    const part = {
      vendors,
      categories: new Set(subject && category ? [categoryAnchor(subject, category)] : []),
      whole: pages.link('/', choice),
    };
    const view = listView(list, texts, part);
    const data = {
      board,
      shown: { ...shown, document: list.document },
      view,
      filter,
      marks: marksOf(stepsOf(board)),
      original: list.original,
    };
    return sendOnce(request, reply, pages.render('list-part', data, choice, pathOf(filter.filter)), !choice.chosen);
  }

  async function sendAsked(request: FastifyRequest, reply: FastifyReply, wish: AskedFilter): Promise<FastifyReply> {
    const board = await readBoard(deps.db, deps.now());
    const shown = shownOf(board);
    if (shown === null) return deps.kept.send(request, reply, '/', make);
    return sendPart(request, reply, wish, { board, shown, choice: pages.localeChoice(request) });
  }

  async function make(choice: LocaleChoice): Promise<Rendered> {
    const board = await readBoard(deps.db, deps.now());
    const texts = deps.texts.for(choice.locale);
    const shown = shownOf(board);
    if (shown === null) return pages.render('list-empty', {}, choice, '/');
    const steps = stepsOf(board);
    const list = localize(shown.document, choice.locale);
    const announced = announcedViews(steps, texts);
    const data = {
      board,
      shown: { ...shown, document: list.document },
      view: listView(list, texts),
      filter: wholeFilter(list.document, texts),
      announced,
      original: joinOriginals([...announced.map(({ original }) => original), list.original]),
      marks: marksOf(steps),
      coming: board.inForce === null ? [] : comingOf(steps, texts),
    };
    return pages.render('list', data, choice, '/');
  }

  return async (app) => {
    deps.kept.prepare('/', make);
    // RFC 8288: what the list is besides a page, for programs that do not read it.
    const link = formats.map(({ path, type }) => `<${pages.href(path)}>; rel="alternate"; type="${type}"`).join(', ');
    app.get('/', (request, reply) => {
      reply.header('link', link);
      const wish = askedFilter(request.query);
      return wish === null ? deps.kept.send(request, reply, '/', make) : sendAsked(request, reply, wish);
    });
  };
}
