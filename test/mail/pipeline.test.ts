import t, { type Test } from 'tap';
import type { Reply } from '../../src/mail/reply.js';
import { createTransport, type TransportOptions } from '../../src/mail/transport.js';
import { until } from '../support/process.js';
import {
  type Answer,
  type Situation,
  startWireRelay,
  usualOffers,
  type WireOptions,
  type WireRelay,
} from './wire-relay.js';

const from = 'notices@example.org';
const quick = { connect: 2_000, silence: 2_000 };

/** About 28 KB, different for each recipient, with lines that begin with dots. */
function letter(to: string, bytes = 28_000): Buffer {
  const line = `to ${to}: the quick brown fox jumps over the lazy dog\r\n`;
  const head = `From: ${from}\r\nTo: ${to}\r\nSubject: for ${to}\r\n\r\n.\r\n..two\r\n.\r\n`;
  return Buffer.from(head + line.repeat(Math.ceil(bytes / line.length)));
}

async function start(t: Test, wire: WireOptions = {}, over: Partial<TransportOptions> = {}) {
  const relay = await startWireRelay(t, wire);
  const transport = createTransport({
    smtpUrl: `smtp://127.0.0.1:${relay.port}`,
    mailConcurrency: 1,
    ...over,
    timeouts: { ...quick, ...over.timeouts },
  });
  t.teardown(() => transport.close());
  const send = (to: string, message = letter(to, 100)) => transport.send({ from, to }, message);
  const sendAll = (...to: string[]) => Promise.all(to.map((one) => send(one)));
  return { relay, transport, send, sendAll };
}

const names = (count: number, domain = 'example.org') => Array.from({ length: count }, (_, n) => `p${n}@${domain}`);
const said = (relay: WireRelay, pattern: RegExp) => relay.lines.filter((line) => pattern.test(line));
const outOfTurn = (relay: WireRelay) => relay.replies.filter((reply) => / 503/.test(reply));

function accepted(t: Test, replies: readonly Reply[]): void {
  t.same(
    replies.filter(({ outcome }) => outcome !== 'accepted'),
    [],
  );
}

/** Each of them once, and nobody else. */
function reached(t: Test, relay: WireRelay, to: readonly string[]): void {
  t.same(relay.mails.map((mail) => mail.to).sort(), [...to].sort());
}

t.test('500 mails over 5 sessions: each arrives once, byte for byte, at its recipient', async (t) => {
  const { relay, send, transport } = await start(t, {}, { mailConcurrency: 5 });
  const to = names(500);
  accepted(t, await Promise.all(to.map((one) => send(one, letter(one)))));
  reached(t, relay, to);
  for (const mail of relay.mails) {
    if (!mail.data.equals(letter(mail.to)) || mail.from !== from) t.fail(`altered: ${mail.to}`);
  }
  t.equal(relay.connections, 5);
  t.ok(relay.ahead > 400, `${relay.ahead} envelopes went ahead`);
  await transport.close();
  await until('each session to be ended by QUIT', async () => said(relay, /QUIT/).length === 5);
});

t.test('a relay that answers a message only when the next envelope is there gets it', async (t) => {
  const { relay, sendAll } = await start(t, { waitsForMore: 50 });
  accepted(t, await sendAll(...names(50)));
  t.equal(relay.ahead, 49);
  t.same(outOfTurn(relay), []);
});

t.test('an envelope follows as soon as there is one, if its message can go nowhere else', async (t) => {
  const { relay, send } = await start(t, { waitsForMore: 2 });
  const first = send('a@example.org');
  await until('the message to be at the relay', async () => said(relay, /DATA/).length === 1);
  const second = send('b@example.org');
  accepted(t, await Promise.all([first, second]));
});

t.test('a few mails go over a session each, not one behind the other', async (t) => {
  const { relay, sendAll } = await start(t, {}, { mailConcurrency: 4 });
  accepted(t, await sendAll(...names(4)));
  t.equal(relay.ahead, 0);
});

t.test('a refused recipient whose DATA was granted costs a lone dot, and no reset', async (t) => {
  const answer = ({ stage, subject }: Situation) =>
    stage === 'rcpt' && subject.startsWith('gone') ? '550 5.1.1 no such user' : undefined;
  const { relay, sendAll } = await start(t, { answer, grantsData: true });
  const to = ['gone1@example.org', 'a@example.org', 'b@example.org', 'gone2@example.org', 'gone3@example.org'];
  t.match(await sendAll(...to, 'c@example.org'), [
    { outcome: 'rejected', stage: 'rcpt', code: 550, enhanced: '5.1.1', response: '550 5.1.1 no such user' },
    { outcome: 'accepted' },
    { outcome: 'accepted' },
    { outcome: 'rejected', stage: 'rcpt' },
    { outcome: 'rejected', stage: 'rcpt' },
    { outcome: 'accepted' },
  ]);
  reached(t, relay, ['a@example.org', 'b@example.org', 'c@example.org']);
  t.same([relay.connections, said(relay, /RSET/).length, outOfTurn(relay).length], [1, 0, 0]);
});

t.test('a strict relay that refuses every third recipient hears RSET, and nothing out of turn', async (t) => {
  const isThird = (to: string) => Number(to.slice(1, to.indexOf('@'))) % 3 === 0;
  const answer = ({ stage, subject }: Situation) =>
    stage === 'rcpt' && isThird(subject) ? '550-5.1.1 no such user\r\n550 5.1.1 here' : undefined;
  for (const offers of [usualOffers, usualOffers.slice(1)]) {
    const { relay, sendAll } = await start(t, { answer, offers }, { mailConcurrency: 3 });
    const to = names(300);
    const replies = await sendAll(...to);
    for (const [index, reply] of replies.entries()) {
      const expected = isThird(to[index] ?? '') ? '550 5.1.1 no such user here' : '250 2.0.0 taken';
      if (reply.response !== expected) t.fail(`${to[index]}: ${reply.response}`);
    }
    reached(
      t,
      relay,
      to.filter((one) => !isThird(one)),
    );
    t.same([relay.connections, outOfTurn(relay).length], [3, 0]);
  }
});

t.test('what follows a refused sender belongs to the same mail', async (t) => {
  const answer = ({ stage, mail }: Situation) =>
    stage === 'mail' && mail === 2 ? '450 4.3.2 not just now' : undefined;
  for (const [offers, out] of [
    [usualOffers, 2],
    [usualOffers.slice(1), 0],
  ] as const) {
    const { relay, sendAll } = await start(t, { answer, offers });
    t.match(await sendAll('a@example.org', 'b@example.org', 'c@example.org'), [
      { outcome: 'accepted' },
      { outcome: 'rejected', stage: 'mail', code: 450, enhanced: '4.3.2' },
      { outcome: 'accepted' },
    ]);
    t.same([relay.connections, outOfTurn(relay).length], [1, out], 'RCPT and DATA of the second');
  }
});

t.test('a refusal at DATA or of the message is that mail’s', async (t) => {
  const answer = ({ stage, subject }: Situation) => {
    if (stage === 'data' && subject.startsWith('early')) return '451 4.7.1 try again later';
    return stage === 'message' && subject.startsWith('late') ? '554 5.7.1 not wanted' : undefined;
  };
  for (const offers of [usualOffers, usualOffers.slice(1)]) {
    const { relay, sendAll } = await start(t, { answer, offers });
    t.match(await sendAll('a@example.org', 'early@example.org', 'b@example.org', 'late@example.org', 'c@example.org'), [
      { outcome: 'accepted' },
      { outcome: 'rejected', stage: 'data', code: 451 },
      { outcome: 'accepted' },
      { outcome: 'rejected', stage: 'data', code: 554 },
      { outcome: 'accepted' },
    ]);
    reached(t, relay, ['a@example.org', 'b@example.org', 'c@example.org']);
    t.same([relay.connections, outOfTurn(relay).length], [1, 0]);
  }
});

t.test('a relay that ends each session after ten mails is left and met again, and nobody pays for it', async (t) => {
  const answer = ({ stage, mail }: Situation) =>
    stage === 'mail' && mail > 10 ? '421 4.7.0 too many messages in this session' : undefined;
  const { relay, sendAll } = await start(t, { answer }, { mailConcurrency: 2 });
  const to = names(100);
  accepted(t, await sendAll(...to));
  reached(t, relay, to);
  t.ok(relay.connections >= 10, `${relay.connections} sessions`);
  t.ok(relay.ahead > 50, 'by PIPELINING all the while');
});

const stages = ['mail', 'rcpt', 'data', 'message'] as const;
/** Each stage, at a relay with PIPELINING and at one without. */
const places = [usualOffers, usualOffers.slice(1)].flatMap((offers) => stages.map((at) => ({ at, offers })));

t.test('421: the mail in hand is told it, the one that went ahead goes by another session', async (t) => {
  for (const { at, offers } of places) {
    const { relay, sendAll } = await start(t, {
      offers,
      answer: ({ stage, connection }) => (stage === at && connection === 1 ? '421 4.3.2 shutting down' : undefined),
    });
    const [first, ...others] = await sendAll('a@example.org', 'b@example.org', 'c@example.org');
    t.match(first, { outcome: 'unreachable', stage: at === 'message' ? 'data' : at, code: 421 }, at);
    accepted(t, others);
    reached(t, relay, ['b@example.org', 'c@example.org']);
  }
});

t.test('a connection that breaks: the mail in hand is told where, the one behind it arrives once', async (t) => {
  for (const { at, offers } of places) {
    const { relay, sendAll } = await start(t, {
      offers,
      answer: ({ stage, connection }) => (stage === at && connection === 1 ? 'close' : undefined),
    });
    const [first, ...others] = await sendAll('a@example.org', 'b@example.org', 'c@example.org');
    t.match(first, { outcome: 'unreachable', stage: at === 'message' ? 'data' : at, code: null }, at);
    accepted(t, others);
    reached(t, relay, ['b@example.org', 'c@example.org']);
    t.equal(relay.ahead, at === 'message' && offers.includes('PIPELINING') ? 1 : 0, 'after that it goes one by one');
  }
});

t.test('silence at each stage ends the wait, with the same answers', async (t) => {
  for (const { at, offers } of places) {
    const { relay, sendAll } = await start(
      t,
      { offers, answer: ({ stage, connection }) => (stage === at && connection === 1 ? 'silence' : undefined) },
      { timeouts: { silence: 150 } },
    );
    const [first, ...others] = await sendAll('a@example.org', 'b@example.org', 'c@example.org');
    t.match(first, { outcome: 'unreachable', stage: at === 'message' ? 'data' : at, code: null }, at);
    accepted(t, others);
    reached(t, relay, ['b@example.org', 'c@example.org']);
  }
});

t.test('one address that makes the relay hang up holds up nobody, and is told apart', async (t) => {
  const { relay, sendAll } = await start(
    t,
    { answer: ({ stage, subject }) => (stage === 'rcpt' && subject.startsWith('bad') ? 'close' : undefined) },
    { mailConcurrency: 3 },
  );
  const to = names(40);
  const [bad, ...others] = await sendAll('bad@example.org', ...to);
  t.match(bad, { outcome: 'unreachable', stage: 'rcpt', code: null });
  accepted(t, others);
  reached(t, relay, to);
  t.ok(said(relay, /bad@/).length <= 2, 'at most once ahead and once alone');
});

t.test('an address behind another that makes the relay hang up before it has answered for either', async (t) => {
  const { relay, sendAll } = await start(t, {
    holdsReplies: true,
    answer: ({ stage, subject }) => (stage === 'rcpt' && subject.startsWith('bad') ? 'close' : undefined),
  });
  t.match(await sendAll('a@example.org', 'bad@example.org', 'b@example.org', 'c@example.org'), [
    { outcome: 'unreachable', stage: 'data', code: null },
    { outcome: 'unreachable', stage: 'rcpt', code: null },
    { outcome: 'accepted' },
    { outcome: 'accepted' },
  ]);
  reached(t, relay, ['a@example.org', 'b@example.org', 'c@example.org']);
});

t.test('replies byte by byte, of several lines, many in one piece', async (t) => {
  const answer = ({ stage }: Situation) =>
    stage === 'message' ? '250-2.0.0 taken\r\n250-2.0.0 and kept\r\n250 2.0.0 as grüße' : undefined;
  for (const bytewise of [true, false]) {
    for (const offers of [usualOffers, []]) {
      const { sendAll } = await start(t, { answer, bytewise, offers });
      const replies = await sendAll(...names(20));
      for (const { outcome, response } of replies) {
        t.same([outcome, response], ['accepted', '250 2.0.0 taken and kept as grüße']);
      }
    }
  }
});

t.test('what is no reply, or one too many or too few, ends the session; the mails go by the safe layer', async (t) => {
  const cases: { what: string; at: Situation['stage']; answer: Answer; lost: boolean }[] = [
    { what: 'nonsense at MAIL', at: 'mail', answer: { raw: 'hello\r\n' }, lost: false },
    { what: 'two replies to RCPT', at: 'rcpt', answer: ['250 fine', '250 fine'], lost: false },
    { what: 'DATA is granted by 250', at: 'data', answer: ['250 go on'], lost: false },
    { what: 'two replies to DATA', at: 'data', answer: ['354 go on', '354 go on'], lost: true },
    { what: 'a code of its own', at: 'message', answer: ['199 perhaps'], lost: true },
    { what: 'another 354', at: 'message', answer: ['354 go on'], lost: true },
    { what: 'lines of two codes', at: 'message', answer: { raw: '250-taken\r\n550 refused\r\n' }, lost: true },
    { what: 'an empty line', at: 'message', answer: { raw: '\r\n' }, lost: true },
    {
      what: 'a line without an end',
      at: 'message',
      answer: { raw: `250-${'x'.repeat(20_000)}`, next: 'silence' },
      lost: true,
    },
    { what: '503', at: 'message', answer: ['503 5.5.1 what?'], lost: true },
  ];
  for (const { what, at, answer, lost } of cases) {
    const { relay, sendAll } = await start(t, {
      answer: ({ stage, connection, mail }) => (stage === at && connection === 1 && mail === 2 ? answer : undefined),
    });
    const replies = await sendAll('a@example.org', 'b@example.org', 'c@example.org', 'd@example.org');
    const [a, b, ...others] = replies;
    accepted(
      t,
      [a, ...others].filter((reply) => reply !== undefined),
    );
    // Its message was on the way, so the relay may have it: it is not sent twice by itself.
    if (lost) t.match(b, { outcome: 'unreachable', stage: 'data' }, what);
    else t.match(b, { outcome: 'accepted' }, what);
    const before = relay.ahead;
    const next = await sendAll('e@example.org', 'f@example.org');
    accepted(t, next);
    t.equal(relay.ahead, before, `${what}: nothing goes ahead any more`);
    const twice = relay.mails.filter(({ to }) => to === 'b@example.org').length;
    t.ok(twice <= 1, `${what}: not twice`);
  }
});

t.test('the safe layer is for a while', async (t) => {
  const { relay, sendAll } = await start(
    t,
    { answer: ({ stage, connection }) => (stage === 'mail' && connection === 1 ? { raw: 'what?\r\n' } : undefined) },
    { timeouts: { idle: 1, surprise: 300 } },
  );
  accepted(t, await sendAll('a@example.org', 'b@example.org'));
  t.equal(relay.ahead, 0);
  await until('PIPELINING to be used again', async () => {
    accepted(t, await sendAll('c@example.org', 'd@example.org'));
    return relay.ahead > 0;
  });
});

t.test('a relay without PIPELINING hears one command at a time', async (t) => {
  const { relay, sendAll } = await start(t, { offers: ['SIZE 1000000', '8BITMIME'] });
  accepted(t, await sendAll(...names(10)));
  reached(t, relay, names(10));
  t.same([relay.ahead, relay.early, relay.connections], [0, 0, 1]);
});

t.test('parameters are those that are needed and offered', async (t) => {
  const { relay, send } = await start(t, { offers: ['PIPELINING', 'size 1000', '8bitmime', 'SMTPUTF8'] });
  const large = Buffer.alloc(1_001, 'x');
  t.match(await Promise.all(['a@example.org', 'jörg@example.org'].map((to) => send(to, Buffer.from('x')))), [
    { outcome: 'accepted' },
    { outcome: 'accepted' },
  ]);
  t.match(await Promise.all([send('b@example.org', large), send('c@example.org', large)]), [
    { outcome: 'rejected', stage: 'mail', code: null, response: 'Message size larger than allowed 1000' },
    { outcome: 'rejected', stage: 'mail', code: null },
  ]);
  t.same(said(relay, /MAIL|RCPT/), [
    `1 MAIL FROM:<${from}> SIZE=1`,
    '1 RCPT TO:<a@example.org>',
    `1 MAIL FROM:<${from}> SMTPUTF8 BODY=8BITMIME SIZE=1`,
    '1 RCPT TO:<jörg@example.org>',
  ]);

  const bare = await start(t, { offers: ['PIPELINING'] });
  t.match(await bare.sendAll('jörg@example.org', 'a@example.org', '用户@example.org', 'b@example.org'), [
    { outcome: 'rejected', stage: 'smtputf8', code: null },
    { outcome: 'accepted' },
    { outcome: 'rejected', stage: 'smtputf8', code: null },
    { outcome: 'accepted' },
  ]);
  t.same(said(bare.relay, /MAIL|RCPT/), [
    `1 MAIL FROM:<${from}>`,
    '1 RCPT TO:<a@example.org>',
    `1 MAIL FROM:<${from}>`,
    '1 RCPT TO:<b@example.org>',
  ]);
});

t.test('a message larger than what the connection holds waits for the relay to read on', async (t) => {
  const { relay, send } = await start(t, { offers: [...usualOffers.slice(0, 1), 'SIZE 100000000'] });
  accepted(t, [await send('a@example.org')]);
  relay.setReading(false);
  const large = letter('b@example.org', 8_000_000);
  const sending = Promise.all([send('b@example.org', large), send('c@example.org')]);
  relay.setReading(true);
  accepted(t, await sending);
  t.ok(relay.mails[1]?.data.equals(large));

  const stuck = await start(t, {}, { timeouts: { silence: 200 } });
  stuck.relay.answerWith(({ stage }) => {
    if (stage === 'data') stuck.relay.setReading(false);
    return undefined;
  });
  t.match(await stuck.send('d@example.org', letter('d@example.org', 9_000_000)), {
    outcome: 'unreachable',
    stage: 'data',
    code: null,
  });
});

t.test('a message refused before its end is written no further, and costs the next ones nothing', async (t) => {
  for (const fast of [true, false]) {
    const { relay, send, sendAll } = await start(t, { offers: ['PIPELINING', 'SIZE 100000000'] }, { fast });
    accepted(t, [await send('a@example.org')]);
    relay.answerWith(({ stage, subject }) =>
      stage === 'data' && subject.startsWith('large') ? ['354 go on', '552 5.3.4 too large'] : undefined,
    );
    const sending = sendAll('b@example.org', 'c@example.org');
    const large = letter('large@example.org', 9_000_000);
    const reply = await send('large@example.org', large);
    t.match(reply, { outcome: 'rejected', stage: 'data', code: 552 });
    large.fill(0x0a);
    accepted(t, await sending);
    accepted(t, await sendAll('d@example.org', 'e@example.org'));
    t.notOk(relay.lines.some((line) => line.length > 1_000 || /\n/.test(line)));
  }
});

t.test('a message that is taken before its end has left is not believed to have arrived', async (t) => {
  const { send, sendAll, relay } = await start(t, { offers: ['PIPELINING', 'SIZE 100000000'] });
  accepted(t, [await send('a@example.org')]);
  relay.answerWith(({ stage, subject }) =>
    stage === 'data' && subject.startsWith('large') ? ['354 go on', '250 2.0.0 taken'] : undefined,
  );
  const large = letter('large@example.org', 9_000_000);
  t.match(await send('large@example.org', large), { outcome: 'unreachable', stage: 'data' });
  accepted(t, await sendAll('b@example.org', 'c@example.org'));
});

t.test('closing waits for all that was handed over, also for what has only gone ahead or waits', async (t) => {
  const { relay, sendAll, transport, send } = await start(t, {}, { mailConcurrency: 2 });
  const sending = sendAll(...names(30));
  await transport.close();
  accepted(t, await sending);
  t.equal(relay.mails.length, 30);
  t.match(await send('late@example.org'), { outcome: 'unreachable', stage: 'connect' });
});

t.test('a relay that ends a session while nothing is in hand is met again', async (t) => {
  const { relay, send } = await start(t);
  accepted(t, [await send('a@example.org')]);
  for (const word of ['421 4.4.2 idle for too long', 'close'] as const) {
    let ended = false;
    relay.answerWith(({ stage, connection }) => {
      if (stage !== 'mail' || connection !== relay.connections || ended) return undefined;
      ended = true;
      return word;
    });
    accepted(t, [await send(`after-${word.slice(0, 3)}@example.org`)]);
  }
  t.equal(relay.mails.length, 3);
});
