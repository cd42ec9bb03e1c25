import type { FastifyPluginAsync, FastifyReply } from 'fastify';
import { z } from 'zod';
import type { AppDeps } from '../app.js';
import { diffSchema } from '../list/change.js';
import { listDocumentSchema, listInputSchema } from '../list/document.js';
import { listSchema, versionSchema } from './api/wire.js';
import { described } from './described.js';
import { directorySchema } from './directory.js';
import { renderedOf } from './render.js';

/*
 * JSON Schema (draft 2020-12) of what programs read and write, made from the very schemas that check it here.
 */

const version = versionSchema.extend({ document: listDocumentSchema });

const schemas = {
  /** What `PUT /api/v1/draft`, `subnotice validate` and an editor of YAML take. */
  document: { title: 'A list of sub-processors, as it is written', schema: listInputSchema },
  list: {
    title: 'The list in force, and what is announced',
    schema: listSchema.extend({ document: listDocumentSchema, announced: z.array(version) }),
  },
  version: { title: 'A published version', schema: version },
  diff: { title: 'What changed from one version to another', schema: diffSchema },
  directory: { title: 'Where a list of sub-processors and all about it is', schema: directorySchema },
} as const;

export type SchemaName = keyof typeof schemas;

/** The address of a schema below PUBLIC_URL. */
export function schemaPath(name: SchemaName): string {
  return `/schemas/${name}.json`;
}

/** Says which schema describes an answer (RFC 8288; `describedby`). */
export function describedBy(reply: FastifyReply, deps: Pick<AppDeps, 'pages'>, name: SchemaName): FastifyReply {
  const address = deps.pages.href(schemaPath(name));
  return reply.header('link', `<${address}>; rel="describedby"; type="application/schema+json"`);
}

/** `/schemas/NAME.json`. */
export function schemaRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    for (const [name, { title, schema }] of Object.entries(schemas)) {
      const path = `/schemas/${name}.json`;
      app.get(
        path,
        described(`read${name.charAt(0).toUpperCase()}${name.slice(1)}Schema`, `${title}: its JSON Schema`),
        async (request, reply) =>
          deps.kept.sendNeutral(request, reply, path, async () =>
            renderedOf(formOf(deps.pages.href(path), title, schema), 'application/schema+json; charset=utf-8', ''),
          ),
      );
    }
  };
}

function formOf(id: string, title: string, schema: z.ZodType): string {
  const { $schema, ...form } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'ref' });
  return `${JSON.stringify({ $schema, $id: id, title, ...form }, null, 1)}\n`;
}
