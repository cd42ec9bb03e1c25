import t from 'tap';
import { readEvents } from '../../src/bounces/events.js';
import { messageIdOf, monday, openDesk, systemActor, tokenAddress } from './make.js';
import {
  mailgunEvent,
  postmarkBounce,
  postmarkOthers,
  sendgridEvent,
  sesBounce,
  sesComplaint,
  sesOthers,
} from './provider-events.js';

/** Kind and reason of every report in a body, as `hard mailbox-unknown`. */
function judged(value: unknown): string[] | 'sns' {
  const events = readEvents(Buffer.from(JSON.stringify(value)));
  if (events.kind === 'sns') return 'sns';
  return events.reports.map(({ kind, reason }) => (reason === null ? kind : `${kind} ${reason}`));
}

/** A notification of SNS around a message. */
const notification = (message: unknown) => ({
  Type: 'Notification',
  MessageId: '22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324',
  TopicArn: 'arn:aws:sns:eu-west-1:123456789012:bounces',
  Message: typeof message === 'string' ? message : JSON.stringify(message),
  Timestamp: '2027-01-04T09:00:06.000Z',
});

t.test('Amazon SES: what its types mean, and where the mail system’s words know better', async (t) => {
  const full = 'smtp; 552 5.2.2 mailbox full';
  for (const [event, expected] of [
    [sesBounce(), ['hard mailbox-unknown']],
    [sesBounce({ diagnostic: null }), ['hard mailbox-unknown']],
    [sesBounce({ diagnostic: 'smtp; 550 5.7.1 message rejected as spam', status: '5.7.1' }), ['block policy']],
    [sesBounce({ diagnostic: full, status: '5.2.2' }), ['soft mailbox-full']],
    [sesBounce({ subType: 'NoEmail' }), ['hard mailbox-unknown']],
    [sesBounce({ subType: 'Suppressed', diagnostic: null }), ['hard suppressed-by-provider']],
    [sesBounce({ subType: 'OnAccountSuppressionList', diagnostic: null }), ['hard suppressed-by-provider']],
    [sesBounce({ type: 'Transient', subType: 'MailboxFull', diagnostic: null }), ['soft mailbox-full']],
    [sesBounce({ type: 'Transient', subType: 'General', diagnostic: null }), ['auto-reply auto-reply']],
    [
      sesBounce({ type: 'Transient', diagnostic: 'smtp; 550 4.4.7 Message expired', status: '4.4.7' }),
      ['soft domain-unreachable'],
    ],
    [sesBounce({ type: 'Transient', diagnostic: 'smtp; 550 5.1.1 user unknown' }), ['soft mailbox-unknown']],
    [sesBounce({ type: 'Transient', subType: 'ContentRejected' }), ['block policy']],
    [sesBounce({ type: 'Transient', subType: 'MessageTooLarge' }), ['block too-large']],
    [sesBounce({ type: 'Undetermined', subType: 'Undetermined', diagnostic: null }), ['soft refused']],
    [sesComplaint(), ['complaint complaint']],
    [sesComplaint({ type: 'not-spam' }), ['feedback feedback']],
    [sesComplaint({ subType: 'OnAccountSuppressionList' }), ['hard suppressed-by-provider']],
    [sesOthers.delivery, ['delivered']],
    [sesOthers.delay, ['delayed mailbox-full']],
    [sesOthers.reject, ['block policy']],
    [sesOthers.send, []],
    [sesOthers.open, []],
  ] as const) {
    t.same(judged(event), expected, JSON.stringify(expected));
    t.same(judged(notification(event)), expected, 'the same within a notification of SNS');
  }
  t.same(judged(notification('Successfully validated SNS topic for Amazon SES event publishing.')), []);
  t.same(judged(notification({ AlarmName: 'disk full' })), []);
  t.same(judged({ ...notification(''), Type: 'SubscriptionConfirmation' }), 'sns');
});

t.test('Postmark: what its types mean', async (t) => {
  for (const [event, expected] of [
    [
      postmarkBounce('HardBounce', 'smtp;550 5.1.1 The email account that you tried to reach does not exist.'),
      ['hard mailbox-unknown'],
    ],
    [postmarkBounce('HardBounce', ''), ['hard mailbox-unknown']],
    [postmarkBounce('HardBounce', 'smtp;550 5.7.1 blocked by policy'), ['block policy']],
    [postmarkBounce('SoftBounce', 'smtp;552 5.2.2 over quota'), ['soft mailbox-full']],
    [postmarkBounce('SoftBounce', 'smtp;550 5.1.1 user unknown'), ['soft mailbox-unknown']],
    [postmarkBounce('Transient', 'smtp;421 4.4.1 timed out'), ['delayed domain-unreachable']],
    [postmarkBounce('DnsError', ''), ['soft domain-unreachable']],
    [postmarkBounce('AutoResponder', 'I am away'), ['auto-reply auto-reply']],
    [postmarkBounce('SpamNotification', 'spam'), ['block policy']],
    [postmarkBounce('DMARCPolicy', ''), ['block policy']],
    [postmarkBounce('Blocked', ''), ['block policy']],
    [postmarkBounce('BadEmailAddress', ''), ['hard address-invalid']],
    [postmarkBounce('Unknown', 'smtp;500 whatever'), ['soft refused']],
    [postmarkOthers.complaint, ['complaint complaint']],
    [postmarkOthers.delivery, ['delivered']],
    [postmarkOthers.unsubscribed, ['complaint unsubscribed-at-provider']],
    [postmarkOthers.deactivated, []],
    [postmarkOthers.open, []],
  ] as const) {
    t.same(judged(event), expected, JSON.stringify(expected));
  }
});

t.test('SendGrid: a list of events, of which some say nothing of a mail’s fate', async (t) => {
  t.same(
    judged([
      sendgridEvent('processed'),
      sendgridEvent('bounce', {
        type: 'bounce',
        status: '5.1.1',
        reason: '550 5.1.1 The email account does not exist',
      }),
      sendgridEvent('bounce', { type: 'blocked', status: '5.7.1', reason: '550 5.7.1 IP blocked by policy' }),
      sendgridEvent('bounce', { type: 'blocked', status: '5.1.1', reason: '550 5.1.1 user unknown' }),
      sendgridEvent('bounce', { type: 'bounce', status: '5.2.2', reason: '552 5.2.2 mailbox full' }),
      sendgridEvent('deferred', { response: '451 4.7.1 greylisted', attempt: '5' }),
      sendgridEvent('delivered', { response: '250 OK' }),
      sendgridEvent('dropped', { reason: 'Bounced Address', status: '5.0.0' }),
      sendgridEvent('dropped', { reason: 'Spam Reporting Address' }),
      sendgridEvent('dropped', { reason: 'Unsubscribed Address' }),
      sendgridEvent('dropped', { reason: 'Recipient List over Package Quota' }),
      sendgridEvent('spamreport'),
      sendgridEvent('open'),
      sendgridEvent('click', { url: 'https://example.org/' }),
    ]),
    [
      'hard mailbox-unknown',
      'block policy',
      'soft mailbox-unknown',
      'soft mailbox-full',
      'delayed greylisted',
      'delivered',
      'hard suppressed-by-provider',
      'hard suppressed-by-provider',
      'hard unsubscribed-at-provider',
      'block policy',
      'complaint complaint',
    ],
  );
});

t.test('Mailgun: what its events mean', async (t) => {
  const signature = { timestamp: '1799053205', token: 't', signature: 's' };
  for (const [event, expected] of [
    [
      mailgunEvent('failed', {
        severity: 'permanent',
        reason: 'bounce',
        status: { code: 550, message: '5.1.1 The email account does not exist', 'enhanced-code': '5.1.1' },
      }),
      ['hard mailbox-unknown'],
    ],
    [
      mailgunEvent('failed', {
        severity: 'permanent',
        reason: 'generic',
        status: { code: 552, message: 'mailbox is full' },
      }),
      ['soft mailbox-full'],
    ],
    [
      mailgunEvent('failed', {
        severity: 'permanent',
        reason: 'espblock',
        status: { code: 550, message: '5.7.1 blocked' },
      }),
      ['block policy'],
    ],
    [
      mailgunEvent('failed', { severity: 'permanent', reason: 'old', status: { code: 602, message: 'Too old' } }),
      ['soft refused'],
    ],
    [
      mailgunEvent('failed', {
        severity: 'permanent',
        reason: 'suppress-bounce',
        status: { code: 605, message: 'Not delivering to previously bounced address' },
      }),
      ['hard suppressed-by-provider'],
    ],
    [
      mailgunEvent('failed', { severity: 'permanent', reason: 'suppress-unsubscribe', status: { code: 606 } }),
      ['hard unsubscribed-at-provider'],
    ],
    [
      mailgunEvent('failed', {
        severity: 'temporary',
        reason: 'generic',
        status: { code: 452, message: '4.2.2 over quota' },
      }),
      ['delayed mailbox-full'],
    ],
    [mailgunEvent('complained'), ['complaint complaint']],
    [mailgunEvent('delivered', { status: { code: 250, message: 'OK' } }), ['delivered']],
    [mailgunEvent('rejected', { reason: 'Sandbox' }), ['block policy']],
    [mailgunEvent('opened'), []],
    [mailgunEvent('unsubscribed'), []],
  ] as const) {
    t.same(judged({ signature, 'event-data': event }), expected, JSON.stringify(expected));
  }
});

t.test('what is no event says what to send instead', async (t) => {
  const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
  const objects = `${'{"mail":'.repeat(50_000)}1${'}'.repeat(50_000)}`;
  for (const body of [
    '',
    '{',
    'null',
    '1',
    '"x"',
    '{}',
    '{"type":"hard"}',
    '{"RecordType":"Nothing"}',
    '[1,2]',
    deep,
    objects,
    '[[['.repeat(9),
  ]) {
    t.throws(
      () => readEvents(Buffer.from(body)),
      { code: 'bounce.unreadable', message: /message\/rfc822/ },
      body.slice(0, 40),
    );
  }
  for (const inner of [deep, objects, '{', 'hello', '[]']) t.same(judged(notification(inner)), []);
  t.same(judged([]), [], 'a list of no events');
});

t.test('an event finds its mail by token, Message-ID or address, and is booked once', async (t) => {
  const desk = await openDesk(t);
  const ann = await desk.person('ann@example.org', 'contractual');
  const mails: number[] = [];
  for (let count = 0; count < 5; count += 1) mails.push(await desk.mailTo(ann, monday));
  const [first = 0, second = 0, third = 0, fourth = 0, fifth = 0] = mails;
  const json = { contentType: 'application/json' };
  const late = { type: 'Transient', subType: 'MailboxFull' };
  for (const [event, delivery, source] of [
    [sesBounce({ ...late, source: tokenAddress(first) }), first, 'ses'],
    [notification(sesBounce({ ...late, messageId: messageIdOf(second), feedbackId: 'two' })), second, 'ses'],
    [
      [sendgridEvent('bounce', { 'smtp-id': messageIdOf(third), type: 'blocked', reason: '550 5.7.1 policy' })],
      third,
      'sendgrid',
    ],
    [{ 'event-data': mailgunEvent('rejected', { messageId: messageIdOf(fourth).slice(1, -1) }) }, fourth, 'mailgun'],
    [postmarkBounce('HardBounce', 'smtp;550 5.1.1 no such user'), fifth, 'postmark'],
  ] as const) {
    t.match(await desk.receive(JSON.stringify(event), json), [{ outcome: 'bounced', delivery }], source);
    t.match(await desk.receive(JSON.stringify(event), { contentType: 'text/plain; charset=UTF-8' }), [
      { outcome: 'known', delivery },
    ]);
    t.match(await desk.rows(`select source from bounces where delivery_id = ${delivery}`), [{ source }]);
  }
  t.match(await desk.rows('select reason from suppressions'), [{ reason: 'hard-bounce' }]);
  t.match(await desk.rows('select kind from tasks'), [{ kind: 'bounced-contact' }]);
  t.match(await desk.receive(JSON.stringify(sesBounce({ to: 'stranger@example.org' })), json), [
    { outcome: 'unmatched' },
  ]);
  t.match(await desk.receive(JSON.stringify(sesOthers.send), json), [{ outcome: 'not-a-report' }]);
});

t.test('events are taken from nobody who does not say who they are', async (t) => {
  const desk = await openDesk(t);
  await desk.mailTo(await desk.person('ann@example.org'), monday);
  for (const contentType of ['application/json', 'text/plain']) {
    const options = { contentType, actor: systemActor };
    await t.rejects(desk.receive(JSON.stringify(sesBounce()), options), { code: 'bounce.unreadable' });
  }
  t.match(
    await desk.receive(JSON.stringify(sesBounce()), { actor: systemActor }).catch(({ code }) => code),
    'bounce.unreadable',
  );
  t.same(await desk.rows('select from suppressions'), []);
});
