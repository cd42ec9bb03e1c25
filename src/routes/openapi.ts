import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { diffSchema as diffForm } from '../list/change.js';
import { listDocumentSchema, listInputSchema } from '../list/document.js';
import { problemSchema } from './api/wire.js';

/*
 * /openapi.json from the schemas that check the requests. Only routes with an `operationId` are in it: the
 * pages are for people.
 */

/** Call it before the routes are registered: the plugin notes them as they come. */
export async function registerOpenapi(app: FastifyInstance, options: { publicUrl: string }): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Sub-processor change notices',
        version: '1',
        description: 'The published list of sub-processors, its versions and comparisons, and their administration.',
      },
      servers: [{ url: options.publicUrl }],
      security: [{ bearer: [] }],
      components: {
        securitySchemes: { bearer: { type: 'http', scheme: 'bearer' }, basic: { type: 'http', scheme: 'basic' } },
      },
    },
    transform: (document) => {
      const { schema, url } = document;
      if (schema?.operationId === undefined) return { schema: { hide: true }, url };
      return jsonSchemaTransform({ ...document, schema: { ...schema, response: withProblem(schema.response) } });
    },
    transformObject: (document) => {
      const made = jsonSchemaTransformObject(document);
      if ('components' in made && made.components?.schemas !== undefined && 'paths' in made) {
        const schemas: Record<string, object> = made.components.schemas;
        Object.assign(schemas, storedForms);
        const needed = referredTo(made.paths, schemas);
        for (const name of Object.keys(schemas)) if (!needed.has(name)) delete schemas[name];
      }
      return made;
    },
  });
}

function withProblem(response: unknown): Record<string, unknown> {
  const problem = {
    description: 'A problem (RFC 9457)',
    content: { 'application/problem+json': { schema: problemSchema } },
  };
  return { ...(typeof response === 'object' ? response : {}), '4xx': problem };
}

/** Stored values are passed through as they are, so their form is told apart from the routes'. */
const storedForms: Readonly<Record<string, object>> = {
  ...formsOf('ListDocument', listDocumentSchema),
  ...formsOf('ListInput', listInputSchema),
  ...formsOf('Diff', diffForm),
};

/** The form of a schema under a name, and those of its parts that refer to themselves. */
function formsOf(name: string, schema: z.ZodType): Record<string, object> {
  const { $schema: _, ...made } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' });
  const Form = z.looseObject({ $defs: z.record(z.string(), z.looseObject({})).default({}) });
  const { $defs, ...form } = Form.parse(
    JSON.parse(JSON.stringify(made).replaceAll('"#/$defs/__', `"#/components/schemas/${name}-`)),
  );
  const parts = Object.entries($defs).map(([part, definition]) => [part.replace('__', `${name}-`), definition]);
  return { [name]: form, ...Object.fromEntries(parts) };
}

/** The components that something refers to, by way of others too. */
function referredTo(paths: unknown, schemas: Readonly<Record<string, object>>): Set<string> {
  const names = new Set<string>();
  const visit = (value: unknown) => {
    for (const [, name = ''] of JSON.stringify(value ?? {}).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      if (names.has(name)) continue;
      names.add(name);
      visit(schemas[name]);
    }
  };
  visit(paths);
  return names;
}
