import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import type { Test } from 'tap';
import { findBinaries } from '../../src/database/binaries.js';
import { startEmbedded } from '../../src/database/embedded.js';
import { createPool } from '../../src/database/pool.js';
import { ready, type Server, stop } from '../../src/database/postmaster.js';
import { runAs } from '../../src/database/run-as.js';
import { freePort, temporaryFolder, until } from './process.js';

/** A PostgreSQL of one test alone, which nobody brings back but the test. */
export interface OwnPostgres {
  /** The same after every start. */
  url: string;
  pool: pg.Pool;
  start(): Promise<void>;
  /** As an administrator does: sessions are ended, everything is written. */
  stop(): Promise<void>;
  /** `kill -9` of the postmaster: nothing is written, and the next start recovers. */
  kill(): void;
}

/** Starts one with durable commits; only a power cut could lose something (fsync is off). */
export async function startOwnPostgres(t: Test): Promise<OwnPostgres> {
  const dataDir = temporaryFolder(t);
  const data = join(dataDir, 'postgres');
  await (await startEmbedded({ dataDir, service: false })).close();
  const binaries = await findBinaries(null);
  const settings = { fsync: 'off', shared_buffers: '64MB' };
  const server: Server = { binaries, way: runAs(binaries, dataDir, data), dataDir, data, settings };
  const port = await freePort();
  const start = async () => {
    // Right after a kill the children of the dead server may still be there, and the first tries fail.
    await until('the database server', () => ready(server, port).catch(() => null), 60_000);
  };
  t.teardown(() => stop(server));
  await start();
  const { url } = await ready(server, port);
  const pool = createPool(url);
  t.teardown(() => pool.end());
  return {
    url,
    pool,
    start,
    stop: () => stop(server),
    kill: () => void process.kill(Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0]), 'SIGKILL'),
  };
}
