import type { Actor } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import { nextMoment, sharePublishing } from '../database/locks.js';
import type { Tx } from '../database/transaction.js';
import type { Deps } from '../deps.js';
import { holdGroups } from './group-queries.js';
import { askToConfirm, tellOpenWindow } from './import-letters.js';
import {
  confirmImported,
  deleteRows,
  findHolders,
  findSuppressions,
  hasRows,
  type ImportEvent,
  insertImportEvents,
  insertImported,
  type Newcomer,
  openLinksOf,
  takeRows,
  updateImported,
} from './import-queries.js';
import { type Deed, deedOf, type ImportRow, type SkipCode, unknownGroup } from './import-row.js';
import { lockSubscribers, type Subscriber } from './queries.js';
import { emailHash } from './tokens.js';
import { lifeOf } from './validity.js';

export interface ImportResult {
  /** Added, or confirmed by the file after they had only been asked. */
  imported: number;
  /** There already; what the file states of them holds now. */
  updated: number;
  /** Not taken, each with its reason in `errors`. */
  skipped: number;
  /** The first thousand, by line as a spreadsheet counts. */
  errors: { line: number; message: string; code?: SkipCode }[];
}

export type ImportDeps = Pick<Deps, 'db' | 'config' | 'now' | 'texts'>;

export const batchSize = 1_000;
const mostErrors = 1_000;

/** Counts a row that is not taken, and says why while there is room for it. */
export function skipLine(result: ImportResult, line: number, message: string, code?: SkipCode): void {
  result.skipped += 1;
  if (result.errors.length < mostErrors) result.errors.push({ line, message, ...(code === undefined ? {} : { code }) });
}

/** A row, and what follows from it. */
export interface Judged {
  row: ImportRow;
  emailHash: Buffer;
  /** Who has the address already. */
  subscriber: Subscriber | null;
  deed: Deed;
}

/** Whom a row has made or found. */
export interface Person extends Judged {
  id: number;
}

/**
 * Puts the next rows of a file that was staged into effect, in the caller's transaction.
 * @returns whether rows are left
 */
export async function applyBatch(
  tx: Tx,
  deps: ImportDeps,
  run: { importId: string; actor: Actor; result: ImportResult },
): Promise<boolean> {
  const { importId, actor, result } = run;
  // Whoever came by the form at this very moment is not done: their row is left in the table, and the
  // next batch finds them.
  const done = await applyRows(tx, deps, await takeRows(tx, importId, batchSize), { actor });
  await deleteRows(
    tx,
    importId,
    done.map(({ row }) => row.emailKey),
  );
  for (const { row, deed } of done) {
    if (deed.kind === 'skip') skipLine(result, row.line, deed.because, deed.code);
    else if (deed.kind === 'update') result.updated += 1;
    else result.imported += 1;
  }
  return hasRows(tx, importId);
}

/**
 * Judges rows and puts them into effect, in the caller's transaction, with the audit entry of them all.
 * @param by.admit looks at what was judged before anything happens, while the people are locked: leaves
 *   rows out, or makes a deed a `skip`
 * @returns what was done; rows whose person came by another way at this very moment are not among it
 */
export async function applyRows(
  tx: Tx,
  deps: ImportDeps,
  rows: readonly ImportRow[],
  by: { actor: Actor; admit?: (judged: Judged[]) => Promise<Judged[]> },
): Promise<Judged[]> {
  const { actor, admit } = by;
  const at = deps.now();
  // Imported ones are confirmed at a moment, as whoever presses the button is.
  await sharePublishing(tx);
  const moment = await nextMoment(tx);
  const found = await judgeRows(tx, deps, rows, at);
  const judged = admit === undefined ? found : await admit(found);
  const skipped = judged.filter(({ deed }) => deed.kind === 'skip');

  const newcomers = judged.flatMap((one) => (one.deed.kind === 'add' ? [newcomer(one, { deps, at, moment })] : []));
  const added = await insertImported(tx, newcomers);
  const people = judged.flatMap((one): Person[] => {
    const id = one.subscriber?.id ?? added.get(one.row.emailKey);
    return id === undefined || one.deed.kind === 'skip' ? [] : [{ ...one, id }];
  });
  await bringUpToDate(tx, people, { at, moment });
  await insertImportEvents(
    tx,
    people.flatMap((one) => eventOf(one, actor)),
    at,
  );
  await recordContracts(tx, people, { at, actor });
  await askToConfirm(tx, deps, people.filter(isAsked), at);
  await tellOpenWindow(tx, deps, people.filter(isConfirmedNow), at);

  const done = [...people, ...skipped];
  if (done.length > 0) await report(tx, done, { at, actor });
  return done;
}

/** What follows from each row as things stand; the people whom they are about are locked. */
export async function judgeRows(tx: Tx, deps: ImportDeps, rows: readonly ImportRow[], at: Date): Promise<Judged[]> {
  const hashed = rows.map((row) => ({ row, emailHash: emailHash(deps.config.secretKeys, row.emailKey) }));
  const holders = await findHolders(
    tx,
    rows.map(({ emailKey }) => emailKey),
  );
  const subscribers = new Map((await lockSubscribers(tx, holders)).map((one) => [one.emailKey, one]));
  const suppressions = await findSuppressions(
    tx,
    hashed.map((one) => one.emailHash),
  );
  const open = await openLinksOf(tx, holders, new Date(at.getTime() - lifeOf.confirm));
  // The file was read before: a group may be gone since.
  const groups = await holdGroups(tx);
  return hashed.map((one) => {
    const subscriber = subscribers.get(one.row.emailKey) ?? null;
    const suppression = subscriber?.suppression ?? suppressions.get(one.emailHash.toString('hex')) ?? null;
    const hasOpenLink = subscriber !== null && open.has(subscriber.id);
    const { noticeGroup } = one.row;
    if (noticeGroup !== null && !groups.includes(noticeGroup)) {
      const because = unknownGroup(noticeGroup, groups);
      return { ...one, subscriber, deed: { kind: 'skip', code: 'contract', why: 'unknown-group', because } };
    }
    return { ...one, subscriber, deed: deedOf(one.row, { subscriber, suppression, hasOpenLink }) };
  });
}

function newcomer({ row, deed, emailHash }: Judged, by: { deps: ImportDeps; at: Date; moment: number }): Newcomer {
  const confirmed = deed.kind === 'add' && deed.confirmed;
  return {
    email: row.email,
    emailKey: row.emailKey,
    emailHash,
    company: row.company,
    locale: row.locale ?? by.deps.texts.default,
    services: row.services,
    toldOf: row.toldOf ?? 'all',
    kind: row.kind ?? 'voluntary',
    entitlement: row.entitlement,
    noticeGroup: row.noticeGroup,
    status: confirmed ? 'confirmed' : 'pending',
    createdAt: by.at,
    confirmedAt: confirmed ? (row.confirmedAt ?? by.at) : null,
    confirmedMoment: confirmed ? by.moment : null,
  };
}

async function bringUpToDate(tx: Tx, people: readonly Person[], by: { at: Date; moment: number }): Promise<void> {
  await updateImported(
    tx,
    people.filter(isChanged).map(({ id, row }) => ({ ...row, id })),
  );
  const confirmed = people.filter(({ deed }) => deed.kind === 'confirm');
  await confirmImported(
    tx,
    confirmed.map(({ id, row }) => ({ id, at: row.confirmedAt ?? by.at, moment: by.moment })),
  );
}

function isChanged(judged: Judged): boolean {
  return changesOf(judged).length > 0;
}

/** What a row says otherwise than is known of somebody. An empty cell states nothing: it takes nothing away. */
export function changesOf({ row, subscriber }: Pick<Judged, 'row' | 'subscriber'>): Detail[] {
  if (subscriber === null) return [];
  return details.filter((detail) => {
    if (row[detail] === null) return false;
    return detail === 'services'
      ? JSON.stringify(row.services) !== JSON.stringify(subscriber.services)
      : row[detail] !== subscriber[detail] && (detail !== 'kind' || row.kind === 'contractual');
  });
}

export const details = ['company', 'locale', 'services', 'toldOf', 'kind', 'entitlement', 'noticeGroup'] as const;
export type Detail = (typeof details)[number];

function isAsked({ deed }: Judged): boolean {
  return (deed.kind === 'add' && !deed.confirmed) || (deed.kind === 'update' && deed.ask);
}

function isConfirmedNow({ deed }: Judged): boolean {
  return deed.kind === 'confirm' || (deed.kind === 'add' && deed.confirmed);
}

/** The row names a contract, or another one than is known. */
function isEntitledAnew({ row, subscriber }: Pick<Judged, 'row' | 'subscriber'>): boolean {
  return (
    (row.kind === 'contractual' && subscriber?.kind !== 'contractual') ||
    (row.entitlement !== null && row.entitlement !== subscriber?.entitlement) ||
    (row.noticeGroup !== null && row.noticeGroup !== subscriber?.noticeGroup)
  );
}

/** None for a row that says nothing new: the same file twice leaves no trace the second time. */
function eventOf(person: Person, actor: Actor): ImportEvent[] {
  const { id, deed, row } = person;
  if (deed.kind === 'update' && !isChanged(person)) return [];
  const { line, confirmed, consent, confirmedAt, entitlement, noticeGroup } = row;
  const entitled = isEntitledAnew(person);
  const contract = entitled ? { kind: 'contractual', entitlement, noticeGroup } : {};
  const detail = { via: 'import', by: actor, line, confirmed, consent, statedConfirmedAt: confirmedAt, ...contract };
  const kind = deed.kind !== 'update' ? 'imported' : entitled ? 'entitled' : 'updated';
  return [{ subscriberId: id, kind, detail }];
}

/** Who was here before and is entitled from now on, or by another contract: one entry each. */
async function recordContracts(tx: Tx, people: readonly Person[], by: { at: Date; actor: Actor }): Promise<void> {
  for (const { id, row, subscriber } of people) {
    if (subscriber === null || !isEntitledAnew({ row, subscriber })) continue;
    await recordAudit(tx, {
      ...by,
      action: 'subscriber.entitled',
      subject: `subscriber ${id}`,
      detail: {
        was: subscriber.kind,
        group: row.noticeGroup ?? subscriber.noticeGroup,
        groupBefore: subscriber.noticeGroup,
      },
    });
  }
}

/** The batch in the audit log, with the lines that it covers. */
async function report(tx: Tx, done: readonly Judged[], to: { at: Date; actor: Actor }): Promise<void> {
  const count = (isOne: (deed: Deed) => boolean) => done.filter(({ deed }) => isOne(deed)).length;
  const skipped = count(({ kind }) => kind === 'skip');
  const updated = count(({ kind }) => kind === 'update');
  const lines = done.map(({ row }) => row.line);
  await recordAudit(tx, {
    ...to,
    action: 'subscribers.imported',
    subject: 'subscribers',
    detail: {
      imported: done.length - skipped - updated,
      updated,
      skipped,
      fromLine: Math.min(...lines),
      toLine: Math.max(...lines),
    },
  });
}
