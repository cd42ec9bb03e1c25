import { z } from 'zod';
import { dataCategorySchema, dataSubjectSchema, subProcessorSchema } from './document.js';

/*
 * The diff JSON: one object from which mail, page, feed and API are rendered.
 */

export const severitySchema = z.enum(['material', 'reducing', 'editorial']);
export type Severity = z.infer<typeof severitySchema>;

/** Why a change has its severity; the locales hold a sentence for each (`reason.<code>`). */
export const reasonSchema = z.enum([
  'new-sub-processor',
  'new-entry-of-known-vendor',
  'sub-processor-removed',
  'entry-removed',
  'new-data-category',
  'data-category-dropped',
  'new-location',
  'location-dropped',
  'location-changed',
  'new-transfer-mechanism',
  'transfer-mechanism-lost',
  'transfer-mechanism-changed',
  'new-purpose',
  'purpose-dropped',
  'purpose-changed',
  'optional-turned-required',
  'required-turned-optional',
  'security-measure-added',
  'security-measure-dropped',
  'new-catalogue-entry',
  'catalogue-entry-removed',
  'legal-basis-changed',
  'source-changed',
  'retention-lengthened',
  'retention-shortened',
  'retention-changed',
  'special-category',
  'new-data-subject-kind',
  'data-subject-kind-removed',
  'service-added',
  'service-dropped',
  'company-changed',
  'product-changed',
  'renamed',
  'chain-changed',
  'condition-changed',
  'statement-changed',
  'now-stated',
  'no-longer-stated',
  'wording',
  // Of what the list says in another language: it says the same.
  'translation',
  // A person has set the severity; `grading` says why (grading.ts).
  'raised-by-processor',
  'lowered-by-processor',
]);
export type Reason = z.infer<typeof reasonSchema>;

export const changeKindSchema = z.enum([
  'sub-processor-added',
  'sub-processor-removed',
  'sub-processor-changed',
  'data-subject-added',
  'data-subject-removed',
  'data-subject-changed',
  'data-category-added',
  'data-category-removed',
  'data-category-changed',
  'list-changed',
]);

export const fieldChangeSchema = z.object({
  /**
   * Such as `purposes`, `dataCategories.advocates`, `name`, `subProcessors.*.transferMechanisms`,
   * `translations.de.notes`.
   */
  field: z.string(),
  /** Absent when it was not stated. */
  before: z.json().optional(),
  /** Absent when it is not stated any more. */
  after: z.json().optional(),
  how: z.enum(['changed', 'stated', 'unstated']),
  /** Set-valued fields only. Data categories and services are named by id here. */
  added: z.array(z.string()).optional(),
  removed: z.array(z.string()).optional(),
  severity: severitySchema,
  reasons: z.array(reasonSchema),
});
export type FieldChange = z.infer<typeof fieldChangeSchema>;

const common = {
  id: z.string(),
  name: z.string(),
  severity: severitySchema,
  reasons: z.array(reasonSchema),
  /** False: the list says the same, in other words or languages, and nobody is mailed. */
  notifiable: z.boolean(),
  /** A person has set the severity: what the rules had said, and why. */
  grading: z.object({ from: severitySchema, reason: z.string() }).optional(),
};
const fields = z.array(fieldChangeSchema).min(1);

export const changeSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('sub-processor-added'), ...common, knownVendor: z.boolean(), entry: subProcessorSchema }),
  z.object({
    kind: z.literal('sub-processor-removed'),
    ...common,
    /** The vendor stays on the list under another entry. */
    knownVendor: z.boolean(),
    entry: subProcessorSchema,
  }),
  z.object({ kind: z.literal('sub-processor-changed'), ...common, fields, entry: subProcessorSchema }),
  z.object({ kind: z.literal('data-subject-added'), ...common, entry: dataSubjectSchema }),
  z.object({ kind: z.literal('data-subject-removed'), ...common, entry: dataSubjectSchema }),
  z.object({ kind: z.literal('data-subject-changed'), ...common, fields }),
  z.object({ kind: z.literal('data-category-added'), ...common, dataSubject: z.string(), entry: dataCategorySchema }),
  z.object({ kind: z.literal('data-category-removed'), ...common, dataSubject: z.string(), entry: dataCategorySchema }),
  z.object({ kind: z.literal('data-category-changed'), ...common, dataSubject: z.string(), fields }),
  /** The document's own fields (`id` is `list`), or one column that appeared or vanished (`id` is its field). */
  z.object({ kind: z.literal('list-changed'), ...common, fields }),
]);
export type Change = z.infer<typeof changeSchema>;

/** Changes as they come from a row: not checked again, as a stored document is not. */
export const storedChanges = z.custom<Change[]>((value) => Array.isArray(value));

/** A pair that may be one entry under a new name; an admin joins it by giving `added` the id of `removed`. */
export const suggestionSchema = z.object({
  removed: z.string(),
  added: z.string(),
  removedName: z.string(),
  addedName: z.string(),
  /** 0 to 1. */
  likeness: z.number(),
  because: z.array(z.enum(['similar-name', 'same-words', 'other-name-in-brackets', 'same-address', 'same-website'])),
});
export type Suggestion = z.infer<typeof suggestionSchema>;

export const diffSchema = z.object({
  from: z.number().nullable(),
  to: z.number().nullable(),
  changes: z.array(changeSchema),
  suggestions: z.array(suggestionSchema),
});
export type Diff = z.infer<typeof diffSchema>;
