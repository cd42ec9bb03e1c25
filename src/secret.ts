import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OperatorError } from './errors.js';
import { shortestSecret } from './settings.js';

/**
 * The key of an installation that was given none: made once, and kept in the data folder for this user
 * alone. With another one every link that was ever mailed would be dead, so it is never made anew while
 * the file is there.
 */
export function keepSecret(dataDir: string): string {
  const path = join(dataDir, 'secret-key');
  return read(path) ?? make(path);
}

function make(path: string): string {
  const secret = randomBytes(32).toString('base64url');
  const made = `${path}.${randomBytes(6).toString('hex')}`;
  writeFileSync(made, `${secret}\n`, { mode: 0o600, flush: true });
  try {
    // A link, not a rename: it fails where another start was first, and then that one's key counts.
    linkSync(made, path);
    return secret;
  } catch (error) {
    const theirs = read(path);
    if (theirs === null) throw error;
    return theirs;
  } finally {
    rmSync(made);
  }
}

function read(path: string): string | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw new OperatorError(`DATA_DIR: ${path} cannot be read; start the service as the user who made it`);
  }
  if (text.length >= shortestSecret) return text;
  throw new OperatorError(
    `DATA_DIR: ${path} is damaged; put its backup there, or delete it (every link mailed so far then ends)`,
  );
}
