import { readFileSync, writeFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { runCommandLine } from '../../src/cli/run.js';
import { readConfig } from '../../src/config.js';
import { readDraft } from '../../src/versions/draft.js';
import { openDatabase } from '../support/database.js';
import { temporaryFolder } from '../support/process.js';

/** The command line beside the service's database; `answer`: somebody sits at the terminal and says so. */
async function desk(t: Test) {
  const { pool, url } = await openDatabase(t);
  const folder = temporaryFolder(t);
  const config = readConfig({
    DATABASE_URL: url,
    SMTP_URL: 'smtp://127.0.0.1:9',
    SECRET_KEY: 'a-secret-key-that-only-the-tests-use',
    LOG_LEVEL: 'silent',
  });
  const as = async (answer: string | null, words: readonly string[]) => {
    const said: string[] = [];
    const complained: string[] = [];
    const asked: string[] = [];
    const code = await runCommandLine(['import', ...words], {
      config: () => config,
      say: (line) => void said.push(line),
      complain: (line) => void complained.push(line),
      stay: async () => undefined,
      ...(answer === null
        ? {}
        : {
            ask: async (question) => {
              asked.push(question);
              return answer;
            },
          }),
    });
    return { code, said: said.join('\n'), complained: complained.join('\n'), asked };
  };
  return {
    run: (...words: string[]) => as(null, words),
    asked: (answer: string, ...words: string[]) => as(answer, words),
    write: (text: string, name: string) => {
      writeFileSync(`${folder}/${name}`, text);
      return `${folder}/${name}`;
    },
    names: async () => (await readDraft(pool))?.document.subProcessors.map(({ id, name }) => `${id}: ${name}`),
  };
}

t.test(
  'a file is told row by row, its mapping written, edited and used; a script gets it into the draft',
  async (t) => {
    const { run, write, names } = await desk(t);
    const file = write('Name;Wherefore;Location\nAcme;Mail;Germany\nRedis Labs;\u001b[31mCache;France\n', 'list.csv');
    const looked = await run(file, '--dry-run');
    t.match(looked, { code: 0, said: /list\.csv: csv, utf-8, 1 tables, 2 rows: 2 sub-processors/ });
    t.match(looked.said, /Name → name\n.*Wherefore → not imported\n.*Location → dataLocations/);
    t.match(looked.said, /list\.csv:2: Wherefore: “Mail” \(column not imported\)/);
    t.notMatch(looked.said, '\u001b', 'a file does not steer the terminal');
    t.match(looked.said, /The draft: 2 sub-processors added[\s\S]*Nothing was written\.$/);
    t.equal(await names(), undefined);

    const mapping = await run(file, '--print-mapping');
    const edited = write(mapping.said.replace(/"ignore"(?=,\s*"dataLocations")/, '"purposes"'), 'mapping.json');
    const json = await run(file, '--mapping', edited, '--json');
    t.equal(json.code, 0, json.complained);
    t.match(JSON.parse(json.said), { applied: true, revision: 1, rows: [{ left: [] }, {}], suggestions: [] });
    t.same(await names(), ['acme: Acme', 'redis-labs: Redis Labs']);

    // Nobody is there to be asked: what would leave stays.
    const next = write('| Name | Location |\n|---|---|\n| Redis | France |\n', 'list.md');
    const kept = await run(next);
    t.match(kept, { code: 1, said: /Redis Labs \(redis-labs\) → Redis \(redis\)/, complained: /say --yes/ });
    t.equal((await names())?.length, 2);
    t.match(await run(next, '--mode', 'merge', '--same', 'redis-labs=redis'), { code: 0, said: /It is in the draft/ });
    t.same(await names(), ['acme: Acme', 'redis-labs: Redis']);
    t.match(await run(next, '--yes'), { code: 0, said: /Acme[\s\S]*It is in the draft \(revision 3\)/ });
    t.same(await names(), ['redis-labs: Redis']);
  },
);

t.test('whoever sits at the terminal is asked; wrong use and wrong files are told apart', async (t) => {
  const { run, asked, write, names } = await desk(t);
  const file = write('Name\tLocation\nAcme\tGermany\n', 'list.tsv');
  t.match(await asked('', file), { code: 0, said: /Nothing was written/, asked: [/Take it into the draft/] });
  t.equal(await names(), undefined);
  t.match(await asked('y', file), { code: 0, said: /It is in the draft/ });
  t.match(await asked('no', file, '--yes'), { code: 0, asked: [] });
  t.match(await run(file, '--mode', 'all'), { code: 2, complained: /replace .*merge/ });
  t.match(await run(file, '--same', 'a'), { code: 2 });
  t.match(await run(file, '--same', 'a=b'), { code: 2, complained: /none of the pairs/ });
  t.match(await run(), { code: 2 });
  t.match(await run(write('%PDF-1.7', 'list.pdf')), { code: 1, complained: /PDF/ });
  t.match(await run(`${file}.none`), { code: 1, complained: /cannot be read/ });
  t.match(await run(file, '--mapping', file), { code: 1, complained: /no mapping/ });
  const all = JSON.stringify({ tables: [{ use: 'ignore', headingAs: 'ignore', columns: [] }] });
  t.match(await run(file, '--mapping', write(all, 'none.json')), { code: 1, complained: /No row was understood/ });
  t.same(await names(), ['acme: Acme']);
});

t.test('a list as it is published comes in whole', async (t) => {
  const { run } = await desk(t);
  const path = new URL('../cases/lists/range/v8.md', import.meta.url).pathname;
  const report = JSON.parse((await run(path, '--json')).said);
  t.match(report, { applied: true, format: 'markdown' });
  const rows = readFileSync(path, 'utf8').match(/^\|/gm)?.length ?? 0;
  t.ok(report.entries > 5 && report.entries <= rows, `${report.entries} entries of ${rows} lines`);
});
