import { isDeepStrictEqual } from 'node:util';
import { parseRef } from '../list/entry-ref.js';
import { assembled, blocksFrom, type Start } from './source-blocks.js';
import type { SourceParts } from './source-edit.js';
import type { Entry } from './source-nodes.js';
import { chunkOf, entryBody, styleOf } from './source-splice.js';

/*
 * PURE. To read a YAML of thousands of entries takes longer than anybody waits for a page. Its entries are
 * found by the lines that they begin with, and only those that were touched are read.
 */

const key = 'subProcessors';

/**
 * The text with the touched sub-processors replaced, each of them read back. Null: the text has to be read
 * as a whole (anchors, entries on one line), or something was edited that others may refer to by its name.
 * @param touched references of entries that may say something else than the text
 */
export function spliceLines(text: string, parts: SourceParts, touched: readonly string[]): string | null {
  if (!text.endsWith('\n') || /\r|^\ufeff|\t|(?:^|[\s[{,])[&*][\w]/.test(text)) return null;
  const own = new Set<string>();
  for (const ref of touched) {
    const parsed = parseRef(ref);
    if (parsed?.kind !== 'sub-processor') return null;
    own.add(parsed.id);
  }
  const entries = parts.lists.find(([name]) => name === key)?.[1];
  const section = sectionOf(text);
  if (entries === undefined || section === null) return null;
  const blocks = blocksFrom(text, startsOf(text, section), section.to);
  if (blocks === null || blocks.items.length !== entries.known.length) return null;
  const style = styleOf(text);
  const bodyOf = (body: string, entry: Entry) => {
    if (says(body, entry)) return body;
    const fresh = chunkOf(body)?.map.get('name') === entry.name ? entryBody(body, entry, style) : null;
    return fresh !== null && says(fresh, entry) ? fresh : null;
  };
  const fresh = assembled(blocks, entries, (_, { id }) => !own.has(id), bodyOf, style);
  return fresh === null || fresh === '' ? null : text.slice(0, blocks.from) + fresh + text.slice(blocks.to);
}

/** From the line behind the key to the next key of the document. */
function sectionOf(text: string): { from: number; to: number } | null {
  const head = new RegExp(`^${key}:[ ]*(?:#.*)?\\n`, 'm').exec(text);
  if (head === null) return null;
  const from = head.index + head[0].length;
  const next = text.slice(from).search(/^[^\s#-]/m);
  return { from, to: next < 0 ? text.length : from + next };
}

function startsOf(text: string, { from, to }: { from: number; to: number }): Start[] {
  const section = text.slice(from, to);
  const indent = /^( *)- /m.exec(section)?.[1] ?? '';
  return [...section.matchAll(new RegExp(`^${indent}- `, 'gm'))].map(({ index }) => ({ line: from + index, indent }));
}

function says(body: string, entry: Entry): boolean {
  const chunk = chunkOf(body);
  const value: unknown = chunk?.map.toJS(chunk.yaml);
  return isDeepStrictEqual({ id: entry.id, ...Object(value) }, entry);
}
