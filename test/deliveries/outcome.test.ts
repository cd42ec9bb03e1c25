import t from 'tap';
import { judge, meaningOf, mostAttempts } from '../../src/deliveries/outcome.js';
import { createRecorder } from '../../src/deliveries/recorder.js';
import type { Reply } from '../../src/mail/transport.js';
import { until } from '../support/process.js';
import { start } from './make.js';

const delivery = { attempts: 1, now: start, random: 0.5 };

/** A refusal as the transport reports it. */
function said(stage: Reply['stage'], response: string): Reply {
  const code = /^\d{3}/.exec(response)?.[0];
  const enhanced = /^\d{3}[ -](\d\.\d+\.\d+)/.exec(response)?.[1] ?? null;
  return { outcome: 'rejected', stage, code: code === undefined ? null : Number(code), enhanced, response };
}

t.test('what relays say, and what becomes of the delivery', async (t) => {
  const cases: [stage: Reply['stage'], reply: string, state: string, reason: string, suppressed: boolean][] = [
    [
      'rcpt',
      '550 5.1.1 <ann@example.org>: Recipient address rejected: User unknown in virtual mailbox table',
      'bounced',
      'mailbox-unknown',
      true,
    ],
    ['rcpt', '550-5.1.1 The email account that you tried to reach does not exist.', 'bounced', 'mailbox-unknown', true],
    ['rcpt', '550 No such user here', 'bounced', 'mailbox-unknown', true],
    ['rcpt', '550 Requested action not taken: mailbox unavailable', 'bounced', 'mailbox-unknown', true],
    ['rcpt', '553 sorry, no mailbox here by that name. (#5.7.17)', 'bounced', 'mailbox-unknown', true],
    ['data', "554 delivery error: dd This user doesn't have a yahoo account", 'bounced', 'mailbox-unknown', true],
    ['rcpt', '556 5.1.10 Recipient address has null MX', 'bounced', 'mailbox-unknown', true],
    ['rcpt', '550 5.2.1 The email account that you tried to reach is disabled', 'bounced', 'mailbox-disabled', true],
    [
      'rcpt',
      '550 5.1.2 <ann@example.org>: Recipient address rejected: Domain not found',
      'bounced',
      'domain-unknown',
      true,
    ],
    ['rcpt', '550 Unrouteable address', 'bounced', 'domain-unknown', true],
    ['rcpt', '501 5.1.3 Bad recipient address syntax', 'bounced', 'address-invalid', true],
    ['rcpt', '552 5.2.2 Mailbox full', 'bounced', 'mailbox-full', false],
    ['rcpt', '552 Requested mail action aborted: exceeded storage allocation', 'bounced', 'mailbox-full', false],
    ['data', '552 5.3.4 Message size exceeds fixed maximum message size', 'failed', 'too-large', false],
    ['mail', '552 5.3.4 Message size exceeds fixed limit', 'failed', 'too-large', false],
    [
      'data',
      '550 5.7.1 Our system has detected that this message is likely unsolicited mail',
      'failed',
      'policy',
      false,
    ],
    [
      'data',
      '550 5.7.515 Access denied, sending domain does not meet the required authentication level',
      'failed',
      'policy',
      false,
    ],
    [
      'rcpt',
      '554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.example',
      'failed',
      'policy',
      false,
    ],
    ['rcpt', '550 SC-001 (SNT004) Mail rejected for policy reasons', 'failed', 'policy', false],
    ['data', '554 Transaction failed: message rejected as spam', 'failed', 'policy', false],
    ['rcpt', '554 5.7.1 <ann@example.org>: Relay access denied', 'failed', 'relaying-denied', false],
    [
      'rcpt',
      '553 5.1.8 <notices@example.com>: Sender address rejected: Domain not found',
      'failed',
      'sender-refused',
      false,
    ],
    ['rcpt', '500 5.5.2 syntax error', 'failed', 'refused', false],
    ['rcpt', '550 Administrative prohibition', 'failed', 'refused', false],
    [
      'rcpt',
      '450 4.1.2 <b@example.org>: Recipient address rejected: Domain not found',
      'deferred',
      'domain-unreachable',
      false,
    ],
    [
      'rcpt',
      '450 4.2.0 <ann@example.org>: Recipient address rejected: Greylisted, see https://postgrey.example/',
      'deferred',
      'greylisted',
      false,
    ],
    ['rcpt', '452 4.2.2 The email account that you tried to reach is over quota', 'deferred', 'mailbox-full', false],
    ['data', '451 4.7.500 Server busy. Please try again later', 'deferred', 'throttled', false],
    ['rcpt', '451 4.3.0 Temporary lookup failure', 'deferred', 'refused', false],
  ];
  for (const [stage, reply, state, reason, suppressed] of cases) {
    const verdict = judge(said(stage, reply), delivery);
    t.match(verdict, { state, reason, suppress: suppressed ? 'hard-bounce' : null, attempted: true }, reply);
    t.equal(verdict.dueAt !== null, state === 'deferred', 'a time exactly when it is tried again');
  }
});

t.test('a taken mail is sent, whatever the words', async (t) => {
  t.same(judge({ ...said('data', '250 blocked spam user unknown'), outcome: 'accepted' }, delivery), {
    state: 'sent',
    reason: null,
    dueAt: null,
    suppress: null,
    blames: 'nobody',
    attempted: true,
  });
});

t.test('what the relay has against itself or us is no attempt at the recipient', async (t) => {
  for (const reply of [
    { ...said('connect', ''), outcome: 'unreachable' as const, code: null },
    { ...said('tls', 'certificate has expired'), outcome: 'unreachable' as const, code: null },
    { ...said('auth', '535 5.7.8 authentication failed'), outcome: 'unreachable' as const },
    { ...said('mail', '421 4.7.0 too many messages'), outcome: 'unreachable' as const },
    said('mail', '550 5.7.1 sender not allowed'),
    said('mail', '530 5.7.0 Authentication required'),
    said('mail', '452 4.3.1 Insufficient system storage'),
    said('connect', '554 5.7.1 no SMTP service here'),
  ]) {
    t.match(
      judge(reply, { ...delivery, attempts: 500 }),
      { state: 'deferred', blames: 'relay', attempted: false },
      reply.response,
    );
  }
});

t.test('a connection lost in the middle is an attempt: it may have arrived', async (t) => {
  for (const stage of ['rcpt', 'data'] as const) {
    const lost = { outcome: 'unreachable', stage, code: null, enhanced: null, response: 'connection closed' } as const;
    t.match(judge(lost, delivery), { state: 'deferred', reason: 'connection-lost', blames: 'relay', attempted: true });
  }
  t.match(judge(said('mail', '503 5.5.1 nested MAIL command'), delivery), { state: 'deferred', blames: 'relay' });
});

t.test('gaps grow from one minute to four hours and add up to four days', async (t) => {
  const gap = (attempts: number, random = 0.5) => {
    const { dueAt } = judge(said('rcpt', '451 4.3.0 later'), { attempts, now: start, random });
    return ((dueAt?.getTime() ?? Number.NaN) - start.getTime()) / 60_000;
  };
  t.same(
    [1, 2, 3, 4, 5, 6, 7].map((attempts) => gap(attempts)),
    [1, 3, 9, 27, 81, 240, 240],
  );
  t.same([gap(1, 0), gap(1, 1)], [0.8, 1.2], 'a fifth to either side');
  let minutes = 0;
  for (let attempts = 1; attempts <= mostAttempts; attempts += 1) minutes += gap(attempts);
  t.ok(minutes > 3.8 * 24 * 60 && minutes <= 4 * 24 * 60, `${minutes / 24 / 60} days`);
  t.match(judge(said('rcpt', '451 4.3.0 later'), { ...delivery, attempts: mostAttempts + 1 }), {
    state: 'failed',
    reason: 'expired',
  });
});

t.test('an unknown wording is a refusal of its own, not a dead mailbox', async (t) => {
  t.equal(meaningOf({ stage: 'rcpt', code: 550, enhanced: null, response: '550 nope' }), 'refused');
});

t.test('answers are written in statements that start when the last is back', async (t) => {
  const batches: number[][] = [];
  let release = () => {};
  const recorder = createRecorder<number>(async (batch) => {
    batches.push([...batch]);
    if (batches.length === 1) {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
    }
  });
  recorder.add(1);
  await until('the first statement', async () => batches.length === 1);
  for (const item of [2, 3, 4]) recorder.add(item);
  t.equal(recorder.pending, 4);
  release();
  await recorder.flush();
  t.same(batches, [[1], [2, 3, 4]]);
  t.equal(recorder.pending, 0);
});

t.test('a hundred answers wait for no further ones', async (t) => {
  const batches: number[] = [];
  const recorder = createRecorder<number>(async (batch) => void batches.push(batch.length));
  for (let item = 0; item < 250; item += 1) recorder.add(item);
  await new Promise(setImmediate);
  t.same(batches, [250], 'they go before any timer');
  for (let item = 0; item < 99; item += 1) recorder.add(item);
  await new Promise(setImmediate);
  t.same(batches, [250], 'fewer wait a moment for company');
  await recorder.flush();
  t.same(batches, [250, 99]);
});

t.test('an answer is not lost because a write fails once', async (t) => {
  let tries = 0;
  const written: string[] = [];
  const recorder = createRecorder<string>(async (batch) => {
    tries += 1;
    if (tries === 1) throw new Error('the database is restarting');
    written.push(...batch);
  });
  recorder.add('a');
  recorder.add('b');
  await recorder.flush();
  t.same(written, ['a', 'b']);
});

t.test('nothing further is done while too much waits to be recorded', async (t) => {
  let release: (() => void) | null = null;
  const recorder = createRecorder<number>(
    () =>
      new Promise<void>((resolve) => {
        release = resolve;
      }),
  );
  await recorder.room(2);
  recorder.add(1);
  recorder.add(2);
  const go = await until('the statement', async () => release);
  let hasRoom = false;
  const room = recorder.room(2).then(() => {
    hasRoom = true;
  });
  await new Promise(setImmediate);
  t.notOk(hasRoom);
  go();
  await room;
  t.ok(hasRoom);
});
