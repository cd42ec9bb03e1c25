import { chmodSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pino } from 'pino';
import t, { type Test } from 'tap';
import { mostMails, type PollDeps, pollBounces } from '../../src/bounces/imap.js';
import { readImapUrl } from '../../src/bounces/imap-mailbox.js';
import { readConfig } from '../../src/config.js';
import { createPool } from '../../src/database/pool.js';
import { checkIn } from '../../src/holds/hold.js';
import { deliveries } from '../deliveries/make.js';
import { createClock } from '../support/clock.js';
import { openDatabase, withholdDatabase } from '../support/database.js';
import { dovecotMissing, type ImapServer, startDovecot } from '../support/dovecot.js';
import { temporaryFolder, until } from '../support/process.js';
import { addSentLetters, humanReply, messageIdOf, report } from './mails.js';

const skip = dovecotMissing();
const looked = '$SubnoticeSeen';

/** Mails that the relay took, to as many people, and a mailbox for what comes back. */
async function openStage(t: Test, { people = 1, settings = '' }: { people?: number; settings?: string } = {}) {
  const server = await startDovecot(t, { settings });
  const { pool, url } = await openDatabase(t);
  await addSentLetters(pool, people);
  const clock = createClock(new Date());
  const lines: string[] = [];
  const poll = (options: { mailbox?: string } & Partial<PollDeps> = {}) => {
    const { mailbox = server.url, ...rest } = options;
    const config = readConfig({
      DATABASE_URL: 'postgresql://unused',
      SECRET_KEY: 'k'.repeat(32),
      BOUNCE_ADDRESS: 'bounces@example.org',
      BOUNCE_IMAP_URL: mailbox,
    });
    const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
    return pollBounces({ db: pool, config, now: clock.now, log, ...rest });
  };
  const states = async () => (await deliveries(pool)).map(({ state }) => state);
  const audit = async () => {
    const { rows } = await pool.query<{ action: string; detail: unknown }>(
      `select action, detail from audit_log where action like 'bounce-mailbox.%' order by id`,
    );
    return rows;
  };
  return { server, pool, url, clock, lines, poll, states, audit };
}

const subjects = async (server: ImapServer, path: string) =>
  (await server.folder(path))?.map(({ subject }) => subject) ?? null;

t.test('a report is booked and put away, a person’s reply is flagged once and left', { skip }, async (t) => {
  const { server, poll, states } = await openStage(t);
  server.deliver(report({ messageId: messageIdOf(1), recipient: 'p1@example.org' }));
  server.deliver(humanReply());
  t.equal(await poll(), 2);
  t.strictSame(await states(), ['bounced']);
  t.match(await server.folder('Subnotice.Done'), [{ subject: 'Undelivered Mail Returned to Sender', flags: [] }]);
  t.match(await server.folder('INBOX'), [
    { subject: 'Re: Changes to our sub-processors', flags: [looked, '\\Flagged'] },
  ]);
  // The person who answered it takes the flag away; it does not come back.
  await server.visit('INBOX', (client) => client.messageFlagsRemove('1:*', ['\\Flagged']));
  t.equal(await poll(), 0);
  t.strictSame(
    (await server.folder('INBOX'))?.map(({ flags }) => flags),
    [[looked]],
  );
});

t.test('what a person has opened is handled the same, and their reply is not flagged any more', { skip }, async (t) => {
  const { server, poll, states } = await openStage(t);
  server.deliver(report({ messageId: messageIdOf(1) }));
  server.deliver(humanReply());
  await server.visit('INBOX', (client) => client.messageFlagsAdd('1:*', ['\\Seen']));
  t.equal(await poll(), 2);
  t.strictSame(await states(), ['bounced']);
  t.match(await server.folder('INBOX'), [{ flags: [looked, '\\Seen'] }]);
});

t.test('five hundred reports, replies among them; a second instance stays out of it', { skip }, async (t) => {
  const { server, poll, states } = await openStage(t, { people: 500 });
  for (let n = 1; n <= 500; n += 1) {
    server.deliver(report({ messageId: messageIdOf(n), recipient: `p${n}@example.org`, subject: `report ${n}` }));
    if (n % 50 === 0) server.deliver(humanReply({ subject: `reply ${n}` }));
  }
  const [first, second] = await Promise.all([poll(), poll()]);
  t.equal(Math.min(first, second), 0, 'one of two looks');
  t.equal(Math.max(first, second), mostMails, 'and leaves after so many');
  t.equal(await poll(), mostMails);
  t.equal(await poll(), 510 - 2 * mostMails);
  t.strictSame(new Set(await states()), new Set(['bounced']));
  t.equal((await server.folder('Subnotice.Done'))?.length, 500);
  t.equal((await server.folder('INBOX'))?.length, 10);
  t.equal(await poll(), 0);
});

t.test('of a mail of 5 MiB the beginning is enough', { skip }, async (t) => {
  const { server, poll, states } = await openStage(t);
  server.deliver(report({ messageId: messageIdOf(1), returned: 5 * 1024 * 1024 }));
  server.deliver(humanReply({ bytes: 5 * 1024 * 1024 }));
  t.equal(await poll(), 2);
  t.strictSame(await states(), ['bounced']);
  t.match(await server.folder('INBOX'), [{ flags: [looked, '\\Flagged'] }]);
});

t.test('a wrong password is told once and mended', { skip }, async (t) => {
  const { server, poll, pool, audit, clock, lines, states } = await openStage(t);
  const openTasks = async () => (await pool.query('select kind from tasks where done_at is null')).rows;
  server.deliver(report({ messageId: messageIdOf(1) }));
  const url = server.url;
  await server.changePassword('another');
  t.equal(await poll({ mailbox: url }), 0);
  clock.advance({ seconds: 10 });
  t.equal(await poll({ mailbox: url }), 0, 'not looked at yet');
  for (let time = 0; time < 5; time += 1) {
    clock.advance({ minutes: 15 });
    await poll({ mailbox: url });
  }
  t.match(await audit(), [{ action: 'bounce-mailbox.down', detail: { fault: 'login-refused' } }]);
  t.equal(lines.filter((line) => line.includes('cannot be read')).length, 1);
  t.strictSame(await openTasks(), [{ kind: 'bounce-mailbox-down' }], 'it is somebody’s task');
  t.notMatch(lines.join(''), /another|p%ss/);

  clock.advance({ minutes: 15 });
  t.equal(await poll(), 1);
  t.strictSame(await states(), ['bounced']);
  t.match(await audit(), [{ action: 'bounce-mailbox.down' }, { action: 'bounce-mailbox.up' }]);
  t.strictSame(await openTasks(), [], 'and done by itself');
  t.equal(await poll(), 0);
});

t.test('looks get rare while it is down, and a start of the service looks at once', { skip }, async (t) => {
  const { server, poll, pool, clock, audit } = await openStage(t);
  await server.stop();
  const gaps: number[] = [];
  for (let time = 0; time < 7; time += 1) {
    await poll();
    const { rows } = await pool.query<{ try_at: Date }>('select try_at from bounce_mailbox');
    const at = rows[0]?.try_at ?? new Date(0);
    gaps.push(Math.round((at.getTime() - clock.now().getTime()) / 1_000));
    clock.set(at);
  }
  t.strictSame(gaps, [30, 90, 210, 450, 870, 870, 870]);
  t.match(await audit(), [{ action: 'bounce-mailbox.down', detail: { fault: 'unreachable' } }]);
  await poll();
  await server.start();
  server.deliver(report({ messageId: messageIdOf(1) }));
  t.equal(await poll(), 0, 'it is not time yet');
  t.equal(await poll({ atOnce: true }), 1);
  t.match(await audit(), [{ action: 'bounce-mailbox.down' }, { action: 'bounce-mailbox.up' }]);
});

t.test('a certificate that nobody signed, no TLS where it has to be, no such folder', { skip }, async (t) => {
  const { server, poll, audit, clock } = await openStage(t, { settings: 'ssl = no' });
  const login = `${server.user}:${encodeURIComponent(server.password)}`;
  // An IPv4 address in the clothes of IPv6 is not known to be this machine.
  await poll({ mailbox: `imap://${login}@[::ffff:127.0.0.1]:${server.port}/INBOX` });
  clock.advance({ minutes: 15 });
  await poll({ mailbox: `imap://${login}@127.0.0.1:${server.port}/Nowhere` });
  clock.advance({ minutes: 15 });
  const other = await startDovecot(t);
  await poll({ mailbox: `imaps://${login}@localhost:${other.securePort}/INBOX` });
  clock.advance({ minutes: 15 });
  await poll({ mailbox: `imap://${login}@[::ffff:127.0.0.1]:${other.port}/INBOX` });
  clock.advance({ minutes: 15 });
  await poll();
  t.match(
    (await audit()).map(({ action, detail }) => ({ action, detail })),
    [
      { detail: { fault: 'no-tls' } },
      { detail: { fault: 'folder-missing' } },
      { detail: { fault: 'certificate' } },
      { action: 'bounce-mailbox.up' },
    ],
  );
});

const acl = (folder: string) => `mail_plugins = acl
protocol imap {
  mail_plugins = acl
}
plugin {
  acl = vfile:${folder}
}
`;

t.test('a mailbox in which nothing may be changed: each mail is looked at once all the same', { skip }, async (t) => {
  const file = join(temporaryFolder(t), 'acl');
  for (const rights of ['lr', 'lrs', 'lrswt']) {
    writeFileSync(file, `* owner ${rights}\n`);
    chmodSync(dirname(file), 0o755);
    const { server, poll, states, lines, audit } = await openStage(t, { people: 2, settings: acl(file) });
    server.deliver(report({ messageId: messageIdOf(1) }));
    server.deliver(humanReply());
    t.equal(await poll(), 2, rights);
    t.strictSame(await states(), ['bounced', 'sent']);
    const flags = (await server.folder('INBOX'))?.map((mail) => mail.flags);
    if (rights === 'lr') t.strictSame(flags, [[], []]);
    if (rights === 'lrs') t.strictSame(flags, [['\\Seen'], []]);
    if (rights === 'lrswt')
      t.strictSame(flags, [
        [looked, '\\Seen'],
        [looked, '\\Flagged'],
      ]);
    t.equal(await poll(), 0, 'looked at once');
    server.deliver(report({ messageId: messageIdOf(2) }));
    t.equal(await poll(), 1);
    t.equal(await poll(), 0);
    t.strictSame(await states(), ['bounced', 'bounced']);
    t.strictSame(await audit(), []);
    t.equal(lines.length, 1);
  }
});

t.test('a server without MOVE: copied first, then taken away', { skip }, async (t) => {
  const { server, poll, states } = await openStage(t, { settings: 'imap_capability = IMAP4rev1 UIDPLUS NAMESPACE' });
  server.deliver(report({ messageId: messageIdOf(1) }));
  t.equal(await poll(), 1);
  t.strictSame(await states(), ['bounced']);
  t.strictSame(await subjects(server, 'INBOX'), []);
  t.equal((await server.folder('Subnotice.Done'))?.length, 1);
});

t.test('the service ends while it looks: what is booked is booked, the rest is for the next', { skip }, async (t) => {
  const { server, poll, states, audit } = await openStage(t, { people: 20 });
  for (let n = 1; n <= 20; n += 1) server.deliver(report({ messageId: messageIdOf(n) }));
  const ending = new AbortController();
  let looks = 0;
  const now = () => {
    looks += 1;
    if (looks === 12) ending.abort();
    return new Date();
  };
  await poll({ signal: ending.signal, now });
  const booked = (await states()).filter((state) => state === 'bounced').length;
  t.ok(booked > 0 && booked < 20, `${booked} are booked`);
  t.strictSame(await audit(), [], 'an end is no fault of the mailbox');
  t.equal(await poll({ signal: ending.signal }), 0);
  await poll();
  t.strictSame(new Set(await states()), new Set(['bounced']));
  t.strictSame(await subjects(server, 'INBOX'), []);
});

t.test(
  'a mail that cannot be booked for a fault of ours is shown to people, and tried each time',
  { skip },
  async (t) => {
    const { server, poll, pool, states, lines } = await openStage(t, { people: 2 });
    await pool.query(`alter table deliveries add constraint fault check (id <> 1 or state <> 'bounced')`);
    server.deliver(report({ messageId: messageIdOf(1) }));
    server.deliver(report({ messageId: messageIdOf(2) }));
    t.equal(await poll(), 1, 'the other goes on');
    t.match(await server.folder('INBOX'), [{ flags: ['\\Flagged'] }]);
    t.equal(await poll(), 0);
    t.equal(lines.length, 1, 'told once');
    await pool.query('alter table deliveries drop constraint fault');
    t.equal(await poll(), 1);
    t.strictSame(await states(), ['bounced', 'bounced']);
    t.strictSame(await subjects(server, 'INBOX'), []);
  },
);

t.test('the database goes away in the middle: no mail is marked for it, and none is lost', { skip }, async (t) => {
  const { server, poll, pool, url, states, audit, lines } = await openStage(t, { people: 60 });
  for (let n = 1; n <= 60; n += 1) server.deliver(report({ messageId: messageIdOf(n) }));
  const own = createPool(url);
  t.teardown(() => own.end());
  const polling = poll({ db: own }).then(
    () => null,
    (error: unknown) => error,
  );
  await until('the first to be booked', async () => (await states()).includes('bounced'));
  const restore = await withholdDatabase(url);
  t.type(await polling, Error);
  await restore();
  const booked = (await states()).filter((state) => state === 'bounced').length;
  t.ok(booked < 60, `${booked} were booked`);
  t.notOk(
    (await server.folder('INBOX'))?.some(({ flags }) => flags.length > 0),
    'the mails are not to blame',
  );
  t.ok(Number(await poll()) >= 60 - booked);
  t.strictSame(new Set(await states()), new Set(['bounced']));
  t.equal((await server.folder('Subnotice.Done'))?.length, 60);
  t.strictSame(await audit(), []);
  t.strictSame(lines, []);
  await pool.query('select 1');
});

t.test('a restored copy leaves the reports to its original until it is released', { skip }, async (t) => {
  const { server, poll, pool, states } = await openStage(t);
  server.deliver(report({ messageId: messageIdOf(1) }));
  await checkIn({ db: pool, now: () => new Date(), config: readConfig({ SECRET_KEY: 'k'.repeat(32) }) });
  const hold = (because: string | null) =>
    pool.query(
      'update service_state set held_because = $1::text, held_since = case when $1::text is null then null else now() end',
      [because],
    );
  await hold('copy');
  t.equal(await poll(), 0);
  t.strictSame(
    (await server.folder('INBOX'))?.map(({ flags }) => flags),
    [[]],
  );
  await hold('gap');
  t.equal(await poll(), 1, 'what came while nobody ran is taken at once');
  t.strictSame(await states(), ['bounced']);
});

t.test('where the password may go', async (t) => {
  const place = (url: string) => {
    const { host, port, secure, startTls, user, password, folder } = readImapUrl(url);
    return [host, port, secure, startTls, user, password, folder.join('|')];
  };
  t.strictSame(place('imaps://me%40example.org:p%2Fw@imap.example.org'), [
    'imap.example.org',
    993,
    true,
    false,
    'me@example.org',
    'p/w',
    'INBOX',
  ]);
  t.strictSame(place('imap://u:p@imap.example.org/Bounces/All%20of%20them'), [
    'imap.example.org',
    143,
    false,
    true,
    'u',
    'p',
    'Bounces|All of them',
  ]);
  for (const [host, startTls] of [
    ['localhost', false],
    ['127.0.0.1', false],
    ['127.8.9.1', false],
    ['[::1]', false],
    ['127.0.0.1.example.org', true],
    ['10.0.0.1', true],
    ['[fe80::1]', true],
  ] as const) {
    t.equal(readImapUrl(`imap://u:p@${host}/INBOX`).startTls, startTls, host);
  }
  t.equal(readImapUrl('imap://u:100%@localhost').password, '100%', 'a bare percent sign is itself');
});
