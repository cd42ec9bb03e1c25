import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import t, { type Test } from 'tap';
import { createSnsWeb } from '../../src/bounces/sns-web.js';

/** A server in place of Amazon's, and what it was asked for. */
async function startWeb(t: Test, answer: RequestListener) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  const urlOf = (path: string) => new URL(path, `http://127.0.0.1:${address.port}`);
  return { asked, urlOf };
}

t.test('a certificate is fetched once, and twenty are kept', async (t) => {
  const { asked, urlOf } = await startWeb(t, (request, response) => response.end(`pem of ${request.url}`));
  const web = createSnsWeb();
  for (const path of ['/a.pem', '/a.pem', '/b.pem', '/a.pem']) {
    t.equal((await web.fetchCertificate(urlOf(path)))?.toString(), `pem of ${path}`);
  }
  t.same(asked, ['/a.pem', '/b.pem']);
  for (let count = 0; count < 20; count += 1) await web.fetchCertificate(urlOf(`/${count}.pem`));
  await web.fetchCertificate(urlOf('/a.pem'));
  t.equal(asked.at(-1), '/a.pem', 'forgotten meanwhile');
});

t.test('no redirect is followed, and nothing is taken that is long, late or no success', async (t) => {
  const { asked, urlOf } = await startWeb(t, (request, response) => {
    if (request.url === '/moved.pem') response.writeHead(302, { location: '/elsewhere.pem' }).end();
    if (request.url === '/gone.pem') response.writeHead(404).end('gone');
    if (request.url === '/long.pem') response.end('x'.repeat(100_000));
    if (request.url === '/endless.pem') setInterval(() => response.write('x'.repeat(10_000)), 1).unref();
    if (request.url === '/slow.pem') response.write('x');
  });
  const web = createSnsWeb(300);
  for (const path of ['/moved.pem', '/gone.pem', '/long.pem', '/endless.pem', '/slow.pem', '/silent.pem']) {
    t.equal(await web.fetchCertificate(urlOf(path)), null, path);
    t.equal(await web.confirm(urlOf(path)), false, path);
  }
  t.notOk(asked.includes('/elsewhere.pem'));
  t.equal(await web.fetchCertificate(new URL('http://127.0.0.1:9/x.pem')), null, 'nobody there');
});
