import { createInterface } from 'node:readline/promises';
import closeWithGrace from 'close-with-grace';
import type { Running } from './cli/command.js';
import { runCommandLine } from './cli/run.js';
import { readConfig, readRemoteConfig, startedByNpm } from './config.js';

/*
 * The one entrance: `subnotice COMMAND …`. Nothing else ends the process.
 */

/** The service's own steps of closing take at most ten seconds; then the database is stopped. */
const longestClose = 25_000;

// Who reads the output may stop reading (`… | head`): what is left goes nowhere, and that is no fault.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

process.exitCode = await runCommandLine(process.argv.slice(2), {
  config: () => readConfig(),
  remote: () => readRemoteConfig(),
  say: (line) => void process.stdout.write(`${line}\n`),
  complain: (line) => void process.stderr.write(`${line}\n`),
  stay,
  ...(process.stdin.isTTY && process.stdout.isTTY ? { ask } : {}),
});

async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return await terminal.question(question);
  } finally {
    terminal.close();
  }
}

async function stay(start: () => Promise<Running>): Promise<void> {
  const starting = start();
  const grace = closeWithGrace({ delay: longestClose, logger: false }, async ({ err }) => {
    if (err !== undefined) process.stderr.write(`subnotice stops: ${err.stack ?? err.message}\n`);
    const running = await starting.catch(() => null);
    await running?.close();
  });
  if (startedByNpm()) endWithParent();
  try {
    await starting;
  } catch (error) {
    grace.uninstall();
    throw error;
  }
}

/**
 * npm runs a script by a shell, and a SIGTERM to npm ends the shell, not what the shell runs. Left behind,
 * the service would keep port and data folder. So it ends when the shell is gone.
 */
function endWithParent(): void {
  const shell = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === shell) return;
    clearInterval(watch);
    process.kill(process.pid, 'SIGTERM');
  }, 500).unref();
}
