import { type ListDocument, type ListInput, limits, listInputSchema } from '../document.js';
import { plainText } from '../plain.js';
import type { BuiltRow } from './build-list.js';
import { addName, type NameTree, nameTree } from './category-cell.js';

/*
 * PURE. The catalogue while it is built: data subject kinds with their data categories, from tables of the
 * source, from the list that goes on, or from what vendors are said to receive.
 */

export type CategoryInput = NonNullable<ListInput['dataSubjects'][number]['dataCategories']>[number];

/** One data category; its name is empty as long as its row has lost it. */
export interface Slot {
  category: CategoryInput;
  row: BuiltRow | null;
}

export interface Kind {
  id?: string | undefined;
  name: string;
  description?: string | undefined;
  slots: Slot[];
  byName: Map<string, Slot>;
  /** It comes from a catalogue, and not only from the vendors. */
  isStated: boolean;
}

export interface Catalogue {
  kinds: Kind[];
  byKind: Map<string, Kind>;
  trees: Map<Kind | null, NameTree>;
}

const shape = listInputSchema.shape.dataSubjects.element.shape;
const categoryShape = listInputSchema.shape.dataSubjects.element.shape.dataCategories.unwrap().element.shape;

export function emptyCatalogue(): Catalogue {
  return { kinds: [], byKind: new Map(), trees: new Map() };
}

/** The catalogue of a list, its entries with their ids. */
export function catalogueOf(list: ListDocument): Catalogue {
  const catalogue = emptyCatalogue();
  for (const { id, name, description, dataCategories } of list.dataSubjects) {
    const kind: Kind = { id, name, description, slots: [], byName: new Map(), isStated: true };
    catalogue.kinds.push(kind);
    if (!catalogue.byKind.has(plainText(name))) catalogue.byKind.set(plainText(name), kind);
    for (const category of dataCategories ?? []) putSlot(catalogue, kind, { category: { ...category }, row: null });
  }
  return catalogue;
}

/** The kind of a name, made where there is none; null: the name is not possible, or there are too many. */
export function kindNamed(catalogue: Catalogue, name: string, isStated: boolean): Kind | null {
  const known = catalogue.byKind.get(plainText(name));
  if (known !== undefined) return known;
  if (catalogue.kinds.length >= limits.dataSubjects || !shape.name.safeParse(name).success) return null;
  const kind: Kind = { name, slots: [], byName: new Map(), isStated };
  catalogue.kinds.push(kind);
  catalogue.byKind.set(plainText(name), kind);
  return kind;
}

/** Says of a kind what the text above its table says; false: it has a description already, or cannot take this. */
export function describeKind(kind: Kind, description: string): boolean {
  if (kind.description !== undefined || !shape.description.safeParse(description).success) return false;
  kind.description = description;
  return true;
}

/** Adds a data category; null: the kind is full, or the name is not possible. */
export function addCategory(catalogue: Catalogue, kind: Kind, name: string): Slot | null {
  if (!categoryShape.name.safeParse(name).success) return null;
  const slot: Slot = { category: { name }, row: null };
  return putSlot(catalogue, kind, slot) ? slot : null;
}

/** Puts a slot of the catalogue; false: the kind is full. */
export function putSlot(catalogue: Catalogue, kind: Kind, slot: Slot): boolean {
  if (kind.slots.length >= limits.dataCategories) return false;
  kind.slots.push(slot);
  if (slot.category.name !== '') nameSlot(catalogue, kind, slot, slot.category.name);
  return true;
}

/** Gives a slot its name. */
export function nameSlot(catalogue: Catalogue, kind: Kind, slot: Slot, name: string): void {
  slot.category.name = name;
  if (!kind.byName.has(plainText(name))) kind.byName.set(plainText(name), slot);
  if (!kind.isStated) return;
  for (const tree of [catalogue.trees.get(kind), catalogue.trees.get(null)])
    if (tree !== undefined) addName(tree, name);
}

/** The names of a kind for looking into texts; for null those of all kinds. */
export function treeOf(catalogue: Catalogue, kind: Kind | null): NameTree {
  const kept = catalogue.trees.get(kind);
  if (kept !== undefined) return kept;
  const kinds = kind === null ? catalogue.kinds : [kind];
  // What vendors alone are said to receive explains nothing: it would take the next vendor's text apart.
  const stated = kinds.filter(({ isStated }) => isStated);
  const tree = nameTree(stated.flatMap(({ slots }) => slots.map(({ category }) => category.name)));
  catalogue.trees.set(kind, tree);
  return tree;
}

/** The kinds as they stand in the list; rows without a name are left out. */
export function dataSubjectsOf(catalogue: Catalogue): ListInput['dataSubjects'] {
  return catalogue.kinds.map(({ id, name, description, slots }) => {
    const categories = slots.filter(({ category }) => category.name !== '').map(({ category }) => category);
    return {
      ...(id !== undefined && { id }),
      name,
      ...(description !== undefined && { description }),
      ...(categories.length > 0 && { dataCategories: categories }),
    };
  });
}
