import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { z } from 'zod';
import { runCommandLine } from '../../src/cli/run.js';
import { readConfig } from '../../src/config.js';
import { createOutside } from '../../src/deliverability/outside.js';
import { bearer, startApp, type TestApp } from '../support/app.js';
import { openDatabase } from '../support/database.js';
import { freePort, temporaryFolder } from '../support/process.js';
import { aWorld, type Zone } from './world.js';

const Findings = z.object({
  findings: z.array(
    z.object({
      check: z.string(),
      state: z.string(),
      code: z.string(),
      facts: z.record(z.string(), z.unknown()),
      says: z.string(),
      todo: z.string().nullable(),
    }),
  ),
});

async function findingsOf(app: TestApp) {
  const answer = await app.inject({ url: '/api/v1/deliverability', headers: bearer });
  return Findings.parse(answer.json()).findings;
}

/** `check: state code`, in order. */
async function outcomesOf(app: TestApp): Promise<string[]> {
  return (await findingsOf(app)).map(({ check, state, code }) => `${check}: ${state} ${code}`);
}

t.test('a service that is set up well has nothing against it, and its own one click reaches it', async (t) => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const keyFile = join(temporaryFolder(t), 'dkim.pem');
  writeFileSync(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const zone: Zone = {
    txt: {
      'bounces.example.org': ['v=spf1 include:relay.example -all'],
      'k1._domainkey.example.org': [
        `v=DKIM1; p=${publicKey.export({ type: 'spki', format: 'der' }).toString('base64')}`,
      ],
      '_dmarc.example.org': ['v=DMARC1; p=quarantine'],
    },
    mx: { 'bounces.example.org': ['mx1.example.org', 'mx2.example.org'], 'example.org': ['mx1.example.org'] },
  };
  const port = await freePort();
  const app = await startApp(t, {
    outside: aWorld(zone, createOutside().post).outside,
    env: {
      PUBLIC_URL: `http://127.0.0.1:${port}/trust`,
      MAIL_FROM: 'Notices <notices@example.org>',
      MAIL_REPLY_TO: 'privacy@example.org',
      BOUNCE_ADDRESS: '*@bounces.example.org',
      BOUNCE_IMAP_URL: 'imaps://user:password@imap.example.org/INBOX',
      DKIM_DOMAIN: 'example.org',
      DKIM_SELECTOR: 'k1',
      DKIM_KEY_FILE: keyFile,
    },
  });
  await app.http.listen({ port, host: '127.0.0.1' });
  const findings = await findingsOf(app);
  t.same(
    findings.map(({ check, state, code }) => `${check}: ${state} ${code}`),
    [
      'from: ok ok',
      'spf: ok ok',
      'dkim: ok ok',
      'dmarc: ok ok',
      'mail-domain: ok ok',
      'mail-domain: ok ok',
      'reply: ok ok',
      'bounces: ok ok',
      // The test has neither a public name nor a certificate.
      'public-url: fault local',
      'one-click: ok ok',
      'relay: unknown untried',
    ],
  );
  t.match(findings[1]?.says, /bounces\.example\.org publishes one SPF record, which ends in -all/);
  t.notMatch(JSON.stringify(findings), /password/);
  const { rows } = await app.database.pool.query('select count(*)::integer as n from audit_log');
  t.equal(rows[0]?.n, 0, 'the click changed nothing');
});

t.test('what is wrong is a fault, what cannot be seen is unknown', async (t) => {
  const bare = await startApp(t);
  t.same(await outcomesOf(bare), [
    'from: fault local',
    'spf: unknown local',
    'dkim: unknown elsewhere',
    'dmarc: unknown local',
    'mail-domain: unknown local',
    'reply: fault local',
    'bounces: warning none',
    'public-url: fault plain',
    'one-click: unknown unreachable',
    'relay: unknown untried',
  ]);
  const env = { MAIL_FROM: 'noreply@example.org', PUBLIC_URL: 'https://example.org' };
  const silent = ['example.org', '_dmarc.example.org'];
  t.same((await outcomesOf(await startApp(t, { env, outside: aWorld({ silent }).outside }))).slice(1), [
    'spf: unknown silent',
    'dkim: unknown elsewhere',
    'dmarc: unknown silent',
    'mail-domain: unknown silent',
    'reply: fault noreply',
    'bounces: warning none',
    'public-url: ok ok',
    'one-click: unknown unreachable',
    'relay: unknown untried',
  ]);
  const mailDomain = async (zone: Zone) =>
    (await outcomesOf(await startApp(t, { env, outside: aWorld(zone).outside }))).find((one) => /^mail/.test(one));
  t.equal(await mailDomain({}), 'mail-domain: fault missing');
  t.equal(await mailDomain({ mx: { 'example.org': [''] } }), 'mail-domain: fault null-mx');
  t.equal(await mailDomain({ addresses: { 'example.org': ['192.0.2.1'] } }), 'mail-domain: ok implicit');
});

t.test('whatever stands in front of the one click is found out', async (t) => {
  const seen: string[] = [];
  const oneClick = async (answer: (request: IncomingMessage, response: ServerResponse) => void) => {
    const url = await serverOf(t, async (request, response) => {
      let body = '';
      for await (const part of request) body += String(part);
      seen.push(`${request.method} ${request.headers['content-type']} ${body}`);
      answer(request, response);
    });
    const app = await startApp(t, { env: { PUBLIC_URL: url }, outside: aWorld({}, createOutside().post).outside });
    return (await outcomesOf(app)).find((one) => one.startsWith('one-click'));
  };
  t.equal(
    await oneClick((_, response) => response.writeHead(301, { location: 'https://example.org' }).end()),
    'one-click: fault redirect',
  );
  t.equal(await oneClick((_, response) => response.writeHead(403).end('a challenge')), 'one-click: fault refused');
  t.equal(await oneClick((_, response) => response.writeHead(200).end('parked')), 'one-click: fault foreign');
  t.equal(await oneClick((request) => request.socket.destroy()), 'one-click: unknown unreachable');
  t.same(new Set(seen), new Set(['POST application/x-www-form-urlencoded;charset=UTF-8 List-Unsubscribe=One-Click']));
});

t.test('a relay that is down is a fault with its own words; one that takes mail is told with the last', async (t) => {
  const app = await startApp(t);
  const relay = async () => (await findingsOf(app)).find(({ check }) => check === 'relay');
  await app.inject({ method: 'POST', url: '/api/v1/subscriptions', payload: { email: 'anna@example.org' } });
  await app.settle();
  t.match(await relay(), {
    state: 'ok',
    facts: { lastAcceptedAt: '2027-01-04T09:00:00.000Z' },
    says: /4 January 2027/,
  });
  await app.database.pool.query(
    `update relay set down_since = $1, probe_at = $1, stage = 'auth', fault = '535 <b>not you</b>'`,
    [app.clock.now()],
  );
  t.match(await relay(), { state: 'fault', code: 'down', says: /535 <b>not you<\/b>/ });
});

t.test('the command line says the same, and fails on a fault', async (t) => {
  const { url } = await openDatabase(t);
  const said: string[] = [];
  const run = (words: string[], env: Record<string, string> = {}) =>
    runCommandLine(words, {
      config: () => readConfig({ DATABASE_URL: url, SECRET_KEY: 'a-secret-key-that-only-the-tests-use', ...env }),
      say: (line) => said.push(line),
      complain: (line) => said.push(line),
      stay: async () => undefined,
    });
  t.equal(await run(['check']), 1);
  t.match(said.join('\n'), /^fault {4}from {9}Mail comes from notices@localhost.*\n +→ Set MAIL_FROM/m);
  said.length = 0;
  t.equal(await run(['check', '--json']), 1);
  t.match(JSON.parse(said.join('')), [{ check: 'from', state: 'fault', code: 'local', todo: /MAIL_FROM/ }]);
  t.equal(await run(['check', 'this']), 2);
});

t.test('who may read may look', async (t) => {
  const app = await startApp(t);
  t.equal((await app.inject('/api/v1/deliverability')).statusCode, 401);
  const answer = await app.inject({ url: '/api/v1/deliverability', headers: bearer });
  t.equal(answer.headers['cache-control'], 'no-store');
});

async function serverOf(
  t: Test,
  answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): Promise<string> {
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  return `http://127.0.0.1:${address.port}`;
}
