import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { changeSchema } from '../../src/list/change.js';
import { diffLists } from '../../src/list/diff.js';
import { type ListDocument, listDocumentSchema, listInputSchema, subProcessorSchema } from '../../src/list/document.js';
import { identify } from '../../src/list/identity.js';
import { plainText, plainUrl } from '../../src/list/plain.js';
import { readList } from '../../src/list/read.js';
import { changesInScope, touchedServices } from '../../src/list/scope.js';
import { writeYaml } from '../../src/list/write.js';
import { applyChanges } from '../support/apply.js';
import { normalForm } from '../support/normal-form.js';
import { anyList } from './arbitrary.js';

const numRuns = 150;

/** Every list of it shuffled by a seed, strings kept. */
function shuffled<Value>(value: Value, seed: number): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item, index) => ({
      item: shuffled(item, seed + index),
      rank: ((index + 1) * (seed + 7)) % 11,
    }));
    return items.sort((a, b) => a.rank - b.rank).map(({ item }) => item);
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value)
        .map(([key, inner]) => [key, shuffled(inner, seed)])
        .reverse(),
    );
  }
  return value;
}

/** Arrays in an order that does not hang on the input's: the order of sets is for showing. */
function orderless(value: unknown): unknown {
  if (Array.isArray(value))
    return value.map(orderless).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([key, inner]): [string, unknown] => [key, orderless(inner)]);
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  }
  return value;
}

/** The same words in another typography. */
function restyled(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => restyled(item, key));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [name, restyled(inner, key === 'dataCategories' ? key : name)]),
    );
  }
  const isText = ![
    'id',
    'country',
    'corporateCountry',
    'relationship',
    'parent',
    'services',
    'dataCategories',
  ].includes(key);
  if (typeof value !== 'string' || !isText || value.trim() === '') return value;
  if (/^https?:/.test(value)) return value.replace(/^https:\/\/./, (start) => start.toUpperCase()).replace(/\/?$/, '/');
  const spaced = value.normalize('NFD').replaceAll(' ', '\u00a0 ').replaceAll('"', '”').replaceAll('-', '–');
  return /[.]$/.test(spaced) ? spaced.slice(0, -1).toUpperCase() : `${spaced.toUpperCase()}.`;
}

const parsed = (value: unknown): ListDocument => listDocumentSchema.parse(value);

t.test('a list differs in nothing from itself', async (t) => {
  fc.assert(
    fc.property(anyList, (list) => {
      const { changes, suggestions } = diffLists(list, structuredClone(list));
      return changes.length === 0 && suggestions.length === 0;
    }),
    { numRuns },
  );
  t.pass();
});

t.test('the list before and the diff give the list after', async (t) => {
  fc.assert(
    fc.property(anyList, anyList, (before, after) => {
      const { changes } = diffLists(before, after);
      for (const change of changes) changeSchema.parse(change);
      assert.deepEqual(normalForm(applyChanges(before, changes)), normalForm(after));
    }),
    { numRuns },
  );
  t.pass();
});

t.test('every difference between two lists is in the diff, and nothing else is', async (t) => {
  fc.assert(
    fc.property(anyList, anyList, (before, after) => {
      const isSame = JSON.stringify(orderless(normalForm(before))) === JSON.stringify(orderless(normalForm(after)));
      return isSame === (diffLists(before, after).changes.length === 0);
    }),
    { numRuns },
  );
  t.pass();
});

t.test('one field of one entry altered is a change of exactly that field', async (t) => {
  fc.assert(
    fc.property(anyList, anyList, fc.nat(), fc.nat(), (list, donor, which, what) => {
      const entry = list.subProcessors[which % Math.max(1, list.subProcessors.length)];
      const other = donor.subProcessors[0];
      if (entry === undefined || other === undefined) return true;
      const names = [
        'purposes',
        'country',
        'optional',
        'dataCategories',
        'transferMechanisms',
        'notes',
        'links',
      ] as const;
      const field = names[what % names.length] ?? 'purposes';
      const { [field]: _, ...rest } = entry;
      const altered = subProcessorSchema.parse({
        ...rest,
        ...(other[field] !== undefined && { [field]: other[field] }),
      });
      const after = { ...list, subProcessors: list.subProcessors.map((one) => (one === entry ? altered : one)) };
      const { changes } = diffLists(list, after);
      const differs = JSON.stringify(normalForm(list)) !== JSON.stringify(normalForm(after));
      const told = changes.flatMap((change) =>
        'fields' in change ? change.fields.map((one) => one.field) : [change.kind],
      );
      return differs
        ? told.length > 0 && told.every((name) => name.replace('subProcessors.*.', '').split('.')[0] === field)
        : told.length === 0;
    }),
    { numRuns },
  );
  t.pass();
});

t.test('order counts for nothing', async (t) => {
  fc.assert(
    fc.property(anyList, anyList, fc.nat(100), (before, after, seed) => {
      const [was, is] = [parsed(shuffled(before, seed)), parsed(shuffled(after, seed + 1))];
      if (diffLists(before, was).changes.length > 0) return false;
      const plain = diffLists(before, after);
      const mixed = diffLists(was, is);
      assert.deepEqual(
        mixed.changes.map(({ kind, id }) => [kind, id]),
        plain.changes.map(({ kind, id }) => [kind, id]),
      );
      assert.deepEqual(orderless(mixed), orderless(plain));
    }),
    { numRuns },
  );
  t.pass();
});

t.test('typography counts for nothing', async (t) => {
  fc.assert(
    fc.property(anyList, (list) => {
      const styled = parsed(restyled(list));
      assert.deepEqual(diffLists(list, styled).changes, []);
    }),
    { numRuns },
  );
  t.pass();
});

t.test('a list whose ids are left out, reordered and restyled, is still the same list', async (t) => {
  const referable = anyList.map((list) => {
    const kinds = new Map(
      list.dataSubjects.map(({ id, dataCategories }) => [id, new Set(dataCategories?.map((one) => one.id))]),
    );
    const services = new Set(list.services?.map(({ id }) => id));
    return parsed({
      ...list,
      subProcessors: list.subProcessors.map(({ parent: _, ...entry }) => ({
        ...entry,
        ...(entry.services && { services: entry.services.filter((id) => services.has(id)) }),
        ...(entry.dataCategories && {
          dataCategories: Object.fromEntries(
            Object.entries(entry.dataCategories)
              .filter(([kind]) => kinds.has(kind))
              .map(([kind, ids]) => [kind, ids.filter((id) => kinds.get(kind)?.has(id))]),
          ),
        }),
      })),
    });
  });
  const withoutIds = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(withoutIds);
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).filter(([key]) => key !== 'id');
    return Object.fromEntries(entries.map(([key, inner]) => [key, withoutIds(inner)]));
  };
  // Names and texts alike that only an id tells apart cannot be told apart without.
  const told = (list: ListDocument) =>
    [
      list.services?.map(({ name }) => name),
      list.statements?.map(({ text }) => text),
      list.dataSubjects.map(({ name }) => name),
    ].every((names = []) => new Set(names.map(plainText)).size === names.length);
  fc.assert(
    fc.property(referable.filter(told), fc.nat(100), (list, seed) => {
      const input = listInputSchema.parse(withoutIds(restyled(shuffled(list, seed))));
      assert.deepEqual(diffLists(list, identify(input, list)), { changes: [], suggestions: [] });
    }),
    { numRuns },
  );
  t.pass();
});

t.test('what is written as YAML reads as the same document, with the same bytes each time', async (t) => {
  fc.assert(
    fc.property(anyList, fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }), (list, odd) => {
      const introduction = listInputSchema.shape.introduction.safeParse(`${odd}\n\n ${odd} `);
      const document = parsed({
        ...list,
        ...(introduction.success && introduction.data !== undefined && { introduction: introduction.data }),
        subProcessors: list.subProcessors.map(({ parent: _, services: __, dataCategories: ___, ...entry }) => entry),
      });
      const yaml = writeYaml(document);
      assert.deepEqual(readList(yaml, 'yaml'), document);
      assert.equal(writeYaml(readList(yaml, 'yaml')), yaml);
    }),
    { numRuns },
  );
  t.pass();
});

t.test('plain forms are their own plain forms', async (t) => {
  const letters = Array.from({ length: 0x1_1000 }, (_, code) => String.fromCodePoint(code));
  t.strictSame(
    letters.filter((letter) => plainText(plainText(letter)) !== plainText(letter)),
    [],
    'of every letter, ẞ too',
  );
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => plainText(plainText(text)) === plainText(text)),
    { numRuns: 2_000 },
  );
  fc.assert(
    fc.property(
      fc.webUrl({ withFragments: true, withQueryParameters: true }),
      (url) => plainUrl(plainUrl(url)) === plainUrl(url),
    ),
    { numRuns },
  );
  t.pass();
});

t.test('a subscriber of some services is told of what concerns them, and of all that concerns everybody', async (t) => {
  fc.assert(
    fc.property(anyList, anyList, fc.subarray(['community', 'analytics', 'chat']), (before, after, services) => {
      const { changes } = diffLists(before, after);
      const inScope = changesInScope(changes, services);
      assert.deepEqual(changesInScope(changes, null), changes);
      for (const change of changes) {
        const isOfEntry = change.kind.startsWith('sub-processor-');
        const entries = [...before.subProcessors, ...after.subProcessors].filter(({ id }) => id === change.id);
        const concerned =
          !isOfEntry ||
          entries.some((entry) => !entry.services?.length || entry.services.some((one) => services.includes(one)));
        // A column is told to all and carries its field away, so that an entry may be left with others.
        if (concerned !== inScope.includes(change) && !changes.some(({ id }) => id === 'subProcessors.*.services')) {
          assert.fail(`wrong scope of ${JSON.stringify(change)}`);
        }
      }
      const touched = touchedServices(changes);
      if (touched !== null) assert.ok(changes.every((change) => changesInScope([change], touched).length === 1));
    }),
    { numRuns },
  );
  t.pass();
});
