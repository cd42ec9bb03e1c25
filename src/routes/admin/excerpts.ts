import type { Fault } from '../../errors.js';

/** Some lines of a text around a fault. */
export interface Excerpt {
  from: number;
  lines: { number: number; text: string; fault: boolean }[];
}

const context = 2;
const mostLines = 20;
const longestLine = 200;

/** PURE. The lines at fault with their neighbours; what overlaps becomes one excerpt. */
export function excerptsOf(source: string, faults: readonly Fault[]): Excerpt[] {
  const texts = source.split('\n');
  const atFault = [...new Set(faults.flatMap(({ line }) => (line === undefined ? [] : [line])))]
    .filter((line) => line >= 1 && line <= texts.length)
    .sort((a, b) => a - b)
    .slice(0, mostLines);
  const excerpts: Excerpt[] = [];
  for (const line of atFault) {
    const last = excerpts.at(-1)?.lines.at(-1)?.number ?? 0;
    const from = Math.max(1, line - context, last + 1);
    const numbers = Array.from(
      { length: Math.min(texts.length, line + context) - from + 1 },
      (_, index) => from + index,
    );
    const lines = numbers.map((number) => ({ number, text: shorten(texts[number - 1] ?? ''), fault: false }));
    const current = excerpts.at(-1);
    if (current !== undefined && line - context <= last + 1) current.lines.push(...lines);
    else excerpts.push({ from, lines });
  }
  for (const line of excerpts.flatMap((excerpt) => excerpt.lines)) line.fault = atFault.includes(line.number);
  return excerpts;
}

function shorten(text: string): string {
  return text.length > longestLine ? `${text.slice(0, longestLine)}…` : text;
}
