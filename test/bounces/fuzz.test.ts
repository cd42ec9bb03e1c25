import { readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { systemActor } from '../../src/actor.js';
import { readMail } from '../../src/bounces/read-mail.js';
import { receiveReport } from '../../src/bounces/receive.js';
import { readConfig } from '../../src/config.js';
import { Refusal } from '../../src/errors.js';
import { openDatabase } from '../support/database.js';

/*
 * Reports cut short and damaged on their way. A generator of its own with a fixed seed: the same mails each time.
 */

const folder = new URL('corpus/', import.meta.url);
const samples = readdirSync(folder).map((file) => ({
  name: file.replace(/\.eml$/, ''),
  source: Buffer.from(readFileSync(new URL(file, folder), 'utf8').replace(/\r?\n/g, '\r\n')),
}));

/** Numbers from 0 up to `below` that look random (xorshift). */
function generator(seed: number) {
  let state = seed;
  return (below: number) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

function damaged(source: Buffer, random: (below: number) => number): Buffer {
  const copy = Buffer.from(random(3) === 0 ? source.subarray(0, random(source.length)) : source);
  for (let count = random(4); count > 0 && copy.length > 0; count -= 1) {
    const place = random(copy.length);
    copy[place] = random(3) === 0 ? random(256) : (copy[place] ?? 0) ^ (1 << random(8));
  }
  if (random(8) !== 0) return copy;
  // A piece stands twice, as after a broken proxy.
  const from = random(copy.length + 1);
  return Buffer.concat([copy.subarray(0, from), copy.subarray(Math.max(0, from - 200))]);
}

t.test('whatever happens to a report on its way, it is read or it is not', async (t) => {
  const random = generator(20_270_104);
  const wrong: string[] = [];
  for (const { name, source } of samples) {
    for (let round = 0; round < 40; round += 1) {
      const mail = damaged(source, random);
      try {
        const reports = (await readMail(mail)) ?? [];
        // What says that it still tries, or is from a person, never turns into the end of an address.
        if (/delay|warning|person|out-of-office|vacation/.test(name) && reports.some(({ kind }) => kind === 'hard')) {
          wrong.push(`${name} in round ${round} is hard`);
        }
        for (const { diagnostic, addresses } of reports) {
          if (diagnostic.length > 1_000 || addresses.some((address) => address.length > 1_000))
            wrong.push(`${name}: too long`);
        }
      } catch (error) {
        wrong.push(`${name} in round ${round}: ${String(error)}`);
      }
    }
  }
  t.strictSame(wrong, []);
});

t.test('every beginning of a report that is only late is read without harm', async (t) => {
  const wrong: string[] = [];
  for (const { name, source } of samples.filter((sample) => /delay|warning/.test(sample.name))) {
    for (let length = 0; length < source.length; length += 7) {
      const reports = (await readMail(source.subarray(0, length))) ?? [];
      if (reports.some(({ kind }) => kind === 'hard')) wrong.push(`${name}, ${length} bytes`);
    }
  }
  t.strictSame(wrong, []);
});

t.test('the verb refuses what it cannot read, and throws nothing else', async (t) => {
  const { pool } = await openDatabase(t);
  const config = readConfig({ DATABASE_URL: 'postgresql://unused', SECRET_KEY: 'k'.repeat(32) });
  const deps = { db: pool, config, now: () => new Date('2027-01-04T09:00:00Z') };
  const random = generator(7);
  const actor = { kind: 'token', id: 'environment', role: 'editor' } as const;
  for (const { name, source } of samples) {
    for (const type of [
      'message/rfc822',
      'text/plain',
      'multipart/report; boundary="==b1=="',
      'application/json',
      'image/png',
    ]) {
      const report = { contentType: type, body: damaged(source, random) };
      for (const reporter of [actor, systemActor]) {
        const outcome = await receiveReport(deps, report, reporter).catch((error: unknown) => error);
        const isRight = Array.isArray(outcome) || (outcome instanceof Refusal && outcome.code === 'bounce.unreadable');
        if (!isRight) t.fail(`${name} as ${type}: ${String(outcome)}`);
      }
    }
  }
  const { rows } = await pool.query('select from bounces');
  t.equal(rows.length, 0, 'no mail of ours, nothing kept');
});
