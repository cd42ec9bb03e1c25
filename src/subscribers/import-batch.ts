import type { Actor } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import { nextMoment, sharePublishing } from '../database/locks.js';
import type { Tx } from '../database/transaction.js';
import { enqueueLetters } from '../deliveries/enqueue.js';
import type { Deps } from '../deps.js';
import { newSecret } from './form-letters.js';
import {
  confirmImported,
  deleteRows,
  findHolders,
  findSuppressions,
  hasRows,
  insertImportEvents,
  insertImported,
  insertTokens,
  isWindowOpen,
  type Newcomer,
  openLinksOf,
  setTokenDeliveries,
  takeRows,
  updateImported,
} from './import-queries.js';
import { type Deed, deedOf, type ImportRow } from './import-row.js';
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
  errors: { line: number; message: string }[];
}

export type ImportDeps = Pick<Deps, 'db' | 'config' | 'now' | 'texts'>;

export const batchSize = 1_000;
const mostErrors = 1_000;

/** Counts a row that is not taken, and says why while there is room for it. */
export function skipLine(result: ImportResult, line: number, message: string): void {
  result.skipped += 1;
  if (result.errors.length < mostErrors) result.errors.push({ line, message });
}

interface Judged {
  row: ImportRow;
  emailHash: Buffer;
  /** Who has the address already. */
  subscriber: Subscriber | null;
  deed: Deed;
}

interface Person extends Judged {
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
  const at = deps.now();
  // Imported ones are confirmed at a moment, as whoever presses the button is.
  await sharePublishing(tx);
  const moment = await nextMoment(tx);
  const judged = await judge(tx, deps, await takeRows(tx, importId, batchSize), at);
  const skipped = judged.filter(({ deed }) => deed.kind === 'skip');

  const newcomers = judged.flatMap((one) => (one.deed.kind === 'add' ? [newcomer(one, { deps, at, moment })] : []));
  const added = await insertImported(tx, newcomers);
  // Whoever came by the form at this very moment has no id here: their row is left in the table, and
  // the next batch finds them.
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
  await askToConfirm(tx, deps, people.filter(isAsked), at);
  await tellOpenWindow(tx, deps, people.filter(isConfirmedNow), at);

  const done = [...people, ...skipped];
  await deleteRows(
    tx,
    importId,
    done.map(({ row }) => row.emailKey),
  );
  if (done.length > 0) await report(tx, done, { at, actor, result });
  return hasRows(tx, importId);
}

async function judge(tx: Tx, deps: ImportDeps, rows: readonly ImportRow[], at: Date): Promise<Judged[]> {
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
  return hashed.map((one) => {
    const subscriber = subscribers.get(one.row.emailKey) ?? null;
    const suppression = subscriber?.suppression ?? suppressions.get(one.emailHash.toString('hex')) ?? null;
    const hasOpenLink = subscriber !== null && open.has(subscriber.id);
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

/** An empty cell states nothing: it takes nothing away. */
function isChanged({ row, subscriber }: Judged): boolean {
  if (subscriber === null) return false;
  return (
    (row.company !== null && row.company !== subscriber.company) ||
    (row.locale !== null && row.locale !== subscriber.locale) ||
    (row.services !== null && JSON.stringify(row.services) !== JSON.stringify(subscriber.services)) ||
    (row.toldOf !== null && row.toldOf !== subscriber.toldOf)
  );
}

function isAsked({ deed }: Judged): boolean {
  return (deed.kind === 'add' && !deed.confirmed) || (deed.kind === 'update' && deed.ask);
}

function isConfirmedNow({ deed }: Judged): boolean {
  return deed.kind === 'confirm' || (deed.kind === 'add' && deed.confirmed);
}

/**
 * Whoever is confirmed while a version is announced is told of it by the welcome, as after the form: its
 * notice went to those who were there before. Without an open window an import writes to nobody.
 */
async function tellOpenWindow(tx: Tx, deps: ImportDeps, people: readonly Person[], at: Date): Promise<void> {
  if (people.length === 0 || !(await isWindowOpen(tx, at))) return;
  await enqueueLetters(
    tx,
    people.map(({ id, row, emailHash, subscriber }) => ({
      kind: 'welcome' as const,
      subscriberId: id,
      email: subscriber?.email ?? row.email,
      recipientHash: emailHash,
      locale: row.locale ?? subscriber?.locale ?? deps.texts.default,
      params: {},
      at,
    })),
  );
}

/** None for a row that says nothing new: the same file twice leaves no trace the second time. */
function eventOf(person: Person, actor: Actor) {
  const { id, deed, row } = person;
  if (deed.kind === 'update' && !isChanged(person)) return [];
  const { line, confirmed, consent, confirmedAt } = row;
  const kind = deed.kind === 'update' ? ('updated' as const) : ('imported' as const);
  const detail = { via: 'import', by: actor, line, confirmed, consent, statedConfirmedAt: confirmedAt };
  return [{ subscriberId: id, kind, detail }];
}

async function askToConfirm(tx: Tx, deps: ImportDeps, people: readonly Person[], at: Date): Promise<void> {
  if (people.length === 0) return;
  const letters = people.map(({ id, row, emailHash, subscriber }) => {
    const locale = row.locale ?? subscriber?.locale ?? deps.texts.default;
    return { id, locale, email: subscriber?.email ?? row.email, emailHash, row };
  });
  const tokenIds = await insertTokens(
    tx,
    letters.map(({ id, locale, row }) => ({
      ...newSecret(deps.config.secretKeys, 'confirm'),
      subscriberId: id,
      detail: {
        company: row.company,
        locale,
        services: row.services,
        evidence: { via: 'import', requestedAt: at.toISOString() },
      },
    })),
    at,
  );
  const deliveries = await enqueueLetters(
    tx,
    letters.map(({ id, locale, email, emailHash }, place) => ({
      kind: 'confirmation' as const,
      subscriberId: id,
      email,
      recipientHash: emailHash,
      locale,
      params: { tokenId: tokenIds[place] },
      at,
    })),
  );
  await setTokenDeliveries(tx, tokenIds, deliveries);
}

/** The result, and the batch in the audit log with the lines that it covers. */
async function report(
  tx: Tx,
  done: readonly Judged[],
  to: { at: Date; actor: Actor; result: ImportResult },
): Promise<void> {
  const { at, actor, result } = to;
  const counts = { imported: 0, updated: 0, skipped: 0 };
  for (const { row, deed } of done) {
    if (deed.kind === 'skip') {
      counts.skipped += 1;
      skipLine(result, row.line, deed.because);
    } else if (deed.kind === 'update') counts.updated += 1;
    else counts.imported += 1;
  }
  result.imported += counts.imported;
  result.updated += counts.updated;
  const lines = done.map(({ row }) => row.line);
  const detail = { ...counts, fromLine: Math.min(...lines), toLine: Math.max(...lines) };
  await recordAudit(tx, { at, actor, action: 'subscribers.imported', subject: 'subscribers', detail });
}
