import type { Config } from '../config.js';
import type { Db } from '../database/query.js';
import { Refusal } from '../errors.js';
import type { Change, Severity, Suggestion } from '../list/change.js';
import { diffLists } from '../list/diff.js';
import type { ListDocument } from '../list/document.js';
import { applyGradings, type Grading, holdingAmong, toldSeverity } from '../list/grading.js';
import { severityOf } from '../list/severity.js';
import { toldChanges } from '../list/translation-diff.js';
import { lastNotified } from '../notices/order.js';
import { openWindow, type QuietWindow } from '../notices/quiet.js';
import { longestNoticePeriod } from '../subscribers/groups.js';
import { type ClockSettings, type DatesFacts, stateOf } from './clock.js';
import { readKeptVersion } from './kept.js';
import { selectGradings, selectTimeline, type TimelineEntry } from './queries.js';
import { notCorrectable } from './refusals.js';
import type { NoticeOutcome, PublishRequest } from './version.js';

/** What publishing a document would be, before its dates are settled. */
export interface VersionPlan {
  number: number;
  previousHash: string | null;
  /** The latest version that is not withdrawn; null before the first. */
  base: { number: number; document: ListDocument } | null;
  changes: Change[];
  suggestions: Suggestion[];
  /** Those of the order's that hold. */
  gradings: Grading[];
  /** The version that readers know: the last that was notified, else the first. */
  told: { number: number; document: ListDocument } | null;
  /** Against `told`: what was added and taken back in between is told to nobody, nor are other words for the same. */
  netChanges: Change[];
  /** The strongest of what changes and of what is told; null without changes. */
  severity: Severity | null;
  notice: NoticeOutcome;
  /** What waits at that moment; a version that is told takes it over, and so does one that takes it back. */
  window: QuietWindow | null;
  facts: DatesFacts;
  /** With the notice period that the groups which have recipients ask for. */
  clock: ClockSettings;
}

type PlanSettings = Pick<Config, 'timeZone' | 'noticePeriodDays' | 'objectionDays' | 'quietMinutes'>;

/**
 * Compares a document with what is published and with what was told. Writes nothing; publish and preview
 * both call it, so what an admin saw is what is done.
 * Refuses `version.unchanged`, `version.not-correctable`, and `reason.missing` when something material would go
 * untold without one.
 * @param order `gradings`: severities that persons have set; `publishedAt`: the moment of publishing; `ahead`: that moment is still to come, so that what
 * waits now may be gone by then, and its dates must fit a quiet time of its own
 */
export async function planVersion(
  db: Db,
  settings: PlanSettings,
  order: {
    document: ListDocument;
    gradings: readonly Grading[];
    request: PublishRequest;
    publishedAt: Date;
    ahead?: boolean;
  },
): Promise<VersionPlan> {
  const { document, gradings, request, publishedAt } = order;
  const timeline = await selectTimeline(db);
  const standing = timeline.filter(({ withdrawnAt }) => withdrawnAt === null);
  const base = await documentOf(db, standing.at(-1)?.number);
  const { changes: ungraded, suggestions } = diffLists(base?.document ?? null, document);
  const changes = applyGradings(ungraded, gradings);
  if (base !== null && changes.length === 0) throw unchanged(base.number);
  refuseCorrection(request, timeline);

  const window = await openWindow(db, publishedAt);
  const known = window?.baseVersion ?? (await lastNotified(db))?.version ?? standing[0]?.number;
  const told = await documentOf(db, known);
  // What was graded in versions that nobody was told of is told as it was graded.
  const untold =
    told === null || base === null ? [] : await selectGradings(db, { after: told.number, upTo: base.number });
  const netChanges =
    told === null
      ? []
      : toldChanges(applyGradings(diffLists(told.document, document).changes, [...untold, ...gradings]));
  const sendAfter = sendAfterOf(order, window, settings);
  const notice = noticeOf(order, told === null, netChanges, sendAfter);
  const own = severityOf(changes);
  const silenced = request.notify === false && changes.some((change) => toldSeverity(change) === 'material');
  if (base !== null && silenced && (request.reason ?? '') === '') {
    throw new Refusal('reason.missing', 'Something material changes: say why nobody is to be notified of it.', [
      { path: 'reason', message: 'is required with "notify": false when something material changes' },
    ]);
  }
  const severity = strongest(own, notice.ordered ? severityOf(netChanges) : null);
  // Not those that an emergency has overtaken: what they announced is in force.
  const announced = standing.filter((version) => stateOf(version, standing, publishedAt) === 'announced');
  return {
    number: (timeline.at(-1)?.number ?? 0) + 1,
    previousHash: timeline.at(-1)?.hash ?? null,
    base,
    changes,
    suggestions,
    gradings: holdingAmong(gradings, ungraded),
    told,
    netChanges,
    severity,
    notice,
    window,
    facts: {
      publishedAt,
      toldAt: notice.ordered ? sendAfter : publishedAt,
      first: base === null,
      material: severity === 'material',
      notBefore: announced.reduce<Date | null>(
        (latest, { effectiveAt }) => (latest === null || effectiveAt > latest ? effectiveAt : latest),
        null,
      ),
    },
    clock: await clockOf(db, settings),
  };
}

/** A withdrawn version has taken no effect and was called back: there is nothing left to correct. */
function refuseCorrection({ corrects }: PublishRequest, timeline: readonly TimelineEntry[]): void {
  if (corrects === undefined) return;
  const version = timeline.find(({ number }) => number === corrects);
  if (version === undefined) throw notCorrectable(corrects, null);
  if (version.withdrawnAt !== null) throw notCorrectable(corrects, true);
}

/** The settings of the clock, with the longest notice period that any recipient is owed. */
export async function clockOf(db: Db, settings: PlanSettings): Promise<ClockSettings> {
  const { timeZone, objectionDays } = settings;
  const { days, group } = await longestNoticePeriod(db, settings.noticePeriodDays);
  return { timeZone, objectionDays, noticePeriodDays: days, noticeGroup: group };
}

/** An emergency waits for nothing; what joins a window keeps its end, so that no change waits for ever. */
function sendAfterOf(
  { request, publishedAt, ahead }: { request: PublishRequest; publishedAt: Date; ahead?: boolean },
  window: QuietWindow | null,
  { quietMinutes }: PlanSettings,
): Date {
  if (request.emergency === true) return publishedAt;
  const own = new Date(publishedAt.getTime() + quietMinutes * 60_000);
  return window !== null && ahead !== true && window.sendAfter < own ? window.sendAfter : own;
}

async function documentOf(db: Db, number: number | undefined) {
  const version = number === undefined ? null : await readKeptVersion(db, number);
  return version === null ? null : { number: version.number, document: version.document };
}

function noticeOf(
  { request, publishedAt }: { request: PublishRequest; publishedAt: Date },
  first: boolean,
  netChanges: readonly Change[],
  sendAfter: Date,
): NoticeOutcome {
  if (first) return { ordered: false, because: 'first-version' };
  if (request.notify === false) return { ordered: false, because: 'not-wanted' };
  if (!isNotifiable(netChanges)) return { ordered: false, because: 'no-net-change' };
  return sendAfter > publishedAt ? { ordered: true, sendAfter } : { ordered: true };
}

/** Whether changes have anything that readers are told. */
export function isNotifiable(changes: readonly Change[]): boolean {
  return changes.some(({ notifiable }) => notifiable);
}

const gravity = ['material', 'reducing', 'editorial'] as const satisfies Severity[];

function strongest(a: Severity | null, b: Severity | null): Severity | null {
  return gravity.find((severity) => severity === a || severity === b) ?? null;
}

function unchanged(number: number): Refusal {
  return new Refusal(
    'version.unchanged',
    `The draft says the same as version ${number}: order, spacing and typography aside, nothing changes, so there is nothing to publish.`,
  );
}
