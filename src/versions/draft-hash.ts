import type { ListDocument } from '../list/document.js';
import type { Grading } from '../list/grading.js';
import { canonicalHash } from './chain.js';

/*
 * PURE. What a draft is recognised by: everything that would be published with it.
 */

/** A draft's document, the message that would go with it, and the severities that persons have set. */
export interface Content {
  document: ListDocument;
  message: string | null;
  gradings: readonly Grading[];
}

const hashes = new WeakMap<ListDocument, string>();

/** The same object is hashed once: a list of thousands takes a while. */
function documentHash(document: ListDocument): string {
  const hash = hashes.get(document) ?? canonicalHash(document);
  hashes.set(document, hash);
  return hash;
}

/**
 * What an approval is bound to: SHA-256, in hexadecimal. Without a message and gradings it is that of the
 * document alone, as it was before there were any, so that approvals of then hold.
 */
export function draftHash({ document, message, gradings }: Content): string {
  const own = documentHash(document);
  if (message === null && gradings.length === 0) return own;
  return canonicalHash({ document: own, message, gradings });
}

/** What somebody saw of a draft beside its document, which has its revision: equal as long as it is the same. */
export function reviewMark({ message, gradings }: Omit<Content, 'document'>): string {
  return canonicalHash({ message, gradings }).slice(0, 16);
}
