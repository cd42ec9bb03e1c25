import { createServer } from 'node:net';
import t from 'tap';
import { pollBounces } from '../../src/bounces/imap.js';
import { setUp, signInAs } from '../admin/support.js';
import { startApp } from '../support/app.js';
import { freePort } from '../support/process.js';

t.test('a bounce mailbox that cannot be read is shown in the console, escaped, until it can be', async (t) => {
  // A server that says something of its own before it hangs up.
  const port = await freePort();
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write('* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\r\n');
    socket.on('data', (data) => {
      const tag = data.toString().split(' ')[0];
      socket.write(`${tag} NO [AUTHENTICATIONFAILED] <b>me@example.net</b> is not welcome\r\n`);
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  t.teardown(() => server.close());

  const env = { BOUNCE_IMAP_URL: `imap://me%40example.net:secret@127.0.0.1:${port}/INBOX` };
  const app = await startApp(t, { env });
  const officer = await setUp(app);
  const title = 'Reports of undelivered mail are not being read';
  t.notMatch((await officer.get('/admin')).body, title);
  t.equal(await pollBounces({ ...app.deps }), 0);
  const page = (await officer.get('/admin')).body;
  t.match(page, title);
  t.match(page, 'User name or password were refused.');
  t.match(page, /What the server said: <code lang="en">[^<]*\[address\][^<]*is not welcome<\/code>/);
  t.notMatch(page, /me@example\.net|<b>\[address\]/);
  t.notMatch(app.log.join('\n'), /me@example\.net|secret/);
  t.match((await officer.get('/admin/audit')).body, 'bounce-mailbox.down');
  t.match(
    (await officer.get('/admin', { 'accept-language': 'de' })).body,
    /Benutzername oder Passwort wurden abgelehnt/,
  );

  // Whoever takes the setting out is not told of it any more.
  const other = await startApp(t, { database: app.database });
  t.notMatch((await (await signInAs(other, 'viewer')).get('/admin')).body, title);
});
