import { type DefaultTreeAdapterMap, parse, parseFragment, serialize } from 'parse5';

/*
 * PURE. The links of a page: to be followed, and to be changed for a copy.
 */

type ChildNode = DefaultTreeAdapterMap['childNode'];
type Element = DefaultTreeAdapterMap['element'];

const linking: ReadonlySet<string> = new Set(['href', 'src', 'srcset', 'action']);

/** Where the links of a page lead, forms apart. `page`: its own address, to which they are relative. */
export function linksOf(markup: string, page: string): URL[] {
  const links: URL[] = [];
  visit(parse(markup).childNodes, (element) => {
    for (const { name, value } of element.attrs) {
      if (!linking.has(name) || name === 'action' || value.startsWith('#') || !URL.canParse(value, page)) continue;
      links.push(new URL(value, page));
    }
  });
  return links;
}

/** Files that a stylesheet asks for. */
export function linksOfCss(css: string, sheet: string): URL[] {
  return [...css.matchAll(/url\(\s*["']?([^"')]+)["']?\s*\)/g)].flatMap(([, address = '']) =>
    URL.canParse(address, sheet) ? [new URL(address, sheet)] : [],
  );
}

export interface Rewriting {
  /** The page's own address, to which its links are relative. */
  page: string;
  /** What a link becomes that leads to `link`, which has no fragment; null: the whole address, at the service. */
  link(link: URL): string | null;
  /** Markup at the beginning of the page's content. */
  note(locale: string): string;
}

/** The page of a copy: links lead to its files, forms and all the rest to the service. */
export function rewritePage(markup: string, { page, link, note }: Rewriting): string {
  const document = parse(markup);
  let locale = '';
  visit(document.childNodes, (element) => {
    if (element.tagName === 'html') locale = element.attrs.find(({ name }) => name === 'lang')?.value ?? '';
    if (element.tagName === 'main') {
      const { childNodes } = parseFragment(note(locale));
      for (const child of childNodes) child.parentNode = element;
      element.childNodes.unshift(...childNodes);
    }
    if (isCanonical(element)) return;
    for (const attribute of element.attrs) {
      const { name, value } = attribute;
      if (!linking.has(name) || value.startsWith('#') || !URL.canParse(value, page)) continue;
      const whole = new URL(value, page);
      const { hash } = whole;
      whole.hash = '';
      attribute.value = ((name === 'action' ? null : link(whole)) ?? whole.href) + hash;
    }
  });
  return serialize(document);
}

/** It says where the page itself is, also in a copy. */
function isCanonical({ tagName, attrs }: Element): boolean {
  return tagName === 'link' && attrs.some(({ name, value }) => name === 'rel' && value === 'canonical');
}

function visit(nodes: readonly ChildNode[], see: (element: Element) => void): void {
  for (const node of nodes) {
    if (!('tagName' in node)) continue;
    visit(node.childNodes, see);
    see(node);
  }
}
