import { defaultTreeAdapter, parseFragment, type DefaultTreeAdapterTypes as Tree } from 'parse5';
import { type Cell, type CellLink, cleanText, linesOf, oneLine, textCell } from './tables.js';
import { most, unreadable } from './unreadable.js';

/*
 * PURE. The text of a piece of HTML as a reader sees it, with its lines, lists, links and what is bold.
 */

/** What a reader does not see, or what is no part of the text. */
const unread: ReadonlySet<string> = new Set(
  'script style noscript template svg math head iframe object audio video canvas select input textarea'.split(' '),
);
const lineBreaking: ReadonlySet<string> = new Set(
  'address article blockquote dd div dl dt figcaption figure h1 h2 h3 h4 h5 h6 hr li ol p pre section table td th tr ul'.split(
    ' ',
  ),
);

/** Whether an element is passed over whole. */
export function isUnread(tagName: string): boolean {
  return unread.has(tagName);
}

/** Tags that are never closed are opened anew in each paragraph: a small page can grow without bounds. */
export function countingAdapter(): typeof defaultTreeAdapter {
  let count = 0;
  return {
    ...defaultTreeAdapter,
    createElement: (...parts) => {
      if (++count > most.elements) throw unreadable('too-large');
      return defaultTreeAdapter.createElement(...parts);
    },
  };
}

/** Finds the full address of a link; null: there is none. */
export type Resolve = (href: string) => string | null;

/** Addresses as they are written. */
export const asWritten: Resolve = (href) => href;

interface Reading {
  text: string;
  links: CellLink[];
  bold: string[];
  hasList: boolean;
  images: string[];
  inLink: boolean;
  inBold: boolean;
}

/** The cell that an element of a page is. */
export function cellOf(element: Tree.ParentNode, resolve: Resolve): Cell {
  return cellOfNodes(element.childNodes, resolve);
}

/** The cell that some neighbours of a page are. */
export function cellOfNodes(nodes: readonly Tree.ChildNode[], resolve: Resolve): Cell {
  const reading: Reading = {
    text: '',
    links: [],
    bold: [],
    hasList: false,
    images: [],
    inLink: false,
    inBold: false,
  };
  for (const node of nodes) read(node, reading, resolve);
  const lines = linesOf(reading.text);
  // A logo or a tick says what it says by its alternative text, where nothing else does.
  if (lines.length === 0) lines.push(...linesOf(reading.images.join('\n')));
  const text = lines.join('\n');
  const bold = reading.bold.find((part) => part !== '');
  return {
    text,
    items: lines.length > 1 || (reading.hasList && lines.length > 0) ? lines : [],
    links: reading.links.map((link) => ({ ...link, label: link.label === '' ? link.url : link.label })),
    strong: bold !== undefined && bold !== oneLine(text) ? bold : null,
  };
}

const markup = /<\/?(?:br|ul|ol|li|p|div|span|a|b|strong|u|i|em|small|sup|sub|code)\b[^<>]*>/i;
const markdownLink = /\[([^\][\n]{1,200})\]\(\s*(https?:\/\/[^\s()]+)\s*\)/g;

/** The cell that a text of a spreadsheet or a data file is: plain, with HTML in it, or with links of Markdown. */
export function looseCell(raw: string): Cell {
  if (markup.test(raw)) {
    const paragraphs = cleanText(raw).replace(/\n/g, '<br>');
    // Within an element, since at the top of a piece of a page an end tag without a beginning, such as "</br>", is dropped.
    return cellOf(parseFragment(`<div>${paragraphs}`, { treeAdapter: countingAdapter() }), asWritten);
  }
  const links: CellLink[] = [];
  const text = raw.replace(markdownLink, (_, label: string, url: string) => {
    links.push({ label: oneLine(label), url });
    return label;
  });
  return { ...textCell(text), links };
}

function read(node: Tree.ChildNode, into: Reading, resolve: Resolve): void {
  if (node.nodeName === '#text' && 'value' in node) {
    into.text += cleanText(node.value).replace(/\s+/g, ' ');
    return;
  }
  if (!('tagName' in node) || isUnread(node.tagName)) return;
  const { tagName } = node;
  if (tagName === 'br') {
    into.text += '\n';
    return;
  }
  if (tagName === 'img') {
    into.images.push(oneLine(attribute(node, 'alt') ?? ''));
    return;
  }
  if (tagName === 'li') into.hasList = true;
  const breaks = lineBreaking.has(tagName);
  if (breaks) into.text += '\n';
  // Only the outermost is measured: else each level of a deep nest would read the whole text again.
  const mark = tagName === 'a' ? 'inLink' : tagName === 'strong' || tagName === 'b' ? 'inBold' : null;
  const isOutermost = mark !== null && !into[mark];
  if (mark !== null) into[mark] = true;
  const from = into.text.length;
  for (const child of node.childNodes) read(child, into, resolve);
  if (breaks) into.text += '\n';
  if (mark === null || !isOutermost) return;
  into[mark] = false;
  const own = oneLine(into.text.slice(from));
  if (mark === 'inBold') {
    into.bold.push(own);
    return;
  }
  const href = attribute(node, 'href')?.trim() ?? '';
  const url = href === '' || href.startsWith('#') ? null : resolve(oneLine(href));
  if (url !== null) into.links.push({ label: own, url });
}

/** An attribute of an element; null: it has none of this name. */
export function attribute(element: Tree.Element, name: string): string | null {
  return element.attrs.find((one) => one.name === name)?.value ?? null;
}
