/*
 * Calendar days worked out by Intl and arithmetic alone, to be compared with what the service says.
 */

/** A calendar day, `YYYY-MM-DD`. */
export type Day = string;

const hour = 60 * 60 * 1000;
const months = [
  ...['January', 'February', 'March', 'April', 'May', 'June', 'July'],
  ...['August', 'September', 'October', 'November', 'December'],
];

export function addDays(day: Day, days: number): Day {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * 24 * hour).toISOString().slice(0, 10);
}

export function firstSunday(year: number, month: number): Day {
  const first = new Date(Date.UTC(year, month - 1, 1));
  return addDays(first.toISOString().slice(0, 10), (7 - first.getUTCDay()) % 7);
}

export function lastSunday(year: number, month: number): Day {
  return addDays(firstSunday(year, month + 1), -7);
}

/** When a day begins in a zone: the instant that its clocks show as 00:00 of that day. */
export function startOf(day: Day, timeZone: string): Date {
  for (let offset = -12 * hour; offset <= 14 * hour; offset += hour / 4) {
    const at = new Date(Date.parse(`${day}T00:00:00Z`) - offset);
    if (clockOf(at, timeZone) === `${day} 00:00`) return at;
  }
  throw new Error(`${day} does not begin at 00:00 in ${timeZone}`);
}

/** When a day ends in a zone, at its 24:00. */
export function endOf(day: Day, timeZone: string): Date {
  return startOf(addDays(day, 1), timeZone);
}

/** The day in which an instant lies. */
export function dayOf(at: Date, timeZone: string): Day {
  return clockOf(at, timeZone).slice(0, 10);
}

/** The day that ends at an instant. */
export function lastDayOf(end: Date, timeZone: string): Day {
  return dayOf(new Date(end.getTime() - 1), timeZone);
}

/** As English texts of the service write it. */
export function inWords(day: Day): string {
  const [year = '', month = '', date = ''] = day.split('-');
  return `${Number(date)} ${months[Number(month) - 1]} ${year}`;
}

/** Every day that a text names, once each, in order. */
export function daysIn(text: string): Day[] {
  const found = text.matchAll(new RegExp(`\\b(\\d{1,2}) (${months.join('|')}) (\\d{4})\\b`, 'g'));
  const days = [...found].map(
    ([, date = '', month = '', year]) =>
      `${year}-${String(months.indexOf(month) + 1).padStart(2, '0')}-${date.padStart(2, '0')}`,
  );
  return [...new Set(days)].sort();
}

/** `YYYY-MM-DD HH:MM` on the clocks of a zone. */
function clockOf(at: Date, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  }).formatToParts(at);
  const of = (type: Intl.DateTimeFormatPartTypes) => parts.find((part) => part.type === type)?.value ?? '';
  return `${of('year')}-${of('month')}-${of('day')} ${of('hour')}:${of('minute')}`;
}
