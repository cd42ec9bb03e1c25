import fc from 'fast-check';
import { type ListDocument, listDocumentSchema } from '../../src/list/document.js';
import { dataCategoryFields, dataSubjectFields, type FieldRule, subProcessorFields } from '../../src/list/fields.js';

/*
 * Lists for property tests. Values come from small pools, so that two lists share much, differ in
 * part, and hold spellings that differ in typography only.
 */

const pools: Record<string, readonly unknown[]> = {
  text: [
    'Acme Inc.',
    'ACME  Inc',
    'Acme LLC',
    'Bolt GmbH',
    'École “One”',
    'Ecole "One"',
    'E\u0301cole "One".',
    '示例',
    '2 years',
    '3 years',
  ],
  longText: [
    'First line\nsecond',
    'First line second.',
    'Only if — switched on',
    ' \n',
    '...',
    'only if - switched on',
    'Other',
  ],
  url: ['https://a.example', 'https://A.example/', 'https://b.example/x', 'https://b.example/X'],
  flag: [true, false],
  place: ['US', 'DE', 'SE'],
  reference: ['v1', 'v2', 'v3'],
};
const members: Record<string, readonly unknown[]> = {
  set: ['Hosting', 'hosting.', 'E-mail', 'E–mail', 'Backups', 'Support'],
  references: ['community', 'analytics', 'chat'],
  links: [
    { label: 'Security', url: 'https://a.example/s' },
    { label: 'security', url: 'https://a.example/s/' },
    { label: 'Terms', url: 'https://a.example/t' },
  ],
};
const subjectIds = ['advocates', 'managers', 'constructor'];
const categoryIds = ['email', 'name', 'phone', 'constructor'];

const listOf = (values: readonly unknown[]) => fc.array(fc.constantFrom(...values), { maxLength: 4 });

function fieldArbitrary({ kind }: FieldRule): fc.Arbitrary<unknown> {
  if (kind === 'matrix') {
    return fc.dictionary(fc.constantFrom(...subjectIds), fc.array(fc.constantFrom(...categoryIds), { maxLength: 4 }), {
      maxKeys: 3,
    });
  }
  const several = members[kind];
  return several ? listOf(several) : fc.constantFrom(...(pools[kind] ?? []));
}

function entryArbitrary(
  ids: readonly string[],
  table: Readonly<Record<string, FieldRule>>,
): fc.Arbitrary<{ id: string; [field: string]: unknown }> {
  const fields = Object.entries(table).map(([field, rule]): [string, fc.Arbitrary<unknown>] => {
    if (field === 'name') return [field, fieldArbitrary(rule)];
    if (field === 'relationship') return [field, fc.constantFrom('affiliate', 'third-party', undefined)];
    return [field, fc.option(fieldArbitrary(rule), { nil: undefined })];
  });
  return fc
    .tuple(fc.constantFrom(...ids), fc.record(Object.fromEntries(fields)))
    .map(([id, entry]) => ({ ...entry, id }));
}

const unique = <Item extends { id: string }>(arbitrary: fc.Arbitrary<Item>, maxLength: number) =>
  fc.uniqueArray(arbitrary, { maxLength, selector: ({ id }) => id });

const raw = fc.record({
  title: fc.constantFrom('List', 'list', 'Our list'),
  introduction: fc.constantFrom(...(pools.longText ?? []), undefined),
  dpaUrl: fc.constantFrom(...(pools.url ?? []), undefined),
  services: fc.option(
    unique(
      fc.record({ id: fc.constantFrom('community', 'analytics', 'chat'), name: fc.constantFrom('A', 'a.', 'B') }),
      3,
    ),
    { nil: undefined },
  ),
  statements: fc.option(
    unique(
      fc.record({ id: fc.constantFrom('s1', 's2'), text: fc.constantFrom('We “promise”', 'we "promise".', 'No') }),
      2,
    ),
    { nil: undefined },
  ),
  dataSubjects: unique(
    fc
      .tuple(
        entryArbitrary(subjectIds, dataSubjectFields),
        fc.option(unique(entryArbitrary(categoryIds, dataCategoryFields), 4), { nil: undefined }),
      )
      .map(([subject, dataCategories]) => ({ ...subject, dataCategories })),
    3,
  ),
  subProcessors: unique(entryArbitrary(['v1', 'v2', 'v3', 'v4', 'constructor'], subProcessorFields), 5),
});

/** Any list; references may lead nowhere, which a diff does not mind. */
export const anyList: fc.Arbitrary<ListDocument> = raw.map((value) =>
  listDocumentSchema.parse(withoutUndefined(value)),
);

function withoutUndefined(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
