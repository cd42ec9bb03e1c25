import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import t, { type Test } from 'tap';
import { openDatabase } from '../support/database.js';
import { freePort, runCommand, type Service, startService, temporaryFolder, until } from '../support/process.js';
import { loaders, programPath } from '../support/program.js';
import { startSmtp } from '../support/smtp.js';

t.setTimeout(180_000);

const secret = 'a-secret-of-more-than-thirty-two-characters';
const adminToken = 'admin-token-of-the-tests';
const list = `title: Sub-processors
dataSubjects:
  - name: Customers
    dataCategories:
      - name: email address
subProcessors:
  - name: Example Hosting
    dataCategories: { customers: [email-address] }
`;

t.test('a machine with Node.js and nothing else: one command, and it says where to look', async (t) => {
  const dataDir = temporaryFolder(t);
  const service = await startService(t, { DATA_DIR: dataDir });
  const said = service.output();
  t.match(said, `${service.url}/`);
  t.match(said, `${service.url}/dev/mailbox`);
  t.match(said, new RegExp(`${service.url}/admin/setup/[\\w-]{30,}`));
  t.match(said, dataDir);
  t.equal((await fetch(`${service.url}/`)).status, 200);
  t.equal(statSync(join(dataDir, 'secret-key')).mode & 0o777, 0o600);

  const key = readFileSync(join(dataDir, 'secret-key'), 'utf8');
  t.equal(await service.stop('SIGTERM'), 0, 'ends in peace');
  t.notOk(readdirSync(join(dataDir, 'postgres')).includes('postmaster.pid'), 'and stops its database');

  const again = await startService(t, { DATA_DIR: dataDir });
  t.equal(readFileSync(join(dataDir, 'secret-key'), 'utf8'), key, 'links mailed before stay good');
  t.equal(await again.stop('SIGINT'), 0);
});

t.test('a SIGTERM to npm, which reaches only the shell between, ends the service as well', async (t) => {
  const { PATH, HOME } = process.env;
  const env = { PATH, HOME, DATA_DIR: temporaryFolder(t), PORT: String(await freePort()) };
  const npm = spawn('npm', ['start'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => npm.kill('SIGKILL'));
  const closed = once(npm, 'close');
  const ready = () =>
    fetch(`http://127.0.0.1:${env.PORT}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  await until('the service', ready);
  npm.kill('SIGTERM');
  await until('its end', async () => !(await ready()));
  await closed;
  t.notOk(existsSync(join(env.DATA_DIR, 'postgres', 'postmaster.pid')), 'with its database');
});

t.test('a second start on the folder says that it is in use, and the first goes on', async (t) => {
  const dataDir = temporaryFolder(t);
  const first = await startService(t, { DATA_DIR: dataDir });
  const second = await runCommand(['serve'], { DATA_DIR: dataDir, PORT: '1' });
  t.equal(second.code, 1);
  t.match(second.stderr, /^DATA_DIR: .* is in use [^\n]*\n$/);
  t.equal((await fetch(`${first.url}/readyz`)).status, 200);
});

t.test('commands work beside the running service, on its database', async (t) => {
  const dataDir = temporaryFolder(t);
  const service = await startService(t, { DATA_DIR: dataDir, ADMIN_TOKEN: adminToken });
  const env = { DATA_DIR: dataDir };

  const made = await runCommand(['token', 'create', '--name', 'CI', '--role', 'publisher', '--json'], env);
  t.equal(made.code, 0, made.stderr);
  const { id, secret: token } = JSON.parse(made.stdout);
  const asCi = { headers: { authorization: `Bearer ${token}` } };
  t.equal((await fetch(`${service.url}/api/v1/versions`, asCi)).status, 200);

  const file = join(dataDir, 'list.yaml');
  writeFileSync(file, list);
  const published = await runCommand(['publish', file, '--message', 'Hello', '--json'], env);
  t.equal(published.code, 0, published.stderr);
  t.match(JSON.parse(published.stdout), {
    version: 1,
    state: 'in-force',
    message: 'Hello',
    notice: { ordered: false },
  });
  t.match(await (await fetch(`${service.url}/`)).text(), 'Example Hosting', 'the page shows it');
  t.match(await runCommand(['publish', file], env), { code: 1, stderr: /\S/ }, 'unchanged: refused');

  t.match(await runCommand(['token', 'list'], env), { code: 0, stdout: /CI +publisher/ });
  t.match(await runCommand(['token', 'revoke', String(id)], env), { code: 0 });
  t.equal((await fetch(`${service.url}/api/v1/versions`, asCi)).status, 401);
  t.match(await runCommand(['migrate'], env), { code: 0, stdout: /up to date/ });
  t.equal((await fetch(`${service.url}/readyz`)).status, 200);
});

t.test('commands work without a running service', async (t) => {
  const env = { DATA_DIR: temporaryFolder(t) };
  t.match(await runCommand(['token', 'create', '--name', 'x', '--role', 'viewer'], env), {
    code: 0,
    stdout: /^\S+\n$/,
  });
  t.match(await runCommand(['token', 'list', '--json'], env), { code: 0, stdout: /"name":"x"/ });
  t.match(await runCommand(['admin', 'create'], env), { code: 0, stdout: /\/admin\/setup\/\S+\n$/ });
  t.match(await runCommand(['token', 'create', '--name', 'x', '--role', 'king'], env), { code: 2 });
  t.match(await runCommand(['token', 'revoke', '77'], env), { code: 1 });
});

t.test('output that nobody reads to its end is no fault', async (t) => {
  const main = programPath('src/main');
  const sample = new URL('../../samples/sub-processors.yaml', import.meta.url).pathname;
  const child = spawn(process.execPath, [...loaders, main, 'diff', '--json', sample, sample], {
    env: { PATH: process.env.PATH ?? '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.destroy();
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text;
  });
  await once(child, 'close');
  t.equal(child.exitCode, 0);
  t.equal(complaints, '');
});

t.test('validate and diff read files alone', async (t) => {
  const folder = temporaryFolder(t);
  const good = join(folder, 'good.yaml');
  const bad = join(folder, 'bad.yaml');
  const changed = join(folder, 'changed.json');
  writeFileSync(good, list);
  writeFileSync(bad, list.replace('[email-address]', '[e-mail]'));
  t.match(await runCommand(['validate', good]), { code: 0, stdout: /valid, 1 sub-processors/ });
  const refused = await runCommand(['validate', bad]);
  t.equal(refused.code, 1);
  t.match(refused.stderr, new RegExp(`^${bad}:8: .*e-mail`, 'm'), 'the fault, at its line');
  t.match(JSON.parse((await runCommand(['validate', bad, '--json'])).stdout), { valid: false, errors: [{ line: 8 }] });
  t.match(await runCommand(['validate', '-'], {}, { input: list }), { code: 0 });
  t.match(await runCommand(['validate', join(folder, 'none')]), { code: 1, stderr: /none: cannot be read/ });

  writeFileSync(
    changed,
    JSON.stringify({
      title: 'Sub-processors',
      dataSubjects: [{ name: 'Customers', dataCategories: [{ name: 'email address' }] }],
      subProcessors: [
        { name: 'Example Hosting', dataCategories: { customers: ['email-address'] } },
        { name: 'Example Mail', country: 'BE' },
      ],
    }),
  );
  const diff = JSON.parse((await runCommand(['diff', good, changed, '--json'])).stdout);
  t.match(diff.changes, [{ kind: 'sub-processor-added', name: 'Example Mail', severity: 'material' }]);
  t.equal(diff.changes.length, 1);
  t.match(await runCommand(['diff', good, changed]), { code: 0, stdout: /1 sub-processor added[\s\S]*Example Mail/ });
});

t.test('what is in hand when the service is told to end is finished', async (t) => {
  const service = await withOwnServers(t);
  const socket = connect(service.port, '127.0.0.1');
  const body = JSON.stringify({ email: 'late@example.org' });
  socket.write(
    `POST /api/v1/subscriptions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 5)}`,
  );
  await until('the request to be read', async () => socket.bytesWritten > 0);
  await fetch(`${service.url}/healthz`);
  const ended = service.stop('SIGTERM');
  await until('the port to be closed', async () =>
    fetch(`${service.url}/healthz`).then(
      (response) => !response.ok,
      () => true,
    ),
  );
  let answer = '';
  socket.on('data', (part) => {
    answer += String(part);
  });
  socket.write(body.slice(5));
  t.equal(await ended, 0);
  t.match(answer, /^HTTP\/1\.1 202 /);
});

t.test('the database restarts: the service lives, and works again by itself', async (t) => {
  const { url } = await openDatabase(t);
  const service = await withOwnServers(t, { DATABASE_URL: url });
  const admin = new pg.Client(url);
  await admin.connect();
  const statuses = new Set<number>();
  for (let round = 0; round < 20; round += 1) {
    const read = fetch(`${service.url}/api/v1/versions`, { headers: { authorization: `Bearer ${adminToken}` } });
    await admin.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    );
    statuses.add((await read).status);
  }
  await admin.end();
  t.ok(
    [...statuses].every((status) => [200, 503].includes(status)),
    `answered, or told to come again: ${[...statuses].join(', ')}`,
  );
  await until('the service', async () => (await fetch(`${service.url}/readyz`)).ok);
  t.equal((await fetch(`${service.url}/`)).status, 200);
  t.equal(await service.stop(), 0);
});

t.test('nothing of a person or a link is in the log, at its finest level', async (t) => {
  const relay = await startSmtp(t, {
    answer: ({ stage, subject, attempt }) =>
      stage === 'rcpt' && subject.startsWith('gone') ? `550 5.1.1 <${subject}> unknown ${attempt}` : undefined,
  });
  const service = await withOwnServers(t, { SMTP_URL: relay.url, LOG_LEVEL: 'trace' });
  const people = ['ada.lovelace@example.org', 'gone.person@example.org', 'grace.hopper@example.org'];
  for (const email of people) {
    await fetch(`${service.url}/api/v1/subscriptions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email, company: 'Analytical Engines' }),
    });
  }
  await fetch(`${service.url}/subscribe`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'email=not+an+address%40&company=Analytical+Engines',
  });
  await fetch(`${service.url}/api/v1/subscribers?q=ada.lovelace@example.org`, {
    headers: { authorization: `Bearer ${adminToken}` },
  });
  await fetch(`${service.url}/api/v1/subscribers`, {
    headers: { authorization: 'Bearer sn_guessed-token-of-a-stranger' },
  });
  await until('the mails', async () => relay.commands.filter(({ stage }) => stage === 'rcpt').length >= people.length);
  const links = (await Promise.all(relay.received.map((mail) => mail.links()))).flat();
  t.ok(links.length > 0);
  for (const link of links) await fetch(link.replace(/^https?:\/\/[^/]+/, service.url));
  await service.stop();

  const log = service.output();
  t.match(log, /"route":"\/confirm\/:token"/, 'requests are in it, by their route');
  for (const person of people) t.notMatch(log, person.split('@')[0] ?? '');
  t.notMatch(log, /@example\.org|not an address|Analytical/);
  t.notMatch(log, new RegExp(`${adminToken}|${secret}|guessed-token`));
  for (const link of links) {
    const token = link.split('/').at(-1) ?? '';
    if (token.length >= 20) t.notMatch(log, token);
  }
});

/** The service on a database and a relay of the test. */
async function withOwnServers(t: Test, env: Record<string, string> = {}): Promise<Service> {
  const DATABASE_URL = env.DATABASE_URL ?? (await openDatabase(t)).url;
  const SMTP_URL = env.SMTP_URL ?? (await startSmtp(t)).url;
  return startService(t, { SECRET_KEY: secret, ADMIN_TOKEN: adminToken, ...env, DATABASE_URL, SMTP_URL });
}
