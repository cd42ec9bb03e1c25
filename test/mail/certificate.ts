import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Test } from 'tap';
import { temporaryFolder } from '../support/process.js';
import { hasTool } from '../support/tools.js';

const run = promisify(execFile);

/** A key and a self-signed certificate of `names` (`IP:127.0.0.1`, `DNS:…`), by openssl; null without it. */
export async function makeCertificate(t: Test, names: string): Promise<{ key: string; cert: string } | null> {
  if (!(await hasTool(t, 'openssl', ['version'], 'openssl'))) return null;
  const folder = temporaryFolder(t);
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  await run('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', '/CN=wire.example', '-addext', `subjectAltName=${names}`, '-keyout', key, '-out', cert],
  ]);
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
}
