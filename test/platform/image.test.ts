import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { openDatabase } from '../support/database.js';
import { freePort, temporaryFolder, until } from '../support/process.js';
import { startSmtp } from '../support/smtp.js';

t.setTimeout(120_000);

const root = fileURLToPath(new URL('../../', import.meta.url));
const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');

t.test('what the image holds is enough: the compiled service, with a database and a relay of others', async (t) => {
  const image = temporaryFolder(t);
  // tap hands its loaders to every Node.js below it by NODE_OPTIONS, and the compiler does not start with them.
  const compile = [process.execPath, 'node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'];
  const compiled = spawnSync('env', ['-u', 'NODE_OPTIONS', ...compile, '--outDir', join(image, 'dist')], {
    cwd: root,
    encoding: 'utf8',
  });
  t.equal(compiled.status, 0, `${compiled.stdout}${compiled.stderr}`);
  // The last stage copies these, and nothing else.
  const copied = [...dockerfile.matchAll(/^COPY (?:--from=\w+ )?(?:\/app\/)?(\S+) \.\/\S*$/gm)].map(([, name]) => name);
  for (const name of ['package.json', 'sql', 'templates']) {
    t.ok(copied.includes(name), `the Dockerfile copies ${name}`);
    cpSync(join(root, name), join(image, name), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(image, 'node_modules'));
  const home = join(image, 'home');
  mkdirSync(home);

  const relay = await startSmtp(t);
  const { url } = await openDatabase(t);
  const port = String(await freePort());
  const settings = {
    PATH: process.env.PATH ?? '',
    HOME: home,
    NODE_ENV: 'production',
    PORT: port,
    // With a relay nothing is kept: the folder is not even made.
    DATA_DIR: '/proc/no-such-folder',
    DATABASE_URL: url,
    SMTP_URL: relay.url,
    SECRET_KEY: 'a-secret-of-more-than-thirty-two-characters',
  };
  const healthCheck = () => spawnSync(process.execPath, healthArguments(), { env: settings }).status;
  t.equal(healthCheck(), 1, 'the health check sees that it is not up');

  const service = spawn(process.execPath, ['dist/main.js', 'serve'], { cwd: image, env: settings });
  t.teardown(() => service.kill('SIGKILL'));
  let output = '';
  for (const stream of [service.stdout, service.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  await until('the service', async () => healthCheck() === 0);
  t.equal((await fetch(`http://127.0.0.1:${port}/dev/mailbox`)).status, 404, 'no built-in mailbox');
  const answer = await fetch(`http://127.0.0.1:${port}/api/v1/subscriptions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"email":"ada@example.org"}',
  });
  t.equal(answer.status, 202);
  const [mail] = await until('the mail', async () => relay.received.length > 0 && relay.received);
  t.match(await mail?.links(), [new RegExp(`^http://127.0.0.1:${port}/confirm/`)]);

  service.kill('SIGTERM');
  await once(service, 'close');
  t.equal(service.exitCode, 0, output);
});

/** The arguments of node in the Dockerfile's HEALTHCHECK. */
function healthArguments(): string[] {
  const [, command = '[]'] = /HEALTHCHECK[\s\S]*?CMD (\[.*\])/.exec(dockerfile) ?? [];
  const [program, ...args]: string[] = JSON.parse(command);
  if (program !== 'node') throw new Error('the health check is run by node');
  return args;
}
