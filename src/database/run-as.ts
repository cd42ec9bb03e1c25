import { spawnSync } from 'node:child_process';
import { chownSync, lchownSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { OperatorError } from '../errors.js';
import { type Binaries, cleanEnvironment } from './binaries.js';

/** How the server's programs are started, given that PostgreSQL refuses to run as root. */
export interface RunAs {
  /** Words put before the program. */
  prefix: readonly string[];
  options: { uid?: number; gid?: number };
  /** Whose the data folder has to be; null: whoever runs us. */
  owner: { uid: number; gid: number } | null;
}

const asOurselves: RunAs = { prefix: [], options: {}, owner: null };

/**
 * An ordinary user runs the server as themselves. For root it is, in this order:
 * 1. the user that the data folder belongs to, else nobody, if they can enter both folders;
 * 2. a user namespace, in which the server believes to be nobody while its files stay root's: for a
 *    checkout below a folder that only root may enter;
 * 3. nobody with the right to enter such folders, where namespaces are forbidden (as in most containers).
 * @throws OperatorError when none of them works
 */
export function runAs(binaries: Binaries, dataDir: string, data: string): RunAs {
  if (process.getuid?.() !== 0) return asOurselves;
  const user = ownerOf(data) ?? nobody();
  if (mayEnter(user.uid, dataDir) && works({ prefix: [], options: user, owner: user }, binaries)) {
    return { prefix: [], options: user, owner: user };
  }
  const root = { uid: 0, gid: 0 };
  const mapped = ['unshare', '-U', `--map-user=${user.uid}`, `--map-group=${user.gid}`, '--'];
  const capable = [
    'setpriv',
    `--reuid=${user.uid}`,
    `--regid=${user.gid}`,
    '--clear-groups',
    // access(2) asks with the real user's rights and drops capabilities first, unless told otherwise.
    '--securebits=+no_setuid_fixup',
    '--inh-caps=+dac_override',
    '--ambient-caps=+dac_override',
    '--',
  ];
  for (const way of [
    { prefix: mapped, options: {}, owner: root },
    { prefix: capable, options: {}, owner: user },
  ]) {
    if (works(way, binaries)) return way;
  }
  throw new OperatorError(
    `DATA_DIR: PostgreSQL does not run as root, and another user cannot enter ${dataDir} or ${dirname(binaries.postgres)}; run as an ordinary user, move both below a folder that everybody may enter, or set DATABASE_URL`,
  );
}

/** Command line and options of a program under `way`. */
export function command(way: RunAs, binaries: Binaries, program: string, args: readonly string[]) {
  const [first, ...rest] = [...way.prefix, program, ...args];
  return { file: first ?? program, args: rest, options: { ...cleanEnvironment(binaries.env), ...way.options } };
}

/** Gives the data folder to whom it has to belong, when an earlier start ran in another way. */
export function giveTo(way: RunAs, path: string): void {
  if (way.owner === null || statSync(path).uid === way.owner.uid) return;
  const { uid, gid } = way.owner;
  for (const entry of readdirSync(path, { recursive: true, withFileTypes: true })) {
    lchownSync(join(entry.parentPath, entry.name), uid, gid);
  }
  // The top folder last: as long as it is not done, the next start does it again.
  chownSync(path, uid, gid);
}

function works(way: RunAs, binaries: Binaries): boolean {
  const { file, args, options } = command(way, binaries, binaries.postgres, ['--version']);
  return spawnSync(file, args, { ...options, cwd: '/', stdio: 'ignore' }).status === 0;
}

function ownerOf(data: string): { uid: number; gid: number } | null {
  const found = statSync(data, { throwIfNoEntry: false });
  return found === undefined || found.uid === 0 ? null : { uid: found.uid, gid: found.gid };
}

/** initdb looks its user up, so it has to be one that exists. */
function nobody(): { uid: number; gid: number } {
  const users = readFileSync('/etc/passwd', 'utf8');
  const [, uid = '65534', gid = '65534'] = /^nobody:[^:]*:(\d+):(\d+):/m.exec(users) ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}

/** Whether that user may pass every folder down to `path`. */
function mayEnter(uid: number, path: string): boolean {
  for (let folder = realpathSync(path); ; folder = dirname(folder)) {
    const { mode, uid: owner } = statSync(folder);
    if ((mode & (owner === uid ? 0o100 : 0o001)) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}
