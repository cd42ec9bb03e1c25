import { createHash } from 'node:crypto';
import type { FastifyPluginAsync, FastifyReply } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppDeps } from '../../app.js';
import { Refusal } from '../../errors.js';
import { compareVersions, readBoard, readFingerprint, readVersionState } from '../../versions/read.js';
import { isFresh } from '../render.js';
import { describedBy } from '../schemas.js';
import { listAsCsv } from './list-csv.js';
import { diffSchema, listSchema, versionJson, versionParams, versionSchema } from './wire.js';

const json = 'application/json; charset=utf-8';
const csv = 'text/csv; charset=utf-8; header=present';
const tags = ['public'];

/** What anybody may read: the list in force, every version, every comparison; with ETag and 304. */
export function publicApiRoutes(deps: AppDeps): FastifyPluginAsync {
  const kept = keepAnswers();
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
      async (_request, reply) =>
        kept(deps, describedBy(reply, deps, 'list'), { key: 'list.json', type: json }, async (now) => {
          const { inForce, announced } = await readBoard(deps.db, now);
          if (inForce === null) throw nothingInForce();
          return JSON.stringify({
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
      async (_request, reply) =>
        kept(deps, reply, { key: 'list.csv', type: csv }, async (now) => {
          const { inForce } = await readBoard(deps.db, now);
          if (inForce === null) throw nothingInForce();
          return listAsCsv(inForce.document);
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
      async ({ params: { number } }, reply) =>
        kept(deps, describedBy(reply, deps, 'version'), { key: `version ${number}`, type: json }, async (now) => {
          const { version, state } = await readVersionState(deps.db, number, now);
          return JSON.stringify(versionJson(version, state));
        }),
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
      async ({ params: { from, to } }, reply) =>
        kept(deps, describedBy(reply, deps, 'diff'), { key: `compare ${from} ${to}`, type: json }, async () =>
          JSON.stringify(await compareVersions(deps.db, from, to)),
        ),
    );
  };
}

/** Bytes that are kept at most, over all answers. */
const mostBytes = 32 * 1024 * 1024;

/**
 * Answers are made once for each state of the published versions, and sent from memory until it changes:
 * on every instance, as the database is asked for the state each time.
 */
function keepAnswers() {
  let state = '';
  let bytes = 0;
  let answers = new Map<string, { body: Buffer; etag: string }>();

  return async (
    deps: Pick<AppDeps, 'db' | 'now'>,
    reply: FastifyReply,
    what: { key: string; type: string },
    make: (now: Date) => Promise<string>,
  ): Promise<FastifyReply> => {
    const now = deps.now();
    const current = await readFingerprint(deps.db, now);
    if (current !== state) {
      state = current;
      bytes = 0;
      answers = new Map();
    }
    let answer = answers.get(what.key);
    if (answer === undefined) {
      const body = Buffer.from(await make(now));
      answer = { body, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"` };
      if (current === state && bytes + body.length <= mostBytes) {
        bytes += body.length;
        answers.set(what.key, answer);
      }
    }
    reply.header('etag', answer.etag).header('cache-control', 'public, no-cache');
    if (isFresh(reply.request.headers['if-none-match'], answer.etag)) return reply.code(304).send();
    return reply.type(what.type).send(answer.body);
  };
}

export function nothingInForce(): Refusal {
  return new Refusal('version.missing', 'No version is in force yet.');
}
