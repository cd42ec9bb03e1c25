import { Refusal } from '../errors.js';
import type { ScheduledPublication } from './version.js';

/*
 * PURE. What publishing refuses and a dry run foretells, in the same words.
 */

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
