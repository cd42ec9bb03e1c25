import fc from 'fast-check';
import t from 'tap';
import { systemActor } from '../../src/actor.js';
import type { ListDocument } from '../../src/list/document.js';
import { draftAsYaml, readDraft, replaceDraft, writeDraft } from '../../src/versions/draft.js';
import { readEdits } from '../../src/versions/draft-edit.js';
import { storable } from '../list/edits.js';
import { listYaml, newVendor, publishList, textOf } from '../pages/support.js';
import { bearer, startApp, type TestApp } from '../support/app.js';
import { formOf } from './forms.js';
import { areaOf, password, setUp, signInAs, type Visitor } from './support.js';

t.setTimeout(170_000);

const nordwind = '/admin/draft/entry/sub-processor/nordwind';
const json = { accept: 'application/json' };

async function openEntry(app: TestApp, visitor: Visitor, path: string) {
  return formOf(app, visitor, await visitor.get(path), path);
}

async function draftOf(app: TestApp): Promise<ListDocument> {
  const draft = await readDraft(app.deps.db);
  if (draft === null) throw new Error('there is no draft');
  return draft.document;
}

async function entryOf(app: TestApp, id: string) {
  return (await draftOf(app)).subProcessors.find((entry) => entry.id === id);
}

/** An editor at the published list. */
async function startEditing(t: Parameters<typeof startApp>[0]) {
  const app = await startApp(t);
  await publishList(app, listYaml(newVendor));
  return { app, anna: await setUp(app) };
}

t.test('a form that is sent as it was shown changes nothing, whatever an entry holds', async (t) => {
  const { app, anna } = await startEditing(t);
  const rich: ListDocument = {
    title: 'A <b>list</b> & more',
    introduction: '  First\n\nSecond  ',
    services: [{ id: 'constructor', name: 'The "service"' }],
    statements: [{ id: 'eu', text: 'Line\nline' }],
    dataSubjects: [
      {
        id: 'constructor',
        name: 'People',
        description: '</textarea>',
        dataCategories: [
          { id: 'name', name: 'Name', optional: false, specialCategory: true, purpose: 'x\ny', retention: '2 years' },
          { id: 'name-2', name: 'name', source: 'They' },
        ],
      },
      { id: 'empty', name: 'Nobody' },
    ],
    subProcessors: [
      {
        id: 'a',
        name: 'A',
        relationship: 'affiliate',
        parent: 'b',
        optional: true,
        condition: ' if\n  so ',
        purposes: ['Multi\nline', 'One, two', ' blanks '],
        services: ['constructor'],
        dataCategories: { constructor: ['name-2', 'name'], empty: [] },
        country: 'US',
        corporateCountry: 'EU',
        dataLocations: [],
        links: [
          { label: 'Security', url: 'https://a.example/?a=1&b=2' },
          { label: 'DPA', url: 'https://a.example/dpa' },
        ],
        address: '1 Street\nTown',
      },
      { id: 'b', name: 'B', dataCategories: {}, services: [], links: [] },
    ],
  };
  const lists = [rich, ...fc.sample(storable, { numRuns: 8, seed: 5 })];
  for (const document of lists) {
    await replaceDraft(app.deps, { document, source: null }, {}, systemActor);
    const paths = [
      'list',
      ...document.subProcessors.map(({ id }) => `sub-processor/${id}`),
      ...(document.services ?? []).map(({ id }) => `service/${id}`),
      ...(document.statements ?? []).map(({ id }) => `statement/${id}`),
      ...document.dataSubjects.flatMap(({ id, dataCategories = [] }) => [
        `data-subject/${id}`,
        ...dataCategories.map((category) => `data-category/${id}/${category.id}`),
      ]),
    ];
    for (const path of paths) {
      const form = await openEntry(app, anna, `/admin/draft/entry/${path}`);
      const answer = await form.send();
      t.equal(answer.statusCode, 303, path);
    }
    const { edits } = await readEdits(app.deps.db, { limit: 50 });
    const made = edits.slice(
      0,
      edits.findIndex(({ steps }) => steps === null),
    );
    t.same(
      made.map(({ steps }) => steps),
      [],
    );
  }
});

t.test('every field of a sub-processor can be stated, emptied, and expressly be none', async (t) => {
  const { app, anna } = await startEditing(t);
  const form = await openEntry(app, anna, nordwind);
  form
    .set('legalName', 'Nordwind Hosting & Söhne GmbH')
    .set('country', 'SE')
    .set('relationship', 'affiliate')
    .set('parent', 'letterbird')
    .set('optional', 'yes')
    .set('purposes', 'Hosting', 'Backups', '')
    .set('services', 'community')
    .set('dataCategories.members')
    .set('links.label', 'Security', '')
    .set('links.url', 'https://nordwind.example/security', '')
    .set('address', '1 Street\r\nTown')
    .set('none', 'dataLocations', 'dataCategories');
  const answer = await form.send();
  t.equal(answer.statusCode, 303);
  t.match(textOf((await anna.follow(answer)).body), /Saved/);
  t.same(await entryOf(app, 'nordwind'), {
    id: 'nordwind',
    name: 'Nordwind Hosting GmbH',
    legalName: 'Nordwind Hosting & Söhne GmbH',
    relationship: 'affiliate',
    parent: 'letterbird',
    purposes: ['Hosting', 'Backups'],
    services: ['community'],
    optional: true,
    dataCategories: {},
    country: 'SE',
    dataLocations: [],
    address: '1 Street\nTown',
    links: [{ label: 'Security', url: 'https://nordwind.example/security' }],
  });
  const again = await openEntry(app, anna, nordwind);
  t.same(again.values('none').sort(), ['dataCategories', 'dataLocations']);
  again.set('none').set('country', '').set('optional', 'no').set('services').set('links.label').set('links.url');
  await again.send();
  const after = await entryOf(app, 'nordwind');
  for (const field of ['country', 'dataLocations', 'dataCategories', 'services', 'links'] as const) {
    t.equal(after?.[field], undefined, field);
  }
  t.equal(after?.optional, false);
});

t.test('faults stand at their fields, and everything that was typed is kept', async (t) => {
  const { app, anna } = await startEditing(t);
  const form = await openEntry(app, anna, nordwind);
  const answer = await form
    .set('website', 'javascript:alert(1)')
    .set('name', '')
    .set('notes', 'kept <i>')
    .set('purposes', 'One', 'Two')
    .send();
  t.equal(answer.statusCode, 422);
  t.match(answer.body, /<a href="#website">/);
  t.match(answer.body, /<a href="#name">/);
  const shown = formOf(app, anna, answer, nordwind);
  t.same(shown.values('website'), ['javascript:alert(1)']);
  t.same(shown.values('notes'), ['kept <i>']);
  t.same(shown.values('purposes').filter(Boolean), ['One', 'Two']);
  const mended = await shown.set('website', 'https://nordwind.example').set('name', 'Nordwind').send();
  t.equal(mended.statusCode, 303);
  t.match(await entryOf(app, 'nordwind'), { name: 'Nordwind', notes: 'kept <i>', purposes: ['One', 'Two'] });
});

t.test('two people in one entry: what differs is merged, in sets and in the matrix by member', async (t) => {
  const { app, anna } = await startEditing(t);
  const ben = await signInAs(app, 'editor');
  const [ofAnna, ofBen] = [await openEntry(app, anna, nordwind), await openEntry(app, ben, nordwind)];
  ofBen.set('contact', 'privacy@nordwind.example').set('purposes', 'Hosting', 'Backups').set('dataCategories.members');
  t.equal((await ofBen.send()).statusCode, 303);
  ofAnna.set('country', 'SE').set('purposes', 'Hosting', 'Mail').set('services', 'surveys');
  t.equal((await ofAnna.send()).statusCode, 303);
  t.match(await entryOf(app, 'nordwind'), {
    country: 'SE',
    contact: 'privacy@nordwind.example',
    purposes: ['Hosting', 'Backups', 'Mail'],
    services: ['surveys'],
  });
  t.notOk((await entryOf(app, 'nordwind'))?.dataCategories?.members?.length, 'what Ben took away is not back');
});

t.test('two people at the same field: both texts are shown, and nothing is overwritten unasked', async (t) => {
  const { app, anna } = await startEditing(t);
  const ben = await signInAs(app, 'editor');
  const [ofAnna, ofBen] = [await openEntry(app, anna, nordwind), await openEntry(app, ben, nordwind)];
  await ofBen.set('notes', 'Ben’s words').send();
  const asked = await ofAnna.set('notes', 'Anna’s words').set('country', 'SE').send();
  t.equal(asked.statusCode, 409);
  t.match(textOf(asked.body), /Notes is now: Ben’s words/);
  const shown = formOf(app, anna, asked, nordwind);
  t.same(shown.values('notes'), ['Anna’s words']);
  t.same(shown.values('country'), ['SE']);
  t.match(await entryOf(app, 'nordwind'), { notes: 'Ben’s words', country: 'DE' });

  // While Anna reads, Ben writes once more: she is asked once more.
  await (await openEntry(app, ben, nordwind)).set('notes', 'Ben’s better words').send();
  const askedAgain = await shown.send();
  t.equal(askedAgain.statusCode, 409);
  t.match(textOf(askedAgain.body), /Ben’s better words/);
  t.equal((await formOf(app, anna, askedAgain, nordwind).send()).statusCode, 303, 'now that she has seen it');
  t.match(await entryOf(app, 'nordwind'), { notes: 'Anna’s words', country: 'SE' });
});

t.test('an entry that somebody removed meanwhile is not made again, and its words are not lost', async (t) => {
  const { app, anna } = await startEditing(t);
  const ben = await signInAs(app, 'editor');
  const form = await openEntry(app, anna, nordwind);
  const removal = '/admin/draft/removal/sub-processor/nordwind';
  await formOf(app, ben, await ben.get(removal), removal).send();
  const answer = await form.set('notes', 'a long text').send();
  t.equal(answer.statusCode, 409);
  t.match(textOf(answer.body), /not in the draft any more/);
  t.match(answer.body, /a long text/);
  t.equal(await entryOf(app, 'nordwind'), undefined);
  t.equal((await anna.get(nordwind)).statusCode, 404);
});

t.test('autosave: the same form by the script, which goes on from what was saved', async (t) => {
  const { app, anna } = await startEditing(t);
  const ben = await signInAs(app, 'editor');
  const form = await openEntry(app, anna, nordwind);
  const first = await form.set('notes', 'one').send(json);
  t.match(first.json(), { conflicts: [], faults: [] });
  const since = first.json().revision;
  form.set('base', first.json().base);
  t.match((await form.set('notes', 'two').send(json)).json(), { conflicts: [] }, 'no conflict with oneself');

  await (await openEntry(app, ben, nordwind)).set('notes', 'Ben’s').send();
  const second = await form.set('base', first.json().base).set('notes', 'three').set('contact', 'dpo').send(json);
  t.match(second.json(), { conflicts: [{ field: 'notes', theirs: 'Ben’s' }] });
  t.match(await entryOf(app, 'nordwind'), { notes: 'Ben’s', contact: 'dpo' }, 'the rest is saved');
  form.set('base', second.json().base).set('contact', 'dpo@nordwind.example');
  t.match((await form.send(json)).json(), { conflicts: [{ field: 'notes' }] }, 'still to be asked about');
  t.match(await entryOf(app, 'nordwind'), { notes: 'Ben’s', contact: 'dpo@nordwind.example' });
  t.equal((await form.send()).statusCode, 409, 'the button asks');

  const wrong = await form.set('country', 'Germany').set('notes', 'Ben’s').set('duration', '30 days').send(json);
  t.match(wrong.json().faults, [{ field: 'country', message: 'Is no country code of ISO 3166-1.', lang: null }]);
  t.match(await entryOf(app, 'nordwind'), { country: 'DE', duration: '30 days' }, 'a fault holds up no other field');

  const state = await anna.get(`/admin/draft/state?since=${since}`, json);
  t.match(state.json(), { edits: [{ text: /editor@example\.org .*Nordwind/ }] });
  t.equal(state.json().edits.length, 1, 'others only');
});

t.test('a session that ends mid-edit costs no field, repeated ones and ticks included', async (t) => {
  const { app, anna } = await startEditing(t);
  const form = await openEntry(app, anna, nordwind);
  form
    .set('notes', 'a long\ntext')
    .set('purposes', 'Hosting', 'Backups', 'Mail')
    .set('services', 'community', 'surveys')
    .set('dataCategories.members', 'email-address')
    .set('links.label', 'One', 'Two')
    .set('links.url', 'https://one.example', 'https://two.example')
    .set('none', 'regions');
  app.clock.advance({ days: 2 });
  const kept = await form.send();
  t.equal(kept.statusCode, 403);
  const ids = [...kept.body.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
  t.equal(new Set(ids).size, ids.length, 'no id twice');
  await anna.submit(await anna.get('/admin/sign-in'), '/admin/sign-in', { email: 'officer@example.org', password });
  const again = await formOf(app, anna, kept, nordwind).send();
  t.equal(again.statusCode, 403, 'the old page belongs to no session');
  t.equal((await formOf(app, anna, again, nordwind).send()).statusCode, 303);
  t.match(await entryOf(app, 'nordwind'), {
    notes: 'a long\ntext',
    purposes: ['Hosting', 'Backups', 'Mail'],
    services: ['community', 'surveys'],
    dataCategories: { members: ['email-address'] },
    links: [
      { label: 'One', url: 'https://one.example' },
      { label: 'Two', url: 'https://two.example' },
    ],
    regions: [],
  });
});

t.test('entries of each kind are added, with ids that stay when they are renamed', async (t) => {
  const { app, anna } = await startEditing(t);
  const add = async (kind: string, name: string, value: string) => {
    const path = `/admin/draft/new/${kind}`;
    return formOf(app, anna, await anna.get(path), path)
      .set(name, value)
      .send();
  };
  const refs = [
    await add('sub-processor', 'name', 'Acme, Inc.'),
    await add('data-subject', 'name', 'Guests'),
    await add('data-category/guests', 'name', 'Phone number'),
    await add('service', 'name', 'Chat'),
    await add('statement', 'text', 'All data stays in the EU.'),
  ].map(({ headers }) => new URL(String(headers.location)).pathname.replace('/admin/draft/entry/', ''));
  t.same(refs.slice(0, 4), [
    'sub-processor/acme-inc',
    'data-subject/guests',
    'data-category/guests/phone-number',
    'service/chat',
  ]);
  t.match(await draftOf(app), {
    services: [{}, {}, { id: 'chat' }],
    statements: [{ text: 'All data stays in the EU.' }],
    dataSubjects: [{}, { id: 'guests', dataCategories: [{ name: 'Phone number' }] }],
    subProcessors: [{}, {}, { id: 'acme-inc', name: 'Acme, Inc.' }],
  });
  await (await openEntry(app, anna, '/admin/draft/entry/sub-processor/acme-inc')).set('name', 'Acme Europe').send();
  t.match(await entryOf(app, 'acme-inc'), { id: 'acme-inc', name: 'Acme Europe' });
  const nameless = await add('sub-processor', 'name', '');
  t.equal(nameless.statusCode, 422);
  t.match(nameless.body, /<a href="#name">/);
  for (const path of [
    'new/data-category/nobody',
    'new/data-category',
    'new/list',
    'entry/nothing',
    'entry/service/x',
  ]) {
    t.equal((await anna.get(`/admin/draft/${path}`)).statusCode, 404, path);
  }
});

t.test('removing a category says who uses it, takes it from them, and can be taken back as a whole', async (t) => {
  const { app, anna } = await startEditing(t);
  const before = await draftOf(app);
  const path = '/admin/draft/removal/data-category/members/email-address';
  const page = await anna.get(path);
  t.match(textOf(page.body), /One sub-processor refers to it[\s\S]*Nordwind Hosting GmbH/);
  t.equal((await formOf(app, anna, page, path).send()).statusCode, 303);
  const after = await draftOf(app);
  t.same(after.dataSubjects[0]?.dataCategories, []);
  t.equal(after.subProcessors[0]?.dataCategories, undefined, 'nobody has said that it gets no data at all');

  const history = await anna.get('/admin/draft/history');
  t.match(textOf(history.body), /officer@example\.org/);
  const undone = await formOf(app, anna, history, '/admin/draft/undo').send();
  t.equal(undone.statusCode, 303);
  t.same(await draftOf(app), before);
  t.match(textOf((await anna.follow(undone)).body), /taken back/i);
});

t.test('the history says who changed what from what to what; what was changed since is not taken back', async (t) => {
  const { app, anna } = await startEditing(t);
  const ben = await signInAs(app, 'editor');
  await (await openEntry(app, anna, nordwind)).set('country', 'SE').set('notes', 'x <script>').send();
  const page = await ben.get('/admin/draft/history');
  const told = textOf(page.body);
  t.match(told, /officer@example\.org/);
  t.match(told, /Nordwind Hosting GmbH/);
  t.match(page.body, /<del>[\s\S]*DE[\s\S]*<\/del>\s*<ins>[\s\S]*SE/);
  t.notMatch(page.body, '<script>x');
  t.match(page.body, 'x &lt;script&gt;');
  await (await openEntry(app, ben, nordwind)).set('country', 'FR').send();
  const stale = await formOf(app, ben, page, '/admin/draft/undo').send();
  t.equal(stale.statusCode, 409);
  t.match(await entryOf(app, 'nordwind'), { country: 'FR' });

  const { edits } = (
    await app.inject({ url: '/api/v1/draft/edits?ref=sub-processor/nordwind', headers: bearer })
  ).json();
  t.match(edits, [
    { steps: [{ step: 'set', field: 'country', before: 'SE', after: 'FR' }], undoneBy: null },
    { steps: [{ field: 'country' }, { field: 'notes' }] },
  ]);
  t.equal(edits.length, 2);
  t.equal((await app.inject({ url: '/api/v1/draft/edits?ref=nobody/x', headers: bearer })).statusCode, 400);
});

t.test('order: up, down, to either end and to a place, and back to where one was', async (t) => {
  const { app, anna } = await startEditing(t);
  await replaceDraft(
    app.deps,
    {
      document: {
        title: 'x',
        dataSubjects: [],
        subProcessors: ['a', 'b', 'c', 'd'].map((id) => ({ id, name: id.toUpperCase() })),
      },
      source: null,
    },
    {},
    systemActor,
  );
  const move = async (id: string, to: string, back = '/admin/draft?q=&from=0') => {
    const form = formOf(app, anna, await anna.get('/admin/draft'), '/admin/draft/move');
    return form.set('ref', `sub-processor/${id}`).set('to', to).set('back', back).send();
  };
  const order = async () => (await draftOf(app)).subProcessors.map(({ id }) => id).join('');
  for (const [id, to, expected] of [
    ['a', 'down', 'bacd'],
    ['a', 'up', 'abcd'],
    ['a', 'last', 'bcda'],
    ['d', 'first', 'dbca'],
    ['a', '2', 'dabc'],
    ['d', '3', 'abdc'],
    ['a', 'up', 'abdc'],
    ['c', '99', 'abdc'],
  ] as const) {
    const answer = await move(id, to);
    t.equal(answer.statusCode, 303);
    t.equal(await order(), expected, `${id} ${to}`);
  }
  for (const back of ['https://evil.example/', '//evil.example', '/admin/draft\\@evil.example', '/admin/sign-out']) {
    t.match(
      (await move('a', 'down', back)).headers.location,
      /^http:\/\/notices\.example\.org\/admin\/draft\?moved=/,
      back,
    );
  }
});

t.test('the draft’s own YAML keeps its comments whatever is done by form', async (t) => {
  const { app, anna } = await startEditing(t);
  const text = listYaml(`${newVendor}    # asked for by sales\n`);
  await writeDraft(app.deps, { text, format: 'yaml' }, {}, systemActor);
  await (await openEntry(app, anna, nordwind)).set('country', 'SE').send();
  const shown = areaOf((await anna.get('/admin/draft/text')).body, 'source');
  t.equal(shown, text.replace('country: DE', 'country: SE'));
  const draft = await readDraft(app.deps.db);
  t.equal(draft === null ? '' : draftAsYaml(draft), shown);
});
