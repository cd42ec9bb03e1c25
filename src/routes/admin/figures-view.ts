import { Temporal } from 'temporal-polyfill';
import { type DeliveryPeriod, lastingStates } from '../../deliveries/figures.js';
import type { SubscriberPeriod } from '../../subscribers/figures.js';
import type { Texts } from '../../texts.js';
import { type Chart, type Drawn, lines, opposedColumns, type Series, stackedColumns, swatch } from './charts.js';

export const ranges = ['30-days', '90-days', '1-year', 'all'] as const;
export type Range = (typeof ranges)[number];
export type Unit = 'day' | 'week' | 'month' | 'year';

/** How many years are still shown month by month. */
const yearsByMonth = 3;

/**
 * The days of a range, and how large its periods are.
 * @param first the first day of which anything is known; null: none
 * @returns `since`: the first day of the first period, as weeks and months are shown whole
 */
export function spanOf(range: Range, today: string, first: string | null): { since: string; unit: Unit } {
  const end = Temporal.PlainDate.from(today);
  if (range === '30-days') return { since: end.subtract({ days: 29 }).toString(), unit: 'day' };
  if (range === '90-days') return { since: startOf('week', end.subtract({ days: 89 })).toString(), unit: 'week' };
  if (range === '1-year') return { since: startOf('month', end.subtract({ months: 11 })).toString(), unit: 'month' };
  const begin = Temporal.PlainDate.from(first ?? today);
  const unit = begin.until(end, { largestUnit: 'years' }).years < yearsByMonth ? 'month' : 'year';
  return { since: startOf(unit, begin).toString(), unit };
}

/** The first days of all periods from `since` to today. */
function periodsOf({ since, unit }: { since: string; unit: Unit }, today: string): string[] {
  const days: string[] = [];
  let day = startOf(unit, Temporal.PlainDate.from(since));
  while (Temporal.PlainDate.compare(day, today) <= 0) {
    days.push(day.toString());
    day = day.add({ [`${unit}s`]: 1 });
  }
  return days;
}

function startOf(unit: Unit, day: Temporal.PlainDate): Temporal.PlainDate {
  if (unit === 'week') return day.subtract({ days: day.dayOfWeek - 1 });
  if (unit === 'month') return day.with({ day: 1 });
  return unit === 'year' ? day.with({ month: 1, day: 1 }) : day;
}

interface Span {
  since: string;
  unit: Unit;
  today: string;
}

/** A picture with its scale, legend and table. */
interface Panel {
  id: string;
  title: string;
  picture: Drawn['picture'];
  ticks: string[];
  /** The first, middle and last period, along the level axis. */
  along: string[];
  legend: { sample: ReturnType<typeof swatch>; name: string }[];
  heads: string[];
  rows: { name: string; cells: string[] }[];
}

const statuses = ['confirmed', 'pending', 'unsubscribed', 'suppressed'] as const;
const losses = ['lostUnsubscribed', 'lostSuppressed', 'lostErased'] as const;

/** How many people there are, and who came and went. */
export function subscriberPanels(known: readonly SubscriberPeriod[], span: Span, texts: Texts): Panel[] {
  const days = periodsOf(span, span.today);
  const byDay = new Map(known.map((period) => [period.day, period]));
  let before: SubscriberPeriod | null = null;
  const periods = days.map((day) => {
    const found = byDay.get(day);
    if (found !== undefined) before = found;
    const stock: SubscriberPeriod | null = found ?? before;
    return { found, stock };
  });
  const t = (key: string, values?: Record<string, string | number>) => texts.t(`figures.${key}`, values);
  const stock = statuses.map((status, place) => ({
    name: t(`statuses.${status}`),
    look: place + 1,
    values: periods.map((period) => period.stock?.[status] ?? 0),
  }));
  const flow = (key: 'gained' | (typeof losses)[number], look: number) => ({
    name: t(key),
    look,
    values: periods.map(({ found }) => found?.[key] ?? 0),
  });
  const gained = flow('gained', 1);
  const lost = losses.map((key, place) => flow(key, place + 2));
  const common = { days, unit: span.unit, texts };
  const last = (values: readonly number[]) => values.at(-1) ?? 0;
  return [
    panel({
      ...common,
      id: 'stock',
      description: t('stock.description', { now: last(stock[0]?.values ?? []), before: stock[0]?.values[0] ?? 0 }),
      series: stock,
      kind: 'line',
      draw: (chart) => lines(chart, stock),
    }),
    panel({
      ...common,
      id: 'flow',
      description: t('flow.description', {
        gained: sum(gained),
        lost: lost.reduce((total, one) => total + sum(one), 0),
      }),
      series: [gained, ...lost],
      kind: 'column',
      draw: (chart) => opposedColumns(chart, gained, lost),
    }),
  ];
}

/** What became of mails. */
export function deliveryPanel(known: readonly DeliveryPeriod[], span: Span, texts: Texts): Panel {
  const days = periodsOf(span, span.today);
  const byDay = new Map(known.map((period) => [period.day, period]));
  const series = lastingStates.map((state, place) => ({
    name: texts.t(`figures.states.${state}`),
    look: place + 1,
    values: days.map((day) => byDay.get(day)?.[state] ?? 0),
  }));
  const [sent] = series;
  const others = series.slice(1).reduce((total, one) => total + sum(one), 0);
  return panel({
    days,
    unit: span.unit,
    texts,
    id: 'deliveries',
    description: texts.t('figures.deliveries.description', { sent: sent === undefined ? 0 : sum(sent), others }),
    series,
    kind: 'column',
    draw: (chart) => stackedColumns(chart, series),
  });
}

function panel(of: {
  id: string;
  description: string;
  days: readonly string[];
  unit: Unit;
  texts: Texts;
  series: readonly Series[];
  kind: 'line' | 'column';
  draw: (chart: Chart) => Drawn;
}): Panel {
  const { id, description, days, unit, texts, series, kind, draw } = of;
  const title = texts.t(`figures.${id}.title`);
  const periods = days.map((day) => periodName(day, unit, texts));
  const { picture, ticks } = draw({ id, title, description, periods });
  const middle = Math.floor((days.length - 1) / 2);
  const places = days.length < 3 ? [...days.keys()] : [0, middle, days.length - 1];
  return {
    id,
    title,
    picture,
    ticks: ticks.map((tick) => texts.number(Math.abs(tick))),
    along: places.map((place) => axisName(days[place] ?? '', unit, texts)),
    legend: series.map(({ look, name }) => ({ sample: swatch(kind, id, look), name })),
    heads: [texts.t(`figures.units.${unit}`), ...series.map(({ name }) => name)],
    rows: periods
      .map((name, place) => ({ name, cells: series.map(({ values }) => texts.number(values[place] ?? 0)) }))
      .reverse(),
  };
}

function sum({ values }: Series): number {
  return values.reduce((total, value) => total + value, 0);
}

function periodName(day: string, unit: Unit, texts: Texts): string {
  if (unit === 'week') return texts.t('figures.weekOf', { day: dayName(day, { dateStyle: 'long' }, texts) });
  if (unit === 'day') return dayName(day, { dateStyle: 'long' }, texts);
  return dayName(day, unit === 'year' ? { year: 'numeric' } : { month: 'long', year: 'numeric' }, texts);
}

function axisName(day: string, unit: Unit, texts: Texts): string {
  if (unit === 'year') return dayName(day, { year: 'numeric' }, texts);
  if (unit === 'month') return dayName(day, { month: 'short', year: 'numeric' }, texts);
  return dayName(day, { day: 'numeric', month: 'short' }, texts);
}

/** A calendar day that was told apart already: no zone touches it again. */
function dayName(day: string, format: Intl.DateTimeFormatOptions, texts: Texts): string {
  const locale = texts.locale === 'en' ? 'en-GB' : texts.locale;
  return new Intl.DateTimeFormat(locale, { ...format, timeZone: 'UTC' }).format(new Date(`${day}T00:00:00Z`));
}
