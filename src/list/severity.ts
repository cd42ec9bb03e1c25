import type { Change, FieldChange, Reason, Severity } from './change.js';
import type { Difference } from './compare.js';
import type { SeverityRule } from './fields.js';
import { comparePlaces } from './places.js';
import { comparePeriods } from './retention.js';
import { isRespelling } from './vendors.js';

/*
 * PURE. How grave a difference is. Material: it can add risk for the people whose data it is, and
 * opens the objection window. Reducing: less data, fewer recipients, shorter storage. Editorial: the
 * rest. Where a machine cannot tell a rewording from a new fact, the difference is material: an admin
 * may lower it with a reason, but nobody may find out too late.
 */

type Verdict = readonly [Severity, Reason];
type Judge = (difference: Difference) => readonly Verdict[];

interface Rule {
  changed: Judge;
  /** A value where none was given: as a rule it only says what was so before. */
  stated?: Judge;
  /** A value is given no more: as a rule nothing is known to have changed. */
  unstated?: Judge;
}

const always =
  (severity: Severity, reason: Reason): Judge =>
  () => [[severity, reason]];
const wording = always('editorial', 'wording');

/** For sets: one reason for what came, one for what went. */
function members(came: Verdict, went: Verdict): Judge {
  return ({ added = [], removed = [] }) => [...(added.length > 0 ? [came] : []), ...(removed.length > 0 ? [went] : [])];
}

const rules: Readonly<Record<SeverityRule, Rule>> = {
  wording: { changed: wording },
  companyName: {
    changed: (difference) => (isRespelled(difference) ? wording(difference) : [['material', 'company-changed']]),
  },
  // Of a data category or data subject kind: under a name that is not merely respelled it may cover more.
  entryName: { changed: (difference) => (isRespelled(difference) ? wording(difference) : [['material', 'renamed']]) },
  company: { changed: always('material', 'company-changed') },
  product: { changed: always('material', 'product-changed') },
  chain: { changed: always('material', 'chain-changed'), unstated: always('material', 'chain-changed') },
  optional: {
    changed: ({ after }) =>
      after === true ? [['reducing', 'required-turned-optional']] : [['material', 'optional-turned-required']],
    // The controller's choice is promised no more.
    unstated: ({ before }) =>
      before === true ? [['material', 'optional-turned-required']] : [['editorial', 'no-longer-stated']],
  },
  // Without "only if …" the sub-processor is engaged for everybody.
  condition: { changed: always('material', 'condition-changed'), unstated: always('material', 'condition-changed') },
  regions: { changed: members(['material', 'condition-changed'], ['reducing', 'location-dropped']) },
  purpose: { changed: always('material', 'purpose-changed') },
  purposes: {
    changed: (difference) =>
      difference.added?.length === 1 && difference.removed?.length === 1
        ? [['material', 'purpose-changed']]
        : members(['material', 'new-purpose'], ['reducing', 'purpose-dropped'])(difference),
  },
  services: { changed: members(['material', 'service-added'], ['reducing', 'service-dropped']) },
  place: { changed: always('material', 'location-changed') },
  places: {
    changed: ({ before, after }) => {
      const { came, went } = comparePlaces(textsIn(before), textsIn(after));
      const verdicts: Verdict[] = [];
      if (came) verdicts.push(['material', 'new-location']);
      if (went) verdicts.push(['reducing', 'location-dropped']);
      return verdicts.length > 0 ? verdicts : [['editorial', 'wording']];
    },
  },
  transferMechanisms: {
    changed: ({ added = [], removed = [] }) => {
      if (removed.length === 0) return [['editorial', 'new-transfer-mechanism']];
      return [['material', added.length > 0 ? 'transfer-mechanism-changed' : 'transfer-mechanism-lost']];
    },
    unstated: ({ removed = [] }) =>
      removed.length > 0 ? [['material', 'transfer-mechanism-lost']] : [['editorial', 'no-longer-stated']],
  },
  securityMeasures: {
    // One more measure takes nothing from anybody, and is no removal either: editorial.
    changed: members(['editorial', 'security-measure-added'], ['material', 'security-measure-dropped']),
    unstated: ({ removed = [] }) =>
      removed.length > 0 ? [['material', 'security-measure-dropped']] : [['editorial', 'no-longer-stated']],
  },
  dataCategories: { changed: members(['material', 'new-data-category'], ['reducing', 'data-category-dropped']) },
  period: {
    changed: ({ before, after }) => {
      switch (comparePeriods(String(before), String(after))) {
        case 'longer':
          return [['material', 'retention-lengthened']];
        case 'shorter':
          return [['reducing', 'retention-shortened']];
        case 'equal':
          return [['editorial', 'wording']];
        case 'unknown':
          return [['material', 'retention-changed']];
      }
    },
  },
  specialCategory: {
    changed: ({ after }) => [[after === true ? 'material' : 'reducing', 'special-category']],
    // GDPR Art. 9: that data is of a special kind is never a mere detail, also when it comes late.
    stated: ({ after }) => (after === true ? [['material', 'special-category']] : [['editorial', 'now-stated']]),
  },
  legalBasis: { changed: always('material', 'legal-basis-changed') },
  source: { changed: always('material', 'source-changed') },
  translation: {
    changed: always('editorial', 'translation'),
    stated: always('editorial', 'translation'),
    unstated: always('editorial', 'translation'),
  },
};

function textsIn(value: Difference['before']): string[] {
  return Array.isArray(value) ? value.filter((member) => typeof member === 'string') : [];
}

function isRespelled({ before, after }: Difference): boolean {
  return typeof before === 'string' && typeof after === 'string' && isRespelling(before, after);
}

/** The difference with its severity and the reasons for it, by the field's rule. */
export function graded(difference: Difference, rule: SeverityRule): FieldChange {
  return { ...difference, ...fromVerdicts(verdictsOn(difference, rules[rule])) };
}

function verdictsOn(difference: Difference, rule: Rule): readonly Verdict[] {
  switch (difference.how) {
    case 'changed':
      return rule.changed(difference);
    case 'stated':
      return rule.stated?.(difference) ?? [['editorial', 'now-stated']];
    case 'unstated':
      return rule.unstated?.(difference) ?? [['editorial', 'no-longer-stated']];
  }
}

/** Promises outside the tables: a new one takes nothing away. */
export function gradedStatement(difference: Difference): FieldChange {
  return {
    ...difference,
    ...fromVerdicts([difference.how === 'stated' ? ['editorial', 'now-stated'] : ['material', 'statement-changed']]),
  };
}

/** The processor's own services: what a vendor does for them is told at the vendor. */
export function gradedService(difference: Difference): FieldChange {
  const verdict: Record<Difference['how'], Verdict> = {
    stated: ['editorial', 'service-added'],
    unstated: ['reducing', 'service-dropped'],
    changed: ['editorial', 'wording'],
  };
  return { ...difference, ...fromVerdicts([verdict[difference.how]]) };
}

const gravity: readonly Severity[] = ['editorial', 'reducing', 'material'];

/** Above 0: the first is the graver. */
export function bySeverity(a: Severity, b: Severity): number {
  return gravity.indexOf(a) - gravity.indexOf(b);
}

function fromVerdicts(verdicts: readonly Verdict[]): { severity: Severity; reasons: Reason[] } {
  return {
    severity: strongest(verdicts.map(([severity]) => severity)) ?? 'editorial',
    reasons: [...new Set(verdicts.map(([, reason]) => reason))],
  };
}

function strongest(severities: readonly Severity[]): Severity | null {
  return severities.reduce<Severity | null>(
    (most, one) => (most === null || bySeverity(one, most) > 0 ? one : most),
    null,
  );
}

/** Severity and reasons of a change from those of its fields, the gravest reason first. */
export function gradeOf(fields: readonly FieldChange[]): { severity: Severity; reasons: Reason[] } {
  const byGravity = [...fields].sort((a, b) => bySeverity(b.severity, a.severity));
  return {
    severity: byGravity[0]?.severity ?? 'editorial',
    reasons: [...new Set(byGravity.flatMap(({ reasons }) => reasons))],
  };
}

/** The strongest severity among changes; null when there are none. */
export function severityOf(changes: readonly Pick<Change, 'severity'>[]): Severity | null {
  return strongest(changes.map(({ severity }) => severity));
}
