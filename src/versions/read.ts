import type { Db } from '../database/query.js';
import { Refusal } from '../errors.js';
import type { Diff } from '../list/change.js';
import { diffLists } from '../list/diff.js';
import type { ListDocument } from '../list/document.js';
import { applyGradings, type Grading } from '../list/grading.js';
import { numberInForce, stateOf } from './clock.js';
import { readKeptVersion, readKeptVersions } from './kept.js';
import {
  type ScheduledRow,
  selectGradings,
  selectScheduled,
  selectSummaries,
  selectTimeline,
  type TimelineEntry,
} from './queries.js';
import type { PublishedVersion, ScheduledPublication, VersionSummary } from './version.js';

/*
 * For readers: pages, API, feeds, mail. Nothing here writes.
 */

/** What stands at the top: the version in force, and above it what is announced. */
export interface Board {
  inForce: PublishedVersion | null;
  /** Lowest number first. */
  announced: PublishedVersion[];
  /** The latest version that is not withdrawn: what a draft is compared with. */
  latest: PublishedVersion | null;
  /** Another one whenever the board is another; see `readFingerprint`. */
  fingerprint: string;
}

/** The board at a moment, documents included. Pages that keep what they rendered ask `readFingerprint` first. */
export async function readBoard(db: Db, now: Date): Promise<Board> {
  const timeline = await selectTimeline(db);
  const inForce = numberInForce(timeline, now);
  const shown = timeline.filter((v) => v.withdrawnAt === null && v.number >= (inForce ?? 0)).map((v) => v.number);
  const versions = await readKeptVersions(db, shown);
  return {
    inForce: versions.find(({ number }) => number === inForce) ?? null,
    announced: versions.filter(({ number }) => number !== inForce),
    latest: versions.at(-1) ?? null,
    fingerprint: fingerprintOf(timeline, now),
  };
}

/** The board in numbers and dates, for pages that show no list: a document may be megabytes. */
export async function readBoardSummary(
  db: Db,
  now: Date,
): Promise<{ inForce: VersionSummary | null; announced: VersionSummary[]; latest: VersionSummary | null }> {
  const versions = (await readVersions(db, now)).reverse();
  return {
    inForce: versions.find(({ state }) => state === 'in-force') ?? null,
    announced: versions.filter(({ state }) => state === 'announced'),
    latest: versions.findLast(({ withdrawnAt }) => withdrawnAt === null) ?? null,
  };
}

/**
 * A short text that is the same exactly as long as the board is the same: cheap to ask on each request,
 * and right on every instance, whoever published.
 */
export async function readFingerprint(db: Db, now: Date): Promise<string> {
  return (await readBoardState(db, now)).fingerprint;
}

/** The fingerprint, and since when it is this one: the latest publication, withdrawal or effective date that has come. */
export async function readBoardState(db: Db, now: Date): Promise<{ fingerprint: string; changedAt: Date | null }> {
  const timeline = await selectTimeline(db);
  const past = timeline
    .flatMap(({ publishedAt, effectiveAt, withdrawnAt }) => [publishedAt, effectiveAt, withdrawnAt])
    .filter((at) => at !== null && at <= now);
  const latest = past.reduce<Date | null>(
    (last, at) => (at !== null && (last === null || at > last) ? at : last),
    null,
  );
  return { fingerprint: fingerprintOf(timeline, now), changedAt: latest };
}

/** Every published version without its document, newest first. */
export async function readVersions(db: Db, now: Date): Promise<VersionSummary[]> {
  const rows = await selectSummaries(db);
  return rows.map((row) => ({ ...row, state: stateOf(row, rows, now) }));
}

/** A published version by its number. */
export async function readVersion(db: Db, number: number): Promise<PublishedVersion | null> {
  return isNumber(number) ? readKeptVersion(db, number) : null;
}

/** A published version with its state at a moment. Refuses `version.missing`. */
export async function readVersionState(db: Db, number: number, now: Date) {
  const version = await readVersion(db, number);
  if (version === null) throw versionMissing(number);
  return { version, state: stateOf(version, await selectTimeline(db), now) };
}

/** The publication that is planned or held; null when there is none. */
export async function readScheduled(db: Db): Promise<ScheduledPublication | null> {
  const row = await selectScheduled(db);
  return row === null ? null : scheduledOf(row);
}

/**
 * What changed from one version to another, in either direction. Refuses `version.missing`.
 * @param from, to numbers of published versions, withdrawn ones included
 */
export async function compareVersions(db: Db, from: number, to: number): Promise<Diff> {
  const [before, after] = [await readVersion(db, from), await readVersion(db, to)];
  if (before === null) throw versionMissing(from);
  if (after === null) throw versionMissing(to);
  const { changes, suggestions } = diffLists(before.document, after.document);
  return { from, to, changes: applyGradings(changes, await readGradingsOn(db, from, to)), suggestions };
}

/** Severities that were set on the way from one version to a later one; backwards there are none. */
export async function readGradingsOn(db: Db, from: number, to: number): Promise<Grading[]> {
  return from < to ? selectGradings(db, { after: from, upTo: to }) : [];
}

/** The version that a version's own changes are told against: the latest before it that was not withdrawn then. PURE. */
export function baseOf(
  version: Pick<VersionSummary, 'number' | 'publishedAt'>,
  all: readonly VersionSummary[],
): number | null {
  const stood = all.filter(
    ({ number, withdrawnAt }) => number < version.number && (withdrawnAt === null || withdrawnAt > version.publishedAt),
  );
  return stood.length === 0 ? null : Math.max(...stood.map(({ number }) => number));
}

/** Numbers of the versions that a new one may say it corrects, newest first. */
export async function correctableNumbers(db: Db): Promise<number[]> {
  const timeline = await selectTimeline(db);
  return timeline.flatMap(({ number, withdrawnAt }) => (withdrawnAt === null ? [number] : [])).reverse();
}

/** Numbers of the standing versions that say they correct a version, oldest first. PURE. */
export function correctionsOf(
  number: number,
  all: readonly Pick<VersionSummary, 'number' | 'corrects' | 'withdrawnAt'>[],
): number[] {
  return all
    .flatMap((other) => (other.corrects === number && other.withdrawnAt === null ? [other.number] : []))
    .sort((a, b) => a - b);
}

/** The same of a version, for who has no table of versions at hand. */
export async function readCorrections(db: Db, number: number): Promise<number[]> {
  return correctionsOf(number, await selectTimeline(db));
}

/** Number of the latest version that is not withdrawn; null before the first. */
export async function latestNumber(db: Db): Promise<number | null> {
  const timeline = await selectTimeline(db);
  return timeline.findLast(({ withdrawnAt }) => withdrawnAt === null)?.number ?? null;
}

/** The list of that version: what a draft begins with and goes on from; null before the first. */
export async function readLatestList(db: Db): Promise<ListDocument | null> {
  const number = await latestNumber(db);
  return number === null ? null : ((await readVersion(db, number))?.document ?? null);
}

export function versionMissing(number: number): Refusal {
  return new Refusal('version.missing', `There is no version ${number}.`);
}

export function scheduledOf({ createdBy: _, ...row }: ScheduledRow): ScheduledPublication {
  return row;
}

function fingerprintOf(timeline: readonly TimelineEntry[], now: Date): string {
  const last = timeline.at(-1);
  if (last === undefined) return 'none';
  const withdrawn = timeline.filter(({ withdrawnAt }) => withdrawnAt !== null).map(({ number }) => number);
  return [last.hash.slice(0, 16), numberInForce(timeline, now) ?? 0, ...withdrawn].join('.');
}

/** PostgreSQL's integer: a larger number in an address names no version, and is no fault of ours either. */
function isNumber(number: number): boolean {
  return Number.isInteger(number) && number > 0 && number < 2 ** 31;
}
