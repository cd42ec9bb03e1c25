import { isDeepStrictEqual } from 'node:util';
import { type Document, isMap, isNode, isScalar, isSeq, type YAMLMap, type YAMLSeq } from 'yaml';

/*
 * PURE. Nodes of a YAML document brought in step with values: what says the same already stays as it is, with
 * its comments and its place.
 */

export interface Entry {
  readonly id: string;
  readonly [field: string]: unknown;
}

/** The entries of a sequence as they are to be, and whose they are in the text, in its order. */
export interface Entries {
  entries: readonly Entry[] | undefined;
  known: readonly string[];
}

/** Brings a sequence in step, entry by entry; false: the text is not what it was taken for. */
export function followEntries(
  yaml: Document,
  holder: YAMLMap,
  key: string,
  { entries, known }: Entries,
  follow: (node: YAMLMap, entry: Entry) => unknown,
): boolean {
  if (entries === undefined) {
    holder.delete(key);
    return true;
  }
  if (!holder.has(key)) {
    holder.set(key, yaml.createNode(entries));
    return true;
  }
  const sequence = holder.get(key);
  if (!isSeq(sequence) || sequence.items.length !== known.length) return false;
  const nodes = new Map(known.map((id, at) => [id, sequence.items[at]]));
  const airy = sequence.items.slice(1).some((item) => isMap(item) && item.spaceBefore === true);
  const before = [...sequence.items];
  let holds = true;
  sequence.items = entries.map((entry) => {
    const node = nodes.get(entry.id);
    if (isMap(node)) holds = follow(node, entry) !== false && holds;
    else if (node === undefined || !isDeepStrictEqual(plain(yaml, node), entry)) return yaml.createNode(entry);
    return node;
  });
  if (!isDeepStrictEqual(before, sequence.items)) space(sequence, airy);
  return holds;
}

/** Blank lines between the entries, if there were any, and none before the first. */
function space(sequence: YAMLSeq, airy: boolean): void {
  for (const [at, item] of sequence.items.entries()) if (isMap(item)) item.spaceBefore = airy && at > 0;
}

/**
 * Brings the fields of an entry in step. A name that no longer gives the entry its id needs the id beside it.
 * @param apart fields that are seen to elsewhere
 */
export function followFields(
  yaml: Document,
  node: YAMLMap,
  fields: Readonly<Record<string, unknown>>,
  apart: readonly string[] = [],
): void {
  const stated = node.items.flatMap(({ key }) => (isScalar(key) ? [String(key.value)] : []));
  for (const key of differing(yaml, node, fields, apart)) {
    const value = fields[key];
    if ((key === 'name' || key === 'text') && !stated.includes('id') && typeof fields.id === 'string') {
      node.items.unshift(yaml.createPair('id', fields.id));
    }
    if (value === undefined) node.delete(key);
    else follow(yaml, node, key, value);
  }
}

/** The fields that say something else in the text; an id that the text leaves out says nothing else. */
export function differing(
  yaml: Document,
  node: YAMLMap,
  fields: Readonly<Record<string, unknown>>,
  apart: readonly string[] = [],
): string[] {
  const stated = node.items.flatMap(({ key }) => (isScalar(key) ? [String(key.value)] : []));
  return [...new Set([...stated, ...Object.keys(fields)])].filter(
    (key) => key !== 'id' && !apart.includes(key) && !isDeepStrictEqual(fields[key], plain(yaml, node.get(key, true))),
  );
}

/** One value; the members of a set that stay keep their comments. */
function follow(yaml: Document, node: YAMLMap, key: string, value: unknown): void {
  const there = node.get(key, true);
  if (!Array.isArray(value) || !isSeq(there)) {
    // A plain value goes into the node that is there, beside its comment.
    node.set(key, isScalar(there) && typeof value !== 'object' ? value : yaml.createNode(value));
    return;
  }
  const left = [...there.items];
  there.items = value.map((member) => {
    const at = left.findIndex((item) => isDeepStrictEqual(plain(yaml, item), member));
    return at < 0 ? yaml.createNode(member) : left.splice(at, 1)[0];
  });
}

function plain(yaml: Document, node: unknown): unknown {
  return isNode(node) ? node.toJS(yaml) : node;
}
