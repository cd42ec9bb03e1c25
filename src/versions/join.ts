import { isMap, isScalar, isSeq, parseDocument } from 'yaml';
import type { Actor } from '../actor.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import type { ListDocument } from '../list/document.js';
import { type Draft, draftMissing, readDraft, replaceDraft, sourceOf } from './draft.js';
import { saysTheSame } from './source-edit.js';

/** One entry under a new name: the draft's entry `added` takes the id of `removed`, which has left the list. */
export interface JoinedPair {
  removed: string;
  added: string;
}

/**
 * Tells the draft that an entry was renamed, by giving it the old id; entries that it engages follow. The
 * admin's own YAML keeps its layout and comments. Which pairs are worth asking about says the diff
 * (`suggestions`); nothing is joined without a person.
 * Refuses `draft.missing`, `draft.stale`, and `input.invalid` when the pair is none (any more).
 */
export async function joinEntries(
  deps: Pick<Deps, 'db' | 'now'>,
  pair: JoinedPair,
  options: { ifRevision?: number | undefined },
  actor: Actor,
): Promise<Draft> {
  const draft = await readDraft(deps.db);
  if (draft === null) throw draftMissing();
  const ids = new Set(draft.document.subProcessors.map(({ id }) => id));
  if (!ids.has(pair.added) || ids.has(pair.removed)) {
    throw new Refusal('input.invalid', 'These two entries cannot be joined: the draft was changed since.', [
      { path: ids.has(pair.added) ? 'removed' : 'added', message: 'is not such an entry any more' },
    ]);
  }
  const document = withNewId(draft.document, pair);
  const own = sourceOf(draft);
  const source = own === null ? null : sourceWithNewId(own, draft.document, pair);
  // A text with anchors may mean something else once it is edited; then the document speaks for itself.
  const holds = source !== null && saysTheSame(source, document);
  return replaceDraft(deps, { document, source: holds ? source : null }, options, actor);
}

/** PURE. The document in which `added` goes by the id of `removed`; what it engages follows. */
export function withNewId(document: ListDocument, { removed, added }: JoinedPair): ListDocument {
  return {
    ...document,
    subProcessors: document.subProcessors.map((entry) => ({
      ...entry,
      ...(entry.id === added ? { id: removed } : {}),
      ...(entry.parent === added ? { parent: removed } : {}),
    })),
  };
}

/** The same in the text: entries stand in the text in the order of the document. */
function sourceWithNewId(source: string, document: ListDocument, { removed, added }: JoinedPair): string | null {
  const yaml = parseDocument(source);
  const entries = yaml.get('subProcessors');
  if (yaml.errors.length > 0 || !isSeq(entries)) return null;
  for (const [index, entry] of document.subProcessors.entries()) {
    const node = entries.items[index];
    if (!isMap(node)) return null;
    if (entry.id === added) {
      const id = node.items.find((item) => isScalar(item.key) && item.key.value === 'id');
      if (id === undefined) node.items.unshift(yaml.createPair('id', removed));
      else id.value = yaml.createNode(removed);
    }
    if (entry.parent === added) node.set('parent', removed);
  }
  return yaml.toString({ lineWidth: 0 });
}
