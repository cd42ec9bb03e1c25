import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Parser } from 'tap-parser';
import { compileTests } from './compile.js';
import { dropLeftovers, startTestServer } from './support/database.js';

/*
 * `npm test [FILE …]`: all test files (or those), several at a time, on one PostgreSQL. The last line counts
 * assertions, as `12 passed, 0 failed, 3 skipped`, and the exit code says the same.
 *
 * The files are started here and not by tap's own runner, which puts two module loaders before each process, for
 * mocks and for coverage. Neither is used, and they cost a fifth of all the time.
 */

const root = new URL('../', import.meta.url);
/** Of one file, in seconds; the tests within have limits of their own. */
const patience = 180;
/** One more than there are processors: somebody always waits for a start, a relay or a browser. */
const atOnce = availableParallelism() + 1;

const counts = { passed: 0, failed: 0, skipped: 0 };
type Counts = typeof counts;
const files = process.argv.length > 2 ? process.argv.slice(2) : allFiles();
refuseMissing();
const server = await startTestServer();
const compiled = await compileTests();
try {
  await dropLeftovers(server.url);
  const waiting = files.values();
  let done = 0;
  const work = async () => {
    for (const file of waiting) {
      const { found, took, told } = await run(file);
      done += 1;
      for (const name of ['passed', 'failed', 'skipped'] as const) counts[name] += found[name];
      const ok = found.failed === 0;
      process.stdout.write(`${ok ? 'ok' : 'not ok'} ${done} - ${file} # time=${took.toFixed(0)}ms\n${told}`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
} finally {
  compiled.remove();
  await server.close();
}

const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
process.stdout.write(`${counts.passed} passed, ${counts.failed} failed${skipped}\n`);
process.exitCode = counts.failed > 0 ? 1 : 0;

function allFiles(): string[] {
  return readdirSync(new URL('test/', root), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => `test/${name.replaceAll('\\', '/')}`)
    .sort();
}

/** A test that was renamed would pass for ever. */
function refuseMissing(): void {
  const missing = files.filter((file) => !existsSync(new URL(file, root)));
  if (missing.length === 0 && files.length > 0) return;
  for (const file of missing) process.stderr.write(`there is no ${file}\n`);
  process.stdout.write(`0 passed, ${Math.max(1, missing.length)} failed\n`);
  process.exit(1);
}

/** Runs one file in a process of its own. @returns `told`: what failed, with its diagnosis */
async function run(file: string): Promise<{ found: Counts; took: number; told: string }> {
  const begun = performance.now();
  const found = { passed: 0, failed: 0, skipped: 0 };
  const program = join(compiled.folder, file.replace(/\.ts$/, '.js'));
  const child = spawn(process.execPath, ['--enable-source-maps', program], {
    cwd: compiled.folder,
    env: { ...process.env, TAP: '1', TAP_TIMEOUT: String(patience) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let isLate = false;
  const limit = setTimeout(() => {
    isLate = true;
    child.kill('SIGKILL');
  }, patience * 1_000);
  const parser = new Parser();
  count(parser, found);
  const failures = failureLines();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    parser.write(text);
    failures.read(text);
  });
  await once(child, 'close');
  clearTimeout(limit);
  parser.end();
  // A fault outside any assertion, such as a file that cannot be loaded: line and exit code must agree.
  const isBroken = isLate || child.exitCode !== 0 || !parser.ok || parser.count === 0;
  if (isBroken && found.failed === 0) found.failed = 1;
  const why = isLate ? `  # ended after ${patience} seconds\n` : '';
  return { found, took: performance.now() - begun, told: failures.told() + why };
}

/** Counts what was asserted: a test's own line, which sums up its assertions, is none. */
function count(parser: Parser, found: Counts): void {
  const children = new Set<string>();
  parser.on('child', (child: Parser) => {
    children.add(child.name);
    count(child, found);
  });
  parser.on('assert', (result: { ok: boolean; name: string; skip?: unknown; todo?: unknown }) => {
    if (result.skip || result.todo) found.skipped += 1;
    else if (!result.ok && !children.has(result.name)) found.failed += 1;
    else if (result.ok && !children.has(result.name)) found.passed += 1;
  });
}

/** Keeps what failed with its diagnosis; the many lines of success stay out. */
function failureLines() {
  let begun = '';
  let inDiagnosis = false;
  let told = '';
  return {
    read(text: string) {
      const lines = (begun + text).split('\n');
      begun = lines.pop() ?? '';
      for (const line of lines) {
        if (/^\s*(?:not )?ok \d+/.test(line)) inDiagnosis = line.trimStart().startsWith('not ok');
        if (inDiagnosis) told += `    ${line}\n`;
        if (/^\s*\.\.\.$/.test(line)) inDiagnosis = false;
      }
    },
    told: () => told,
  };
}
