import { readFileSync, writeFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { parse } from 'yaml';
import { githubAnnotations } from '../../src/cli/annotations.js';
import { runCommandLine } from '../../src/cli/run.js';
import { readConfig } from '../../src/config.js';
import { fanOut } from '../../src/notices/fan-out.js';
import { listYaml, newVendor } from '../pages/support.js';
import { openDatabase } from '../support/database.js';
import { temporaryFolder } from '../support/process.js';

/** A repository with the list in it, and the command line beside the service's database. */
async function repository(t: Test) {
  const database = await openDatabase(t);
  const folder = temporaryFolder(t);
  const config = readConfig({
    DATABASE_URL: database.url,
    SMTP_URL: 'smtp://127.0.0.1:9',
    SECRET_KEY: 'a-secret-key-that-only-the-tests-use',
    LOG_LEVEL: 'silent',
  });
  const run = async (...words: string[]) => {
    const said: string[] = [];
    const complained: string[] = [];
    const code = await runCommandLine(words, {
      config: () => config,
      say: (line) => void said.push(line),
      complain: (line) => void complained.push(line),
      stay: async () => undefined,
    });
    return { code, said: said.join('\n'), complained: complained.join('\n') };
  };
  const write = (text: string, name = 'list.yaml') => {
    writeFileSync(`${folder}/${name}`, text);
    return `${folder}/${name}`;
  };
  return { run, write, folder, database };
}

t.test('a list that is kept in a repository is planned, published, and comes back byte for byte', async (t) => {
  const { run, write, folder, database } = await repository(t);
  const file = write(listYaml());
  const first = await run('plan', file);
  t.match(first, { code: 0, said: /Version 1, .*\nVersion 1: nobody is told/s });
  t.equal((await run('publish', file)).code, 0);
  t.match(await run('plan', file, '--exit-code'), { code: 0, said: /Nothing changes/ });

  const people = write('email,status,consent\nann@example.org,confirmed,by contract\nnobody\n', 'people.csv');
  const imported = await run('subscribers', 'import', people);
  t.match(imported, { code: 0, said: '1 imported, 0 updated, 1 skipped.', complained: /people\.csv:3: / });
  const changed = write(listYaml(newVendor));
  const plan = await run('plan', changed, '--exit-code');
  t.equal(plan.code, 4, 'a new vendor is material');
  t.match(plan.said, /Version 2, material change/);
  t.match(plan.said, /Letterbird, Inc\./);
  t.match(plan.said, /Earliest lawful date: /);
  t.match(plan.said, /Recipients: 1\n {2}1 with 30 days of notice/);
  const json = JSON.parse((await run('plan', changed, '--json')).said);
  t.match(json, {
    version: 2,
    severity: 'material',
    recipients: 1,
    changes: [{ kind: 'sub-processor-added', id: 'letterbird' }],
  });
  const { rows } = await database.pool.query('select count(*)::int as versions from versions');
  t.same(rows, [{ versions: 1 }], 'a plan writes nothing');
  t.match(await run('plan', write('title: [\n', 'broken.yaml')), { code: 1 });
  t.match(await run('plan', `${folder}/none.yaml`), { code: 1, complained: /cannot be read/ });

  t.equal((await run('publish', changed)).code, 0);
  const [once, twice] = [`${folder}/once.yaml`, `${folder}/twice.yaml`];
  t.equal((await run('export', once)).code, 0);
  t.same(parse(readFileSync(once, 'utf8')).subProcessors.length, parse(listYaml(newVendor)).subProcessors.length);
  t.equal((await run('validate', once)).code, 0);
  t.match(await run('plan', once, '--exit-code'), { code: 0, said: /Nothing changes/ });
  await run('export', twice);
  t.equal(readFileSync(twice, 'utf8'), readFileSync(once, 'utf8'), 'the same bytes');
  t.match(await run('export', '--version', '1'), { code: 0, said: /^title: / });
  t.notMatch((await run('export', '--version', '1')).said, 'Letterbird');
  t.match(await run('export', '--draft'), { code: 0, said: /Letterbird/ });
  t.match(await run('export', '--version', '9'), { code: 1 });
  t.match(await run('export', '--version', 'x'), { code: 2 });

  await t.resolves(fanOut({ db: database.pool, now: () => new Date() }));
  const report = await run('report', '2');
  t.match(report, {
    code: 0,
    said: /^Version 2 \(announced\), [0-9a-f]{64}\n.*1 queued; not complete yet\nqueued\t-\tann@example\.org$/s,
  });
  const [facts, one] = (await run('report', '2', '--json')).said.split('\n').map((line) => JSON.parse(line));
  t.match(
    [facts, one],
    [
      { version: { version: 2 }, counts: { queued: 1 }, complete: false },
      { email: 'ann@example.org', state: 'queued' },
    ],
  );
  t.match(await run('report', '9'), { code: 1 });
  t.match(await run('report', 'two'), { code: 2 });

  const reworded = write(listYaml(newVendor).replace('title: ', 'introduction: Hello.\ntitle: '));
  t.equal((await run('plan', reworded, '--exit-code')).code, 3, 'wording is a change, and not a material one');
  t.match((await run('subscribers', 'export')).said, /ann@example\.org/);
});

t.test(
  'a fault is shown beside its line where a pipeline runs, and nothing in a file gives orders there',
  async (t) => {
    const { run, write } = await repository(t);
    const file = write(
      'title: Sub-processors\ndataSubjects: []\nsubProcessors:\n  - name: "50 % Ltd"\n    country: "a\\n::stop"\n',
    );
    const github = await run('validate', file, '--format', 'github');
    t.equal(github.code, 1);
    t.match(github.said, /^::error file=[^:,]*list\.yaml,line=5,title=subProcessors\.0\.country::/);
    t.equal(github.said.split('\n').length, 1, 'one fault is one line');
    t.notMatch(github.said, /\n::stop/);
    t.match(github.complained, /list\.yaml:5: subProcessors\.0\.country: /);
    t.same(githubAnnotations('./a,b.yaml', [{ path: '', message: '100 %: a\r\nb' }]), [
      '::error file=a%2Cb.yaml,title=Sub-processor list::100 %25: a%0D%0Ab',
    ]);

    const gitlab = await run('validate', file, '--format', 'gitlab');
    t.match(JSON.parse(gitlab.said), [
      {
        description: /^subProcessors\.0\.country: /,
        fingerprint: /^[0-9a-f]{64}$/,
        severity: 'blocker',
        location: { path: /list\.yaml$/, lines: { begin: 5 } },
      },
    ]);
    const good = write(listYaml());
    t.match(await run('validate', good, '--format', 'gitlab'), { code: 0, said: '[]' });
    t.match(await run('validate', good, '--format', 'github'), { code: 0, said: /valid, 1 sub-processors/ });
    t.match(await run('validate', good, '--format', 'x'), { code: 2 });
  },
);
