import { writeFileSync } from 'node:fs';
import type pg from 'pg';
import t from 'tap';
import { actorFrom } from '../../src/actor.js';
import { exportAuditLines } from '../../src/audit/export.js';
import { recordAudit } from '../../src/audit/record.js';
import { verifyAudit } from '../../src/audit/verify.js';
import { runCommandLine } from '../../src/cli/run.js';
import { transaction } from '../../src/database/transaction.js';
import { setUp, signInAs } from '../admin/support.js';
import { textOf } from '../pages/support.js';
import { bearer, startApp } from '../support/app.js';
import { openDatabase } from '../support/database.js';
import { temporaryFolder } from '../support/process.js';

const at = new Date('2027-01-04T09:00:00.123Z');

function write(pool: pg.Pool, index: number, detail: Record<string, unknown> = {}) {
  return transaction(pool, (tx) =>
    recordAudit(tx, {
      at,
      actor: { kind: 'system' },
      action: 'draft.edited',
      subject: `draft revision ${index}`,
      detail,
    }),
  );
}

/** Whoever owns the database can switch its triggers off. */
async function tamper(pool: pg.Pool, statement: string): Promise<void> {
  const client = await pool.connect();
  await client.query(`set session_replication_role = replica`);
  await client.query(statement);
  await client.query(`set session_replication_role = origin`);
  client.release();
}

t.test('entries that are written at the same time form one chain, and it holds', async (t) => {
  const { pool } = await openDatabase(t);
  await Promise.all(
    Array.from({ length: 60 }, (_, index) =>
      write(pool, index, { text: 'ünï\n"quoted" \\ 1e3', n: 1.5e21, deep: [{ a: null }] }),
    ),
  );
  const verdict = await verifyAudit(pool);
  t.match(verdict, { links: 60, faults: [], unsealed: [], expected: null });
  t.match(verdict.head, /^[0-9a-f]{64}$/);
  await t.rejects(pool.query('update audit_log set subject = subject'), /never change/);
  await t.rejects(pool.query('delete from audit_seals'), /never change/);
  await t.rejects(pool.query('truncate audit_seals'), /never change/);
});

t.test('what is rolled back leaves no gap in the chain', async (t) => {
  const { pool } = await openDatabase(t);
  await write(pool, 1);
  await t.rejects(
    transaction(pool, async (tx) => {
      await recordAudit(tx, { at, actor: { kind: 'system' }, action: 'a.b', subject: 'x' });
      throw new Error('no');
    }),
  );
  await write(pool, 2);
  t.match(await verifyAudit(pool), { links: 2, faults: [] });
});

t.test(
  'an entry that is changed, taken out, slipped in or cut off is found, also where the triggers were off',
  async (t) => {
    for (const [name, statement, found] of [
      [
        'changed',
        `update audit_log set detail = '{"x": 1}' where id = 3`,
        { faults: [{ position: 3, fault: 'entry-changed' }] },
      ],
      [
        'another time',
        `update audit_log set at = at + interval '1 microsecond' where id = 2`,
        { faults: [{ position: 2, fault: 'entry-changed' }] },
      ],
      ['taken out', 'delete from audit_log where id = 2', { faults: [{ position: 2, fault: 'entry-missing' }] }],
      [
        'taken out with its seal',
        'delete from audit_seals where entry = 2',
        { faults: [{ position: 2, fault: 'position-missing' }] },
      ],
      [
        'slipped in',
        `insert into audit_log (at, actor, action, subject) values (now(), '{"kind": "system"}', 'a.b', 'x')`,
        { faults: [], unsealed: [6] },
      ],
      [
        'sealed anew',
        `update audit_log set subject = 'y' where id = 2;
       update audit_seals s set hash = audit_hash(s.previous_hash, audit_text(a)) from audit_log a where a.id = s.entry and s.entry = 2`,
        { faults: [{ position: 3, fault: 'previous-differs' }] },
      ],
    ] as const) {
      const { pool } = await openDatabase(t);
      for (let index = 1; index <= 5; index += 1) await write(pool, index);
      const before = await verifyAudit(pool);
      await tamper(pool, statement);
      t.match(await verifyAudit(pool), found, name);
      t.match(before.faults, [], name);
    }
    const { pool } = await openDatabase(t);
    for (let index = 1; index <= 5; index += 1) await write(pool, index);
    const { head } = await verifyAudit(pool);
    await tamper(pool, 'delete from audit_seals where entry = 5; delete from audit_log where id = 5');
    t.match(await verifyAudit(pool), { faults: [], expected: null }, 'the end alone tells nothing');
    t.match(await verifyAudit(pool, head), { expected: false }, 'but the hash that somebody kept does');
  },
);

t.test('an exported log is checked by the command line, without the service', async (t) => {
  const { pool } = await openDatabase(t);
  for (let index = 1; index <= 4; index += 1) await write(pool, index);
  const lines: string[] = [];
  for await (const line of exportAuditLines(pool)) lines.push(line);
  const folder = temporaryFolder(t);
  const check = async (name: string, content: readonly string[], ...more: string[]) => {
    const said: string[] = [];
    const file = `${folder}/${name}.jsonl`;
    writeFileSync(file, content.join(''));
    const code = await runCommandLine(['audit', 'verify', file, ...more], {
      config: () => {
        throw new Error('no settings are needed');
      },
      say: (line) => void said.push(line),
      complain: (line) => void said.push(line),
      stay: async () => undefined,
    });
    return [code, said.join('\n')];
  };
  const [code, said] = await check('whole', lines);
  t.equal(code, 0);
  t.match(said, /The chain holds: 4 entries/);
  const changed = lines.map((line) => line.replace('revision 3', 'revision 9'));
  t.match(await check('changed', changed), [1, /entry 3: its entry was changed/]);
  t.match(
    await check(
      'without',
      lines.filter((_, index) => index !== 1),
    ),
    [1, /entry 2: there is no entry at this place/],
  );
  t.match(await check('turned', [...lines].reverse()), [1, /no entry at this place/]);
  t.match(await check('cut', lines.slice(0, 2), '--expect', JSON.parse(lines[3] ?? '{}').hash), [1, /were cut off/]);
  t.match(await check('none', ['nonsense\n']), [1, /line 1 is no entry/]);
  t.match(await check('use', lines, '--expect', 'x'), [2, /64 hexadecimal/]);
});

t.test('who, from where, and before and after: found by each of these, on the page and by the API', async (t) => {
  const app = await startApp(t);
  const officer = await setUp(app);
  await app.inject({
    method: 'PUT',
    url: '/api/v1/draft',
    headers: bearer,
    payload: { title: 'L', dataSubjects: [], subProcessors: [] },
  });
  await transaction(app.deps.db, (tx) =>
    recordAudit(tx, {
      at: app.clock.now(),
      actor: actorFrom({ kind: 'admin', id: 1, role: 'admin' }, 'console 203.0.113.7'),
      action: 'group.saved',
      subject: 'group dpa-60',
      detail: { before: { noticeDays: 30 }, after: { noticeDays: 60 } },
    }),
  );
  const all = textOf((await officer.get('/admin/audit')).body);
  t.match(
    all,
    /officer@example\.org console 203\.0\.113\.7 group\.saved group dpa-60 \{"noticeDays":30\} \{"noticeDays":60\}/,
  );
  t.match(all, /api 127\.0\.0\.1 draft\.replaced/);
  for (const [search, found] of [
    ['action=group', /group\.saved/],
    ['actor=admin+1', /group\.saved/],
    ['actor=Officer@example.org', /group\.saved/],
    ['actor=token', /draft\.replaced/],
    ['actor=token+environment', /draft\.replaced/],
    ['q=203.0.113', /group\.saved/],
    ['q=DPA-60', /group\.saved/],
    ['since=2020-01-01&until=2099-12-31&action=draft.replaced', /draft\.replaced/],
  ] as const) {
    t.match((await officer.get(`/admin/audit?${search}`)).body, found, search);
  }
  t.notMatch((await officer.get('/admin/audit?action=group')).body, /draft\.replaced/);
  for (const nothing of ['until=2000-01-01', 'actor=nobody@example.org', 'actor=somebody', 'actor=admin+99']) {
    t.match(textOf((await officer.get(`/admin/audit?${nothing}`)).body), /No entry fits/, nothing);
  }
  t.equal((await officer.get('/admin/audit?since=2027-02-31&until=x&after=y')).statusCode, 200);
  const byApi = await app.inject({ url: '/api/v1/audit?subject=group%20dpa-60', headers: bearer });
  t.match(byApi.json(), { entries: [{ origin: 'console 203.0.113.7', action: 'group.saved' }], next: null });

  const file = await officer.get('/admin/audit/export.jsonl');
  const lines = file.body
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.match([lines[0].position, lines[0].previousHash], [1, null]);
  t.equal(lines[1].previousHash, lines[0].hash);
  t.match(
    (await app.inject({ url: '/api/v1/audit.csv', headers: bearer })).body,
    /^position,at,actor,origin,action,subject,detail,hash\r\n1,/,
  );
  t.equal((await (await signInAs(app, 'publisher')).get('/admin/audit/export.csv')).statusCode, 403);
  const { rows } = await app.database.pool.query('select updated_by from drafts');
  t.notMatch(JSON.stringify(rows), /127\.0\.0\.1/, 'where somebody was stays in the log');
});
