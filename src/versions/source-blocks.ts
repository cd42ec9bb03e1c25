import { isDeepStrictEqual } from 'node:util';
import { Document, type ToStringOptions } from 'yaml';
import { quoteBlanks } from '../list/write.js';
import type { Entries, Entry } from './source-nodes.js';

/* PURE. The entries of a YAML sequence as blocks of lines, which can be left, replaced, moved and taken out. */

/** Where the line of an entry begins, and how far its dash is set in. */
export interface Start {
  line: number;
  indent: string;
}

export interface Blocks {
  indent: string;
  /** Where the first entry begins, and the last one ends. */
  from: number;
  to: number;
  /** `lead`: blank lines and comments above the entry, which go with it. */
  items: { lead: string; body: string }[];
}

/** The blocks that begin there, the last one before `end`; null: they do not stand below each other. */
export function blocksFrom(text: string, starts: readonly Start[], end: number): Blocks | null {
  const [first] = starts;
  if (first === undefined || starts.some(({ indent }) => indent !== first.indent)) return null;
  const items: Blocks['items'] = [];
  let lead = '';
  let to = first.line;
  for (const [at, { line }] of starts.entries()) {
    const lines = text.slice(line, starts[at + 1]?.line ?? end).split(/(?<=\n)/);
    let own = lines.length;
    while (own > 1 && isBetween(lines[own - 1] ?? '', first.indent.length)) own -= 1;
    const body = lines.slice(0, own).join('');
    items.push({ lead, body });
    lead = lines.slice(own).join('');
    to = line + body.length;
  }
  return { indent: first.indent, from: first.line, to, items };
}

/** A blank line, or a comment that stands no deeper than the entries. */
function isBetween(line: string, indent: number): boolean {
  const text = line.trimStart();
  return text === '' || (text.startsWith('#') && line.length - text.length <= indent);
}

/**
 * The blocks of the entries in their order: those that say the same as they are, others by `bodyOf`.
 * @param same whether the block at that place says what the entry says
 * @returns null when one of them cannot be written
 */
export function assembled(
  { indent, items }: Blocks,
  { entries = [], known }: Entries,
  same: (at: number, entry: Entry) => boolean,
  bodyOf: (body: string, entry: Entry) => string | null,
  style: ToStringOptions,
): string | null {
  const airy = items.slice(1).some(({ lead }) => lead.includes('\n\n') || lead.startsWith('\n'));
  const moved = !isDeepStrictEqual(
    known,
    entries.map(({ id }) => id),
  );
  const places = new Map(known.map((id, at) => [id, at]));
  let text = '';
  for (const [place, entry] of entries.entries()) {
    const at = places.get(entry.id) ?? -1;
    const item = items[at] ?? { lead: '', body: null };
    const fresh = () => (item.body === null ? indented(laidOut([entry], style), indent) : bodyOf(item.body, entry));
    const body = item.body !== null && same(at, entry) ? item.body : fresh();
    if (body === null) return null;
    text += moved ? spaced(item.lead, airy && place > 0) : item.lead;
    text += body;
  }
  return text;
}

/** A blank line between entries, if the list has them; what is above an entry moves with it. */
function spaced(lead: string, airy: boolean): string {
  const bare = lead.replace(/^\n+/, '');
  return airy ? `\n${bare}` : bare;
}

/** A value as YAML lines. */
export function laidOut(value: unknown, style: ToStringOptions): string {
  const yaml = new Document(value, { aliasDuplicateObjects: false });
  quoteBlanks(yaml);
  return yaml.toString(style);
}

/** The lines set in; empty ones stay empty. */
export function indented(text: string, indent: string): string {
  return text.replace(/^(?=[^\n])/gm, indent);
}
