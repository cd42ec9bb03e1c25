import { z } from 'zod';
import { type Db, maybeOne, one, run } from '../database/query.js';
import { sql } from '../database/sql.js';
import type { Tx } from '../database/transaction.js';

const State = z.object({
  lastSeenAt: z.date(),
  cluster: z.string(),
  databaseOid: z.number(),
  heldSince: z.date().nullable(),
  heldBecause: z.enum(['gap', 'copy']).nullable(),
});
export type State = z.infer<typeof State>;

const columns = sql`last_seen_at as "lastSeenAt", cluster, database_oid as "databaseOid",
  held_since as "heldSince", held_because as "heldBecause"`;

export async function selectState(db: Db): Promise<State | null> {
  return maybeOne(db, State, sql`select ${columns} from service_state`);
}

export async function lockState(tx: Tx): Promise<State | null> {
  return maybeOne(tx, State, sql`select ${columns} from service_state for update`);
}

const Place = z.object({ cluster: z.string(), databaseOid: z.number() });

/** Which database this is: the identifier that initdb gave the cluster, and the database's oid in it. */
export async function selectPlace(db: Db): Promise<z.infer<typeof Place>> {
  return one(
    db,
    Place,
    sql`select (select system_identifier::text from pg_control_system()) as cluster,
      (select oid::bigint from pg_database where datname = current_database()) as "databaseOid"`,
  );
}

export async function writeState(tx: Tx, state: State): Promise<void> {
  await run(
    tx,
    sql`insert into service_state (last_seen_at, cluster, database_oid, held_since, held_because)
      values (${state.lastSeenAt}, ${state.cluster}, ${state.databaseOid}, ${state.heldSince}, ${state.heldBecause})
      on conflict (id) do update set last_seen_at = excluded.last_seen_at, cluster = excluded.cluster,
        database_oid = excluded.database_oid, held_since = excluded.held_since, held_because = excluded.held_because`,
  );
}

export async function touchState(db: Db, at: Date): Promise<number> {
  return run(db, sql`update service_state set last_seen_at = ${at} where last_seen_at < ${at}`);
}

const Waiting = z.object({ deliveries: z.number(), notices: z.number(), publications: z.number() });
export type Waiting = z.infer<typeof Waiting>;

/** What was ordered before `before` and has not been done. */
export async function countWaiting(db: Db, before: Date): Promise<Waiting> {
  return one(
    db,
    Waiting,
    sql`select
      -- Two counts, for the two small indexes: of all deliveries ever, few wait.
      (select count(*) from deliveries where state in ('queued', 'deferred') and created_at < ${before})
        + (select count(*) from deliveries where state = 'sending' and created_at < ${before}) as deliveries,
      (select count(*) from notices where fanned_out_at is null and ordered_at < ${before}) as notices,
      (select count(*) from scheduled_publications where state = 'scheduled' and publish_at < ${before}) as publications`,
  );
}
