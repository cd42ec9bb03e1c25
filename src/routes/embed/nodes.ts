import { type DefaultTreeAdapterMap, parseFragment, serialize } from 'parse5';
import { type Html, trusted } from '../html.js';

/*
 * PURE. Finished markup of our own templates as it goes into a page of somebody else: as nodes, from which
 * a script builds elements one by one, since a strict page takes no markup from scripts (Trusted Types); or
 * as markup for a frame, whose links lead out of it.
 */

/** A text, or an element: its name, its attributes, its children. */
export type EmbedNode = string | [name: string, attributes: Record<string, string>, ...children: EmbedNode[]];

type ChildNode = DefaultTreeAdapterMap['childNode'];
type Element = DefaultTreeAdapterMap['element'];

/**
 * Markup as nodes.
 * @param page the address that its links are relative to: in the page of somebody else they have to be whole
 */
export function nodesOf(markup: string, page: string): EmbedNode[] {
  return parseFragment(markup).childNodes.flatMap((node) => nodeOf(node, page));
}

/** Markup whose links, but for those within it, replace the page around the frame. */
export function markupForFrame(markup: string): Html {
  const fragment = parseFragment(markup);
  visit(fragment.childNodes, (element) => {
    const href = element.attrs.find(({ name }) => name === 'href');
    if (element.tagName !== 'a' || href === undefined || href.value.startsWith('#')) return;
    element.attrs = [...element.attrs.filter(({ name }) => name !== 'target'), { name: 'target', value: '_top' }];
  });
  return trusted(serialize(fragment));
}

function nodeOf(node: ChildNode, page: string): EmbedNode[] {
  if ('value' in node) return [node.value.replace(/\s+/g, ' ')];
  if (!('tagName' in node)) return [];
  const attributes = Object.fromEntries(
    node.attrs.map(({ name, value }) => [name, name === 'href' ? new URL(value, page).href : value]),
  );
  return [[node.tagName, attributes, ...node.childNodes.flatMap((child) => nodeOf(child, page))]];
}

function visit(nodes: readonly ChildNode[], see: (element: Element) => void): void {
  for (const node of nodes) {
    if (!('tagName' in node)) continue;
    see(node);
    visit(node.childNodes, see);
  }
}
