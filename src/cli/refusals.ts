import { Refusal } from '../errors.js';

/** There is no version that could be written out. */
export function nothingPublished(): Refusal {
  return new Refusal('version.missing', 'Nothing was published yet; --draft writes the draft.');
}
