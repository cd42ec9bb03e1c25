import type { ListDocument, SubProcessor } from './document.js';
import { vendorKey } from './vendors.js';

/** A vendor's entries, in the list's order; there is always one. */
export type VendorEntries = readonly SubProcessor[];

const known = new WeakMap<ListDocument, readonly VendorEntries[]>();

/**
 * PURE. Entries of one vendor beside each other, at the place of the first. A document is sorted once, as long as
 * it lives: with thousands of entries it is a good part of what a page takes.
 */
export function entriesByVendor(document: ListDocument): readonly VendorEntries[] {
  const found = known.get(document);
  if (found !== undefined) return found;
  const vendors = new Map<string, SubProcessor[]>();
  for (const entry of document.subProcessors) {
    const key = vendorKey(entry.name);
    const others = vendors.get(key);
    if (others === undefined) vendors.set(key, [entry]);
    else others.push(entry);
  }
  const sorted = [...vendors.values()];
  known.set(document, sorted);
  return sorted;
}
