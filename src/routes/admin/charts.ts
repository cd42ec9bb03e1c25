import { type Html, html, joinHtml, trusted } from '../html.js';

/*
 * Pictures of figures as SVG. They are stretched to whatever width there is, so they hold no text: scale
 * and legend are HTML around them, and the numbers stand in a table. Each series has a look of its own (a
 * pattern or a dashed line, in console.css) beside its colour.
 */

const width = 600;
const height = 200;

export interface Series {
  name: string;
  /** Which of the looks 1 to 4. */
  look: number;
  /** One for each period. */
  values: readonly number[];
}

export interface Chart {
  /** Unique on the page. */
  id: string;
  title: string;
  /** What it shows, in a sentence, for whoever does not see it. */
  description: string;
  /** The names of the periods, shown where the pointer rests. */
  periods: readonly string[];
}

/** A chart, and the numbers along its upright axis from the top down. */
export interface Drawn {
  picture: Html;
  ticks: number[];
}

/** Columns, one a period, with the series upon each other. */
export function stackedColumns(chart: Chart, series: readonly Series[]): Drawn {
  const totals = chart.periods.map((_, place) => sumAt(series, place));
  const top = roundTop(Math.max(0, ...totals));
  const columns = chart.periods.map((period, place) => {
    let below = 0;
    const parts = series.map(({ look, values }) => {
      const value = values[place] ?? 0;
      below += value;
      return column(chart, look, place, { from: height - (below / top) * height, tall: (value / top) * height });
    });
    return group(period, series, place, parts);
  });
  return { picture: picture(chart, series, [grid([0, 0.5, 1]), ...columns]), ticks: [top, top / 2, 0] };
}

/** Columns to both sides of a line: what came above, what went below. */
export function opposedColumns(chart: Chart, up: Series, down: readonly Series[]): Drawn {
  const losses = chart.periods.map((_, place) => sumAt(down, place));
  const top = roundTop(Math.max(0, ...up.values, ...losses));
  const middle = height / 2;
  const columns = chart.periods.map((period, place) => {
    const tallUp = ((up.values[place] ?? 0) / top) * middle;
    const above = column(chart, up.look, place, { from: middle - tallUp, tall: tallUp });
    let below = middle;
    const parts = down.map(({ look, values }) => {
      const tall = ((values[place] ?? 0) / top) * middle;
      below += tall;
      return column(chart, look, place, { from: below - tall, tall });
    });
    return group(period, [up, ...down], place, [above, ...parts]);
  });
  return { picture: picture(chart, [up, ...down], [grid([0, 0.5, 1]), ...columns]), ticks: [top, 0, -top] };
}

/** A line for each series, from period to period. */
export function lines(chart: Chart, series: readonly Series[]): Drawn {
  const top = roundTop(Math.max(0, ...series.flatMap(({ values }) => values)));
  const count = chart.periods.length;
  const drawn = series.map(({ look, values }) => {
    // One period alone is a line as well.
    const shown = count === 1 ? [...values, ...values] : values;
    const points = shown.map((value, place) => {
      const x = (place / Math.max(1, shown.length - 1)) * width;
      return `${round(x)},${round(height - (value / top) * height)}`;
    });
    return html`<polyline class="chart-line chart-line-${look}" points="${points.join(' ')}"/>`;
  });
  // Wide and without a look, so that the pointer finds each period.
  const spans = chart.periods.map((period, place) =>
    group(period, series, place, [
      html`<rect class="chart-span" x="${round((place / count) * width)}" y="0" width="${round(width / count)}" height="${height}"/>`,
    ]),
  );
  return { picture: picture(chart, [], [grid([0, 0.5, 1]), ...drawn, ...spans]), ticks: [top, top / 2, 0] };
}

/** The sample of a look, for the legend. */
export function swatch(kind: 'column' | 'line', chartId: string, look: number): Html {
  const shape =
    kind === 'line'
      ? html`<line class="chart-line chart-line-${look}" x1="0" y1="7" x2="28" y2="7"/>`
      : html`<rect class="chart-column" fill="url(#${chartId}-look-${look})" width="28" height="14"/>`;
  return html`<svg class="chart-swatch" viewBox="0 0 28 14" width="28" height="14" aria-hidden="true">${shape}</svg>`;
}

function picture(chart: Chart, series: readonly Series[], parts: readonly Html[]): Html {
  const { id, title, description } = chart;
  return html`<svg class="chart-picture" viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img" aria-labelledby="${id}-title ${id}-desc"><title id="${id}-title">${title}</title><desc id="${id}-desc">${description}</desc><defs>${joinHtml(series.map(({ look }) => pattern(id, look)))}</defs>${joinHtml(parts)}</svg>`;
}

/** Plain, lines that rise, dots, lines that fall. */
function pattern(id: string, look: number): Html {
  const marks = [
    trusted(''),
    trusted('<path d="M-2,2 l4,-4 M0,8 l8,-8 M6,10 l4,-4"/>'),
    trusted('<circle cx="2" cy="2" r="1.2"/><circle cx="6" cy="6" r="1.2"/>'),
    trusted('<path d="M-2,6 l4,4 M0,0 l8,8 M6,-2 l4,4"/>'),
  ];
  return html`<pattern id="${id}-look-${look}" class="chart-look chart-look-${look}" width="8" height="8" patternUnits="userSpaceOnUse"><rect width="8" height="8"/>${marks[look - 1] ?? trusted('')}</pattern>`;
}

function column(chart: Chart, look: number, place: number, { from, tall }: { from: number; tall: number }): Html {
  if (tall === 0) return html``;
  const step = width / chart.periods.length;
  const gap = Math.min(step * 0.2, 8);
  return html`<rect class="chart-column" fill="url(#${chart.id}-look-${look})" x="${round(place * step + gap / 2)}" y="${round(from)}" width="${round(step - gap)}" height="${round(tall)}"/>`;
}

/** What belongs to a period; where the pointer rests on it, its numbers are shown. */
function group(period: string, series: readonly Series[], place: number, parts: readonly Html[]): Html {
  const numbers = series.map(({ name, values }) => `${name}: ${values[place] ?? 0}`);
  return html`<g><title>${[period, ...numbers].join('\n')}</title>${joinHtml(parts)}</g>`;
}

function grid(places: readonly number[]): Html {
  return joinHtml(
    places.map(
      (place) =>
        html`<line class="chart-grid" x1="0" x2="${width}" y1="${round(place * height)}" y2="${round(place * height)}"/>`,
    ),
  );
}

function sumAt(series: readonly Series[], place: number): number {
  return series.reduce((sum, { values }) => sum + (values[place] ?? 0), 0);
}

/** The next even number that reads well: 2, 4, 6, 8 or 10 times a power of ten. */
function roundTop(most: number): number {
  if (most <= 2) return 2;
  const power = 10 ** Math.floor(Math.log10(most));
  return ([2, 4, 6, 8].find((digit) => digit * power >= most) ?? 10) * power;
}

function round(number: number): string {
  return String(Math.round(number * 100) / 100);
}
