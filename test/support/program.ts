import { fileURLToPath } from 'node:url';

/*
 * Programs that tests start. A whole run has compiled everything (test/compile.ts); a test file that is run by
 * itself under tsx starts its programs that way too.
 */

const ending = import.meta.url.slice(-'.ts'.length);

/** What Node.js needs before it can run a program of the checkout. */
export const loaders: readonly string[] = ending === '.ts' ? ['--import', import.meta.resolve('tsx')] : [];

/**
 * Where a program of the checkout is.
 * @param path without its ending, such as `src/main`
 */
export function programUrl(path: string): URL {
  return new URL(`../../${path}${ending}`, import.meta.url);
}

/** The same as a path. */
export function programPath(path: string): string {
  return fileURLToPath(programUrl(path));
}
