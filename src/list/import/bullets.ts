import { headingWords, matchHeading, subProcessorHeadings } from './headings.js';
import { type Cell, emptyCell, type SourceTable } from './tables.js';

/*
 * PURE. Lists with a bullet for each vendor, as rows: "[Name](link). Purpose.", "**Name**: purpose", names
 * alone, and "Name" with bullets below it that say "Location: …".
 */

export interface Bullet {
  line: number;
  /** What stands at the bullet itself. */
  head: Cell;
  /** The bullets below it. */
  lines: readonly Cell[];
}

/** The list as rows of a table; its columns are called by the fields they are, or as its labels say. */
export function rowsOfBullets(bullets: readonly Bullet[]): Omit<SourceTable, 'headings' | 'caption'> | null {
  const filled = bullets.filter(({ head, lines }) => head.text !== '' || head.links.length > 0 || lines.length > 0);
  if (filled.length === 0) return null;
  const columns = ['name'];
  const columnAt = (name: string) => {
    const words = headingWords(name);
    const at = columns.findIndex((column) => headingWords(column) === words);
    return at >= 0 ? at : columns.push(name) - 1;
  };
  const rows = filled.map(({ line, head, lines }) => {
    const cells: Cell[] = [];
    const put = (column: string, cell: Cell) => {
      if (cell.text === '' && cell.links.length === 0) return;
      const at = columnAt(column);
      cells[at] = cells[at] === undefined ? cell : joined(cells[at], cell);
    };
    const { name, rest } = namePart(head);
    put('name', name);
    if (rest !== null) put('purposes', rest);
    for (const one of lines) {
      const labelled = labelOf(one);
      if (labelled === null) put('purposes', one);
      else put(labelled.label, labelled.value);
    }
    return { line, cells };
  });
  const width = columns.length;
  return {
    columns,
    rows: rows.map(({ line, cells }) => ({
      line,
      cells: Array.from({ length: width }, (_, at) => cells[at] ?? emptyCell),
    })),
  };
}

function joined(first: Cell, second: Cell): Cell {
  const items = [...membersOf(first), ...membersOf(second)];
  return { text: items.join('\n'), items, links: [...first.links, ...second.links], strong: first.strong };
}

function membersOf({ text, items }: Cell): readonly string[] {
  return items.length > 0 ? items : [text];
}

/** The name at a bullet's beginning, and what is said of it. A name may hold a dot: "Customer.io". */
function namePart({ text, items, links, strong }: Cell): { name: Cell; rest: Cell | null } {
  const [first = '', ...more] = items.length > 1 ? items : [text];
  const linked = links.find(({ label }) => label !== '' && first.startsWith(label));
  const marked = strong !== null && first.startsWith(strong) ? withoutEnd(strong) : null;
  const parted = /^(.{1,120}?)(?:\s*:\s+|\s+[–—-]\s+)\S/.exec(first)?.[1];
  const name = marked ?? linked?.label ?? parted ?? first;
  const behind = first.slice(name.length).replace(/^[\s:.,;–—-]+/, '');
  const said = [...(behind === '' ? [] : [behind]), ...more];
  // One full stop ends the bullet, not the purpose.
  const rest = said.map((part) => part.replace(/(?<![.])\.$/, ''));
  const own = links.filter(({ label }) => label === name);
  const others = links.filter((link) => !own.includes(link));
  return {
    name: { text: name, items: [], links: rest.length === 0 ? [...links] : own, strong: null },
    rest:
      rest.length === 0
        ? null
        : { text: rest.join('\n'), items: rest.length > 1 ? rest : [], links: others, strong: null },
  };
}

function withoutEnd(text: string): string {
  const end = [...text].findLastIndex((letter) => !/[\s:.–—-]/.test(letter));
  return [...text].slice(0, end + 1).join('');
}

/** "Location: Germany": the label, where it is a heading that is known. */
function labelOf(cell: Cell): { label: string; value: Cell } | null {
  const found = /^([^:\n]{2,50}?)\s*:\s*([\s\S]*)$/.exec(cell.text);
  const [label = '', value = ''] = found?.slice(1) ?? [];
  if (label === '' || matchHeading(label, subProcessorHeadings) === null) return null;
  const items = cell.items.length > 1 ? value.split('\n').filter((line) => line !== '') : [];
  return {
    label,
    value: { text: items.length > 0 ? items.join('\n') : value, items, links: cell.links, strong: null },
  };
}
