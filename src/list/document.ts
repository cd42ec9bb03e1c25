import { z } from 'zod';
import { id, languageTag, lines, lineText, longText, texts, url } from './text-rules.js';

/*
 * The list document: what is read from JSON and YAML, stored, published and compared.
 * Absent means "not stated", which is not the same as an empty set ("none").
 */

export const limits = {
  subProcessors: 5_000,
  dataSubjects: 100,
  dataCategories: 500,
  languages: 50,
  bytes: 2 * 1024 * 1024,
} as const;

const regionNames = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' });
// CLDR names them, ISO 3166 does not: test regions, groups of states, "unknown".
const noCountries: ReadonlySet<string> = new Set(['EZ', 'QO', 'UN', 'XA', 'XB', 'ZZ']);

/** ISO 3166-1 alpha-2 (and EU, which CLDR names as well). */
const country = z
  .string()
  .regex(/^[A-Z]{2}$/, 'must be a country code of two capital letters (ISO 3166-1), such as "US" or "DE"')
  .superRefine((code, context) => {
    const canonical = canonicalRegion(code);
    if (canonical === null) return;
    if (canonical !== code) context.addIssue({ code: 'custom', message: `is written "${canonical}" in ISO 3166-1` });
    else if (noCountries.has(code) || regionNames.of(code) === undefined) {
      context.addIssue({ code: 'custom', message: 'is no country code of ISO 3166-1' });
    }
  });

/** Today's code for one that was replaced, such as UK and SU; null for what is no code of two capitals. */
function canonicalRegion(code: string): string | null {
  if (!/^[A-Z]{2}$/.test(code)) return null;
  const [locale = ''] = Intl.getCanonicalLocales(`und-${code}`);
  return /^und-([A-Z]{2})$/.exec(locale)?.[1] ?? code;
}

const notBlank = (text: string) => text.trim() !== '';

/** What an entry says in other languages, by their tags; a field that is left out stands in the original. */
function translationsOf<Words extends z.ZodType>(words: Words) {
  return z
    .record(languageTag, words)
    .refine((all) => Object.keys(all).length <= limits.languages, `has more than ${limits.languages} languages`)
    .optional();
}

const serviceFields = z.strictObject({ id: id.optional(), name: lineText });
const service = serviceFields.extend({ translations: translationsOf(serviceFields.pick({ name: true }).partial()) });
const statementFields = z.strictObject({
  id: id.optional(),
  text: longText.refine(notBlank, 'is empty; state it, or delete the statement'),
});
const statement = statementFields.extend({
  translations: translationsOf(statementFields.pick({ text: true }).partial()),
});

const dataCategoryFields = z.strictObject({
  id: id.optional(),
  name: lineText,
  optional: z.boolean().optional(),
  specialCategory: z.boolean().optional(),
  purpose: longText.optional(),
  description: longText.optional(),
  example: longText.optional(),
  legalBasis: lineText.optional(),
  source: lineText.optional(),
  retention: lineText.optional(),
});
const dataCategory = dataCategoryFields.extend({
  translations: translationsOf(dataCategoryFields.omit({ id: true, optional: true, specialCategory: true }).partial()),
});

const dataSubjectFields = z.strictObject({ id: id.optional(), name: lineText, description: longText.optional() });
const dataSubject = dataSubjectFields.extend({
  translations: translationsOf(dataSubjectFields.omit({ id: true }).partial()),
  dataCategories: z
    .array(dataCategory)
    .max(limits.dataCategories, `has more than ${limits.dataCategories} data categories`)
    .optional(),
});

const subProcessorFields = z.strictObject({
  id: id.optional(),
  name: lineText,
  legalName: lineText.optional(),
  address: longText.optional(),
  country: country.optional(),
  corporateCountry: country.optional(),
  contact: lineText.optional(),
  website: url.optional(),
  dpaUrl: url.optional(),
  links: z
    .array(z.strictObject({ label: lineText, url }))
    .max(50, 'has more than 50 entries')
    .optional(),
  optional: z.boolean().optional(),
  product: lineText.optional(),
  relationship: z.enum(['third-party', 'affiliate'], 'must be "third-party" or "affiliate"').optional(),
  group: lineText.optional(),
  condition: longText.optional(),
  regions: lines.optional(),
  duration: lineText.optional(),
  notes: longText.optional(),
  parent: id.optional(),
  purposes: texts.optional(),
  dataLocations: lines.optional(),
  accessLocations: lines.optional(),
  securityMeasures: texts.optional(),
  transferMechanisms: lines.optional(),
  services: z.array(id).max(500, 'has more than 500 entries').optional(),
  dataCategories: z.record(id, z.array(id).max(limits.dataCategories)).optional(),
});

/** Names are letter for letter the same in every language. What is a set stays one: member by member, in its order. */
const subProcessorWords = subProcessorFields
  .pick({
    address: true,
    product: true,
    group: true,
    condition: true,
    regions: true,
    duration: true,
    notes: true,
    purposes: true,
    dataLocations: true,
    accessLocations: true,
    securityMeasures: true,
    transferMechanisms: true,
  })
  .extend({ links: lines.optional() });
const subProcessor = subProcessorFields.extend({ translations: translationsOf(subProcessorWords) });

const head = z.strictObject({ title: lineText, introduction: longText.optional() });

/** A list as people write it: ids may be missing. `identify` (identity.ts) completes it. */
export const listInputSchema = head.extend({
  /** Of the original texts; required beside translations, since a reader has to be told what they read. */
  language: languageTag.optional(),
  translations: translationsOf(head.partial()),
  dpaUrl: url.optional(),
  services: z.array(service).max(500, 'has more than 500 services').optional(),
  statements: z.array(statement).max(500, 'has more than 500 statements').optional(),
  dataSubjects: z
    .array(dataSubject)
    .max(limits.dataSubjects, `has more than ${limits.dataSubjects} data subject kinds`),
  subProcessors: z
    .array(subProcessor)
    .max(limits.subProcessors, `has more than ${limits.subProcessors} sub-processors`),
});

/** A list as it is stored and published: every entry has its id. */
export const listDocumentSchema = listInputSchema.extend({
  services: z.array(service.required({ id: true })).optional(),
  statements: z.array(statement.required({ id: true })).optional(),
  dataSubjects: z.array(
    dataSubject.required({ id: true }).extend({
      dataCategories: z.array(dataCategory.required({ id: true })).optional(),
    }),
  ),
  subProcessors: z.array(subProcessor.required({ id: true })),
});

/** Which fields of each kind of entry can be said in other languages. */
export const translatedFields = {
  list: Object.keys(head.shape),
  service: ['name'],
  statement: ['text'],
  'data-subject': ['name', 'description'],
  'data-category': Object.keys(dataCategoryFields.omit({ id: true, optional: true, specialCategory: true }).shape),
  'sub-processor': Object.keys(subProcessorWords.shape),
} as const satisfies Record<string, readonly string[]>;

/**
 * A document as it comes from a row. It was checked when it came in, and is not checked again by today's
 * rules: a published version must stay readable when the rules of entry grow stricter.
 */
export const storedDocument = z.custom<ListDocument>(
  (value) => typeof value === 'object' && value !== null && 'subProcessors' in value,
);

export type ListInput = z.infer<typeof listInputSchema>;
export type ListDocument = z.infer<typeof listDocumentSchema>;
export type DataSubject = ListDocument['dataSubjects'][number];
export type DataCategory = NonNullable<DataSubject['dataCategories']>[number];
export type SubProcessor = ListDocument['subProcessors'][number];

export const dataCategorySchema = dataCategory.required({ id: true });
export const dataSubjectSchema = listDocumentSchema.shape.dataSubjects.element;
export const subProcessorSchema = listDocumentSchema.shape.subProcessors.element;
