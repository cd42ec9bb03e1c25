import { randomBytes } from 'node:crypto';

/*
 * A message is composed once and filled for each recipient. What differs stands in slots: marks of
 * a fixed length, so that filling moves no byte and no quoted-printable line.
 */

/** Signed links (30 characters, see subscribers/tokens.ts) in URLs. */
export type LinkSlot = 'unsubscribe' | 'preferences' | 'objection';
export type Slot = LinkSlot | 'to' | 'messageId' | 'date';

export const slotLength = 30;

// New in each process: no text of a list can hold one by design.
const marks = new Map<Slot, string>(
  (['unsubscribe', 'preferences', 'objection', 'to', 'messageId', 'date'] as const).map((slot) => [slot, newMark()]),
);
const slotOfMark = new Map([...marks].map(([slot, mark]) => [mark, slot]));
const anyMark = new RegExp([...marks.values()].join('|'), 'g');

export const slotMarks: readonly string[] = [...marks.values()];

/** What stands for the value until the message is filled. */
export function slotMark(slot: Slot): string {
  return marks.get(slot) ?? '';
}

/** Links for `renderNotice` and `renderLetter`, with slots for the tokens. */
export function slottedLinks(publicUrl: string): Record<LinkSlot, string> {
  return {
    unsubscribe: `${publicUrl}/unsubscribe/${slotMark('unsubscribe')}`,
    preferences: `${publicUrl}/preferences/${slotMark('preferences')}`,
    objection: `${publicUrl}/objections/${slotMark('objection')}`,
  };
}

/** Text cut at its slots. */
export function cutAtSlots(text: string): (string | { slot: Slot })[] {
  const pieces: (string | { slot: Slot })[] = [];
  let from = 0;
  for (const match of text.matchAll(anyMark)) {
    const slot = slotOfMark.get(match[0]);
    if (!slot) continue;
    if (match.index > from) pieces.push(text.slice(from, match.index));
    pieces.push({ slot });
    from = match.index + match[0].length;
  }
  if (from < text.length) pieces.push(text.slice(from));
  return pieces;
}

export function countSlots(text: string): number {
  return text.match(anyMark)?.length ?? 0;
}

/** 30 letters and digits: nothing that HTML, quoted-printable or a URL would escape. */
function newMark(): string {
  let mark = '';
  while (mark.length < slotLength)
    mark += randomBytes(48)
      .toString('base64')
      .replace(/[^A-Za-z0-9]/g, '');
  return mark.slice(0, slotLength);
}
