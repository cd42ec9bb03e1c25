import { needsMechanism } from './adequacy.js';
import type { SubProcessor } from './document.js';
import { countryOf } from './places.js';

/*
 * PURE. What a controller would miss in an entry (EDPB Opinion 22/2024; SCC 2021/915, clause 7.7): advice
 * for those who write the list, never a reason to refuse it, since real lists are uneven.
 */

export type Gap = 'purpose' | 'location' | 'transfer' | 'contact';

/** The field in which each of them would be stated. */
export const fieldOfGap = {
  purpose: 'purposes',
  location: 'dataLocations',
  transfer: 'transferMechanisms',
  contact: 'contact',
} as const satisfies Record<Gap, keyof SubProcessor>;

/** The facts that an entry does not state and that customers ask for, in the order in which they ask. */
export function gapsOf(entry: SubProcessor): Gap[] {
  const gaps: Gap[] = [];
  if (isEmpty(entry.purposes)) gaps.push('purpose');
  if (isEmpty(entry.dataLocations) && isEmpty(entry.regions) && entry.country === undefined) gaps.push('location');
  if (isEmpty(entry.transferMechanisms) && countriesOf(entry).some(needsMechanism)) gaps.push('transfer');
  if (entry.contact === undefined && entry.website === undefined && entry.dpaUrl === undefined) gaps.push('contact');
  return gaps;
}

/** Where the vendor is, where data lies and from where it is seen: access from afar is a transfer as well. */
function countriesOf({ country, dataLocations = [], accessLocations = [] }: SubProcessor): string[] {
  const places = [...dataLocations, ...accessLocations].flatMap((place) => countryOf(place) ?? []);
  return country === undefined ? places : [country, ...places];
}

function isEmpty(values: readonly string[] | undefined): boolean {
  return values === undefined || values.length === 0;
}
