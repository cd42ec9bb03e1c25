import { stringify } from 'csv-stringify/sync';
import { z } from 'zod';
import type { Db } from '../database/query.js';
import { toSpreadsheet } from '../spreadsheet.js';
import { readChain } from './verify.js';

const entrySchema = z.object({
  id: z.number(),
  at: z.string(),
  actor: z.record(z.string(), z.json()),
  origin: z.string().nullable(),
  action: z.string(),
  subject: z.string(),
  detail: z.record(z.string(), z.json()),
});

/**
 * The whole audit log as JSON Lines, oldest first, one link of the chain a line: with it anybody checks,
 * without this service, that no entry was changed, removed or slipped in.
 */
export async function* exportAuditLines(db: Db): AsyncGenerator<string> {
  for await (const link of readChain(db)) yield `${JSON.stringify(link)}\n`;
}

/** The same as a table for people, without the sealed texts. */
export async function* exportAuditCsv(db: Db): AsyncGenerator<string> {
  const header = ['position', 'at', 'actor', 'origin', 'action', 'subject', 'detail', 'hash'];
  const row = (cells: readonly string[]) => stringify([cells.map(toSpreadsheet)], { record_delimiter: '\r\n' });
  yield row(header);
  for await (const { position, content, hash } of readChain(db)) {
    if (content === null) {
      yield row([String(position), '', '', '', '', '', '', hash]);
      continue;
    }
    const { at, actor, origin, action, subject, detail } = entrySchema.parse(JSON.parse(content));
    const who = [actor.kind, actor.id].filter((part) => part !== undefined).join(' ');
    yield row([String(position), at, who, origin ?? '', action, subject, JSON.stringify(detail), hash]);
  }
}
