import { copyFileSync, readdirSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type pg from 'pg';
import t, { type Test } from 'tap';
import { hashPassword } from '../../src/admins/password.js';
import { hashOf } from '../../src/admins/secret-tokens.js';
import { migrate, pendingMigrations } from '../../src/database/migrate.js';
import { findBounced } from '../../src/deliveries/bounced.js';
import type { Change } from '../../src/list/change.js';
import { diffLists } from '../../src/list/diff.js';
import type { ListDocument } from '../../src/list/document.js';
import { readList } from '../../src/list/read.js';
import { migrations } from '../../src/open.js';
import { emailHash, signLink } from '../../src/subscribers/tokens.js';
import { readApprovals } from '../../src/versions/approve.js';
import { canonicalHash, seal, verifyChain } from '../../src/versions/chain.js';
import { readDraft } from '../../src/versions/draft.js';
import { newVisitor, password } from '../admin/support.js';
import { listYaml, newVendor, publishList, textOf } from '../pages/support.js';
import { bearer, startApp } from '../support/app.js';
import { openDatabase, type TestDatabase } from '../support/database.js';
import { temporaryFolder } from '../support/process.js';

/*
 * The database of version 0.1 with rows in every table, brought to the present. `lastOfBefore` stays: it is
 * what operators run.
 */
const lastOfBefore = 5;
// As startApp has it.
const secretKey = 'a-secret-key-that-only-the-tests-use';
const at = (text: string) => new Date(text);

async function databaseOfBefore(t: Test): Promise<TestDatabase> {
  const { database, done } = await databaseUpTo(t, lastOfBefore);
  t.equal(done, lastOfBefore);
  return database;
}

/** A database as the migrations up to that number leave it. */
async function databaseUpTo(t: Test, last: number): Promise<{ database: TestDatabase; done: number }> {
  const database = await openDatabase(t, { empty: true });
  const folder = temporaryFolder(t);
  for (const name of readdirSync(migrations)) {
    if (Number(name.slice(0, 3)) <= last) copyFileSync(new URL(name, migrations), `${folder}/${name}`);
  }
  return { database, done: (await migrate(database.pool, pathToFileURL(`${folder}/`))).length };
}

const documents = [listYaml(), listYaml(newVendor), listYaml(newVendor).replace('country: US', 'country: CA')].map(
  (text) => readList(text, 'yaml'),
);

async function addVersions(pool: pg.Pool): Promise<void> {
  let previous: { hash: string; document: ListDocument } | null = null;
  for (const [index, document] of documents.entries()) {
    const facts = {
      version: index + 1,
      document,
      publishedAt: at(`2026-12-0${index + 1}T10:00:00.123Z`),
      effectiveAt: index === 0 ? at('2026-12-01T10:00:00.123Z') : at(`2027-02-0${index}T00:00:00Z`),
      objectionDeadline: index === 0 ? null : at('2027-01-20T00:00:00Z'),
      message: index === 0 ? null : 'Warum: “Umzug” & mehr',
      previousHash: previous?.hash ?? null,
    };
    const hash = seal(facts);
    const changes: Change[] = diffLists(previous?.document ?? null, document).changes;
    await pool.query(
      `insert into versions (number, document, changes, message, published_at, effective_at, objection_deadline,
         emergency, reason, notify, published_by, hash, previous_hash)
       values ($1, $2, $3, $4, $5, $6, $7, false, null, $8, '{"kind":"admin","id":1,"role":"admin"}', $9, $10)`,
      [
        facts.version,
        JSON.stringify(document),
        JSON.stringify(changes),
        facts.message,
        facts.publishedAt,
        facts.effectiveAt,
        facts.objectionDeadline,
        index > 0,
        hash,
        facts.previousHash,
      ],
    );
    previous = { hash, document };
  }
}

/** What somebody who has run the service for a month has in it: every table has rows. */
async function fill(pool: pg.Pool): Promise<void> {
  const run = (statement: string, values: unknown[] = []) => pool.query(statement, values);
  await addVersions(pool);
  await run(`insert into drafts (document, source, revision, updated_at, updated_by)
    select document, '# ours', 4, '2026-12-20', '{"kind":"admin","id":1,"role":"admin"}' from versions where number = 3`);
  await run(`insert into withdrawals values (2, '2026-12-02T18:00Z', 'the vendor is not needed', '{"kind":"system"}')`);
  await run(`insert into scheduled_publications (number, document, request, publish_at, state, held_because, created_at, created_by)
    select 4, document, '{"publishAt":"2026-12-24T09:00:00Z"}', '2026-12-24T09:00Z', 'cancelled', null, '2026-12-20', '{"kind":"system"}'
    from versions where number = 1`);
  await run(`insert into idempotency_keys values ('key', 'hash', 201, '{"status":201}', '2026-12-20')`);

  const people = [
    ['ann@example.org', 'confirmed', '{community}', 'all', 'en'],
    ['bob@example.org', 'confirmed', null, 'material', 'de'],
    ['cat@example.org', 'confirmed', null, 'all', 'en'],
    ['dead@example.org', 'confirmed', null, 'all', 'en'],
    ['left@example.org', 'unsubscribed', null, 'all', 'en'],
    ['new@example.org', 'pending', null, 'all', 'en'],
  ];
  for (const [email, status, services, toldOf, locale] of people) {
    await run(
      `insert into subscribers (email, email_key, email_hash, company, locale, services, told_of, status, created_at,
         confirmed_at, confirmed_moment, unsubscribed_at)
       values ($1, $1, $2, 'Müller & Söhne', $6, $4, $5, $3, '2026-11-01', case when $3 <> 'pending' then '2026-11-02'::timestamptz end,
         case when $3 <> 'pending' then nextval('moments') end, case when $3 = 'unsubscribed' then '2026-12-01'::timestamptz end)`,
      [email, emailHash([secretKey], email ?? ''), status, services, toldOf, locale],
    );
  }
  await run(`insert into subscriber_events (subscriber_id, at, kind, detail)
    select id, '2026-11-02', k.kind, '{"via":"form","wording":"I want to be told."}'
    from subscribers, unnest(array['requested','repeated','confirmed','unsubscribed','imported','updated','preferences',
      'address-changed','suppressed','revived']) as k (kind)`);
  await run(`insert into suppressions select email_hash, 'hard-bounce', 'mailbox-unknown', '2026-12-03' from subscribers
    where email = 'dead@example.org'`);
  await run(`insert into suppressions values (sha256('erased'), 'erased', null, '2026-12-03')`);
  await run(`insert into letter_limits values ('form:aa', array['2026-12-03'::timestamptz], '2026-12-03')`);
  await run(`insert into domain_limits values ('example.org', '2026-12-03', 3)`);
  await run(`insert into import_rows (import_id, line, email, email_key, confirmed, created_at)
    values (gen_random_uuid(), 2, 'x@example.org', 'x@example.org', false, '2026-12-03')`);

  for (const version of [2, 3]) {
    await run(
      `insert into notices (version, kind, base_version, changes, services, material_services, moment, ordered_at,
         fanned_out_to, fanned_out_at)
       select $1::integer, 'change', 1, changes, null, null, nextval('moments'), published_at, 2,
         case when $1 = 2 then published_at end from versions where number = $1`,
      [version],
    );
  }
  await run(`insert into notices (version, kind, base_version, changes, moment, ordered_at, fanned_out_to, fanned_out_at)
    select 2, 'withdrawal', 1, changes, nextval('moments'), '2026-12-02T18:00Z', 4, '2026-12-02T18:00Z' from versions where number = 2`);

  // In each state that there is, notices and letters.
  const deliveries = [
    [1, 1, 'notice', 'sent', null],
    [1, 2, 'notice', 'bounced', 'mailbox-unknown'],
    [1, 4, 'notice', 'suppressed', 'hard-bounce'],
    [1, 5, 'notice', 'failed', 'expired'],
    [2, 1, 'notice', 'queued', null],
    [2, 2, 'notice', 'deferred', 'greylisted'],
    [3, 1, 'notice', 'sending', null],
    [null, 6, 'confirmation', 'sent', null],
    [null, 1, 'welcome', 'queued', null],
    ...['already-subscribed', 'manage-link', 'address-changed', 'objection-receipt'].map((kind) => [
      null,
      1,
      kind,
      'sent',
      null,
    ]),
  ];
  for (const [notice, subscriber, kind, state, reason] of deliveries) {
    await run(
      `insert into deliveries (kind, notice_id, subscriber_id, email, recipient_hash, locale, params, priority, state,
         reason, attempts, due_at, leased_until, leased_by, message_id, response, created_at, sent_at, settled_at)
       select $1, $2, s.id, s.email, s.email_hash, s.locale, '{"objectionId":1}', case when $1 = 'notice' then 1 else 0 end, $4, $5,
         case when $4 = 'queued' then 0 else 2 end, '2026-12-03', case when $4 = 'sending' then '2026-12-03T00:01Z'::timestamptz end,
         case when $4 = 'sending' then gen_random_uuid() end,
         case when $4 <> 'queued' then '<' || gen_random_uuid() || '@example.org>' end, '250 2.0.0 ok', '2026-12-03',
         case when $4 = 'sent' then '2026-12-03'::timestamptz end, case when $4 in ('sent', 'bounced') then '2026-12-03'::timestamptz end
       from subscribers s where s.id = $3`,
      [kind, notice, subscriber, state, reason],
    );
  }
  await run(`insert into single_use_tokens (purpose, subscriber_id, nonce, token_hash, detail, created_at, delivery_id)
    select 'confirm', 6, 'nonce', sha256('nonce'), '{"company":null,"locale":"en","services":null,"evidence":{}}', '2027-01-03', id
    from deliveries where kind = 'confirmation'`);
  await run(`insert into objections (delivery_id, subscriber_id, version, grounds, received_at, late, state, note, updated_at)
    select id, 1, 2, 'No transfer mechanism; write to ann@example.org.', '2026-12-02', true, 'in-talks', 'called', '2026-12-02'
    from deliveries where state = 'sent' and kind = 'notice'`);
  await run(`update relay set rate_free_at = '2026-12-03'`);

  await run(
    `insert into admins (email, email_key, password_hash, role, created_at) values
       ('Officer@example.org', 'officer@example.org', $1, 'admin', '2026-11-01')`,
    [await hashPassword(password)],
  );
  await run(`insert into setup_links values ('\\x00', '2026-11-01', '2026-11-01')`);
  await run(`insert into sessions values ('\\x01', 1, '2026-12-30', '2026-12-30')`);
  await run(`insert into sign_in_limits values ('\\x02', 3, '2026-12-30', '2026-12-30')`);
  await run(
    `insert into api_tokens (name, role, token_hash, created_at) values ('CI of the website', 'viewer', $1, '2026-11-01')`,
    [hashOf('sn_of-before')],
  );
  await run(`insert into audit_log (at, actor, action, subject, detail)
    values ('2026-12-01', '{"kind":"admin","id":1,"role":"admin"}', 'version.published', 'version 1', '{"changes":1}')`);
  await run(`insert into audit_log (at, actor, action, subject, detail)
    values ('2026-11-30', '{"kind":"admin","id":1,"role":"admin"}', 'admin.signed-in', 'admin 1', '{"how":"password"}')`);
  await run(`insert into service_state (last_seen_at, cluster, database_oid) values ('2026-12-30', 'x', 1)`);
}

/** Every row of every table, by table. */
async function contents(pool: pg.Pool): Promise<Map<string, Record<string, unknown>[]>> {
  const { rows: tables } = await pool.query<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = 'public' order by 1`,
  );
  const all = new Map<string, Record<string, unknown>[]>();
  for (const { name } of tables) {
    const { rows } = await pool.query<{ row: Record<string, unknown> }>(
      `select to_jsonb(x) as row from "${name}" x order by 1`,
    );
    all.set(
      name,
      rows.map(({ row }) => row),
    );
  }
  return all;
}

t.test('the database of the version before is brought to the present with everything in it', async (t) => {
  const database = await databaseOfBefore(t);
  const { pool } = database;
  await fill(pool);
  const before = await contents(pool);
  t.same(
    [...before].filter(([, rows]) => rows.length === 0).map(([name]) => name),
    [],
    'every table has rows',
  );

  const pending = await pendingMigrations(pool, migrations);
  t.ok(pending.length > 0);
  t.same(await migrate(pool, migrations), pending);
  t.same(await migrate(pool, migrations), [], 'and once is enough');

  const after = await contents(pool);
  for (const [table, rows] of before) {
    const kept = after.get(table) ?? [];
    // New columns stand beside the old ones; nothing that was there has changed.
    const lost = rows.filter(
      (row) => !kept.some((now) => Object.entries(row).every(([key, value]) => same(now[key], value))),
    );
    t.same(lost, [], `${table} keeps its rows`);
    if (table !== 'migrations') t.equal(kept.length, rows.length, `${table} gets none`);
  }

  const { rows } = await pool.query('select distinct kind, entitlement, notice_group from subscribers');
  t.same(rows, [{ kind: 'voluntary', entitlement: null, notice_group: null }], 'whoever was there came by the form');
  const { rows: accounts } = await pool.query('select has_password, disabled_at, last_signed_in_at from admins');
  t.same(accounts, [{ has_password: true, disabled_at: null, last_signed_in_at: at('2026-11-30') }]);
  const { rows: traces } = await pool.query('select id, message_id from deliveries where message_id is not null');
  for (const { id, message_id } of traces) {
    t.match(await findBounced(pool, { messageId: message_id, recipientHashes: [] }), { id }, 'bounces find their mail');
  }
});

t.test('the service reads what the version before has written, and goes on where it stopped', async (t) => {
  const database = await databaseOfBefore(t);
  const { pool } = database;
  await fill(pool);
  await migrate(pool, migrations);
  const app = await startApp(t, { database });
  const get = async (url: string) => {
    const answer = await app.inject({ url, headers: bearer });
    t.equal(answer.statusCode, 200, url);
    return answer;
  };

  for (const url of ['/', '/versions', '/versions/1', '/versions/3', '/compare/1...3', '/feed.atom']) await get(url);
  const list = (await get('/list.json')).json();
  t.match(list, { version: 1, announced: [{ version: 3, message: 'Warum: “Umzug” & mehr' }] });
  const versions = await Promise.all([1, 2, 3].map(async (n) => (await get(`/versions/${n}.json`)).json()));
  t.same(
    verifyChain(
      versions.map((one) => ({
        ...one,
        publishedAt: at(one.publishedAt),
        effectiveAt: at(one.effectiveAt),
        objectionDeadline: one.objectionDeadline === null ? null : at(one.objectionDeadline),
      })),
    ),
    [],
    'the chain holds',
  );
  t.match((await get('/api/v1/subscribers')).json(), {
    subscribers: [
      { email: 'ann@example.org', status: 'confirmed', kind: 'voluntary', services: ['community'] },
      { toldOf: 'material' },
      {},
      { status: 'suppressed', suppressedBecause: 'hard-bounce' },
      { status: 'unsubscribed' },
      { status: 'pending' },
    ],
  });
  t.match((await get('/api/v1/subscribers.csv')).body, /ann@example\.org,Müller & Söhne,en,community,confirmed/);
  t.match((await get('/api/v1/audit')).json().entries.at(-1), { action: 'version.published' });
  t.match((await get('/api/v1/versions/2/deliveries')).json(), {
    counts: { sent: 1, bounced: 1, suppressed: 1, failed: 1 },
  });
  t.same((await get('/api/v1/tasks')).json(), { tasks: [], next: null });
  t.equal(
    (await app.inject({ url: '/api/v1/subscribers', headers: { authorization: 'Bearer sn_of-before' } })).statusCode,
    200,
    'tokens open what they did',
  );

  // What waited goes: the queued, the deferred, what a dead instance held, and the rest of the fan-out.
  await app.settle();
  const { counts } = (await get('/api/v1/versions/3/deliveries')).json();
  t.match(counts, { queued: 0, sending: 0, deferred: 0, sent: 3 }, 'ann, bob and cat');
  t.equal(app.relay.mailTo('cat@example.org').length, 1);
  t.equal(app.relay.mailTo('left@example.org').length, 0);
  const { rows } = await pool.query(`select state from deliveries where kind = 'welcome' or (notice_id = 3)`);
  t.same(
    rows.map(({ state }) => state),
    ['sent', 'sent'],
  );

  const visitor = newVisitor(app);
  const signedIn = await visitor.submit(await visitor.get('/admin/sign-in'), '/admin/sign-in', {
    email: 'officer@example.org',
    password,
  });
  t.equal(signedIn.statusCode, 303);
  for (const path of [
    '/admin',
    '/admin/draft',
    '/admin/versions/2',
    '/admin/subscribers',
    '/admin/objections',
    '/admin/tasks',
  ]) {
    t.equal((await visitor.get(path)).statusCode, 200, path);
  }
  t.match(textOf((await visitor.get('/admin/objections')).body), /No transfer mechanism/);

  const left = await app.inject({ method: 'POST', url: `/unsubscribe/${signLink([secretKey], 'unsubscribe', 2)}` });
  t.equal(left.statusCode, 200, 'links in mails of before do what they did');
  await publishList(app, `${listYaml(newVendor)}  - name: Neu GmbH\n    country: DE\n`);
  await app.settle();
  t.equal(app.relay.mailTo('cat@example.org').length, 2, 'and the next version is told of');
  t.equal(app.relay.mailTo('bob@example.org').length, 1);
});

t.test(
  'a draft, its approval and a planned publication of before hold with what belongs to a draft since',
  async (t) => {
    const { database } = await databaseUpTo(t, 16);
    const { pool } = database;
    await fill(pool);
    const drafted = readList(`${listYaml(newVendor)}  - name: Neu GmbH\n    country: DE\n`, 'yaml');
    const by = JSON.stringify({ kind: 'admin', id: 1, role: 'admin' });
    await pool.query(`update drafts set document = $1, source = null`, [JSON.stringify(drafted)]);
    await pool.query(`insert into approvals (hash, by, at) values ($1, $2, '2027-01-03')`, [
      canonicalHash(drafted),
      by,
    ]);
    await pool.query(
      `insert into scheduled_publications (number, document, request, publish_at, created_at, created_by)
     values (4, $1, '{"publishAt":"2027-01-04T10:00:00Z","message":"Wie geplant."}', '2027-01-04T10:00Z', '2027-01-03', $2)`,
      [JSON.stringify(drafted), by],
    );
    await migrate(pool, migrations);
    const app = await startApp(t, { database });
    const draft = await readDraft(pool);
    t.match(draft, { message: null, gradings: [] });
    if (draft === null) return;
    t.match(await readApprovals(pool, draft), [{ by: { id: 1 } }], 'the approval is of this draft');
    await pool.query(`update drafts set message = 'Für später.'`);
    app.clock.set('2027-01-04T10:00:00Z');
    t.equal(await app.publishDue(), 1);
    t.match((await app.inject({ url: '/versions/4.json' })).json(), { message: 'Wie geplant.' });
    t.equal((await readDraft(pool))?.message, 'Für später.', 'which was not its own');
  },
);

function same(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
