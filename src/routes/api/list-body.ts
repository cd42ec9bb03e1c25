import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { limits } from '../../list/document.js';

/** Content types of a list that is sent, by its form. */
export const listTypes = {
  json: ['application/json'],
  yaml: ['application/yaml', 'application/x-yaml', 'text/yaml', 'text/x-yaml'],
};

/** The text of a body; its form is component `ListInput` (openapi.ts; the name of a body ends in Input). */
export const rawListSchema = z
  .custom<{ text: string; format: 'json' | 'yaml' }>((body) => body !== null && body !== undefined, 'is missing')
  .meta({ id: 'List' });

/** Past the limit of the document itself, so that the answer names that. */
export const listBodyLimit = 2 * limits.bytes;

/** Bodies of a scope are lists, taken as text: readList tells faults with their lines, which a parsed body has lost. */
export function takeListText(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  for (const format of ['json', 'yaml'] as const) {
    scope.addContentTypeParser<string>(
      listTypes[format],
      { parseAs: 'string' },
      async (_request: unknown, text: string) => ({
        text,
        format,
      }),
    );
  }
}
