import { headingWords } from './headings.js';
import { isPlace } from './pieces.js';
import type { SourceTable } from './tables.js';

/*
 * PURE. What stands above a table, and whether it says anything of its rows.
 */

const generic: ReadonlySet<string> = new Set(
  `sub processor processors subprocessor subprocessors list lists of our the current and all table overview vendors vendor
   providers provider suppliers supplier companies company who we use used by this page third parties entities
   unterauftragsverarbeiter unterauftragnehmer auftragsverarbeiter liste übersicht der unserer unsere aktuelle und
   subunternehmer dienstleister`.split(/\s+/),
);

/** "List of sub-processors": words that any such table could have above it. */
export function isGenericHeading(text: string): boolean {
  const words = headingWords(text);
  return !/third part/.test(words) && words.split(' ').every((word) => generic.has(word));
}

/** The one text above a table that can be a fact of its rows: its nearest heading that says more than "list". */
export function headingOf({ headings, caption }: SourceTable): { text: string; isCaption: boolean } | null {
  const telling = headings.findLast((heading) => !isGenericHeading(heading));
  if (telling !== undefined) return { text: telling, isCaption: false };
  const leadIn = caption?.split('\n').at(-1) ?? '';
  if (leadIn.endsWith(':') && leadIn.length <= 200) return { text: leadIn, isCaption: true };
  const last = headings.at(-1);
  return last === undefined ? null : { text: last, isCaption: false };
}

/** The places that a heading or a lead-in names: "These subprocessors are all located in the United States:". */
export function placesOfHeading(text: string): string[] {
  const line = text.replace(/[:.]\s*$/, '').trim();
  if (isPlace(line)) return [line];
  const named = /\b(?:in|from|within|innerhalb|für|for)\s+(?:the\s+|der\s+|den\s+)?(\S.*)$/i.exec(line)?.[1] ?? '';
  const parts = named.split(/,\s*(?:and\s+)?|\s+(?:and|or|und|oder)\s+/).map((part) => part.replace(/^the\s+/i, ''));
  return parts.length > 0 && parts.every(isPlace) ? parts : [];
}
