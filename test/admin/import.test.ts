import type { LightMyRequestResponse } from 'fastify';
import { zipSync } from 'fflate';
import t from 'tap';
import { readDraft } from '../../src/versions/draft.js';
import { editDraft } from '../../src/versions/draft-edit.js';
import { listImports } from '../../src/versions/import.js';
import { listYaml, newVendor, publishList, textOf } from '../pages/support.js';
import { bearer, startApp, type TestApp } from '../support/app.js';
import { formOf } from './forms.js';
import { fieldsOf, setUp, signInAs, type Visitor } from './support.js';

t.setTimeout(170_000);

const start = '/admin/draft/import';

interface Upload {
  file?: { name: string; content: string | Buffer; type?: string };
  text?: string;
  csrf?: string;
}

/** Sends the form of the start page as a browser does, file and all. */
async function upload(app: TestApp, visitor: Visitor, { file, text = '', csrf }: Upload, headers = {}) {
  const page = await visitor.get(start);
  const form = new FormData();
  form.append('_csrf', csrf ?? fieldsOf(page.body, start)._csrf ?? '');
  const content = file === undefined ? '' : file.content;
  form.append('file', new Blob([new Uint8Array(Buffer.from(content))], { type: file?.type ?? '' }), file?.name ?? '');
  form.append('text', text);
  const request = new Request('http://x', { method: 'POST', body: form });
  return app.inject({
    method: 'POST',
    url: start,
    headers: {
      'content-type': request.headers.get('content-type') ?? '',
      'sec-fetch-site': 'same-origin',
      ...headers,
    },
    cookies: Object.fromEntries(visitor.cookies),
    payload: Buffer.from(await request.arrayBuffer()),
  });
}

const pathOf = (answer: LightMyRequestResponse) => new URL(String(answer.headers.location)).pathname;
const namesIn = async (app: TestApp) =>
  (await readDraft(app.deps.db))?.document.subProcessors.map(({ id, name }) => `${id}: ${name}`);

const csv = (content: string, name = 'list.csv') => ({ file: { name, content, type: 'text/csv' } });

/** A workbook of one sheet, with its texts within the cells. */
function workbook(rows: readonly (readonly string[])[]): Buffer {
  const xml = (text: string) => Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>${text}`);
  const cells = (row: readonly string[], at: number) =>
    row.map((text, column) => `<c r="${'ABCDEF'[column]}${at + 1}" t="inlineStr"><is><t>${text}</t></is></c>`).join('');
  const sheet = rows.map((row, at) => `<row r="${at + 1}">${cells(row, at)}</row>`).join('');
  const main = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
  const relations = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
  const packages = 'http://schemas.openxmlformats.org/package/2006/relationships';
  return Buffer.from(
    zipSync({
      '_rels/.rels': xml(
        `<Relationships xmlns="${packages}"><Relationship Id="r1" Type="${relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
      ),
      'xl/workbook.xml': xml(
        `<workbook xmlns="${main}" xmlns:r="${relations}"><sheets><sheet name="List" sheetId="1" r:id="r1"/></sheets></workbook>`,
      ),
      'xl/_rels/workbook.xml.rels': xml(
        `<Relationships xmlns="${packages}"><Relationship Id="r1" Type="${relations}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`,
      ),
      'xl/worksheets/sheet1.xml': xml(`<worksheet xmlns="${main}"><sheetData>${sheet}</sheetData></worksheet>`),
    }),
  );
}

t.test(
  'a CSV file becomes the first draft: shown row by row, a column put right by hand, taken over once',
  async (t) => {
    const app = await startApp(t);
    const anna = await setUp(app);
    t.match((await anna.get('/admin')).body, `href="${start}"`, 'the first thing to do');
    t.match((await anna.get('/admin/draft')).body, `href="${start}"`);
    const answer = await upload(
      app,
      anna,
      csv('Name;Location;Wherefore\nAcme, Inc.;Germany;Mail\nNordwind;France;Hosting\n'),
    );
    t.equal(answer.statusCode, 303);
    const path = pathOf(answer);
    const page = await anna.get(path);
    const text = textOf(page.body);
    t.match(text, /Read as a table of values \(CSV\), letters as utf-8\. One table, 2 rows\./);
    t.match(text, /Acme, Inc\..*Data locations? Germany/s);
    t.match(text, /Wherefore: Mail \(column not imported\)/);
    t.match(text, /A first draft with 2 sub-processors/);
    t.match(
      page.body,
      /<select id="import\.0\.column\.3" name="import\.0\.columns" form="import">\s*<option value="ignore" selected>/,
    );
    t.same(await namesIn(app), undefined, 'nothing is in the draft yet');

    const form = formOf(app, anna, page, path);
    const columns = ['name', 'dataLocations', 'purposes'];
    const mapped = await anna.follow(
      await form
        .set('import.0.use', 'sub-processors')
        .set('import.0.columns', ...columns)
        .set('do', 'map')
        .send(),
    );
    t.match(textOf(mapped.body), /Nothing is left over\./);
    t.match(textOf(mapped.body), /Purposes? Mail/);
    // Two clicks, and a reload of the second one.
    const take = () => formOf(app, anna, mapped, path).set('do', 'take').send();
    const clicks = await Promise.all([take(), take()]);
    t.same(
      clicks.map(({ statusCode, headers }) => [statusCode, headers.location]),
      [1, 2].map(() => [303, 'http://notices.example.org/admin/draft?done=imported']),
    );
    t.match(textOf((await anna.follow(clicks[0])).body), /The draft holds what was imported\./);
    t.same((await readDraft(app.deps.db))?.revision, 1);
    t.match((await readDraft(app.deps.db))?.document.subProcessors, [
      { id: 'acme-inc', name: 'Acme, Inc.', purposes: ['Mail'] },
      { id: 'nordwind', name: 'Nordwind', purposes: ['Hosting'] },
    ]);
    t.equal((await anna.get(path)).statusCode, 404);
  },
);

t.test('pages and workbooks are read, and an upload is looked at only with the form’s token', async (t) => {
  const app = await startApp(t);
  const anna = await setUp(app);
  const html =
    '<h1>Our list</h1><table><tr><th>Vendor</th><th>Purpose</th></tr><tr><td>Acme</td><td>Mail</td></tr></table>';
  const book = workbook([
    ['Name', 'Purpose'],
    ['Acme', 'Mail'],
  ]);
  for (const file of [
    { name: 'page.html', content: html, type: 'text/html' },
    { name: 'list.xlsx', content: book, type: 'application/octet-stream' },
  ]) {
    const path = pathOf(await upload(app, anna, { file }));
    t.match(textOf((await anna.get(path)).body), /Acme.*Purposes? Mail/s, file.name);
  }
  const pasted = await upload(app, anna, { text: 'Name\tPurpose\r\nAcme\tMail\r\n' });
  t.match(textOf((await anna.get(pathOf(pasted))).body), /Import of pasted text.*Acme/s);

  t.equal((await upload(app, anna, { text: 'Name\tPurpose\nAcme\tMail\n', csrf: 'guessed' })).statusCode, 403);
  t.equal((await upload(app, anna, csv('Name\nAcme\n'), { 'sec-fetch-site': 'cross-site' })).statusCode, 403);
  const viewer = await signInAs(app, 'viewer');
  t.equal((await viewer.get(start)).statusCode, 403);
  t.notMatch((await viewer.get('/admin/draft')).body, start);
  t.equal((await listImports(app.deps.db)).length, 3);
  const waiting = await anna.get(start);
  t.match(textOf(waiting.body), /Looked at and not taken over yet.*pasted text officer@example\.org/s);
  const [{ id } = { id: 0 }] = await listImports(app.deps.db);
  await anna.submit(waiting, `${start}/${id}/discard`);
  t.equal((await listImports(app.deps.db)).length, 2);
});

t.test('what cannot be read is said at its field, and what was typed stays', async (t) => {
  const app = await startApp(t);
  const anna = await setUp(app);
  const refusal = async (sent: Upload, sentence: RegExp, status = 422) => {
    const answer = await upload(app, anna, sent);
    t.equal(answer.statusCode, status);
    t.match(textOf(answer.body), sentence);
    t.match(answer.body, /aria-invalid="true"/);
    return answer;
  };
  await refusal({}, /Choose a file, or paste the list/);
  await refusal({ ...csv('Name\nAcme\n'), text: 'x' }, /Which of the two is the list\?/);
  await refusal({ file: { name: 'list.pdf', content: '%PDF-1.7' } }, /This is a PDF/);
  await refusal({ file: { name: 'big.csv', content: Buffer.alloc(8 * 1024 * 1024 + 1, 'a') } }, /too large/, 413);
  const kept = await refusal({ text: '<b>nothing</b> at all' }, /No table and no list/);
  t.match(kept.body, /&lt;b&gt;nothing&lt;\/b&gt; at all<\/textarea>/);
  const own = { title: 'x', dataSubjects: [], subProcessors: [{ name: 'Acme', country: 'Germany' }] };
  await refusal(
    { file: { name: 'list.json', content: JSON.stringify(own) } },
    /has faults.*subProcessors\.0\.country/s,
  );

  // The session ends while somebody pastes: the text is there to be sent again.
  await app.database.pool.query('delete from sessions');
  const page = await anna.get('/admin/sign-in');
  const csrf = fieldsOf(page.body, '/admin/sign-in')._csrf ?? '';
  const body = new FormData();
  body.append('_csrf', csrf);
  body.append('text', 'Name\tPurpose\nAcme\tMail');
  const request = new Request('http://x', { method: 'POST', body });
  const ended = await app.inject({
    method: 'POST',
    url: start,
    headers: { 'content-type': request.headers.get('content-type') ?? '', 'sec-fetch-site': 'same-origin' },
    cookies: Object.fromEntries(anna.cookies),
    payload: Buffer.from(await request.arrayBuffer()),
  });
  t.equal(ended.statusCode, 403);
  t.match(ended.body, /<label for="kept-text">Or the list, copied<\/label>[\s\S]*Acme\tMail<\/textarea>/);
});

t.test('pairs are decided side by side; what leaves is named before, and an addition takes nothing out', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml(newVendor));
  const anna = await setUp(app);
  const path = pathOf(
    await upload(app, anna, csv('Name,Purpose\nNordwind Hosting,Hosting\nLetterbird Mail,Sending of e-mail\n')),
  );
  const page = await anna.get(path);
  const text = textOf(page.body);
  t.match(text, /Letterbird, Inc\. and Letterbird Mail/);
  t.match(page.body, /<del><bdi>Letterbird, Inc\.<\/bdi><\/del>[\s\S]*<ins><bdi>Letterbird Mail<\/bdi><\/ins>/);
  t.match(text, /One sub-processor leaves the list.*Letterbird, Inc\./s);
  t.match(text, /One possible rename is not decided/);
  const field = 'pair.letterbird>letterbird-mail';

  // Decided, and not looked at yet: shown first.
  const look = await formOf(app, anna, page, path).set(field, 'letterbird>letterbird-mail').set('do', 'take').send();
  t.match(look.headers.location, /done=changed#result$/);
  const decided = await anna.follow(look);
  t.notMatch(textOf(decided.body), /One sub-processor leaves/);
  t.match(decided.body, /value="letterbird&gt;letterbird-mail" form="import" checked/);
  t.match(await namesIn(app), [/^nordwind/, 'letterbird: Letterbird, Inc.']);

  // Somebody else works on the draft meanwhile.
  const { db } = app.deps;
  const officer = { kind: 'admin', id: 1, role: 'admin' } as const;
  const step = { step: 'set', ref: 'list', field: 'introduction', before: null, after: 'Hi.' } as const;
  await editDraft(app.deps, [step], officer);
  const stale = await formOf(app, anna, decided, path).set('do', 'take').send();
  t.equal(stale.statusCode, 409);
  t.match(textOf(stale.body), /officer@example\.org has changed the draft/);
  t.equal((await readDraft(db))?.document.introduction, 'Hi.');

  // As an addition the introduction stays.
  const merged = await anna.follow(await formOf(app, anna, stale, path).set('mode', 'merge').set('do', 'look').send());
  t.equal((await formOf(app, anna, merged, path).set('do', 'take').send()).statusCode, 303);
  t.match((await readDraft(db))?.document, {
    introduction: 'Hi.',
    subProcessors: [
      { id: 'nordwind', name: 'Nordwind Hosting' },
      { id: 'letterbird', name: 'Letterbird Mail' },
    ],
  });

  // Refused: two entries, also by name.
  const again = pathOf(
    await upload(app, anna, csv('Name,Purpose\nNordwind Hosting,Hosting\nLetterbird Post,Sending\n')),
  );
  const asked = await anna.get(again);
  const refused = 'pair.letterbird>letterbird-post';
  const shown = await anna.follow(await formOf(app, anna, asked, again).set(refused, 'none').set('do', 'pairs').send());
  t.match(textOf(shown.body), /Your answers are kept/);
  await formOf(app, anna, shown, again).set('do', 'take').send();
  t.same(await namesIn(app), ['nordwind: Nordwind Hosting', 'letterbird-post: Letterbird Post']);
});

t.test('many rows are shown by pages, and whatever a file holds is shown as data', async (t) => {
  const app = await startApp(t);
  const anna = await setUp(app);
  const rows = Array.from({ length: 120 }, (_, at) => `Vendor ${at + 1},Hosting,${at % 10 === 0 ? 'odd' : ''}`);
  const path = pathOf(await upload(app, anna, csv(`Name,Purpose,Zzz\n${rows.join('\n')}\n`)));
  const first = textOf((await anna.get(path)).body);
  t.match(first, /Vendor 50/);
  t.match(first, /Rows after these/);
  t.match(
    textOf((await anna.get(`${path}?from=100`)).body),
    /Vendor 120.*Rows before these|Rows before these.*Vendor 120/s,
  );
  const left = (await anna.get(`${path}?left=1`)).body;
  t.equal((left.match(/<q>/g) ?? []).length, 12, 'only rows with something left over');
  t.match(left, /name="left" value="1" checked/);

  const hostile = `Name,Purpose,Zzz\n"=HYPERLINK(""x"")","<script>alert(1)</script>","\u202Egnp.exe"\n`;
  const name = '"><img src=x onerror=alert(1)>.csv';
  const page = await anna.get(pathOf(await upload(app, anna, csv(hostile, name))));
  t.notMatch(page.body, /<script>alert|<img src=x/);
  t.match(page.body, '&lt;script&gt;alert(1)&lt;/script&gt;');
  t.match(page.body, '=HYPERLINK(');
  t.match(page.body, /<bdi>[^<]*onerror=alert/);
});

t.test('the API looks first, and writes when it is asked to', async (t) => {
  const app = await startApp(t);
  const send = (query: string, payload: string | Buffer, type = 'text/csv', headers = {}) =>
    app.inject({
      method: 'POST',
      url: `/api/v1/draft/import?${query}`,
      headers: { ...bearer, 'content-type': type, ...headers },
      payload,
    });
  const file = 'Name;Wherefore\nRedis Labs;Cache\nNordwind;Hosting\n';
  const looked = await send('fileName=a.csv', file);
  t.equal(looked.statusCode, 200, looked.body);
  const report = looked.json();
  t.match(report, {
    format: 'csv',
    encoding: 'utf-8',
    mode: 'replace',
    entries: 2,
    applied: false,
    revision: 0,
    rows: [{ line: 2, name: 'Redis Labs', left: [{ text: 'Cache', why: 'column-ignored' }] }, {}],
    diff: { changes: [{ kind: 'sub-processor-added' }, {}] },
  });
  t.equal(looked.headers.etag, '"r0"', 'by which the very same may be written');
  t.equal(await readDraft(app.deps.db), null);
  const mapping = JSON.stringify({
    tables: [{ ...report.mapping.tables[0], use: 'sub-processors', columns: ['name', 'purposes'] }],
  });
  const applied = await send(`apply=true&mapping=${encodeURIComponent(mapping)}`, file);
  t.match(applied.json(), { applied: true, revision: 1, rows: [{ left: [] }, {}] });
  t.equal(applied.headers.etag, '"r1"');
  t.match((await readDraft(app.deps.db))?.document.subProcessors, [{ name: 'Redis Labs', purposes: ['Cache'] }, {}]);

  const renamed = 'Name,Purpose\nRedis,Cache\n';
  t.equal((await send('apply=true', renamed, 'text/csv', { 'if-match': '"r9"' })).statusCode, 412);
  const [suggestion] = (await send('mode=merge', renamed)).json().suggestions;
  t.match(suggestion, { kind: 'renamed', choices: [{ removed: 'redis-labs', added: 'redis' }] });
  const pairs = encodeURIComponent(JSON.stringify({ [suggestion.key]: suggestion.choices[0] }));
  const joined = await send(`mode=merge&apply=true&pairs=${pairs}`, renamed, 'text/csv', { 'if-match': '"r1"' });
  t.match(joined.json(), { applied: true, revision: 2 });
  t.same(await namesIn(app), ['redis-labs: Redis', 'nordwind: Nordwind']);

  t.match((await send('', '%PDF-1.7', 'application/pdf')).json(), {
    code: 'import.unreadable',
    status: 422,
    errors: [{ path: 'pdf' }],
  });
  t.match((await send('mapping=%7B%7D', file)).json(), { code: 'input.invalid', errors: [{ path: 'mapping.tables' }] });
  t.match((await send('mapping=x', file)).json(), { code: 'input.invalid' });
  t.equal((await send('mode=all', file)).statusCode, 400);
  t.equal((await send('', '')).statusCode, 400);
  t.equal((await app.inject({ method: 'POST', url: '/api/v1/draft/import', payload: 'x' })).statusCode, 401);
  const none = { tables: [{ use: 'ignore', headingAs: 'ignore', columns: [] }] };
  const nothing = await send(`apply=true&mapping=${encodeURIComponent(JSON.stringify(none))}`, file);
  t.match(nothing.json(), { code: 'input.invalid', errors: [{ path: 'mapping' }] });

  // What no address has room for comes in a form.
  const sendForm = async (fields: Record<string, string>, content: string, query = '') => {
    const form = new FormData();
    form.append('file', new Blob([content]), 'list.csv');
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    const request = new Request('http://x', { method: 'POST', body: form });
    const type = request.headers.get('content-type') ?? '';
    return send(query, Buffer.from(await request.arrayBuffer()), type, { 'if-match': '"r2"' });
  };
  const more = `${file}${'Südwind;Hosting\n'.repeat(3)}`;
  t.match((await sendForm({ mapping, pairs: '{}' }, more)).json(), { format: 'csv', applied: false, revision: 2 });
  t.match((await sendForm({ mapping }, more, 'apply=true')).json(), { applied: true, revision: 3 });
  t.equal((await sendForm({ mapping }, more, 'apply=true')).statusCode, 412);
  t.match((await sendForm({ mapping: '{}' }, more)).json(), { errors: [{ path: 'mapping.tables' }] });
  t.match(
    (await sendForm({ maping: mapping }, more)).json(),
    { code: 'input.invalid' },
    'what it knows not it refuses',
  );
  t.match((await sendForm({}, '')).json(), { errors: [{ path: 'empty' }] });
  t.match((await sendForm({}, 'a;b\n'.repeat(2_200_000))).json(), { errors: [{ path: 'too-large' }] });
  const broken = '--x\r\ncontent-disposition: form-data; name="file"; filename="a.csv"\r\n\r\nName';
  t.equal((await send('', broken, 'multipart/form-data; boundary=x')).statusCode, 400);
  t.equal((await send('', 'Name', 'multipart/form-data')).statusCode, 400);
});
