import type { FastifyPluginAsync } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppDeps } from '../../app.js';
import { Refusal } from '../../errors.js';
import { compareVersions, readBoard, readVersionState } from '../../versions/read.js';
import { type Rendered, renderedOf } from '../render.js';
import { describedBy } from '../schemas.js';
import { listAsCsv } from './list-csv.js';
import { diffSchema, listSchema, versionJson, versionParams, versionSchema } from './wire.js';

const json = 'application/json; charset=utf-8';
const csv = 'text/csv; charset=utf-8; header=present';
const tags = ['public'];

/** What anybody may read: the list in force, every version, every comparison; with ETag and 304. */
export function publicApiRoutes(deps: AppDeps): FastifyPluginAsync {
  const { kept } = deps;
  return async (scope) => {
    const app = scope.withTypeProvider<ZodTypeProvider>();
    app.get(
      '/list.json',
      {
        schema: {
          operationId: 'readList',
          tags,
          security: [],
          summary: 'The list in force, and what is announced',
          response: { 200: listSchema },
        },
      },
      async (request, reply) =>
        kept.sendNeutral(request, describedBy(reply, deps, 'list'), '/list.json', async () => {
          const { inForce, announced } = await readBoard(deps.db, deps.now());
          if (inForce === null) throw nothingInForce();
          return jsonOf({
            ...versionJson(inForce, 'in-force'),
            announced: announced.map((version) => versionJson(version, 'announced')),
          });
        }),
    );
    app.get(
      '/list.csv',
      {
        schema: { operationId: 'readListCsv', tags, security: [], summary: 'The list in force as a table (text/csv)' },
      },
      async (request, reply) =>
        kept.sendNeutral(request, reply, '/list.csv', async () => {
          const { inForce } = await readBoard(deps.db, deps.now());
          if (inForce === null) throw nothingInForce();
          return renderedOf(listAsCsv(inForce.document), csv, '');
        }),
    );
    app.get(
      '/versions/:number.json',
      {
        schema: {
          operationId: 'readPublishedVersion',
          tags,
          security: [],
          summary: 'One version, as its hash covers it',
          params: versionParams,
          response: { 200: versionSchema },
        },
      },
      async (request, reply) => {
        const { number } = request.params;
        return kept.sendNeutral(request, describedBy(reply, deps, 'version'), `/versions/${number}.json`, async () => {
          const { version, state } = await readVersionState(deps.db, number, deps.now());
          return jsonOf(versionJson(version, state));
        });
      },
    );
    app.get(
      '/compare/:from...:to.json',
      {
        schema: {
          operationId: 'compareVersions',
          tags,
          security: [],
          summary: 'What changed from one version to another',
          params: z.object({ from: versionParams.shape.number, to: versionParams.shape.number }),
          response: { 200: diffSchema },
        },
      },
      async (request, reply) => {
        const { from, to } = request.params;
        return kept.sendNeutral(request, describedBy(reply, deps, 'diff'), `/compare/${from}...${to}.json`, async () =>
          jsonOf(await compareVersions(deps.db, from, to)),
        );
      },
    );
  };
}

function jsonOf(answer: object): Rendered {
  return renderedOf(JSON.stringify(answer), json, '');
}

export function nothingInForce(): Refusal {
  return new Refusal('version.missing', 'No version is in force yet.');
}
