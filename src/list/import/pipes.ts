/*
 * PURE. Rows whose cells are parted by "|".
 */

/** `---|:---:|`: parts the column headings from the rows. Null for any other line; else how many columns. */
export function ruleWidth(line: string): number | null {
  const text = line.trim().replace(/^\||\|$/g, '');
  if (!/^[\s|:-]+$/.test(text) || !text.includes('-')) return null;
  const parts = text.split('|');
  return parts.every((part) => /^\s*:?-+:?\s*$/.test(part)) ? parts.length : null;
}

/** Whether a line has a separator at all. */
export function hasPipe(line: string): boolean {
  return /(?<!\\)\|/.test(line);
}

/**
 * The cells of a row, trimmed. Where a row has more than there are columns, separators that stand between two
 * letters without a blank are taken for a part of the text ("linkedin|5-l9LKSrox"), if just so many are too many.
 * @param columns how many the table has
 */
export function cellsOfRow(line: string, columns: number): string[] {
  const text = line
    .trim()
    .replace(/^\|/, '')
    .replace(/(?<!\\)\|$/, '');
  const parts = text.split(/(?<!\\)\|/);
  const surplus = parts.length - columns;
  const joints = parts.flatMap((part, at) => (/\S$/.test(part) && /^\S/.test(parts[at + 1] ?? '') ? [at] : []));
  const cells = surplus > 0 && joints.length === surplus ? join(parts, new Set(joints)) : parts;
  return cells.map((cell) => cell.replaceAll('\\|', '|').trim());
}

/** The parts, with those at `joints` joined to the next one. */
function join(parts: readonly string[], joints: ReadonlySet<number>): string[] {
  const cells: string[] = [];
  for (const [at, part] of parts.entries()) {
    if (at > 0 && joints.has(at - 1)) cells[cells.length - 1] = `${cells.at(-1) ?? ''}|${part}`;
    else cells.push(part);
  }
  return cells;
}
