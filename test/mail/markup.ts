/** What a reader's program finds in markup: every element with its attributes, and the text. */
export interface Markup {
  elements: { name: string; attributes: Record<string, string> }[];
  /** Entities decoded once, white space as it stands; `br` is a line break. */
  text: string;
  /** Elements that were not closed, or closed without being open. */
  unbalanced: string[];
}

const withoutEnd = new Set(['area', 'base', 'br', 'col', 'hr', 'img', 'input', 'link', 'meta', 'source']);
const entities: Record<string, string> = {
  lt: '<',
  gt: '>',
  quot: '"',
  amp: '&',
  '#39': "'",
  nbsp: '\u00a0',
  apos: "'",
};

/**
 * Reads markup strictly: tags by the grammar of HTML, entities decoded once. Conditional comments for
 * Outlook count as comments, style sheets are skipped.
 */
export function readMarkup(html: string): Markup {
  const elements: Markup['elements'] = [];
  const unbalanced: string[] = [];
  const open: string[] = [];
  const rest = html
    .replace(/<!--[\s\S]*?-->/g, '')
    .replace(/<!\[[^\]]*\]>/g, '')
    .replace(/<!doctype[^>]*>/i, '')
    .replace(/<style[^>]*>[\s\S]*?<\/style>/g, '');
  const tag = /<(?<end>\/?)(?<name>[a-zA-Z][^\s/>]*)(?<attributes>(?:[^>"']|"[^"]*"|'[^']*')*)>/g;
  let text = '';
  let from = 0;
  for (const found of rest.matchAll(tag)) {
    const { end, name = '', attributes = '' } = found.groups ?? {};
    const element = name.toLowerCase();
    text += rest.slice(from, found.index);
    from = found.index + found[0].length;
    if (end === '/') {
      if (open.pop() !== element) unbalanced.push(`</${element}>`);
      continue;
    }
    elements.push({ name: element, attributes: readAttributes(attributes) });
    if (element === 'br') text += '\n';
    if (!withoutEnd.has(element) && !attributes.endsWith('/')) open.push(element);
  }
  text += rest.slice(from);
  return { elements, text: decode(text), unbalanced: [...unbalanced, ...open.map((name) => `<${name}>`)] };
}

function readAttributes(source: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [, name = '', , , double, single, bare] of source.matchAll(
    /([^\s"'=/]+)(=("([^"]*)"|'([^']*)'|(\S+)))?/g,
  )) {
    found[name.toLowerCase()] = decode(double ?? single ?? bare ?? '');
  }
  return found;
}

function decode(text: string): string {
  return text.replace(/&(?<name>[a-z]+|#39);/g, (entity, name: string) => entities[name] ?? entity);
}
