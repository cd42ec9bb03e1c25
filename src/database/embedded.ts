import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { OperatorError } from '../errors.js';
import { type Binaries, findBinaries } from './binaries.js';
import { passwordName, ready, reason, type Server, stop, user } from './postmaster.js';
import { command, type RunAs, runAs } from './run-as.js';

/**
 * The PostgreSQL of a checkout: the programs come from npm, the data lies in `DATA_DIR/postgres`.
 *
 * The server is a process of its own that outlives a kill -9 of ours; the next start then adopts it.
 * It listens on 127.0.0.1 only, on a port that is free at its start, without socket files (those in
 * /tmp are open to others and block a restart), with a random password that only this user can read.
 */
export interface EmbeddedDatabase {
  url: string;
  /** Stops the server, unless another process of this data folder still uses it. */
  close(): Promise<void>;
}

export interface EmbeddedOptions {
  dataDir: string;
  /** The service, of which there is one a data folder; false: a command beside it, or tests. */
  service: boolean;
  /** Settings of the server, as for `postgres -c`. */
  settings?: Readonly<Record<string, string>>;
}

/** Who uses the server holds the first shared; the one service holds the second. */
const usersLock = 7_305_230;
const serviceLock = 7_305_231;

/**
 * Starts the server of `dataDir`, or joins it when it runs already.
 * @throws OperatorError in one line when the data folder is in use by a service, cannot be used, or
 *   PostgreSQL cannot run here
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedDatabase> {
  const dataDir = makeFolder(options.dataDir);
  const data = join(dataDir, 'postgres');
  const binaries = await findBinaries(majorOf(data));
  const way = runAs(binaries, dataDir, data);
  if (majorOf(data) === null) initialise(binaries, way, dataDir, data);

  const server = { binaries, way, dataDir, data, settings: options.settings ?? {} };
  const { url, port, holder: first } = await joinServer(server, options.service);
  let holder = first;
  let closing = false;

  // The locks live as long as their connection. When it is lost though nobody closes (the server was
  // restarted, or died), bring the server back on the same port and take them again.
  let restoring = Promise.resolve();
  const watch = () => {
    holder.once('end', () => {
      if (!closing) restoring = restore();
    });
  };
  const restore = async (): Promise<void> => {
    while (!closing) {
      try {
        await pause(500);
        await ready(server, port);
        holder = await hold(url, options.service, dataDir);
        return watch();
      } catch {
        // Tried again; the pools of the service report meanwhile that the database is away.
      }
    }
  };
  watch();

  return {
    url,
    async close() {
      closing = true;
      await restoring;
      const last = await isLast(holder);
      await holder.end().catch(() => undefined);
      if (last) await stop(server);
    },
  };
}

/** A server that stops just then, as its last user leaves, is started anew. */
async function joinServer(server: Server, service: boolean) {
  for (let attempt = 1; ; attempt++) {
    const { url, port } = await ready(server);
    try {
      return { url, port, holder: await hold(url, service, server.dataDir) };
    } catch (error) {
      if (error instanceof OperatorError || attempt === 5) throw error;
      await pause(100);
    }
  }
}

function makeFolder(path: string): string {
  try {
    // Root's server runs as another user, who must be able to pass.
    mkdirSync(path, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 });
    const probe = join(path, `.writable-${process.pid}`);
    writeFileSync(probe, '');
    rmSync(probe);
    return realpathSync(path);
  } catch (error) {
    throw new OperatorError(
      `DATA_DIR: ${path} cannot be written (${reason(error)}); name a folder that belongs to the user who starts the service`,
    );
  }
}

function majorOf(data: string): number | null {
  try {
    return Number.parseInt(readFileSync(join(data, 'PG_VERSION'), 'utf8'), 10);
  } catch (error) {
    if (reason(error) === 'ENOENT') return null;
    throw new OperatorError(
      `DATA_DIR: ${data} cannot be read (${reason(error)}); start the service as the user who made it`,
    );
  }
}

/** Made beside its place and moved there whole, so that an interrupted first start leaves nothing half. */
function initialise(binaries: Binaries, way: RunAs, dataDir: string, data: string): void {
  const making = join(dataDir, `postgres.making-${randomBytes(6).toString('hex')}`);
  const passwordFile = `${making}.password`;
  const password = randomBytes(24).toString('base64url');
  try {
    mkdirSync(making, { mode: 0o700 });
    writeFileSync(passwordFile, password, { mode: 0o600 });
    if (way.owner !== null) {
      chownSync(making, way.owner.uid, way.owner.gid);
      chownSync(passwordFile, way.owner.uid, way.owner.gid);
    }
    // The builtin locale is the same on every system and never asks for a re-index; people's names
    // are sorted in Node. Before 17 there is none.
    const locale =
      binaries.major >= 17
        ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C']
        : [process.platform === 'darwin' ? '--locale=C' : '--locale=C.UTF-8'];
    const { file, args, options } = command(way, binaries, binaries.initdb, [
      `--pgdata=${making}`,
      `--username=${user}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--no-instructions',
      ...locale,
    ]);
    const made = spawnSync(file, args, { ...options, cwd: '/', encoding: 'utf8' });
    if (made.status !== 0) {
      const said = `${made.stderr ?? ''}${made.error?.message ?? ''}`.trim().split('\n')[0];
      throw new OperatorError(
        `DATA_DIR: the embedded PostgreSQL could not be set up: ${said}; set DATABASE_URL instead`,
      );
    }
    writeFileSync(join(making, passwordName), password, { mode: 0o600 });
    try {
      renameSync(making, data);
    } catch (error) {
      // Another start was first; its data is as good.
      if (majorOf(data) === null) throw error;
    }
  } finally {
    rmSync(making, { recursive: true, force: true });
    rmSync(passwordFile, { force: true });
  }
}

/** Opens the connection that says "in use". */
async function hold(url: string, service: boolean, dataDir: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: 'subnotice in use', keepAlive: true });
  client.on('error', () => undefined);
  await client.connect();
  await client.query('select pg_advisory_lock_shared($1)', [usersLock]);
  if (!service) return client;
  // After a kill -9 the server may need a moment to notice that the earlier holder is gone.
  for (const until = Date.now() + 2_000; ; await pause(50)) {
    const { rows } = await client.query<{ taken: boolean }>('select pg_try_advisory_lock($1) as taken', [serviceLock]);
    if (rows[0]?.taken === true) return client;
    if (Date.now() > until) break;
  }
  await client.end();
  throw new OperatorError(
    `DATA_DIR: ${dataDir} is in use by a service that runs already; stop that one, or start this one with another DATA_DIR`,
  );
}

/** Whether nobody else holds the server; from then on nobody can come to hold it. */
async function isLast(holder: pg.Client): Promise<boolean> {
  try {
    await holder.query('select pg_advisory_unlock_shared($1)', [usersLock]);
    const { rows } = await holder.query<{ last: boolean }>('select pg_try_advisory_lock($1) as last', [usersLock]);
    return rows[0]?.last === true;
  } catch {
    // The connection is gone, and with it the knowledge: leave the server to the next start.
    return false;
  }
}
