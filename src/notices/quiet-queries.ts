import { z } from 'zod';
import { type Db, many, maybeOne, one, run } from '../database/query.js';
import { sql } from '../database/sql.js';
import type { Tx } from '../database/transaction.js';
import { storedChanges } from '../list/change.js';

/*
 * Notices that wait, and those that went out as one. A row of kind 'change' waits while its moment is
 * null; `merged_into` names the version that took it over. Every statement that changes this runs under
 * the publishing lock, so none of them has to mind another.
 */

const stands = sql`not exists (select from withdrawals w where w.version = n.version)`;
/** What a hold (holds/) keeps back is nobody's to join: it may be out of date, or sent already. */
const isReleased = sql`n.ordered_at >= coalesce((select held_since from service_state), '-infinity')`;

const WindowRow = z.object({
  /** What its readers know. */
  baseVersion: z.number().nullable(),
  sendAfter: z.date(),
  /** The version whose notice will tell; null while all that was published in it is taken back. */
  carrier: z.number().nullable(),
});
export type QuietWindow = z.infer<typeof WindowRow>;

export async function selectWindow(db: Db, at: Date): Promise<QuietWindow | null> {
  return maybeOne(
    db,
    WindowRow,
    sql`with waiting as (
        select n.version, n.base_version, n.send_after, n.merged_into from notices n
        where n.kind = 'change' and n.moment is null and n.send_after > ${at} and ${stands} and ${isReleased}
      )
      select last.base_version as "baseVersion", last.send_after as "sendAfter",
        (select version from waiting where base_version is not distinct from last.base_version
          and merged_into is null order by version desc limit 1) as carrier
      from waiting last order by last.version desc limit 1`,
  );
}

/** The versions of a window are told, or not, by another one; it keeps its end unless it ends sooner. */
export async function mergeWindow(
  tx: Tx,
  window: QuietWindow,
  into: { version: number; sendAfter: Date; at: Date },
): Promise<void> {
  await run(
    tx,
    sql`update notices set send_after = least(send_after, ${into.sendAfter}),
        merged_into = case when version = ${window.carrier}::integer then ${into.version} else merged_into end,
        fanned_out_at = case when version = ${window.carrier}::integer then ${into.at} else fanned_out_at end
      where kind = 'change' and moment is null and version < ${into.version}
        and base_version is not distinct from ${window.baseVersion}::integer and send_after = ${window.sendAfter}`,
  );
}

/** What a version had taken over carries itself again, unless it was told meanwhile. */
export async function unmerge(tx: Tx, version: number): Promise<GivenBack | null> {
  return maybeOne(
    tx,
    GivenBack,
    sql`update notices set merged_into = null, fanned_out_at = null
      where kind = 'change' and moment is null and merged_into = ${version}
      returning version, send_after as "sendAfter", changes`,
  );
}

const GivenBack = z.object({ version: z.number(), sendAfter: z.date(), changes: storedChanges });
export type GivenBack = z.infer<typeof GivenBack>;

/** What withdrawing a version would give back (`unmerge`). */
export async function selectMergedInto(db: Db, version: number): Promise<GivenBack | null> {
  return maybeOne(
    db,
    GivenBack,
    sql`select version, send_after as "sendAfter", changes from notices
      where kind = 'change' and moment is null and merged_into = ${version}`,
  );
}

/** From now on it goes out, and with it what it took over: to everybody who was confirmed before `moment`. */
export async function setMoment(tx: Tx, version: number, moment: number): Promise<void> {
  await run(
    tx,
    sql`with recursive told as (
        select id, version from notices where kind = 'change' and version = ${version}
        union all
        select n.id, n.version from notices n join told on n.merged_into = told.version
        where n.kind = 'change' and n.moment is null
      )
      update notices set moment = ${moment} where id in (select id from told)`,
  );
}

const isDue = (now: Date) => sql`n.kind = 'change' and n.moment is null and n.merged_into is null
  and n.fanned_out_at is null and n.send_after <= ${now} and ${isReleased}`;

/** Whether a quiet time is over: the cheap question that is asked all the time. */
export async function isWaitOver(db: Db, now: Date): Promise<boolean> {
  const { over } = await one(
    db,
    z.object({ over: z.boolean() }),
    sql`select exists (select from notices n where ${isDue(now)}) as over`,
  );
  return over;
}

const Version = z.object({ version: z.number() });

/** The versions whose quiet time is over, oldest first. */
export async function selectDue(tx: Tx, now: Date): Promise<number[]> {
  const rows = await many(tx, Version, sql`select n.version from notices n where ${isDue(now)} order by n.version`);
  return rows.map(({ version }) => version);
}

/**
 * Versions of which no mail went, because it waits or because they came to nothing while it waited. Of those
 * that came to nothing, what stands above `inForce` among them did not for whoever begins with the list in force.
 */
export async function selectUntold(db: Db, inForce: number | null): Promise<number[]> {
  const rows = await many(
    db,
    Version,
    sql`with recursive waited as (
        select version, merged_into from notices
        where kind = 'change' and moment is null and (merged_into is not null or fanned_out_at is null)
      ), way as (
        select version as first, version, merged_into from waited
        union all
        select way.first, n.version, n.merged_into from notices n join way on n.version = way.merged_into
        where n.kind = 'change'
      ), nothing as (
        -- The last one that took over has no notice.
        select first, max(merged_into) as last from way group by first having bool_and(merged_into is not null)
      )
      select distinct untold.version
      from waited cross join lateral generate_series(waited.version, coalesce(waited.merged_into, waited.version))
        as untold (version)
      where not exists (
        select from nothing where ${inForce}::integer between first and last and untold.version > ${inForce}::integer
          and untold.version <= last)
      order by untold.version`,
  );
  return rows.map(({ version }) => version);
}

const Fate = z.object({
  version: z.number(),
  waits: z.boolean(),
  sendAfter: z.date(),
  baseVersion: z.number().nullable(),
  changes: storedChanges,
});

/** The notice of a version, if one was ordered. */
export async function selectNoticeOf(db: Db, version: number): Promise<z.infer<typeof Fate> | null> {
  return maybeOne(
    db,
    Fate,
    sql`select version, moment is null as waits, send_after as "sendAfter", base_version as "baseVersion", changes
      from notices where version = ${version} and kind = 'change'`,
  );
}

/** Where what a version changed is told: by its own notice, or by that of the last that took it over. */
export async function selectCarrier(db: Db, version: number): Promise<Carrier | null> {
  return maybeOne(
    db,
    CarrierRow,
    sql`with recursive way as (
        select version, merged_into from notices where kind = 'change' and version = ${version}
        union all
        select n.version, n.merged_into from notices n join way on n.version = way.merged_into where n.kind = 'change'
      ), last as (
        select coalesce(merged_into, version) as version from way order by version desc limit 1
      )
      select last.version as "endsWith", n.id as "noticeId", n.id is not null and n.moment is null as waits,
        n.send_after as "sendAfter", n.fanned_out_at as "fannedOutAt"
      from last left join notices n on n.version = last.version and n.kind = 'change'`,
  );
}

const CarrierRow = z.object({
  /** Itself, or the version that took it over. */
  endsWith: z.number(),
  /** Null: that version had nothing to tell. */
  noticeId: z.number().nullable(),
  waits: z.boolean(),
  sendAfter: z.date().nullable(),
  fannedOutAt: z.date().nullable(),
});
export type Carrier = z.infer<typeof CarrierRow>;

/** The highest version that stands of those that were told by the same mail as `version`, below it. */
export async function selectToldAlong(db: Db, version: number): Promise<number | null> {
  const row = await maybeOne(
    db,
    Version,
    sql`select n.version from notices n
      join notices carrier on carrier.version = ${version} and carrier.kind = 'change'
      where n.kind = 'change' and n.moment = carrier.moment and n.version < ${version} and ${stands}
      order by n.version desc limit 1`,
  );
  return row?.version ?? null;
}

/** Its own notice goes to whoever has not been sent the one that told of it together with others. */
export async function setResumed(tx: Tx, version: number): Promise<void> {
  await run(
    tx,
    sql`update notices set fanned_out_at = null, fanned_out_to = 0 where version = ${version} and kind = 'change'`,
  );
}

/** Whatever waits of a window goes at the next look. */
export async function endWait(tx: Tx, window: { carrier: number }, now: Date): Promise<void> {
  await run(
    tx,
    sql`update notices n set send_after = least(n.send_after, ${now}) from notices carrier
      where carrier.version = ${window.carrier} and carrier.kind = 'change' and n.kind = 'change' and n.moment is null
        and n.base_version is not distinct from carrier.base_version and n.send_after = carrier.send_after`,
  );
}

const Along = z.object({
  version: z.number(),
  message: z.string().nullable(),
  effectiveAt: z.date(),
  objectionDeadline: z.date().nullable(),
  corrects: z.number().nullable(),
  changes: storedChanges,
});
/** A version that was told by the notice of a later one. */
export type Along = z.infer<typeof Along>;

/** What a notice that takes over the one of `carrier` tells beside its own version, oldest first. */
export async function selectTakenOver(db: Db, carrier: number): Promise<Along[]> {
  return many(
    db,
    Along,
    sql`with recursive chain as (
        select version from notices where kind = 'change' and version = ${carrier}
        union all
        select n.version from notices n join chain on n.merged_into = chain.version
        where n.kind = 'change' and n.moment is null
      )
      select n.version, v.message, v.effective_at as "effectiveAt", v.objection_deadline as "objectionDeadline",
        v.corrects, n.changes
      from chain join notices n on n.kind = 'change' and n.version = chain.version
      join versions v on v.number = n.version order by n.version`,
  );
}
