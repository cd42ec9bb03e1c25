import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { Test } from 'tap';
import { startEmbedded } from '../../src/database/embedded.js';
import { migrate } from '../../src/database/migrate.js';
import { createPool } from '../../src/database/pool.js';

/**
 * One PostgreSQL for all test files of this user, whether they run together or one alone: the first
 * starts it, the others join it, the last stops it. Nothing is lost when it dies, so it may be fast.
 */
export function startTestServer() {
  return startEmbedded({
    dataDir: serverFolder(),
    service: false,
    settings: {
      fsync: 'off',
      synchronous_commit: 'off',
      full_page_writes: 'off',
      max_connections: '400',
      shared_buffers: '64MB',
    },
  });
}

export interface TestDatabase {
  url: string;
  pool: pg.Pool;
}

/**
 * A migrated database of its own, gone at the end of `t`, unless it failed: then it stays and the
 * output names it. `empty`: one without tables.
 */
export async function openDatabase(t: Test, options: { empty?: boolean } = {}): Promise<TestDatabase> {
  const server = await startTestServer();
  const admin = new pg.Client(server.url);
  await admin.connect();
  const template = options.empty === true ? 'template0' : await ensureTemplate(admin, server.url);
  counter += 1;
  const name = `test_${process.pid}_${process.hrtime.bigint()}_${counter}`;
  await admin.query(`create database ${name} template ${template} strategy file_copy`);
  const url = onDatabase(server.url, name);
  const pool = createPool(url);
  // Run last: what the test opens after this call is torn down before it.
  t.teardown(async () => {
    await pool.end();
    if (t.passing()) await admin.query(`drop database if exists ${name} with (force)`);
    else t.comment(`the database is kept for a look: ${url}`);
    await admin.end();
    await server.close();
  });
  return { url, pool };
}

/**
 * Takes a database away: whoever uses it loses the connection and gets no new one.
 * @returns gives it back
 */
export async function withholdDatabase(url: string): Promise<() => Promise<void>> {
  const name = new URL(url).pathname.slice(1);
  const run = async (...statements: string[]) => {
    const admin = new pg.Client(onDatabase(url, 'postgres'));
    await admin.connect();
    for (const statement of statements) await admin.query(statement);
    await admin.end();
  };
  await run(
    `alter database ${name} with allow_connections false`,
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`,
  );
  return () => run(`alter database ${name} with allow_connections true`);
}

let counter = 0;

/** Databases of earlier runs that nobody needs: failed tests of processes that are gone. */
export async function dropLeftovers(serverUrl: string): Promise<void> {
  const admin = new pg.Client(serverUrl);
  await admin.connect();
  try {
    const { rows } = await admin.query<{ datname: string }>(
      `select datname from pg_database d where datname like 'test\\_%'
       and not exists (select from pg_stat_activity a where a.datid = d.oid)`,
    );
    for (const { datname } of rows) {
      const pid = Number(datname.split('_')[1]);
      if (!isAlive(pid)) await admin.query(`drop database if exists ${datname} with (force)`);
    }
  } finally {
    await admin.end();
  }
}

/** Made once for each state of sql/, by whoever comes first. */
async function ensureTemplate(admin: pg.Client, serverUrl: string): Promise<string> {
  const folder = new URL('../../sql/', import.meta.url);
  const hash = createHash('sha256');
  for (const file of readdirSync(folder).sort()) hash.update(file).update(readFileSync(new URL(file, folder)));
  const name = `template_${hash.digest('hex').slice(0, 16)}`;
  await admin.query('select pg_advisory_lock(1)');
  try {
    const found = await admin.query('select from pg_database where datname = $1', [name]);
    if (found.rowCount === 0) {
      const making = `${name}_making`;
      await admin.query(`drop database if exists ${making} with (force)`);
      await admin.query(`create database ${making} template template0`);
      const pool = createPool(onDatabase(serverUrl, making));
      try {
        await migrate(pool, folder);
      } finally {
        await pool.end();
      }
      await admin.query(`alter database ${making} rename to ${name}`);
    }
  } finally {
    await admin.query('select pg_advisory_unlock(1)');
  }
  return name;
}

function onDatabase(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

function serverFolder(): string {
  const uid = process.getuid?.() ?? 0;
  const folder = join(tmpdir(), `subnotice-tests-${uid}`);
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  if (process.getuid !== undefined && statSync(folder).uid !== uid) {
    throw new Error(`${folder} belongs to another user; remove it, or set TMPDIR`);
  }
  return folder;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
