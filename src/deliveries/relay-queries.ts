import { z } from 'zod';
import { type Db, maybeOne, one, run } from '../database/query.js';
import { sql } from '../database/sql.js';
import type { Tx } from '../database/transaction.js';

/*
 * The one row about the mail relay that all instances share.
 */

const RelayRow = z.object({
  downSince: z.date().nullable(),
  stage: z.string().nullable(),
  fault: z.string().nullable(),
  faults: z.number(),
  probeAt: z.date().nullable(),
});
export type RelayState = z.infer<typeof RelayRow>;

export async function selectRelay(db: Db): Promise<RelayState> {
  return one(
    db,
    RelayRow,
    sql`select down_since as "downSince", stage, fault, faults, probe_at as "probeAt" from relay`,
  );
}

/** One instance gets the probe: whoever moves the time first. */
export async function takeProbe(db: Db, now: Date, next: Date): Promise<boolean> {
  return (
    (await run(db, sql`update relay set probe_at = ${next} where down_since is not null and probe_at <= ${now}`)) > 0
  );
}

export async function markRelayDown(
  tx: Tx,
  fault: { stage: string; fault: string; now: Date; probeAt: Date },
): Promise<{ first: boolean }> {
  const row = await one(
    tx,
    z.object({ faults: z.number() }),
    sql`update relay set down_since = coalesce(down_since, ${fault.now}), stage = ${fault.stage}, fault = ${fault.fault},
        faults = faults + 1, probe_at = ${fault.probeAt}
      returning faults`,
  );
  return { first: row.faults === 1 };
}

/** @returns since when it was down; null when it was not */
export async function markRelayUp(tx: Tx): Promise<Date | null> {
  const row = await maybeOne(
    tx,
    z.object({ since: z.date() }),
    sql`with before as (select down_since from relay where down_since is not null for update)
      update relay set down_since = null, stage = null, fault = null, faults = 0, probe_at = null
      from before returning before.down_since as since`,
  );
  return row?.since ?? null;
}

export async function probeRelayAt(tx: Tx, now: Date): Promise<void> {
  await run(tx, sql`update relay set probe_at = ${now} where down_since is not null`);
}

/**
 * Takes the next `count` places in the queue before the relay that all instances share.
 * @returns when the first of them may go; the others follow at `1 / rate` seconds each
 */
export async function reserveRate(db: Db, now: Date, count: number, rate: number): Promise<Date> {
  const seconds = count / rate;
  const { start } = await one(
    db,
    z.object({ start: z.date() }),
    sql`update relay set rate_free_at = greatest(coalesce(rate_free_at, ${now}), ${now}) + make_interval(secs => ${seconds})
      returning rate_free_at - make_interval(secs => ${seconds}) as start`,
  );
  return start;
}
