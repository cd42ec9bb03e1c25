import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import { adminAddress } from '../../admins/recipients.js';
import type { AppDeps } from '../../app.js';
import { type AuditEntry, browseAudit } from '../../audit/browse.js';
import { exportAuditCsv, exportAuditLines } from '../../audit/export.js';

import { readDayEnd, readMoment } from '../../versions/clock.js';
import { sendDownload } from '../download.js';
import { consoleOf } from './console.js';
import { whoAre } from './who.js';

const pageSize = 100;
const day = z.iso.date().optional().catch(undefined);
const text = z.string().max(200).default('').catch('');
const query = z.object({
  q: text,
  action: text,
  actor: text,
  since: day,
  until: day,
  after: z.coerce.number().int().positive().optional().catch(undefined),
});

/** Who did what, when and from where; searched, and taken along as a file that proves itself. */
export function adminAuditRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    app.get('/admin/audit', { config: { permission: 'admin' } }, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      const { after, since, until, ...filter } = query.parse(request.query);
      const { timeZone } = deps.config;
      const person = filter.actor.includes('@')
        ? await adminAddress(deps.db, { actor: console.actor, to: filter.actor })
        : null;
      const { entries, next } = await browseAudit(deps.db, {
        ...filter,
        actor: person === null ? filter.actor : `admin ${person.id}`,
        since: since === undefined ? undefined : readMoment('since', since, timeZone),
        until: until === undefined ? undefined : readDayEnd('until', until, timeZone),
        after,
        limit: pageSize,
      });
      const who = whoAre(deps.db, console.texts);
      const filters = { ...filter, since: since ?? '', until: until ?? '' };
      return console.page('audit', 'audit', {
        filters,
        searched: Object.values(filters).some((value) => value !== ''),
        entries: await Promise.all(
          entries.map(async (entry) => ({ ...entry, who: await who(entry.actor), ...partsOf(entry) })),
        ),
        nextPath: next === null ? null : `/admin/audit?${new URLSearchParams({ ...filters, after: String(next) })}`,
      });
    });

    app.get('/admin/audit/export.jsonl', { config: { permission: 'admin' } }, async (_request, reply) =>
      sendDownload(reply, 'audit.jsonl', exportAuditLines(deps.db)),
    );

    app.get('/admin/audit/export.csv', { config: { permission: 'admin' } }, async (_request, reply) =>
      sendDownload(reply, 'audit.csv', exportAuditCsv(deps.db)),
    );
  };
}

/** What was so before and after stands side by side; the rest is facts of the deed. */
function partsOf({ detail }: AuditEntry): { before: string | null; after: string | null; facts: string } {
  const { before, after, ...rest } = detail;
  const shown = (value: unknown) =>
    value === undefined ? null : typeof value === 'string' ? value : JSON.stringify(value);
  return {
    before: shown(before),
    after: shown(after),
    facts: Object.entries(rest)
      .map(([name, value]) => `${name}: ${shown(value)}`)
      .join(' · '),
  };
}
