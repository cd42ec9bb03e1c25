import { parse, parseFragment, type DefaultTreeAdapterTypes as Tree } from 'parse5';
import { rowsOfBullets } from './bullets.js';
import { type Block, type Page, pageOf } from './flow.js';
import { emptyGridCell, type GridCell, type GridRow, gridCell } from './grid.js';
import { asWritten, attribute, cellOf, cellOfNodes, isUnread, type Resolve } from './html-cell.js';
import { oneLine } from './tables.js';

/*
 * PURE. A page as a browser saved it, or a part of one: its tables in their order, headings above them,
 * merged cells taken apart. Where a page has no table, its lists are read as one.
 */

/** Where an element came from, on HTML that was made from another text. */
export const lineAttribute = 'data-source-line';

const mostColumns = 100;
const mostSpan = 1_000;

/** Reads a page or a piece of HTML. */
export function readHtml(text: string): Page {
  const document = parse(text, { sourceCodeLocationInfo: true });
  return pageOf(blocksOf(document, resolverOf(text, document)), headTitle(document));
}

/**
 * Reads HTML that was made from another text, whose lines it states by `lineAttribute`.
 * @param title of the text, where it has no heading
 */
export function readMadeHtml(html: string, title: string | null): Page {
  return pageOf(blocksOf(parseFragment(html), asWritten), title);
}

/** The parts of a page or of a piece of one. */
function blocksOf(root: Tree.ParentNode, resolve: Resolve): Block[] {
  const hasTable = find(root, (element) => isTable(element)) !== null;
  const walk: Walk = { blocks: [], inline: [], line: 1, resolve, readLists: !hasTable };
  for (const child of root.childNodes) visit(child, walk);
  endParagraph(walk);
  return walk.blocks;
}

interface Walk {
  blocks: Block[];
  /** Neighbours that make up one paragraph. */
  inline: Tree.ChildNode[];
  line: number;
  resolve: Resolve;
  readLists: boolean;
}

const inlineTags: ReadonlySet<string> = new Set(
  'a abbr b bdi bdo br cite code del em font i ins kbd label mark q s samp small span strong sub sup time u var img wbr'.split(
    ' ',
  ),
);
/** Furniture of a site: its lists are menus. */
const furniture: ReadonlySet<string> = new Set(['nav', 'header', 'footer', 'aside', 'form']);

function visit(node: Tree.ChildNode, walk: Walk): void {
  if (!('tagName' in node)) {
    if (node.nodeName === '#text') walk.inline.push(node);
    return;
  }
  const { tagName } = node;
  if (isUnread(tagName)) return;
  if (inlineTags.has(tagName) && find(node, isBlock) === null) {
    if (walk.inline.length === 0) walk.line = lineOf(node) ?? walk.line;
    walk.inline.push(node);
    return;
  }
  endParagraph(walk);
  walk.line = lineOf(node) ?? walk.line;
  const heading = headingLevel(node);
  if (heading !== null) {
    const text = oneLine(cellOf(node, walk.resolve).text);
    if (text !== '') walk.blocks.push({ kind: 'heading', level: heading, text, line: walk.line });
    return;
  }
  if (isTable(node) && !isLayout(node)) {
    walk.blocks.push(tableBlock(node, walk));
    return;
  }
  if ((tagName === 'ul' || tagName === 'ol') && walk.readLists) {
    const items = elementsOf(node).filter((child) => child.tagName === 'li');
    const bullets = items.map((item) => ({
      line: lineOf(item) ?? walk.line,
      head: cellOfNodes(
        item.childNodes.filter((child) => !isList(child)),
        walk.resolve,
      ),
      lines: elementsOf(item)
        .filter(isList)
        .flatMap((list) => elementsOf(list).map((one) => cellOf(one, walk.resolve))),
    }));
    const table = rowsOfBullets(bullets);
    if (table !== null) walk.blocks.push({ kind: 'rows', table, line: walk.line });
    return;
  }
  const inner = furniture.has(tagName) ? { ...walk, readLists: false } : walk;
  for (const child of 'content' in node ? [] : node.childNodes) visit(child, inner);
  endParagraph(inner);
}

function endParagraph(walk: Walk): void {
  const { text, strong } = cellOfNodes(walk.inline, walk.resolve);
  const [only, ...more] = walk.inline.filter(
    (node) => node.nodeName !== '#text' || ('value' in node && node.value.trim() !== ''),
  );
  walk.inline.splice(0);
  if (text === '') return;
  const isBold = strong === null && more.length === 0 && (only?.nodeName === 'strong' || only?.nodeName === 'b');
  if (isBold) walk.blocks.push({ kind: 'heading', level: 7, text: oneLine(text), line: walk.line });
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

/** A table that only places things: it holds another one, or has one cell. */
function isLayout(table: Tree.Element): boolean {
  if (attribute(table, 'role') === 'presentation') return true;
  const inner = table.childNodes.some(
    (child) => 'tagName' in child && find(child, (one) => isTable(one) && !isEmpty(one)) !== null,
  );
  return inner || (rowsOf(table).length <= 1 && rowsOf(table).flatMap(cellsOf).length <= 1);
}

function isEmpty(element: Tree.Element): boolean {
  return rowsOf(element).length === 0;
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
        if (cell === undefined || cell.rows <= 0 || cells.length >= mostColumns) return;
        cell.rows--;
        cells.push(cell);
      }
    };
    for (const element of cellsOf(row)) {
      fromAbove();
      if (cells.length >= mostColumns) break;
      const span = Math.min(spanOf(element, 'colspan'), mostColumns - cells.length);
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
