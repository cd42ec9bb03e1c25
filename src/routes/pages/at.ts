import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import type { AppDeps } from '../../app.js';
import { Refusal } from '../../errors.js';
import type { ListDocument } from '../../list/document.js';
import { localize } from '../../list/localize.js';
import { periodsInForce } from '../../versions/clock.js';
import { readOnDay } from '../../versions/on-day.js';
import { readVersions } from '../../versions/read.js';
import { sendOnce } from '../answer.js';
import { type Html, trusted } from '../html.js';
import type { LocaleChoice } from '../render.js';
import { languageOf } from './chosen-language.js';
import { listView } from './list-view.js';

const chosenDay = z.object({ day: z.string().max(40) });

/** `/at/2027-03-01`: the list that was in force at the end of that day, and the form that leads there. */
export function dayRoutes(deps: AppDeps): FastifyPluginAsync {
  const { pages } = deps;
  const kept = new WeakMap<ListDocument, Map<string, Html>>();

  /** There are more days than pages that may be kept: the list of each version is kept instead, while it is at hand. */
  function listOf(document: ListDocument, choice: LocaleChoice): Html {
    const lists = kept.get(document) ?? new Map<string, Html>();
    kept.set(document, lists);
    const key = `${choice.locale} ${choice.chosen}`;
    const made = lists.get(key);
    if (made !== undefined) return made;
    const { document: shown, original } = localize(document, choice.locale);
    const view = listView({ document: shown, original }, deps.texts.for(choice.locale));
    const list = trusted(pages.fragment('version-list', { document: shown, view, original }, choice));
    lists.set(key, list);
    return list;
  }

  return async (app) => {
    app.get('/at', async (request, reply) => {
      const asked = chosenDay.safeParse(request.query);
      const path = asked.success ? `/at/${encodeURIComponent(asked.data.day)}` : '/versions';
      return reply.redirect(pages.href(path + languageOf(request)), 302);
    });

    app.get<{ Params: { day: string } }>('/at/:day', async (request, reply) => {
      const { day } = request.params;
      try {
        const found = await readOnDay(deps, day);
        const choice = pages.localeChoice(request);
        const data = {
          ...found,
          isoDay: day,
          timeZone: deps.config.timeZone,
          list: listOf(found.version.document, choice),
        };
        return await sendOnce(request, reply, pages.render('at', data, choice, `/at/${day}`), !choice.chosen);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        const versions = await readVersions(deps.db, deps.now());
        const [first] = periodsInForce(versions);
        const data = { asked: day.slice(0, 40), isDay: error.code !== 'date.invalid', first: first ?? null };
        return pages.page(reply, 'at-none', data, { status: 404 });
      }
    });
  };
}
