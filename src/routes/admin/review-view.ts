import type { Config } from '../../config.js';
import type { Db } from '../../database/query.js';
import type { Change } from '../../list/change.js';
import type { ListDocument, SubProcessor } from '../../list/document.js';
import { fieldOfGap, gapsOf } from '../../list/gaps.js';
import { keyOf } from '../../list/grading.js';
import { noticePeriodsInUse } from '../../subscribers/groups.js';
import type { Texts } from '../../texts.js';
import { settleDates } from '../../versions/clock.js';
import type { Draft } from '../../versions/draft.js';
import type { PublishPreview } from '../../versions/preview.js';

/*
 * What the pages of the review show, as data.
 */

/** What a controller would miss in an entry, each with the field of the form that mends it. */
export interface GapLine {
  name: string;
  context: string | null;
  changed: boolean;
  gaps: { label: string; path: string }[];
}

/** Entries that leave out what customers ask for: new and changed ones first, else in the list's order. */
export function gapLines(document: ListDocument, changes: readonly Change[], texts: Texts): GapLine[] {
  const touched = new Set(
    changes.flatMap((change) =>
      change.kind === 'sub-processor-added' || change.kind === 'sub-processor-changed' ? [change.id] : [],
    ),
  );
  const lines = document.subProcessors.flatMap((entry) => lineOf(entry, touched.has(entry.id), texts) ?? []);
  return [...lines.filter(({ changed }) => changed), ...lines.filter(({ changed }) => !changed)];
}

function lineOf(entry: SubProcessor, changed: boolean, texts: Texts): GapLine | null {
  const gaps = gapsOf(entry);
  if (gaps.length === 0) return null;
  return {
    name: entry.name,
    context: entry.product ?? null,
    changed,
    gaps: gaps.map((gap) => ({
      label: texts.t(`console.review.check.${gap}`),
      path: `/admin/draft/entry/sub-processor/${entry.id}#${fieldOfGap[gap]}`,
    })),
  };
}

/** The dates that publishing now would have, for each notice period that somebody is owed; null: nothing is told. */
export interface DatesView {
  material: boolean;
  effectiveAt: Date;
  objectionDeadline: Date | null;
  /** The longest period first; `name` null: everybody who is in no group. */
  groups: { name: string | null; days: number; recipients: number; effectiveAt: Date; rules: boolean }[];
}

/** Each group's own earliest date beside that of the version, which is the latest of them. */
export async function datesView(
  { db, config }: { db: Db; config: Config },
  { plan, defaults }: PublishPreview,
): Promise<DatesView | null> {
  if (plan.facts.first) return null;
  const periods = plan.facts.material ? await noticePeriodsInUse(db, config.noticePeriodDays) : [];
  const { noticePeriodDays: longest } = plan.clock;
  return {
    material: plan.facts.material,
    effectiveAt: defaults.effectiveAt,
    objectionDeadline: defaults.objectionDeadline,
    groups: periods.map(({ name, days, recipients }) => ({
      name,
      days,
      recipients,
      effectiveAt: settleDates({}, plan.facts, { ...plan.clock, noticePeriodDays: days }).effectiveAt,
      rules: days === longest,
    })),
  };
}

/** Severities that were set for what the draft does not say any more. */
export function brokenGradings(draft: Draft, changes: readonly Change[]): { name: string; path: string | null }[] {
  if (draft.gradings.length === 0) return [];
  const found = new Map(changes.map((change) => [keyOf(change), change]));
  return draft.gradings.flatMap((grading) => {
    const change = found.get(keyOf(grading));
    if (change?.grading !== undefined) return [];
    return [{ name: change?.name ?? grading.id, path: change === undefined ? null : severityPath(change) }];
  });
}

/** The page on which a change's severity is set. */
export function severityPath(change: Change): string {
  const key = {
    kind: change.kind,
    id: change.id,
    ...('dataSubject' in change ? { dataSubject: change.dataSubject } : {}),
  };
  return `/admin/review/severity?${new URLSearchParams(key)}`;
}
