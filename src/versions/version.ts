import { z } from 'zod';
import { longestHoldBack } from '../config.js';
import type { Change } from '../list/change.js';
import type { ListDocument } from '../list/document.js';
import type { Grading } from '../list/grading.js';
import { longText } from '../list/text-rules.js';
import type { VersionState } from './clock.js';

/*
 * PURE. What a version is, what publishing one asks for, and what it answers.
 */

/** A published version: everything but its withdrawal stays for ever. */
export interface PublishedVersion {
  number: number;
  document: ListDocument;
  /** Against the version before it, graded as it was when published. */
  changes: Change[];
  message: string | null;
  publishedAt: Date;
  effectiveAt: Date;
  objectionDeadline: Date | null;
  emergency: boolean;
  reason: string | null;
  /** Whether it was published with the wish to notify; `notices` says whether there was one. */
  notify: boolean;
  /** The earlier version that it says it corrects. */
  corrects: number | null;
  /** Severities of its changes that persons had set, and that held. */
  gradings: Grading[];
  hash: string;
  previousHash: string | null;
  withdrawnAt: Date | null;
  withdrawalReason: string | null;
}

/** A version in a table of versions: without its document, and its changes counted. */
export type VersionSummary = Omit<PublishedVersion, 'document' | 'changes'> & {
  state: VersionState;
  changes: number;
};

/** What an admin writes to readers: paragraphs, without anything that breaks a mail or a page. */
export const adminText = longText
  .transform((value) => value.replace(/[\u2028\u2029]/g, '\n').trim())
  .refine((value) => value.length <= 10_000, 'is longer than 10,000 characters');
const moment = z.string().max(40, 'must be a day such as "2027-03-01" or an instant such as "2027-03-01T00:00:00Z"');

/** What a publication asks for; dates are read by clock.ts. */
export const publishRequestSchema = z.strictObject({
  message: adminText
    .optional()
    .describe("The admin's own words, shown above the changes; without it the draft's message, empty: none"),
  effectiveAt: moment
    .optional()
    .describe('A day (its 00:00 in TIME_ZONE) or an instant; without it the earliest that the notice period allows'),
  objectionDeadline: moment.optional().describe('A day, which counts to 24:00 in TIME_ZONE'),
  publishAt: moment.optional().describe('Publish then, not now: an instant, or a local time in TIME_ZONE'),
  holdBackMinutes: z
    .number()
    .int()
    .min(0)
    .max(longestHoldBack)
    .optional()
    .describe('How long it can still be stopped before it happens; HOLD_BACK_MINUTES at least'),
  notify: z.boolean().optional().describe('false: no notice goes out; needs a reason when something material changes'),
  emergency: z.boolean().optional().describe('Allows a date that the notice period does not; needs a reason'),
  reason: adminText.optional().describe('Why it is an emergency, or why nobody is notified'),
  corrects: z
    .number()
    .int()
    .min(1)
    .max(2 ** 31 - 1)
    .optional()
    .describe('The number of a published version that this one corrects and names; it must not be withdrawn'),
});
export type PublishRequest = z.infer<typeof publishRequestSchema>;

/** A request that names no message is published with the draft's; an empty one is none. */
export function withMessage(request: PublishRequest, draft: { message: string | null }): PublishRequest {
  if (request.message !== undefined || draft.message === null) return request;
  return { ...request, message: draft.message };
}

const instant = z.union([z.date(), z.iso.datetime().transform((text) => new Date(text))]);

export const noticeReasons = ['no-net-change', 'not-wanted', 'first-version', 'not-told-yet'] as const;

export const noticeOutcomeSchema = z.discriminatedUnion('ordered', [
  z.object({
    ordered: z.literal(true),
    /** The end of the quiet time for which the notice waits; absent: it goes at once. */
    sendAfter: instant.optional(),
  }),
  z.object({
    ordered: z.literal(false),
    /**
     * Nothing changed for the reader since the last notice · `notify: false` · nobody was told of anything
     * before · the notice of what is withdrawn still waited.
     */
    because: z.enum(noticeReasons),
  }),
]);
/** Whether a version's notice was ordered, and if not, why. */
export type NoticeOutcome = z.infer<typeof noticeOutcomeSchema>;

export const scheduledSchema = z.object({
  id: z.number(),
  /** The number that the version will have. */
  number: z.number(),
  publishAt: instant,
  state: z.enum(['scheduled', 'held']),
  /** The code of the refusal that publishing it would meet, such as `date.too-early`. */
  heldBecause: z.string().nullable(),
  request: publishRequestSchema,
  createdAt: instant,
});
/** A publication that waits for its time, or is held because its time passed and its dates no longer fit. */
export type ScheduledPublication = z.infer<typeof scheduledSchema>;

/** What publishing came to; the status is that of the HTTP answer as well. */
export type PublishResult =
  | { status: 201; version: PublishedVersion; state: VersionState; notice: NoticeOutcome }
  | { status: 202; scheduled: ScheduledPublication };
