import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { OperatorError } from '../../errors.js';

/*
 * The folder of a static copy. It is written beside its place and moved there when it is whole: what a web
 * server finds is the old copy or the new one, never a half. What no export has made is left alone.
 */

/** Lists every file with its SHA-256, as `sha256sum -c` reads it; also the mark by which a copy is known. */
const manifest = '.subnotice-export';

export interface SiteFolder {
  write(file: string, body: Buffer | string): Promise<void>;
  read(file: string): Promise<string>;
  /** Takes back everything that was written. */
  clear(): Promise<void>;
}

/**
 * Lets `fill` write a copy and puts it in the place of `path`.
 * @returns how many files it has
 * @throws OperatorError when something stands there that no export has made, or nothing can be written
 */
export async function replaceSite(path: string, fill: (folder: SiteFolder) => Promise<void>): Promise<number> {
  const place = await placeOf(path);
  await demandOurs(path, place);
  const mark = randomBytes(6).toString('hex');
  const [fresh, old] = [`${place}.new-${mark}`, `${place}.old-${mark}`];
  try {
    const sums = new Map<string, string>();
    const clear = async () => {
      sums.clear();
      await rm(fresh, { recursive: true, force: true });
      await mkdir(fresh, { recursive: true });
      // Whatever the umask: a web server is another user.
      await chmod(fresh, 0o755);
    };
    await clear();
    await fill({
      clear,
      async write(file, body) {
        const whole = join(fresh, file);
        await mkdir(dirname(whole), { recursive: true });
        await writeFile(whole, body);
        sums.set(file, createHash('sha256').update(body).digest('hex'));
      },
      read: (file) => readFile(join(fresh, file), 'utf8'),
    });
    const lines = [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([file, sum]) => `${sum}  ${file}\n`);
    await writeFile(join(fresh, manifest), lines.join(''));
    await swap(fresh, place, old);
    return sums.size;
  } catch (error) {
    const code = codeOf(error);
    throw code === null
      ? error
      : new OperatorError(
          `${path}: cannot be replaced (${code}); name a folder within one that this user may write to`,
        );
  } finally {
    await rm(fresh, { recursive: true, force: true });
    await rm(old, { recursive: true, force: true });
  }
}

/** Where a link leads is what is replaced, and the link stays. */
async function placeOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    return resolve(path);
  }
}

async function demandOurs(path: string, place: string): Promise<void> {
  const found = await filesIn(path, place);
  if (found.length === 0) return;
  const listed = found.includes(manifest) ? await readFile(join(place, manifest), 'utf8') : null;
  if (listed === null) {
    throw new OperatorError(`${path}: holds files that no export has made; name another folder, or empty it`);
  }
  const ours = new Set([manifest, ...listed.split('\n').map((line) => line.slice(66))]);
  const foreign = found.find((file) => !ours.has(file));
  if (foreign !== undefined) {
    throw new OperatorError(`${path}: holds ${foreign}, which no export has made and this one would remove; move it`);
  }
}

async function filesIn(path: string, place: string): Promise<string[]> {
  try {
    const entries = await readdir(place, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory())
      .map((entry) => relative(place, join(entry.parentPath, entry.name)).split(sep).join('/'));
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT') return [];
    throw code === null ? error : new OperatorError(`${path}: cannot be read (${code}); name a folder`);
  }
}

async function swap(fresh: string, place: string, old: string): Promise<void> {
  const stood = await moved(place, old);
  try {
    await rename(fresh, place);
  } catch (error) {
    if (stood) await rename(old, place);
    throw error;
  }
}

/** False: there was nothing to move. */
async function moved(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}
