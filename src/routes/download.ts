import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';

const types = {
  csv: 'text/csv; charset=utf-8; header=present',
  jsonl: 'application/x-ndjson; charset=utf-8',
  txt: 'text/plain; charset=utf-8',
} as const;

/** Answers with a file to be kept, as it is made: memory does not grow with it, and no cache keeps it. */
export function sendDownload(
  reply: FastifyReply,
  name: `${string}.${keyof typeof types}`,
  parts: AsyncIterable<string>,
): FastifyReply {
  return reply
    .type(typeOf(name))
    .header('content-disposition', `attachment; filename="${name}"`)
    .header('cache-control', 'no-store')
    .send(Readable.from(parts));
}

function typeOf(name: string): string {
  if (name.endsWith('.csv')) return types.csv;
  return name.endsWith('.txt') ? types.txt : types.jsonl;
}
