import { Refusal } from '../errors.js';
import type { ScheduledPublication } from './version.js';

/*
 * PURE. What publishing refuses and a dry run foretells, in the same words.
 */

/** @param withdrawn null: there is no such version */
export function notCorrectable(number: number, withdrawn: true | null): Refusal {
  const why = withdrawn === null ? 'there is none' : 'it is withdrawn';
  return new Refusal('version.not-correctable', `Version ${number} cannot be corrected: ${why}.`, [
    { path: 'corrects', message: 'must be the number of a published version that is not withdrawn' },
  ]);
}

/** @returns null while the time to publish is ahead */
export function publishAtOver(publishAt: Date, now: Date): Refusal | null {
  if (publishAt > now) return null;
  return new Refusal('date.in-past', 'The time to publish is over already.', [
    { path: 'publishAt', message: 'must be in the future; leave it out to publish now' },
  ]);
}

export function scheduledAlready({
  number,
  state,
  publishAt,
}: Pick<ScheduledPublication, 'number' | 'state' | 'publishAt'>): Refusal {
  return new Refusal(
    'version.scheduled-already',
    `Version ${number} is ${state} (for ${publishAt.toISOString()}): cancel that first, so that numbers stay in order.`,
  );
}
