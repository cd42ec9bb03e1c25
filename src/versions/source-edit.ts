import { isDeepStrictEqual } from 'node:util';
import { type Document, isMap, parseDocument } from 'yaml';
import { z } from 'zod';
import { Refusal } from '../errors.js';
import type { ListDocument } from '../list/document.js';
import { readList } from '../list/read.js';
import { quoteBlanks } from '../list/write.js';
import { spliceLines } from './source-lines.js';
import { type Entries, followEntries, followFields } from './source-nodes.js';
import { spliceSource } from './source-splice.js';

/*
 * PURE. The admin's own YAML is brought in step with what was done to the draft by form: comments and
 * layout stay where they are, and only what says something else is written anew. It takes as long as
 * reading the text several times, so it is done when somebody asks for the text, not at each edit.
 */

/** From here on not everything is read again for each edit. */
const longSource = 128 * 1024;

const ids = z.array(z.string());

/** The entries of a text in their order, by their ids, which the text itself may leave out. */
export const sourceIdsSchema = z.object({
  services: ids,
  statements: ids,
  dataSubjects: z.array(z.object({ id: z.string(), dataCategories: ids })),
  subProcessors: ids,
  /** References of the entries that were edited since. */
  touched: ids,
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
    touched: [],
  };
}

/** What the text is to say, part by part. */
export interface SourceParts {
  head: Readonly<Record<string, unknown>>;
  /** The lists of entries by their keys, in the order of the schema. */
  lists: readonly (readonly [string, Entries])[];
  /** The catalogue of a data subject kind. */
  categoriesOf(id: string): Entries;
}

/**
 * The text as it says what the document says. Entries that were not edited stay letter for letter, unless
 * the text is written in a way of its own (anchors, entries on one line), which is then laid out anew.
 * @param own the entries that the text holds, as they were called when it was read
 * @returns null when it cannot be made to say that (something refers to an anchor that would have to go):
 * then the document speaks for itself
 */
export function sourceInStep(source: string, own: SourceIds, document: ListDocument): string | null {
  const parts = partsOf(own, document);
  if (source.length > longSource) {
    const edited = spliceLines(source, parts, own.touched);
    if (edited !== null) return edited;
  }
  for (const edit of [spliceSource, rewriteSource]) {
    const edited = edit(source, parts);
    if (edited !== null && saysTheSame(edited, document)) return edited;
  }
  return null;
}

/** What a text that holds these entries is to say. */
export function partsOf(own: SourceIds, document: ListDocument): SourceParts {
  const { services, statements, dataSubjects, subProcessors, ...head } = document;
  const known = new Map(own.dataSubjects.map(({ id, dataCategories }) => [id, dataCategories]));
  return {
    head,
    lists: [
      ['services', { entries: services, known: own.services }],
      ['statements', { entries: statements, known: own.statements }],
      ['dataSubjects', { entries: dataSubjects, known: [...known.keys()] }],
      ['subProcessors', { entries: subProcessors, known: own.subProcessors }],
    ],
    categoriesOf: (id) => ({
      entries: dataSubjects.find((subject) => subject.id === id)?.dataCategories,
      known: known.get(id) ?? [],
    }),
  };
}

/** By the nodes of the whole text, which is then written anew with its comments. */
function rewriteSource(source: string, { head, lists, categoriesOf }: SourceParts): string | null {
  const yaml = parseDocument(source, { logLevel: 'error' });
  const root = yaml.contents;
  if (yaml.errors.length > 0 || !isMap(root)) return null;
  followFields(
    yaml,
    root,
    head,
    lists.map(([key]) => key),
  );
  for (const [key, entries] of lists) {
    const follows = followEntries(yaml, root, key, entries, (node, entry) => {
      followFields(yaml, node, entry, key === 'dataSubjects' ? ['dataCategories'] : []);
      if (key !== 'dataSubjects') return true;
      return followEntries(yaml, node, 'dataCategories', categoriesOf(entry.id), (item, category) =>
        followFields(yaml, item, category),
      );
    });
    if (!follows) return null;
  }
  return written(yaml);
}

/** Null: what was edited held an anchor that something else refers to. */
function written(yaml: Document): string | null {
  quoteBlanks(yaml);
  try {
    return yaml.toString({ lineWidth: 0 });
  } catch (error) {
    if (error instanceof Error && /alias/i.test(error.message)) return null;
    throw error;
  }
}

/** Whatever was done to the text: it is shown only when it reads as the document does. */
export function saysTheSame(text: string, document: ListDocument): boolean {
  try {
    return isDeepStrictEqual(readList(text, 'yaml', document), document);
  } catch (error) {
    if (error instanceof Refusal) return false;
    throw error;
  }
}
