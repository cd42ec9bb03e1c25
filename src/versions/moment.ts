import type { Config } from '../config.js';
import { readMoment } from './clock.js';
import type { PublishRequest } from './version.js';

/**
 * PURE. When a publication happens that is asked for now: at once, at the time that it names, or when the time
 * is over in which it can still be stopped. Nobody goes below the hold-back of the settings; a time that is
 * named and lies behind it needs none.
 * Refuses `date.invalid`.
 * @returns `ahead`: the moment is still to come, so the publication is planned
 */
export function momentOfPublication(
  request: PublishRequest,
  now: Date,
  settings: Pick<Config, 'timeZone' | 'holdBackMinutes'>,
): { at: Date; ahead: boolean } {
  if (request.publishAt !== undefined) {
    return { at: readMoment('publishAt', request.publishAt, settings.timeZone), ahead: true };
  }
  const minutes = Math.max(settings.holdBackMinutes, request.holdBackMinutes ?? 0);
  return { at: new Date(now.getTime() + minutes * 60_000), ahead: minutes > 0 };
}
