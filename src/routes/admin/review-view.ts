import type { Config } from '../../config.js';
import type { Db } from '../../database/query.js';
import type { Change } from '../../list/change.js';
import type { ListDocument, SubProcessor } from '../../list/document.js';
import { type EntryRef, refText } from '../../list/entry-ref.js';
import { fieldOfGap, gapsOf } from '../../list/gaps.js';
import { keyOf } from '../../list/grading.js';
import { type EntryGaps, translationGaps } from '../../list/translation-gaps.js';
import { noticePeriodsInUse } from '../../subscribers/groups.js';
import type { Texts } from '../../texts.js';
import { settleDates } from '../../versions/clock.js';
import type { Draft } from '../../versions/draft.js';
import type { PublishPreview } from '../../versions/preview.js';
import { formFields } from './entry-form.js';
import { translationsPath } from './translations-form.js';

/*
 * What the pages of the review show, as data.
 */

/** What a reader would miss in an entry, each with the form that mends it. */
export interface GapLine {
  name: string;
  context: string | null;
  changed: boolean;
  vendor: boolean;
  gaps: { label: string; path: string }[];
}

/**
 * Entries that leave out what customers ask for, or whose translations leave something open: new and changed ones
 * first, else in the list's order.
 * @param before the latest version, against which a translation is stale; null: there is none
 */
export function gapLines(
  document: ListDocument,
  before: ListDocument | null,
  changes: readonly Change[],
  texts: Texts,
): GapLine[] {
  const touched = new Set(
    changes.flatMap((change) => (change.kind.endsWith('-removed') ? [] : [refText(refOfChange(change))])),
  );
  const open = translationGaps(document, before);
  const ofEntry = new Map(open.map((one) => [refText(one.ref), one]));
  const entries = document.subProcessors.flatMap((entry) => {
    const ref = refText({ kind: 'sub-processor', id: entry.id, dataSubject: null });
    return lineOf(entry, ofEntry.get(ref), touched.has(ref), texts) ?? [];
  });
  const others = open
    .filter(({ ref }) => ref.kind !== 'sub-processor')
    .map((one) => ({
      name: one.name,
      context: null,
      vendor: false,
      changed: touched.has(refText(one.ref)),
      gaps: translationLines(one, texts),
    }));
  const lines = [...others, ...entries];
  return [...lines.filter(({ changed }) => changed), ...lines.filter(({ changed }) => !changed)];
}

function lineOf(
  entry: SubProcessor,
  translations: EntryGaps | undefined,
  changed: boolean,
  texts: Texts,
): GapLine | null {
  const gaps = [
    ...gapsOf(entry).map((gap) => ({
      label: texts.t(`console.review.check.${gap}`),
      path: `/admin/draft/entry/sub-processor/${entry.id}#${fieldOfGap[gap]}`,
    })),
    ...(translations === undefined ? [] : translationLines(translations, texts)),
  ];
  return gaps.length === 0 ? null : { name: entry.name, context: entry.product ?? null, vendor: true, changed, gaps };
}

function translationLines({ ref, gaps }: EntryGaps, texts: Texts): GapLine['gaps'] {
  const labels = new Map(formFields(ref.kind).map(({ name, label }) => [name, label]));
  return gaps.map(({ language, gap, fields }) => {
    const named = fields.map((field) => texts.t(labels.get(field) ?? 'list.field.unknown', { field }));
    return {
      label: texts.t(`translating.gap.${gap}`, { language: texts.language(language), fields: texts.list(named) }),
      path: translationsPath(ref, language),
    };
  });
}

function refOfChange(change: Change): EntryRef {
  if (change.kind === 'list-changed') return { kind: 'list', id: '', dataSubject: null };
  if ('dataSubject' in change) return { kind: 'data-category', id: change.id, dataSubject: change.dataSubject };
  const kind = change.kind.startsWith('sub-processor-') ? ('sub-processor' as const) : ('data-subject' as const);
  return { kind, id: change.id, dataSubject: null };
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
