import type { Db } from '../database/query.js';
import type { Change } from '../list/change.js';
import { listGroups } from '../subscribers/groups.js';
import { type Crowd, selectCrowds, selectLostContacts } from './audience-queries.js';
import { type Concern, concernOf } from './order.js';

/** Whom a notice would reach if it were ordered now. */
export interface Audience {
  recipients: {
    total: number;
    byLocale: Record<string, number>;
    /** The shortest notice period first; `group` null: those without one, who have the usual period. */
    byGroup: { group: string | null; name: string | null; noticeDays: number; count: number }[];
    byKind: { voluntary: number; contractual: number };
    /** Confirmed, but the changes are in none of their services. */
    outOfScope: number;
    /** Confirmed, but they want to hear of material changes only. */
    notMaterial: number;
  };
  /** People whom the changes concern and nothing can be mailed to, by reason; the largest group first. */
  unreachable: { reason: string; count: number; contractual: number }[];
  /** Of these, the contractual contacts by name, `namedContacts` at most. */
  lostContacts: { subscriberId: number; email: string; reason: string; group: string | null }[];
  /** Every notice period that somebody who can be mailed is owed; the longest first. */
  noticePeriods: number[];
}

/** How many contractual contacts that cannot be reached are named. */
export const namedContacts = 50;

/**
 * Counts whom changes would be told to.
 * @param changes null: no notice would go out, so nobody is concerned; the notice periods are told all the same
 */
export async function readAudience(
  db: Db,
  changes: readonly Change[] | null,
  usual: { noticePeriodDays: number },
): Promise<Audience> {
  const concern: Concern = changes === null ? { services: [], materialServices: [] } : concernOf(changes);
  const crowds = await selectCrowds(db, concern);
  const groups = new Map((await listGroups(db)).map((group) => [group.id, group]));
  const daysOf = (group: string | null) =>
    (group === null ? undefined : groups.get(group)?.noticeDays) ?? usual.noticePeriodDays;

  const mailed = crowds.filter(({ withheld }) => withheld === null);
  const told = changes === null ? [] : mailed.filter(({ scope }) => scope === null);
  const byGroup = sumBy(told, ({ group }) => group);
  const outside = (scope: Crowd['scope']) =>
    changes === null ? 0 : countOf(mailed.filter((crowd) => crowd.scope === scope));
  const lost = changes === null ? [] : crowds.filter(({ withheld, scope }) => withheld !== null && scope === null);
  const contacts = lost.some(({ kind }) => kind === 'contractual')
    ? await selectLostContacts(db, concern, namedContacts)
    : [];
  return {
    recipients: {
      total: countOf(told),
      byLocale: Object.fromEntries([...sumBy(told, ({ locale }) => locale)].sort(([, a], [, b]) => b - a)),
      byGroup: [...byGroup]
        .map(([group, count]) => ({
          group,
          name: group === null ? null : (groups.get(group)?.name ?? group),
          noticeDays: daysOf(group),
          count,
        }))
        .sort((a, b) => a.noticeDays - b.noticeDays || ((a.group ?? '') < (b.group ?? '') ? -1 : 1)),
      byKind: {
        voluntary: countOf(told.filter(({ kind }) => kind === 'voluntary')),
        contractual: countOf(told.filter(({ kind }) => kind === 'contractual')),
      },
      outOfScope: outside('out-of-scope'),
      notMaterial: outside('not-material'),
    },
    unreachable: [...sumBy(lost, ({ withheld }) => withheld ?? '')]
      .map(([reason, count]) => ({
        reason,
        count,
        contractual: countOf(lost.filter(({ kind, withheld }) => kind === 'contractual' && withheld === reason)),
      }))
      .sort((a, b) => b.count - a.count),
    lostContacts: contacts.map(({ id, email, reason, group }) => ({
      subscriberId: id,
      email,
      reason,
      group,
    })),
    noticePeriods: [...new Set(mailed.map(({ group }) => daysOf(group)))].sort((a, b) => b - a),
  };
}

function countOf(crowds: readonly Crowd[]): number {
  return crowds.reduce((sum, { count }) => sum + count, 0);
}

function sumBy<K>(crowds: readonly Crowd[], keyOf: (crowd: Crowd) => K): Map<K, number> {
  const sums = new Map<K, number>();
  for (const crowd of crowds) sums.set(keyOf(crowd), (sums.get(keyOf(crowd)) ?? 0) + crowd.count);
  return sums;
}
