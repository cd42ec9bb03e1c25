import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { z } from 'zod';
import { type Change, changeKindSchema, type Severity, severitySchema } from './change.js';
import { byCodeUnit } from './plain.js';
import { bySeverity } from './severity.js';
import { longText } from './text-rules.js';
import { isTold } from './translation-diff.js';

/*
 * PURE. Severities that a person sets otherwise than the rules of severity.ts do, with a reason. A raise holds
 * for whatever becomes of the change; a lowering was judged by what the change said, so it holds for exactly
 * that and ends with the next letter. What was lowered is told to nobody less: it is the notice period and the
 * objection window that it does not open.
 */

/** Read by subscribers, beside the change: one line. */
export const gradingReason = longText
  .transform((text) => text.replace(/\s+/g, ' ').trim())
  .refine((text) => text !== '', 'is required: subscribers read why')
  .refine((text) => text.length <= 500, 'is longer than 500 characters');

/** Which change is meant, whatever it says. */
export const changeKeySchema = z.object({
  kind: changeKindSchema,
  id: z.string().max(500).describe("The change's id"),
  dataSubject: z.string().max(200).optional().describe('Of a data category: its data subject kind'),
});
export type ChangeKey = z.infer<typeof changeKeySchema>;

export const gradingSchema = changeKeySchema.extend({
  severity: severitySchema,
  reason: z.string(),
  /** What the rules said when it was set: whether it is a raise or a lowering. */
  from: severitySchema,
  /** Of the change as it was when it was set (`fingerprintOf`). */
  fingerprint: z.string().regex(/^[0-9a-f]{64}$/),
});
export type Grading = z.infer<typeof gradingSchema>;

/** Equal for one change, whatever it says. */
export function keyOf({ kind, id, ...key }: ChangeKey | Change): string {
  return [kind, ('dataSubject' in key ? key.dataSubject : undefined) ?? '', id].join('\u0000');
}

/**
 * Of what a change says: SHA-256, in hexadecimal, of what it was and is. Not of how it is graded, not of what
 * it is called in other languages, and not of the order of anything.
 */
export function fingerprintOf(change: Change): string {
  const said =
    'fields' in change
      ? change.fields.filter(isTold).map(({ field, before, after }) => ({ field, before, after }))
      : // What the entry was called comes along in it.
        withoutTranslations(change.entry);
  const text = canonicalize(withoutOrder({ key: keyOf(change), said }));
  if (text === undefined) throw new Error('a change has a JSON form');
  return createHash('sha256').update(text).digest('hex');
}

/**
 * Whether the change may be told as less than material. A sub-processor that is added, or whose company is
 * another, is what a controller must be able to object to (GDPR Art. 28(2)): no reason lowers that.
 */
export function mayBeLowered(change: Change): boolean {
  return change.kind !== 'sub-processor-added' && !change.reasons.includes('company-changed');
}

/** Whether a grading says something else of the change than the rules do, and still holds. */
export function holds(grading: Grading, change: Change): boolean {
  // Nobody is told of it, so nobody could object.
  if (!change.notifiable) return false;
  const wanted = bySeverity(grading.severity, change.severity);
  if (bySeverity(grading.severity, grading.from) > 0) return wanted > 0;
  return wanted < 0 && mayBeLowered(change) && grading.fingerprint === fingerprintOf(change);
}

/**
 * The changes with the severities that persons have set; each says so (`grading`).
 * @param changes as the rules have graded them
 * @param gradings of several for one change the last that holds counts
 */
export function applyGradings(changes: Change[], gradings: readonly Grading[]): Change[] {
  if (gradings.length === 0) return changes;
  const graded = new Set(gradings.map(keyOf));
  return changes.map((change) => {
    if (!graded.has(keyOf(change))) return change;
    const grading = gradings.findLast((one) => keyOf(one) === keyOf(change) && holds(one, change));
    return grading === undefined ? change : gradedBy(change, grading);
  });
}

function gradedBy(change: Change, { severity, reason }: Grading): Change {
  const raised = bySeverity(severity, change.severity) > 0;
  return {
    ...change,
    severity,
    reasons: [...change.reasons, raised ? 'raised-by-processor' : 'lowered-by-processor'],
    grading: { from: change.severity, reason },
  };
}

/** The gradings that hold for any of the changes, which the rules have graded. */
export function holdingAmong(gradings: readonly Grading[], changes: readonly Change[]): Grading[] {
  if (gradings.length === 0) return [];
  const known = new Map(changes.map((change) => [keyOf(change), change]));
  return gradings.filter((grading) => {
    const change = known.get(keyOf(grading));
    return change !== undefined && holds(grading, change);
  });
}

/**
 * What decides who is told and whether silence needs a reason: the graver of what the rules and a person say,
 * so that a lowering makes no notice vanish.
 */
export function toldSeverity({ severity, grading }: Pick<Change, 'severity' | 'grading'>): Severity {
  return grading !== undefined && bySeverity(grading.from, severity) > 0 ? grading.from : severity;
}

function withoutTranslations(entry: object): object {
  return Object.fromEntries(Object.entries(entry).filter(([name]) => name !== 'translations'));
}

/** Sets of texts in one order: their order is no part of what is said. */
function withoutOrder(value: unknown): unknown {
  if (Array.isArray(value)) {
    const members = value.map(withoutOrder);
    return members.every((member) => typeof member === 'string') ? members.sort(byCodeUnit) : members;
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, member]) => (member === undefined ? [] : [[name, withoutOrder(member)]])),
  );
}
