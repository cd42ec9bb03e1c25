import { z } from 'zod';

const address = z.url();
const instant = z.iso.datetime();

/** `/.well-known/sub-processors.json`. */
export const directorySchema = z.object({
  company: z.string(),
  title: z.string().nullable().describe('Of the list; null: none is published yet'),
  version: z.number().int().nullable().describe('The version in force'),
  hash: z.string().nullable(),
  effectiveAt: instant.nullable(),
  announced: z.array(
    z.object({ version: z.number().int(), effectiveAt: instant, objectionDeadline: instant.nullable() }),
  ),
  changedAt: instant.nullable().describe('When a version was last published or withdrawn'),
  dpaUrl: z.string().nullable(),
  contact: z.string().describe('Where questions and objections go'),
  languages: z.array(z.string()),
  links: z.object({ page: address, versions: address, subscribe: address, api: address, schema: address }),
  formats: z.array(z.object({ url: address, type: z.string() })),
});
