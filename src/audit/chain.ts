import { createHash } from 'node:crypto';
import { z } from 'zod';

/*
 * PURE. The audit log's chain, checked without the database that holds it: each link's hash is SHA-256, in
 * hexadecimal, over the hash before (nothing for the first), a line break, and the text of the entry.
 */

/** One line of an exported log. */
export const linkSchema = z.object({
  position: z.number().int(),
  hash: z.string(),
  previousHash: z.string().nullable(),
  /** The entry as the text of a JSON value, letter for letter as it was sealed. Null: it is missing. */
  content: z.string().nullable(),
});
export type ChainLink = z.infer<typeof linkSchema>;

export interface ChainFault {
  position: number;
  fault: 'entry-missing' | 'entry-changed' | 'previous-differs' | 'position-missing';
}

/** Checks links as they come; memory does not grow with their number. */
export function createChainCheck(
  first: { position: number; previousHash: string | null } = { position: 1, previousHash: null },
) {
  let expected = first.position;
  let previous = first.previousHash;
  const faults: ChainFault[] = [];
  return {
    /** The next link, in the order of positions. */
    check(link: ChainLink): void {
      if (link.position !== expected) faults.push({ position: expected, fault: 'position-missing' });
      else if (link.previousHash !== previous) faults.push({ position: link.position, fault: 'previous-differs' });
      if (link.content === null) faults.push({ position: link.position, fault: 'entry-missing' });
      else if (hashOf(link.previousHash, link.content) !== link.hash) {
        faults.push({ position: link.position, fault: 'entry-changed' });
      }
      expected = link.position + 1;
      previous = link.hash;
    },
    /** What does not agree; empty when the chain holds. `head`: the last hash, which stands for all before. */
    result(): { links: number; head: string | null; faults: ChainFault[] } {
      return { links: expected - first.position, head: previous, faults };
    },
  };
}

function hashOf(previous: string | null, content: string): string {
  return createHash('sha256')
    .update(`${previous ?? ''}\n${content}`)
    .digest('hex');
}
