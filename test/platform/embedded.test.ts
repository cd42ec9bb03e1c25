import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import pg from 'pg';
import t, { type Test } from 'tap';
import { startEmbedded } from '../../src/database/embedded.js';
import { OperatorError } from '../../src/errors.js';
import { temporaryFolder, until } from '../support/process.js';
import { loaders, programPath } from '../support/program.js';

t.setTimeout(120_000);

const isRoot = process.getuid?.() === 0;
const program = programPath('test/support/hold-database');

t.test('the data is there again after a stop and a start', async (t) => {
  const dataDir = temporaryFolder(t);
  const first = await startEmbedded({ dataDir, service: true });
  await query(first.url, 'create table kept as select 42 as answer');
  await first.close();
  await t.rejects(query(first.url, 'select 1'), 'the server is gone after close');

  const second = await startEmbedded({ dataDir, service: true });
  t.strictSame(await query(second.url, 'select answer from kept'), [{ answer: 42 }]);
  t.strictSame(
    await query(second.url, `select lower('ÄÖÜ Ł') as lower, current_setting('server_encoding') as encoding`),
    [{ lower: 'äöü ł', encoding: 'UTF8' }],
    'letters beyond ASCII are letters',
  );
  await second.close();
});

t.test('only this user of this machine can get at it', async (t) => {
  const dataDir = temporaryFolder(t);
  const database = await startEmbedded({ dataDir, service: true });
  t.teardown(() => database.close());
  const { hostname, password } = new URL(database.url);
  t.equal(hostname, '127.0.0.1');
  t.strictSame(await query(database.url, 'show listen_addresses'), [{ listen_addresses: '127.0.0.1' }]);
  t.strictSame(await query(database.url, 'show unix_socket_directories'), [{ unix_socket_directories: '' }]);
  t.equal(statSync(join(dataDir, 'postgres', 'subnotice-password')).mode & 0o777, 0o600);
  t.ok(password.length >= 32);
  await t.rejects(query(database.url.replace(password, 'guessed'), 'select 1'), { code: '28P01' });
});

t.test('a second service on the folder is refused in one line and disturbs nothing', async (t) => {
  const dataDir = temporaryFolder(t);
  const first = await startEmbedded({ dataDir, service: true });
  t.teardown(() => first.close());
  const refused = await startEmbedded({ dataDir, service: true }).catch((error: unknown) => error);
  t.ok(refused instanceof OperatorError);
  t.match(String(refused), /DATA_DIR: .* is in use/);
  t.notMatch(refused instanceof Error ? refused.message : '', /\n/);
  t.strictSame(await query(first.url, 'select 1 as one'), [{ one: 1 }]);

  const command = await startEmbedded({ dataDir, service: false });
  t.equal(command.url, first.url, 'a command joins the running server');
  await command.close();
  t.strictSame(await query(first.url, 'select 1 as one'), [{ one: 1 }], 'and leaves it running');
});

t.test('a service that starts while a command works keeps the server when the command ends', async (t) => {
  const dataDir = temporaryFolder(t);
  const command = await startEmbedded({ dataDir, service: false });
  const service = await startEmbedded({ dataDir, service: true });
  await command.close();
  t.strictSame(await query(service.url, 'select 1 as one'), [{ one: 1 }]);
  await service.close();
  await t.rejects(query(service.url, 'select 1'));
});

t.test('five starts at once on an empty folder: one service, one database', async (t) => {
  const dataDir = temporaryFolder(t);
  const starts = await Promise.allSettled(Array.from({ length: 5 }, () => startEmbedded({ dataDir, service: true })));
  const [running, ...others] = starts.filter((start) => start.status === 'fulfilled');
  t.equal(others.length, 0);
  t.strictSame(await query(running?.value.url ?? '', 'select 1 as one'), [{ one: 1 }]);
  await running?.value.close();
  t.strictSame(
    readdirSync(dataDir).filter((name) => name.includes('making')),
    [],
  );
});

t.test('kill -9 of the service: the next start takes the server over, with all that was committed', async (t) => {
  const dataDir = temporaryFolder(t);
  const child = await hold(t, dataDir);
  await query(child.url, 'create table kept as select 42 as answer');
  child.process.kill('SIGKILL');
  await once(child.process, 'close');

  const next = await startEmbedded({ dataDir, service: true });
  t.teardown(() => next.close());
  t.equal(next.url, child.url, 'the server itself went on');
  t.strictSame(await query(next.url, 'select answer from kept'), [{ answer: 42 }]);
});

t.test('kill -9 of the service and of the server: recovered', async (t) => {
  const dataDir = temporaryFolder(t);
  const child = await hold(t, dataDir);
  await query(child.url, 'create table kept as select 42 as answer');
  child.process.kill('SIGKILL');
  process.kill(pidIn(dataDir), 'SIGKILL');
  await once(child.process, 'close');

  const next = await startEmbedded({ dataDir, service: true });
  t.teardown(() => next.close());
  t.strictSame(await query(next.url, 'select answer from kept'), [{ answer: 42 }]);
});

t.test('the server dies under a running service: it comes back at the same address', async (t) => {
  const dataDir = temporaryFolder(t);
  const database = await startEmbedded({ dataDir, service: true });
  t.teardown(() => database.close());
  process.kill(pidIn(dataDir), 'SIGKILL');
  await until('the database', async () => query(database.url, 'select 1 as one').catch(() => null));
  await until('the locks', async () => {
    const locks = await query(database.url, `select from pg_locks where locktype = 'advisory'`);
    return locks.length === 2;
  });
  await t.rejects(startEmbedded({ dataDir, service: true }), OperatorError, 'the folder is marked as in use again');
});

t.test('a process number that was given away is not taken for the server', async (t) => {
  const dataDir = temporaryFolder(t);
  const first = await startEmbedded({ dataDir, service: true });
  const stale = readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8');
  await first.close();
  // As after the restart of a container, in which another program got the number.
  writeFileSync(join(dataDir, 'postgres', 'postmaster.pid'), stale.replace(/^\d+/, String(process.pid)));
  const next = await startEmbedded({ dataDir, service: true });
  t.strictSame(await query(next.url, 'select 1 as one'), [{ one: 1 }]);
  await next.close();
});

t.test('a folder that cannot be made is told in one line', async (t) => {
  const dataDir = join(temporaryFolder(t), 'file');
  writeFileSync(dataDir, '');
  await t.rejects(startEmbedded({ dataDir, service: true }), { message: /^DATA_DIR: .* cannot be written/ });
});

t.test('root, below a folder that only root may enter', { skip: isRoot ? false : 'not root' }, async (t) => {
  const closed = temporaryFolder(t);
  chmodSync(closed, 0o700);
  const dataDir = join(closed, 'data');
  const first = await startEmbedded({ dataDir, service: true });
  await query(first.url, 'create table kept as select 42 as answer');
  await first.close();

  chmodSync(closed, 0o755);
  const second = await startEmbedded({ dataDir, service: true });
  t.strictSame(await query(second.url, 'select answer from kept'), [{ answer: 42 }], 'also when it is opened later');

  chmodSync(closed, 0o700);
  const command = await startEmbedded({ dataDir, service: false });
  await query(command.url, 'create table more as select * from kept');
  await command.close();
  t.strictSame(await query(second.url, 'select answer from more'), [{ answer: 42 }], 'or closed while it runs');
  await second.close();
});

t.test('an ordinary user, and root on that user’s data', { skip: cannotTryNobody() }, async (t) => {
  const home = temporaryFolder(t);
  chmodSync(home, 0o755);
  const dataDir = join(home, 'data');
  mkdirSync(dataDir);
  chownSync(dataDir, 65534, 65534);
  const child = await hold(t, dataDir, { uid: 65534, gid: 65534 });
  await query(child.url, 'create table kept as select 42 as answer');
  child.process.stdin.end();
  await once(child.process, 'close');
  t.equal(child.process.exitCode, 0);

  const asRoot = await startEmbedded({ dataDir, service: true });
  t.strictSame(await query(asRoot.url, 'select answer from kept'), [{ answer: 42 }]);
  await asRoot.close();
  t.equal(statSync(join(dataDir, 'postgres', 'PG_VERSION')).uid, 65534, 'the data stays the user’s');
});

/** Why another user cannot be tried here; false: it can. */
function cannotTryNobody(): string | false {
  if (!isRoot) return 'not root';
  for (let folder = program; folder !== dirname(folder); folder = dirname(folder)) {
    if ((statSync(dirname(folder)).mode & 0o001) === 0) return 'this checkout is closed to other users';
  }
  return false;
}

async function query(url: string, text: string): Promise<object[]> {
  const client = new pg.Client(url);
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

/** The database held by a process of its own, which can be killed. */
async function hold(t: Test, dataDir: string, as: { uid?: number; gid?: number } = {}) {
  const child: ChildProcessWithoutNullStreams = spawn(process.execPath, [...loaders, program, dataDir], {
    ...as,
    cwd: '/',
    env: { PATH: '/usr/bin:/bin', HOME: '/tmp' },
  });
  t.teardown(() => child.kill('SIGKILL'));
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const url = await Promise.race([
    once(child.stdout.setEncoding('utf8'), 'data').then(([text]) => String(text).trim()),
    once(child, 'close').then(() => Promise.reject(new Error(`it ended: ${output}`))),
  ]);
  return { process: child, url };
}

function pidIn(dataDir: string): number {
  return Number(readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);
}
