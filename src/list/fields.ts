import type { DataCategory, DataSubject, ListDocument, SubProcessor } from './document.js';

/*
 * One row for each field of the model. Diff, severity and normal form loop over these tables, and
 * `satisfies` makes a forgotten row a compile error: a new field is a line in document.ts, a row
 * here and a label in each language. The order of the rows is the order in which fields are told.
 */

export type FieldKind =
  /** One line. */
  | 'text'
  /** May run over several lines. */
  | 'longText'
  | 'url'
  | 'flag'
  /** One ISO 3166 code. */
  | 'place'
  /** The id of another entry. */
  | 'reference'
  /** Texts; order does not count. */
  | 'set'
  /** Ids; order does not count. */
  | 'references'
  /** Pairs of label and address; order does not count. */
  | 'links'
  /** Ids of data categories by data subject kind. */
  | 'matrix';

/** Names a row of the table in severity.ts. */
export type SeverityRule =
  | 'wording'
  | 'companyName'
  | 'entryName'
  | 'company'
  | 'product'
  | 'chain'
  | 'optional'
  | 'condition'
  | 'regions'
  | 'purpose'
  | 'purposes'
  | 'services'
  | 'place'
  | 'places'
  | 'transferMechanisms'
  | 'securityMeasures'
  | 'dataCategories'
  | 'period'
  | 'specialCategory'
  | 'legalBasis'
  | 'source'
  | 'translation';

export interface FieldRule {
  kind: FieldKind;
  /** Null: a difference in it is no change. */
  severity: SeverityRule | null;
  /** Key of its name in the locales. */
  label: `list.field.${string}`;
}

export const subProcessorFields = {
  name: { kind: 'text', severity: 'companyName', label: 'list.field.name' },
  legalName: { kind: 'text', severity: 'companyName', label: 'list.field.legalName' },
  product: { kind: 'text', severity: 'product', label: 'list.field.product' },
  relationship: { kind: 'text', severity: 'company', label: 'list.field.relationship' },
  parent: { kind: 'reference', severity: 'chain', label: 'list.field.parent' },
  purposes: { kind: 'set', severity: 'purposes', label: 'list.field.purposes' },
  services: { kind: 'references', severity: 'services', label: 'list.field.services' },
  optional: { kind: 'flag', severity: 'optional', label: 'list.field.optional' },
  condition: { kind: 'longText', severity: 'condition', label: 'list.field.condition' },
  dataCategories: { kind: 'matrix', severity: 'dataCategories', label: 'list.field.dataCategories' },
  country: { kind: 'place', severity: 'place', label: 'list.field.country' },
  corporateCountry: { kind: 'place', severity: 'place', label: 'list.field.corporateCountry' },
  dataLocations: { kind: 'set', severity: 'places', label: 'list.field.dataLocations' },
  accessLocations: { kind: 'set', severity: 'places', label: 'list.field.accessLocations' },
  regions: { kind: 'set', severity: 'regions', label: 'list.field.regions' },
  transferMechanisms: { kind: 'set', severity: 'transferMechanisms', label: 'list.field.transferMechanisms' },
  securityMeasures: { kind: 'set', severity: 'securityMeasures', label: 'list.field.securityMeasures' },
  duration: { kind: 'text', severity: 'period', label: 'list.field.duration' },
  address: { kind: 'longText', severity: 'wording', label: 'list.field.address' },
  contact: { kind: 'text', severity: 'wording', label: 'list.field.contact' },
  website: { kind: 'url', severity: 'wording', label: 'list.field.website' },
  dpaUrl: { kind: 'url', severity: 'wording', label: 'list.field.dpaUrl' },
  links: { kind: 'links', severity: 'wording', label: 'list.field.links' },
  notes: { kind: 'longText', severity: 'wording', label: 'list.field.notes' },
  // The heading it is shown under: half of all real lists move vendors between headings at will.
  group: { kind: 'text', severity: null, label: 'list.field.group' },
} as const satisfies Record<Exclude<keyof SubProcessor, 'id' | 'translations'>, FieldRule>;

export const dataCategoryFields = {
  name: { kind: 'text', severity: 'entryName', label: 'list.field.name' },
  optional: { kind: 'flag', severity: 'optional', label: 'list.field.optional' },
  specialCategory: { kind: 'flag', severity: 'specialCategory', label: 'list.field.specialCategory' },
  purpose: { kind: 'longText', severity: 'purpose', label: 'list.field.purpose' },
  legalBasis: { kind: 'text', severity: 'legalBasis', label: 'list.field.legalBasis' },
  source: { kind: 'text', severity: 'source', label: 'list.field.source' },
  retention: { kind: 'text', severity: 'period', label: 'list.field.retention' },
  description: { kind: 'longText', severity: 'wording', label: 'list.field.description' },
  example: { kind: 'longText', severity: 'wording', label: 'list.field.example' },
} as const satisfies Record<Exclude<keyof DataCategory, 'id' | 'translations'>, FieldRule>;

/** Its data categories are changes of their own. */
export const dataSubjectFields = {
  name: { kind: 'text', severity: 'entryName', label: 'list.field.name' },
  description: { kind: 'longText', severity: 'wording', label: 'list.field.description' },
} as const satisfies Record<Exclude<keyof DataSubject, 'id' | 'dataCategories' | 'translations'>, FieldRule>;

/** Services and statements have rules of their own in diff.ts; the rest are changes of their own. */
export const listFields = {
  title: { kind: 'text', severity: 'wording', label: 'list.field.title' },
  introduction: { kind: 'longText', severity: 'wording', label: 'list.field.introduction' },
  language: { kind: 'text', severity: 'wording', label: 'list.field.language' },
  dpaUrl: { kind: 'url', severity: 'wording', label: 'list.field.dpaUrl' },
} as const satisfies Record<
  Exclude<keyof ListDocument, 'services' | 'statements' | 'dataSubjects' | 'subProcessors' | 'translations'>,
  FieldRule
>;

/** A row of a table with the name of its field. */
export interface Field extends FieldRule {
  name: string;
}

/** The rows of a table, in the order in which they are told. */
export function fieldsOf(table: Readonly<Record<string, FieldRule>>): readonly Field[] {
  return Object.entries(table).map(([name, rule]) => ({ name, ...rule }));
}
