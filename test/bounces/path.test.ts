import { readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import {
  asAdmin,
  audited,
  confirmedCsv,
  importCsv,
  listOf,
  publish,
  quiet,
  startOutside,
  subscribers,
} from '../bugs/outside.js';
import { dovecotMissing, startDovecot } from '../support/dovecot.js';
import { freePort, startService, until } from '../support/process.js';
import { connectMail } from './mail-client.js';
import { humanReply, report } from './mails.js';

/*
 * The way back, as mail systems see it: from the envelope sender of a notice to the person it was for.
 */

const people = ['ann@example.org', 'ben@example.org', 'cleo@example.org', 'dora@example.org'];

async function openStage(t: Test, env: Readonly<Record<string, string>>) {
  const outside = await startOutside(t, {
    env: {
      BOUNCE_ADDRESS: 'bounces@example.com',
      MAIL_FROM: 'Notices <notices@example.com>',
      LOG_LEVEL: 'info',
      ...env,
    },
  });
  const { service, relay } = outside;
  await publish(service, listOf('Vendor One'), { notify: false });
  await importCsv(service, confirmedCsv(...people));
  await publish(service, listOf('Vendor One', 'Vendor Two'));
  await quiet(outside);
  const senderTo = (address: string) => {
    const [mail] = relay.mailTo(address);
    if (mail === undefined) throw new Error(`no mail to ${address}`);
    return mail.from;
  };
  return { ...outside, senderTo };
}

/** Who has a mail that came back, and who would get no further one. */
async function unreached(service: Parameters<typeof subscribers>[0]) {
  const all = await subscribers(service);
  return all
    .filter((one) => one.unreached !== null)
    .map(({ email, unreached: why }) => [email, why?.state, why?.reason]);
}

t.test('each recipient has an envelope sender of their own, and a report to it is about them alone', async (t) => {
  const port = await freePort();
  const { service, relay, senderTo, database } = await openStage(t, { BOUNCE_LISTEN: `lmtp://127.0.0.1:${port}` });
  const senders = people.map(senderTo);
  t.equal(new Set(senders).size, people.length);
  for (const sender of senders) t.match(sender, /^bounces\+[a-z2-7]{24}@example\.com$/);
  t.equal((await relay.mailTo('ben@example.org')[0]?.parse())?.from?.value[0]?.address, 'notices@example.com');

  // Ben's mailbox forwards: the report names where to, and says nothing of the mail itself.
  const lmtp = await connectMail(t, port, 'lmtp');
  const forwarded = report({ recipient: 'benjamin@elsewhere.example', to: senderTo('ben@example.org') });
  t.match(await lmtp.hand(forwarded, { to: [senderTo('ben@example.org')] }), { rcpt: [/^250/], data: [/^250/] });
  t.strictSame(await unreached(service), [['ben@example.org', 'bounced', 'mailbox-unknown']]);
  const { rows } = await database.pool.query<{ email: string }>(
    `select s.email from suppressions x join subscribers s on s.email_hash = x.email_hash`,
  );
  t.strictSame(rows, [{ email: 'ben@example.org' }]);

  // A report that names somebody else does not touch them: the address it comes to says whose mail it was.
  const lying = report({ recipient: 'ann@example.org', to: senderTo('cleo@example.org') });
  t.match(await lmtp.hand(lying, { to: [senderTo('cleo@example.org').toUpperCase()] }), { data: [/^250/] });
  t.strictSame(await unreached(service), [
    ['ben@example.org', 'bounced', 'mailbox-unknown'],
    ['cleo@example.org', 'bounced', 'mailbox-unknown'],
  ]);

  // The next notice goes to the two that are left, from other envelope senders again.
  await publish(service, listOf('Vendor One', 'Vendor Two', 'Vendor Three'));
  await quiet({ database });
  t.strictSame(
    people.map((one) => relay.mailTo(one).length),
    [2, 1, 1, 2],
  );
  t.equal(new Set(relay.received.map(({ from }) => from)).size, 6);
});

t.test('a stranger takes nobody off the list by mail', async (t) => {
  const port = await freePort();
  const { service, senderTo, relay } = await openStage(t, { BOUNCE_LISTEN: `smtp://127.0.0.1:${port}` });
  const smtp = await connectMail(t, port, 'smtp');
  const path = senderTo('ann@example.org');
  // Without a token, and without anything that only a recipient's mail system can know.
  for (const to of ['bounces@example.com', 'notices@example.com']) {
    for (const mail of [
      report({ recipient: 'ann@example.org', to }),
      report({ recipient: 'ann@example.org', to, messageId: '<made-up@example.com>' }),
      report({ recipient: 'ann@example.org', to, headers: 'Delivered-To: ann@example.org\n' }),
    ]) {
      t.match(await smtp.hand(mail, { to: [to] }), { rcpt: [/^250/] });
    }
  }
  const forged = `${path.slice(0, 12)}${path[12] === 'a' ? 'b' : 'a'}${path.slice(13)}`;
  t.match(await smtp.hand(report({ recipient: 'ann@example.org' }), { to: [forged] }), { rcpt: [/^550/] });
  t.strictSame(await unreached(service), []);
  // What the mail itself carried does: its Message-ID.
  const [mail] = relay.mailTo('ann@example.org');
  const messageId = (await mail?.parse())?.messageId ?? '';
  await smtp.hand(report({ recipient: 'other@elsewhere.example', messageId }), { to: ['bounces@example.com'] });
  t.strictSame(await unreached(service), [['ann@example.org', 'bounced', 'mailbox-unknown']]);
});

t.test('a soft failure and a machine’s answer to the same address suppress nobody', async (t) => {
  const port = await freePort();
  const { service, senderTo } = await openStage(t, { BOUNCE_LISTEN: `lmtp://127.0.0.1:${port}` });
  const lmtp = await connectMail(t, port, 'lmtp');
  const away = `From: Ann <ann@example.org>
To: ${senderTo('ann@example.org')}
Subject: Out of office: Changes to our sub-processors
Auto-Submitted: auto-replied
Precedence: junk
Message-ID: <away@example.org>
Content-Type: text/plain

I am away until Monday.
`;
  t.match(await lmtp.hand(away, { to: [senderTo('ann@example.org')] }), { data: [/^250/] });
  const full = report({
    recipient: 'ben@example.org',
    status: '4.2.2',
    diagnostic: 'smtp; 452 4.2.2 mailbox full',
    action: 'delayed',
  });
  t.match(await lmtp.hand(full, { to: [senderTo('ben@example.org')] }), { data: [/^250/] });
  t.match(await lmtp.hand(humanReply({}), { from: 'dora@example.org', to: [senderTo('dora@example.org')] }), {
    data: [/^550 5\.7\.1/],
  });
  t.strictSame(await unreached(service), []);
});

t.test(
  'SIGTERM with connections open ends in time, and a port that is taken stops the start with one line',
  async (t) => {
    const port = await freePort();
    const { service } = await openStage(t, { BOUNCE_LISTEN: `lmtp://127.0.0.1:${port}` });
    const idle = await connectMail(t, port, 'lmtp');
    await idle.say('MAIL FROM:<>');
    await t.rejects(startService(t, { ...service.env, PORT: String(await freePort()) }), {
      message: new RegExp(`BOUNCE_LISTEN: 127\\.0\\.0\\.1:${port} is taken by another program; choose another port\\n`),
    });
    const started = Date.now();
    t.equal(await service.stop(), 0);
    t.ok(Date.now() - started < 10_000);
    await idle.ended;
  },
);

t.test('by IMAP with TLS, and kill -9 in the middle', { skip: dovecotMissing() }, async (t) => {
  const server = await startDovecot(t);
  const login = `${server.user}:${encodeURIComponent(server.password)}`;
  const env = {
    BOUNCE_IMAP_URL: `imaps://${login}@localhost:${server.securePort}/INBOX`,
    NODE_EXTRA_CA_CERTS: server.certificate,
  };
  t.match(readFileSync(server.certificate, 'utf8'), /BEGIN CERTIFICATE/);
  const { service, senderTo, database } = await openStage(t, env);
  await service.stop();
  const crowd = 60;
  await database.pool.query('select 1');
  for (let n = 0; n < crowd; n += 1) {
    const to = senderTo(people[n % 2] ?? '');
    server.deliver(
      report({ recipient: `other${n}@elsewhere.example`, headers: `Delivered-To: ${to}\n`, to: 'undisclosed' }),
    );
  }
  server.deliver(humanReply({}));

  const first = await startService(t, service.env);
  await until('a first mail to be put away', async () => ((await server.folder('Subnotice.Done'))?.length ?? 0) > 0);
  await first.stop('SIGKILL');
  const second = await startService(t, service.env);
  await until('the inbox to be empty but for the reply', async () => (await server.folder('INBOX'))?.length === 1);
  t.match(await server.folder('INBOX'), [
    { subject: 'Re: Changes to our sub-processors', flags: ['$SubnoticeSeen', '\\Flagged'] },
  ]);
  t.equal((await server.folder('Subnotice.Done'))?.length, crowd, 'none is lost, none is there twice');
  t.strictSame(await unreached(second), [
    ['ann@example.org', 'bounced', 'mailbox-unknown'],
    ['ben@example.org', 'bounced', 'mailbox-unknown'],
  ]);
  for (const { id } of (await subscribers(second)).slice(0, 2)) {
    t.equal(await audited(second, 'subscriber.suppressed', id), 1, 'thirty reports, one suppression');
  }
  t.equal((await asAdmin(second, '/api/v1/audit?limit=1')).status, 200);
});
