import t from 'tap';
import type { Actor } from '../../src/actor.js';
import type { EditStep } from '../../src/list/edit.js';
import { draftAsYaml, readDraft, replaceDraft, writeDraft } from '../../src/versions/draft.js';
import { addEntry, editDraft, readEdits, readWorkingList, undoEdit } from '../../src/versions/draft-edit.js';
import { joinEntries } from '../../src/versions/join.js';
import { aList, officer, openStage, refuses, type Stage } from './make.js';

const colleague: Actor = { kind: 'admin', id: 2, role: 'editor' };

function set(entry: string, field: string, before: string | null, after: string | null): EditStep {
  return { step: 'set', ref: `sub-processor/${entry}`, field, before, after };
}

async function entriesOf({ deps }: Stage) {
  return (await readDraft(deps.db))?.document.subProcessors ?? [];
}

async function yamlOf({ deps }: Stage): Promise<string> {
  const draft = await readDraft(deps.db);
  return draft === null ? '' : draftAsYaml(draft);
}

const yaml = `# ours
title: Sub-processors
dataSubjects: []
subProcessors:
  - name: Alpha # the first
    country: DE
  - name: Beta
`;

t.test(
  'an edit changes what it names, makes a revision, and is told in the audit log without its values',
  async (t) => {
    const stage = await openStage(t);
    const { deps, clock } = stage;
    await stage.draft(aList('Alpha', 'Beta'));
    clock.advance({ minutes: 1 });
    const done = await editDraft(deps, [set('alpha', 'contact', null, 'privacy@example.org')], colleague);
    t.match(done, { saved: true, draft: { revision: 2, updatedAt: clock.now() } });
    t.match(await entriesOf(stage), [{ name: 'Alpha', contact: 'privacy@example.org' }, { name: 'Beta' }]);
    const [entry] = await stage.audit('draft.edited');
    t.match(entry, {
      actor: colleague,
      subject: 'draft revision 2',
      detail: { touched: ['sub-processor/alpha contact'] },
    });
    t.notMatch(JSON.stringify(entry?.detail), 'privacy@');
    const again = await editDraft(deps, [set('alpha', 'contact', null, 'privacy@example.org')], colleague);
    t.match(again, { saved: true, draft: { revision: 2 }, edit: null }, 'the same once more is no edit');
  },
);

t.test('without a draft an edit begins with the latest version, else with an empty list', async (t) => {
  const stage = await openStage(t);
  t.same((await readWorkingList(stage.deps.db, 'Vendors')).document, {
    title: 'Vendors',
    dataSubjects: [],
    subProcessors: [],
  });
  await addEntry(
    stage.deps,
    { kind: 'sub-processor', dataSubject: null },
    { name: 'Alpha', fields: { name: 'Alpha' } },
    officer,
    'Vendors',
  );
  t.match(await readDraft(stage.deps.db), { document: { title: 'Vendors', subProcessors: [{ id: 'alpha' }] } });
  await stage.deps.db.query('delete from drafts');
  await stage.publish(aList('Gamma', 'Delta'));
  await stage.deps.db.query('delete from drafts');
  await editDraft(stage.deps, [set('gamma', 'country', null, 'FR')], officer);
  t.match(await entriesOf(stage), [{ id: 'gamma', country: 'FR' }, { id: 'delta' }]);
});

t.test('what many people do at once is all there in the end, also when there was no draft yet', async (t) => {
  const stage = await openStage(t);
  const names = Array.from({ length: 12 }, (_, at) => `Vendor ${at}`);
  await stage.publish(aList(...names));
  await stage.deps.db.query('delete from drafts');
  const done = await Promise.all([
    ...names.map((_, at) => editDraft(stage.deps, [set(`vendor-${at}`, 'country', null, 'DE')], officer)),
    ...names.map((_, at) => editDraft(stage.deps, [set(`vendor-${at}`, 'notes', null, `note ${at}`)], colleague)),
  ]);
  t.ok(done.every(({ saved }) => saved));
  t.match(
    await entriesOf(stage),
    names.map((name, at) => ({ name, country: 'DE', notes: `note ${at}` })),
  );
  const edits = (await readEdits(stage.deps.db, { limit: 100 })).edits.filter(({ steps }) => steps !== null);
  t.equal(new Set(edits.map(({ revision }) => revision)).size, 24, 'each made a revision of its own');
});

t.test('of two values for one field neither is taken unseen', async (t) => {
  const stage = await openStage(t);
  await stage.draft(aList({ id: 'alpha', name: 'Alpha', country: 'DE' }));
  await editDraft(stage.deps, [set('alpha', 'country', 'DE', 'FR')], officer);
  const mine = await editDraft(
    stage.deps,
    [set('alpha', 'country', 'DE', 'SE'), set('alpha', 'notes', null, 'mine')],
    colleague,
  );
  t.same(mine, {
    saved: false,
    conflicts: [{ ref: 'sub-processor/alpha', field: 'country', mine: 'SE', theirs: 'FR' }],
  });
  t.strictSame(await entriesOf(stage), [{ id: 'alpha', name: 'Alpha', country: 'FR' }], 'nothing was written');
  const [only] = (await readEdits(stage.deps.db, { limit: 10 })).edits;
  t.match(only, { by: officer, revision: 2 });
});

t.test('what makes no list is refused at its path, and nothing is written', async (t) => {
  const stage = await openStage(t);
  await stage.draft(aList('Alpha', 'Beta'));
  await refuses(t, 'document.invalid', editDraft(stage.deps, [set('beta', 'country', null, 'Germany')], officer));
  await refuses(t, 'document.invalid', editDraft(stage.deps, [set('beta', 'name', 'Beta', null)], officer));
  t.match(await readDraft(stage.deps.db), { revision: 1 });
  t.equal((await readEdits(stage.deps.db, { limit: 10 })).edits.length, 1);
});

t.test('an edit can be taken back once, and put back; not when the same was changed since', async (t) => {
  const stage = await openStage(t);
  const { deps } = stage;
  await stage.draft(aList({ id: 'alpha', name: 'Alpha', country: 'DE' }, 'Beta'));
  const country = await edited(editDraft(deps, [set('alpha', 'country', 'DE', 'FR')], officer));
  const removed = await edited(
    editDraft(deps, [{ step: 'remove', ref: 'sub-processor/beta', entry: { name: 'Beta' }, place: 'alpha' }], officer),
  );
  await editDraft(deps, [set('alpha', 'notes', null, 'kept')], colleague);
  await undoEdit(deps, removed, colleague);
  await undoEdit(deps, country, colleague);
  t.strictSame(await entriesOf(stage), [
    { id: 'alpha', name: 'Alpha', country: 'DE', notes: 'kept' },
    { id: 'beta', name: 'Beta' },
  ]);
  await refuses(t, 'input.invalid', undoEdit(deps, country, colleague));
  await refuses(t, 'input.invalid', undoEdit(deps, 999_999, colleague));

  const [taken] = (await readEdits(deps.db, { limit: 1 })).edits;
  t.match(taken, { undoes: country, by: colleague, undoneBy: null });
  t.match(await stage.audit('draft.undone'), [{ detail: { undoes: country } }, { detail: { undoes: removed } }]);
  await undoEdit(deps, taken?.id ?? 0, officer);
  t.match(await entriesOf(stage), [{ country: 'FR' }, {}], 'put back');

  const notes = await edited(editDraft(deps, [set('alpha', 'notes', 'kept', 'mine')], officer));
  await editDraft(deps, [set('alpha', 'notes', 'mine', 'theirs')], colleague);
  await refuses(t, 'draft.stale', undoEdit(deps, notes, officer));
  t.match(await entriesOf(stage), [{ notes: 'theirs' }, {}]);
});

async function edited(doing: ReturnType<typeof editDraft>): Promise<number> {
  const done = await doing;
  if (!done.saved || done.edit === null) throw new Error('nothing was edited');
  return done.edit;
}

t.test('what a text replaced comes back with its comments, unless something was done since', async (t) => {
  const stage = await openStage(t);
  const { deps } = stage;
  await writeDraft(deps, { text: yaml, format: 'yaml' }, {}, officer);
  await editDraft(deps, [set('beta', 'country', null, 'SE')], officer);
  const before = await yamlOf(stage);
  t.match(before, /# ours[\s\S]*Alpha # the first[\s\S]*Beta\n {4}country: SE/);
  await stage.draft(aList('Other'));
  const [replaced] = (await readEdits(deps.db, { limit: 1 })).edits;
  t.match(replaced, { steps: null, hasBefore: true });
  await undoEdit(deps, replaced?.id ?? 0, officer);
  t.equal(await yamlOf(stage), before);

  await stage.draft(aList('Other'));
  const [later] = (await readEdits(deps.db, { limit: 1 })).edits;
  await editDraft(deps, [set('other', 'country', null, 'SE')], officer);
  await refuses(t, 'draft.stale', undoEdit(deps, later?.id ?? 0, officer));
});

t.test('only the last replacements can be taken back: a list may be megabytes', async (t) => {
  const stage = await openStage(t);
  for (let count = 0; count < 23; count += 1) await stage.draft(aList(`Vendor ${count}`));
  const { edits } = await readEdits(stage.deps.db, { limit: 100 });
  t.same(
    edits.map(({ hasBefore }) => hasBefore),
    [...Array(20).fill(true), false, false, false],
  );
  await refuses(t, 'draft.stale', undoEdit(stage.deps, edits.at(-2)?.id ?? 0, officer));
});

t.test('the admin’s YAML follows what was edited by form, and a rename goes into it as well', async (t) => {
  const stage = await openStage(t);
  const { deps } = stage;
  await writeDraft(deps, { text: yaml, format: 'yaml' }, {}, officer);
  await editDraft(deps, [set('alpha', 'country', 'DE', 'SE')], officer);
  await addEntry(
    deps,
    { kind: 'sub-processor', dataSubject: null },
    { name: 'Gamma', fields: { name: 'Gamma', purposes: ['Mail'] } },
    officer,
  );
  const expected = yaml
    .replace('DE', 'SE')
    .replace(/$/, '  - id: gamma\n    name: Gamma\n    purposes:\n      - Mail\n');
  t.equal(await yamlOf(stage), expected);
  await editDraft(
    deps,
    [{ step: 'remove', ref: 'sub-processor/beta', entry: { name: 'Beta' }, place: 'alpha' }],
    officer,
  );
  await joinEntries(deps, { removed: 'beta', added: 'gamma' }, {}, officer);
  t.match(await yamlOf(stage), /# ours[\s\S]*# the first[\s\S]*- id: beta\n {4}name: Gamma/);
  const joined = await readDraft(deps.db);
  const saved = await writeDraft(deps, { text: await yamlOf(stage), format: 'yaml' }, {}, officer);
  t.same(saved.document, joined?.document, 'and means the same when it is saved as it is');
});

t.test('a new entry gets an id of its own, however many are added at once', async (t) => {
  const stage = await openStage(t);
  const { deps } = stage;
  await stage.publish(aList('Twilio', 'Beta'));
  await stage.draft(aList('Beta'));
  const add = (name: string) =>
    addEntry(deps, { kind: 'sub-processor', dataSubject: null }, { name, fields: { name } }, officer);
  const added = await Promise.all([add('Acme'), add('Acme'), add('Acme')]);
  t.same(added.map(({ ref }) => ref).sort(), ['sub-processor/acme', 'sub-processor/acme-2', 'sub-processor/acme-3']);
  t.equal((await add('Twilio')).ref, 'sub-processor/twilio-2', 'not taken for the vendor that has left');
  t.equal((await add('示例')).ref, 'sub-processor/entry');
  await refuses(t, 'document.invalid', add(' '));
  const category = { kind: 'data-category', dataSubject: 'users' } as const;
  t.equal(
    (await addEntry(deps, category, { name: 'Phone', fields: { name: 'Phone' } }, officer)).ref,
    'data-category/users/phone',
  );
  await refuses(
    t,
    'input.invalid',
    addEntry(deps, { ...category, dataSubject: 'nobody' }, { name: 'Phone', fields: { name: 'Phone' } }, officer),
  );
});

t.test('a sentence written with pauses is one edit, and is taken back as one', async (t) => {
  const stage = await openStage(t);
  const { deps, clock } = stage;
  await stage.draft(aList('Alpha'));
  const write = async (before: string | null, after: string, actor = officer) => {
    const id = await edited(editDraft(deps, [set('alpha', 'notes', before, after)], actor));
    clock.advance({ minutes: 1 });
    return id;
  };
  const sentence = await write(null, 'We');
  t.equal(await write('We', 'We use'), sentence);
  t.equal(await write('We use', 'We use it'), sentence);
  const [edit] = (await readEdits(deps.db, { limit: 1, since: 3 })).edits;
  t.match(edit, { id: sentence, revision: 4, steps: [{ before: null, after: 'We use it' }] });
  const other = await edited(editDraft(deps, [set('alpha', 'country', null, 'DE')], officer));
  t.not(other, sentence, 'another field is another edit');
  await undoEdit(deps, sentence, officer);
  t.strictSame(await entriesOf(stage), [{ id: 'alpha', name: 'Alpha', country: 'DE' }]);

  const mine = await write(null, 'mine');
  t.not(await write('mine', 'ours', colleague), mine, 'somebody else');
  const later = await write('ours', 'ours too', colleague);
  clock.advance({ minutes: 10 });
  t.not(await write('ours too', 'all ours', colleague), later, 'after a while');
  const back = await write('all ours', 'ours too', colleague);
  t.match((await readEdits(deps.db, { limit: 1 })).edits, [{ id: back, steps: [{ before: 'all ours' }] }]);
});

t.test('the history comes in pages, of one entry, or since a revision', async (t) => {
  const stage = await openStage(t);
  const { deps } = stage;
  await stage.draft(aList('Alpha', 'Beta'));
  for (const field of ['notes', 'contact', 'duration'])
    await editDraft(deps, [set('alpha', field, null, 'x')], officer);
  await editDraft(deps, [set('beta', 'notes', null, 'x')], colleague);
  const revisions = async (page: Parameters<typeof readEdits>[1]) => {
    const { edits, next } = await readEdits(deps.db, page);
    return { revisions: edits.map(({ revision }) => revision), next };
  };
  const first = await revisions({ limit: 2 });
  t.same(first.revisions, [5, 4]);
  t.match(await revisions({ limit: 2, before: first.next ?? 0 }), { revisions: [3, 2] });
  t.same(await revisions({ limit: 10, since: 3 }), { revisions: [5, 4], next: null });
  t.same(await revisions({ limit: 10, ref: 'sub-processor/beta' }), { revisions: [5], next: null });
  await replaceDraft(deps, { document: aList('Alpha'), source: null }, {}, officer);
  t.same((await revisions({ limit: 1 })).revisions, [6]);
});
