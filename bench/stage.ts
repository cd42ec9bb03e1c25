import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { startEmbedded } from '../src/database/embedded.js';
import { migrate } from '../src/database/migrate.js';
import { createPool } from '../src/database/pool.js';
import { listBefore } from './list.js';
import { cpuOfFamily, freePort, type Program, start } from './program.js';

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const token = randomBytes(24).toString('base64url');
const secret = randomBytes(32).toString('base64url');
const bearer = { authorization: `Bearer ${token}` };
const json = { ...bearer, 'content-type': 'application/json' };

/** A PostgreSQL of the benchmark's own (fsync on, as in production), and databases with people in them. */
export interface Stage {
  /** A database with so many confirmed subscribers and version 1 published. */
  prepare(recipients: number): Promise<string>;
  /** A database with the tables and nothing in them. */
  empty(): Promise<string>;
  dkim: { domain: string; selector: string; keyFile: string; privateKey: string };
  folder: string;
  /** Seconds of CPU that PostgreSQL has used so far. */
  databaseCpu(): number;
  close(): Promise<void>;
}

export async function openStage(): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'subnotice-bench-'));
  const server = await startEmbedded({
    dataDir: folder,
    service: false,
    settings: { max_wal_size: '4GB', shared_buffers: '256MB' },
  });
  const admin = new pg.Client(server.url);
  await admin.connect();
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const keyFile = join(folder, 'dkim.pem');
  writeFileSync(keyFile, privateKey);
  let made = 0;
  const templates = new Map<number, string>();
  const urlOf = (name: string) => Object.assign(new URL(server.url), { pathname: `/${name}` }).href;

  const create = async (name: string) => {
    await admin.query(`create database ${name}`);
    const pool = createPool(urlOf(name));
    await migrate(pool, new URL('../sql/', import.meta.url));
    return pool;
  };

  const template = async (recipients: number) => {
    const name = templates.get(recipients) ?? `people_${recipients}`;
    if (templates.has(recipients)) return name;
    const pool = await create(name);
    await pool.query(
      `insert into subscribers (email, email_key, email_hash, locale, status, created_at, confirmed_at, confirmed_moment)
       select 'p' || n || '@example.org', 'p' || n || '@example.org', sha256(('p' || n || '@example.org')::bytea),
         'en', 'confirmed', now(), now(), nextval('moments')
       from generate_series(1, $1::integer) n`,
      [recipients],
    );
    await pool.query('vacuum analyze');
    await pool.end();
    const service = await startService({ databaseUrl: urlOf(name), smtpPort: 9, env: {} });
    await service.request('PUT', '/api/v1/draft', listBefore);
    await service.request('POST', '/api/v1/versions', { notify: false });
    await service.program.stop();
    templates.set(recipients, name);
    return name;
  };

  return {
    folder,
    databaseCpu: () =>
      cpuOfFamily(Number(readFileSync(join(folder, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0])),
    dkim: { domain: 'example.org', selector: 'bench', keyFile, privateKey },
    async prepare(recipients) {
      const from = await template(recipients);
      made += 1;
      const name = `run_${made}`;
      await admin.query(`drop database if exists run_${made - 1} with (force)`);
      await admin.query(`create database ${name} template ${from} strategy file_copy`);
      await admin.query('checkpoint');
      return urlOf(name);
    },
    async empty() {
      made += 1;
      const name = `empty_${made}`;
      await (await create(name)).end();
      return urlOf(name);
    },
    async close() {
      await admin.end();
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export interface RunningService {
  url: string;
  program: Program;
  request(method: string, path: string, body?: object): Promise<{ status: number; body: unknown; took: number }>;
}

/** The built service, ready to answer. */
export async function startService(options: {
  databaseUrl: string;
  smtpPort: number;
  env: Readonly<Record<string, string>>;
  flags?: readonly string[];
}): Promise<RunningService> {
  const port = await freePort();
  const program = start(process.execPath, [...(options.flags ?? []), main, 'serve'], {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    PORT: String(port),
    DATABASE_URL: options.databaseUrl,
    SMTP_URL: `smtp://127.0.0.1:${options.smtpPort}`,
    SECRET_KEY: secret,
    ADMIN_TOKEN: token,
    PUBLIC_URL: 'https://notices.example.org',
    MAIL_FROM: 'Example Company <notices@example.org>',
    LOG_LEVEL: 'warn',
    ...options.env,
  });
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; !(await isReady(url)); tries += 1) {
    if (tries > 600) throw new Error(`the service does not get ready: ${program.output()}`);
    await pause(50);
  }
  return {
    url,
    program,
    async request(method, path, body) {
      const begun = performance.now();
      const response = await fetch(url + path, {
        method,
        headers: body === undefined ? bearer : json,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}: ${text}`);
      return { status: response.status, body: JSON.parse(text), took: performance.now() - begun };
    },
  };
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/readyz`);
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
