import type { Fault } from '../errors.js';
import { quoted } from './faults.js';
import { adoptIds, type Traits } from './match.js';

/*
 * PURE. The ids of one collection of entries: stated, taken over from the list before, or made from
 * the name.
 */

/** An entry with what it is known by and the text that an id can be made from. */
export interface Named extends Traits {
  id?: string | undefined;
  text: string;
}
export type Known = Named & { id: string };

/** The ids of a collection, in document order, and what a reference to one of them may look like. */
export interface Ids {
  all: readonly string[];
  /** The id that a reference means; null: there is none. */
  find(reference: string): string | null;
}

/** Completes the ids of `items` in document order; `base` is the same collection of the list before. */
export function idsFor(items: readonly Named[], base: readonly Known[]): Ids {
  const own = items.map(({ id }) => id);
  const adopted = own.every((id) => id !== undefined) ? own : adoptIds(items, base).map((id, at) => own[at] ?? id);
  const texts = items.map(({ text }) => text);
  const all = completed(adopted, texts, new Set(base.map(({ id }) => id)));
  const final = new Set(all);
  // Who numbers nothing refers by what the name gives, also where the entry keeps an older id.
  const byName = new Map(completed(own, texts, new Set()).map((id, at) => [id, all[at]]));
  return { all, find: (reference) => (final.has(reference) ? reference : (byName.get(reference) ?? null)) };
}

/** Makes the missing ids from the texts, unique among all and apart from the `reserved` ones. */
function completed(
  ids: readonly (string | undefined)[],
  texts: readonly string[],
  reserved: ReadonlySet<string>,
): string[] {
  const taken = new Set(ids.filter((id) => id !== undefined));
  const counts = new Map<string, number>();
  return ids.map((id, at) => {
    if (id !== undefined) return id;
    const stem = slugOf(texts[at] ?? '');
    for (let count = (counts.get(stem) ?? 0) + 1; ; count++) {
      const candidate = count === 1 ? stem : `${stem}-${count}`;
      if (taken.has(candidate) || reserved.has(candidate)) continue;
      counts.set(stem, count);
      taken.add(candidate);
      return candidate;
    }
  });
}

// Letters that NFKD does not take apart into a Latin letter and a mark.
const latin: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ħ: 'h',
  ı: 'i',
  ĸ: 'k',
  ŋ: 'n',
};

/** The id that a name gives: lower case, ASCII, hyphens; `entry` for a name without a Latin letter or digit. */
function slugOf(name: string): string {
  const slug = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{M}/gu, '')
    .replace(/[ßæœøłđðþħıĸŋ]/g, (letter) => latin[letter] ?? '')
    .replace(/['’]/g, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, 80)
    .replace(/-+$/, '');
  return slug === '' ? 'entry' : slug;
}

/** The entries with their ids. */
export function withIds<Item extends object>(
  items: readonly (Item & { id?: string | undefined })[],
  { all }: Ids,
): (Omit<Item, 'id'> & { id: string })[] {
  return items.map(({ id: _, ...item }, at) => ({ id: all[at] ?? '', ...item }));
}

/** One fault for each id that an earlier entry has already. */
export function repeatsIn(items: readonly Named[], path: string): Fault[] {
  const first = new Map<string, number>();
  return items.flatMap(({ id }, index): Fault[] => {
    if (id === undefined) return [];
    const earlier = first.get(id);
    first.set(id, earlier ?? index);
    if (earlier === undefined) return [];
    return [
      {
        path: `${path}.${index}.id`,
        message: `${quoted(id)} is the id of ${path}.${earlier} already: give this entry another one, or leave its id out.`,
      },
    ];
  });
}
