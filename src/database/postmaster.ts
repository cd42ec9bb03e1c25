import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { OperatorError } from '../errors.js';
import type { Binaries } from './binaries.js';
import { command, giveTo, type RunAs } from './run-as.js';

/*
 * The server process of an embedded database: found, started, stopped. It is told from whatever else
 * has its number by looking, as PostgreSQL itself trusts any living process of that number.
 */

/** The one user of an embedded database. */
export const user = 'subnotice';
/** In the data folder, for the eyes of whoever starts the service. */
export const passwordName = 'subnotice-password';

const deadline = 60_000;
const mostLaunches = 4;

/** A data folder and how its server is run. */
export interface Server {
  binaries: Binaries;
  way: RunAs;
  dataDir: string;
  data: string;
  settings: Readonly<Record<string, string>>;
}

/** The running server's URL; starts it when none runs. */
export async function ready(server: Server, fixedPort?: number): Promise<{ url: string; port: number }> {
  const until = Date.now() + deadline;
  let problem = '';
  let port = 0;
  // A start may lose against another one, or its port be taken just then; it does not lose for ever.
  for (let launches = 0; Date.now() < until; ) {
    const running = readPostmaster(server.data);
    if (running === null) {
      if (launches === mostLaunches) break;
      launches += 1;
      // Not before: under a running server of another way its files must not change hands.
      giveTo(server.way, server.data);
      port = fixedPort ?? (await freePort());
      // Only now, when no server runs: one that another checkout started, as another user, has it open.
      giveTo(server.way, server.data);
      problem = await launch(server, port);
    } else {
      port = running.port;
      problem = `the server process ${running.pid} does not answer; end it and start again`;
    }
    const url = urlOf(server.data, port);
    if (problem === '' || running !== null) {
      if (await answers(url)) return { url, port };
    }
    await pause(100);
  }
  throw new OperatorError(`DATA_DIR: the database in ${server.dataDir} does not start: ${problem}`);
}

/**
 * The server that `postmaster.pid` tells of, if it lives. A stale file is removed: PostgreSQL trusts
 * any process of that number, also one that took it after a restart of the container, and a zombie
 * where nobody reaps (kill -9 in a container without an init).
 */
function readPostmaster(data: string): { pid: number; port: number } | null {
  const path = join(data, 'postmaster.pid');
  let lines: string[];
  try {
    lines = readFileSync(path, 'utf8').split('\n');
  } catch (error) {
    // None runs; or it has ended just now, and its last user took the file away.
    if (reason(error) === 'ENOENT') return null;
    throw error;
  }
  const pid = Number(lines[0]);
  if (Number.isInteger(pid) && pid > 0 && isServer(pid, data)) return { pid, port: Number(lines[3] ?? 0) };
  rmSync(path, { force: true });
  return null;
}

function isServer(pid: number, data: string): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives, and is another user's.
    if (reason(error) !== 'EPERM') return false;
  }
  if (process.platform !== 'linux') return true;
  try {
    // "pid (name) state …"
    const [, name, state] = /\((.*)\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
    if (name !== 'postgres' || state === 'Z' || state === 'X') return false;
  } catch {
    return false;
  }
  try {
    return realpathSync(`/proc/${pid}/cwd`) === data;
  } catch {
    // Not ours to look at: believe the name.
    return true;
  }
}

/** Empty when the server runs, else what it said. */
async function launch(server: Server, port: number): Promise<string> {
  const { binaries, way, data, dataDir } = server;
  const log = join(dataDir, 'postgres.log');
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    timezone: 'UTC',
    log_timezone: 'UTC',
    // Statements and rows of subscribers stay out of the log: what failed is reported by us.
    log_min_messages: 'fatal',
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
    ...server.settings,
  };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  if (process.platform === 'win32') return launchOnWindows(server, args, log);

  const out = openSync(log, 'w', 0o600);
  const { file, args: words, options } = command(way, binaries, binaries.postgres, ['-D', data, ...args]);
  // A session of its own: Ctrl-C goes to every process of a terminal, and would stop the database
  // while requests and mails in hand still need it.
  const child = spawn(file, words, { ...options, cwd: '/', detached: true, stdio: ['ignore', out, out] });
  closeSync(out);
  child.unref();
  const ended = Promise.race([
    once(child, 'exit').then(() => lastLine(log)),
    once(child, 'error').then(([error]) => String(error)),
  ]);
  const url = urlOf(data, port);
  let said: string | undefined;
  ended.then(
    (text) => {
      said = text;
    },
    (error: unknown) => {
      said = String(error);
    },
  );
  for (const until = Date.now() + deadline; Date.now() < until && said === undefined; ) {
    if (await answers(url)) return '';
    await pause(25);
  }
  return said ?? 'it does not answer';
}

/** pg_ctl gives up the rights of an administrator, with which the server does not run. */
function launchOnWindows({ binaries, data }: Server, args: readonly string[], log: string): string {
  const options = args.map((word) => (word === '-c' ? word : `"${word}"`)).join(' ');
  const done = spawnSync(binaries.pgCtl, ['start', '-w', '-D', data, '-l', log, '-o', options], { stdio: 'ignore' });
  return done.status === 0 ? '' : lastLine(log);
}

export async function stop({ binaries, data }: Server): Promise<void> {
  const running = readPostmaster(data);
  if (running === null) return;
  if (process.platform === 'win32') {
    spawnSync(binaries.pgCtl, ['stop', '-m', 'fast', '-w', '-D', data], { stdio: 'ignore' });
    return;
  }
  // SIGINT is PostgreSQL's fast shutdown: it ends sessions, writes a checkpoint and leaves.
  process.kill(running.pid, 'SIGINT');
  for (const until = Date.now() + deadline; Date.now() < until && isServer(running.pid, data); ) await pause(20);
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

function urlOf(data: string, port: number): string {
  const password = readFileSync(join(data, passwordName), 'utf8');
  return `postgresql://${user}:${password}@127.0.0.1:${port}/postgres`;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  return address.port;
}

function lastLine(log: string): string {
  const lines = readFileSync(log, 'utf8').trim().split('\n');
  return lines.at(-1) || 'it ended without a word';
}

export function reason(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : String(error);
}
