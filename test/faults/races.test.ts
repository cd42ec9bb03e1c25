import type pg from 'pg';
import t, { type Test } from 'tap';
import { receiveReport } from '../../src/bounces/receive.js';
import { readConfig } from '../../src/config.js';
import { fanOut } from '../../src/notices/fan-out.js';
import { object } from '../../src/objections/object.js';
import { eraseSubscriber } from '../../src/subscribers/erase.js';
import { emailHash, signLink } from '../../src/subscribers/tokens.js';
import { aChange, addSubscribers, addVersions, deliveries, order, start } from '../deliveries/make.js';
import { openDatabase } from '../support/database.js';

/*
 * Two transactions about one person, each stopped where it hurts: one is played by hand on a connection
 * of its own, the other is the verb, and goes on when the first one ends.
 */

const config = readConfig({ DATABASE_URL: 'postgresql://unused', SECRET_KEY: 'k'.repeat(32) });
const officer = { kind: 'admin', id: 1, role: 'admin' } as const;

async function aService(t: Test) {
  const { pool } = await openDatabase(t);
  await addVersions(pool, 3);
  const [ann = 0, bob = 0] = await addSubscribers(pool, [{ email: 'ann@example.org' }, { email: 'bob@example.org' }]);
  await pool.query('update subscribers set email_hash = $2 where id = $1', [
    ann,
    emailHash(config.secretKeys, 'ann@example.org'),
  ]);
  return { pool, deps: { db: pool, config, now: () => start }, ann, bob };
}

/** Runs statements in a transaction that stays open until the function that is returned is called. */
async function inHand(t: Test, pool: pg.Pool, work: (client: pg.PoolClient) => Promise<unknown>) {
  const client = await pool.connect();
  t.teardown(() => client.release());
  await client.query('begin');
  await work(client);
  return {
    client,
    commit: () => client.query('commit'),
  };
}

/** Resolves when another connection of this database waits for a lock. */
async function untilSomebodyWaits(pool: pg.Pool): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (Date.now() < deadline) {
    const waiting = await pool.query(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    if (waiting.rowCount !== 0) return;
  }
  throw new Error('nobody waits for a lock');
}

/** What an erasure does in its transaction. */
async function eraseByHand(client: pg.PoolClient, id: number): Promise<void> {
  await client.query('select from subscribers where id = $1 for update', [id]);
}

t.test('an erasure takes the row of a fan-out that is just being made', async (t) => {
  const { pool, deps, ann } = await aService(t);
  const notice = await order(pool, 2);
  const chunk = await inHand(t, pool, (client) =>
    client.query(
      `insert into deliveries (kind, notice_id, subscriber_id, email, recipient_hash, locale, priority, state, due_at, created_at)
       select 'notice', $1, id, email, email_hash, locale, 1, 'queued', $2, $2 from subscribers where id = $3`,
      [notice, start, ann],
    ),
  );
  const erasing = eraseSubscriber(deps, ann, officer);
  await untilSomebodyWaits(pool);
  await chunk.commit();
  await erasing;
  t.match(await deliveries(pool), [{ email: null, subscriber_id: null, state: 'suppressed', reason: 'erased' }]);
});

t.test('a fan-out goes on without those who are erased while it looks', async (t) => {
  for (const kind of ['change', 'withdrawal'] as const) {
    const { pool, deps, ann } = await aService(t);
    await order(pool, 2);
    if (kind === 'withdrawal') {
      await fanOut(deps);
      await pool.query(`update deliveries set state = 'sent', attempts = 1, sent_at = $1`, [start]);
      await order(pool, 2, [aChange()], 'withdrawal');
    }
    const erasure = await inHand(t, pool, (client) => eraseByHand(client, ann));
    const fanning = fanOut(deps);
    await untilSomebodyWaits(pool);
    // Were a delivery of hers in the fan-out's hands by now, this would be a deadlock.
    await erasure.client.query('update deliveries set subscriber_id = null, email = null where subscriber_id = $1', [
      ann,
    ]);
    await erasure.client.query('delete from subscribers where id = $1', [ann]);
    await erasure.commit();
    t.equal(await fanning, 1, `${kind}: the others have their row, at once`);
    t.equal((await deliveries(pool)).at(-1)?.email, 'bob@example.org');
  }
});

t.test('a bounce and an erasure of one person do not lock each other out', async (t) => {
  const { pool, deps, ann } = await aService(t);
  await order(pool, 2);
  await fanOut(deps);
  await pool.query(
    `update deliveries set state = 'sent', attempts = 1, sent_at = $1, message_id = '<m1@example.com>' where subscriber_id = $2`,
    [start, ann],
  );
  const erasure = await inHand(t, pool, (client) => eraseByHand(client, ann));
  const bouncing = receiveReport(deps, { contentType: 'message/rfc822', body: Buffer.from(aNotification) }, officer);
  await untilSomebodyWaits(pool);
  await erasure.client.query('update deliveries set response = null where subscriber_id = $1', [ann]);
  await erasure.commit();
  t.match(await bouncing, [{ outcome: 'bounced', suppressed: true }]);
});

t.test('an objection of somebody who is being erased leaves nothing behind', async (t) => {
  const { pool, deps, ann } = await aService(t);
  await order(pool, 2);
  await fanOut(deps);
  const [delivery] = await deliveries(pool);
  const erasure = await inHand(t, pool, (client) => eraseByHand(client, ann));
  const objecting = object(deps, signLink(config.secretKeys, 'objection', delivery?.id ?? 0), { grounds: 'No.' });
  await untilSomebodyWaits(pool);
  await erasure.client.query('update deliveries set subscriber_id = null, email = null where subscriber_id = $1', [
    ann,
  ]);
  await erasure.client.query('delete from subscribers where id = $1', [ann]);
  await erasure.commit();
  await t.rejects(objecting, { code: 'token.unknown' });
  t.equal((await pool.query('select from objections')).rowCount, 0);
});

const aNotification = `From: MAILER-DAEMON@mx.example.net
Subject: Undelivered
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

Sorry.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; ann@example.org
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 User unknown

--b
Content-Type: text/rfc822-headers

Message-ID: <m1@example.com>

--b--
`.replaceAll('\n', '\r\n');
