import { leave } from './account.js';
import type { BuiltRow } from './build-list.js';
import { type EntryInput, type Place, putAddress } from './entry-fields.js';
import type { Cell } from './tables.js';

/*
 * PURE. The web addresses of a cell.
 */

const webAddress = /https?:\/\/[^\s<>"]+[^\s<>".,;:)\]]/gi;
const bareAddress = /^(?:www\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,24}(?:\/\S*)?$/i;

/** Links of a cell, and addresses that stand in it as text. */
export function readAddresses(
  { entry, row }: { entry: EntryInput; row: BuiltRow },
  target: 'website' | 'dpaUrl' | 'links',
  { text, links }: Cell,
  column: number,
): void {
  const place: Place = { row, column };
  let rest = text;
  for (const link of links) {
    const at = rest.indexOf(link.label);
    const words = at < 0 || link.label === '' ? link.url : link.label;
    if (at >= 0) rest = `${rest.slice(0, at)} ${rest.slice(at + link.label.length)}`;
    putAddress(entry, target, link, place, words);
  }
  for (const line of rest.split('\n')) {
    let end = 0;
    for (const { 0: url, index } of line.matchAll(webAddress)) {
      const before = line.slice(end, index);
      const words = before.slice(-200).replace(/^[\s,;|•–-]+|[\s:–-]+$/g, '');
      putAddress(entry, target, { label: words === '' ? url : words, url }, place, `${before}${url}`);
      end = index + url.length;
    }
    const left = line.slice(end).trim();
    if (bareAddress.test(left)) putAddress(entry, target, { label: left, url: `https://${left}` }, place, left);
    else if (/[\p{L}\p{N}]/u.test(left)) leave(row, column, left, 'not-an-address');
  }
}
