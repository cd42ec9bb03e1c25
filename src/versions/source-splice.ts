import { isDeepStrictEqual } from 'node:util';
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  type ToStringOptions,
  visit,
  type YAMLMap,
} from 'yaml';
import { quoteBlanks } from '../list/write.js';
import { assembled, type Blocks, blocksFrom, indented, laidOut, type Start } from './source-blocks.js';
import type { SourceParts } from './source-edit.js';
import { differing, type Entries, type Entry, followEntries, followFields } from './source-nodes.js';

/*
 * PURE. The text of a list with single entries replaced in it. Whatever was not edited stays letter for
 * letter, so that a list which is kept in Git as well shows what was changed and nothing else.
 */

interface Splice {
  from: number;
  to: number;
  text: string;
}

/**
 * The text with what is different replaced, put in and taken out. Null: it is written in a way that leaves
 * no lines of its own to an entry. Whether it came out right has to be read: it goes by lines and indents.
 */
export function spliceSource(source: string, parts: SourceParts): string | null {
  if (/\r|^\ufeff/.test(source)) return null;
  const text = source.endsWith('\n') ? source : `${source}\n`;
  const yaml = parseDocument(text, { logLevel: 'error' });
  const root = yaml.contents;
  if (yaml.errors.length > 0 || !isMap(root) || root.flow === true || hasAnchors(yaml)) return null;
  const style = styleOf(text);
  const splices: (Splice | null)[] = [];
  const missing: Record<string, unknown> = {};
  for (const key of differing(
    yaml,
    root,
    parts.head,
    parts.lists.map(([list]) => list),
  )) {
    const pair = pairOf(root, key);
    if (pair === undefined) missing[key] = parts.head[key];
    else
      splices.push(
        replaced(text, pair, (chunk) => followFields(chunk.yaml, chunk.map, { [key]: parts.head[key] }), style),
      );
  }
  for (const [key, entries] of parts.lists) {
    const pair = pairOf(root, key);
    if (pair === undefined) {
      if (entries.entries !== undefined) missing[key] = entries.entries;
      continue;
    }
    if (entries.entries === undefined) {
      splices.push(replaced(text, pair, (chunk) => chunk.map.delete(key), style));
      continue;
    }
    const body = (own: string, entry: Entry) =>
      key === 'dataSubjects' ? subjectBody(own, entry, parts, style) : entryBody(own, entry, style);
    splices.push(...spliceEntries(text, yaml, pair, entries, body, style));
  }
  const title = pairOf(root, 'title');
  if (Object.keys(missing).length > 0) {
    const at = title === undefined ? null : extentOf(text, title)?.to;
    splices.push(at === null || at === undefined ? null : { from: at, to: at, text: laidOut(missing, style) });
  }
  return applied(text, splices);
}

function applied(text: string, splices: readonly (Splice | null)[]): string | null {
  let edited = text;
  for (const splice of [...splices].sort((a, b) => (b?.from ?? 0) - (a?.from ?? 0))) {
    if (splice === null) return null;
    edited = edited.slice(0, splice.from) + splice.text + edited.slice(splice.to);
  }
  return edited;
}

/** The sequence of a pair, entry by entry. */
function spliceEntries(
  text: string,
  yaml: Document,
  pair: Pair,
  { entries = [], known }: Entries,
  bodyOf: (body: string, entry: Entry) => string | null,
  style: ToStringOptions,
): (Splice | null)[] {
  const sequence = pair.value;
  if (!isSeq(sequence) || sequence.items.length !== known.length) return [null];
  const says = sequence.items.map((item) => (isNode(item) ? item.toJS(yaml) : item));
  const same = (at: number, entry: Entry) => isDeepStrictEqual({ id: entry.id, ...Object(says[at]) }, entry);
  if (entries.length === known.length && entries.every((entry, at) => known[at] === entry.id && same(at, entry))) {
    return [];
  }
  const blocks = sequence.flow === true || known.length === 0 ? null : blocksOf(text, sequence.items);
  if (blocks === null) {
    const whole = (chunk: Chunk) =>
      followEntries(chunk.yaml, chunk.map, keyOf(pair), { entries, known }, (node, entry) =>
        followFields(chunk.yaml, node, entry),
      );
    return [replaced(text, pair, whole, style)];
  }
  const fresh = assembled(blocks, { entries, known }, same, bodyOf, style);
  if (fresh === null) return [null];
  // Nothing left: the key itself has to say so.
  if (fresh === '') return [replaced(text, pair, (chunk) => chunk.map.set(keyOf(pair), []), style)];
  return [{ from: blocks.from, to: blocks.to, text: fresh }];
}

/** The lines of each entry of a sequence; null: one has no lines of its own. */
function blocksOf(text: string, nodes: readonly unknown[]): Blocks | null {
  const starts: Start[] = [];
  for (const node of nodes) {
    const at = isNode(node) ? (node.range?.[0] ?? -1) : -1;
    const line = text.lastIndexOf('\n', at - 1) + 1;
    const dash = /^( *)- +$/.exec(text.slice(line, at));
    if (at < 0 || dash === null) return null;
    starts.push({ line, indent: dash[1] ?? '' });
  }
  const last = nodes.at(-1);
  return blocksFrom(text, starts, isNode(last) ? endOf(text, last) : 0);
}

function endOf(text: string, node: unknown): number {
  const end = isNode(node) ? (node.range?.[2] ?? 0) : 0;
  const line = text.indexOf('\n', Math.max(0, end - 1));
  return line < 0 ? text.length : line + 1;
}

/** A data subject kind: its own fields as one, its catalogue entry by entry. */
function subjectBody(body: string, entry: Entry, parts: SourceParts, style: ToStringOptions): string | null {
  const categories = parts.categoriesOf(entry.id);
  const chunk = chunkOf(body);
  if (chunk === null) return null;
  const pair = pairOf(chunk.map, 'dataCategories');
  const own = differing(chunk.yaml, chunk.map, entry, ['dataCategories']);
  if (own.length === 0 && pair !== undefined && categories.entries !== undefined) {
    const splices = spliceEntries(
      body,
      chunk.yaml,
      pair,
      categories,
      (text, one) => entryBody(text, one, style),
      style,
    );
    return applied(body, splices);
  }
  return rewritten(body, style, ({ yaml, map }) => {
    followFields(yaml, map, entry, ['dataCategories']);
    followEntries(yaml, map, 'dataCategories', categories, (node, one) => followFields(yaml, node, one));
  });
}

export function entryBody(body: string, entry: Entry, style: ToStringOptions): string | null {
  return rewritten(body, style, ({ yaml, map }) => followFields(yaml, map, entry));
}

interface Chunk {
  yaml: Document;
  map: YAMLMap;
}

/** Some lines as a document of their own: a map, or a sequence with one map in it. */
export function chunkOf(body: string): Chunk | null {
  const yaml = parseDocument(body, { logLevel: 'error' });
  const { contents } = yaml;
  const map = isSeq(contents) && contents.items.length === 1 ? contents.items[0] : contents;
  return yaml.errors.length === 0 && isMap(map) ? { yaml, map } : null;
}

function rewritten(body: string, style: ToStringOptions, edit: (chunk: Chunk) => unknown): string | null {
  const chunk = chunkOf(body);
  if (chunk === null) return null;
  edit(chunk);
  if (chunk.map.items.length === 0) return '';
  quoteBlanks(chunk.yaml);
  return indented(chunk.yaml.toString(style), /^ */.exec(body)?.[0] ?? '');
}

/** One key of a map with its value, edited as lines of their own. */
function replaced(text: string, pair: Pair, edit: (chunk: Chunk) => unknown, style: ToStringOptions): Splice | null {
  const extent = extentOf(text, pair);
  if (extent === null) return null;
  const body = rewritten(text.slice(extent.from, extent.to), style, edit);
  return body === null ? null : { ...extent, text: body };
}

function extentOf(text: string, { key, value }: Pair): { from: number; to: number } | null {
  const start = isScalar(key) ? (key.range?.[0] ?? -1) : -1;
  const from = text.lastIndexOf('\n', start - 1) + 1;
  if (start < 0 || text.slice(from, start).trim() !== '') return null;
  const to = endOf(text, isNode(value) ? value : key);
  const tail = /(?:\n[ ]*(?:#[^\n]*)?)*\n$/.exec(text.slice(from, to));
  // Comments and blank lines behind a value belong to what follows.
  return { from, to: tail === null ? to : from + tail.index + 1 };
}

function pairOf(map: YAMLMap, key: string): Pair | undefined {
  return map.items.find((pair) => isScalar(pair.key) && pair.key.value === key);
}

function keyOf({ key }: Pair): string {
  return isScalar(key) ? String(key.value) : '';
}

function hasAnchors(yaml: Document): boolean {
  let found = false;
  visit(yaml, {
    Node: (_, node: Node) => {
      if (!isAlias(node) && node.anchor === undefined) return undefined;
      found = true;
      return visit.BREAK;
    },
  });
  return found;
}

/** How the text is laid out, for what is written anew in it. */
export function styleOf(text: string): ToStringOptions {
  const isWide = /^.{101}/m.test(text);
  return {
    ...(isWide ? { lineWidth: 0 } : { lineWidth: 100, minContentWidth: 40 }),
    flowCollectionPadding: !/[[{][^\s\]}]/.test(text),
    indentSeq: !/^( +)[A-Za-z]+:[ ]*\n\1- /m.test(text),
  };
}
