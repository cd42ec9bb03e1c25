import { type ListDocument, type ListInput, listInputSchema } from '../document.js';
import { plainText } from '../plain.js';
import { vendorKey } from '../vendors.js';
import { leave, understand } from './account.js';
import type { Note } from './build-list.js';
import type { Catalogue, Kind, Slot } from './catalogue.js';
import type { EntryInput } from './entry-fields.js';
import type { EntryDraft } from './entry-row.js';
import type { Received } from './resolve.js';
import { type ImportSource, oneLine } from './tables.js';

/*
 * PURE. The parts of a list around its entries: title, introduction, services, ids; and what goes on from the
 * list before.
 */

const shape = listInputSchema.shape;

/** What a list is called that nothing gives a title. */
const assumedTitle = 'Sub-processors';

type Head = Pick<ListInput, 'title' | 'introduction' | 'dpaUrl' | 'statements'>;

/** Title, introduction and statements; those of the known list where the source has none. */
export function headOf(source: ImportSource, known: ListDocument | null, notes: Note[]): Head {
  const own = source.title === null ? null : oneLine(source.title);
  const title = own !== null && shape.title.safeParse(own).success ? own : null;
  if (title === null && known === null) notes.push({ code: 'title-assumed', values: { title: assumedTitle } });
  const hasOwn = source.introduction !== null && source.introduction.trim() !== '';
  const introduction = hasOwn ? shape.introduction.safeParse(source.introduction) : null;
  if (introduction?.success === false) notes.push({ code: 'introduction-too-long', values: {} });
  const intro = introduction?.success ? introduction.data : known?.introduction;
  const isKept =
    known !== null &&
    (title === null ||
      (!introduction?.success && known.introduction !== undefined) ||
      known.dpaUrl !== undefined ||
      (known.services?.length ?? 0) > 0 ||
      (known.statements?.length ?? 0) > 0);
  if (isKept) notes.push({ code: 'list-kept', values: {} });
  return {
    title: title ?? known?.title ?? assumedTitle,
    ...(intro !== undefined && { introduction: intro }),
    ...(known?.dpaUrl !== undefined && { dpaUrl: known.dpaUrl }),
    ...(known?.statements !== undefined && { statements: known.statements }),
  };
}

/** Our own services: those of the known list, and those that the source adds. */
export interface ServiceBook {
  all: { id?: string | undefined; name: string }[];
  byName: Map<string, number>;
}

export function serviceBook(known: ListDocument | null): ServiceBook {
  const all = [...(known?.services ?? [])];
  return { all, byName: new Map(all.map(({ name }, at) => [plainText(name), at])) };
}

/** The services that an entry is used for, as indexes of the book; new ones are put into it. */
export function usedServices({ services, row }: EntryDraft, book: ServiceBook, notes: Note[]): number[] {
  const used = new Set<number>();
  for (const { value, text, column } of services) {
    const name = oneLine(value);
    let at = book.byName.get(plainText(name));
    if (at === undefined) {
      const isPossible = shape.services.safeParse([{ name }]).success;
      if (!isPossible || book.all.length >= 500) {
        leave(row, column, text, isPossible ? 'too-many' : 'not-accepted');
        continue;
      }
      at = book.all.push({ name }) - 1;
      book.byName.set(plainText(name), at);
      notes.push({ code: 'service-made', values: { name } });
    }
    used.add(at);
    understand(row, 'services', book.all[at]?.name ?? name, column, text);
  }
  return [...used];
}

/** Finds the ids that kinds, data categories and services have been given. */
export function idsIn(list: ListDocument, { kinds }: Catalogue) {
  const kindIds = new Map<Kind, string>();
  const slotIds = new Map<Slot, string>();
  for (const [at, kind] of kinds.entries()) {
    kindIds.set(kind, list.dataSubjects[at]?.id ?? '');
    for (const [index, slot] of kind.slots.entries()) {
      slotIds.set(slot, list.dataSubjects[at]?.dataCategories?.[index]?.id ?? '');
    }
  }
  return {
    categoriesOf(received: Received): Record<string, string[]> {
      return Object.fromEntries(
        [...received].map(([kind, slots]) => [
          kindIds.get(kind) ?? '',
          [...slots].map((slot) => slotIds.get(slot) ?? ''),
        ]),
      );
    },
    servicesOf(used: readonly number[]): string[] {
      return used.map((at) => list.services?.[at]?.id ?? '');
    },
  };
}

/** The entries of a list whose catalogue alone is imported, without references to what is gone from it. */
export function keptEntries(known: ListDocument, { dataSubjects }: ListDocument): EntryInput[] {
  const ids = new Map(
    dataSubjects.map(({ id, dataCategories }) => [id, new Set((dataCategories ?? []).map((one) => one.id))]),
  );
  return known.subProcessors.map(({ dataCategories, ...entry }) => {
    const left = Object.entries(dataCategories ?? {}).flatMap(([kind, all]): [string, string[]][] => {
      const there = ids.get(kind);
      return there === undefined ? [] : [[kind, all.filter((id) => there.has(id))]];
    });
    return { ...entry, ...(dataCategories !== undefined && { dataCategories: Object.fromEntries(left) }) };
  });
}

/** Whether a text is the name of a vendor of the known list. */
export function nameTest(known: ListDocument | null): (text: string) => boolean {
  const keys = new Set((known?.subProcessors ?? []).map(({ name }) => vendorKey(name)));
  return (text) => keys.size > 0 && keys.has(vendorKey(text));
}
