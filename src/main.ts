import closeWithGrace from 'close-with-grace';
import { runCommandLine } from './cli/run.js';
import { readConfig } from './config.js';

/*
 * The one entrance: `subnotice COMMAND …`. Nothing else ends the process.
 */

/** The service's own steps of closing take at most ten seconds; then the database is stopped. */
const longestClose = 25_000;

const outcome = await runCommandLine(process.argv.slice(2), {
  config: () => readConfig(),
  say: (line) => void process.stdout.write(`${line}\n`),
  complain: (line) => void process.stderr.write(`${line}\n`),
});

if (typeof outcome === 'number') {
  // Not process.exit: what was written to a pipe may still be on its way.
  process.exitCode = outcome;
} else {
  const { close } = outcome;
  closeWithGrace({ delay: longestClose, logger: false }, async ({ err }) => {
    if (err !== undefined) process.stderr.write(`subnotice stops: ${err.stack ?? err.message}\n`);
    await close();
  });
}
