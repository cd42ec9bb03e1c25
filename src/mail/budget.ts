import type { Account, AccountGroup, AccountItem } from '../list/describe.js';
import type { Texts } from '../texts.js';
import { groupHtml, itemHtml, shortItemHtml } from './account-html.js';
import { groupText, itemText, shortItemText } from './account-text.js';
import { type ValueLimit, valueLimits } from './shown-values.js';

/*
 * PURE. What of an account fits into a mail. Gmail hides what follows about 102,000 bytes of HTML,
 * the unsubscribe link with it; relays refuse large mail. So: everything in full if it fits, else
 * with long values cut, else the first items in full, the next by name, and the rest counted.
 */

/** Bytes that are left for the account. */
export interface Room {
  /** Of the HTML part, decoded. */
  html: number;
  /** Of both parts together, quoted-printable. */
  encoded: number;
}

interface Rendered {
  html: string;
  text: string;
}

/**
 * The account in both parts, the same items in each in the same form.
 * @param restUrl where what is only counted can be read
 */
export function fitAccount(account: Account, room: Room, restUrl: string, texts: Texts): Rendered {
  const items = account.groups.flatMap((group) => group.items);
  // The heading and hint of each group, and the line that counts the rest.
  const left = account.groups.reduce(
    (rest, group) => minus(rest, renderGroup(group, new Map(), { count: group.items.length, url: restUrl }, texts)),
    { ...room },
  );
  const { original } = account;
  for (const limit of valueLimits) {
    const all = takeInFull(items, left, { ...limit, original }, texts);
    if (all.size === items.length) return assemble(account, all, new Map(), restUrl, texts);
  }
  return assemble(account, ...takeSome(items, left, original, texts), restUrl, texts);
}

/** Bytes of a text in quoted-printable, soft breaks included. */
export function encodedSize(text: string): number {
  let size = 0;
  for (const byte of Buffer.from(text)) size += byte > 126 || byte === 61 || (byte < 32 && byte !== 10) ? 3 : 1;
  return Math.ceil(size * 1.05);
}

function takeInFull(
  items: readonly AccountItem[],
  room: Room,
  limit: ValueLimit,
  texts: Texts,
): Map<AccountItem, Rendered> {
  const taken = new Map<AccountItem, Rendered>();
  let left = room;
  for (const item of items) {
    const rendered = { html: itemHtml(item, limit, texts), text: itemText(item, limit, texts) };
    left = minus(left, rendered);
    if (isSpent(left)) break;
    taken.set(item, rendered);
  }
  return taken;
}

/** Two thirds of the room for items in full, so that many more are at least named. */
function takeSome(
  items: readonly AccountItem[],
  room: Room,
  original: Account['original'],
  texts: Texts,
): [Map<AccountItem, Rendered>, Map<AccountItem, Rendered>] {
  const limit = valueLimits.at(-1) ?? { characters: 160, values: 14 };
  const share = { html: (room.html * 2) / 3, encoded: (room.encoded * 2) / 3 };
  const full = takeInFull(items, share, { ...limit, original }, texts);
  let left = [...full.values()].reduce(minus, room);
  const short = new Map<AccountItem, Rendered>();
  for (const item of items.slice(full.size)) {
    const rendered = { html: shortItemHtml(item, texts), text: shortItemText(item, texts) };
    left = minus(left, rendered);
    if (isSpent(left)) break;
    short.set(item, rendered);
  }
  return [full, short];
}

function minus(room: Room, { html, text }: Rendered): Room {
  return {
    html: room.html - Buffer.byteLength(html) - 2,
    encoded: room.encoded - encodedSize(html) - encodedSize(text) - 8,
  };
}

function isSpent(room: Room): boolean {
  return room.html < 0 || room.encoded < 0;
}

type Taken = ReadonlyMap<AccountItem, Rendered>;

function assemble(account: Account, full: Taken, short: Taken, url: string, texts: Texts): Rendered {
  const groups = account.groups.map((group) => {
    const count = group.items.filter((item) => !full.has(item) && !short.has(item)).length;
    return renderGroup(group, full, { count, url }, texts, short);
  });
  return {
    html: groups.map(({ html }) => html).join('\n'),
    text: groups.map(({ text }) => text).join('\n\n\n'),
  };
}

function renderGroup(
  group: AccountGroup,
  full: Taken,
  more: { count: number; url: string },
  texts: Texts,
  short: Taken = new Map(),
): Rendered {
  const of = (taken: Taken, part: keyof Rendered) =>
    group.items.flatMap((item) => {
      const rendered = taken.get(item);
      return rendered ? [rendered[part]] : [];
    });
  return {
    html: groupHtml(group, { full: of(full, 'html'), short: of(short, 'html'), more }, texts),
    text: groupText(group, { full: of(full, 'text'), short: of(short, 'text'), more }, texts),
  };
}
