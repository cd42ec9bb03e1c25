import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import t, { type Test } from 'tap';
import { z } from 'zod';
import { operatorActor, type Role } from '../../src/actor.js';
import { createApi } from '../../src/cli/api-client.js';
import { targetAtDatabase } from '../../src/cli/at-database.js';
import { targetAtService } from '../../src/cli/at-service.js';
import { readDraft, writeDraft } from '../../src/versions/draft.js';
import { makeCertificate } from '../mail/certificate.js';
import { listYaml, newVendor } from '../pages/support.js';
import { openService } from './support.js';

t.setTimeout(170_000);

/** Something that listens and is not the service; what it was asked is kept. */
async function listen(t: Test, answer: RequestListener) {
  const asked: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    asked.push(request);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = z.object({ port: z.number() }).parse(server.address());
  return { asked, url: `http://127.0.0.1:${address.port}` };
}

const sends =
  (status: number, body: string, headers: Record<string, string> = {}): RequestListener =>
  (_request, response) =>
    void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);

const problem = (status: number, code: string, headers: Record<string, string> = {}) =>
  sends(
    status,
    JSON.stringify({
      type: `urn:subnotice:problem:${code}`,
      title: 'Refused',
      status,
      code,
      detail: 'It says why.',
      instance: 'urn:uuid:0',
    }),
    headers,
  );

/** The service's clock stands still in a test, that of the shell does not. */
function withoutTimes({ said, ...rest }: { code: number; said: string; complained: string }) {
  return { ...rest, said: said.replace(/\d\d:\d\d(:[\d.]+)?/g, 'TIME') };
}

t.test('every command says the same at a running service as at its database', async (t) => {
  const { app, url, write, folder, tokenOf, as, here, with: withEnv } = await openService(t);
  const first = write(listYaml());
  t.match(await as('viewer', 'export'), { code: 1, complained: /Nothing was published yet/ });
  t.match(await as('viewer', 'plan', first), { code: 0, said: /Version 1, .*\nVersion 1: nobody is told/s });
  t.match(await as('publisher', 'publish', first, '--message', 'Hello.'), {
    code: 0,
    said: /^Version 1 is published with \d+ changes: .*; nobody is told, as it is the first version\.$/,
  });
  t.match(await as('viewer', 'plan', first, '--exit-code'), { code: 0, said: /Nothing changes/ });

  const people = write('email,status,consent\nann@example.org,confirmed,by contract\nnobody\n', 'people.csv');
  t.match(await as('admin', 'subscribers', 'import', people), {
    code: 0,
    said: '1 imported, 0 updated, 1 skipped.',
    complained: /people\.csv:3: /,
  });
  const changed = write(listYaml(newVendor));
  for (const options of [['--json'], ['--exit-code'], ['--locale', 'de', '--exit-code']]) {
    const [there, local] = [await as('viewer', 'plan', changed, ...options), await here('plan', changed, ...options)];
    t.same(withoutTimes(there), withoutTimes(local), `plan ${options.join(' ')}`);
    t.equal(there.code, options.includes('--exit-code') ? 4 : 0);
  }
  t.match(await as('viewer', 'plan', changed), {
    said: /Earliest lawful date: .*\nRecipients: 1\n {2}1 with 30 days of notice, earliest /s,
  });
  t.match(await as('viewer', 'plan', write('title: x\nshoes: 2\n', 'broken.yaml')), {
    code: 1,
    complained: /\n {2}line 2: shoes: /,
  });

  const tokenFile = write(`${tokenOf('publisher')}\n`, 'token');
  const done = await withEnv({}, 'publish', changed, '--json', '--url', `${url}/`, '--token-file', tokenFile);
  t.match(JSON.parse(done.said), { version: 2, state: 'announced', notice: { ordered: true } }, done.complained);
  await app.fanOut();
  for (const words of [
    ['export'],
    ['export', '--version', '1'],
    ['export', '--version', '9'],
    ['export', '--draft'],
    ['report', '2'],
    ['report', '2', '--json'],
    ['report', '1'],
    ['report', '9'],
    ['subscribers', 'export'],
    ['publish', changed],
  ]) {
    const [there, local] = [await as('publisher', ...words), await here(...words)];
    t.same(there, local, words.join(' '));
  }
  t.match(await as('viewer', 'report', '2'), { code: 0, said: /\nqueued\t-\tann@example\.org$/ });
  t.match(await as('viewer', 'subscribers', 'export'), { said: /^\uFEFFemail,.*\r\nann@example\.org,.*\r$/s });
  t.equal((await as('viewer', 'export', `${folder}/once.yaml`)).code, 0);
  t.equal(`${(await here('export')).said}\n`, readFileSync(`${folder}/once.yaml`, 'utf8'), 'the same bytes');

  const later = write(listYaml(newVendor).replace('country: DE', 'country: FR'), 'later.yaml');
  t.match(await as('publisher', 'publish', later, '--effective-at', '2020-01-01'), {
    code: 1,
    complained: /is too early: the earliest is /,
  });
  const planned = await as('publisher', 'publish', later, '--hold-back', '30');
  t.match(planned, { code: 0, said: /^Version 3 will be published at / }, planned.complained);
  t.match(await as('publisher', 'publish', later), { code: 1, complained: /Version 3 is scheduled/ });
  t.match(await as('viewer', 'plan', later), { code: 0, said: /\nVersion 3 is planned for .*: it goes first/ });
});

t.test('an import at a running service is the one at its database, and writes what it has shown', async (t) => {
  const { app, url, write, tokenOf, as, here } = await openService(t);
  const file = write('Name;Wherefore;Location\nAcme;Mail;Germany\nRedis Labs;Cache;France\n', 'list.csv');
  const long = { tables: Array.from({ length: 900 }, () => ({ use: 'ignore', headingAs: 'ignore', columns: [] })) };
  const words = (columns: string[]) =>
    JSON.stringify({ tables: [{ use: 'sub-processors', headingAs: 'ignore', columns }, ...long.tables] });
  const mapping = write(words(['name', 'purposes', 'dataLocations']), 'mapping.json');
  const alike = async (...words: string[]) => {
    const [there, local] = [await as('editor', 'import', ...words), await here('import', ...words)];
    t.same(there, local, words.join(' '));
    return there;
  };
  const looked = await alike(file, '--dry-run');
  t.match(looked, { code: 0, said: /list\.csv:2: Wherefore: “Mail”[\s\S]*Nothing was written\.$/ });
  await alike(file, '--dry-run', '--json', '--locale', 'de');
  await alike(file, '--dry-run', '--locale', 'de');
  t.match(await alike(file, '--print-mapping'), { code: 0, said: /"Name|"name"/ });
  t.match(await alike(file, '--same', 'a=b'), { code: 2, complained: /none of the pairs/ });
  t.match(await alike(write('', 'empty.csv')), { code: 1, complained: /The file is empty/ });
  t.match(await alike(write('%PDF-1.7', 'list.pdf')), { code: 1, complained: /PDF/ });
  t.match(await alike(write('a,b\n'.repeat(2_200_000), 'large.csv')), { code: 1, complained: /too large/ });
  t.match(
    await as('viewer', 'import', file, '--dry-run'),
    { code: 1, complained: /may not do this: This needs the role "editor"/ },
    'whoever may not write does not look either',
  );
  t.notMatch(
    await alike(file, '--mapping', mapping, '--dry-run'),
    { said: /Wherefore: / },
    'a mapping that no address has room for',
  );
  t.equal(await readDraft(app.deps.db), null);

  t.match(await as('editor', 'import', file, '--mapping', mapping), {
    code: 0,
    said: /in the draft \(revision 1\)\.$/,
  });
  const next = write('| Name | Location |\n|---|---|\n| Redis | France |\n', 'list.md');
  t.match(await alike(next), { code: 1, complained: /say --yes/ });
  const done = await as('editor', 'import', next, '--same', 'redis-labs=redis', '--yes', '--json');
  t.match(JSON.parse(done.said), { applied: true, revision: 2 }, done.complained);
  t.match((await readDraft(app.deps.db))?.document.subProcessors, [{ id: 'redis-labs', name: 'Redis' }]);

  const order = { bytes: Buffer.from('Name,Location\nAcme,Germany\n'), fileName: 'a.csv', mapping: undefined };
  for (const target of [
    targetAtService(createApi({ url, token: tokenOf('editor'), pauses: [] })),
    targetAtDatabase(app.deps),
  ]) {
    const offer = await target.prepareImport({ ...order, mode: 'replace', pairs: {} });
    const { revision } = await writeDraft(app.deps, { text: listYaml(), format: 'yaml' }, {}, operatorActor);
    await t.rejects(offer.write(), { code: 'draft.stale' }, 'what somebody else wrote meanwhile stays');
    t.equal((await readDraft(app.deps.db))?.revision, revision);
  }
});

t.test('a token does what its role may, and says what it may not', async (t) => {
  const { write, as, url, with: withEnv, app } = await openService(t);
  const file = write(listYaml());
  const people = write('email\nann@example.org\n', 'people.csv');
  const needs = (role: Role) => ({
    code: 1,
    complained: `${url}: the token may not do this: This needs the role "${role}".`,
  });
  t.match(await as('viewer', 'publish', file), needs('editor'));
  t.match(await as('editor', 'publish', file), needs('publisher'));
  t.equal((await as('publisher', 'publish', file)).code, 0);
  t.match(await as('publisher', 'subscribers', 'import', people), needs('admin'));
  t.equal((await as('admin', 'subscribers', 'import', people)).code, 0);
  for (const words of [['plan', file], ['export'], ['report', '1'], ['subscribers', 'export']]) {
    t.equal((await as('viewer', ...words)).code, 0, words.join(' '));
  }

  const secret = `sn_${'x'.repeat(43)}`;
  const wrong = await withEnv({ SUBNOTICE_URL: url, SUBNOTICE_TOKEN: secret }, 'plan', file);
  t.match(wrong, { code: 1, complained: /the token is not valid here: it is unknown, expired or revoked/ });
  t.notMatch(wrong.complained, secret);
  const broken = await withEnv({ SUBNOTICE_URL: url, SUBNOTICE_TOKEN: 'two words' }, 'plan', file);
  t.match(broken, { code: 1, complained: /the token holds spaces/ });
  t.notMatch(broken.complained, 'words');
  t.match(await withEnv({ SUBNOTICE_URL: url }, 'plan', file), {
    code: 1,
    complained: /no token; put one into a file/,
  });
  t.match(await withEnv({}, 'plan', file, '--token-file', file), { code: 2 });
  t.match(await withEnv({}, 'plan', file, '--url', 'ftp://x'), { code: 2, complained: /--url: .*http or https/ });
  t.match(await withEnv({ SUBNOTICE_URL: 'x' }, 'plan', file), { code: 1, complained: /^SUBNOTICE_URL: / });
  t.match(await withEnv({}, 'plan', file, '--url', url, '--token-file', `${file}.none`), {
    code: 1,
    complained: /cannot be read \(ENOENT\)/,
  });
  t.match(
    await withEnv({ SUBNOTICE_URL: 'http://notices.example.org', SUBNOTICE_TOKEN: secret }, 'plan', file),
    { code: 1, complained: /the token would cross the network readable for others/ },
    'before anything is sent',
  );
  const other = ['plan', file, '--url', 'http://127.0.0.1:1'];
  t.match(await withEnv({ SUBNOTICE_URL: url, SUBNOTICE_TOKEN: secret }, ...other), {
    code: 1,
    complained: /^http:\/\/127\.0\.0\.1:1: the token of the settings is for /,
  });
  const audit = await app.database.pool.query<{ kind: string; origin: string }>(
    `select actor ->> 'kind' as kind, origin from audit_log where action = 'version.published'`,
  );
  t.match(audit.rows, [{ kind: 'token', origin: /^api / }], 'who did it stands in the audit log');
});

t.test('what is not the service is told apart, and gets no more than one try of the token', async (t) => {
  const elsewhere = await listen(t, sends(200, '{}'));
  const plan = (url: string, patience = 2_000) =>
    targetAtService(createApi({ url, token: 'sn_secret', patience, pauses: [] })).plan({ text: 'x', format: 'yaml' });
  const answers: [string, RequestListener, RegExp][] = [
    [
      'a redirect',
      sends(307, '', { location: `${elsewhere.url}/login?next=secret` }),
      /answers 307 and leads to http:\/\/127\.0\.0\.1:\d+\/login; the token was not sent there/,
    ],
    [
      'a web page',
      sends(200, '<h1>Welcome</h1>', { 'content-type': 'text/html' }),
      /does not answer as the service does .*has another form/,
    ],
    ['another API', sends(200, '{"plan": true}'), /has another form/],
    ['another 404', sends(404, 'no'), /it answers 404 to POST \/api\/v1\/plan\); name its PUBLIC_URL/],
    ['another 401', sends(401, '{"error": "token"}'), /it answers 401/],
    ['a proxy without its service', sends(502, 'bad gateway'), /what stands in front of the service answers 502/],
    ['an older service', problem(404, 'page.missing'), /the service has no POST \/api\/v1\/plan; it seems to be older/],
    [
      'too many requests',
      problem(429, 'rate.exceeded', { 'retry-after': '7' }),
      /It says why\. Try again in 7 seconds\./,
    ],
    ['a fault of the service', problem(500, 'service.fault'), /It says why\. \(500 service\.fault\)/],
    ['no answer', () => undefined, /no answer within 1 seconds/],
    [
      'half an answer',
      (_request, response) => void response.writeHead(200).write('{"a', () => response.destroy()),
      /the connection broke off/,
    ],
    ['no HTTP', (_request, { socket }: ServerResponse) => void socket?.end('SSH-2.0-x\r\n'), /no web server/],
  ];
  for (const [what, answer, says] of answers) {
    const server = await listen(t, answer);
    await t.rejects(plan(server.url, what === 'no answer' ? 200 : 2_000), { message: says }, what);
    t.equal(server.asked.length, 1, what);
  }
  t.same(elsewhere.asked, [], 'a redirect is not followed');
  const closed = await listen(t, sends(200, ''));
  const { port } = new URL(closed.url);
  await t.rejects(plan('http://127.0.0.1:9'), { message: /cannot be reached|nothing listens there/ });
  await t.rejects(plan('https://no-such-host.invalid'), { message: /no host of that name|cannot be looked up/ });
  await t.rejects(plan(`https://127.0.0.1:${port}`), { message: /no TLS can be agreed on/ });
  await t.rejects(
    targetAtService(createApi({ url: closed.url, token: 'x', pauses: [] }))
      .exportSubscribers()
      [Symbol.asyncIterator]()
      .next(),
    { message: /\/api\/v1\/subscribers\.csv is application\/json there/ },
  );

  const certificate = await makeCertificate(t, 'IP:127.0.0.1');
  if (certificate !== null) {
    const tls = createTlsServer(certificate, sends(200, '{}'));
    await new Promise<void>((resolve) => tls.listen(0, '127.0.0.1', resolve));
    t.teardown(() => tls.close());
    const address = z.object({ port: z.number() }).parse(tls.address());
    await t.rejects(plan(`https://127.0.0.1:${address.port}`), { message: /NODE_EXTRA_CA_CERTS/ });
  }
});

t.test('a publication whose answer is lost is asked for again, and happens once', async (t) => {
  const { app, url, write, tokenOf, as } = await openService(t);
  let lost = 0;
  const between = await listen(t, async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    const body = Buffer.concat(chunks);
    const headers = Object.fromEntries(
      ['authorization', 'content-type', 'if-match', 'idempotency-key'].flatMap((name) => {
        const value = request.headers[name];
        return typeof value === 'string' ? [[name, value]] : [];
      }),
    );
    const answer = await fetch(`${url}${request.url}`, { method: request.method ?? '', headers, body });
    if (request.url === '/api/v1/versions' && lost === 0) {
      lost += 1;
      response.destroy();
      return;
    }
    const etag = answer.headers.get('etag');
    response.writeHead(answer.status, { 'content-type': 'application/json', ...(etag === null ? {} : { etag }) });
    response.end(await answer.text());
  });
  const target = targetAtService(createApi({ url: between.url, token: tokenOf('publisher'), pauses: [1] }));
  const list = { text: listYaml(), format: 'yaml' } as const;
  t.match(await target.publish({ request: {}, list, key: undefined }), { status: 201, version: { version: 1 } });
  t.equal(lost, 1);

  const file = write(listYaml(newVendor));
  const keyed = ['--idempotency-key', 'commit-4711', '--json'];
  const [one, again] = [
    await as('publisher', 'publish', file, ...keyed),
    await as('publisher', 'publish', file, ...keyed),
  ];
  t.match(JSON.parse(one.said), { version: 2 });
  t.same(again, one, 'a pipeline that runs again with its key gets the same answer');
  const other = write(listYaml());
  t.match(
    JSON.parse((await as('publisher', 'publish', other, ...keyed)).said),
    { version: 3 },
    'and with another list publishes that',
  );
  t.match(await as('publisher', 'publish', file, '--idempotency-key', 'two words'), { code: 2 });
  const { rows } = await app.database.pool.query('select count(*)::int as count from versions');
  t.same(rows, [{ count: 3 }]);

  const headers = { authorization: `Bearer ${tokenOf('publisher')}`, 'if-match': '"r1"' };
  const stale = await app.inject({ method: 'POST', url: '/api/v1/versions', headers, payload: {} });
  t.match(stale.json(), { status: 412, code: 'draft.stale' }, 'only the draft of that ETag is published');
});
