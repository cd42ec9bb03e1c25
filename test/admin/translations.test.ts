import t from 'tap';
import { systemActor } from '../../src/actor.js';
import { draftAsYaml, readDraft, writeDraft } from '../../src/versions/draft.js';
import { readEdits } from '../../src/versions/draft-edit.js';
import { listYaml, newVendor, publishList, textOf } from '../pages/support.js';
import { startApp, type TestApp } from '../support/app.js';
import { formOf } from './forms.js';
import { setUp, signInAs } from './support.js';

const inGerman = `language: en\n${listYaml(newVendor)}`.replace(
  '    purposes: [Hosting]\n',
  '    purposes: [Hosting]\n    notes: Since 2020.\n    translations: { de: { purposes: [Speicherung], notes: Seit 2020. } }\n',
);
const path = '/admin/draft/translations/sub-processor/nordwind';

async function entryOf(app: TestApp, id: string) {
  const draft = await readDraft(app.deps.db);
  return draft?.document.subProcessors.find((entry) => entry.id === id);
}

t.test('an entry is put into a language by form, field by field', async (t) => {
  const app = await startApp(t);
  await publishList(app, inGerman);
  const anna = await setUp(app);
  const page = (await anna.get('/admin/draft/entry/sub-processor/letterbird')).body;
  const own = '/admin/draft/translations/sub-processor/letterbird';
  t.match(page, `href="${own}"`, 'the form of the entry leads there');
  const form = formOf(app, anna, await anna.get(`${own}?to=de`), own);
  const saved = await form.set('purposes', 'Versand von E-Mail').send();
  t.equal(saved.statusCode, 303);
  t.same((await entryOf(app, 'letterbird'))?.translations, { de: { purposes: ['Versand von E-Mail'] } });

  const { edits } = await readEdits(app.deps.db, { limit: 10 });
  const again = formOf(app, anna, await anna.get(`${own}?to=de`), own);
  t.equal((await again.send()).statusCode, 303);
  const after = await readEdits(app.deps.db, { limit: 10 });
  t.equal(after.edits.length, edits.length, 'a form that is sent as it was shown changes nothing');
  await again.set('purposes', '').send();
  t.equal((await entryOf(app, 'letterbird'))?.translations, undefined);
});

t.test('what is at fault is said, and what two write at once is asked about', async (t) => {
  const app = await startApp(t);
  await publishList(app, inGerman);
  const anna = await setUp(app);
  const bert = await signInAs(app, 'editor');
  const form = formOf(app, anna, await anna.get(`${path}?to=de`), path);
  const fault = await form.set('notes', 'a\u0007b').send();
  t.equal(fault.statusCode, 422);
  t.match(textOf(fault.body), 'control character');
  const other = formOf(app, bert, await bert.get(`${path}?to=de`), path);
  await form.set('notes', 'Seit Mai 2020.').send();
  const late = await other.set('notes', 'Seit Juni 2020.').send();
  t.equal(late.statusCode, 409);
  t.match(late.body, 'Seit Juni 2020.');
  t.equal((await entryOf(app, 'nordwind'))?.translations?.de?.notes, 'Seit Mai 2020.');
  const once = await formOf(app, bert, late, path).send();
  t.equal(once.statusCode, 303, 'whoever has seen it may go on');
  t.equal((await entryOf(app, 'nordwind'))?.translations?.de?.notes, 'Seit Juni 2020.');
  t.equal((await bert.get('/admin/draft/translations/sub-processor/nobody')).statusCode, 404);
});

t.test('the forms of an entry lose no translation', async (t) => {
  const app = await startApp(t);
  await publishList(app, inGerman);
  const anna = await setUp(app);
  const entry = '/admin/draft/entry/sub-processor/nordwind';
  await formOf(app, anna, await anna.get(entry), entry)
    .set('notes', 'Since 2021.')
    .send();
  const changed = await entryOf(app, 'nordwind');
  t.equal(changed?.notes, 'Since 2021.');
  t.same(changed?.translations, { de: { purposes: ['Speicherung'], notes: 'Seit 2020.' } });
  const head = '/admin/draft/entry/list';
  const refused = await formOf(app, anna, await anna.get(head), head)
    .set('language', '')
    .send();
  t.equal(refused.statusCode, 422);
  t.match(textOf(refused.body), 'needed as long as there are translations');
  await formOf(app, anna, await anna.get(head), head)
    .set('title', 'List')
    .send();
  t.equal((await readDraft(app.deps.db))?.document.language, 'en');
});

t.test('the review says which translations are behind the original, and which are missing', async (t) => {
  const app = await startApp(t);
  await publishList(app, inGerman);
  const anna = await setUp(app);
  const entry = '/admin/draft/entry/sub-processor/nordwind';
  await formOf(app, anna, await anna.get(entry), entry)
    .set('notes', 'Since 2021.')
    .send();
  const review = textOf((await anna.get('/admin/review')).body);
  t.match(review, 'German: the original was changed, the translation was not (Notes)');
  const checklist = (await anna.get('/admin/review/checklist')).body;
  t.match(textOf(checklist), 'German: not translated (Purpose)', 'of the other vendor');
  t.match(textOf(checklist), 'German: not translated (Name)', 'of services and the catalogue');
  t.match(checklist, `href="${path}?to=de"`);
  t.match(checklist, 'href="/admin/draft/translations/list?to=de"');
  await formOf(app, anna, await anna.get(`${path}?to=de`), path)
    .set('notes', 'Seit 2021.')
    .send();
  t.notMatch(textOf((await anna.get('/admin/review')).body), 'the translation was not (');
});

t.test('a list without a language cannot be translated, and says so', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml());
  const anna = await setUp(app);
  t.match((await anna.get(path)).body, 'href="/admin/draft/entry/list#language"');
  t.notMatch(textOf((await anna.get('/admin/review/checklist')).body), 'not translated');
});

t.test('the admin’s own YAML follows a translation by form, and holds translations typed into it', async (t) => {
  const app = await startApp(t);
  await publishList(app, inGerman);
  const anna = await setUp(app);
  const yaml = inGerman.replace('  - id: nordwind\n', '  # The first of all.\n  - id: nordwind\n');
  await writeDraft(app.deps, { text: yaml, format: 'yaml' }, {}, systemActor);
  await formOf(app, anna, await anna.get(`${path}?to=de`), path)
    .set('notes', 'Seit Mai 2020.')
    .send();
  const draft = await readDraft(app.deps.db);
  const text = draft === null ? '' : draftAsYaml(draft);
  t.match(text, '# The first of all.');
  t.match(text, 'Seit Mai 2020.');
  await writeDraft(
    app.deps,
    { text: text.replace('Seit Mai 2020.', 'Seit Juni 2020.'), format: 'yaml' },
    {},
    systemActor,
  );
  t.equal((await entryOf(app, 'nordwind'))?.translations?.de?.notes, 'Seit Juni 2020.');

  const review = (await anna.get('/admin/review')).body;
  t.match(textOf(review), 'Notes (in German)');
  t.notMatch(review, '/admin/review/severity?', 'nobody is told of it, so nothing is to be graded');
});
