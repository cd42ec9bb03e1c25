#!/usr/bin/env node
// The command `subnotice`: from the sources in a checkout, from dist/ where there are none.
import { existsSync } from 'node:fs';

const source = new URL('./main.ts', import.meta.url);
const built = new URL('../dist/main.js', import.meta.url);

const tsx = existsSync(source) ? await import('tsx/esm/api').catch(() => null) : null;
if (tsx !== null) {
  tsx.register();
  await import(source.href);
} else if (existsSync(built)) {
  await import(built.href);
} else {
  process.stderr.write('subnotice is not built: run npm ci and npm run build first\n');
  process.exitCode = 1;
}
