import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { Refusal, type RefusalCode } from '../../src/errors.js';
import type { ListDocument } from '../../src/list/document.js';
import { type SealedFacts, seal, verifyChain } from '../../src/versions/chain.js';
import {
  type ClockSettings,
  type DatesFacts,
  periodsInForce,
  readMoment,
  settleDates,
  stateOf,
} from '../../src/versions/clock.js';
import { loaders, programPath } from '../support/program.js';

const utc: ClockSettings = { timeZone: 'UTC', noticePeriodDays: 30, objectionDays: 30 };
const brussels: ClockSettings = { ...utc, timeZone: 'Europe/Brussels' };

function facts(more: Partial<DatesFacts> = {}): DatesFacts {
  const publishedAt = more.publishedAt ?? new Date('2027-01-04T09:00:00Z');
  return { publishedAt, toldAt: publishedAt, first: false, material: true, notBefore: null, ...more };
}

function iso(dates: { effectiveAt: Date; objectionDeadline: Date | null }) {
  return [dates.effectiveAt.toISOString(), dates.objectionDeadline?.toISOString() ?? null];
}

function refuses(t: Test, code: RefusalCode, run: () => unknown, path?: string): Refusal {
  try {
    run();
  } catch (error) {
    if (error instanceof Refusal) {
      t.equal(error.code, code);
      if (path !== undefined) t.equal(error.errors[0]?.path, path);
      return error;
    }
    throw error;
  }
  throw new Error(`not refused: ${code}`);
}

t.test('without a date a material change takes effect on the first day that the notice period allows', async (t) => {
  // Published on the 4th: the 5th is day 1, the 3rd of February is day 30 and counts to 24:00.
  t.same(iso(settleDates({}, facts(), utc)), ['2027-02-04T00:00:00.000Z', '2027-02-04T00:00:00.000Z']);
  t.same(iso(settleDates({}, facts(), { ...utc, noticePeriodDays: 0, objectionDays: 0 })), [
    '2027-01-04T09:00:00.000Z',
    '2027-01-05T00:00:00.000Z',
  ]);
  t.same(
    iso(settleDates({}, facts({ publishedAt: new Date('2027-01-04T00:00:00Z') }), utc)),
    ['2027-02-03T00:00:00.000Z', '2027-02-04T00:00:00.000Z'],
    'published at midnight sharp, the thirtieth midnight after it is 30 whole days away',
  );
});

t.test('the window may be shorter than the period, and may outlast the effective date', async (t) => {
  t.same(iso(settleDates({}, facts(), { ...utc, objectionDays: 14 })), [
    '2027-02-04T00:00:00.000Z',
    '2027-01-19T00:00:00.000Z',
  ]);
  t.same(iso(settleDates({}, facts(), { ...utc, noticePeriodDays: 10 })), [
    '2027-01-15T00:00:00.000Z',
    '2027-02-04T00:00:00.000Z',
  ]);
});

t.test('what is not material takes effect at once and opens no window', async (t) => {
  t.same(iso(settleDates({}, facts({ material: false }), utc)), ['2027-01-04T09:00:00.000Z', null]);
  t.same(
    iso(settleDates({ objectionDeadline: '2027-01-20' }, facts({ material: false }), utc)),
    ['2027-01-04T09:00:00.000Z', '2027-01-21T00:00:00.000Z'],
    'unless one is given',
  );
});

t.test('version 1 has nobody to tell before it', async (t) => {
  const first = facts({ first: true });
  t.same(iso(settleDates({}, first, utc)), ['2027-01-04T09:00:00.000Z', null]);
  t.same(iso(settleDates({ effectiveAt: '2027-01-04' }, first, utc)), ['2027-01-04T09:00:00.000Z', null], 'today');
  t.same(iso(settleDates({ effectiveAt: '2027-01-09' }, first, utc)), ['2027-01-09T00:00:00.000Z', null]);
  refuses(t, 'date.in-past', () => settleDates({ effectiveAt: '2027-01-03' }, first, utc), 'effectiveAt');
});

t.test('a date that the notice period does not allow is refused, with the earliest that it does', async (t) => {
  const refusal = refuses(t, 'date.too-early', () => settleDates({ effectiveAt: '2027-02-03' }, facts(), utc));
  t.match(refusal.message, /2027-02-03 is too early: the earliest is 2027-02-04, since .* 30 days/);
  t.match(refusal.errors[0], { path: 'effectiveAt', message: /must be 2027-02-04 or later.*"emergency": true/ });
  t.same(
    iso(settleDates({ effectiveAt: '2027-02-03T09:00:00Z' }, facts(), utc))[0],
    '2027-02-03T09:00:00.000Z',
    'an instant that is 30 days away to the second is not too early',
  );
  refuses(t, 'date.too-early', () => settleDates({ effectiveAt: '2027-02-03T08:59:59.999Z' }, facts(), utc));
});

t.test('an emergency may come at once, or have happened, if a reason says why', async (t) => {
  refuses(
    t,
    'reason.missing',
    () => settleDates({ effectiveAt: '2027-01-05', emergency: true }, facts(), utc),
    'reason',
  );
  refuses(t, 'reason.missing', () => settleDates({ emergency: true, reason: ' ' }, facts(), utc));
  const emergency = { emergency: true, reason: 'the vendor went dark' };
  t.same(iso(settleDates({ effectiveAt: '2027-01-03', ...emergency }, facts(), utc)), [
    '2027-01-03T00:00:00.000Z',
    '2027-02-04T00:00:00.000Z',
  ]);
  t.equal(
    iso(settleDates(emergency, facts(), utc))[0],
    '2027-02-04T00:00:00.000Z',
    'without a date nothing is shortened',
  );
});

t.test('no version overtakes an announced one whose changes it contains', async (t) => {
  const notBefore = new Date('2027-03-01T00:00:00Z');
  const editorial = facts({ material: false, notBefore });
  t.same(iso(settleDates({}, editorial, utc)), ['2027-03-01T00:00:00.000Z', null]);
  const refusal = refuses(t, 'date.too-early', () => settleDates({ effectiveAt: '2027-02-20' }, editorial, utc));
  t.match(refusal.message, /earliest is 2027-03-01, since a version that is announced already/);
  t.same(iso(settleDates({}, facts({ notBefore }), utc))[0], '2027-03-01T00:00:00.000Z');
});

t.test('what is owed to readers counts from the mail, not from the publication', async (t) => {
  const waiting = facts({ publishedAt: new Date('2027-01-04T23:30:00Z'), toldAt: new Date('2027-01-05T00:30:00Z') });
  t.same(iso(settleDates({}, waiting, utc)), ['2027-02-05T00:00:00.000Z', '2027-02-05T00:00:00.000Z']);
  t.equal(settleDates({}, waiting, utc).earliest.toISOString(), '2027-02-04T00:30:00.000Z');
  const early = () => settleDates({ effectiveAt: '2027-02-04T00:00:00Z' }, waiting, utc);
  t.match(refuses(t, 'date.too-early', early).message, /the mail goes at 2027-01-05T00:30:00.000Z/);
  refuses(t, 'date.in-past', () => settleDates({ objectionDeadline: '2027-01-04' }, waiting, utc), 'objectionDeadline');
  t.same(
    iso(settleDates({}, { ...waiting, material: false }, utc)),
    ['2027-01-04T23:30:00.000Z', null],
    'what is owed no notice is in force when it is published',
  );
});

t.test('the group that is owed the longest notice is named', async (t) => {
  const banks: ClockSettings = { ...utc, noticePeriodDays: 60, noticeGroup: 'Banks' };
  t.same(iso(settleDates({}, facts(), banks))[0], '2027-03-06T00:00:00.000Z');
  t.match(
    refuses(t, 'date.too-early', () => settleDates({ effectiveAt: '2027-03-05' }, facts(), banks)).message,
    /60 days after they are announced at the earliest, as the notice group "Banks" is owed 60 days\.$/,
  );
});

t.test('a deadline ends at 24:00 of its day, and one that was read can be sent back', async (t) => {
  const deadline = (objectionDeadline: string) => iso(settleDates({ objectionDeadline }, facts(), brussels))[1];
  t.equal(deadline('2027-02-10'), '2027-02-10T23:00:00.000Z');
  t.equal(deadline('2027-02-10T10:00:00+01:00'), '2027-02-10T23:00:00.000Z', 'an instant counts to the end of its day');
  t.equal(deadline('2027-02-10T23:00:00Z'), '2027-02-10T23:00:00.000Z', 'midnight is the end of the day before');
  t.equal(deadline('2027-01-04'), '2027-01-04T23:00:00.000Z', 'today is still a day to object on');
  refuses(t, 'date.in-past', () => deadline('2027-01-03'), 'objectionDeadline');
});

t.test('what is no date is refused by name', async (t) => {
  for (const wrong of [
    '2027-02-30',
    '2027-13-01',
    'tomorrow',
    '2027-03-01T25:00',
    '01.03.2027',
    '',
    '2027-3-1',
    '+002027-03-01',
  ]) {
    refuses(t, 'date.invalid', () => settleDates({ effectiveAt: wrong }, facts(), utc), 'effectiveAt');
  }
});

t.test('leap days and month ends are calendar days, not multiples of a month', async (t) => {
  const published = facts({ publishedAt: new Date('2028-01-30T12:00:00Z') });
  t.same(iso(settleDates({}, published, utc)), ['2028-03-01T00:00:00.000Z', '2028-03-01T00:00:00.000Z']);
  t.same(iso(settleDates({ effectiveAt: '2028-03-01', objectionDeadline: '2028-02-29' }, published, utc)), [
    '2028-03-01T00:00:00.000Z',
    '2028-03-01T00:00:00.000Z',
  ]);
  refuses(t, 'date.invalid', () => readMoment('x', '2027-02-29', 'UTC'));
});

t.test('a notice period over a change of the clocks keeps the time of day', async (t) => {
  const published = facts({ publishedAt: new Date('2027-03-01T09:00:00Z') });
  // 10:00 in Brussels before and after: one hour less in between.
  t.equal(settleDates({}, published, brussels).earliest.toISOString(), '2027-03-31T08:00:00.000Z');
});

t.test('a day without a midnight begins when it begins', async (t) => {
  // Clocks in Cairo jump from 00:00 to 01:00 on Friday, 30 April 2027.
  t.equal(readMoment('x', '2027-04-30', 'Africa/Cairo').toISOString(), '2027-04-29T22:00:00.000Z');
});

t.test('the calendar day is the same everywhere, in whatever zone the process runs', async (t) => {
  const expected = [
    ['2027-03-27T23:00:00.000Z', '2027-03-28T22:00:00.000Z', '2027-03-28T01:30:00.000Z'],
    ['2027-10-30T22:00:00.000Z', '2027-10-31T23:00:00.000Z', '2027-10-31T00:30:00.000Z'],
    ['2027-04-03T11:00:00.000Z', '2027-04-04T12:00:00.000Z', '2027-04-03T13:30:00.000Z'],
    ['2027-09-25T12:00:00.000Z', '2027-09-26T11:00:00.000Z', '2027-09-25T14:30:00.000Z'],
  ];
  const script = programPath('test/versions/clock-days');
  for (const zone of ['Asia/Shanghai', 'America/Los_Angeles', 'UTC']) {
    const { stdout } = await promisify(execFile)(process.execPath, [...loaders, script], {
      env: { ...process.env, TZ: zone },
    });
    const rows: {
      effectiveAt: string;
      deadline: string;
      halfPastTwo: string;
      day: string;
      effectiveDay: string;
      lastDay: string;
    }[] = JSON.parse(stdout);
    t.same(
      rows.map((row) => [row.effectiveAt, row.deadline, row.halfPastTwo]),
      expected,
      `TZ=${zone}`,
    );
    for (const row of rows) t.same([row.effectiveDay, row.lastDay], [row.day, row.day]);
  }
});

t.test('the state of a version follows from all of them and the time', async (t) => {
  const version = (number: number, effectiveAt: string, withdrawnAt: string | null = null) => ({
    number,
    effectiveAt: new Date(effectiveAt),
    withdrawnAt: withdrawnAt === null ? null : new Date(withdrawnAt),
  });
  const all = [
    version(1, '2027-01-01'),
    version(2, '2027-02-01'),
    version(3, '2027-03-01', '2027-01-20'),
    version(4, '2027-04-01'),
  ];
  const states = (now: string) => all.map((one) => stateOf(one, all, new Date(now)));
  t.same(states('2026-12-31'), ['announced', 'announced', 'withdrawn', 'announced']);
  t.same(states('2027-01-10'), ['in-force', 'announced', 'withdrawn', 'announced']);
  t.same(states('2027-02-01'), ['superseded', 'in-force', 'withdrawn', 'announced'], 'to the millisecond');
  t.same(states('2027-03-15'), ['superseded', 'in-force', 'withdrawn', 'announced']);
  t.same(states('2027-05-01'), ['superseded', 'superseded', 'withdrawn', 'in-force']);
  const overtaken = [...all, version(5, '2027-01-02')];
  t.equal(stateOf(version(4, '2027-04-01'), overtaken, new Date('2027-01-10')), 'superseded', 'by an emergency');
});

t.test('the periods in force say of every moment what the states say of it', async (t) => {
  const day = (count: number) => new Date(Date.UTC(2027, 0, 1 + count));
  const versions = fc.array(fc.record({ effective: fc.nat(12), withdrawn: fc.boolean() }), { maxLength: 8 });
  fc.assert(
    fc.property(versions, (made) => {
      const all = made.map(({ effective, withdrawn }, index) => ({
        number: index + 1,
        effectiveAt: day(effective),
        withdrawnAt: withdrawn ? day(-1) : null,
      }));
      const periods = periodsInForce(all);
      for (let count = -1; count <= 13; count += 1) {
        const at = day(count);
        const during = periods.filter(({ from, until }) => from <= at && (until === null || at < until));
        const inForce = all.filter((version) => stateOf(version, all, at) === 'in-force');
        assert.deepEqual(
          during.map(({ number }) => number),
          inForce.map(({ number }) => number),
        );
      }
    }),
  );
  t.same(periodsInForce([]), []);
});

t.test('the chain tells which version was altered', async (t) => {
  const document: ListDocument = { title: 'List', dataSubjects: [], subProcessors: [{ id: 'a', name: 'A' }] };
  const chain: (SealedFacts & { hash: string })[] = [];
  for (const version of [1, 2, 3]) {
    const sealed: SealedFacts = {
      version,
      document: { ...document, title: `List ${version}` },
      publishedAt: new Date('2027-01-01T00:00:00Z'),
      effectiveAt: new Date('2027-02-01T00:00:00Z'),
      objectionDeadline: null,
      message: null,
      previousHash: chain.at(-1)?.hash ?? null,
    };
    chain.push({ ...sealed, hash: seal(sealed) });
  }
  t.same(verifyChain(chain), []);
  const altered = (index: number, change: object) =>
    chain.map((one, at) => (at === index ? { ...one, ...change } : one));
  t.same(verifyChain(altered(1, { document })), [{ version: 2, fault: 'hash-differs' }]);
  t.same(verifyChain(altered(1, { effectiveAt: new Date('2027-02-02T00:00:00Z') })), [
    { version: 2, fault: 'hash-differs' },
  ]);
  t.same(verifyChain(altered(2, { message: 'another' })), [{ version: 3, fault: 'hash-differs' }]);
  const [, second] = chain;
  if (second === undefined) throw new Error('three were sealed');
  const resealed: SealedFacts = { ...second, document };
  t.same(
    verifyChain(altered(1, { document, hash: seal(resealed) })),
    [{ version: 3, fault: 'previous-hash-differs' }],
    'sealed anew it no longer fits the next',
  );
  t.same(
    verifyChain([...chain.slice(0, 1), ...chain.slice(2)]).map(({ fault }) => fault),
    ['number-missing', 'previous-hash-differs'],
  );
  // The order of keys in a document is no difference.
  const reordered = { subProcessors: document.subProcessors, dataSubjects: [], title: 'List 1' };
  t.same(verifyChain(altered(0, { document: reordered })), []);
});
