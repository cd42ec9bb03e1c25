import { z } from 'zod';

/*
 * The list document: what is read from JSON and YAML, stored, published and compared.
 * Absent means "not stated", which is not the same as an empty set ("none").
 */

export const limits = {
  subProcessors: 5_000,
  dataSubjects: 100,
  dataCategories: 500,
  bytes: 2 * 1024 * 1024,
} as const;

// Control characters break XML feeds, mail headers and terminals; lone surrogates cannot be stored;
// noncharacters (U+FFFE and its like) are no text either, and mark places in our own sentences.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\p{Surrogate}\p{Noncharacter_Code_Point}]/u;
const lineBreak = /[\r\n\t\u2028\u2029]/;

const cleanText = z
  .string()
  .max(20_000, 'is longer than 20,000 characters')
  .refine((text) => !forbidden.test(text), 'contains a control character or a broken character; delete it');

/** Text that may run over several lines; line ends become LF. */
export const longText = cleanText.transform((text) => text.replace(/\r\n?/g, '\n'));

/** Text of one line, not empty. */
const lineText = cleanText
  .refine((text) => !lineBreak.test(text), 'must be one line: it contains a line break or a tab')
  .refine((text) => /[^\s\p{Cf}]/u.test(text), 'is empty; state it, or leave the key out')
  .refine((text) => text.length <= 500, 'is longer than 500 characters');

const id = z
  .string()
  .max(120, 'is longer than 120 characters')
  .regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/, 'must be lower case letters, digits and single hyphens, such as "twilio-sms"');

/** http and https only: anything else (javascript:, data:) is no address a reader may be sent to. */
const url = cleanText
  .refine((text) => isWebAddress(text), 'must be a web address that begins with https:// or http://')
  .refine((text) => text.length <= 2_000, 'is longer than 2,000 characters');

function isWebAddress(text: string): boolean {
  if (!/^https?:\/\/[^\s\\]+$/i.test(text)) return false;
  try {
    const { protocol, hostname } = new URL(text);
    return (protocol === 'https:' || protocol === 'http:') && hostname !== '';
  } catch {
    return false;
  }
}

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

const lines = z.array(lineText).max(200, 'has more than 200 entries');
const texts = z
  .array(longText.refine((text) => text.trim() !== '', 'is empty; delete it'))
  .max(200, 'has more than 200 entries');

const service = z.strictObject({ id: id.optional(), name: lineText });
const statement = z.strictObject({
  id: id.optional(),
  text: longText.refine((text) => text.trim() !== '', 'is empty; state it, or delete the statement'),
});

const dataCategory = z.strictObject({
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

const dataSubject = z.strictObject({
  id: id.optional(),
  name: lineText,
  description: longText.optional(),
  dataCategories: z
    .array(dataCategory)
    .max(limits.dataCategories, `has more than ${limits.dataCategories} data categories`)
    .optional(),
});

const subProcessor = z.strictObject({
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

/** A list as people write it: ids may be missing. `identify` (identity.ts) completes it. */
export const listInputSchema = z.strictObject({
  title: lineText,
  introduction: longText.optional(),
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
