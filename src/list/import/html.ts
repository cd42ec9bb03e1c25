import { parse, parseFragment, type DefaultTreeAdapterTypes as Tree } from 'parse5';
import { type Bullet, rowsOfBullets } from './bullets.js';
import { type Block, type Page, pageOf } from './flow.js';
import { emptyGridCell, type GridCell, type GridRow, gridCell } from './grid.js';
import { asWritten, attribute, cellOf, cellOfNodes, countingAdapter, isUnread, type Resolve } from './html-cell.js';
import { type Cell, oneLine } from './tables.js';
import { most, unreadable } from './unreadable.js';

/*
 * PURE. A page as a browser saved it, or a part of one: its tables in their order, headings above them,
 * merged cells taken apart. Where a page has no table, its lists are read as one.
 */

/** Where an element came from, on HTML that was made from another text. */
export const lineAttribute = 'data-source-line';

const mostSpan = 1_000;

/** Reads a page or a piece of HTML. Refuses `import.unreadable` for one that is nested too deeply or too large. */
export function readHtml(text: string): Page {
  const document = parse(text, { sourceCodeLocationInfo: true, treeAdapter: countingAdapter() });
  return pageOf(blocksOf(document, resolverOf(text, document)), headTitle(document));
}

/**
 * Reads HTML that was made from another text, whose lines it states by `lineAttribute`.
 * @param title of the text, where it has no heading
 */
export function readMadeHtml(html: string, title: string | null): Page {
  return pageOf(blocksOf(parseFragment(`<div>${html}`, { treeAdapter: countingAdapter() }), asWritten), title);
}

/** The parts of a page or of a piece of one. */
function blocksOf(root: Tree.ParentNode, resolve: Resolve): Block[] {
  const survey: Survey = { blocks: new Set(), tables: new Set(), layouts: new Set() };
  const found = look(root, survey, 0);
  const walk: Walk = { blocks: [], inline: [], line: 1, resolve, survey, readLists: !found.hasTable, isBeside: false };
  for (const child of root.childNodes) visit(child, walk);
  endParagraph(walk);
  return walk.blocks;
}

/** What elements hold, found in one pass. */
interface Survey {
  /** Elements with something in them that is no part of a line. */
  blocks: Set<Tree.ParentNode>;
  /** Elements with a table of facts in them. */
  tables: Set<Tree.ParentNode>;
  /** Tables that only place things. */
  layouts: Set<Tree.ParentNode>;
}

function look(node: Tree.ParentNode, survey: Survey, level: number): { hasBlock: boolean; hasTable: boolean } {
  if (level > most.levels) throw unreadable('too-deep');
  const found = { hasBlock: false, hasTable: false };
  for (const child of node.childNodes) {
    if (!('tagName' in child) || isUnread(child.tagName)) continue;
    const { hasBlock, hasTable } = look(child, survey, level + 1);
    if (hasBlock || isBlock(child)) found.hasBlock = true;
    if (isTable(child)) {
      const rows = rowsOf(child);
      if (isLayout(child, rows, hasTable)) survey.layouts.add(child);
      else if (rows.length > 0) found.hasTable = true;
    }
    if (hasTable) found.hasTable = true;
  }
  if (found.hasBlock) survey.blocks.add(node);
  if (found.hasTable) survey.tables.add(node);
  return found;
}

interface Walk {
  blocks: Block[];
  /** Neighbours that make up one paragraph. */
  inline: Tree.ChildNode[];
  line: number;
  resolve: Resolve;
  survey: Survey;
  readLists: boolean;
  /** Within the furniture of a site. */
  isBeside: boolean;
}

const inlineTags: ReadonlySet<string> = new Set(
  'a abbr b bdi bdo br button cite code del em font i ins kbd label mark q s samp small span strong sub sup time u var img wbr'.split(
    ' ',
  ),
);
/** Furniture of a site, whose lists are menus. A header can hold the title of the page as well. */
const furniture: ReadonlySet<string> = new Set(['nav', 'footer', 'aside']);
const furnitureRoles: ReadonlySet<string> = new Set(['navigation', 'contentinfo', 'search', 'menu', 'menubar']);

function visit(node: Tree.ChildNode, walk: Walk): void {
  if (!('tagName' in node)) {
    if (node.nodeName === '#text') walk.inline.push(node);
    return;
  }
  const { tagName } = node;
  if (isUnread(tagName)) return;
  if (inlineTags.has(tagName) && !walk.survey.blocks.has(node)) {
    if (walk.inline.length === 0) walk.line = lineOf(node) ?? walk.line;
    walk.inline.push(node);
    return;
  }
  endParagraph(walk);
  walk.line = lineOf(node) ?? walk.line;
  const heading = walk.survey.tables.has(node) ? null : headingLevel(node);
  if (heading !== null) {
    const text = oneLine(cellOf(node, walk.resolve).text);
    const kind = walk.isBeside ? 'beside' : 'heading';
    if (text !== '') walk.blocks.push({ kind, level: heading, text, line: walk.line });
    return;
  }
  if (isTable(node) && !walk.survey.layouts.has(node)) {
    walk.blocks.push(tableBlock(node, walk));
    return;
  }
  if (walk.readLists && !walk.isBeside && (isList(node) || tagName === 'dl')) {
    const table = rowsOfBullets(bulletsOf(node, walk));
    if (table !== null) walk.blocks.push({ kind: 'rows', table, line: walk.line });
    return;
  }
  const isBeside = walk.isBeside || furniture.has(tagName) || furnitureRoles.has(attribute(node, 'role') ?? '');
  const inner = { ...walk, isBeside };
  for (const child of node.childNodes) visit(child, inner);
  endParagraph(inner);
}

interface OpenBullet extends Bullet {
  lines: Cell[];
}

/** A bullet for each member of a list, with the lists in it; of a list of terms for each term. */
function bulletsOf(list: Tree.Element, { line, resolve }: Pick<Walk, 'line' | 'resolve'>): OpenBullet[] {
  const bullets: OpenBullet[] = [];
  for (const child of membersOf(list)) {
    const element = 'tagName' in child ? child : null;
    const last = bullets.at(-1);
    if (element?.tagName === 'dd' && last !== undefined) {
      last.lines.push(cellOf(element, resolve));
      continue;
    }
    // Members of a list of terms may stand in a <div> each.
    if (element?.tagName === 'div' && list.tagName === 'dl') {
      bullets.push(...bulletsOf({ ...element, tagName: 'dl' }, { line, resolve }));
      continue;
    }
    const inner = element === null ? [] : elementsOf(element).filter(isList);
    bullets.push({
      line: (element && lineOf(element)) ?? line,
      head: cellOfNodes(element === null ? [child] : element.childNodes.filter((one) => !isList(one)), resolve),
      lines: inner.flatMap((one) => membersOf(one).map((member) => cellOfNodes([member], resolve))),
    });
  }
  return bullets;
}

/** What stands in a list; words outside its members are members as well. */
function membersOf(list: Tree.Element): Tree.ChildNode[] {
  return list.childNodes.filter((one) => 'tagName' in one || ('value' in one && one.value.trim() !== ''));
}

function endParagraph(walk: Walk): void {
  const { text, strong } = cellOfNodes(walk.inline, walk.resolve);
  const [only, ...more] = walk.inline.filter(
    (node) => node.nodeName !== '#text' || ('value' in node && node.value.trim() !== ''),
  );
  walk.inline.splice(0);
  if (text === '') return;
  const isBold = strong === null && more.length === 0 && (only?.nodeName === 'strong' || only?.nodeName === 'b');
  if (walk.isBeside) walk.blocks.push({ kind: 'beside', text, line: walk.line });
  else if (isBold) walk.blocks.push({ kind: 'heading', level: 7, text: oneLine(text), line: walk.line });
  else walk.blocks.push({ kind: 'paragraph', text, line: walk.line });
}

function isBlock(element: Tree.Element): boolean {
  return !inlineTags.has(element.tagName) && !isUnread(element.tagName);
}

function headingLevel(element: Tree.Element): number | null {
  const tag = /^h([1-6])$/.exec(element.tagName)?.[1];
  if (tag !== undefined) return Number(tag);
  if (attribute(element, 'role') === 'heading')
    return Math.min(6, Math.max(1, Number(attribute(element, 'aria-level')) || 2));
  return element.tagName === 'summary' ? 6 : null;
}

function isList(node: Tree.ChildNode): node is Tree.Element {
  return 'tagName' in node && (node.tagName === 'ul' || node.tagName === 'ol');
}

function isTable(element: Tree.Element): boolean {
  return element.tagName === 'table' || ['table', 'grid'].includes(attribute(element, 'role') ?? '');
}

/** A table that only places things: it has one cell, or holds another one and no column headings. */
function isLayout(table: Tree.Element, rows: readonly Tree.Element[], hasTable: boolean): boolean {
  if (attribute(table, 'role') === 'presentation') return true;
  if (hasTable) return rows.every((row) => cellsOf(row).filter((cell) => isHeadingCell(cell, row)).length < 2);
  return rows.length === 0 || (rows.length === 1 && cellsOf(rows[0] ?? table).length <= 1);
}

function tableBlock(table: Tree.Element, { resolve, line }: Walk): Block {
  const caption = elementsOf(table).find(({ tagName }) => tagName === 'caption');
  return {
    kind: 'table',
    caption: caption === undefined ? null : oneLine(cellOf(caption, resolve).text) || null,
    grid: gridOf(table, resolve, line),
    line,
  };
}

/** Rows and columns of a table; a cell over several rows stands in each of them. */
function gridOf(table: Tree.Element, resolve: Resolve, line: number): GridRow[] {
  const below: (GridCell & { rows: number })[] = [];
  return rowsOf(table).map((row): GridRow => {
    const cells: GridCell[] = [];
    const fromAbove = () => {
      for (;;) {
        const cell = below[cells.length];
        if (cell === undefined || cell.rows <= 0 || cells.length >= most.columns) return;
        cell.rows--;
        cells.push(cell);
      }
    };
    for (const element of cellsOf(row)) {
      fromAbove();
      if (cells.length >= most.columns) break;
      const span = Math.min(spanOf(element, 'colspan'), most.columns - cells.length);
      const rows = spanOf(element, 'rowspan') - 1;
      const isHeading = isHeadingCell(element, row);
      const first = gridCell(cellOf(element, resolve), isHeading, span);
      for (let at = 0; at < span; at++) {
        const cell = at === 0 ? first : { ...emptyGridCell, isHeading };
        below[cells.length] = { ...cell, rows };
        cells.push(cell);
      }
    }
    fromAbove();
    return { line: lineOf(row) ?? line, cells };
  });
}

function isHeadingCell(cell: Tree.Element, row: Tree.Element): boolean {
  if (cell.tagName === 'th' || attribute(cell, 'role') === 'columnheader') return attribute(cell, 'scope') !== 'row';
  return row.parentNode?.nodeName === 'thead';
}

function spanOf(cell: Tree.Element, name: string): number {
  const span = Number.parseInt(attribute(cell, name) ?? '1', 10);
  return Number.isInteger(span) && span > 1 ? Math.min(span, mostSpan) : 1;
}

function rowsOf(table: Tree.Element): Tree.Element[] {
  return within(table, (element) => element.tagName === 'tr' || attribute(element, 'role') === 'row');
}

function cellsOf(row: Tree.Element): Tree.Element[] {
  const roles = ['cell', 'gridcell', 'columnheader', 'rowheader'];
  return within(row, ({ tagName, attrs }) => {
    const role = attrs.find(({ name }) => name === 'role')?.value ?? '';
    return tagName === 'td' || tagName === 'th' || roles.includes(role);
  });
}

/** The outermost elements of a kind inside another one, not those of a table within. */
function within(parent: Tree.Element, isWanted: (element: Tree.Element) => boolean): Tree.Element[] {
  return elementsOf(parent).flatMap((child): Tree.Element[] => {
    if (isWanted(child)) return [child];
    return isTable(child) || child.tagName === 'td' || child.tagName === 'th' ? [] : within(child, isWanted);
  });
}

function elementsOf(node: Tree.ParentNode): Tree.Element[] {
  return node.childNodes.filter((child) => 'tagName' in child);
}

function find(node: Tree.ParentNode, isWanted: (element: Tree.Element) => boolean): Tree.Element | null {
  for (const child of elementsOf(node)) {
    const found = isWanted(child) ? child : find(child, isWanted);
    if (found !== null) return found;
  }
  return null;
}

function lineOf(node: Tree.Element): number | null {
  const given = Number(attribute(node, lineAttribute) ?? '');
  return given > 0 ? given : (node.sourceCodeLocation?.startLine ?? null);
}

function headTitle(document: Tree.Document): string | null {
  const title = find(document, ({ tagName }) => tagName === 'title');
  return title === null ? null : oneLine(cellOf(title, () => null).text) || null;
}

/** Links of a saved page lead from where it was: its base, its canonical address, or what the browser noted. */
function resolverOf(text: string, document: Tree.Document): Resolve {
  const base = find(document, ({ tagName }) => tagName === 'base');
  const canonical = find(document, (one) => one.tagName === 'link' && attribute(one, 'rel') === 'canonical');
  const saved = /<!--\s*saved from url=\(\d+\)(\S+)\s*-->/i.exec(text.slice(0, 4_000))?.[1];
  const from = (base && attribute(base, 'href')) ?? (canonical && attribute(canonical, 'href')) ?? saved ?? null;
  return (href) => {
    if (from === null || /^[a-z][a-z0-9+.-]*:/i.test(href)) return href;
    try {
      return new URL(href, from).href;
    } catch {
      return href;
    }
  };
}
