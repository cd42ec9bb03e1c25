import closeWithGrace from 'close-with-grace';
import type { Running } from './cli/command.js';
import { runCommandLine } from './cli/run.js';
import { readConfig } from './config.js';

/*
 * The one entrance: `subnotice COMMAND …`. Nothing else ends the process.
 */

/** The service's own steps of closing take at most ten seconds; then the database is stopped. */
const longestClose = 25_000;

process.exitCode = await runCommandLine(process.argv.slice(2), {
  config: () => readConfig(),
  say: (line) => void process.stdout.write(`${line}\n`),
  complain: (line) => void process.stderr.write(`${line}\n`),
  stay,
});

async function stay(start: () => Promise<Running>): Promise<void> {
  const starting = start();
  const grace = closeWithGrace({ delay: longestClose, logger: false }, async ({ err }) => {
    if (err !== undefined) process.stderr.write(`subnotice stops: ${err.stack ?? err.message}\n`);
    const running = await starting.catch(() => null);
    await running?.close();
  });
  try {
    await starting;
  } catch (error) {
    grace.uninstall();
    throw error;
  }
}
