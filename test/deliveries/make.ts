import { createHash } from 'node:crypto';
import type pg from 'pg';
import { transaction } from '../../src/database/transaction.js';
import type { Change } from '../../src/list/change.js';
import { orderNotice } from '../../src/notices/order.js';

/*
 * Rows that the tests of notices and deliveries stand on, made without the features that own them.
 */

export const at = (text: string) => new Date(text);
export const start = at('2027-01-04T09:00:00Z');

export interface Person {
  email: string;
  status?: 'pending' | 'confirmed' | 'unsubscribed';
  services?: string[] | null;
  toldOf?: 'all' | 'material';
  locale?: string;
}

export function hashOf(email: string): Buffer {
  return createHash('sha256').update(email.toLowerCase()).digest();
}

/** Subscribers in that order; confirmed unless told otherwise. */
export async function addSubscribers(pool: pg.Pool, people: readonly Person[]): Promise<number[]> {
  const ids: number[] = [];
  for (const person of people) {
    const { rows } = await pool.query<{ id: number }>(
      `insert into subscribers (email, email_key, email_hash, locale, services, told_of, status, created_at, confirmed_at, confirmed_moment)
       values ($1, lower($1), $2, $3, $4, $5, $6, $7, $7, nextval('moments')) returning id`,
      [
        person.email,
        hashOf(person.email),
        person.locale ?? 'en',
        person.services ?? null,
        person.toldOf ?? 'all',
        person.status ?? 'confirmed',
        start,
      ],
    );
    for (const { id } of rows) ids.push(id);
  }
  return ids;
}

/** Any number of confirmed subscribers `p1@example.org`, … in one statement. */
export async function addCrowd(pool: pg.Pool, count: number): Promise<void> {
  await pool.query(
    `insert into subscribers (email, email_key, email_hash, locale, status, created_at, confirmed_at, confirmed_moment)
     select 'p' || n || '@example.org', 'p' || n || '@example.org', sha256(('p' || n || '@example.org')::bytea), 'en', 'confirmed', $2, $2, 1
     from generate_series(1, $1::integer) n`,
    [count, start],
  );
  await pool.query(`select setval('moments', 10)`);
}

const document = { title: 'Sub-processors', dataSubjects: [], subProcessors: [] };

/** Versions 1 to `number`, with nothing in them. */
export async function addVersions(pool: pg.Pool, number: number): Promise<void> {
  for (let n = 1; n <= number; n += 1) {
    const hash = createHash('sha256').update(`version ${n}`).digest('hex');
    const previous =
      n === 1
        ? null
        : createHash('sha256')
            .update(`version ${n - 1}`)
            .digest('hex');
    await pool.query(
      `insert into versions (number, document, changes, published_at, effective_at, objection_deadline, notify, published_by, hash, previous_hash)
       values ($1, $2, '[]', $3, $4, $4, true, '{"kind":"system"}', $5, $6)`,
      [n, document, start, at('2027-03-01T00:00:00Z'), hash, previous],
    );
  }
}

/** A change of a sub-processor, for `services` (all, unless told otherwise). */
export function aChange(
  options: { id?: string; severity?: 'material' | 'editorial'; services?: string[] } = {},
): Change {
  const id = options.id ?? 'twilio';
  const { services } = options;
  return {
    kind: 'sub-processor-added',
    id,
    name: id,
    severity: options.severity ?? 'material',
    reasons: ['new-sub-processor'],
    notifiable: true,
    knownVendor: false,
    entry: services === undefined ? { id, name: id } : { id, name: id, services },
  };
}

/** Orders the notice of a version as publishing does. */
export async function order(
  pool: pg.Pool,
  version: number,
  changes: Change[] = [aChange()],
  kind: 'change' | 'withdrawal' = 'change',
): Promise<number> {
  return transaction(pool, (tx) =>
    orderNotice(tx, { version, kind, baseVersion: version - 1 || null, changes, at: start }),
  );
}

export async function withdrawVersion(pool: pg.Pool, version: number): Promise<void> {
  await pool.query(`insert into withdrawals values ($1, $2, 'not needed', '{"kind":"system"}')`, [version, start]);
}

export interface Row {
  id: number;
  email: string | null;
  state: string;
  reason: string | null;
  attempts: number;
  due_at: Date;
  message_id: string | null;
  response: string | null;
  sent_at: Date | null;
  leased_by: string | null;
}

/** Every delivery, by id. */
export async function deliveries(pool: pg.Pool): Promise<Row[]> {
  const { rows } = await pool.query<Row>('select * from deliveries order by id');
  return rows;
}

/** Who is in which state: `{ sent: 3, bounced: 1 }`. */
export async function states(pool: pg.Pool): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { state } of await deliveries(pool)) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}
