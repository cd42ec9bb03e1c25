import type { SubProcessor } from './document.js';

/*
 * PURE. What a controller would miss in an entry (EDPB Opinion 22/2024; SCC 2021/915, clause 7.7): advice
 * for those who write the list, never a reason to refuse it, since real lists are uneven.
 */

export type Gap = 'purpose' | 'location' | 'transfer' | 'contact';

/** EEA, and countries with an adequacy decision for everybody (Art. 45 GDPR). The USA are not: it depends on the vendor. */
const withoutMechanism: ReadonlySet<string> = new Set(
  (
    'AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK IS LI NO EU ' +
    'AD AR CA CH FO GB GG IL IM JE JP KR NZ UY'
  ).split(' '),
);

/** The facts that an entry does not state and that customers ask for, in the order in which they ask. */
export function gapsOf(entry: SubProcessor): Gap[] {
  const gaps: Gap[] = [];
  if (isEmpty(entry.purposes)) gaps.push('purpose');
  if (isEmpty(entry.dataLocations) && isEmpty(entry.regions) && entry.country === undefined) gaps.push('location');
  if (entry.country !== undefined && !withoutMechanism.has(entry.country) && isEmpty(entry.transferMechanisms)) {
    gaps.push('transfer');
  }
  if (entry.contact === undefined && entry.website === undefined && entry.dpaUrl === undefined) gaps.push('contact');
  return gaps;
}

function isEmpty(values: readonly string[] | undefined): boolean {
  return values === undefined || values.length === 0;
}
