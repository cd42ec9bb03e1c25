import { createHash } from 'node:crypto';
import type { ListText } from './file.js';

/**
 * The Idempotency-Key of publishing a list: a key that a pipeline gives (its commit, its run) and the list
 * itself, since a key that comes with another list by mistake must not be answered with what it published
 * before. PURE.
 */
export function keyFor(key: string, list: ListText | null): string {
  const bound = createHash('sha256')
    .update(list === null ? 'draft' : `${list.format}\n${list.text}`)
    .digest('hex');
  return `${key}.${bound.slice(0, 32)}`;
}

/** What `keyFor` takes: what is left of the 255 letters that a key may have. */
export const keyPattern = /^[\x21-\x7e]{1,200}$/;
