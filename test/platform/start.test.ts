import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { checkDatabase } from '../../src/database/check.js';
import { openDatabase } from '../support/database.js';
import { freePort, runCommand, temporaryFolder } from '../support/process.js';

t.setTimeout(120_000);

const waiting: (() => void)[] = [];
let free = 3;

const secret = 'a-secret-of-more-than-thirty-two-characters';

/** A wrong value of each setting, and what the one line has to begin with. */
const wrong: [string, Record<string, string>][] = [
  ['PORT', { PORT: '99999' }],
  ['HOST', { HOST: '203.0.113.7' }],
  ['HOST', { HOST: 'two words' }],
  ['PUBLIC_URL', { PUBLIC_URL: 'ftp://example.org' }],
  ['DATABASE_URL', { DATABASE_URL: 'example.org:5432', SECRET_KEY: secret }],
  ['DATABASE_URL', { DATABASE_URL: 'postgresql://u:hunter22@127.0.0.1:9/x', SECRET_KEY: secret }],
  ['DATABASE_URL', { DATABASE_URL: 'postgresql://u:hunter22@db.invalid/x', SECRET_KEY: secret }],
  ['SECRET_KEY', { DATABASE_URL: 'postgresql://127.0.0.1:9/x' }],
  ['SECRET_KEY', { SECRET_KEY: 'hunter22' }],
  ['SMTP_URL', { SMTP_URL: 'relay:25' }],
  ['MAIL_FROM', { MAIL_FROM: 'me' }],
  ['MAIL_RATE', { MAIL_RATE: 'many' }],
  ['MAIL_CONCURRENCY', { MAIL_CONCURRENCY: '-1' }],
  ['DKIM_KEY_FILE', { DKIM_DOMAIN: 'example.org', DKIM_SELECTOR: 'a', DKIM_KEY_FILE: '/nowhere.pem' }],
  ['ADMIN_EMAIL', { ADMIN_EMAIL: 'me', ADMIN_PASSWORD: 'correct horse battery' }],
  ['ADMIN_PASSWORD', { ADMIN_EMAIL: 'officer@example.org', ADMIN_PASSWORD: 'hunter22' }],
  ['ADMIN_TOKEN', { ADMIN_TOKEN: 'hunter2' }],
  ['TRUST_PROXY', { TRUST_PROXY: 'everybody' }],
  ['COMPANY_NAME', { COMPANY_NAME: 'Example\r\nBcc: b@evil.example' }],
  ['NOTICE_PERIOD_DAYS', { NOTICE_PERIOD_DAYS: 'soon' }],
  ['OBJECTION_DAYS', { OBJECTION_DAYS: '-3' }],
  ['TIME_ZONE', { TIME_ZONE: 'Brussels' }],
  ['HOLD_AFTER_HOURS', { HOLD_AFTER_HOURS: '0' }],
  ['LOG_LEVEL', { LOG_LEVEL: 'quiet' }],
];

t.test('a wrong setting stops the start with one line that names it', async (t) => {
  const tried = wrong.map(async ([name, env]) => {
    await turn();
    const { code, stdout, stderr } = await runCommand(['serve'], { DATA_DIR: temporaryFolder(t), ...env });
    done();
    const what = JSON.stringify(env);
    t.equal(code, 1, `${what}: exit code`);
    t.match(stderr, new RegExp(`^${name}: [^\\n]+\\n$`), `${what}: one line`);
    t.notMatch(stderr + stdout, /hunter2|\bat .*:\d+/, `${what}: neither secrets nor a stack`);
  });
  await Promise.all(tried);
});

t.test('several faults are told at once, a line each', async (t) => {
  const { code, stderr } = await runCommand(['serve'], { PORT: 'x', TIME_ZONE: 'y', LOG_LEVEL: 'z' });
  t.equal(code, 1);
  t.strictSame(
    stderr
      .trim()
      .split('\n')
      .map((line) => line.split(':')[0]),
    ['PORT', 'TIME_ZONE', 'LOG_LEVEL'],
  );
});

t.test('a data folder that is none', async (t) => {
  const file = join(temporaryFolder(t), 'file');
  writeFileSync(file, '');
  const { code, stderr } = await runCommand(['serve'], { DATA_DIR: file });
  t.equal(code, 1);
  t.match(stderr, /^DATA_DIR: [^\n]+\n$/);
});

t.test('a database that a newer build has migrated', async (t) => {
  const { url, pool } = await openDatabase(t);
  t.ok(Math.abs((await checkDatabase(pool)).clockAheadMs) < 1_000, 'its clock is compared with ours');
  await pool.query(`insert into migrations (number, name, checksum) values (999, '999_of_tomorrow.sql', '')`);
  const { code, stderr } = await runCommand(['migrate'], { DATABASE_URL: url, SECRET_KEY: secret });
  t.equal(code, 1);
  t.match(stderr, /^[^\n]*newer version of this service \(999_of_tomorrow\.sql\)[^\n]*\n$/, 'one line');
});

t.test('a port that another program has', async (t) => {
  const { url } = await openDatabase(t);
  const other = createServer().listen(await freePort(), '127.0.0.1');
  await once(other, 'listening');
  t.teardown(() => other.close());
  const address = other.address();
  const port = typeof address === 'object' && address !== null ? String(address.port) : '';
  const { code, stderr } = await runCommand(['serve'], {
    DATABASE_URL: url,
    SECRET_KEY: secret,
    SMTP_URL: 'smtp://127.0.0.1:9',
    PORT: port,
    LOG_LEVEL: 'silent',
  });
  t.equal(code, 1);
  t.match(stderr, /^PORT: [^\n]+\n$/);
});

t.test('words that are no command', async (t) => {
  t.match(await runCommand(['sevre']), { code: 2, stderr: /does not know "sevre"/ });
  t.match(await runCommand(['validate']), { code: 2, stderr: /validate needs FILE/ });
  t.match(await runCommand(['validate', 'a', 'b']), { code: 2, stderr: /"b"/ });
  t.match(await runCommand(['publish', '--wat']), { code: 2, stderr: /--wat/ });
  t.match(await runCommand(['--help']), { code: 0, stdout: /serve[\s\S]*token create/ });
  t.match(await runCommand(['publish', '--help']), { code: 0, stdout: /--effective-at/ });
});

/** Processes take turns, three at a time. */
async function turn(): Promise<void> {
  if (free > 0) free -= 1;
  else await new Promise<void>((resolve) => waiting.push(resolve));
}

function done(): void {
  const next = waiting.shift();
  if (next === undefined) free += 1;
  else next();
}
