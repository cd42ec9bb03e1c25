import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Parser } from 'tap-parser';
import { dropLeftovers, startTestServer } from './support/database.js';

/*
 * `npm test [FILE …]`: all test files (or those) by tap, on one PostgreSQL. The last line counts
 * assertions, as `12 passed, 0 failed, 3 skipped`, and the exit code says the same.
 */

const root = new URL('../', import.meta.url);
const tap = fileURLToPath(new URL('node_modules/tap/dist/esm/run.mjs', root));

const files = process.argv.slice(2);
const counts = { passed: 0, failed: 0, skipped: 0 };
/** What is shown of tap's output: the line begun, and whether a failure is being told. */
let begun = '';
let inDiagnosis = false;

refuseMissing();
buildTap();
const server = await startTestServer();
let code = 1;
try {
  await dropLeftovers(server.url);
  code = await runTap();
} finally {
  await server.close();
}

// A fault outside any assertion, such as no file of that name: line and exit code must agree.
if (code !== 0 && counts.failed === 0) counts.failed = 1;
const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
process.stdout.write(`${counts.passed} passed, ${counts.failed} failed${skipped}\n`);
process.exitCode = counts.failed > 0 ? 1 : 0;

/** tap passes over a file that is not there, and a test that was renamed would pass for ever. */
function refuseMissing(): void {
  const missing = files.filter((file) => !/^-|[*?{[]/.test(file) && !existsSync(new URL(file, root)));
  if (missing.length === 0) return;
  for (const file of missing) process.stderr.write(`there is no ${file}\n`);
  process.stdout.write(`0 passed, ${missing.length} failed\n`);
  process.exit(1);
}

/**
 * tap comes with its TypeScript plugin built in, which needs an older TypeScript than ours; .taprc
 * switches it off, and that takes effect by a build, once after each `npm ci`.
 */
function buildTap(): void {
  const built = new URL('node_modules/@tapjs/test/test-built/dist/esm/index.js', root);
  if (!readFileSync(built, 'utf8').includes('@tapjs/typescript')) return;
  const done = spawnSync(process.execPath, [tap, 'build'], { cwd: root, encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`tap build failed:\n${done.stdout}${done.stderr}`);
}

async function runTap(): Promise<number> {
  const child = spawn(process.execPath, [tap, '--reporter=tap', ...files], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const parser = new Parser();
  count(parser);
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    parser.write(text);
    show(text);
  });
  await once(child, 'close');
  parser.end();
  return child.exitCode ?? 1;
}

/** Counts what was asserted: a test's own line, which sums up its assertions, is none. */
function count(parser: Parser): void {
  const children = new Set<string>();
  parser.on('child', (child: Parser) => {
    children.add(child.name);
    count(child);
  });
  parser.on('assert', (result: { ok: boolean; name: string; skip?: unknown; todo?: unknown }) => {
    if (result.skip || result.todo) counts.skipped += 1;
    else if (!result.ok && !children.has(result.name)) counts.failed += 1;
    else if (result.ok && !children.has(result.name)) counts.passed += 1;
  });
}

/** Test files as they end, and whatever failed with its diagnosis; the many lines of success stay out. */
function show(text: string): void {
  const lines = (begun + text).split('\n');
  begun = lines.pop() ?? '';
  for (const line of lines) {
    if (/^ok \d+ - /.test(line) || /^\s*not ok /.test(line)) inDiagnosis = line.trimStart().startsWith('not ok');
    const worthIt = /^ok \d+ - /.test(line) || inDiagnosis;
    if (worthIt) process.stdout.write(`${line}\n`);
    if (/^\s*\.\.\.$/.test(line)) inDiagnosis = false;
  }
}
