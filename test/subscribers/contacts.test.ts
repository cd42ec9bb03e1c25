import { Readable } from 'node:stream';
import t from 'tap';
import { transaction } from '../../src/database/transaction.js';
import { requestAddressChange } from '../../src/subscribers/address-change.js';
import { browseSubscribers } from '../../src/subscribers/browse.js';
import { confirm } from '../../src/subscribers/confirm.js';
import { addContact } from '../../src/subscribers/contact.js';
import { eraseMe } from '../../src/subscribers/erase.js';
import { exportSubscribers } from '../../src/subscribers/export.js';
import {
  deleteGroup,
  listGroups,
  longestNoticePeriod,
  noticePeriodsInUse,
  saveGroup,
} from '../../src/subscribers/groups.js';
import { importSubscribers } from '../../src/subscribers/import.js';
import { unsubscribe } from '../../src/subscribers/unsubscribe.js';
import { browseTasks } from '../../src/tasks/browse.js';
import { addCrowd } from '../deliveries/make.js';
import { openStage, type Stage } from './make.js';

const admin = { kind: 'admin', id: 1, role: 'admin' } as const;
const bring = ({ deps }: Stage, csv: string) =>
  importSubscribers(deps, csv, admin, { knownServices: ['analytics', 'community'] });

async function withGroups(stage: Stage): Promise<Stage> {
  for (const noticeDays of [14, 60]) {
    await saveGroup(stage.deps, { id: `dpa-${noticeDays}`, name: `${noticeDays} days`, noticeDays }, admin);
  }
  return stage;
}

async function contact(stage: Stage, email: string) {
  const { subscribers } = await browseSubscribers(stage.deps.db, { q: email, limit: 1 });
  const [found] = subscribers;
  if (found === undefined) throw new Error(`nobody is ${email}`);
  const { status, kind, entitlement, noticeGroup, company } = found;
  return { status, kind, entitlement, noticeGroup, company };
}

const openTasks = async ({ deps }: Stage) =>
  (await browseTasks(deps.db, { open: true, limit: 50 })).tasks.map(({ kind, subject, detail }) => ({
    kind,
    subject,
    ...detail,
  }));

t.test('a contractual contact is entitled by the file: confirmed at once, and nobody is asked', async (t) => {
  const stage = await withGroups(await openStage(t));
  const file = [
    'email,company,kind,group,entitlement,status,confirmedAt',
    'a@example.org,Acme,contractual,dpa-60,"DPA of 4 January 2027, section 7",,',
    'b@example.org,Beta,Contractual,DPA-14,MSA annex 3,pending,2026-05-01',
    'c@example.org,Gamma,contractual,,AVV,,',
    'd@example.org,Delta,voluntary,,,,',
  ].join('\n');
  t.same(await bring(stage, file), { imported: 4, updated: 0, skipped: 0, errors: [] });
  t.same(await contact(stage, 'a@example.org'), {
    status: 'confirmed',
    kind: 'contractual',
    entitlement: 'DPA of 4 January 2027, section 7',
    noticeGroup: 'dpa-60',
    company: 'Acme',
  });
  t.match(await contact(stage, 'b@example.org'), { status: 'confirmed', noticeGroup: 'dpa-14' });
  t.same((await stage.person('b@example.org'))?.confirmedAt, new Date('2026-05-01'));
  t.match(await contact(stage, 'c@example.org'), { status: 'confirmed', noticeGroup: null });
  t.match(await contact(stage, 'd@example.org'), { status: 'pending', kind: 'voluntary', entitlement: null });
  t.same(await stage.kinds('a@example.org'), []);
  t.same(await stage.kinds('d@example.org'), ['confirmation']);
  t.match(await stage.events('a@example.org'), [
    { kind: 'imported', detail: { via: 'import', kind: 'contractual', noticeGroup: 'dpa-60', by: admin } },
  ]);
  t.same(await bring(stage, file), { imported: 0, updated: 4, skipped: 0, errors: [] }, 'the same file again');
  t.equal((await stage.events('a@example.org')).length, 1, 'leaves no trace');
});

t.test('a row that says something wrong of a contract is left out with its line and the mend', async (t) => {
  const stage = await openStage(t);
  const head = 'email,kind,group,entitlement\n';
  t.match(await bring(stage, `${head}a@example.org,contractual,dpa-60,DPA\n`), {
    errors: [{ line: 2, message: 'group "dpa-60" is not known; there is none yet' }],
  });
  await withGroups(stage);
  const { imported, skipped, errors } = await bring(
    stage,
    `${head}${[
      'a@example.org,contractual,dpa-60,',
      'b@example.org,customer,,',
      'c@example.org,contractual,dpa-90,DPA',
      'd@example.org,voluntary,dpa-60,',
      'e@example.org,,,DPA',
      'f@example.org,contractual,dpa-60,DPA',
      `g@example.org,contractual,dpa-60,${'x'.repeat(501)}`,
    ].join('\n')}\n`,
  );
  t.same([imported, skipped], [1, 6]);
  t.match(errors, [
    { line: 2, message: /^entitlement is missing: say where the contract/ },
    { line: 3, message: 'kind must be voluntary or contractual' },
    { line: 4, message: 'group "dpa-90" is not known; use dpa-14, dpa-60' },
    { line: 5, message: /^group and entitlement are for contractual contacts/ },
    { line: 6, message: /^group and entitlement are for contractual contacts/ },
    { line: 8, message: 'entitlement must not be longer than 500 characters' },
  ]);
});

t.test('who subscribed is made a contact by a contract, and by nothing is made less again', async (t) => {
  const stage = await withGroups(await openStage(t));
  await stage.join('a@example.org', { company: 'Acme', services: ['community'] });
  await stage.ask('p@example.org');
  const head = 'email,kind,group,entitlement\n';
  const file = `${head}a@example.org,contractual,dpa-60,DPA\np@example.org,contractual,,DPA\n`;
  t.match(await bring(stage, file), { imported: 1, updated: 1 });
  t.match(await contact(stage, 'a@example.org'), { kind: 'contractual', noticeGroup: 'dpa-60', company: 'Acme' });
  t.match(await contact(stage, 'p@example.org'), { kind: 'contractual', status: 'confirmed' });
  t.match((await stage.events('a@example.org')).at(-1), { kind: 'entitled', detail: { entitlement: 'DPA' } });
  t.match(await stage.audited('subscriber.entitled'), [
    { actor: admin, detail: { was: 'voluntary', group: 'dpa-60', groupBefore: null } },
    { detail: { was: 'voluntary', group: null } },
  ]);

  // By the form, confirmed again or not, and by files that say less.
  await stage.ask('a@example.org', { company: 'Other' });
  t.equal((await stage.kinds('a@example.org')).at(-1), 'already-subscribed');
  t.match(await bring(stage, `${head}a@example.org,,,\n`), { updated: 1 });
  t.match(await bring(stage, `${head}a@example.org,voluntary,,\n`), {
    skipped: 1,
    errors: [{ line: 2, message: /is a contractual contact, which a file does not take away/ }],
  });
  t.match(await contact(stage, 'a@example.org'), { kind: 'contractual', noticeGroup: 'dpa-60', entitlement: 'DPA' });

  t.match(await bring(stage, `${head}a@example.org,,dpa-14,\n`), { updated: 1 }, 'another group');
  t.match(await contact(stage, 'a@example.org'), { noticeGroup: 'dpa-14', entitlement: 'DPA' });
  t.match((await stage.audited('subscriber.entitled')).at(-1), {
    detail: { was: 'contractual', group: 'dpa-14', groupBefore: 'dpa-60' },
  });
});

t.test('no contract brings back who has left or cannot be reached', async (t) => {
  const stage = await withGroups(await openStage(t));
  for (const email of ['left@example.org', 'dead@example.org']) await stage.join(email);
  await unsubscribe(stage.deps, (await stage.linksOf('left@example.org')).unsubscribe, 'one-click');
  await stage.bounce('dead@example.org');
  const before = await stage.letters();
  const file =
    'email,kind,entitlement\nleft@example.org,contractual,DPA\ndead@example.org,contractual,DPA\nLeft@example.org,contractual,DPA\n';
  t.match(await bring(stage, file), {
    imported: 0,
    updated: 0,
    skipped: 3,
    errors: [{ message: /has unsubscribed/ }, { message: /is suppressed/ }, { message: /same address as in line 2/ }],
  });
  t.match(await contact(stage, 'left@example.org'), { status: 'unsubscribed', kind: 'voluntary' });
  const { deps } = stage;
  const form = { company: 'Acme', locale: 'en', entitlement: 'DPA', group: 'dpa-60' };
  const add = (email: string) => addContact(deps, { ...form, email }, admin, { knownServices: null });
  t.equal(await add('left@example.org'), 'unsubscribed');
  t.equal(await add('dead@example.org'), 'suppressed');
  t.equal(await add('new@example.org'), 'added');
  t.equal(await add('New@example.org'), 'updated');
  t.same(await stage.letters(), before, 'and none of them is written to');
  for (const [wrong, path] of [
    [{ email: 'no address' }, 'email'],
    [{ entitlement: ' ' }, 'entitlement'],
    [{ group: 'none' }, 'group'],
    [{ company: 'x'.repeat(201) }, 'company'],
  ] as const) {
    const contact = { ...form, email: 'x@example.org', ...wrong };
    await t.rejects(addContact(deps, contact, admin, { knownServices: null }), { errors: [{ path }] });
  }
});

t.test('an export goes into a fresh instance with kind, group and entitlement', async (t) => {
  const stage = await withGroups(await openStage(t));
  await stage.join('v@example.org');
  await bring(
    stage,
    'email,kind,group,entitlement\na@example.org,contractual,dpa-60,"=DPA, ""7"""\nc@example.org,contractual,,AVV\n',
  );
  await stage.join('u@example.org');
  await bring(stage, 'email,kind,entitlement\nu@example.org,contractual,DPA\n');
  const exported = async (of: Stage) => {
    let csv = '';
    for await (const part of exportSubscribers(of.deps, admin)) csv += part;
    return csv;
  };
  const csv = await exported(stage);
  t.match(csv, /^\uFEFFemail,[^\r]*,toldOf,kind,group,entitlement\r\n/, 'new columns stand at the end');
  t.notMatch(csv, /,"?=DPA/);
  t.match(
    csv,
    /a@example\.org,,en,,confirmed,2027-01-04T09:00:00\.000Z,,all,contractual,dpa-60,/,
    'no consent is made up',
  );
  t.match(csv, /u@example\.org,.*Double opt-in.*,contractual,,DPA/, 'who had consented keeps that');

  const fresh = await withGroups(await openStage(t));
  t.match(await bring(fresh, csv), { imported: 4, skipped: 0 });
  t.same(await fresh.letters(), []);
  for (const email of ['v', 'a', 'c', 'u'].map((name) => `${name}@example.org`)) {
    t.same(await contact(fresh, email), await contact(stage, email));
  }
  const lines = (text: string) =>
    text
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '')
      .split('\r\n')
      .sort();
  t.same(lines(await exported(fresh)), lines(csv));
});

t.test('groups have a period and a name, and stay while somebody is in them', async (t) => {
  const stage = await openStage(t);
  const { deps } = stage;
  for (const [group, paths] of [
    [{ id: 'DPA 30', name: 'x', noticeDays: 30 }, ['id']],
    [{ id: 'a', name: ' ', noticeDays: 366 }, ['name', 'noticeDays']],
    [{ id: 'a', name: 'two\nlines', noticeDays: -1 }, ['name', 'noticeDays']],
    [{ id: 'a', name: 'x'.repeat(101), noticeDays: 1.5 }, ['name', 'noticeDays']],
  ] as const) {
    await t.rejects(saveGroup(deps, group, admin), { code: 'input.invalid', errors: paths.map((path) => ({ path })) });
  }
  const saved = await saveGroup(deps, { id: 'dpa-30', name: ' Dreißig Tage ', noticeDays: 30 }, admin);
  t.match(saved, { added: true, group: { name: 'Dreißig Tage', noticeDays: 30, members: 0 } });
  t.match(await saveGroup(deps, { id: 'dpa-30', name: '30', noticeDays: 45 }, admin), { added: false });
  await saveGroup(deps, { id: 'dpa-30', name: '30', noticeDays: 45 }, admin);
  await bring(stage, 'email,kind,group,entitlement\na@example.org,contractual,dpa-30,DPA\n');
  t.match(await listGroups(deps.db), [{ id: 'dpa-30', members: 1 }]);
  await t.rejects(deleteGroup(deps, 'dpa-30', admin), { code: 'group.in-use' });
  await unsubscribe(deps, (await stage.linksOf('a@example.org')).unsubscribe, 'page');
  await t.rejects(deleteGroup(deps, 'dpa-30', admin), { code: 'group.in-use' }, 'they may come back');
  await t.rejects(deleteGroup(deps, 'dpa-31', admin), { code: 'group.missing' });
  await saveGroup(deps, { id: 'empty', name: 'Empty', noticeDays: 0 }, admin);
  await deleteGroup(deps, 'empty', admin);
  t.same(
    (await stage.audited('group.changed')).map(({ detail }) => detail),
    [{ before: { noticeDays: 30 }, after: { noticeDays: 45 } }],
  );
  t.equal((await stage.audited('group.deleted')).length, 1);
});

t.test('a group that goes while a file comes in costs its rows and not the file', async (t) => {
  const stage = await withGroups(await openStage(t));
  async function* file() {
    yield 'email,kind,group,entitlement\na@example.org,contractual,dpa-14,DPA\n';
    yield 'b@example.org,contractual,dpa-60,DPA\nc@example.org,contractual,,DPA\n';
    // The rows are read, and none of them has taken effect.
    await deleteGroup(stage.deps, 'dpa-14', admin);
  }
  const result = await importSubscribers(stage.deps, Readable.from(file()), admin, { knownServices: null });
  t.same(result, {
    imported: 2,
    updated: 0,
    skipped: 1,
    errors: [{ line: 2, message: 'group "dpa-14" is not known; use dpa-60', code: 'contract' }],
  });
});

t.test('the longest period is that of groups with recipients, and of those without a group', async (t) => {
  const stage = await withGroups(await openStage(t));
  const { db } = stage.deps;
  t.match(await longestNoticePeriod(db, 30), { days: 30 }, 'with nobody to tell it is the usual one');
  t.same(await noticePeriodsInUse(db, 30), []);
  await bring(
    stage,
    'email,kind,group,entitlement\na@example.org,contractual,dpa-14,DPA\nb@example.org,contractual,dpa-14,DPA\n',
  );
  t.match(await longestNoticePeriod(db, 30), { days: 14 });
  await stage.join('v@example.org');
  t.match(await longestNoticePeriod(db, 30), { days: 30 });
  t.same(await longestNoticePeriod(db, 10), { days: 14, group: '14 days' });
  await stage.ask('p@example.org');
  await bring(stage, 'email,kind,group,entitlement\nc@example.org,contractual,dpa-60,DPA\n');
  t.match(await longestNoticePeriod(db, 30), { days: 60 });
  t.same(await noticePeriodsInUse(db, 30), [
    { group: 'dpa-60', name: '60 days', days: 60, recipients: 1 },
    { group: null, name: null, days: 30, recipients: 1 },
    { group: 'dpa-14', name: '14 days', days: 14, recipients: 2 },
  ]);
  await stage.bounce('c@example.org');
  t.match(await longestNoticePeriod(db, 30), { days: 30 }, 'who is not mailed counts no more');
  await unsubscribe(stage.deps, (await stage.linksOf('v@example.org')).unsubscribe, 'page');
  t.same(await noticePeriodsInUse(db, 30), [{ group: 'dpa-14', name: '14 days', days: 14, recipients: 2 }]);
});

t.test('the longest period is known at once, however many there are and however few in a group', async (t) => {
  const stage = await openStage(t);
  const { db } = stage.deps;
  for (let n = 1; n <= 20; n += 1) await saveGroup(stage.deps, { id: `g${n}`, name: `g${n}`, noticeDays: n }, admin);
  await addCrowd(db, 20_000);
  await db.query(`update subscribers set kind = 'contractual', entitlement = 'DPA', notice_group = 'g7' where id > 10`);
  await db.query('analyze');
  await transaction(db, async (tx) => {
    // What the same connection read before may not have been handed in yet, and counts here as well.
    const rowsRead = async (): Promise<number> => {
      const { rows } = await tx.query(
        `select seq_tup_read + idx_tup_fetch as read from pg_stat_xact_user_tables where relname = 'subscribers'`,
      );
      return rows[0]?.read ?? 0;
    };
    const before = await rowsRead();
    t.match(await longestNoticePeriod(tx, 3), { days: 7 });
    const read = (await rowsRead()) - before;
    t.ok(read < 100, `${read} rows read`);
  });
});

t.test('a contact leaves by one click, and the admins get a task until they come back', async (t) => {
  const stage = await withGroups(await openStage(t));
  await bring(stage, 'email,company,kind,group,entitlement\na@example.org,Acme,contractual,dpa-60,DPA\n');
  await stage.join('v@example.org');
  for (const email of ['a@example.org', 'v@example.org']) {
    const link = (await stage.linksOf(email)).unsubscribe;
    await Promise.all([unsubscribe(stage.deps, link, 'one-click'), unsubscribe(stage.deps, link, 'one-click')]);
  }
  const subject = `subscriber ${await stage.idOf('a@example.org')}`;
  t.same(await openTasks(stage), [{ kind: 'contact-left', subject, how: 'unsubscribed', via: 'one-click' }]);
  await stage.join('a@example.org');
  t.match(await contact(stage, 'a@example.org'), { status: 'confirmed', kind: 'contractual', noticeGroup: 'dpa-60' });
  t.same(await openTasks(stage), []);
  await unsubscribe(stage.deps, (await stage.linksOf('a@example.org')).unsubscribe, 'page');
  t.same(await openTasks(stage), [{ kind: 'contact-left', subject, how: 'unsubscribed', via: 'page' }]);
});

t.test('a contact who erases themselves leaves a task behind that says whose contact is missing', async (t) => {
  const stage = await openStage(t);
  await bring(stage, 'email,company,kind,entitlement\na@example.org,Acme,contractual,DPA\n');
  const id = await stage.idOf('a@example.org');
  await eraseMe(stage.deps, await stage.manageLink('a@example.org'));
  t.same(await openTasks(stage), [
    { kind: 'contact-left', subject: `subscriber ${id}`, how: 'erased', company: 'Acme', entitlement: 'DPA' },
  ]);
});

t.test('a contract goes with the person to another address', async (t) => {
  const stage = await withGroups(await openStage(t));
  await bring(
    stage,
    'email,kind,group,entitlement\na@example.org,contractual,dpa-60,DPA\nb@example.org,contractual,,AVV\n',
  );
  await stage.join('other@example.org');
  const move = async (from: string, to: string) => {
    await requestAddressChange(stage.deps, await stage.manageLink(from), to);
    await confirm(stage.deps, await stage.lastLink(to));
  };
  await move('a@example.org', 'other@example.org');
  t.match(await contact(stage, 'other@example.org'), {
    kind: 'contractual',
    noticeGroup: 'dpa-60',
    entitlement: 'DPA',
  });
  t.match(
    await contact(stage, 'a@example.org'),
    { status: 'unsubscribed', kind: 'voluntary', entitlement: null, noticeGroup: null },
    'and is not with both, or one of them could never be reached',
  );
  await move('b@example.org', 'fresh@example.org');
  t.match(await contact(stage, 'fresh@example.org'), { kind: 'contractual', entitlement: 'AVV' });
  t.same(await openTasks(stage), [], 'they are told as before');
});
