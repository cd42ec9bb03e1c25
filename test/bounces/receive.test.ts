import t from 'tap';
import { isGivenUp, type PastMail } from '../../src/bounces/soft-rule.js';
import { followUndelivered } from '../../src/bounces/undelivered.js';
import { transaction } from '../../src/database/transaction.js';
import { eraseSubscriber } from '../../src/subscribers/erase.js';
import { emailHash } from '../../src/subscribers/tokens.js';
import {
  complaint,
  config,
  daysAfter,
  dsn,
  messageIdOf,
  monday,
  openDesk,
  robot,
  systemActor,
  tokenAddress,
} from './make.js';

t.test('the token of the envelope comes first, then the Message-ID, then the address', async (t) => {
  const desk = await openDesk(t);
  const ann = await desk.person('ann@example.org');
  const [first, second, third] = [
    await desk.mailTo(ann, daysAfter(-3)),
    await desk.mailTo(ann, daysAfter(-2)),
    await desk.mailTo(ann, daysAfter(-1)),
  ];
  const late = { action: 'delayed', status: '4.4.1', diagnostic: 'no answer' };
  const found = async (report: object, envelopeTo?: string[]) => {
    const [result] = await desk.receive(
      dsn({ ...late, id: null, ...report }),
      envelopeTo === undefined ? {} : { envelopeTo },
    );
    return result?.delivery;
  };
  const returned = messageIdOf(second);
  t.equal(await found({ returned }, [tokenAddress(first)]), first, 'the envelope');
  t.equal(await found({ returned, to: tokenAddress(first) }), first, 'the header that tells of it');
  t.equal(await found({ returned }), second, 'what came back');
  t.equal(await found({}), third, 'the last mail to the address');
  t.equal(await found({ recipient: 'forwarded@elsewhere.example', to: tokenAddress(first) }), first, 'who forwards');
});

t.test('a mail that anybody could have written needs the token or the Message-ID', async (t) => {
  const desk = await openDesk(t);
  const ann = await desk.person('ann@example.org');
  const mail = await desk.mailTo(ann, monday);
  const stranger = { actor: systemActor };
  const forged = [
    dsn({}),
    dsn({ returned: '<1.ffffffffffffffffffffffffffffffff@example.com>' }),
    dsn({ to: 'bounces+aaaaaaaaaaaaaaaaaaaaaaaa@example.com' }),
    complaint({ returned: '<guessed@example.com>' }),
  ];
  for (const source of forged) {
    t.match(await desk.receive(source, stranger), [{ outcome: 'unmatched', delivery: null, suppressed: false }]);
  }
  t.same(await desk.rows('select from bounces'), []);
  t.same(await desk.rows('select from suppressions'), []);
  t.match(await desk.receive(dsn({ to: tokenAddress(mail) }), stranger), [{ outcome: 'bounced', suppressed: true }]);
});

t.test('a mail with what no database takes, or with thousands of addresses, is read like any other', async (t) => {
  const desk = await openDesk(t);
  const stranger = { actor: systemActor };
  const nothing = [{ outcome: 'unmatched', delivery: null, suppressed: false }];
  t.match(await desk.receive(dsn({ returned: '<a\0b@example.com>' }), stranger), nothing, 'a NUL in a Message-ID');

  const long = `${'a'.repeat(200)}@${'a'.repeat(180)}`;
  const fields = (place: number) =>
    `Original-Envelope-Id: ${long}\r\nFinal-Recipient: rfc822; p${place}@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n`;
  const hostile = [
    `From: mailer-daemon@example.net\r\nTo: ${Array(50).fill(long).join(', ')}`,
    'Content-Type: multipart/report; report-type=delivery-status; boundary=x\r\n',
    `--x\r\nContent-Type: message/delivery-status\r\n\r\n${Array.from({ length: 1_500 }, (_, place) => fields(place)).join('')}--x--\r\n`,
  ].join('\r\n');
  const began = Date.now();
  t.equal((await desk.receive(hostile, stranger)).length, 50);
  t.ok(Date.now() - began < 10_000, 'in seconds, not in minutes');
});

t.test('with a token of one’s own nobody else is reported', async (t) => {
  const desk = await openDesk(t);
  const ann = await desk.person('ann@example.org');
  const eve = await desk.person('eve@example.org');
  await desk.mailTo(ann, monday);
  const toEve = await desk.mailTo(eve, monday);
  // Of her own mail, naming somebody else: it is her mail that bounced.
  const [result] = await desk.receive(dsn({ to: tokenAddress(toEve), recipient: 'ann@example.org' }), {
    actor: systemActor,
  });
  t.match(result, { delivery: toEve });
  t.same(await desk.rows('select email from suppressions join subscribers using (email_hash)'), [
    { email: 'eve@example.org' },
  ]);
});

t.test('of several recipients in one report ours alone counts', async (t) => {
  const desk = await openDesk(t);
  const list = await desk.person('list@example.org');
  const mail = await desk.mailTo(list, monday);
  const source = dsn({ to: tokenAddress(mail), recipient: 'gone@example.org' }).replace(
    /Diagnostic-Code: .*\r\n/,
    (line) => `${line}\r\nFinal-Recipient: rfc822; list@example.org\r\nAction: relayed\r\nStatus: 2.0.0\r\n`,
  );
  t.match(await desk.receive(source), [
    { outcome: 'unmatched', kind: 'hard' },
    { outcome: 'noted', kind: 'delivered', delivery: mail },
  ]);
  t.same(await desk.rows('select from suppressions'), []);
});

t.test('a hard bounce suppresses; of a contact by contract it opens one task', async (t) => {
  const desk = await openDesk(t);
  for (const kind of ['voluntary', 'contractual'] as const) {
    const id = await desk.person(`${kind}@example.org`, kind);
    const mail = await desk.mailTo(id, monday);
    t.match(await desk.receive(dsn({ returned: messageIdOf(mail), recipient: `${kind}@example.org` })), [
      { outcome: 'bounced', kind: 'hard', suppressed: true },
    ]);
  }
  t.match(await desk.rows('select kind, subject, subscriber_id, detail from tasks'), [
    { kind: 'bounced-contact', subject: 'subscriber 2', subscriber_id: 2, detail: { reason: 'mailbox-unknown' } },
  ]);
  t.match(await desk.rows('select reason, detail from suppressions'), [
    { reason: 'hard-bounce', detail: 'mailbox-unknown' },
    { reason: 'hard-bounce', detail: 'mailbox-unknown' },
  ]);
});

t.test('so does a refusal while talking to the relay', async (t) => {
  const desk = await openDesk(t);
  const ann = await desk.person('ann@example.org', 'contractual');
  const recipientHash = emailHash(config.secretKeys, 'ann@example.org');
  const dead = { subscriberId: ann, recipientHash, state: 'bounced', reason: 'mailbox-unknown', at: monday } as const;
  await transaction(desk.pool, (tx) => followUndelivered(tx, [dead, dead]));
  t.match(await desk.rows('select kind, subscriber_id from tasks'), [{ kind: 'bounced-contact', subscriber_id: ann }]);
});

t.test('a complaint ends the mails of who came by the form, and is a task where a contract owes them', async (t) => {
  const desk = await openDesk(t);
  const ann = await desk.person('ann@example.org');
  const bob = await desk.person('bob@example.org', 'contractual');
  const toAnn = await desk.mailTo(ann, monday);
  const toBob = await desk.mailTo(bob, monday);
  const ofAnn = complaint({ returned: messageIdOf(toAnn) });
  t.match(await desk.receive(ofAnn, { actor: systemActor }), [
    { outcome: 'complaint', kind: 'complaint', delivery: toAnn, suppressed: true },
  ]);
  t.match(await desk.receive(ofAnn), [{ outcome: 'known', suppressed: false }]);
  t.match(await desk.receive(complaint({ returned: messageIdOf(toBob), recipient: 'redacted@isp.example' })), [
    { outcome: 'complaint', delivery: toBob, suppressed: false },
  ]);
  t.match(await desk.rows('select reason, email from suppressions join subscribers using (email_hash)'), [
    { reason: 'complaint', email: 'ann@example.org' },
  ]);
  t.match(await desk.rows('select kind, subscriber_id from tasks'), [
    { kind: 'complaint-of-contact', subscriber_id: bob },
  ]);
  t.match(await desk.rows('select state from deliveries'), [{ state: 'sent' }, { state: 'sent' }], 'they did arrive');
  t.match(await desk.rows(`select action, subject from audit_log where action = 'delivery.complained' order by id`), [
    { subject: `delivery ${toAnn}` },
    { subject: `delivery ${toBob}` },
  ]);
});

t.test('what is blocked, late, arrived or answered by a machine takes nobody off the list', async (t) => {
  const desk = await openDesk(t);
  const ann = await desk.person('ann@example.org', 'contractual');
  const bob = await desk.person('bob@example.org');
  const toBob = tokenAddress(await desk.mailTo(bob, monday));
  await desk.receive(dsn({ to: toBob, status: '5.7.1', diagnostic: '550 5.7.1 blocked by policy' }));
  t.same(await desk.rows('select from tasks'), []);
  for (let week = 0; week < 6; week += 1) {
    desk.now = daysAfter(week * 7 + 1);
    const mail = await desk.mailTo(ann, daysAfter(week * 7));
    const to = tokenAddress(mail);
    const blocked = dsn({ to, status: '5.7.1', diagnostic: '550 5.7.1 blocked by policy' });
    const late = dsn({ to, action: 'delayed', status: '4.2.2', diagnostic: '452 4.2.2 mailbox full', id: '<late@x>' });
    const away = `From: ann@example.org\r\nTo: ${to}\r\nSubject: Away\r\nAuto-Submitted: auto-replied\r\n\r\n550 5.1.1\r\n`;
    t.match(await desk.receive(late), [{ outcome: 'noted', kind: 'delayed' }]);
    t.match(await desk.receive(away), [{ outcome: 'noted', kind: 'auto-reply', delivery: mail }]);
    t.match(await desk.receive(blocked), [{ outcome: 'bounced', kind: 'block', suppressed: false }]);
  }
  t.same(await desk.rows('select from suppressions'), []);
  t.match(
    await desk.rows('select kind, subscriber_id, detail from tasks'),
    [{ kind: 'bounced-contact', subscriber_id: ann, detail: { because: 'block' } }],
    'whoever is owed the notice and does not have it is a task, once',
  );
  t.match(await desk.rows('select kind from bounces where delivery_id = 2 order by id'), [
    { kind: 'delayed' },
    { kind: 'auto-reply' },
    { kind: 'block' },
  ]);
});

t.test('a letter of a person is none of this', async (t) => {
  const desk = await openDesk(t);
  const mail = await desk.mailTo(await desk.person('ann@example.org'), monday);
  const letter = `From: ann@example.org\r\nTo: ${tokenAddress(mail)}\r\nSubject: Re: A change\r\n\r\nWhy? 550 5.1.1 user unknown\r\n`;
  t.same(await desk.receive(letter), [{ outcome: 'not-a-report', kind: null, delivery: null, suppressed: false }]);
  t.same(await desk.rows('select from bounces'), []);
});

const past = (...mails: [days: number, became: PastMail['became']][]): PastMail[] =>
  mails.map(([days, became]) => ({ at: daysAfter(days), became }));

t.test('an address is given up when the last three mails came back over two weeks', async (t) => {
  for (const [mails, givenUp, why] of [
    [past([14, 'soft'], [7, 'soft'], [0, 'soft']), true, 'three in two weeks'],
    [past([13, 'soft'], [7, 'soft'], [0, 'soft']), false, 'three in less'],
    [past([90, 'soft'], [0, 'soft']), false, 'two, however far apart'],
    [past([60, 'soft'], [30, 'arrived'], [20, 'soft'], [10, 'soft'], [0, 'soft']), false, 'one arrived in between'],
    [
      past([60, 'soft'], [50, 'soft'], [40, 'soft'], [30, 'arrived'], [0, 'soft']),
      true,
      'what was before does not help',
    ],
    [
      past([61, 'undecided'], [60, 'soft'], [50, 'undecided'], [40, 'soft'], [0, 'soft']),
      true,
      'who knows does not count',
    ],
    [past([1, 'soft'], [1, 'soft'], [0, 'soft'], [0, 'soft'], [0, 'soft']), false, 'one bad day'],
    [past([2, 'arrived'], [1, 'soft']), false, 'it works again'],
    [[], false, 'nothing'],
  ] as const) {
    t.equal(isGivenUp(mails), givenUp, why);
  }
});

t.test('notices weeks apart to a full mailbox: the third that comes back is the last', async (t) => {
  const desk = await openDesk(t);
  const ann = await desk.person('ann@example.org', 'contractual');
  const full = async (days: number) => {
    desk.now = daysAfter(days, monday);
    const to = tokenAddress(await desk.mailTo(ann, desk.now));
    return desk.receive(dsn({ to, status: '5.2.2', diagnostic: '552 5.2.2 mailbox full' }));
  };
  t.match(await full(0), [{ outcome: 'bounced', kind: 'soft', suppressed: false }]);
  t.match(await full(9), [{ suppressed: false }]);
  t.match(await full(20), [{ suppressed: true }]);
  t.match(await desk.rows('select reason, detail from suppressions'), [
    { reason: 'soft-bounces', detail: 'mailbox-full' },
  ]);
  t.match(await desk.rows('select kind, detail from tasks'), [
    { kind: 'bounced-contact', detail: { because: 'soft' } },
  ]);
});

t.test('a mailbox that is full while we talk to the relay counts as well', async (t) => {
  const desk = await openDesk(t);
  const ann = await desk.person('ann@example.org');
  const recipientHash = emailHash(config.secretKeys, 'ann@example.org');
  const full = async (days: number) => {
    const at = daysAfter(days);
    const id = await desk.mailTo(ann, at);
    const dead = { subscriberId: ann, recipientHash, state: 'bounced', reason: 'mailbox-full', at } as const;
    await desk.pool.query(
      `update deliveries set state = 'sending', state_at = created_at, leased_by = gen_random_uuid() where id = $1`,
      [id],
    );
    await transaction(desk.pool, (tx) => followUndelivered(tx, [dead]));
    await desk.pool.query(
      `update deliveries set state = 'bounced', state_at = created_at, reason = 'mailbox-full', leased_by = null, sent_at = null where id = $1`,
      [id],
    );
    return desk.rows('select reason from suppressions');
  };
  t.same(await full(0), []);
  t.same(await full(8), []);
  t.same(await full(14), [{ reason: 'soft-bounces' }]);
});

t.test('one that arrived in between, or a confirmation, begins the count anew', async (t) => {
  for (const between of ['arrived', 'confirmed']) {
    const desk = await openDesk(t);
    const ann = await desk.person('ann@example.org');
    for (const days of [0, 10, 20]) {
      desk.now = daysAfter(days);
      const to = tokenAddress(await desk.mailTo(ann, desk.now));
      t.match(await desk.receive(dsn({ to, status: '4.2.2', diagnostic: '452 4.2.2 mailbox full' })), [
        { suppressed: false },
      ]);
      if (days > 0) continue;
      if (between === 'arrived') {
        await desk.mailTo(ann, daysAfter(2));
      } else {
        await desk.pool.query('update subscribers set confirmed_at = $1', [daysAfter(2)]);
      }
    }
    t.same(await desk.rows('select from suppressions'), [], between);
  }
});

t.test('the same report twice changes nothing, also when it comes in another way', async (t) => {
  const desk = await openDesk(t);
  const ann = await desk.person('ann@example.org');
  const mail = await desk.mailTo(ann, monday);
  const report = dsn({ to: tokenAddress(mail), status: '5.2.2', diagnostic: '552 5.2.2 mailbox full' });
  t.match(await desk.receive(report), [{ outcome: 'bounced' }]);
  const before = [await desk.rows('select * from bounces'), await desk.rows('select * from audit_log')];
  t.match(await desk.receive(report), [{ outcome: 'known' }]);
  const received = `Received: from mx.example.net by imap.example.com; Mon, 4 Jan 2027 09:00:00 +0000\r\n${report}`;
  t.match(await desk.receive(received, { actor: systemActor }), [{ outcome: 'known', delivery: mail }]);
  const many = await Promise.all(
    Array.from({ length: 8 }, () => desk.receive(dsn({ to: tokenAddress(mail), id: '<two@x>' }))),
  );
  t.equal(many.flat().filter(({ outcome }) => outcome === 'bounced').length, 1, 'eight at once are one');
  t.same((await desk.rows('select from bounces')).length, 2);
  t.same((await desk.rows('select * from bounces'))[0], before[0]?.[0]);
});

t.test('a hard report of a mail that had come back before still suppresses', async (t) => {
  const desk = await openDesk(t);
  const mail = await desk.mailTo(await desk.person('ann@example.org'), monday);
  await desk.receive(dsn({ to: tokenAddress(mail), status: '4.4.7', diagnostic: '451 4.4.7 expired', id: '<one@x>' }));
  t.match(await desk.receive(dsn({ to: tokenAddress(mail), id: '<two@x>' })), [
    { outcome: 'bounced', suppressed: true },
  ]);
  t.match(await desk.receive(dsn({ to: tokenAddress(mail), id: '<three@x>' })), [
    { outcome: 'known', suppressed: false },
  ]);
});

t.test('the evidence stays when the person is erased, without their address', async (t) => {
  const desk = await openDesk(t);
  const ann = await desk.person('ann@example.org');
  const [mail, other] = [await desk.mailTo(ann, monday), await desk.mailTo(ann, monday)];
  await desk.receive(
    dsn({ to: tokenAddress(mail), status: '5.2.2', diagnostic: '552 5.2.2 <ann@example.org> is full' }),
  );
  t.match(await desk.rows('select diagnostic from bounces'), [{ diagnostic: '552 5.2.2 <ann@example.org> is full' }]);
  await eraseSubscriber({ db: desk.pool, now: () => monday }, ann, { kind: 'admin', id: 1, role: 'admin' });
  await desk.receive(dsn({ to: tokenAddress(other), diagnostic: '550 5.1.1 ann@example.org is gone' }));
  t.match(await desk.rows('select diagnostic, status, kind, source, received_at from bounces order by id'), [
    { diagnostic: '552 5.2.2 <[address]> is full', status: '5.2.2', kind: 'soft', source: 'dsn', received_at: monday },
    { diagnostic: '550 5.1.1 [address] is gone', kind: 'hard' },
  ]);
  const everything = JSON.stringify([
    await desk.rows('select * from bounces'),
    await desk.rows('select * from deliveries'),
  ]);
  t.notMatch(everything, /ann@/);
});

t.test('words that are nothing but addresses do not stand in the way of an erasure', async (t) => {
  const desk = await openDesk(t);
  const ann = await desk.person('ann@example.org');
  const [mail, other] = [await desk.mailTo(ann, monday), await desk.mailTo(ann, monday)];
  const diagnostic = `550 5.1.1 ${'a@b '.repeat(400)}\u0000\ud800`;
  await desk.receive(dsn({ to: tokenAddress(mail), diagnostic }));
  await eraseSubscriber({ db: desk.pool, now: () => monday }, ann, { kind: 'admin', id: 1, role: 'admin' });
  t.match(await desk.receive(dsn({ to: tokenAddress(other), diagnostic })), [{ outcome: 'bounced' }]);
  t.same(await desk.rows(`select from bounces where diagnostic like '%@%' or length(diagnostic) > 1000`), []);
});

t.test('who has moved to another address keeps it, whatever is said of the old one', async (t) => {
  const desk = await openDesk(t);
  const ann = await desk.person('ann@example.org');
  const mail = await desk.mailTo(ann, monday);
  await desk.pool.query(
    `update subscribers set email = 'new@example.org', email_key = 'new@example.org', email_hash = '\\x00'`,
  );
  t.match(await desk.receive(dsn({ to: tokenAddress(mail) })), [{ outcome: 'bounced', suppressed: false }]);
  t.match(await desk.receive(complaint({ returned: messageIdOf(mail) })), [
    { outcome: 'complaint', suppressed: false },
  ]);
  t.same(await desk.rows('select from suppressions'), []);
});

t.test('nothing of a mail system’s words gets into the log of deeds', async (t) => {
  const desk = await openDesk(t);
  const mail = await desk.mailTo(await desk.person('ann@example.org'), monday);
  await desk.receive(dsn({ to: tokenAddress(mail), diagnostic: '550 5.1.1 <ann@example.org> <script>' }), {
    actor: robot,
  });
  const entries = await desk.rows('select * from audit_log');
  t.equal(entries.length, 2);
  t.notMatch(JSON.stringify(entries), /ann@|script/);
});
