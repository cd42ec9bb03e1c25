import type { Db } from '../database/query.js';
import { Refusal } from '../errors.js';
import {
  dayOf,
  type PeriodInForce,
  periodsInForce,
  readDayEnd,
  readMoment,
  stateOf,
  type VersionState,
} from './clock.js';
import { selectTimeline } from './queries.js';
import { readVersion } from './read.js';
import type { PublishedVersion } from './version.js';

/** What was in force on a calendar day of TIME_ZONE. */
export interface OnDay {
  /** `YYYY-MM-DD` */
  day: string;
  /** The day's first moment. */
  from: Date;
  /** In force at the end of the day, at 24:00; with its state now. */
  version: PublishedVersion;
  state: VersionState;
  period: PeriodInForce;
  /** In force for a part of the day only, and replaced in the course of it; in the order of time. */
  earlier: PeriodInForce[];
  /** The end of the day is still to come: what is announced by now is told, and may still be withdrawn or overtaken. */
  when: 'past' | 'today' | 'ahead';
}

/**
 * The list that was in force at the end of a day, at 24:00 in TIME_ZONE; of a day to come what is announced by now.
 * Refuses `date.invalid` (no day of the calendar), `version.missing` (no list was in force then).
 */
export async function readOnDay(
  deps: { db: Db; now: () => Date; config: { timeZone: string } },
  text: string,
): Promise<OnDay> {
  const { timeZone } = deps.config;
  const day = /^\d{4}-\d{2}-\d{2}$/.test(text) ? text : '';
  const from = readMoment('day', day, timeZone);
  const end = readDayEnd('day', day, timeZone);
  const [timeline, now] = [await selectTimeline(deps.db), deps.now()];
  const periods = periodsInForce(timeline).filter((period) => period.from < end && (period.until ?? end) > from);
  const period = periods.at(-1);
  const version = period === undefined ? null : await readVersion(deps.db, period.number);
  if (period === undefined || version === null) {
    throw new Refusal('version.missing', `No list was in force on ${day}.`);
  }
  const today = dayOf(now, timeZone);
  return {
    day,
    from,
    version,
    state: stateOf(version, timeline, now),
    period,
    earlier: periods.slice(0, -1),
    when: day < today ? 'past' : day === today ? 'today' : 'ahead',
  };
}
