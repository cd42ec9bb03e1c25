import { headingWords, matchHeading, subProcessorHeadings } from './headings.js';
import { type Cell, emptyCell, type SourceTable } from './tables.js';
import { most } from './unreadable.js';

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
  const places = new Map([['name', 0]]);
  const columnAt = (name: string) => {
    const match = matchHeading(name, subProcessorHeadings);
    // "Purpose: …" below a bullet says what words behind its name say.
    const key =
      match?.exact && (match.target === 'name' || match.target === 'purposes') ? match.target : headingWords(name);
    const place = places.get(key) ?? (columns.length < most.columns ? columns.push(name) - 1 : 0);
    places.set(key, place);
    return place;
  };
  const rows = filled.map(({ line, head, lines }) => {
    const parts: Cell[][] = [];
    const put = (column: string, cell: Cell) => {
      if (cell.text === '' && cell.links.length === 0) return;
      const at = columnAt(column);
      parts[at] ??= [];
      parts[at].push(cell);
    };
    const { name, rest } = namePart(head);
    put('name', name);
    if (rest !== null) put('purposes', rest);
    for (const one of lines) {
      const labelled = labelOf(one);
      if (labelled === null) put('purposes', one);
      else put(labelled.label, labelled.value);
    }
    return { line, cells: Array.from(parts, (cells) => (cells === undefined ? emptyCell : joined(cells))) };
  });
  return {
    columns,
    rows: rows.map(({ line, cells }) => ({ line, cells: columns.map((_, at) => cells[at] ?? emptyCell) })),
  };
}

function joined(cells: readonly Cell[]): Cell {
  const [first] = cells;
  if (first !== undefined && cells.length === 1) return first;
  const items = cells.flatMap(membersOf);
  return { text: items.join('\n'), items, links: cells.flatMap(({ links }) => links), strong: first?.strong ?? null };
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
