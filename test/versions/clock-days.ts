import { dayOf, lastDayOf, readMoment, settleDates } from '../../src/versions/clock.js';

/*
 * What the clock makes of days around the changes of the clocks, printed. Run by clock.test.ts in processes
 * with another zone of their own each: all must print the same.
 */

const cases = [
  { timeZone: 'Europe/Brussels', day: '2027-03-28' },
  { timeZone: 'Europe/Brussels', day: '2027-10-31' },
  { timeZone: 'Pacific/Auckland', day: '2027-04-04' },
  { timeZone: 'Pacific/Auckland', day: '2027-09-26' },
];

const rows = cases.map(({ timeZone, day }) => {
  const publishedAt = new Date('2027-01-15T09:30:00Z');
  const facts = { publishedAt, toldAt: publishedAt, first: false, material: true, notBefore: null };
  const { effectiveAt, objectionDeadline } = settleDates({ effectiveAt: day, objectionDeadline: day }, facts, {
    timeZone,
    noticePeriodDays: 30,
    objectionDays: 30,
  });
  return {
    timeZone,
    day,
    effectiveAt: effectiveAt.toISOString(),
    effectiveDay: dayOf(effectiveAt, timeZone),
    deadline: objectionDeadline?.toISOString(),
    lastDay: objectionDeadline === null ? null : lastDayOf(objectionDeadline, timeZone),
    halfPastTwo: readMoment('publishAt', `${day}T02:30`, timeZone).toISOString(),
  };
});

process.stdout.write(JSON.stringify(rows));
