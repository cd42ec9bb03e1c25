import type { Change } from '../list/change.js';
import type { Along } from './quiet-queries.js';

/*
 * PURE. A notice that tells of several versions. It speaks for the last of them, and must not hide what
 * the others said: a part that takes effect sooner, a longer time to object, a message.
 */

/** What of the net change takes effect before the rest does, with an earlier version. */
export interface EarlierPart {
  version: number;
  effectiveAt: Date;
  changes: Change[];
}

interface Facts {
  effectiveAt: Date;
  objectionDeadline: Date | null;
  message: string | null;
  corrects: number | null;
}

/**
 * The facts of a notice that tells `changes` of a version and of those `along` (oldest first).
 * The objection deadline is the latest of all: nobody is late who is in time by any of them.
 * @returns `corrects`: the versions that are corrected, but for those that the same notice tells of for the first time
 */
export function together<Version extends Facts>(
  version: Version,
  changes: readonly Change[],
  along: readonly Along[],
): { version: Version; earlier: EarlierPart[]; corrects: number[] } {
  const deadlines = [version, ...along].flatMap(({ objectionDeadline }) => objectionDeadline ?? []);
  const objectionDeadline = deadlines.reduce<Date | null>((last, at) => (last === null || at > last ? at : last), null);
  const message = version.message ?? messageOf(changes, along);
  return {
    version: { ...version, objectionDeadline, message },
    earlier: earlierParts(version, changes, along),
    corrects: corrected(version, along),
  };
}

/**
 * Each change belongs to the first version that has touched what it is about, and whose touch the later
 * ones have kept: that is when some of it takes effect, if not all.
 */
function earlierParts({ effectiveAt }: Facts, changes: readonly Change[], along: readonly Along[]): EarlierPart[] {
  const touched = along.map((one) => new Set(one.changes.map(subjectOf)));
  const parts = along.map(({ version, effectiveAt: at }): EarlierPart => ({ version, effectiveAt: at, changes: [] }));
  for (const change of changes) {
    const subject = subjectOf(change);
    let first = touched.length;
    while (first > 0 && touched[first - 1]?.has(subject)) first -= 1;
    parts[first]?.changes.push(change);
  }
  return parts.filter((part) => part.changes.length > 0 && part.effectiveAt < effectiveAt);
}

function corrected({ corrects }: Facts, along: readonly Along[]): number[] {
  const all = new Set([...along.map((one) => one.corrects), corrects].flatMap((number) => number ?? []));
  for (const { version } of along) all.delete(version);
  return [...all].sort((a, b) => a - b);
}

/** The last message of those of which nothing was taken back: another one may speak of what is no more. */
function messageOf(changes: readonly Change[], along: readonly Along[]): string | null {
  const left = new Set(changes.map(subjectOf));
  const whole = along.filter(
    (one) => one.message !== null && one.changes.every((change) => left.has(subjectOf(change))),
  );
  return whole.at(-1)?.message ?? null;
}

/** What a change is about, whatever happens to it. */
function subjectOf(change: Change): string {
  const what = change.kind.replace(/-(added|removed|changed)$/, '');
  return [what, 'dataSubject' in change ? change.dataSubject : '', change.id].join('\u0000');
}
