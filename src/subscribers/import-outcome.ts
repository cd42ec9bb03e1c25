import { changesOf, type Judged } from './import-batch.js';
import type { ImportRow, RowFault } from './import-row.js';

/* What a preview says of a line. */

export const outcomes = ['confirmed', 'asked', 'updated', 'unchanged', 'skipped', 'error'] as const;
export type OutcomeKind = (typeof outcomes)[number];

export interface Outcome {
  outcome: OutcomeKind;
  /** Why, as a code that has its sentence in the catalogue. */
  why: string;
  /** What the sentence needs. */
  facts: Readonly<Record<string, string>>;
}

/**
 * What would become of a row that was judged.
 * @param claimed the file says that somebody is confirmed, whatever stands there as the proof
 */
export function outcomeOf(judged: Judged, claimed: boolean): Outcome {
  const { deed, row, subscriber } = judged;
  const by = row.kind === 'contractual' ? 'contract' : 'consent';
  switch (deed.kind) {
    case 'skip':
      return of('skipped', deed.why, { group: row.noticeGroup ?? '' });
    case 'add':
      if (deed.confirmed) return of('confirmed', by, proofOf(row));
      return of('asked', claimed ? 'claimed' : 'new');
    case 'confirm':
      return of('confirmed', `${by}-of-pending`, proofOf(row));
    case 'update': {
      if (deed.ask) return of('asked', 'again');
      const changes = changesOf(judged);
      if (changes.length > 0) return of('updated', 'details', { details: changes.join(' ') });
      return of('unchanged', subscriber?.status === 'pending' ? 'waiting' : 'known');
    }
  }
}

/** What becomes of a line that cannot be read: who is marked as gone in the file is left alone on purpose. */
export function outcomeOfFault({ fault, values }: RowFault): Outcome {
  return fault === 'marked' ? of('skipped', 'marked', values) : of('error', fault, values);
}

/** What becomes of an address that stands in the file a second time. */
export function outcomeOfRepeat(first: number): Outcome {
  return of('skipped', 'repeated', { first: String(first) });
}

function proofOf({ consent, entitlement, noticeGroup, confirmedAt }: ImportRow): Outcome['facts'] {
  return {
    consent: consent ?? '',
    entitlement: entitlement ?? '',
    group: noticeGroup ?? '',
    at: confirmedAt?.toISOString() ?? '',
  };
}

function of(outcome: OutcomeKind, why: string, facts: Outcome['facts'] = {}): Outcome {
  return { outcome, why, facts };
}
