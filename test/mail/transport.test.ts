import { once } from 'node:events';
import { createServer } from 'node:net';
import t from 'tap';
import { createTransport, readRelayUrl } from '../../src/mail/transport.js';
import { startSmtp } from '../support/smtp.js';

const from = 'notices@example.org';
const bytes = (to: string) =>
  Buffer.from(`From: ${from}\r\nTo: ${to}\r\nSubject: hello\r\n\r\n.\r\n..\r\n.dots\r\nend\r\n`);
const quick = { connect: 2_000, silence: 2_000 };
/** By PIPELINING, one command after the other, and the layer that is the way out. */
const layers = [
  { fast: true, without: [] },
  { fast: true, without: ['PIPELINING'] },
  { fast: false, without: [] },
] as const;

t.test('a mail arrives byte for byte, at the address that was given, and the answer is the relay\u2019s', async (t) => {
  const relay = await startSmtp(t);
  const transport = createTransport({ smtpUrl: relay.url, mailConcurrency: 2, timeouts: quick });
  const to = "o'neil+dpo!#$%&*/=?^_`{|}~-@example.org";
  t.same(await transport.send({ from, to }, bytes(to)), {
    outcome: 'accepted',
    stage: 'data',
    code: 250,
    enhanced: '2.0.0',
    response: '250 2.0.0 taken',
  });
  t.same(relay.received[0]?.to, [to]);
  t.equal(relay.received[0]?.from, from);
  t.ok(relay.received[0]?.raw.equals(bytes(to)));
  await transport.close();
  t.match(await transport.send({ from, to }, bytes(to)), { outcome: 'unreachable' }, 'closed is closed');
});

t.test('a refusal is told with its stage and words, and costs the next mail nothing', async (t) => {
  for (const { fast, without } of layers) {
    const relay = await startSmtp(t, {
      without,
      answer: ({ stage, subject }) => {
        if (stage === 'rcpt' && subject.startsWith('gone')) return '550 5.1.1 no such user';
        if (stage === 'rcpt' && subject.startsWith('later')) return '450 4.2.0 greylisted';
        if (stage === 'data' && subject.startsWith('spam')) return '554 5.7.1 not wanted';
        return undefined;
      },
    });
    const transport = createTransport({ smtpUrl: relay.url, mailConcurrency: 1, timeouts: quick, fast });
    const send = (to: string) => transport.send({ from, to }, bytes(to));
    const replies = await Promise.all(
      ['gone@example.org', 'a@example.org', 'later@example.org', 'spam@example.org', 'b@example.org'].map(send),
    );
    t.match(replies, [
      { outcome: 'rejected', stage: 'rcpt', code: 550, enhanced: '5.1.1', response: '550 5.1.1 no such user' },
      { outcome: 'accepted' },
      { outcome: 'rejected', stage: 'rcpt', code: 450, enhanced: '4.2.0' },
      { outcome: 'rejected', stage: 'data', code: 554, enhanced: '5.7.1' },
      { outcome: 'accepted' },
    ]);
    t.equal(relay.connections, 1, 'the session was kept');
    t.same(
      relay.received.map(({ to }) => to),
      [['a@example.org'], ['b@example.org']],
    );
    await transport.close();
  }
});

t.test('a wrong password is one log-in, not one a mail, and says nothing of any recipient', async (t) => {
  const relay = await startSmtp(t, { login: { user: 'me', password: 'right' } });
  const transport = createTransport({
    smtpUrl: relay.url.replace(':right@', ':wrong@'),
    mailConcurrency: 8,
    timeouts: quick,
  });
  const replies = await Promise.all(
    Array.from({ length: 200 }, (_, index) => transport.send({ from, to: `p${index}@example.org` }, bytes('x'))),
  );
  for (const reply of replies) {
    if (reply.outcome !== 'unreachable' || reply.stage !== 'auth' || reply.code !== 535) t.fail(JSON.stringify(reply));
  }
  t.equal(relay.commands.filter(({ stage }) => stage === 'auth').length, 1);
  t.equal(relay.commands.filter(({ stage }) => stage === 'rcpt').length, 0);
  await transport.close();

  const right = createTransport({ smtpUrl: relay.url, mailConcurrency: 8, timeouts: quick });
  t.match(await right.send({ from, to: 'a@example.org' }, bytes('x')), { outcome: 'accepted' });
  await right.close();
});

t.test('a relay that hangs up is told from one that refuses, with the place where it did', async (t) => {
  for (const { fast, without } of layers) {
    const relay = await startSmtp(t, {
      without,
      answer: ({ stage, subject }) => {
        if (stage === 'rcpt' && subject.startsWith('c@')) return 'close';
        if (stage === 'data' && subject.startsWith('d@')) return 'close';
        if (stage === 'rcpt' && subject.startsWith('busy@')) return '421 4.3.2 shutting down';
        return undefined;
      },
    });
    const transport = createTransport({ smtpUrl: relay.url, mailConcurrency: 1, timeouts: quick, fast });
    const send = (to: string) => transport.send({ from, to }, bytes(to));
    t.match(await send('a@example.org'), { outcome: 'accepted' });
    t.match(await send('c@example.org'), { outcome: 'unreachable', stage: 'rcpt', code: null });
    t.match(await send('d@example.org'), { outcome: 'unreachable', stage: 'data', code: null });
    t.match(await send('busy@example.org'), { outcome: 'unreachable', stage: 'rcpt', code: 421, enhanced: '4.3.2' });
    t.match(await send('a@example.org'), { outcome: 'accepted' });
    t.equal(relay.commands.filter(({ subject }) => subject === 'c@example.org').length, 1, 'tried once');
    await transport.close();
  }

  const nobody = createTransport({ smtpUrl: 'smtp://127.0.0.1:1', mailConcurrency: 1, timeouts: quick });
  t.match(await nobody.send({ from, to: 'a@example.org' }, bytes('x')), { outcome: 'unreachable', stage: 'connect' });
  await nobody.close();
});

t.test('a relay that says nothing does not hold a mail for ever', async (t) => {
  const mute = createServer(() => {}).listen(0, '127.0.0.1');
  await once(mute, 'listening');
  t.teardown(() => mute.close());
  const address = mute.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const transport = createTransport({
    smtpUrl: `smtp://127.0.0.1:${port}`,
    mailConcurrency: 1,
    timeouts: { connect: 200, silence: 200 },
  });
  t.match(await transport.send({ from, to: 'a@example.org' }, bytes('x')), {
    outcome: 'unreachable',
    stage: 'connect',
  });
  await transport.close();
});

t.test('a kept session that the relay has closed is replaced without a word', async (t) => {
  for (const { fast, without } of layers) {
    const first = await startSmtp(t, { without });
    const transport = createTransport({ smtpUrl: first.url, mailConcurrency: 3, timeouts: quick, fast });
    const send = (to: string) => transport.send({ from, to }, bytes(to));
    t.match(await Promise.all(['a@example.org', 'b@example.org', 'c@example.org'].map(send)), [
      { outcome: 'accepted' },
      { outcome: 'accepted' },
      { outcome: 'accepted' },
    ]);
    // All are idle, none is about to be opened.
    t.match(await send('g@example.org'), { outcome: 'accepted' });
    await first.close();
    const second = await startSmtp(t, { port: first.port, without });
    t.match(await Promise.all(['d@example.org', 'e@example.org', 'f@example.org'].map(send)), [
      { outcome: 'accepted' },
      { outcome: 'accepted' },
      { outcome: 'accepted' },
    ]);
    t.equal(second.received.length, 3);
    await transport.close();
  }
});

t.test('a relay that grants one session only gets all mail over that one', async (t) => {
  let granted = 0;
  const relay = await startSmtp(t, {
    delayMs: 5,
    answer: ({ stage }) => {
      if (stage !== 'greeting') return undefined;
      granted += 1;
      return granted > 1 ? '421 4.7.0 too many connections' : undefined;
    },
  });
  const transport = createTransport({ smtpUrl: relay.url, mailConcurrency: 5, timeouts: quick });
  const to = Array.from({ length: 40 }, (_, index) => `p${index}@example.org`);
  const replies = await Promise.all(to.map((address) => transport.send({ from, to: address }, bytes(address))));
  t.ok(replies.every(({ outcome }) => outcome === 'accepted'));
  t.equal(relay.connections, 2, 'it was asked for a second one once');
  await transport.close();
});

t.test('no more sessions than allowed, each for so many mails and no more', async (t) => {
  for (const { fast, without } of layers) {
    const [mails, most] = fast ? [1_600, 500] : [450, 100];
    const relay = await startSmtp(t, { without });
    const transport = createTransport({ smtpUrl: relay.url, mailConcurrency: 3, timeouts: quick, fast });
    const to = (index: number) => `p${index}@example.org`;
    await Promise.all(Array.from({ length: mails }, (_, index) => transport.send({ from, to: to(index) }, bytes('x'))));
    t.equal(new Set(relay.received.map((mail) => mail.to[0])).size, mails);
    const least = Math.ceil(mails / most);
    t.ok(relay.connections >= least && relay.connections <= least + 3, `${relay.connections} connections`);
    await transport.close();
  }
});

t.test('closing waits for the mail in hand', async (t) => {
  const relay = await startSmtp(t, { delayMs: 100 });
  const transport = createTransport({ smtpUrl: relay.url, mailConcurrency: 1, timeouts: quick });
  const sending = transport.send({ from, to: 'a@example.org' }, bytes('x'));
  await transport.close();
  t.equal(relay.received.length, 1);
  t.match(await sending, { outcome: 'accepted' });
});

t.test('an address beyond ASCII goes out with SMTPUTF8, and only then', async (t) => {
  const plain = Array.from({ length: 20 }, (_, index) => `p${index}@example.org`);
  const special = ['jörg@example.org', '用户@example.org'];

  const able = await startSmtp(t);
  const transport = createTransport({ smtpUrl: able.url, mailConcurrency: 2, timeouts: quick });
  for (const to of [...special, ...plain]) {
    const reply = await transport.send({ from, to }, bytes(to));
    if (reply.outcome !== 'accepted') t.fail(`${to}: ${reply.response}`);
  }
  for (const mail of able.received) {
    const [to = ''] = mail.to;
    t.equal(mail.mailParameters.SMTPUTF8 === true, special.includes(to), to);
  }
  t.same(able.received.map(({ to }) => to[0]).slice(0, 2), special, 'letter for letter');
  await transport.close();

  const unable = await startSmtp(t, { without: ['SMTPUTF8'] });
  const other = createTransport({ smtpUrl: unable.url, mailConcurrency: 1, timeouts: quick });
  const replies = await Promise.all([...special, ...plain].map((to) => other.send({ from, to }, bytes(to))));
  for (const reply of replies.slice(0, 2)) {
    t.match(reply, { outcome: 'rejected', stage: 'smtputf8', code: null, response: /SMTPUTF8/ });
  }
  t.equal(unable.received.length, 20);
  t.equal(unable.commands.filter(({ stage }) => stage === 'rcpt').length, 20, 'no altered address in any RCPT');
  await other.close();
});

t.test('the commands on the wire hold the address byte for byte, and no parameter that was not meant', async (t) => {
  const said: string[] = [];
  const wire = createServer((socket) => {
    socket.write('220 ready\r\n');
    socket.on('error', () => {});
    socket.on('data', (data) => {
      for (const line of data.toString('utf8').split('\r\n')) {
        said.push(line);
        if (line.startsWith('EHLO')) socket.write('250-wire\r\n250-SIZE 1000\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n');
        else if (line === 'DATA') socket.write('354 go on\r\n');
        else if (/^(?:MAIL|RCPT|RSET|\.$)/.test(line)) socket.write('250-2.0.0 fine\r\n250 2.0.0 and so on\r\n');
        else if (line === 'QUIT') socket.end('221 bye\r\n');
      }
    });
  }).listen(0, '127.0.0.1');
  await once(wire, 'listening');
  t.teardown(() => wire.close());
  const address = wire.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const transport = createTransport({ smtpUrl: `smtp://127.0.0.1:${port}`, mailConcurrency: 1, timeouts: quick });
  for (const to of ['Anna+x@xn--r8jz45g.jp', 'jörg@xn--r8jz45g.jp']) {
    t.match(await transport.send({ from, to }, bytes('x')), {
      outcome: 'accepted',
      response: '250 2.0.0 fine and so on',
    });
  }
  t.same(
    said.filter((line) => /^(?:MAIL|RCPT|AUTH|STARTTLS)/.test(line)),
    [
      `MAIL FROM:<notices@example.org> SIZE=${bytes('x').length}`,
      'RCPT TO:<Anna+x@xn--r8jz45g.jp>',
      `MAIL FROM:<notices@example.org> SMTPUTF8 BODY=8BITMIME SIZE=${bytes('x').length}`,
      'RCPT TO:<jörg@xn--r8jz45g.jp>',
    ],
  );
  t.match(await transport.send({ from, to: 'a@example.org' }, Buffer.alloc(1_001, 'x')), {
    outcome: 'rejected',
    stage: 'mail',
    response: /larger than allowed/,
  });
  t.match(
    await transport.send({ from, to: 'a@example.org' }, bytes('x')),
    { outcome: 'accepted' },
    'the session goes on',
  );
  await transport.close();
});

t.test('an address cannot end its command or add to it', async (t) => {
  const relay = await startSmtp(t);
  const transport = createTransport({ smtpUrl: relay.url, mailConcurrency: 1, timeouts: quick });
  for (const to of [
    'a@example.org>\r\nRCPT TO:<b@evil.example',
    'a@example.org> ORCPT=rfc822;x@evil.example',
    '"a b"@example.org',
    'a@example.org,b@evil.example',
    'a@example.org\nb',
    'a\u0000@example.org',
    'a@b@example.org',
    '',
  ]) {
    await t.rejects(transport.send({ from, to }, bytes('x')), /malformed/);
    await t.rejects(transport.send({ from: to, to: from }, bytes('x')), /malformed/);
  }
  t.equal(relay.connections, 0);
  await transport.close();
});

t.test('credentials and mail go over TLS, but for the loopback interface and an explicit wish', async (t) => {
  const cases: [string, ReturnType<typeof readRelayUrl>][] = [
    [
      'smtp://me%40example.org:p%40ss@mail.example.org',
      {
        host: 'mail.example.org',
        port: 587,
        secure: false,
        startTls: 'required',
        auth: { user: 'me@example.org', pass: 'p@ss' },
      },
    ],
    [
      'smtps://mail.example.org',
      { host: 'mail.example.org', port: 465, secure: true, startTls: 'required', auth: null },
    ],
    [
      'smtp://relay.example.org',
      { host: 'relay.example.org', port: 25, secure: false, startTls: 'required', auth: null },
    ],
    ['smtp://mailpit:1025?tls=off', { host: 'mailpit', port: 1025, secure: false, startTls: 'never', auth: null }],
    ['smtp://localhost:2525', { host: 'localhost', port: 2525, secure: false, startTls: 'never', auth: null }],
    ['smtp://[::1]:2525', { host: '::1', port: 2525, secure: false, startTls: 'never', auth: null }],
    [
      'smtp://127.0.0.1.example.org',
      { host: '127.0.0.1.example.org', port: 25, secure: false, startTls: 'required', auth: null },
    ],
  ];
  for (const [url, relay] of cases) t.same(readRelayUrl(url), relay, url);
});
