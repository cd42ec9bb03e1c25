import t from 'tap';
import type { ListInput } from '../../src/list/document.js';
import { choicesOf, suggestPairs } from '../../src/list/pairs.js';
import { supplemented } from '../../src/list/supplement.js';
import { readDraft } from '../../src/versions/draft.js';
import { editDraft, readEdits, undoEdit } from '../../src/versions/draft-edit.js';
import {
  applyImport,
  applyPrepared,
  decidePairs,
  discardImport,
  listImports,
  prepareImport,
  purgeImports,
  readImport,
  remapImport,
  stageImport,
  wasApplied,
} from '../../src/versions/import.js';
import { aList, officer, openStage, refuses, type Stage } from './make.js';

const bytesOf = (list: object) => Buffer.from(JSON.stringify(list));
const listOf = (...names: string[]): ListInput => ({
  title: 'Sub-processors',
  dataSubjects: [{ name: 'Users', dataCategories: [{ name: 'Email' }] }],
  subProcessors: names.map((name) => ({ name })),
});
const stage = ({ deps }: Stage, list: object, fileName: string | null = 'list.json') =>
  stageImport(deps, { bytes: bytesOf(list), fileName, contentType: undefined }, officer);
const namesOf = async ({ deps }: Stage) =>
  (await readDraft(deps.db))?.document.subProcessors.map(({ id, name }) => `${id}: ${name}`);
const rows = async ({ deps }: Stage) =>
  (await deps.db.query('select file_name, source, mapping, applied_revision from list_imports order by id')).rows;

t.test(
  'an import waits, is taken over once, goes on with the ids that were there, and can be taken back',
  async (t) => {
    const day = await openStage(t);
    await day.publish(aList('Acme, Inc.', 'Foxglove', 'Nordwind'));
    const id = await stage(day, listOf('acme', 'Nordwind GmbH', 'Letterbird'), 'our \u0000list\n.json');
    t.match(await listImports(day.deps.db), [{ id, fileName: 'our list .json', by: { kind: 'admin', id: 1 } }]);
    const { plan, seen, mode } = await readImport(day.deps.db, id);
    t.equal(mode, 'replace');
    t.match(
      plan.result?.changes.map(({ kind, name }) => `${kind} ${name}`),
      ['sub-processor-added Letterbird', 'sub-processor-removed Foxglove', 'sub-processor-changed acme', /Nordwind/],
    );
    t.same(await namesOf(day), ['acme-inc: Acme, Inc.', 'foxglove: Foxglove', 'nordwind: Nordwind'], 'nothing yet');

    // A double click, and a third one later.
    const clicks = await Promise.all([1, 2].map(() => applyImport(day.deps, id, seen, officer)));
    t.same(clicks.map(({ repeated }) => repeated).sort(), [false, true]);
    t.equal(clicks[0]?.revision, clicks[1]?.revision);
    t.same(await namesOf(day), ['acme-inc: acme', 'nordwind: Nordwind GmbH', 'letterbird: Letterbird']);
    t.ok((await applyImport(day.deps, id, seen, officer)).repeated);
    t.ok(await wasApplied(day.deps.db, id));
    await refuses(t, 'import.missing', readImport(day.deps.db, id));
    t.same(await listImports(day.deps.db), []);
    t.match(await rows(day), [{ file_name: null, source: null, mapping: null, applied_revision: clicks[0]?.revision }]);
    t.match(await day.audit('draft.imported'), [
      { subject: 'draft revision 2', detail: { as: 'import', format: 'json', mode: 'replace', subProcessors: 3 } },
    ]);
    t.notMatch(JSON.stringify(await day.audit('import.staged')), 'our list', 'what people call their files is theirs');

    const { edits } = await readEdits(day.deps.db, { limit: 1 });
    t.match(edits, [{ steps: null, hasBefore: true, by: officer }]);
    await undoEdit(day.deps, edits[0]?.id ?? 0, officer);
    t.same(await namesOf(day), ['acme-inc: Acme, Inc.', 'foxglove: Foxglove', 'nordwind: Nordwind']);
  },
);

t.test('an addition takes nothing out, and what it does not state stays', async (t) => {
  const day = await openStage(t);
  const acme = { id: 'acme', name: 'Acme', country: 'US', purposes: ['Mail'], dataCategories: { users: ['email'] } };
  await day.draft({ ...aList(acme, 'Foxglove'), title: 'Ours', introduction: 'Hello.' });
  const id = await stage(day, {
    title: 'A sheet',
    dataSubjects: [
      { name: 'users', dataCategories: [{ name: 'IP address' }] },
      { name: 'Guests', dataCategories: [{ name: 'Email' }] },
    ],
    subProcessors: [{ name: 'ACME', purposes: ['Hosting'], dataCategories: { guests: ['email'] } }, { name: 'New' }],
  });
  t.equal((await readImport(day.deps.db, id)).plan.result?.document.subProcessors.length, 2);
  await remapImport(day.deps, id, { mode: 'merge' });
  const { plan, seen } = await readImport(day.deps.db, id);
  t.notOk(plan.result?.changes.some(({ kind }) => kind.endsWith('-removed')));
  await applyImport(day.deps, id, seen, officer);
  const document = (await readDraft(day.deps.db))?.document;
  t.match(document, { title: 'Ours', introduction: 'Hello.' });
  t.same(document?.subProcessors, [
    {
      ...acme,
      name: 'ACME',
      purposes: ['Hosting'],
      dataCategories: { users: ['email'], guests: ['email'] },
    },
    { id: 'foxglove', name: 'Foxglove' },
    { id: 'new', name: 'New' },
  ]);
  t.match(document?.dataSubjects, [
    { id: 'users', dataCategories: [{ id: 'email' }, { id: 'ip-address' }] },
    { id: 'guests', dataCategories: [{ id: 'email' }] },
  ]);
  const both = supplemented(aList('A'), { ...aList('B'), services: [{ id: 's', name: 'S' }] });
  t.match(both, { services: [{ id: 's' }], subProcessors: [{ id: 'a' }, { id: 'b' }] });
  t.notOk('statements' in both);
});

t.test('nobody overwrites a draft, or takes over an import, that they have not seen', async (t) => {
  const day = await openStage(t);
  // Two first drafts at once.
  const first = await stage(day, listOf('Acme'));
  const second = await stage(day, listOf('Nordwind'));
  const [a, b] = await Promise.all([first, second].map((id) => readImport(day.deps.db, id)));
  const ends = await Promise.allSettled([
    applyImport(day.deps, first, a?.seen ?? '', officer),
    applyImport(day.deps, second, b?.seen ?? '', officer),
  ]);
  t.same(ends.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  t.match(
    ends.find(({ status }) => status === 'rejected'),
    { reason: { code: 'draft.stale' } },
  );
  const lost = ends[0]?.status === 'rejected' ? first : second;

  // The draft moves on between preview and click.
  const { seen } = await readImport(day.deps.db, lost);
  await editDraft(day.deps, [{ step: 'set', ref: 'list', field: 'introduction', before: null, after: 'Hi.' }], officer);
  await refuses(t, 'draft.stale', applyImport(day.deps, lost, seen, officer));
  t.equal((await readDraft(day.deps.db))?.document.introduction, 'Hi.');
  // The import is changed in another window.
  const again = await readImport(day.deps.db, lost);
  await remapImport(day.deps, lost, { mode: 'merge' });
  await refuses(t, 'draft.stale', applyImport(day.deps, lost, again.seen, officer));
  await applyImport(day.deps, lost, (await readImport(day.deps.db, lost)).seen, officer);
  t.equal((await namesOf(day))?.length, 2);
  t.equal((await readDraft(day.deps.db))?.document.introduction, 'Hi.');
});

t.test('a pair that is confirmed keeps the id; one that is refused or left open does not', async (t) => {
  const day = await openStage(t);
  await day.publish(
    aList('Redis Labs', 'Copper CRM', 'Foxglove Analytics', { id: 'child', name: 'Child', parent: 'redis-labs' }),
  );
  const list = listOf('Redis Labs Group', 'Copper', 'Foxglove Analytics Cloud');
  const id = await stage(day, {
    ...list,
    subProcessors: [...list.subProcessors, { name: 'Child', parent: 'redis-labs-group' }],
  });
  const { plan, seen } = await readImport(day.deps.db, id);
  t.match(plan.pairs.map(({ key, kind, decision }) => [key, kind, decision]).sort(), [
    ['copper-crm>copper', 'renamed', undefined],
    ['foxglove-analytics>foxglove-analytics-cloud', 'renamed', undefined],
    ['redis-labs>redis-labs-group', 'renamed', undefined],
  ]);
  await decidePairs(day.deps, id, {
    'redis-labs>redis-labs-group': { removed: 'redis-labs', added: 'redis-labs-group' },
    'copper-crm>copper': null,
    'nobody>knows': { removed: 'nobody', added: 'knows' },
  });
  const after = await readImport(day.deps.db, id);
  t.not(after.seen, seen);
  t.match(Object.fromEntries(after.plan.pairs.map(({ key, decision }) => [key, decision])), {
    'redis-labs>redis-labs-group': { removed: 'redis-labs', added: 'redis-labs-group' },
    'copper-crm>copper': null,
    'foxglove-analytics>foxglove-analytics-cloud': undefined,
  });
  await applyImport(day.deps, id, after.seen, officer);
  t.same(await namesOf(day), [
    'redis-labs: Redis Labs Group',
    'copper: Copper',
    'foxglove-analytics-cloud: Foxglove Analytics Cloud',
    'child: Child',
  ]);
  t.equal((await readDraft(day.deps.db))?.document.subProcessors[3]?.parent, 'redis-labs');
});

t.test('mergers and splits are found, and one entry does not go on as two', async (t) => {
  const day = await openStage(t);
  await day.publish(aList('Mailgun', 'Pathwire', 'Stripe (Radar, Connect)'));
  const id = await stage(day, listOf('Sinch (Mailgun, Pathwire)', 'Radar', 'Connect'));
  const { plan } = await readImport(day.deps.db, id);
  t.match(
    plan.pairs.map(({ kind, removed, added }) => [kind, removed.map((one) => one.name), added.map((one) => one.name)]),
    [
      ['merged', ['Mailgun', 'Pathwire'], ['Sinch (Mailgun, Pathwire)']],
      ['split', ['Stripe (Radar, Connect)'], ['Radar', 'Connect']],
    ],
  );
  const [merged, split] = plan.pairs;
  if (merged === undefined || split === undefined) throw new Error('there are two');
  const [goesOn] = choicesOf(merged);
  await decidePairs(day.deps, id, { [merged.key]: goesOn ?? null, [split.key]: null });
  await applyImport(day.deps, id, (await readImport(day.deps.db, id)).seen, officer);
  t.same(await namesOf(day), ['mailgun: Sinch (Mailgun, Pathwire)', 'radar: Radar', 'connect: Connect']);

  const acme = (id: string, product: string) => ({ id, name: 'Acme', product });
  const [of] = suggestPairs([acme('a', 'Chat'), acme('b', 'Mail')], [acme('c', 'Chat, Mail and Phone')], []);
  t.match(of, { kind: 'merged', key: 'a+b>c' }, 'of one vendor the products tell');
  t.same(suggestPairs([acme('a', 'Chat'), acme('b', 'Mail')], [acme('c', 'Phone')], []), []);
  t.same(suggestPairs(aList('Google', 'Foxglove').subProcessors, aList('Google Cloud').subProcessors, []), []);

  // Two suggestions of one entry: only one of them can hold.
  const other = await openStage(t);
  await other.publish(aList('Copper CRM'));
  const two = await stage(other, listOf('Copper', 'CRM Copper Ltd'));
  const clash = (await readImport(other.deps.db, two)).plan.pairs;
  t.equal(clash.flatMap(choicesOf).length, 2);
  const all = Object.fromEntries(clash.map((pair) => [pair.key, choicesOf(pair)[0] ?? null]));
  if (clash.length > 1) await refuses(t, 'input.invalid', decidePairs(other.deps, two, all));
});

t.test('imports go after seven days, the oldest of many sooner, and at will', async (t) => {
  const day = await openStage(t);
  const id = await stage(day, listOf('Acme'));
  day.clock.advance({ days: 6 });
  t.equal(await purgeImports(day.deps), 0);
  const later = await stage(day, listOf('Acme'), null);
  day.clock.advance({ hours: 25 });
  t.equal(await purgeImports(day.deps), 1);
  await refuses(t, 'import.missing', readImport(day.deps.db, id));
  await refuses(t, 'import.missing', applyImport(day.deps, id, '1.0.0', officer));
  await refuses(t, 'import.missing', remapImport(day.deps, id, { mode: 'merge' }));
  t.notOk(await wasApplied(day.deps.db, id));
  await discardImport(day.deps, later);
  await discardImport(day.deps, later);
  await refuses(t, 'import.missing', readImport(day.deps.db, later));
  for (let count = 0; count < 21; count++) await stage(day, listOf('Acme'));
  t.equal((await listImports(day.deps.db)).length, 20);
});

t.test('programs import in one go, against the draft that they were shown', async (t) => {
  const day = await openStage(t);
  const prepare = (list: object, options = {}) =>
    prepareImport(day.deps.db, { bytes: bytesOf(list), hint: {} }, options);
  const first = await prepare(listOf('Acme', 'Redis Labs'));
  t.match(first, { draftRevision: 0, mode: 'replace', plan: { entries: 2, pairs: [] } });
  t.equal(await readDraft(day.deps.db), null, 'nothing is written');
  await applyPrepared(day.deps, first, {}, officer);
  await refuses(t, 'draft.stale', applyPrepared(day.deps, first, {}, officer));
  const pairs = { 'redis-labs>redis': { removed: 'redis-labs', added: 'redis' } };
  const second = await prepare(listOf('Redis', 'Nordwind'), { mode: 'merge', pairs });
  await refuses(t, 'draft.stale', applyPrepared(day.deps, second, { ifRevision: 7 }, officer));
  await applyPrepared(day.deps, second, { ifRevision: 1 }, officer);
  t.same(await namesOf(day), ['acme: Acme', 'redis-labs: Redis', 'nordwind: Nordwind']);
  await refuses(t, 'import.unreadable', prepare({}));
  await refuses(t, 'document.invalid', prepare({ ...listOf(), subProcessors: [{}] }));
});
