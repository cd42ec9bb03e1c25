import { z } from 'zod';
import { type Db, one } from '../database/query.js';
import { sql } from '../database/sql.js';
import { storedChanges } from '../list/change.js';
import { storedDocument } from '../list/document.js';

// As JSON has them: an instant is a text.
const Along = z.object({
  version: z.number(),
  message: z.string().nullable(),
  effectiveAt: z.coerce.date(),
  objectionDeadline: z.iso
    .datetime({ offset: true })
    .transform((text) => new Date(text))
    .nullable(),
  corrects: z.number().nullable(),
  changes: storedChanges,
});

const NoticeRow = z.object({
  id: z.number(),
  kind: z.enum(['change', 'withdrawal']),
  baseVersion: z.number().nullable(),
  changes: storedChanges,
  version: z.number(),
  message: z.string().nullable(),
  publishedAt: z.date(),
  effectiveAt: z.date(),
  objectionDeadline: z.date().nullable(),
  emergency: z.boolean(),
  reason: z.string().nullable(),
  corrects: z.number().nullable(),
  withdrawnAt: z.date().nullable(),
  withdrawalReason: z.string().nullable(),
  before: storedDocument.nullable(),
  after: storedDocument,
  along: z.array(Along),
  rest: z.object({ version: z.number(), effectiveAt: z.coerce.date() }).nullable(),
});
export type NoticeFacts = z.infer<typeof NoticeRow>;

/**
 * What a notice tells: its changes, its version's facts, and the documents before and after. `along`:
 * versions that it tells as well, oldest first (quiet.ts). `rest`: of a withdrawal, the version that was
 * told by the same mail as the withdrawn one, and stands.
 */
export async function selectNotice(db: Db, id: number): Promise<NoticeFacts> {
  return one(
    db,
    NoticeRow,
    sql`select n.id, n.kind, n.base_version as "baseVersion", n.changes, v.number as version, v.message,
        v.published_at as "publishedAt", v.effective_at as "effectiveAt", v.objection_deadline as "objectionDeadline",
        v.emergency, v.reason, v.corrects, w.withdrawn_at as "withdrawnAt", w.reason as "withdrawalReason",
        b.document as before, v.document as after,
        coalesce((
          select jsonb_agg(jsonb_build_object('version', other.version, 'message', of.message,
              'effectiveAt', of.effective_at, 'objectionDeadline', of.objection_deadline, 'corrects', of.corrects,
              'changes', other.changes)
            order by other.version)
          from notices other join versions of on of.number = other.version
          where n.kind = 'change' and other.kind = 'change' and other.moment = n.moment and other.version < n.version
        ), '[]') as along,
        (
          select jsonb_build_object('version', other.version, 'effectiveAt', b.effective_at)
          from notices told join notices other on other.moment = told.moment and other.kind = 'change'
          where n.kind = 'withdrawal' and told.version = n.version and told.kind = 'change'
            and other.version = n.base_version
        ) as rest
      from notices n
      join versions v on v.number = n.version
      left join versions b on b.number = n.base_version
      left join withdrawals w on w.version = v.number
      where n.id = ${id}`,
  );
}
