import type { LightMyRequestResponse } from 'fastify';
import t from 'tap';
import { csvFaultCodes } from '../../src/subscribers/csv.js';
import { faultCodes } from '../../src/subscribers/import-row.js';
import { purgePending } from '../../src/subscribers/purge.js';
import { suppressionReasons } from '../../src/subscribers/queries.js';
import { loadTexts } from '../../src/texts.js';
import { linkTo, statusOf, subscribeAndConfirm, textOf } from '../pages/support.js';
import { startApp, type TestApp } from '../support/app.js';
import { areaOf, fieldsOf, setUp, type Visitor } from './support.js';

const home = '/admin/subscribers/import';
t.setTimeout(170_000);

/** Chooses a file in the form of the page and sends it, as a browser does (RFC 7578). */
async function choose(
  app: TestApp,
  visitor: Visitor,
  file: string | Buffer,
  fields: Record<string, string> = {},
): Promise<LightMyRequestResponse> {
  const page = await visitor.get(home);
  const boundary = 'a-boundary-that-is-in-no-file';
  const all = { ...fieldsOf(page.body, home), csv: '', ...fields };
  const parts = Object.entries(all).map(([name, value]) =>
    Buffer.from(`--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`),
  );
  const head = `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="people.csv"\r\ncontent-type: text/csv\r\n\r\n`;
  return app.inject({
    method: 'POST',
    url: home,
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}`, 'sec-fetch-site': 'same-origin' },
    cookies: Object.fromEntries(visitor.cookies),
    payload: Buffer.concat([...parts, Buffer.from(head), Buffer.from(file), Buffer.from(`\r\n--${boundary}--\r\n`)]),
  });
}

const pathOf = (answer: LightMyRequestResponse) => new URL(String(answer.headers.location)).pathname;

/** The rows of a page's table, each as the texts of its cells. */
const rowsOf = (body: string) =>
  [...body.matchAll(/<tr role="row">\n(<td[\s\S]*?)<\/tr>/g)].map(([, row = '']) =>
    row
      .split(/<\/t[hd]>/)
      .map((cell) => textOf(cell).trim())
      .filter(Boolean),
  );

const counted = async (app: TestApp, what: string) => {
  const { rows } = await app.database.pool.query<{ n: number }>(`select count(*)::integer as n from ${what}`);
  return rows[0]?.n;
};

t.test('a file shows line by line what would happen, and nothing happens before it is confirmed', async (t) => {
  const app = await startApp(t);
  await subscribeAndConfirm(app, 'here@example.org', { company: 'Old' });
  await subscribeAndConfirm(app, 'same@example.org', { company: 'Same' });
  await subscribeAndConfirm(app, 'left@example.org');
  await app.inject({ method: 'POST', url: await linkTo(app, 'left@example.org', 'unsubscribe') });
  await subscribeAndConfirm(app, 'dead@example.org');
  await app.database.pool.query(
    `insert into suppressions select email_hash, 'hard-bounce', null, now() from subscribers where email = 'dead@example.org'`,
  );
  const officer = await setUp(app);
  // As a German spreadsheet saves it: semicolons, Windows-1252.
  const file = Buffer.from(
    [
      'E-Mail;Firma;Status;Einwilligung;Kind;Entitlement;confirmedAt',
      'new@example.org;Müller & Söhne;confirmed;Bestellung vom 1. März 2026;;;2026-03-01',
      'legal@example.org;;;;contractual;DPA of 4 January 2026;',
      'claimed@example.org;;confirmed;;;;',
      'plain@example.org;;;;;;',
      'here@example.org;New;;;;;',
      'same@example.org;Same;;;;;',
      'left@example.org;;confirmed;Again;;;',
      'dead@example.org;;confirmed;Again;;;',
      'NEW@example.org;;;;;;',
      'nonsense;;;;;;',
      'x@example.org;;;;contractual;;',
    ].join('\r\n'),
    'latin1',
  );
  const before = await counted(app, 'deliveries');
  const sent = await choose(app, officer, file);
  t.equal(sent.statusCode, 303);
  const path = pathOf(sent);
  const page = await officer.get(path);
  t.match(textOf(page.body), /people\.csv.*12|people\.csv.*11.*Windows-1252/s);
  const rows = rowsOf(page.body).map(([line, email, outcome, reason]) => [line, email, outcome, reason]);
  t.match(rows, [
    ['2', /^new@example\.org.*Müller & Söhne/s, 'Added as confirmed', /Bestellung vom 1\. März 2026.*1 March 2026/],
    ['3', 'legal@example.org', 'Added as confirmed', 'Entitled by contract: DPA of 4 January 2026.'],
    ['4', 'claimed@example.org', 'Asked by mail', /not where and when consent was given/],
    ['5', 'plain@example.org', 'Asked by mail', 'Gets a mail to confirm.'],
    ['6', /^here@example\.org/, 'Brought up to date', 'Changes: company.'],
    ['7', /^same@example\.org/, 'Known, unchanged', /nothing new/],
    ['8', 'left@example.org', 'Skipped', /Has unsubscribed/],
    ['9', 'dead@example.org', 'Skipped', /bounced/],
    ['10', 'NEW@example.org', 'Skipped', 'Is the same address as in line 2, which counts.'],
    ['11', 'nonsense', 'With an error', /Write one such as/],
    ['12', 'x@example.org', 'With an error', /“entitlement” is missing/],
  ]);
  t.equal(rowsOf((await officer.get(`${path}?outcome=error`)).body).length, 2, 'filtered by outcome');
  t.match(textOf(page.body), /2 people are told.*2 people get a mail at once.*details of one person change/s);
  t.equal(await statusOf(app, 'new@example.org'), undefined, 'nothing has happened');
  t.equal(await counted(app, 'deliveries'), before);
  t.match(textOf((await officer.get(home)).body), /people\.csv: 11 lines/, 'it waits');

  const [first, second] = await Promise.all([1, 2].map(() => officer.submit(page, `${path}/apply`)));
  t.same([first?.statusCode, second?.statusCode], [303, 303]);
  const done = await officer.get(path);
  t.match(
    textOf(done.body),
    /2 Added as confirmed\s+2 Asked by mail\s+1 Brought up to date\s+1 Known, unchanged\s+3 Skipped\s+2 With an error/,
  );
  t.notMatch(textOf(done.body), /otherwise/);
  t.equal(await statusOf(app, 'new@example.org'), 'confirmed');
  t.equal(await statusOf(app, 'claimed@example.org'), 'pending');
  t.equal(await statusOf(app, 'left@example.org'), 'unsubscribed');
  t.equal(await counted(app, 'deliveries'), (before ?? 0) + 2, 'a double click asks once');
  t.equal(await counted(app, `audit_log where action = 'subscribers.imported'`), 1);
  t.equal(await counted(app, 'subscriber_import_lines'), 0, 'the lines are gone');
  t.notMatch(
    JSON.stringify((await app.database.pool.query('select * from subscriber_imports')).rows),
    /example|people/,
  );
  t.notMatch(app.log.join('\n'), /new@example|people\.csv/);
  t.equal((await officer.submit(page, `${path}/discard`)).headers.location?.toString().endsWith('done=late'), true);
});

t.test('what has changed since it was shown is told, and nothing is done that nobody saw', async (t) => {
  const app = await startApp(t);
  for (const name of ['a', 'b', 'c']) await subscribeAndConfirm(app, `${name}@example.org`, { company: 'Old' });
  const officer = await setUp(app);
  const csv = `email,company,status,consent\n${['a', 'b', 'c', 'd', 'e']
    .map((name) => `${name}@example.org,New,confirmed,Fair of 2026`)
    .join('\n')}`;
  const form = await officer.get(home);
  const path = pathOf(await officer.submit(form, home, { csv }));
  const page = await officer.get(path);
  // a leaves, b is erased, d comes by the form.
  await app.inject({ method: 'POST', url: await linkTo(app, 'a@example.org', 'unsubscribe') });
  const [, erasure = ''] =
    /href="(\/admin\/subscribers\/\d+\/erasure)"/.exec((await officer.get('/admin/subscribers?q=b%40')).body) ?? [];
  await officer.submit(await officer.get(erasure), erasure);
  t.equal(await counted(app, `subscriber_import_lines where email like 'b@%'`), 0, 'an erasure takes the line along');
  await subscribeAndConfirm(app, 'd@example.org');
  await officer.submit(page, `${path}/apply`);
  const done = textOf((await officer.get(path)).body);
  t.match(done, /2 lines came out otherwise than shown/);
  t.match(done, /Line 2\s+Brought up to date\s+Skipped\s+Has unsubscribed/);
  t.match(done, /Line 5\s+Added as confirmed\s+Brought up to date\s+Left alone/);
  t.match(done, /One line was left out, as its person was erased/);
  t.equal(await statusOf(app, 'a@example.org'), 'unsubscribed');
  t.equal(await statusOf(app, 'b@example.org'), undefined, 'nobody comes back who was erased');
  const { rows } = await app.database.pool.query(`select email, company from subscribers order by email`);
  t.same(
    rows.map(({ email, company }) => `${email} ${company}`),
    ['a@example.org Old', 'c@example.org New', 'd@example.org null', 'e@example.org New'],
  );
});

t.test('an interrupted import goes on where it stopped', async (t) => {
  const app = await startApp(t);
  const officer = await setUp(app);
  const people = Array.from({ length: 1_500 }, (_, i) => `p${i}@example.org,confirmed,By contract`).join('\n');
  const path = pathOf(await choose(app, officer, `email,status,consent\n${people}`));
  const page = await officer.get(path);
  // As after a batch, when the service was killed.
  await app.database.pool.query(
    `create function refuse_late() returns trigger language plpgsql as $$ begin
       if new.email = 'p1200@example.org' then raise exception 'killed'; end if; return new; end $$;
     create trigger refuse_late before insert on subscribers for each row execute function refuse_late()`,
  );
  t.equal((await officer.submit(page, `${path}/apply`)).statusCode, 500);
  t.equal(await counted(app, 'subscribers'), 1_000);
  const half = await officer.get(path);
  t.match(textOf(half.body), /being put into effect/);
  await app.database.pool.query('drop trigger refuse_late on subscribers');
  await officer.submit(half, `${path}/apply`);
  t.match(textOf((await officer.get(path)).body), /1,500 Added as confirmed/);
  t.equal(await counted(app, 'subscribers'), 1_500);
  t.equal(await counted(app, 'subscriber_events'), 1_500);
});

t.test('a file that cannot be read says why and where, keeps what was typed, and leaves nothing', async (t) => {
  const app = await startApp(t);
  const officer = await setUp(app);
  const form = await officer.get(home);
  for (const [csv, message] of [
    ['', /Choose a file, or paste/],
    ['name\nAnna', /Line 1: These headings are not known: "name"/],
    ['a@example.org\nb@example.org', /The headings are missing/],
    ['email', /nothing below/],
    ['email\n"a@example.org', /never closed/],
  ] as const) {
    const answer = await officer.submit(form, home, { csv });
    t.equal(answer.statusCode, 422);
    t.match(textOf(answer.body), message);
    t.equal(areaOf(answer.body, 'csv'), csv);
  }
  t.match(
    textOf((await choose(app, officer, 'email,company', { csv: 'email\na@x.org' })).body),
    /Leave one of the two/,
  );
  const german = await officer.submit(form, home, { csv: 'name\nA' }, { 'accept-language': 'de' });
  t.match(textOf(german.body), /Diese Überschriften sind nicht bekannt/);
  const large = await choose(app, officer, Buffer.alloc(7 * 1024 * 1024 + 1, 'a'));
  t.equal(large.statusCode, 413);
  t.match(textOf(large.body), /larger than 7 MB/);
  t.equal(await counted(app, 'subscriber_imports'), 0);
});

t.test('a file is taken with the token of its form only, and its lines stay no longer than a week', async (t) => {
  const app = await startApp(t);
  const officer = await setUp(app);
  t.equal((await choose(app, officer, 'email\na@example.org', { _csrf: 'made-up' })).statusCode, 403);
  t.equal(await counted(app, 'subscriber_imports'), 0);
  const path = pathOf(await choose(app, officer, '\uFEFFemail\na@example.org\n'));
  const page = await officer.get(path);
  t.equal((await officer.get(`${home}/1`)).statusCode, 404);
  await choose(app, officer, 'email\nb@example.org\n');
  const discarded = await officer.follow(await officer.submit(page, `${path}/discard`));
  t.match(textOf(discarded.body), /The file is discarded/);
  t.equal((await officer.get(path)).statusCode, 404);
  t.equal(await counted(app, 'subscriber_import_lines'), 1);
  app.clock.advance({ days: 6, hours: 23 });
  await purgePending(app.deps);
  t.equal(await counted(app, 'subscriber_imports'), 1);
  app.clock.advance({ hours: 2 });
  await purgePending(app.deps);
  t.equal(await counted(app, 'subscriber_imports'), 0);
  t.equal(await counted(app, 'subscriber_import_lines'), 0);
});

t.test('every fault and reason has its words', async (t) => {
  const texts = loadTexts({ timeZone: 'UTC' }).for('de');
  for (const code of faultCodes) {
    const part = code === 'marked' ? 'skipped' : 'error';
    t.ok(texts.has(`subscriber-import.why.${part}.${code}`), code);
  }
  for (const code of csvFaultCodes) t.ok(texts.has(`subscriber-import.csv.${code}`), code);
  for (const reason of suppressionReasons) t.ok(texts.has(`subscriber-import.why.skipped.${reason}`), reason);
});
