import { isDeepStrictEqual } from 'node:util';
import { type Document, isMap, isNode, isScalar, isSeq, parseDocument, type YAMLMap, type YAMLSeq } from 'yaml';
import { z } from 'zod';
import { Refusal } from '../errors.js';
import type { ListDocument } from '../list/document.js';
import { readList } from '../list/read.js';
import { quoteBlanks } from '../list/write.js';

/*
 * PURE. The admin's own YAML is brought in step with what was done to the draft by form: comments and
 * layout stay where they are, and only what says something else is written anew. It takes as long as
 * reading the text several times, so it is done when somebody asks for the text, not at each edit.
 */

const ids = z.array(z.string());

/** The entries of a text in their order, by their ids, which the text itself may leave out. */
export const sourceIdsSchema = z.object({
  services: ids,
  statements: ids,
  dataSubjects: z.array(z.object({ id: z.string(), dataCategories: ids })),
  subProcessors: ids,
});
export type SourceIds = z.infer<typeof sourceIdsSchema>;

/** Whose entries stand in a text that says what the document says. */
export function sourceIdsOf(document: ListDocument): SourceIds {
  const { services = [], statements = [], dataSubjects, subProcessors } = document;
  return {
    services: services.map(({ id }) => id),
    statements: statements.map(({ id }) => id),
    dataSubjects: dataSubjects.map(({ id, dataCategories = [] }) => ({
      id,
      dataCategories: dataCategories.map((category) => category.id),
    })),
    subProcessors: subProcessors.map(({ id }) => id),
  };
}

/**
 * The text as it says what the document says.
 * @param own the entries that the text holds, as they were called when it was read
 * @returns null when it cannot be made to say that (something refers to an anchor that would have to go):
 * then the document speaks for itself
 */
export function sourceInStep(source: string, own: SourceIds, document: ListDocument): string | null {
  const yaml = parseDocument(source, { logLevel: 'error' });
  const root = yaml.contents;
  if (yaml.errors.length > 0 || !isMap(root)) return null;
  const { services, statements, dataSubjects, subProcessors, ...head } = document;
  const lists: readonly [string, readonly Entry[] | undefined, readonly string[]][] = [
    ['services', services, own.services],
    ['statements', statements, own.statements],
    ['dataSubjects', dataSubjects, own.dataSubjects.map(({ id }) => id)],
    ['subProcessors', subProcessors, own.subProcessors],
  ];
  followFields(
    yaml,
    root,
    head,
    lists.map(([key]) => key),
  );
  const categoriesOf = new Map(own.dataSubjects.map(({ id, dataCategories }) => [id, dataCategories]));
  for (const [key, entries, known] of lists) {
    const follows = followEntries(yaml, root, key, { entries, known }, (node, entry) => {
      if (key !== 'dataSubjects') return followFields(yaml, node, entry, []);
      followFields(yaml, node, entry, ['dataCategories']);
      const subject = dataSubjects.find(({ id }) => id === entry.id);
      const inside = { entries: subject?.dataCategories, known: categoriesOf.get(entry.id) ?? [] };
      return followEntries(yaml, node, 'dataCategories', inside, (item, category) =>
        followFields(yaml, item, category, []),
      );
    });
    if (!follows) return null;
  }
  quoteBlanks(yaml);
  const edited = written(yaml);
  return edited !== null && saysTheSame(edited, document) ? edited : null;
}

interface Entry {
  readonly id: string;
  readonly [field: string]: unknown;
}

/** Brings a sequence in step, entry by entry; false: the text is not what it was taken for. */
function followEntries(
  yaml: Document,
  holder: YAMLMap,
  key: string,
  { entries, known }: { entries: readonly Entry[] | undefined; known: readonly string[] },
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

/** Brings the fields of an entry in step. A name that no longer gives the entry its id needs the id beside it. */
function followFields(
  yaml: Document,
  node: YAMLMap,
  fields: Readonly<Record<string, unknown>>,
  apart: readonly string[],
): void {
  const stated = node.items.flatMap(({ key }) => (isScalar(key) ? [String(key.value)] : []));
  const keys = new Set([...stated, ...Object.keys(fields)]);
  for (const key of keys) {
    if (apart.includes(key)) continue;
    const [value, there] = [fields[key], plain(yaml, node.get(key, true))];
    if (key === 'id' || isDeepStrictEqual(value, there)) continue;
    if ((key === 'name' || key === 'text') && !stated.includes('id') && typeof fields.id === 'string') {
      node.items.unshift(yaml.createPair('id', fields.id));
    }
    if (value === undefined) node.delete(key);
    else follow(yaml, node, key, value);
  }
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

/** Null: what was edited held an anchor that something else refers to. */
function written(yaml: Document): string | null {
  try {
    return yaml.toString({ lineWidth: 0 });
  } catch (error) {
    if (error instanceof Error && /alias/i.test(error.message)) return null;
    throw error;
  }
}

/** A text with anchors may mean something else once it is edited. */
function saysTheSame(text: string, document: ListDocument): boolean {
  try {
    return isDeepStrictEqual(readList(text, 'yaml', document), document);
  } catch (error) {
    if (error instanceof Refusal) return false;
    throw error;
  }
}
