import { type Block, isHeadingLine, type Page, pageOf } from './flow.js';
import { type GridRow, gridCell } from './grid.js';
import { cellsOfRow, hasPipe, ruleWidth } from './pipes.js';
import { oneLine, textCell } from './tables.js';
import { most, unreadable } from './unreadable.js';

/*
 * PURE. A page captured as plain text: cells parted by "|", rows that run over several lines where lists in
 * them were lost, headings that are nothing but short lines.
 */

const mostBlocks = 20_000;

interface Line {
  text: string;
  at: number;
}

/**
 * Whether a text with tables is such a capture: its rows end with a separator but do not begin with one, or break
 * off, so that lines hold nothing but a separator.
 */
export function isCapture(text: string): boolean {
  const lines = text.split('\n');
  let inTable = false;
  return lines.some((line, at) => {
    if (line.trim() === '') inTable = false;
    else if ((ruleWidth(line) ?? 0) > 1 && hasPipe(lines[at - 1] ?? '')) {
      inTable = true;
      if (/^[^|].*\|$/.test(line.trim()) && /^[^|].*\|$/.test((lines[at - 1] ?? '').trim())) return true;
    }
    return inTable && line.trim() === '|';
  });
}

/** Reads a captured page. */
export function readText(text: string): Page {
  const lines = text.split('\n').map((line, at): Line => ({ text: line, at: at + 1 }));
  const blocks: Block[] = [];
  let from = 0;
  for (const [at, line] of lines.entries()) {
    const heading = lines[at - 1];
    if (at <= from || ruleWidth(line.text) === null || heading === undefined || !hasPipe(heading.text)) continue;
    const { block, end } = tableAt(lines, at);
    for (const one of proseOf(lines.slice(from, at - 1), firstName(block))) blocks.push(one);
    blocks.push(block);
    if (blocks.length > mostBlocks) throw unreadable('too-large');
    from = end;
  }
  return pageOf([...blocks, ...proseOf(lines.slice(from), null)], null);
}

/** The table whose rule stands at an index, and the index behind its last line. */
function tableAt(lines: readonly Line[], rule: number): { block: Extract<Block, { kind: 'table' }>; end: number } {
  const top = lines[rule - 1];
  const headingText = top?.text ?? '';
  const width = Math.min(
    most.columns,
    Math.max(ruleWidth(lines[rule]?.text ?? '') ?? 1, cellsOfRow(headingText, 0).length),
  );
  const outer = /^\s*\|/.test(headingText);
  const line = top?.at ?? 1;
  const grid = [rowOf(headingText, line, width, true)];
  let end = rule + 1;
  while (end < lines.length) {
    const start = lines[end];
    if (start === undefined || !hasPipe(start.text)) break;
    // Another table begins: its headings, then its rule.
    if (ruleWidth(lines[end + 1]?.text ?? '') !== null) break;
    if (grid.length > most.rows) throw unreadable('too-large');
    const parts = [start.text.trimEnd()];
    let separators = count(start.text);
    let next = end + 1;
    const isComplete = () => {
      const ends = parts.at(-1)?.endsWith('|') ? 1 : 0;
      return separators >= width - 1 + (outer ? 1 : 0) + ends;
    };
    while (!isComplete() && parts.length < width && hasPipe(lines[next]?.text ?? '')) {
      const part = lines[next]?.text.trim() ?? '';
      parts.push(part);
      separators += count(part);
      next++;
    }
    // A row that is merely short swallows its neighbours: then it ends where its line does.
    const isOwn = isComplete() && separators <= width + (outer ? 1 : 0);
    if (!isOwn) next = end + 1;
    const text = isOwn ? parts.join(' ') : start.text;
    grid.push(rowOf(text, start.at, width, false));
    end = next;
  }
  return { block: { kind: 'table', caption: null, grid, line }, end };
}

function count(text: string): number {
  return text.split('|').length - 1;
}

function rowOf(text: string, line: number, width: number, isHeading: boolean): GridRow {
  return { line, cells: cellsOfRow(text, width).map((cell) => gridCell(textCell(cell), isHeading)) };
}

/** The name that the first row begins with, as far as a line above may repeat it. */
function firstName({ grid }: Extract<Block, { kind: 'table' }>): string | null {
  const [, row] = grid;
  const text = row?.cells[0]?.text ?? '';
  return text.length < 3 ? null : (/^\S+(?:\s\S+)?/.exec(text)?.[0] ?? null);
}

/** @param name of the first row below: a summary line repeats it behind the heading ("Storage 2 Amazon.com, Inc. …") */
function proseOf(lines: readonly Line[], name: string | null): Block[] {
  const filled = lines.filter(({ text }) => text.trim() !== '');
  return filled.flatMap(({ text, at }, index): Block[] => {
    const line = oneLine(text);
    const parted = index === filled.length - 1 && name !== null ? line.indexOf(` ${name}`) : -1;
    if (parted > 0 && isHeadingLine(line.slice(0, parted))) {
      return [
        { kind: 'heading', level: 2, text: line.slice(0, parted), line: at },
        { kind: 'paragraph', text: line.slice(parted + 1), line: at },
      ];
    }
    if (isHeadingLine(line)) return [{ kind: 'heading', level: index === 0 && at === 1 ? 1 : 2, text: line, line: at }];
    return [{ kind: 'paragraph', text: line, line: at }];
  });
}
