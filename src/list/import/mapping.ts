import { z } from 'zod';
import type { ListDocument } from '../document.js';
import { recogniseTable } from './recognise.js';
import type { ImportSource } from './tables.js';

/*
 * PURE. What each table and each column of a source is taken for: suggested here, changed by hand in the
 * preview, kept as JSON.
 */

export const tableUses = ['sub-processors', 'data-categories', 'ignore'] as const;

/** What the heading above a table is for every row of it. */
export const headingTargets = [
  'ignore',
  'group',
  /** Affiliates or third parties; the heading is kept as the group, too. */
  'relationship',
  'purposes',
  'dataLocations',
  /** The customers' region. */
  'regions',
  'services',
  'product',
  /** The kind of person that the data categories below belong to. */
  'dataSubject',
] as const;

/** What a column of a table of sub-processors can be, in the order in which a person looks for it. */
export const subProcessorTargets = [
  'ignore',
  'name',
  /** "Twilio Inc. Optional 375 Beale Street …": name, flag and address in one cell. */
  'name+address',
  /** "SolarWinds LLC (Loggly)". */
  'name+product',
  'legalName',
  'product',
  'purposes',
  /** Purposes that commas part as well. */
  'purposes+commas',
  'dataCategories',
  /** The kind of person whose data it is, for the data categories of the row. */
  'dataSubject',
  'dataLocations',
  'country',
  'corporateCountry',
  'accessLocations',
  'regions',
  'transferMechanisms',
  'securityMeasures',
  'optional',
  'condition',
  'services',
  'relationship',
  'group',
  'parent',
  'duration',
  'address',
  'contact',
  'website',
  'dpaUrl',
  'links',
  'notes',
  'id',
] as const;

/** What a column of a catalogue of data categories can be. */
export const dataCategoryTargets = [
  'ignore',
  /** A star behind it says that it is optional. */
  'name',
  'optional',
  'specialCategory',
  'purpose',
  'description',
  'example',
  /** "Identification The address … Example: …": three facts in one cell. */
  'purpose+description+example',
  'legalBasis',
  'source',
  'retention',
  'dataSubject',
] as const;

/** Every target, for select boxes; each has its words at `import.target.<name>`. */
export const columnTargets = [...new Set([...subProcessorTargets, ...dataCategoryTargets])] as const;
const columnTarget = z.enum([...subProcessorTargets, ...dataCategoryTargets]);
export type ColumnTarget = z.infer<typeof columnTarget>;

const tableMapping = z.strictObject({
  use: z.enum(tableUses),
  headingAs: z.enum(headingTargets),
  /** Name of the data subject kind that the table speaks of, where neither heading nor column says so. */
  dataSubject: z.string().max(500).optional(),
  /** One for each column; a column without one is ignored. */
  columns: z.array(columnTarget).max(200),
});

/** One entry for each table of the source, in its order; a table without one is ignored. */
export const mappingSchema = z.strictObject({ tables: z.array(tableMapping).max(1_000) });
export type Mapping = z.infer<typeof mappingSchema>;
export type TableMapping = Mapping['tables'][number];
export type TableUse = (typeof tableUses)[number];
export type HeadingTarget = (typeof headingTargets)[number];

/**
 * What the tables and columns of a source most likely are, by their headings and by what stands in them.
 * Never fails: what is not recognised is `ignore`.
 * @param known the list that the import goes on with: its services, kinds and names help to recognise
 */
export function suggestMapping(source: ImportSource, known: ListDocument | null): Mapping {
  return { tables: source.tables.map((table) => recogniseTable(table, source, known)) };
}
