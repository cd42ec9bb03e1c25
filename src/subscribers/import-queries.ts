import { z } from 'zod';
import { many, maybeOne, one, run } from '../database/query.js';
import { sql } from '../database/sql.js';
import type { Tx } from '../database/transaction.js';
import { subscriberKinds, toldOfChoices } from './details.js';
import type { ImportRow } from './import-row.js';
import { type SuppressionReason, suppressionReasons } from './queries.js';

/*
 * Statements for many rows at once. They travel as JSON, since unnest() would melt the arrays of
 * services into one; hashes go as hexadecimal text.
 */

const Id = z.object({ id: z.number() });

/**
 * Puts rows of a file aside.
 * @returns those whose address came before, with the line where
 */
export async function stageRows(
  tx: Tx,
  importId: string,
  rows: readonly ImportRow[],
  at: Date,
): Promise<{ line: number; first: number }[]> {
  return many(
    tx,
    z.object({ line: z.number(), first: z.number() }),
    sql`with file as (
        select * from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r (
          line integer, email text, "emailKey" text, company text, locale text, services text[], "toldOf" text,
          kind text, entitlement text, "noticeGroup" text, confirmed boolean, "confirmedAt" timestamptz, consent text)
      ), staged as (
        insert into import_rows (import_id, line, email, email_key, company, locale, services, told_of, kind,
          entitlement, notice_group, confirmed, confirmed_at, consent, created_at)
        select ${importId}, line, email, "emailKey", company, locale, services, "toldOf", kind, entitlement,
          "noticeGroup", confirmed, "confirmedAt", consent, ${at}
        from file order by line
        on conflict (import_id, email_key) do nothing
        returning email_key, line
      )
      select file.line, coalesce(staged.line, earlier.line) as first
      from file
      left join staged on staged.email_key = file."emailKey"
      left join import_rows earlier on earlier.import_id = ${importId} and earlier.email_key = file."emailKey"
      where file.line is distinct from staged.line
      order by file.line`,
  );
}

export const ImportRowRecord = z.object({
  line: z.number(),
  email: z.string(),
  emailKey: z.string(),
  company: z.string().nullable(),
  locale: z.string().nullable(),
  services: z.array(z.string()).nullable(),
  toldOf: z.enum(toldOfChoices).nullable(),
  kind: z.enum(subscriberKinds).nullable(),
  entitlement: z.string().nullable(),
  noticeGroup: z.string().nullable(),
  confirmed: z.boolean(),
  confirmedAt: z.date().nullable(),
  consent: z.string().nullable(),
});

/** The first rows that are left, in the order of the file. */
export async function takeRows(tx: Tx, importId: string, most: number): Promise<ImportRow[]> {
  return many(
    tx,
    ImportRowRecord,
    sql`select line, email, email_key as "emailKey", company, locale, services, told_of as "toldOf", kind,
        entitlement, notice_group as "noticeGroup", confirmed, confirmed_at as "confirmedAt", consent
      from import_rows where import_id = ${importId} order by line limit ${most}`,
  );
}

export async function hasRows(tx: Tx, importId: string): Promise<boolean> {
  const row = await maybeOne(
    tx,
    z.object({ line: z.number() }),
    sql`select line from import_rows where import_id = ${importId} limit 1`,
  );
  return row !== null;
}

/** Removes rows by their address; all of the file's with null. */
export async function deleteRows(tx: Tx, importId: string, emailKeys: readonly string[] | null): Promise<void> {
  await run(
    tx,
    sql`delete from import_rows
      where import_id = ${importId} and (${emailKeys}::text[] is null or email_key = any(${emailKeys}))`,
  );
}

export async function findHolders(tx: Tx, emailKeys: readonly string[]): Promise<number[]> {
  const rows = await many(tx, Id, sql`select id from subscribers where email_key = any(${emailKeys})`);
  return rows.map(({ id }) => id);
}

/** Reasons by the hash in hexadecimal. */
export async function findSuppressions(tx: Tx, hashes: readonly Buffer[]): Promise<Map<string, SuppressionReason>> {
  const rows = await many(
    tx,
    z.object({ hash: z.string(), reason: z.enum(suppressionReasons) }),
    sql`select encode(email_hash, 'hex') as hash, reason from suppressions where email_hash = any(${hashes})`,
  );
  return new Map(rows.map(({ hash, reason }) => [hash, reason]));
}

/** Who has a link to confirm that began after that time, or whose letter is still on its way. */
export async function openLinksOf(tx: Tx, subscriberIds: readonly number[], begunAfter: Date): Promise<Set<number>> {
  const rows = await many(
    tx,
    Id,
    sql`select distinct t.subscriber_id as id
      from single_use_tokens t left join deliveries d on d.id = t.delivery_id
      where t.subscriber_id = any(${subscriberIds}) and t.purpose = 'confirm' and t.used_at is null
        and (t.created_at > ${begunAfter} or d.sent_at > ${begunAfter}
          or d.state in ('queued', 'sending', 'deferred'))`,
  );
  return new Set(rows.map(({ id }) => id));
}

export interface Newcomer {
  email: string;
  emailKey: string;
  emailHash: Buffer;
  company: string | null;
  locale: string;
  services: string[] | null;
  toldOf: string;
  kind: string;
  entitlement: string | null;
  noticeGroup: string | null;
  status: 'pending' | 'confirmed';
  createdAt: Date;
  confirmedAt: Date | null;
  confirmedMoment: number | null;
}

/** Ids by address, without those that were there already. In the order of addresses: two files meet without a deadlock. */
export async function insertImported(tx: Tx, people: readonly Newcomer[]): Promise<Map<string, number>> {
  const rows = people.map(({ emailHash, ...rest }) => ({ ...rest, emailHash: emailHash.toString('hex') }));
  const added = await many(
    tx,
    z.object({ id: z.number(), emailKey: z.string() }),
    sql`insert into subscribers (email, email_key, email_hash, company, locale, services, told_of, kind,
        entitlement, notice_group, status, created_at, confirmed_at, confirmed_moment)
      select email, "emailKey", decode("emailHash", 'hex'), company, locale, services, "toldOf", kind, entitlement,
        "noticeGroup", status, "createdAt", "confirmedAt", "confirmedMoment"
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r (
        email text, "emailKey" text, "emailHash" text, company text, locale text, services text[], "toldOf" text,
        kind text, entitlement text, "noticeGroup" text, status text, "createdAt" timestamptz, "confirmedAt" timestamptz, "confirmedMoment" bigint)
      order by "emailKey"
      on conflict do nothing
      returning id, email_key as "emailKey"`,
  );
  return new Map(added.map(({ id, emailKey }) => [emailKey, id]));
}

/** What is not stated stays; times and consent are not touched. */
export async function updateImported(tx: Tx, people: readonly (ImportRow & { id: number })[]): Promise<void> {
  if (people.length === 0) return;
  await run(
    tx,
    sql`update subscribers s set company = coalesce(r.company, s.company), locale = coalesce(r.locale, s.locale),
        services = coalesce(r.services, s.services), told_of = coalesce(r."toldOf", s.told_of),
        kind = coalesce(r.kind, s.kind), entitlement = coalesce(r.entitlement, s.entitlement),
        notice_group = coalesce(r."noticeGroup", s.notice_group)
      from jsonb_to_recordset(${JSON.stringify(people)}::jsonb) as r (
        id bigint, company text, locale text, services text[], "toldOf" text, kind text, entitlement text,
        "noticeGroup" text)
      where s.id = r.id`,
  );
}

export async function confirmImported(
  tx: Tx,
  people: readonly { id: number; at: Date; moment: number }[],
): Promise<void> {
  if (people.length === 0) return;
  await run(
    tx,
    sql`update subscribers s set status = 'confirmed', confirmed_at = r.at, confirmed_moment = r.moment
      from jsonb_to_recordset(${JSON.stringify(people)}::jsonb) as r (id bigint, at timestamptz, moment bigint)
      where s.id = r.id`,
  );
}

export interface ImportEvent {
  subscriberId: number;
  kind: 'imported' | 'updated' | 'entitled';
  detail: Record<string, unknown>;
}

export async function insertImportEvents(tx: Tx, events: readonly ImportEvent[], at: Date): Promise<void> {
  await run(
    tx,
    sql`insert into subscriber_events (subscriber_id, at, kind, detail)
      select "subscriberId", ${at}, kind, detail
      from jsonb_to_recordset(${JSON.stringify(events)}::jsonb) as r ("subscriberId" bigint, kind text, detail jsonb)`,
  );
}

/** Ids of the tokens, in the order given. */
export async function insertTokens(
  tx: Tx,
  tokens: readonly { subscriberId: number; nonce: Buffer; tokenHash: Buffer; detail: Record<string, unknown> }[],
  at: Date,
): Promise<number[]> {
  const rows = tokens.map(({ nonce, tokenHash, ...rest }) => ({
    ...rest,
    nonce: nonce.toString('hex'),
    tokenHash: tokenHash.toString('hex'),
  }));
  const added = await many(
    tx,
    z.object({ id: z.number(), hash: z.string() }),
    sql`insert into single_use_tokens (purpose, subscriber_id, nonce, token_hash, detail, created_at)
      select 'confirm', "subscriberId", decode(nonce, 'hex'), decode("tokenHash", 'hex'), detail, ${at}
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r (
        "subscriberId" bigint, nonce text, "tokenHash" text, detail jsonb)
      returning id, encode(token_hash, 'hex') as hash`,
  );
  const ids = new Map(added.map(({ id, hash }) => [hash, id]));
  return rows.flatMap(({ tokenHash }) => ids.get(tokenHash) ?? []);
}

export async function setTokenDeliveries(
  tx: Tx,
  ids: readonly number[],
  deliveryIds: readonly number[],
): Promise<void> {
  await run(
    tx,
    sql`update single_use_tokens t set delivery_id = r.delivery_id
      from unnest(${ids}::bigint[], ${deliveryIds}::bigint[]) as r (id, delivery_id) where t.id = r.id`,
  );
}

/**
 * Whether a version is announced and not yet in force: then who is confirmed now would be told of it by
 * nobody, as its notice went to those before them. (A notice that still waits will reach them.)
 */
export async function isWindowOpen(tx: Tx, at: Date): Promise<boolean> {
  const { open } = await one(
    tx,
    z.object({ open: z.boolean() }),
    sql`with standing as (
        select number, effective_at from versions where number not in (select version from withdrawals)
      )
      select exists (
        select from standing where effective_at > ${at}
          and not exists (select from notices n where n.kind = 'change' and n.moment is null
            and number between n.version and coalesce(n.merged_into, n.version))
          and number > coalesce((select max(number) from standing where effective_at <= ${at}), 0)
      ) as open`,
  );
  return open;
}
