import { z } from 'zod';
import { one, run } from './query.js';
import { sql } from './sql.js';
import type { Tx } from './transaction.js';

/** An advisory lock, apart from the rows it guards. The number only has to differ from that of `migrate.ts`. */
const publishing = 7_305_227;
const readingBounces = 7_305_228;

/**
 * One publisher at a time, and nobody confirms meanwhile: between this call and the commit the next
 * version number and the set of recipients are fixed. Held until the transaction ends.
 */
export async function lockPublishing(tx: Tx): Promise<void> {
  await run(tx, sql`select pg_advisory_xact_lock(${publishing})`);
}

/**
 * Taken by whoever confirms a subscriber: many at once, but none while a publication is under way, so
 * that the moment taken afterwards is before or after it and never beside it.
 */
export async function sharePublishing(tx: Tx): Promise<void> {
  await run(tx, sql`select pg_advisory_xact_lock_shared(${publishing})`);
}

/**
 * Takes the next moment. Call it under one of the two locks above: then the order of moments is the
 * order of commits.
 */
export async function nextMoment(tx: Tx): Promise<number> {
  const { moment } = await one(tx, z.object({ moment: z.number() }), sql`select nextval('moments') as moment`);
  return moment;
}

/**
 * One reader of the bounce mailbox at a time, whichever instance comes first. Held until the transaction
 * ends; should its connection be lost, two may read at once, which repeats work and does no harm.
 * @returns false when another reads it now
 */
export async function tryLockBounceMailbox(tx: Tx): Promise<boolean> {
  const { taken } = await one(
    tx,
    z.object({ taken: z.boolean() }),
    sql`select pg_try_advisory_xact_lock(${readingBounces}) as taken`,
  );
  return taken;
}
