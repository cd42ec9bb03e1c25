import { z } from 'zod';
import type { ListDocument } from '../../list/document.js';
import { findEntry, nameOfEntry, parseRef, siblingsOf } from '../../list/entry-ref.js';
import type { Texts } from '../../texts.js';

/*
 * PURE. After an entry was moved: where it is now, and which of its buttons gets the focus, so that whoever
 * moves by keyboard can go on pressing.
 */

export const moves = ['first', 'up', 'down', 'last'] as const;
export type Move = (typeof moves)[number];

/** What the address of the page says that was just done. */
export const movedQuery = z.object({
  moved: z.string().max(300).optional().catch(undefined),
  to: z.enum(moves).optional().catch(undefined),
});

export interface Moved {
  ref: string;
  /** Null: it was put to a place by number or by dragging. */
  focus: Move | null;
  text: string;
}

/** Null when nothing was moved, or it is not there any more. */
export function movedView(
  document: ListDocument,
  { moved, to }: z.infer<typeof movedQuery>,
  texts: Texts,
): Moved | null {
  const ref = parseRef(moved ?? '');
  const siblings = ref === null ? null : siblingsOf(document, ref);
  if (ref === null || siblings === null || moved === undefined) return null;
  const at = siblings.findIndex(({ id }) => id === ref.id);
  if (at < 0) return null;
  const name = nameOfEntry(findEntry(document, ref), ref);
  const text = texts.t('editor.overview.moved', { name, place: at + 1, count: siblings.length });
  return { ref: moved, focus: to === undefined ? null : usable(to, at, siblings.length), text };
}

/** At an end of the list the button that led there does nothing more. */
function usable(to: Move, at: number, count: number): Move {
  if (at === 0 && (to === 'up' || to === 'first')) return 'down';
  return at === count - 1 && (to === 'down' || to === 'last') ? 'up' : to;
}

/** Where an entry stands among how many; null for the head of the list and for what is not there. */
export function placeView(document: ListDocument, text: string): { place: number; count: number } | null {
  const ref = parseRef(text);
  const siblings = ref === null ? null : siblingsOf(document, ref);
  const at = siblings?.findIndex(({ id }) => id === ref?.id) ?? -1;
  return siblings === null || at < 0 ? null : { place: at + 1, count: siblings.length };
}
