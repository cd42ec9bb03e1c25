import { z } from 'zod';
import { type Db, many } from '../database/query.js';
import { sql } from '../database/sql.js';
import { subscriberKinds, toldOfChoices } from './details.js';
import { statuses, suppressionReasons } from './queries.js';

const ExportRow = z.object({
  id: z.number(),
  email: z.string(),
  company: z.string().nullable(),
  locale: z.string(),
  services: z.array(z.string()).nullable(),
  toldOf: z.enum(toldOfChoices),
  status: z.enum(statuses),
  confirmedAt: z.date().nullable(),
  kind: z.enum(subscriberKinds),
  entitlement: z.string().nullable(),
  noticeGroup: z.string().nullable(),
  suppression: z.enum(suppressionReasons).nullable(),
  /** Of the latest consent. */
  evidence: z.record(z.string(), z.json()).nullable(),
});
export type ExportedSubscriber = z.infer<typeof ExportRow>;

export async function selectForExport(db: Db, after: number, limit: number): Promise<ExportedSubscriber[]> {
  return many(
    db,
    ExportRow,
    sql`select s.id, s.email, s.company, s.locale, s.services, s.told_of as "toldOf", s.status,
        s.confirmed_at as "confirmedAt", s.kind, s.entitlement, s.notice_group as "noticeGroup", x.reason as suppression, e.detail as evidence
      from subscribers s
      left join suppressions x using (email_hash)
      left join lateral (
        select detail from subscriber_events e
        where e.subscriber_id = s.id and (e.kind = 'confirmed' or (e.kind = 'imported' and e.detail @> '{"confirmed": true}'))
        order by e.id desc limit 1) e on true
      where s.id > ${after} order by s.id limit ${limit}`,
  );
}
