import { Readable } from 'node:stream';
import t from 'tap';
import { countByStatus } from '../../src/subscribers/browse.js';
import { confirm } from '../../src/subscribers/confirm.js';
import { eraseSubscriber } from '../../src/subscribers/erase.js';
import { exportSubscribers } from '../../src/subscribers/export.js';
import { importSubscribers } from '../../src/subscribers/import.js';
import { purgePending } from '../../src/subscribers/purge.js';
import { unsubscribe } from '../../src/subscribers/unsubscribe.js';
import { openStage, type Stage } from './make.js';

// Large files, on machines that do other things as well.
t.setTimeout(180_000);

const admin = { kind: 'admin', id: 1, role: 'admin' } as const;
const bring = ({ deps }: Stage, csv: string | Readable) =>
  importSubscribers(deps, csv, admin, { knownServices: ['analytics', 'community'] });

t.test(
  'confirmed rows with a consent are confirmed, others are asked once, however often the file comes',
  async (t) => {
    const stage = await openStage(t);
    const file = [
      'email,company,locale,services,status,confirmedAt,consent',
      'a@example.org,ACME,de-AT,community analytics,confirmed,2026-05-01,"DPA of 1 May 2026, annex 2"',
      'b@example.org,,,,Confirmed,,by telephone',
      'c@example.org,,,,confirmed,,',
      'd@example.org,,,,,,',
    ].join('\n');
    t.same(await bring(stage, file), { imported: 4, updated: 0, skipped: 0, errors: [] });
    t.match(await stage.person('a@example.org'), {
      status: 'confirmed',
      company: 'ACME',
      locale: 'de',
      services: ['analytics', 'community'],
      confirmedAt: new Date('2026-05-01T00:00:00Z'),
      confirmedMoment: 1,
    });
    t.match(await stage.person('b@example.org'), { status: 'confirmed', confirmedAt: stage.clock.now(), locale: 'en' });
    t.match(await stage.events('a@example.org'), [
      { kind: 'imported', detail: { by: { kind: 'admin' }, line: 2, consent: 'DPA of 1 May 2026, annex 2' } },
    ]);
    t.same(
      (await stage.letters()).map(({ kind, email }) => [kind, email]),
      [
        ['confirmation', 'c@example.org'],
        ['confirmation', 'd@example.org'],
      ],
    );
    t.match(await stage.audited('subscribers.imported'), [
      { actor: { kind: 'admin' }, detail: { imported: 4, fromLine: 2, toLine: 5 } },
    ]);

    t.same(await bring(stage, file), { imported: 0, updated: 4, skipped: 0, errors: [] });
    t.equal((await stage.letters()).length, 2, 'no second mail');
    t.equal((await stage.events('a@example.org')).length, 1, 'and no trace of what changed nothing');

    await stage.markAllSent();
    t.match(await confirm(stage.deps, await stage.lastLink('c@example.org')), { state: 'confirmed' });
    t.equal((await stage.kinds('c@example.org')).at(-1), 'welcome');
    stage.clock.advance({ days: 3 });
    await bring(stage, file);
    t.same(await stage.kinds('d@example.org'), ['confirmation', 'confirmation'], 'asked anew once the link has ended');
    const before = await stage.person('c@example.org');
    t.equal(before?.status, 'confirmed');
  },
);

t.test('an import brings back nobody who has left or bounced', async (t) => {
  const stage = await openStage(t);
  for (const name of ['left', 'dead', 'here', 'shut']) await stage.join(`${name}@example.org`, { company: 'Old' });
  await unsubscribe(stage.deps, (await stage.linksOf('left@example.org')).unsubscribe, 'one-click');
  await stage.bounce('dead@example.org');
  await stage.bounce('shut@example.org', 'admin');
  const before = [await stage.person('left@example.org'), await stage.person('dead@example.org')];
  const letters = (await stage.letters()).length;
  stage.clock.advance({ days: 30 });
  const file = [
    'email,company,status,consent',
    'Left@example.org,New,confirmed,a contract',
    'dead@example.org,New,confirmed,a contract',
    'shut@example.org,New,,',
    'here@example.org,New,confirmed,a contract',
    'new@example.org,New,confirmed,a contract',
    'gone@example.org,New,unsubscribed,',
  ].join('\n');
  const { errors, ...counts } = await bring(stage, file);
  t.same(counts, { imported: 1, updated: 1, skipped: 4 });
  t.match(errors, [
    { line: 2, message: /has unsubscribed/ },
    { line: 3, message: /mail to it bounced/ },
    { line: 4, message: /by an admin/ },
    { line: 7, message: /marked as unsubscribed in the file/ },
  ]);
  t.same([await stage.person('left@example.org'), await stage.person('dead@example.org')], before);
  const here = await stage.person('here@example.org');
  t.match(here, { company: 'New', confirmedAt: new Date('2027-01-04T09:00:00Z') }, 'without a new consent');
  t.match(await bring(stage, file), { imported: 0, updated: 2, skipped: 4 });
  t.equal((await stage.letters()).length, letters, 'no mail of any kind');

  await eraseSubscriber(stage.deps, await stage.idOf('left@example.org'), admin, { suppress: true });
  t.match(await bring(stage, 'email\nleft@example.org\n'), { skipped: 1, errors: [{ message: /was erased/ }] });
});

t.test('one person however they are spelled, in the form, by the API and in a file', async (t) => {
  const stage = await openStage(t);
  const consent = ',confirmed,contract';
  await bring(stage, `email,status,consent\nAnna.Berg@Example.ORG${consent}\n`);
  await stage.ask('anna.berg@example.org');
  await stage.ask('ANNA.BERG@EXAMPLE.ORG', { via: 'api' });
  const again = await bring(
    stage,
    `email,status,consent\n anna.berg@example.org ${consent}\nANNA.berg@example.org${consent}\njo\u0308rg@example.org${consent}\nJörg@example.org${consent}\n`,
  );
  t.match(again, {
    imported: 1,
    updated: 1,
    skipped: 2,
    errors: [
      { line: 3, message: 'is the same address as in line 2' },
      { line: 5, message: 'is the same address as in line 4' },
    ],
  });
  t.match(await stage.person('anna.berg@example.org'), { email: 'Anna.Berg@example.org' });
  t.same(await stage.kinds('anna.berg@example.org'), ['already-subscribed']);
  await bring(stage, 'email\nanna.berg+dpo@example.org\nannaberg@example.org\n');
  t.match(await countByStatus(stage.deps.db), { confirmed: 2, pending: 2 }, 'the last two are other people');
  await unsubscribe(stage.deps, (await stage.linksOf('anna.berg@example.org')).unsubscribe, 'page');
  t.match(await bring(stage, `email,status,consent\nAnna.Berg@Example.ORG${consent}\n`), { imported: 0, skipped: 1 });
});

t.test('a row that says something wrong is left out with its line and the mend, the others are taken', async (t) => {
  const stage = await openStage(t);
  const file = [
    'email;company;services;status;confirmedAt;consent;toldOf',
    '"mallory@evil.example x"@example.org;;;;;;'.replace(/^"(.*)"@/, '"""$1""@').replace(';', '";'),
    'a@example.org,b@evil.example;;;;;;',
    'c@example.org;\u0007;;;;;',
    'd@example.org;;unheard-of;;;;',
    'e@example.org;;;confirmed;yesterday;by hand;',
    'f@example.org;;;confirmed;2099-01-01;by hand;',
    'g@example.org;;;;;;everything',
    'h@example.org;"One\nTwo ""Three""";analytics | community;confirmed;2026-05-01T10:00:00+02:00;"by hand\r\nand by mail";material',
  ].join('\r\n');
  const { errors, ...counts } = await bring(stage, file);
  t.same(counts, { imported: 1, updated: 0, skipped: 7 });
  t.same(
    errors.map(({ line }) => line),
    [2, 3, 4, 5, 6, 7, 8],
  );
  t.match(
    errors.map(({ message }) => message),
    [
      /^email /,
      /^email /,
      /^company /,
      /^services .*analytics, community/,
      /^confirmedAt /,
      /future/,
      /^toldOf must be all or material/,
    ],
  );
  t.match(await stage.person('h@example.org'), {
    company: 'One Two "Three"',
    services: ['analytics', 'community'],
    confirmedAt: new Date('2026-05-01T08:00:00Z'),
    toldOf: 'material',
  });
  t.match(await stage.events('h@example.org'), [{ detail: { consent: 'by hand and by mail', line: 9 } }]);
});

t.test('a file of nothing but faults has an answer of bounded size', async (t) => {
  const stage = await openStage(t);
  const { errors, ...counts } = await bring(stage, `email\n${'no address\n'.repeat(1_200)}`);
  t.same(counts, { imported: 0, updated: 0, skipped: 1_200 });
  t.equal(errors.length, 1_001);
  t.same(errors.at(-1), { line: 1_001, message: 'and 200 more that are not listed here' });
});

t.test('a file that breaks off in the middle changes nothing, and leaves nothing behind', async (t) => {
  const stage = await openStage(t);
  const good = Array.from({ length: 2_500 }, (_, n) => `person${n}@example.org,confirmed,contract`).join('\n');
  await t.rejects(bring(stage, `email,status,consent\n${good}\n"never closed`), { code: 'csv.invalid' });
  await t.rejects(bring(stage, Readable.from([Buffer.from(`email\n${good}\n`), Buffer.from([0xff, 0xfe, 0x0a])])), {
    code: 'csv.invalid',
    message: /save it as "CSV UTF-8"/,
  });
  t.same(await countByStatus(stage.deps.db), { pending: 0, confirmed: 0, unsubscribed: 0, suppressed: 0 });
  t.match(await stage.deps.db.query('select count(*) as rows from import_rows'), { rows: [{ rows: 0 }] });
  t.same(await stage.audited('subscribers.imported'), []);
});

t.test('two imports of one file and the form, at once, make one person of each', async (t) => {
  const stage = await openStage(t);
  const people = Array.from({ length: 1_500 }, (_, n) => `person${n}@example.org`);
  const forward = `email\n${people.join('\n')}\n`;
  const backward = `email,company\n${[...people].reverse().join(',ACME\n')},ACME\n`;
  const results = await Promise.all([
    bring(stage, forward),
    bring(stage, backward),
    ...people.slice(0, 20).map((email) => stage.ask(email)),
  ]);
  t.equal(results[0].imported + results[0].updated, 1_500);
  t.equal(results[1].imported + results[1].updated, 1_500);
  t.equal((await countByStatus(stage.deps.db)).pending, 1_500);
  const perPerson = await stage.deps.db.query(
    'select max(n)::int as most from (select count(*) as n from deliveries group by subscriber_id) x',
  );
  t.ok(perPerson.rows[0].most <= 2, 'one letter of the file, and one of the form at the most');
});

// 200,000 rows took 65 MiB as well, and a minute or two on a busy machine.
t.test('a large file goes in with memory that does not grow with it', async (t) => {
  const stage = await openStage(t);
  const rows = 20_000;
  function* file() {
    yield 'email,company,status,consent\r\n';
    for (let n = 0; n < rows; n += 1) {
      const status = n % 2 === 0 ? 'confirmed,"contract, annex 2"' : ',';
      yield `person${n}@d${n % 50}.example,"Company ""${n}""",${status}\r\n`;
    }
  }
  let most = 0;
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss);
  }, 100);
  const before = process.memoryUsage().rss;
  const started = performance.now();
  const result = await bring(stage, Readable.from(file()));
  clearInterval(watch);
  t.comment(`${Math.round(performance.now() - started)} ms, ${Math.round((most - before) / 2 ** 20)} MiB`);
  t.same(result, { imported: rows, updated: 0, skipped: 0, errors: [] });
  t.match(await countByStatus(stage.deps.db), { confirmed: rows / 2, pending: rows / 2 });
  t.ok(most - before < 120 * 2 ** 20, 'resident memory');
  t.equal((await stage.letters('person1@d1.example')).length, 1);
});

t.test('a file that was exported goes into a fresh instance, and gives back what was entered', async (t) => {
  const stage = await openStage(t);
  const companies = ['=1+1', '+49 30', '-2+3', '@SUM(A1)', '＝1+1', "'=1", "''=1", "'quoted'", 'a;b,"c"', 'شركة'];
  for (const [n, company] of companies.entries()) {
    await stage.join(`p${n}@example.org`, { company, services: ['community'], locale: 'de' });
  }
  await stage.join('=x@example.org', {});
  await stage.join('left@example.org', {});
  await unsubscribe(stage.deps, (await stage.linksOf('left@example.org')).unsubscribe, 'page');
  await bring(stage, 'email,status,consent\nvip@example.org,confirmed,contract of 2026\n');

  let csv = '';
  for await (const part of exportSubscribers(stage.deps, admin)) csv += part;
  const headings = 'email,company,locale,services,status,confirmedAt,consent,toldOf,kind,group,entitlement';
  t.ok(csv.startsWith(`\uFEFF${headings}\r\n`));
  for (const line of csv.slice(1).split('\r\n')) t.notMatch(line, /(?:^|,)"?[=+\-@＝]/, line);
  t.match(await stage.audited('subscribers.exported'), [{ actor: { kind: 'admin' } }]);

  const fresh = await openStage(t);
  t.match(await bring(fresh, csv), { imported: companies.length + 2, updated: 0, skipped: 1 });
  for (const [n, company] of companies.entries()) {
    const { id: _, confirmedMoment: __, ...entered } = (await stage.person(`p${n}@example.org`)) ?? {};
    t.match(await fresh.person(`p${n}@example.org`), { ...entered, company, status: 'confirmed' });
  }
  t.ok(await fresh.person('=x@example.org'));
  t.match(await fresh.events('p0@example.org'), [
    { detail: { consent: /^Double opt-in, asked 2027-01-04T09:00:00\.000Z by form, .*: I want to be told/ } },
  ]);
  t.match(await fresh.events('vip@example.org'), [{ detail: { consent: 'contract of 2026' } }]);
  t.same(await fresh.letters(), [], 'nobody is asked again');
});

t.test('who was brought by a file and never answers is removed as well', async (t) => {
  const stage = await openStage(t);
  await bring(stage, 'email\na@example.org\n');
  await stage.markAllSent();
  stage.clock.advance({ days: 10 });
  t.equal(await purgePending(stage.deps), 1);
});
