import { Temporal } from 'temporal-polyfill';
import { Refusal } from '../errors.js';

/*
 * PURE. The rules of a version's dates. Days are days of TIME_ZONE, whatever the zone of the process:
 * a day is never passed through a Date, so no clock change and no host setting moves it.
 * Deadlines follow Regulation (EEC, Euratom) No 1182/71: the day of dispatch does not count, the last
 * day counts to 24:00.
 */

export interface ClockSettings {
  timeZone: string;
  noticePeriodDays: number;
  /** The name of the notice group that asks for this period; null: it is everybody's. */
  noticeGroup?: string | null | undefined;
  objectionDays: number;
}

export interface DatesRequest {
  /** `YYYY-MM-DD`, `YYYY-MM-DDTHH:MM` in the zone, or an instant with its offset. */
  effectiveAt?: string | undefined;
  objectionDeadline?: string | undefined;
  emergency?: boolean | undefined;
  reason?: string | undefined;
}

export interface DatesFacts {
  publishedAt: Date;
  /** When its mail goes, after the quiet time if there is one: what is owed to readers counts from here. */
  toldAt: Date;
  /** Version 1: there is nobody to tell before it. */
  first: boolean;
  /** Something material changes, so the notice period applies and the objection window opens. */
  material: boolean;
  /** When the last version that is still announced takes effect; this one contains its changes. */
  notBefore: Date | null;
}

export interface SettledDates {
  effectiveAt: Date;
  objectionDeadline: Date | null;
  /** The earliest moment that needs no emergency. */
  earliest: Date;
}

export type VersionState = 'scheduled' | 'announced' | 'in-force' | 'superseded' | 'withdrawn';

/**
 * The dates of a version that is published at `facts.publishedAt` and told at `facts.toldAt`.
 * Refuses `date.invalid` (not a date), `date.too-early` (before the notice period ends, or before an
 * announced version whose changes it contains; the message names the earliest date), `date.in-past`,
 * and `reason.missing` (an emergency without a reason).
 */
export function settleDates(request: DatesRequest, facts: DatesFacts, settings: ClockSettings): SettledDates {
  const { timeZone } = settings;
  const emergency = request.emergency === true;
  if (emergency && (request.reason ?? '').trim() === '') {
    throw new Refusal('reason.missing', 'An emergency needs a reason: say why the notice period cannot be kept.', [
      { path: 'reason', message: 'is required with "emergency": true' },
    ]);
  }
  const earliest = earliestEffective(facts, settings);
  const effectiveAt =
    request.effectiveAt === undefined
      ? defaultEffective(earliest, facts, settings)
      : startOf('effectiveAt', request.effectiveAt, facts.publishedAt, timeZone);
  if (effectiveAt < earliest && !emergency) throw tooEarly(effectiveAt, earliest, facts, settings);
  return { effectiveAt, objectionDeadline: deadlineOf(request.objectionDeadline, facts, settings), earliest };
}

/** The first moment at which a version may take effect without being an emergency. */
export function earliestEffective(facts: DatesFacts, settings: ClockSettings): Date {
  const own =
    facts.material && !facts.first
      ? addDays(facts.toldAt, settings.noticePeriodDays, settings.timeZone)
      : facts.publishedAt;
  return facts.notBefore !== null && facts.notBefore > own ? facts.notBefore : own;
}

/**
 * State of a version at a moment. The highest version that has taken effect is the one in force; what
 * is below it is superseded, even if its own date is still ahead (an emergency overtook it).
 */
export function stateOf(
  version: { number: number; effectiveAt: Date; withdrawnAt: Date | null },
  all: readonly { number: number; effectiveAt: Date; withdrawnAt: Date | null }[],
  now: Date,
): VersionState {
  if (version.withdrawnAt !== null) return 'withdrawn';
  const inForce = numberInForce(all, now);
  if (inForce === null || version.number > inForce) return 'announced';
  return version.number === inForce ? 'in-force' : 'superseded';
}

/** The number of the version in force at a moment; null before the first takes effect. */
export function numberInForce(
  all: readonly { number: number; effectiveAt: Date; withdrawnAt: Date | null }[],
  now: Date,
): number | null {
  let highest: number | null = null;
  for (const { number, effectiveAt, withdrawnAt } of all) {
    if (withdrawnAt === null && effectiveAt <= now && number > (highest ?? 0)) highest = number;
  }
  return highest;
}

/** When a version was, is or is going to be in force. */
export interface PeriodInForce {
  number: number;
  from: Date;
  /** Null: until another one is announced. */
  until: Date | null;
}

/** When each version is in force, by what is published, in the order of time; those that never are have no period. */
export function periodsInForce(
  all: readonly { number: number; effectiveAt: Date; withdrawnAt: Date | null }[],
): PeriodInForce[] {
  const standing = all
    .filter(({ withdrawnAt }) => withdrawnAt === null)
    .sort((a, b) => a.effectiveAt.getTime() - b.effectiveAt.getTime() || b.number - a.number);
  const begun: { number: number; from: Date }[] = [];
  for (const { number, effectiveAt } of standing) {
    if (number > (begun.at(-1)?.number ?? 0)) begun.push({ number, from: effectiveAt });
  }
  return begun.map((period, index) => ({ ...period, until: begun[index + 1]?.from ?? null }));
}

/**
 * A moment that a person named: a day (its 00:00), a local time in the zone, or an instant. A local time
 * that a clock change leaves out is taken an hour later, one that comes twice is its first (RFC 5545).
 * @param path the input's name, for the refusal `date.invalid`
 */
export function readMoment(path: string, text: string, timeZone: string): Date {
  const kind = kindOf(text);
  try {
    if (kind === 'day') return dateOf(startOfDay(Temporal.PlainDate.from(text), timeZone));
    if (kind === 'local') {
      return dateOf(Temporal.PlainDateTime.from(text).toZonedDateTime(timeZone, { disambiguation: 'compatible' }));
    }
    if (kind === 'instant') return new Date(Temporal.Instant.from(text).epochMilliseconds);
  } catch {
    // A day such as 30 February; refused below.
  }
  throw new Refusal('date.invalid', `"${text.slice(0, 40)}" is no date.`, [
    { path, message: 'must be a day such as "2027-03-01" or an instant such as "2027-03-01T00:00:00Z"' },
  ]);
}

/**
 * The end, 24:00, of a day that a person named.
 * @param path the input's name, for the refusal `date.invalid`
 */
export function readDayEnd(path: string, text: string, timeZone: string): Date {
  return endOfDay(zoned(readMoment(path, text, timeZone), timeZone).toPlainDate(), timeZone);
}

/** The calendar day, `YYYY-MM-DD`, in which a moment lies. */
export function dayOf(at: Date, timeZone: string): string {
  return zoned(at, timeZone).toPlainDate().toString();
}

/** The calendar day, `YYYY-MM-DD`, that ends at a moment (deadlines end at 24:00). */
export function lastDayOf(end: Date, timeZone: string): string {
  return dayOf(new Date(end.getTime() - 1), timeZone);
}

function defaultEffective(earliest: Date, facts: DatesFacts, { noticePeriodDays, timeZone }: ClockSettings): Date {
  const period = facts.material && !facts.first && noticePeriodDays > 0;
  if (!period) return earliest;
  const day = zoned(earliest, timeZone).toPlainDate();
  const midnight = dateOf(startOfDay(day, timeZone));
  return midnight >= earliest ? midnight : dateOf(startOfDay(day.add({ days: 1 }), timeZone));
}

/** A day begins at its 00:00, today at the moment of publishing: it cannot have been in force before. */
function startOf(path: string, text: string, publishedAt: Date, timeZone: string): Date {
  const at = readMoment(path, text, timeZone);
  return kindOf(text) === 'day' && text === dayOf(publishedAt, timeZone) ? publishedAt : at;
}

function deadlineOf(text: string | undefined, facts: DatesFacts, settings: ClockSettings): Date | null {
  const { timeZone, objectionDays } = settings;
  if (text === undefined) {
    if (!facts.material || facts.first) return null;
    const day = zoned(facts.toldAt, timeZone).toPlainDate();
    return endOfDay(day.add({ days: objectionDays }), timeZone);
  }
  const at = readMoment('objectionDeadline', text, timeZone);
  // An instant counts to the end of its day; exactly midnight is the end of the day before, so that a
  // deadline read from the service can be sent back to it.
  const day = kindOf(text) === 'day' ? text : lastDayOf(at, timeZone);
  const deadline = endOfDay(Temporal.PlainDate.from(day), timeZone);
  if (deadline <= facts.toldAt) {
    throw new Refusal('date.in-past', `The objection deadline (${day}) is over before anybody is told.`, [
      { path: 'objectionDeadline', message: `must be ${dayOf(facts.toldAt, timeZone)} or later` },
    ]);
  }
  return deadline;
}

function tooEarly(effectiveAt: Date, earliest: Date, facts: DatesFacts, settings: ClockSettings): Refusal {
  const { timeZone, noticePeriodDays } = settings;
  const behindAnnounced = earliest === facts.notBefore;
  if (!behindAnnounced && (facts.first || !facts.material)) {
    return new Refusal('date.in-past', 'The effective date lies before the publication.', [
      { path: 'effectiveAt', message: 'must not be in the past; leave it out to take effect at once' },
    ]);
  }
  const firstDay = dayOf(defaultEffective(earliest, facts, settings), timeZone);
  const why = behindAnnounced
    ? 'a version that is announced already, and whose changes this one contains, takes effect only then'
    : `material changes take effect ${noticePeriodDays} days after they are announced at the earliest${because(facts, settings)}`;
  return new Refusal(
    'date.too-early',
    `The effective date ${dayOf(effectiveAt, timeZone)} is too early: the earliest is ${firstDay}, since ${why}.`,
    [
      {
        path: 'effectiveAt',
        message: `must be ${firstDay} or later; an earlier date needs "emergency": true and a "reason"`,
      },
    ],
  );
}

function because({ publishedAt, toldAt }: DatesFacts, { noticeGroup, noticePeriodDays }: ClockSettings): string {
  const group = noticeGroup ? `, as the notice group "${noticeGroup}" is owed ${noticePeriodDays} days` : '';
  return toldAt > publishedAt ? `${group} (the mail goes at ${toldAt.toISOString()})` : group;
}

function kindOf(text: string): 'day' | 'local' | 'instant' | null {
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) return 'day';
  const match = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?$/.exec(text);
  if (match === null) return null;
  return match[1] === undefined ? 'local' : 'instant';
}

function addDays(at: Date, days: number, timeZone: string): Date {
  return dateOf(zoned(at, timeZone).add({ days }));
}

function endOfDay(day: Temporal.PlainDate, timeZone: string): Date {
  return dateOf(startOfDay(day.add({ days: 1 }), timeZone));
}

/** Not simply 00:00: where the clock jumps at midnight, a day begins at 01:00. */
function startOfDay(day: Temporal.PlainDate, timeZone: string): Temporal.ZonedDateTime {
  return day.toZonedDateTime(timeZone).startOfDay();
}

function zoned(at: Date, timeZone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(at.getTime()).toZonedDateTimeISO(timeZone);
}

function dateOf(moment: Temporal.ZonedDateTime): Date {
  return new Date(moment.epochMilliseconds);
}
