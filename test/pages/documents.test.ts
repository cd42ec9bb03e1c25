import { parse as parseCsv } from 'csv-parse/sync';
import { unzipSync } from 'fflate';
import t from 'tap';
import { hostileNames } from '../bugs/named.js';
import { foundingV2, foundingV3 } from '../cases/real-lists.js';
import { read, shortTables } from '../list/import/support.js';
import { startApp, type TestApp } from '../support/app.js';
import { listYaml, newVendor, publishList } from './support.js';

async function sheetsOf(app: TestApp, url: string) {
  const answer = await app.inject(url);
  const source = await read(answer.rawPayload, 'list.xlsx');
  return Object.fromEntries(shortTables(source).map((table) => [table.headings[0] ?? '', table]));
}

t.test('a version is a workbook that says what its page says', async (t) => {
  const app = await startApp(t, { env: { TIME_ZONE: 'Europe/Brussels' } });
  t.equal((await app.inject('/list.xlsx')).statusCode, 404, 'nothing is in force yet');
  await publishList(app, JSON.stringify(foundingV2()));
  await publishList(app, JSON.stringify(foundingV3()), { effectiveAt: '2027-03-01' });
  app.deps.kept.markStale();
  const answer = await app.inject('/versions/2.xlsx');
  t.match(answer.headers['content-type'], 'spreadsheetml.sheet');
  t.equal(answer.headers['content-disposition'], 'attachment; filename="sub-processors-version-2.xlsx"');
  const sheets = await sheetsOf(app, '/versions/2.xlsx');
  t.same(Object.keys(sheets), ['Sub-processors', 'Data categories', 'Who gets what', 'Changes', 'About this version']);
  const list = foundingV3();
  const entries = sheets['Sub-processors'];
  t.same(
    entries?.rows.map((cells) => cells[entries.columns.indexOf('Name')]),
    list.subProcessors.map(({ name }) => name),
    'every entry in its order',
  );
  t.same(
    entries?.rows.map((cells) => cells[entries.columns.indexOf('Data of Advocates')] ?? ''),
    list.subProcessors.map(({ dataCategories }) =>
      (dataCategories?.advocates ?? [])
        .map((id) => list.dataSubjects[0]?.dataCategories?.find((category) => category.id === id)?.name)
        .join('\n'),
    ),
    'with its data categories by name',
  );
  const matrix = sheets['Who gets what'];
  const marks = matrix?.rows.map((cells) => cells.filter((cell) => cell === 'yes').length);
  t.same(
    marks,
    list.subProcessors.map(({ dataCategories }) => Object.values(dataCategories ?? {}).flat().length),
    'and a mark for each of them',
  );
  t.equal(
    sheets['Data categories']?.rows.length,
    list.dataSubjects.flatMap(({ dataCategories = [] }) => dataCategories).length,
  );
  const about = new Map(sheets['About this version']?.rows.map(([label = '', value = '']) => [label, value]));
  t.equal(about.get('Takes effect'), '1 March 2027');
  t.match(about.get('SHA-256'), /^[0-9a-f]{64}$/);
  t.same((await sheetsOf(app, '/list.xlsx'))['About this version']?.rows[0], ['Version', '1'], 'the one in force');
  t.match((await sheetsOf(app, '/versions/2.xlsx?lang=de')).Änderungen?.columns[0], 'Schwere');
  for (const url of ['/versions/9.xlsx', '/versions/9.csv', '/compare/1...9.csv']) {
    const missing = await app.inject(url);
    t.equal(missing.statusCode, 404, url);
    t.equal(missing.headers['content-disposition'], undefined, 'what says so is no file');
  }
});

t.test('the same version is the same bytes on every instance, before and after its time', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml());
  await publishList(app, listYaml(newVendor), { effectiveAt: '2027-03-01' });
  const files = ['/versions/2.xlsx', '/versions/2.csv', '/compare/1...2.csv'];
  const bytes = await Promise.all(files.map(async (url) => (await app.inject(url)).rawPayload));
  const other = await startApp(t, { database: app.database, clock: app.clock });
  app.clock.set('2027-04-01T00:00:00Z');
  for (const [at, url] of files.entries())
    t.ok((await other.inject(url)).rawPayload.equals(bytes[at] ?? Buffer.of()), url);
});

t.test('cases 21 and 30: no cell runs, links nowhere else or loses a letter', async (t) => {
  const names = [...hostileNames, '=1+1', '+49 30', '-2+3', '@SUM(A1)', '＝1+1', 'x _x0041_ y'];
  const entries = names.map((name, at) => ({ id: `v${at}`, name, website: `https://example.org/?a=1&b="${at}` }));
  const app = await startApp(t);
  await publishList(app, JSON.stringify({ title: '=2+2', dataSubjects: [], subProcessors: entries.slice(0, 1) }));
  await publishList(app, JSON.stringify({ title: '=2+2', dataSubjects: [], subProcessors: entries }));
  app.deps.kept.markStale();
  const { rawPayload } = await app.inject('/versions/2.xlsx');
  const parts = Object.entries(unzipSync(rawPayload)).map(([name, part]) => [name, Buffer.from(part).toString()]);
  for (const [name, xml = ''] of parts) t.notMatch(xml, /<f[ >]/, `${name} holds no formula`);
  t.notMatch(parts.map(([, xml]) => xml).join(''), /Target="(?!http|worksheets|xl\/|docProps|styles)/);
  const sheets = await sheetsOf(app, '/versions/2.xlsx');
  t.same(
    sheets['Sub-processors']?.rows.map(([name]) => name),
    names.map((name) => name.trim()),
  );
  const csv = (await app.inject('/compare/1...2.csv')).body;
  const rows = parseCsv(csv, { columns: true });
  t.ok(rows.length >= names.length - 1);
  for (const cell of parseCsv(csv).flat()) t.notMatch(cell, /^\s*[=+\-@＝]/, cell);
});

t.test('a link to the list is shown elsewhere with a picture of ours', async (t) => {
  const app = await startApp(t, {
    env: { PUBLIC_URL: 'https://example.org/trust', COMPANY_NAME: 'شركة أمثلة & <Co>' },
  });
  await publishList(app, JSON.stringify({ ...foundingV3(), title: `${'A very long title '.repeat(20)}` }));
  app.deps.kept.markStale();
  const page = await app.inject('/');
  const [, image = ''] = /property="og:image" content="([^"]+)"/.exec(page.body) ?? [];
  t.equal(image, 'https://example.org/trust/share.png?lang=en');
  t.match(page.body, '<meta property="og:url" content="https://example.org/trust/">');
  t.match(page.body, '<meta property="og:site_name" content="شركة أمثلة &amp; &lt;Co&gt;">');
  const { headers, rawPayload } = await app.inject(image.replace('https://example.org/trust', ''));
  t.equal(headers['content-type'], 'image/png');
  t.same([rawPayload.readUInt32BE(16), rawPayload.readUInt32BE(20)], [1200, 630], 'as large as it says');
  const other = await startApp(t, { database: app.database, env: { COMPANY_NAME: 'شركة أمثلة & <Co>' } });
  t.ok((await other.inject('/share.png?lang=en')).rawPayload.equals(rawPayload), 'the same on every instance');
});
