import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { systemActor } from '../../src/actor.js';
import { linesOf } from '../../src/routes/documents/typeset.js';
import { withdraw } from '../../src/versions/withdraw.js';
import { hostileNames } from '../bugs/named.js';
import { foundingV2, foundingV3 } from '../cases/real-lists.js';
import { startApp, type TestApp } from '../support/app.js';
import { temporaryFolder } from '../support/process.js';
import { hasTool } from '../support/tools.js';
import { listYaml, newVendor, publishList } from './support.js';

/** The words of a PDF as poppler reads them, white space made one space. */
async function textOf(t: Test, app: TestApp, url: string): Promise<{ text: string; path: string; bytes: Buffer }> {
  const answer = await app.inject(url);
  t.equal(answer.statusCode, 200, url);
  t.equal(answer.headers['content-type'], 'application/pdf');
  const path = join(temporaryFolder(t), 'file.pdf');
  writeFileSync(path, answer.rawPayload);
  const text = execFileSync('pdftotext', ['-layout', '-nopgbrk', path, '-'], { encoding: 'utf8', stdio: 'pipe' });
  return { text: text.replace(/\s+/g, ' '), path, bytes: answer.rawPayload };
}

t.test('a version is a paper that says what its page says, with its hash, dates and page numbers', async (t) => {
  if (!(await hasTool(t, 'pdftotext', ['-v'], 'poppler-utils'))) return;
  if (!(await hasTool(t, 'qpdf', ['--version'], 'qpdf'))) return;
  const app = await startApp(t, { env: { TIME_ZONE: 'Europe/Brussels', COMPANY_NAME: 'Łódź Ärzte Αθήνα Київ' } });
  await publishList(app, JSON.stringify(foundingV2()));
  await publishList(app, JSON.stringify(foundingV3()), {
    effectiveAt: '2027-03-28',
    objectionDeadline: '2027-03-28',
    message: 'Read this.',
  });
  app.deps.kept.markStale();
  const { text, path } = await textOf(t, app, '/versions/2.pdf');
  const { hash } = (await app.inject('/versions/2.json')).json();
  for (const told of [
    'Łódź Ärzte Αθήνα Київ',
    'Takes effect 28 March 2027',
    'Object until 28 March 2027, 24:00 CEST',
    `SHA-256 ${hash}`,
    'Read this.',
    'http://notices.example.org/versions/2',
    'What changed since version 1',
  ]) {
    t.ok(text.includes(told), told);
  }
  for (const { name } of foundingV3().subProcessors) t.ok(text.includes(name), name);
  for (const { name } of foundingV3().dataSubjects) t.ok(text.includes(name), name);
  const [, pages = '0'] = /· 1 \/ (\d+)/.exec(text) ?? [];
  t.ok(text.includes(`· ${pages} / ${pages}`), `${pages} pages, each with its number`);

  execFileSync('qpdf', ['--check', path], { stdio: 'pipe' });
  const info = execFileSync('pdfinfo', [path], { encoding: 'utf8', stdio: 'pipe' });
  t.match(info, /Tagged: +yes/);
  t.match(info, /Title: +Sub-processors.*, version 2/);
  const json = execFileSync('qpdf', ['--json=2', '--json-key=qpdf', path], { encoding: 'utf8', maxBuffer: 1e9 });
  t.match(json, /"\/Lang": "u:en"/);
  t.match(json, '"/DisplayDocTitle": true');
  t.match(json, '"/ToUnicode"');
  for (const tag of ['Document', 'H1', 'H2', 'H3', 'L', 'LI', 'Lbl', 'LBody', 'P']) t.match(json, `"/S": "/${tag}"`);

  const german = await textOf(t, app, '/versions/2.pdf?lang=de');
  t.ok(german.text.includes('28. März 2027'));
  const comparison = await textOf(t, app, '/compare/1...2.pdf');
  t.ok(comparison.text.includes('What changed from version 1 to 2'));
  t.equal((await app.inject('/versions/9.pdf')).statusCode, 404);
});

t.test('the same version is the same bytes on every instance, until it is withdrawn', async (t) => {
  if (!(await hasTool(t, 'pdftotext', ['-v'], 'poppler-utils'))) return;
  if (!(await hasTool(t, 'qpdf', ['--version'], 'qpdf'))) return;
  const app = await startApp(t);
  await publishList(app, listYaml());
  await publishList(app, listYaml(newVendor), { effectiveAt: '2027-03-01' });
  app.deps.kept.markStale();
  const { bytes } = await textOf(t, app, '/versions/2.pdf');
  const other = await startApp(t, { database: app.database, clock: app.clock });
  app.clock.set('2027-02-01T00:00:00Z');
  t.ok((await textOf(t, other, '/versions/2.pdf')).bytes.equals(bytes));
  await withdraw(app.deps, 2, 'Not signed.', systemActor);
  app.deps.kept.markStale();
  t.match((await textOf(t, app, '/versions/2.pdf')).text, 'Withdrawn 1 February 2027');
});

t.test('case 21: names are letter for letter, also from right to left; what has no letter here is told', async (t) => {
  if (!(await hasTool(t, 'pdftotext', ['-v'], 'poppler-utils'))) return;
  if (!(await hasTool(t, 'qpdf', ['--version'], 'qpdf'))) return;
  const app = await startApp(t);
  const entries = hostileNames.map((name, at) => ({ id: `v${at}`, name, notes: `In the middle: ${name}, and on.` }));
  await publishList(app, JSON.stringify({ title: 'List', dataSubjects: [], subProcessors: entries }));
  app.deps.kept.markStale();
  const { text } = await textOf(t, app, '/list.pdf');
  for (const name of hostileNames.filter((one) => !/\p{Script=Han}|\p{Script=Arabic}/u.test(one))) {
    t.ok(text.includes(name), name);
  }
  // Marks of direction stand between words, whose letters are in the order in which they are read.
  for (const word of ['شركة', 'أمثلة']) t.ok(text.normalize('NFKC').includes(word), word);
  t.match(text, 'Where this file has no letter for a character it shows \ufffd.');
});

t.test('lines break at spaces, and within a word only where it is wider than a line', async (t) => {
  const measure = { width: (text: string) => text.length, fontFor: () => 'text' };
  const broken = (text: string, width: number) =>
    linesOf(text, 'text', width, measure).map(({ pieces }) => pieces.map((piece) => piece.text).join(''));
  t.same(broken('one two three', 7), ['one two', 'three']);
  t.same(broken('abcdefghij kl', 4), ['abcd', 'efgh', 'ij', 'kl']);
  t.same(broken('a\n\nb', 4), ['a', '', 'b']);
  t.same(broken('', 4), ['']);
  t.same(broken('aa שלום bb', 20), ['aa שלום bb'], 'a word from right to left keeps its letters in order');
  t.same(broken('שלום עולם', 20), ['עולם שלום'], 'and words stand as they are drawn from the left');
});
