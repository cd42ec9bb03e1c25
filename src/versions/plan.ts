import type { Db } from '../database/query.js';
import { Refusal } from '../errors.js';
import type { Change, Severity, Suggestion } from '../list/change.js';
import { diffLists } from '../list/diff.js';
import type { ListDocument } from '../list/document.js';
import { severityOf } from '../list/severity.js';
import { lastNotified } from '../notices/order.js';
import { type DatesFacts, stateOf } from './clock.js';
import { selectTimeline, selectVersion } from './queries.js';
import type { NoticeOutcome, PublishRequest } from './version.js';

/** What publishing a document would be, before its dates are settled. */
export interface VersionPlan {
  number: number;
  previousHash: string | null;
  /** The latest version that is not withdrawn; null before the first. */
  base: { number: number; document: ListDocument } | null;
  changes: Change[];
  suggestions: Suggestion[];
  /** The version that readers know: the last that was notified, else the first. */
  told: { number: number; document: ListDocument } | null;
  /** Against `told`: what was added and taken back in between is told to nobody. */
  netChanges: Change[];
  /** The strongest of what changes and of what is told; null without changes. */
  severity: Severity | null;
  notice: NoticeOutcome;
  facts: DatesFacts;
}

/**
 * Compares a document with what is published and with what was told. Writes nothing; publish and preview
 * both call it, so what an admin saw is what is done.
 * Refuses `version.unchanged`, and `reason.missing` when something material would go untold without one.
 * @param publishedAt the moment that its dates count from
 */
export async function planVersion(
  db: Db,
  document: ListDocument,
  request: PublishRequest,
  publishedAt: Date,
): Promise<VersionPlan> {
  const timeline = await selectTimeline(db);
  const standing = timeline.filter(({ withdrawnAt }) => withdrawnAt === null);
  const base = await documentOf(db, standing.at(-1)?.number);
  const { changes, suggestions } = diffLists(base?.document ?? null, document);
  if (base !== null && changes.length === 0) throw unchanged(base.number);

  const told = await documentOf(db, (await lastNotified(db))?.version ?? standing[0]?.number);
  const netChanges = told === null ? [] : diffLists(told.document, document).changes;
  const notice = noticeOf(request, told === null, netChanges);
  const own = severityOf(changes);
  if (base !== null && request.notify === false && own === 'material' && (request.reason ?? '') === '') {
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
    told,
    netChanges,
    severity,
    notice,
    facts: {
      publishedAt,
      first: base === null,
      material: severity === 'material',
      notBefore: announced.reduce<Date | null>(
        (latest, { effectiveAt }) => (latest === null || effectiveAt > latest ? effectiveAt : latest),
        null,
      ),
    },
  };
}

async function documentOf(db: Db, number: number | undefined) {
  const version = number === undefined ? null : await selectVersion(db, number);
  return version === null ? null : { number: version.number, document: version.document };
}

function noticeOf(request: PublishRequest, first: boolean, netChanges: readonly Change[]): NoticeOutcome {
  if (first) return { ordered: false, because: 'first-version' };
  if (request.notify === false) return { ordered: false, because: 'not-wanted' };
  if (!netChanges.some(({ notifiable }) => notifiable)) return { ordered: false, because: 'no-net-change' };
  return { ordered: true };
}

const order = ['material', 'reducing', 'editorial'] as const satisfies Severity[];

function strongest(a: Severity | null, b: Severity | null): Severity | null {
  return order.find((severity) => severity === a || severity === b) ?? null;
}

function unchanged(number: number): Refusal {
  return new Refusal(
    'version.unchanged',
    `The draft says the same as version ${number}: order, spacing and typography aside, nothing changes, so there is nothing to publish.`,
  );
}
