import { connect } from 'node:net';
import { pino } from 'pino';
import t, { type Test } from 'tap';
import { startBounceListener, takesMailTo } from '../../src/bounces/listener.js';
import { readConfig } from '../../src/config.js';
import { createPool } from '../../src/database/pool.js';
import { returnPath } from '../../src/deliveries/return-path.js';
import { OperatorError } from '../../src/errors.js';
import { deliveries } from '../deliveries/make.js';
import { createClock } from '../support/clock.js';
import { openDatabase, withholdDatabase } from '../support/database.js';
import { freePort, until } from '../support/process.js';
import { connectMail } from './mail-client.js';
import { addSentLetters, humanReply, report } from './mails.js';

interface StageOptions {
  protocol?: 'lmtp' | 'smtp';
  env?: Readonly<Record<string, string>>;
  people?: number;
}

/** Letters that the relay took, and the listener for what comes back. */
async function openStage(t: Test, { protocol = 'lmtp', env = {}, people = 1 }: StageOptions = {}) {
  const { pool, url } = await openDatabase(t);
  await addSentLetters(pool, people);
  const config = readConfig({
    DATABASE_URL: 'postgresql://unused',
    SECRET_KEY: 'k'.repeat(32),
    MAIL_FROM: 'Notices <notices@example.com>',
    BOUNCE_ADDRESS: 'bounces@example.com',
    PUBLIC_URL: 'https://notices.example.com/trust',
    ...env,
  });
  const lines: string[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
  // A pool of its own, so that a test can take the database away from the listener alone.
  const own = createPool(url);
  const listener = await startBounceListener(
    { db: own, config, now: createClock().now, log },
    { protocol, host: '127.0.0.1', port: await freePort() },
  );
  t.teardown(async () => {
    await listener.close();
    await own.end();
  });
  const states = async () => (await deliveries(pool)).map(({ state }) => state);
  const pathOf = async (n: number) => returnPath(config, (await deliveries(pool))[n - 1]?.id ?? 0);
  const client = () => connectMail(t, listener.port, protocol);
  return { pool, listener, lines, states, pathOf, client, url };
}

for (const protocol of ['lmtp', 'smtp'] as const) {
  t.test(
    `${protocol}: a report is answered once it is booked; the address it comes to says what it is about`,
    async (t) => {
      const { client, states, pathOf } = await openStage(t, { protocol, people: 3 });
      const { hand } = await client();
      const path = await pathOf(2);
      const answer = await hand(report({ recipient: 'somebody.else@forward.example', to: path }), { to: [path] });
      t.match(answer, { rcpt: [/^250 /], data: [/^250 2/] });
      t.strictSame(await states(), ['sent', 'bounced', 'sent']);
      t.match(await hand(report({ recipient: 'somebody.else@forward.example' }), { to: [path.toUpperCase()] }), {
        data: [/^250 2/],
      });
      t.strictSame(await states(), ['sent', 'bounced', 'sent'], 'a repeat changes nothing');
    },
  );
}

t.test('only what our mail was sent from gets mail here', async (t) => {
  const { client, pathOf, pool } = await openStage(t);
  const { say } = await client();
  const path = await pathOf(1);
  await say('MAIL FROM:<>');
  for (const [to, code] of [
    [path, 250],
    ['bounces@example.com', 250],
    ['Bounces@Example.COM', 250],
    ['notices@example.com', 250],
    ['bounces+aaaaaaaaaaaaaaaaaaaaaaaa@example.com', 550],
    ['bounces+@example.com', 550],
    ['postmaster@example.com', 550],
    ['victim@elsewhere.example', 550],
    [`${path.slice(0, 9)}${path[9] === 'a' ? 'b' : 'a'}${path.slice(10)}`, 550],
  ] as const) {
    t.match(await say(`RCPT TO:<${to}>`), new RegExp(`^${code} `), to);
  }
  t.match(await say('RCPT TO:<victim%elsewhere.example@example.com>'), /^5/);
  t.match(await say('RCPT TO:<@relay.example:victim@elsewhere.example>'), /^5/);
  t.match(await say('VRFY root'), /^(25[02]|5)/);
  t.match(await say('AUTH PLAIN AGEAYg=='), /^5/);
  t.match(await say('STARTTLS'), /^5/);
  t.equal((await pool.query('select from suppressions')).rowCount, 0);
});

t.test('who tries addresses is cut off, and the next one is served', async (t) => {
  const { client, pathOf } = await openStage(t);
  const { say, ended } = await client();
  await say('MAIL FROM:<spam@example.net>');
  let last = '';
  let refused = 0;
  for (let n = 0; n < 10_000 && !/^(421|closed)/.test(last); n += 1) {
    last = await say(`RCPT TO:<u${n}@example.com>`);
    if (last.startsWith('550')) refused += 1;
  }
  t.match(last, /^421 /);
  t.equal(refused, 20);
  await ended;
  const { hand } = await client();
  t.match(await hand(report({}), { to: [await pathOf(1)] }), { data: [/^250/] });
});

t.test('no more connections than it can serve', async (t) => {
  const { listener, client, pathOf } = await openStage(t);
  const held = await Promise.all(Array.from({ length: 20 }, () => client()));
  const one = connect(listener.port, '127.0.0.1');
  const greeting = await new Promise<string>((resolve) => one.once('data', (data) => resolve(data.toString())));
  t.match(greeting, /^421 /);
  one.destroy();
  for (const { socket } of held) socket.destroy();
  const answer = await until('a place', async () => {
    const { hand } = await client();
    const { data } = await hand(report({}), { to: [await pathOf(1)] });
    return data[0]?.startsWith('250');
  });
  t.ok(answer);
});

t.test('while the database is away a mail is put off, and nothing of it is lost', async (t) => {
  const { client, states, pathOf, url, lines } = await openStage(t);
  const path = await pathOf(1);
  const { hand } = await client();
  const restore = await withholdDatabase(url);
  t.match(await hand(report({}), { to: [path, 'bounces@example.com'] }), { data: [/^451 4\.3\.0/, /^451 4\.3\.0/] });
  await restore();
  t.match(await hand(report({}), { to: [path, 'bounces@example.com'] }), { data: [/^250/, /^250/] });
  t.strictSame(await states(), ['bounced']);
  t.notMatch(lines.join(''), /p1@example\.org/);
});

t.test('a person who writes here is told where to write; a machine is not answered', async (t) => {
  const { client, states, pathOf, lines } = await openStage(t);
  const { hand } = await client();
  const path = await pathOf(1);
  const reply = humanReply({ to: path });
  t.match(await hand(reply, { from: 'cleo@client.example', to: [path] }), {
    data: [/^550 5\.7\.1 .*https:\/\/notices\.example\.com\/trust/],
  });
  t.match(await hand(reply, { from: '', to: [path] }), { data: [/^250 /] });
  t.strictSame(await states(), ['sent']);
  t.equal(lines.length, 2, 'each is in the log');
  t.notMatch(lines.join(''), /cleo/);

  const second = await openStage(t, { env: { MAIL_REPLY_TO: 'privacy@example.com' } });
  const other = await second.client();
  t.match(await other.hand(reply, { from: 'cleo@client.example', to: ['bounces@example.com'] }), {
    data: [/^550 5\.7\.1 .*write to privacy@example\.com/],
  });
});

t.test('too large, cut off in the middle, and bytes of no mail', async (t) => {
  const { client, states, pathOf } = await openStage(t);
  const path = await pathOf(1);
  const first = await client();
  t.match(await first.say('MAIL FROM:<> SIZE=2000000'), /^552 /);
  t.match(await first.hand(report({ returned: 1_100_000 }), { to: [path] }), { data: [/^552 /] });
  t.match(await first.hand('\0\xff no mail\n\n\0', { to: [path] }), { data: [/^250 /] }, 'the connection goes on');

  const second = await client();
  await second.say('MAIL FROM:<>');
  await second.say(`RCPT TO:<${path}>`);
  await second.say('DATA');
  second.socket.write(report({}).replace(/\n/g, '\r\n'));
  second.socket.destroy();
  await second.ended;
  t.match(await first.say('NOOP'), /^250/);
  t.strictSame(await states(), ['sent'], 'without its end it is no mail');
});

t.test('commands sent all at once get their replies in order', async (t) => {
  const { client, states, pathOf } = await openStage(t, { people: 5 });
  const { socket, reply } = await client();
  const paths = await Promise.all([1, 2, 3, 4, 5].map(pathOf));
  const all = paths
    .map(
      (path) =>
        `MAIL FROM:<>\r\nRCPT TO:<${path}>\r\nRCPT TO:<nobody@example.com>\r\nDATA\r\n${report({}).replace(/\n/g, '\r\n')}.\r\n`,
    )
    .join('');
  socket.write(`${all}QUIT\r\n`);
  const codes: string[] = [];
  for (let n = 0; n < 5 * 5 + 1; n += 1) codes.push((await reply()).slice(0, 3));
  t.strictSame(codes, [...paths.flatMap(() => ['250', '250', '550', '354', '250']), '221']);
  t.strictSame(new Set(await states()), new Set(['bounced']));
});

t.test('at the end the mail in hand gets its answer, and nobody who only stays connected is waited for', async (t) => {
  const { client, states, pathOf, pool, listener } = await openStage(t, { people: 2 });
  const idle = await client();
  const busy = await client();
  const [id] = (await deliveries(pool)).map((row) => row.id);
  const holder = await pool.connect();
  await holder.query('begin');
  await holder.query('select from subscribers for update');
  const answered = busy.hand(report({}), { to: [await pathOf(1)] });
  await until('the mail to wait for the lock', async () => {
    const { rows } = await pool.query(
      `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
    );
    return rows.length > 0;
  });
  const closing = listener.close();
  await holder.query('commit');
  holder.release();
  t.match(await answered, { data: [/^250/] });
  const started = Date.now();
  await closing;
  await Promise.all([idle.ended, busy.ended]);
  t.ok(Date.now() - started < 5_000);
  t.strictSame(await states(), ['bounced', 'sent'], `delivery ${id}`);
});

t.test('a port that is taken stops the start with one line', async (t) => {
  const { listener } = await openStage(t);
  const { pool } = await openDatabase(t);
  const config = readConfig({ DATABASE_URL: 'postgresql://unused', SECRET_KEY: 'k'.repeat(32) });
  const start = (host: string, port: number) =>
    startBounceListener(
      { db: pool, config, now: () => new Date(), log: pino({ level: 'silent' }) },
      { protocol: 'lmtp', host, port },
    );
  await t.rejects(
    start('127.0.0.1', listener.port),
    new OperatorError(`BOUNCE_LISTEN: 127.0.0.1:${listener.port} is taken by another program; choose another port`),
  );
  await t.rejects(start('192.0.2.1', 2_424), {
    message: /^BOUNCE_LISTEN: 192\.0\.2\.1:2424 .*name an address of this machine$/,
  });
});

t.test('addresses that it takes, by the settings', async (t) => {
  const secretKeys = ['k'.repeat(32)];
  const mailFrom = { name: '', address: 'Notices@example.com' };
  const star = { bounceAddress: '*@bounces.example.com', mailFrom, secretKeys };
  t.ok(takesMailTo(star, returnPath(star, 7)));
  t.ok(takesMailTo(star, 'notices@EXAMPLE.com'));
  t.notOk(takesMailTo(star, 'x@bounces.example.com'));
  t.notOk(takesMailTo({ ...star, bounceAddress: null }, 'bounces@example.com'));
});
