import t from 'tap';
import { systemActor } from '../../src/actor.js';
import { formFaults } from '../../src/routes/admin/entry-faults.js';
import { loadTexts } from '../../src/texts.js';
import { readDraft, replaceDraft } from '../../src/versions/draft.js';
import { listYaml, newVendor, publishList, textOf } from '../pages/support.js';
import { startApp, type TestApp } from '../support/app.js';
import { formOf } from './forms.js';
import { setUp, signInAs, type Visitor } from './support.js';

t.setTimeout(170_000);

const overview = '/admin/draft';
const email = '/admin/draft/entry/data-category/members/email-address';

async function documentOf(app: TestApp) {
  const draft = await readDraft(app.deps.db);
  if (draft === null) throw new Error('there is no draft');
  return draft.document;
}

async function fill(app: TestApp, count: number): Promise<void> {
  const subProcessors = Array.from({ length: count }, (_, at) => ({
    id: `v${at + 1}`,
    name: `Vendor ${at + 1}`,
    purposes: [at % 2 === 0 ? 'Hosting' : 'Sending of e-mail'],
    dataCategories: { members: ['email-address'] },
  }));
  const dataSubjects = [
    { id: 'members', name: 'Members', dataCategories: [{ id: 'email-address', name: 'email address' }] },
  ];
  await replaceDraft(
    app.deps,
    { document: { title: 'x', dataSubjects, subProcessors }, source: null },
    {},
    systemActor,
  );
}

async function move(app: TestApp, visitor: Visitor, fields: { ref: string; to: string; back: string }) {
  const form = formOf(app, visitor, await visitor.get(fields.back), '/admin/draft/move');
  return visitor.follow(await form.set('ref', fields.ref).set('to', fields.to).set('back', fields.back).send());
}

/** The button that has the focus, as `sub-processor-v1 up`. */
function focusOf(html: string): string | null {
  const [, row = ''] = /[\s\S]*<(?:tr|li)[^>]* id="([^"]+)"[\s\S]*? autofocus/.exec(html) ?? [];
  const [, to = ''] = /name="to" value="(\w+)"[^>]* autofocus/.exec(html) ?? [];
  return to === '' ? null : `${row} ${to}`;
}

t.test('without a draft the overview shows the list in force, and the first edit makes the draft', async (t) => {
  const app = await startApp(t);
  const anna = await setUp(app);
  t.match(textOf((await anna.get(overview)).body), /There is no draft yet/);
  const path = '/admin/draft/new/sub-processor';
  await formOf(app, anna, await anna.get(path), path)
    .set('name', 'Acme')
    .send();
  t.match(await documentOf(app), { title: 'Sub-processors', subProcessors: [{ id: 'acme', name: 'Acme' }] });

  const other = await startApp(t);
  await publishList(other, listYaml());
  await other.database.pool.query('delete from drafts');
  const ben = await setUp(other);
  const page = await ben.get(overview);
  t.match(textOf(page.body), /Nordwind Hosting GmbH/);
  t.match(textOf(page.body), /Nothing is different from version 1/);
});

t.test('the overview marks what is new and changed, says what left, and what customers will miss', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml(newVendor));
  const anna = await setUp(app);
  const remove = '/admin/draft/removal/sub-processor/letterbird';
  await formOf(app, anna, await anna.get(remove), remove).send();
  const add = '/admin/draft/new/sub-processor';
  await formOf(app, anna, await anna.get(add), add)
    .set('name', 'Acme <b>')
    .set('country', 'US')
    .send();
  const nordwind = '/admin/draft/entry/sub-processor/nordwind';
  await formOf(app, anna, await anna.get(nordwind), nordwind)
    .set('country', 'SE')
    .send();
  await formOf(app, anna, await anna.get(email), email)
    .set('retention', '3 years')
    .send();
  const { body } = await anna.get(overview);
  const rows = body.split('<tr role="row"').map(textOf);
  t.match(
    rows.find((row) => row.includes('Nordwind')),
    /changed/,
  );
  t.match(
    rows.find((row) => row.includes('Acme')),
    /new/,
  );
  t.match(
    rows.find((row) => row.includes('Acme')),
    /Customers will miss: /,
  );
  t.match(body, 'Acme &lt;b&gt;');
  t.notMatch(body, 'Acme <b>');
  t.match(textOf(body), /Left out since the version before\s+Letterbird, Inc\./);
  t.match(textOf(body), /Members one data category changed/);
  t.match(textOf(body), /4 changes against version 1\. Last changed by officer@example\.org/);
  const viewer = await (await signInAs(app, 'viewer')).get(overview);
  t.notMatch(viewer.body, /admin\/draft\/(move|new|removal)/);
  t.notMatch(viewer.body, /<script/);
});

t.test('long lists are paged, searched, and keep the moved entry and its button in sight', async (t) => {
  const app = await startApp(t);
  const anna = await setUp(app);
  await fill(app, 120);
  const first = await anna.get(overview);
  t.match(first.body, 'Vendor 50<');
  t.notMatch(first.body, 'Vendor 51<');
  t.match(first.body, /from=50#entries/);
  t.match((await anna.get(`${overview}?from=100`)).body, 'Vendor 120<');
  const found = await anna.get(`${overview}?q=vendor+12`);
  t.match(textOf(found.body), /2 of 120 fit/);
  t.notMatch(
    found.body,
    '<tbody role="rowgroup" data-reorder',
    'rows that are not neighbours cannot be dragged between each other',
  );
  t.match(textOf((await anna.get(`${overview}?q=nobody`)).body), /None fits/);

  const v3 = 'sub-processor/v3';
  const down = await move(app, anna, { ref: v3, to: 'down', back: overview });
  t.match(textOf(down.body), /Vendor 3 is now at place 4 of 120\./);
  t.equal(focusOf(down.body), 'sub-processor-v3 down', 'the keyboard goes on where it was');
  const last = await move(app, anna, { ref: v3, to: 'last', back: overview });
  t.match(last.body, 'id="sub-processor-v3"', 'its page is shown');
  t.equal(focusOf(last.body), 'sub-processor-v3 up', 'at the end it goes up only');
  const third = await move(app, anna, { ref: v3, to: '3', back: `${overview}?q=&from=100` });
  t.match(textOf(third.body), /Vendor 3 is now at place 3 of 120\./);
  t.same(
    (await documentOf(app)).subProcessors.slice(0, 4).map(({ id }) => id),
    ['v1', 'v2', 'v3', 'v4'],
  );

  const entry = '/admin/draft/entry/sub-processor/v3';
  const page = await move(app, anna, { ref: v3, to: '60', back: entry });
  t.match(textOf(page.body), /Vendor 3 is now at place 60 of 120\. /);
  t.match(textOf(page.body), /Now at place 60 of 120\./);
  for (const [ref, status] of [
    ['sub-processor/nobody', 404],
    ['list', 404],
    ['../x', 404],
  ] as const) {
    const form = formOf(app, anna, await anna.get(overview), '/admin/draft/move');
    t.equal((await form.set('ref', ref).set('to', 'up').send()).statusCode, status, ref);
  }
});

t.test('a category says who uses it; what was changed since one looked is not removed unseen', async (t) => {
  const app = await startApp(t);
  const anna = await setUp(app);
  await fill(app, 30);
  t.match(textOf((await anna.get(email)).body), /Used by 30 sub-processors\s+Vendor 1\b[\s\S]*Vendor 12\s+and 18 more/);
  const removal = '/admin/draft/removal/data-category/members/email-address';
  const page = await anna.get(removal);
  t.match(textOf(page.body), /30 sub-processors refer to it/);
  const ben = await signInAs(app, 'editor');
  const v1 = '/admin/draft/entry/sub-processor/v1';
  await formOf(app, ben, await ben.get(v1), v1)
    .set('dataCategories.members')
    .send();
  const asked = await formOf(app, anna, page, removal).send();
  t.equal(asked.statusCode, 409);
  t.match(textOf(asked.body), /changed since you opened this page[\s\S]*29 sub-processors refer to it/);
  t.equal((await documentOf(app)).dataSubjects[0]?.dataCategories?.length, 1);
  const done = await formOf(app, anna, asked, removal).send();
  t.equal(done.statusCode, 303);
  t.match(textOf((await anna.follow(done)).body), /It is out of the draft/);
  const { dataSubjects, subProcessors } = await documentOf(app);
  t.same(dataSubjects[0]?.dataCategories, []);
  t.ok(
    subProcessors.every(({ dataCategories }) => dataCategories === undefined),
    'nobody claims that it gets no data',
  );
  t.equal((await anna.get(removal)).statusCode, 404);
});

t.test('the last change of an entry is taken back on its own page; an added one leads to the overview', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml());
  const anna = await setUp(app);
  await formOf(app, anna, await anna.get(email), email)
    .set('retention', '3 years')
    .send();
  const undone = await formOf(app, anna, await anna.get(email), '/admin/draft/undo').send();
  t.match(undone.headers.location, `${email}?done=undone`);
  t.match(textOf((await anna.follow(undone)).body), /It is taken back/);
  t.equal((await documentOf(app)).dataSubjects[0]?.dataCategories?.[0]?.retention, '2 years');
  const path = '/admin/draft/new/service';
  const added = await formOf(app, anna, await anna.get(path), path)
    .set('name', 'Chat')
    .send();
  const gone = await formOf(app, anna, await anna.follow(added), '/admin/draft/undo').send();
  t.match(gone.headers.location, /\/admin\/draft\?done=undone$/);
});

t.test('faults are sentences in the reader’s language, whatever is wrong', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml(newVendor));
  const anna = await setUp(app);
  const path = '/admin/draft/entry/sub-processor/nordwind';
  for (const [field, value, message] of [
    ['name', ' ', 'Darf nicht leer sein.'],
    ['name', 'x'.repeat(501), 'Darf nicht länger als 500 Zeichen sein.'],
    ['notes', 'x'.repeat(20_001), 'Darf nicht länger als 20.000 Zeichen sein.'],
    ['legalName', 'a\nb', 'Muss eine Zeile sein'],
    ['notes', 'a\u0007', 'Enthält ein Steuerzeichen'],
    ['website', 'ftp://a.example', 'Muss eine Webadresse sein'],
    ['country', 'XX', 'Ist kein Ländercode'],
    ['country', 'UK', 'Ist kein Ländercode'],
    ['parent', 'nobody', 'gibt es keinen Eintrag'],
    ['parent', 'nordwind', 'führt zu sich selbst'],
    ['parent', 'No Id', 'Muss die Kennung'],
    ['services', 'gone', 'Etwas Angekreuztes'],
    ['dataCategories.members', 'gone', 'Etwas Angekreuztes'],
  ] as const) {
    const form = formOf(app, anna, await anna.get(`${path}?lang=de`), `${path}?lang=de`);
    const answer = await form.set(field, value).send();
    t.equal(answer.statusCode, 422, `${field} ${value.slice(0, 9)}`);
    const name = field.split('.')[0];
    t.match(textOf(answer.body.split('role="alert"')[1]?.split('</ul>')[0] ?? ''), message);
    t.match(answer.body, `<a href="#${name}">`);
    t.match(answer.body, ` id="${name}"`, 'the link leads somewhere');
    t.notMatch(answer.body, 'lang="en">The', 'nothing in English');
  }
  const form = formOf(app, anna, await anna.get(`${path}?lang=de`), `${path}?lang=de`);
  const many = await form.set('purposes', ...Array.from({ length: 201 }, (_, at) => `purpose ${at}`)).send();
  t.match(textOf(many.body), /Darf nicht mehr als 200 Einträge haben/);
  // What no sentence stands for is shown as it is, and says in which language that is.
  const ref = { kind: 'list', id: '', dataSubject: null } as const;
  const document = await documentOf(app);
  const unknown = [{ path: 'title', message: 'is odd.' }];
  const german = loadTexts({ timeZone: 'UTC' }).for('de');
  t.same(formFaults(ref, document, unknown, german), [
    { field: 'title', label: german.t('list.field.title'), message: 'is odd.', lang: 'en' },
  ]);
});
