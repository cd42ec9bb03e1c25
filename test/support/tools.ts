import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Test } from 'tap';

const run = promisify(execFile);

/**
 * Whether a program of the system can be run. Without it the test is left out and says so; where
 * CI_TOOLS_REQUIRED=1 is set it fails instead.
 * @param args what it must be able to do, such as `--version`
 * @param from what to install
 */
export async function hasTool(t: Test, program: string, args: readonly string[], from: string): Promise<boolean> {
  try {
    await run(program, args);
    return true;
  } catch (error) {
    const reason = `${program} ${args.join(' ')} does not work here; install ${from}`;
    if (process.env.CI_TOOLS_REQUIRED === '1') t.fail(reason, { found: error });
    else t.pass(program, { skip: reason });
    return false;
  }
}
