import type { CsvFault } from '../../subscribers/csv.js';
import { type Outcome, type OutcomeKind, outcomes } from '../../subscribers/import-outcome.js';
import type { OutcomeCounts, ShownLine } from '../../subscribers/import-preview.js';
import type { Texts } from '../../texts.js';

/* What would become of the lines of a file, in words. */

/** How many lines have which outcome, each with the way to them; without a path they are numbers alone. */
export function countsView(counts: OutcomeCounts, texts: Texts, path: string | null) {
  return outcomes.map((outcome) => ({
    outcome,
    count: counts[outcome] ?? 0,
    label: texts.t(`subscriber-import.outcomes.${outcome}`),
    path: path === null ? null : `${path}?outcome=${outcome}#lines`,
  }));
}

/** A line as the preview shows it. */
export function lineView(line: ShownLine, texts: Texts, groups: readonly { id: string; name: string }[]) {
  const { outcome, row } = line;
  return {
    line: line.line,
    email: line.email,
    outcome,
    label: texts.t(`subscriber-import.outcomes.${outcome}`),
    badge: badges[outcome],
    reason: reasonOf(line, texts, groups),
    company: row?.company ?? null,
  };
}

const badges: Readonly<Record<OutcomeKind, string>> = {
  confirmed: 'reducing',
  asked: 'editorial',
  updated: 'editorial',
  unchanged: 'quiet',
  skipped: 'quiet',
  error: 'material',
};

/** Why, in one sentence or two. */
export function reasonOf(
  { outcome, why, facts }: Outcome,
  texts: Texts,
  groups: readonly { id: string; name: string }[] = [],
): string {
  const t = (key: string, values: Record<string, string> = {}) => texts.t(`subscriber-import.${key}`, values);
  const { details = '', at = '', group = '', services = '', groups: known = '', ...rest } = facts;
  const named = groups.find(({ id }) => id === group)?.name ?? group;
  const values = {
    ...rest,
    group: named,
    groups: known === '' ? t('noGroups') : known,
    services: services === '' ? t('noServices') : services,
    details: texts.list(
      details
        .split(' ')
        .filter(Boolean)
        .map((detail) => t(`details.${detail}`)),
    ),
  };
  const parts = [t(`why.${outcome}.${why}`, values)];
  if (at !== '') parts.push(t('confirmedAt', { day: texts.day(new Date(at)) }));
  if (outcome === 'confirmed' && group !== '') parts.push(t('inGroup', { group: named }));
  return parts.join(' ');
}

/** What is wrong with a file that cannot be read at all, and how to mend it. */
export function csvFaultText({ code, values }: CsvFault, line: number | undefined, texts: Texts): string {
  const message = texts.t(`subscriber-import.csv.${code}`, values);
  return line === undefined ? message : texts.t('subscriber-import.atLine', { line: String(line), message });
}
