import { z } from 'zod';
import type { AuditEntry } from '../../audit/browse.js';
import { type DeliveryState, deliveryStates } from '../../deliveries/delivery.js';
import type { Diff } from '../../list/change.js';
import type { ListDocument } from '../../list/document.js';
import type { DeliveryPage, DeliveryReport } from '../../notices/report.js';
import type { VersionState } from '../../versions/clock.js';
import {
  type NoticeOutcome,
  noticeReasons,
  type PublishedVersion,
  type ScheduledPublication,
  type VersionSummary,
} from '../../versions/version.js';

/*
 * What the API's answers look like: the schemas of /openapi.json, and the functions that make the answers.
 * Times are instants in UTC (RFC 3339).
 */

const instant = z.iso.datetime();
const states = z.enum(['scheduled', 'announced', 'in-force', 'superseded', 'withdrawn']);

/** A stored list; its form is component `ListDocument` (openapi.ts). */
export const documentSchema = z.custom<ListDocument>().meta({ id: 'ListDocument' });

/** A comparison; its form is component `Diff` (openapi.ts). */
export const diffSchema = z.custom<Diff>().meta({ id: 'Diff' });

const versionFields = {
  version: z.number().int().describe('1, 2, 3 … without gaps'),
  state: states,
  publishedAt: instant,
  effectiveAt: instant,
  objectionDeadline: instant.nullable().describe('The end (24:00) of the last day to object'),
  message: z.string().nullable(),
  corrects: z.number().int().optional().describe('The earlier version that it corrects; absent: none'),
  hash: z.string().describe('SHA-256 over the canonical JSON (RFC 8785) of this object without `state` and `hash`'),
  previousHash: z.string().nullable(),
};

/** A version as the public reads give it: exactly what its hash covers, its state, and the hash. */
export const versionSchema = z.object({ ...versionFields, document: documentSchema }).meta({ id: 'Version' });

export function versionJson(version: PublishedVersion, state: VersionState): z.infer<typeof versionSchema> {
  return { ...sealedJson(version, state), document: version.document };
}

/** The list in force, and what is announced above it. */
export const listSchema = versionSchema.extend({ announced: z.array(versionSchema) }).meta({ id: 'ListInForce' });

const adminFacts = {
  changes: z.number().int().describe('How many changes against the version before it'),
  notify: z.boolean(),
  emergency: z.boolean(),
  reason: z.string().nullable(),
  withdrawnAt: instant.nullable(),
  withdrawalReason: z.string().nullable(),
};

/** A version among all: without its document. */
export const summarySchema = z.object({ ...versionFields, ...adminFacts }).meta({ id: 'VersionSummary' });

export function summaryJson(summary: VersionSummary): z.infer<typeof summarySchema> {
  return { ...sealedJson(summary, summary.state), ...factsJson(summary), changes: summary.changes };
}

/** A version for admins: whole. */
export const adminVersionSchema = versionSchema.extend(adminFacts).meta({ id: 'AdminVersion' });

export function adminVersionJson(version: PublishedVersion, state: VersionState): z.infer<typeof adminVersionSchema> {
  return { ...versionJson(version, state), ...factsJson(version), changes: version.changes.length };
}

/** Whether a notice was ordered, or would be. */
export const noticeJsonSchema = z.discriminatedUnion('ordered', [
  z.object({
    ordered: z.literal(true),
    sendAfter: instant.optional().describe('The end of the quiet time for which it waits; absent: it goes at once'),
  }),
  z.object({ ordered: z.literal(false), because: z.enum(noticeReasons) }),
]);

/** Whether a notice was ordered, as JSON. */
export function noticeJson(notice: NoticeOutcome): z.infer<typeof noticeJsonSchema> {
  if (!notice.ordered) return notice;
  const { sendAfter } = notice;
  return sendAfter === undefined ? { ordered: true } : { ordered: true, sendAfter: sendAfter.toISOString() };
}

/** What publishing answers: the version, and whether its notice was ordered. */
export const publishedSchema = adminVersionSchema.extend({ notice: noticeJsonSchema }).meta({ id: 'PublishedVersion' });

export const scheduledJsonSchema = z
  .object({
    version: z.number().int().describe('The number that it will have'),
    state: z.literal('scheduled'),
    publishAt: instant,
    held: z.boolean().describe('Its time passed and it was not published; cancel it and publish anew'),
    heldBecause: z.string().nullable().describe('The code of the refusal, such as `date.too-early`'),
    effectiveAt: z.string().nullable().describe('As it was asked for'),
    objectionDeadline: z.string().nullable().describe('As it was asked for'),
    message: z.string().nullable(),
    corrects: z.number().int().optional(),
  })
  .meta({ id: 'ScheduledPublication' });

export function scheduledJson(scheduled: ScheduledPublication): z.infer<typeof scheduledJsonSchema> {
  const { request } = scheduled;
  return {
    version: scheduled.number,
    state: 'scheduled',
    publishAt: scheduled.publishAt.toISOString(),
    held: scheduled.state === 'held',
    heldBecause: scheduled.heldBecause,
    effectiveAt: request.effectiveAt ?? null,
    objectionDeadline: request.objectionDeadline ?? null,
    message: request.message ?? null,
    ...(request.corrects === undefined ? {} : { corrects: request.corrects }),
  };
}

export const auditEntrySchema = z
  .object({
    id: z.number().int(),
    at: instant,
    actor: z.looseObject({ kind: z.string() }),
    origin: z
      .string()
      .nullable()
      .describe('Which door, and from where: `console 203.0.113.7`; null: the service itself'),
    action: z.string().describe('Such as `version.published`'),
    subject: z.string().describe('Such as `version 3`'),
    detail: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'AuditEntry' });

export function auditEntryJson(entry: AuditEntry): z.infer<typeof auditEntrySchema> {
  return { ...entry, actor: { ...entry.actor }, at: entry.at.toISOString() };
}

/** How many deliveries are in each state. */
export const countsSchema = z.object({
  queued: z.number().int(),
  sending: z.number().int(),
  sent: z.number().int(),
  deferred: z.number().int(),
  bounced: z.number().int(),
  failed: z.number().int(),
  suppressed: z.number().int(),
} satisfies Record<DeliveryState, z.ZodType>);

const deliverySchema = z.object({
  id: z.number().int(),
  notice: z.enum(['change', 'withdrawal']),
  subscriberId: z.number().int().nullable().describe('Null once the person was erased'),
  email: z.string().nullable(),
  state: z.enum(deliveryStates),
  reason: z.string().nullable(),
  attempts: z.number().int(),
  response: z.string().nullable().describe("The relay's own words"),
  messageId: z.string().nullable(),
  sentAt: instant.nullable(),
  dueAt: instant.nullable().describe('When it is tried next'),
});

/** What became of the mail that tells of a version: the figures, and a page of its recipients. */
export const deliveriesSchema = z
  .object({
    counts: countsSchema,
    complete: z.boolean().describe('Nobody is left to be told'),
    notices: z.number().int().describe('Its notices: of the change, of its withdrawal; 0: it has none of its own'),
    toldWith: z.number().int().nullable().describe('The later version whose notice tells of this one as well'),
    takenBackBy: z
      .number()
      .int()
      .nullable()
      .describe('The later version that took all of it back within the quiet time, so that nobody is told'),
    sendAfter: instant.nullable().describe('Not before then goes the mail; null: there is none'),
    deliveries: z.array(deliverySchema),
    next: z.number().int().nullable().describe('`after` of the next page; null at the end'),
  })
  .meta({ id: 'Deliveries' });

export function deliveriesJson(report: DeliveryReport, page: DeliveryPage): z.infer<typeof deliveriesSchema> {
  const { counts, complete, notices, toldWith, takenBackBy, sendAfter } = report;
  return {
    counts,
    complete,
    notices: notices.length,
    toldWith,
    takenBackBy,
    sendAfter: sendAfter?.toISOString() ?? null,
    deliveries: page.deliveries.map((row) => ({
      ...row,
      sentAt: row.sentAt?.toISOString() ?? null,
      dueAt: row.dueAt?.toISOString() ?? null,
    })),
    next: page.next,
  };
}

/** What an import of subscribers came to. */
export const importResultSchema = z.object({
  imported: z.number().int(),
  updated: z.number().int(),
  skipped: z.number().int(),
  errors: z.array(z.object({ line: z.number().int(), message: z.string() })),
});

/** RFC 9457; every answer from 400 on. */
export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    code: z.string().describe('What was refused, such as `version.unchanged`'),
    detail: z.string(),
    instance: z.string().describe('Finds the request in the log'),
    errors: z
      .array(z.object({ path: z.string(), message: z.string(), line: z.number().int().optional() }))
      .optional()
      .describe('Each field at fault'),
  })
  .meta({ id: 'Problem' });

/** The query of a paged list: `after` is the `next` of the page before. */
export function pageQuery(options: { most: number; usual: number }) {
  return {
    after: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
    limit: z.coerce.number().int().min(1).max(options.most).default(options.usual),
  };
}

/** `:number` in an address. */
export const versionParams = z.object({
  number: z.coerce
    .number()
    .int()
    .min(1)
    .max(2 ** 31 - 1),
});

type Facts = Omit<PublishedVersion, 'document' | 'changes'>;

function sealedJson(version: Facts, state: VersionState) {
  return {
    version: version.number,
    state,
    publishedAt: version.publishedAt.toISOString(),
    effectiveAt: version.effectiveAt.toISOString(),
    objectionDeadline: version.objectionDeadline?.toISOString() ?? null,
    message: version.message,
    ...(version.corrects === null ? {} : { corrects: version.corrects }),
    hash: version.hash,
    previousHash: version.previousHash,
  };
}

function factsJson(version: Facts) {
  return {
    notify: version.notify,
    emergency: version.emergency,
    reason: version.reason,
    withdrawnAt: version.withdrawnAt?.toISOString() ?? null,
    withdrawalReason: version.withdrawalReason,
  };
}
