import { mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/*
 * Service and tests as JavaScript, once for a whole run: hundreds of processes would else translate the same
 * files again, for a tenth of all the time. What is no program is linked, so every path leads to where it led.
 */

const root = fileURLToPath(new URL('../', import.meta.url));
const home = join(root, '.tests');
const programs = ['src', 'test', 'bench'];
/** What no test reads: what Git keeps, and what builds and runs leave behind. */
const passedOver = new Set(['.git', '.tests', 'dist', 'data', ...programs]);

/**
 * Makes a copy of the checkout in which each `.ts` has its `.js` beside it.
 * @returns where it is, and how to be rid of it
 */
export async function compileTests(): Promise<{ folder: string; remove: () => void }> {
  removeAbandoned();
  const folder = join(home, String(process.pid));
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(root)) {
    if (!passedOver.has(name)) symlinkSync(join(root, name), join(folder, name));
  }
  const files = programs.flatMap(filesBelow);
  for (const folderName of new Set(files.map((file) => dirname(join(folder, file))))) {
    mkdirSync(folderName, { recursive: true });
  }
  for (const file of files) symlinkSync(join(root, file), join(folder, file));
  await build({
    absWorkingDir: root,
    entryPoints: files.filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts')),
    outdir: folder,
    outbase: root,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: 'linked',
    logLevel: 'error',
  });
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

function filesBelow(name: string): string[] {
  return readdirSync(join(root, name), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

/** Those of runs that were killed. */
function removeAbandoned(): void {
  mkdirSync(home, { recursive: true });
  for (const name of readdirSync(home)) {
    if (!isRunning(Number(name))) rmSync(join(home, name), { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
