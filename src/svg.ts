import { type DefaultTreeAdapterMap, parse } from 'parse5';

/*
 * PURE. A picture as SVG, made harmless: only what draws is kept, nothing that runs, loads or leads
 * elsewhere. What an editor has added for itself is left out without a word.
 */

type Node = DefaultTreeAdapterMap['childNode'];
type Element = DefaultTreeAdapterMap['element'];

const drawing =
  /^(svg|g|defs|symbol|use|title|desc|path|rect|circle|ellipse|line|polyline|polygon|text|tspan|linearGradient|radialGradient|stop|clipPath|mask|pattern|marker|style)$/;

const attribute =
  /^(id|class|d|x|y|x1|y1|x2|y2|cx|cy|r|rx|ry|fx|fy|dx|dy|width|height|viewBox|points|offset|transform|gradientTransform|gradientUnits|patternTransform|patternUnits|patternContentUnits|clipPathUnits|maskUnits|maskContentUnits|spreadMethod|preserveAspectRatio|href|style|opacity|color|display|visibility|overflow|mask|marker-(?:start|mid|end)|markerWidth|markerHeight|markerUnits|refX|refY|orient|clip-path|clip-rule|fill|fill-(?:opacity|rule)|stroke|stroke-(?:width|opacity|linecap|linejoin|miterlimit|dasharray|dashoffset)|stop-(?:color|opacity)|font-(?:family|size|weight|style)|text-anchor|letter-spacing|mix-blend-mode|isolation|paint-order|vector-effect)$/;

export interface Svg {
  text: string;
  /** In its own units, which are pixels where nobody says otherwise. */
  width: number;
  height: number;
}

/**
 * The picture without anything but drawing.
 * @returns null when the text holds no SVG, or one that does not say how large it is
 */
export function harmlessSvg(text: string): Svg | null {
  const root = find(parse(text).childNodes);
  if (root === null) return null;
  const size = sizeOf(root);
  if (size === null) return null;
  root.attrs = root.attrs.filter(({ name }) => name !== 'width' && name !== 'height');
  // A browser takes the size from here; the box alone is a shape without one.
  const head = ` xmlns="http://www.w3.org/2000/svg" width="${size.width}" height="${size.height}"`;
  return { ...size, text: written(root, head) };
}

function find(nodes: readonly Node[]): Element | null {
  for (const node of nodes) {
    if (!('tagName' in node)) continue;
    const found = node.tagName === 'svg' ? node : find(node.childNodes);
    if (found !== null) return found;
  }
  return null;
}

function sizeOf(root: Element): { width: number; height: number } | null {
  const value = (name: string) => root.attrs.find((attr) => attr.name === name)?.value ?? '';
  const pixels = (name: string) => Number(/^\s*(\d+(?:\.\d+)?)(?:px)?\s*$/.exec(value(name))?.[1] ?? 0);
  const [, , boxWidth = 0, boxHeight = 0] = value('viewBox')
    .trim()
    .split(/[\s,]+/)
    .map(Number);
  const [width, height] = [pixels('width') || boxWidth, pixels('height') || boxHeight];
  return width > 0 && height > 0 && Number.isFinite(width / height) ? { width, height } : null;
}

function written(element: Element, namespace = ''): string {
  const attributes = element.attrs.filter(isHarmless).map(({ name, value }) => ` ${name}="${escaped(value)}"`);
  const content = element.childNodes.map((child) => {
    if ('value' in child) return escaped(child.value);
    if (!('tagName' in child) || !drawing.test(child.tagName)) return '';
    return child.tagName === 'style' && !isHarmlessCss(textOf(child)) ? '' : written(child);
  });
  return `<${element.tagName}${namespace}${attributes.join('')}>${content.join('')}</${element.tagName}>`;
}

function isHarmless({ name, value }: { name: string; value: string }): boolean {
  if (!attribute.test(name)) return false;
  if (name === 'href') return /^#[\w.:-]+$/.test(value);
  return isHarmlessCss(value);
}

/** Draws with what is in the picture itself; an escape could write any of the forbidden words. */
function isHarmlessCss(text: string): boolean {
  const elsewhere = text.replace(/url\(\s*["']?#[\w.:-]+["']?\s*\)/g, '');
  return !/[\\@]|url\s*\(|image\s*\(|image-set|expression|javascript:|src\s*\(/i.test(elsewhere);
}

function textOf({ childNodes }: Element): string {
  return childNodes.map((child) => ('value' in child ? child.value : '')).join('');
}

/** For XML: it knows no other names of characters than these. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
