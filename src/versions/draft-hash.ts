import type { ListDocument } from '../list/document.js';
import { canonicalHash } from './chain.js';

/*
 * PURE. What a draft is recognised by: everything that would be published with it.
 */

const hashes = new WeakMap<ListDocument, string>();

/** What an approval is bound to. The same object is hashed once: a list of thousands takes a while. */
export function draftHash({ document }: { document: ListDocument }): string {
  const hash = hashes.get(document) ?? canonicalHash(document);
  hashes.set(document, hash);
  return hash;
}
