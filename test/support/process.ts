import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { loaders, programPath } from './program.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const main = programPath('src/main');

export interface Service {
  /** Where it answers, without a slash at the end. */
  url: string;
  port: number;
  pid: number;
  env: Readonly<Record<string, string>>;
  /** What it has written so far, both streams. */
  output(): string;
  /** Ends it by `signal` (SIGTERM unless told otherwise) and waits; its exit code, or the signal's name. */
  stop(signal?: NodeJS.Signals): Promise<number | NodeJS.Signals>;
}

/**
 * The real service as a process of its own, ready to answer. Without DATABASE_URL in `env` it has an
 * embedded database in a folder of its own (or in `DATA_DIR`).
 * @param options.preload URL of a module that is loaded before the service
 */
export async function startService(
  t: Test,
  env: Readonly<Record<string, string>> = {},
  options: { preload?: string } = {},
): Promise<Service> {
  const port = env.PORT === undefined ? await freePort() : Number(env.PORT);
  const whole = { DATA_DIR: env.DATA_DIR ?? temporaryFolder(t), ...env, PORT: String(port) };
  const started = launch(['serve'], whole, options);
  t.teardown(() => started.stop('SIGTERM'));
  const host = env.HOST ?? '127.0.0.1';
  const url = `http://${host}:${port}`;
  const until = Date.now() + 60_000;
  // Ready, and its lines for the operator have come through the pipe.
  while (!(await isReady(`${url}/readyz`)) || !started.output().includes('/admin')) {
    if (started.child.exitCode !== null) {
      throw new Error(`the service ended with ${started.child.exitCode}:\n${started.output()}`);
    }
    if (Date.now() > until) throw new Error(`the service does not get ready:\n${started.output()}`);
    await pause(50);
  }
  return { url, port, pid: started.child.pid ?? 0, env: whole, output: started.output, stop: started.stop };
}

export interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A command of the command line, run to its end (within `timeoutMs`, 60 s unless told otherwise). */
export async function runCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  options: { timeoutMs?: number; input?: string } = {},
): Promise<Finished> {
  const { child, streams } = launch(args, env, options);
  const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 60_000);
  await once(child, 'close');
  clearTimeout(timer);
  return { code: child.exitCode, ...streams };
}

/** A folder that is gone at the end of `t`. */
export function temporaryFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'subnotice-test-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/**
 * A port to listen on later: from below the range that systems take ports of outgoing connections from, so
 * that none of these gets it meanwhile.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 22_000);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await Promise.race([
      once(server, 'listening').then(() => true),
      once(server, 'error').then(() => false),
    ]).catch(() => false);
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

/** Waits for something outside this process; the only kind of thing that a test has to poll for. */
export async function until<T>(
  what: string,
  probe: () => Promise<T | false | null | undefined>,
  timeoutMs = 30_000,
): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const found = await probe();
    if (found !== false && found !== null && found !== undefined) return found;
    if (Date.now() > end) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`);
    await pause(50);
  }
}

function launch(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  { input, preload }: { input?: string; preload?: string },
) {
  const imports = [...loaders, ...(preload === undefined ? [] : ['--import', preload])];
  // tap hands its loaders to every Node.js below it by NODE_OPTIONS: the service runs without them.
  const command = ['-u', 'NODE_OPTIONS', process.execPath, ...imports, main, ...args];
  const child: ChildProcess = spawn('env', command, {
    cwd: root,
    // Nothing of this machine's settings, so that a test says all that matters.
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '/', ...env },
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  const streams = { stdout: '', stderr: '' };
  let both = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    streams.stdout += text;
    both += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    streams.stderr += text;
    both += text;
  });
  if (input !== undefined) child.stdin?.end(input);
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(signal);
      await once(child, 'close');
    }
    return child.exitCode ?? child.signalCode ?? 'SIGKILL';
  };
  return { child, streams, output: () => both, stop };
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(url);
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
