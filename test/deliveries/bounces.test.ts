import t, { type Test } from 'tap';
import { readDsn } from '../../src/bounces/dsn.js';
import { readMailSource } from '../../src/bounces/mail-source.js';
import { receiveReport } from '../../src/bounces/receive.js';
import { readConfig } from '../../src/config.js';
import { recordOutcomes } from '../../src/deliveries/queries.js';
import { fanOut } from '../../src/notices/fan-out.js';
import { emailHash } from '../../src/subscribers/tokens.js';
import { openDatabase } from '../support/database.js';
import { addSubscribers, addVersions, deliveries, order, start } from './make.js';

const config = readConfig({ DATABASE_URL: 'postgresql://unused', SECRET_KEY: 'k'.repeat(32) });
/** Of the first delivery, as its claim makes it. */
const ours = `<1.${'0'.repeat(32)}@example.com>`;
const robot = { kind: 'token', id: 'environment', role: 'admin' } as const;

interface Notification {
  to?: string;
  action?: string;
  status?: string;
  diagnostic?: string;
  messageId?: string | null;
}

const crlf = (text: string) => text.replace(/\r?\n/g, '\r\n');

/** A notification as Postfix writes it. */
function postfixDsn({
  to = 'ann@example.org',
  action = 'failed',
  status = '5.1.1',
  diagnostic,
  messageId,
}: Notification): string {
  return crlf(`Return-Path: <>
Date: Mon,  4 Jan 2027 10:00:00 +0000 (UTC)
From: MAILER-DAEMON@mx.example.net (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: notices@example.com
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="7C1A.1767520800/mx.example.net"
Message-Id: <20270104100000.7C1A@mx.example.net>

This is a MIME-encapsulated message.

--7C1A.1767520800/mx.example.net
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not
be delivered to one or more recipients. It's attached below.

--7C1A.1767520800/mx.example.net
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net
X-Postfix-Queue-ID: 7C1A
Arrival-Date: Mon,  4 Jan 2027 09:59:58 +0000 (UTC)

Final-Recipient: rfc822; ${to}
Original-Recipient: rfc822;${to}
Action: ${action}
Status: ${status}
Remote-MTA: dns; mail.example.org
Diagnostic-Code: smtp; ${
    diagnostic ??
    `550 5.1.1 <${to}>: Recipient address rejected:
    User unknown in virtual mailbox table`
  }

--7C1A.1767520800/mx.example.net
Content-Description: Undelivered Message Headers
Content-Type: text/rfc822-headers

From: Notices <notices@example.com>
To: ${to}
Subject: A change
${messageId === null ? 'X-Nothing: here' : `Message-ID: ${messageId ?? '<unknown@example.com>'}`}

--7C1A.1767520800/mx.example.net--
`);
}

/** One notice that the relay took, to `email`. */
async function sentNotice(t: Test, email = 'ann@example.org') {
  const { pool } = await openDatabase(t);
  await addVersions(pool, 3);
  const [id = 0] = await addSubscribers(pool, [{ email }]);
  await pool.query('update subscribers set email_hash = $2 where id = $1', [
    id,
    emailHash(config.secretKeys, email.toLowerCase()),
  ]);
  await order(pool, 2);
  await fanOut({ db: pool, now: () => start });
  await pool.query(
    `update deliveries set state = 'sent', attempts = 1, sent_at = $1, message_id = $2, response = '250 taken'`,
    [start, ours],
  );
  const receive = (source: string, contentType = 'message/rfc822') =>
    receiveReport({ db: pool, config, now: () => start }, { contentType, body: Buffer.from(source) }, robot);
  const suppressions = async () => (await pool.query('select reason from suppressions')).rows;
  return { pool, id, receive, suppressions };
}

t.test('a mailbox that is gone: bounced, suppressed, and what is queued does not go', async (t) => {
  const { pool, receive, suppressions } = await sentNotice(t);
  await order(pool, 3);
  await fanOut({ db: pool, now: () => start });
  const [sent] = await deliveries(pool);
  t.same(await receive(postfixDsn({ messageId: ours })), [
    { outcome: 'bounced', kind: 'hard', delivery: sent?.id, suppressed: true },
  ]);
  t.match(await deliveries(pool), [
    { state: 'bounced', reason: 'mailbox-unknown', response: /550 5\.1\.1 .*virtual mailbox table/ },
    { state: 'suppressed', reason: 'hard-bounce' },
  ]);
  t.same(await suppressions(), [{ reason: 'hard-bounce' }]);
  const audit = await pool.query(`select action, subject, actor from audit_log order by id`);
  t.match(audit.rows, [
    { action: 'subscriber.suppressed' },
    { action: 'delivery.bounced', subject: `delivery ${sent?.id}`, actor: robot },
  ]);
  t.match(await receive(postfixDsn({ messageId: ours })), [{ outcome: 'known' }], 'twice is once');
  t.equal((await pool.query('select from audit_log')).rowCount, 2);
});

t.test('a report that is faster than the record of the hand-over counts, and the mail is not repeated', async (t) => {
  const { pool, receive } = await sentNotice(t);
  const instance = '00000000-0000-4000-8000-000000000001';
  await pool.query(`update deliveries set state = 'sending', sent_at = null, leased_by = $1, leased_until = $2`, [
    instance,
    start,
  ]);
  t.match(await receive(postfixDsn({ messageId: ours })), [{ outcome: 'bounced', suppressed: true }]);
  const [bounced] = await deliveries(pool);
  t.match(bounced, { state: 'bounced', reason: 'mailbox-unknown', leased_by: null });
  const sent = { state: 'sent', reason: null, response: '250 taken', dueAt: null, at: start, attempted: true } as const;
  await recordOutcomes(pool, instance, [{ id: bounced?.id ?? 0, ...sent }]);
  t.match(await deliveries(pool), [{ state: 'bounced', reason: 'mailbox-unknown' }], 'the record comes too late');
});

t.test('“delayed” and “delivered” take nobody off the list', async (t) => {
  const { pool, receive, suppressions } = await sentNotice(t);
  const before = await deliveries(pool);
  const delayed = {
    action: 'delayed',
    status: '4.4.1',
    diagnostic: '451 4.4.1 no answer',
    messageId: ours,
  };
  t.match(await receive(postfixDsn(delayed)), [{ outcome: 'noted', suppressed: false }]);
  t.match(await receive(postfixDsn({ ...delayed, action: 'delivered', status: '2.0.0' })), [{ outcome: 'noted' }]);
  t.same(await deliveries(pool), before);
  t.same(await suppressions(), []);
});

t.test('a full mailbox, a policy and a relay that gave up bounce the mail and suppress nobody', async (t) => {
  for (const [status, diagnostic, reason] of [
    ['5.2.2', '552 5.2.2 mailbox full', 'mailbox-full'],
    ['5.7.1', '550 5.7.1 message blocked by policy', 'policy'],
    ['4.4.7', '451 4.4.7 delivery time expired', 'domain-unreachable'],
    ['5.0.0', '550 administrative prohibition', 'refused'],
  ] as const) {
    const { pool, receive, suppressions } = await sentNotice(t);
    t.match(await receive(postfixDsn({ status, diagnostic, messageId: ours })), [
      { outcome: 'bounced', suppressed: false },
    ]);
    t.match(await deliveries(pool), [{ state: 'bounced', reason }]);
    t.same(await suppressions(), []);
  }
});

t.test('without a Message-ID the recipient tells which mail it was', async (t) => {
  const { receive, suppressions } = await sentNotice(t, 'Ann@example.org');
  t.match(await receive(postfixDsn({ to: 'ann@EXAMPLE.org', messageId: null })), [
    { outcome: 'bounced', suppressed: true },
  ]);
  t.equal((await suppressions()).length, 1);
});

t.test('a mail that was forwarded is found by its Message-ID', async (t) => {
  const { receive } = await sentNotice(t);
  t.match(await receive(postfixDsn({ to: 'elsewhere@other.example', messageId: ours })), [{ outcome: 'bounced' }]);
});

t.test('what is none of ours changes nothing', async (t) => {
  const { pool, receive, suppressions } = await sentNotice(t);
  t.match(await receive(postfixDsn({ to: 'stranger@example.org' })), [{ outcome: 'unmatched', delivery: null }]);
  t.same(await suppressions(), []);
  t.match(await deliveries(pool), [{ state: 'sent' }]);
});

t.test('who has moved to another address keeps it', async (t) => {
  const { pool, receive, suppressions } = await sentNotice(t);
  await pool.query(
    `update subscribers set email = 'new@example.org', email_key = 'new@example.org', email_hash = '\\x00'`,
  );
  t.match(await receive(postfixDsn({ messageId: ours })), [{ outcome: 'bounced' }]);
  t.same(await suppressions(), []);
});

t.test('the body of the report alone is read as well', async (t) => {
  const { receive } = await sentNotice(t);
  const whole = postfixDsn({ messageId: ours });
  const body = whole.slice(whole.indexOf('\r\n\r\n') + 4);
  t.match(
    await receive(body, 'multipart/report; report-type=delivery-status; boundary="7C1A.1767520800/mx.example.net"'),
    [{ outcome: 'bounced' }],
  );
});

t.test('what is no notification is refused', async (t) => {
  const { receive } = await sentNotice(t);
  for (const [source, type] of [
    ['', 'message/rfc822'],
    ['\u0000\u0001', 'application/octet-stream'],
    ['{"type":"hard"}', 'application/json'],
    ['--x\r\n', 'multipart/report\r\nSubject: x; boundary=x'],
    [postfixDsn({}), 'text/html'],
  ] as const) {
    await t.rejects(receive(source, type), { code: 'bounce.unreadable' });
  }
});

t.test('notifications of other mail systems', async (t) => {
  // Exchange: comments, several recipients, the whole mail returned.
  const exchange = crlf(`From: postmaster@corp.example
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"
MIME-Version: 1.0

--b1
Content-Type: text/html

<p>Delivery has failed to these recipients</p>
--b1
Content-Type: message/delivery-status

Reporting-MTA: dns;EX01.corp.example
Received-From-MTA: dns;mail.example.com

Original-Recipient: rfc822;<ann@corp.example>
Final-Recipient: rfc822;ann@corp.example
Action: Failed (permanent)
Status: 5.1.10 (recipient not found)
Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound;
 Recipient not found by SMTP address lookup

Final-Recipient: rfc822;bob@corp.example
Action: delayed
Status: 4.4.7

--b1
Content-Type: message/rfc822

Message-ID:
 <abc@example.com>
From: notices@example.com
To: ann@corp.example
Subject: =?utf-8?Q?A_change?=

body
Message-ID: <not-this-one@example.com>
--b1--
`);
  t.match(await read(exchange), [
    {
      kind: 'hard',
      reason: 'mailbox-unknown',
      status: '5.1.10',
      addresses: ['ann@corp.example'],
      diagnostic: '550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup',
      traces: { messageIds: ['<abc@example.com>'] },
    },
    { kind: 'delayed', status: '4.4.7', addresses: ['bob@corp.example'], diagnostic: '4.4.7' },
  ]);

  // The group about the message left out, LF only, no status of its own.
  const sparse = `Content-Type: multipart/report; report-type=delivery-status; boundary=b2

--b2
Content-Type: text/plain

sorry
--b2
Content-Type: message/delivery-status

Final-Recipient: RFC822; ann@example.org
Action: failed
Diagnostic-Code: X-Unix; 67
--b2--
`;
  t.match(await read(sparse), [
    { kind: 'soft', status: null, addresses: ['ann@example.org'], diagnostic: '67', traces: { messageIds: [] } },
  ]);
});

async function read(source: string) {
  const mail = await readMailSource(Buffer.from(source));
  return mail === null ? null : readDsn(mail);
}
