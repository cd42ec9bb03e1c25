import type { FastifyPluginAsync } from 'fastify';
import type { AppDeps } from '../../app.js';
import { describe } from '../../list/describe.js';
import { joinOriginals, type Original } from '../../list/localize.js';
import { readVendorHistory } from '../../versions/vendor-history.js';

/** `/sub-processors/ID`: what became of a vendor over all versions; stays at its address when it has gone. */
export function subProcessorRoutes(deps: AppDeps): FastifyPluginAsync {
  const { kept, pages, texts } = deps;
  return async (app) => {
    app.get<{ Params: { id: string } }>('/sub-processors/:id(^[a-z0-9-]+$)', async (request, reply) => {
      const { id } = request.params;
      const path = `/sub-processors/${id}`;
      return kept.send(request, reply, path, async (choice) => {
        const words = texts.for(choice.locale);
        const { name, entries } = await readVendorHistory(deps, id);
        const originals: (Original | null)[] = [];
        const data = {
          id,
          vendor: name,
          entries: entries.map((entry) => ({
            ...entry,
            steps: entry.steps.map(({ version, change, names }) => {
              const { groups, original } = describe([change], names, words);
              originals.push(original);
              const [item] = groups.flatMap(({ items }) => items);
              const anchor = `version-${version.number}-${entry.id}`;
              return { version, anchor, item: { ...item, severity: change.severity } };
            }),
          })),
          original: joinOriginals(originals),
        };
        return pages.render('sub-processor', data, choice, path);
      });
    });
  };
}
