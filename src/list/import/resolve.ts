import { limits } from '../document.js';
import { plainText } from '../plain.js';
import { leave, understand } from './account.js';
import { kindMeant, type Nameless, unnamedKind } from './build-catalogue.js';
import type { Note } from './build-list.js';
import { addCategory, type Catalogue, type Kind, kindNamed, nameSlot, type Slot, treeOf } from './catalogue.js';
import { type CategoryContext, type CategoryReading, readCategoryCell } from './category-cell.js';
import type { EntryDraft } from './entry-row.js';
import { isNone } from './flags.js';

/*
 * PURE. The data categories of vendors, looked up in the catalogue once it is read; and names that its rows
 * have lost, found in what vendors are said to receive.
 */

/** Data categories of a vendor, by kind. */
export type Received = Map<Kind, Set<Slot>>;

const people =
  /\b(?:(?:end[ -]?)?users?|customers?|clients?|employees?|staff|visitors?|members?|managers?|admin(?:istrator)?s?|advocates?|contacts?|candidates?|applicants?|patients?|students?|guests?|subscribers?|kunden|nutzer|mitarbeiter|beschäftigte|bewerber|besucher|mitglieder)$/i;

function contextOf(catalogue: Catalogue): CategoryContext {
  return {
    kinds: catalogue.kinds.map(({ name }) => name),
    tree: (kind) => treeOf(catalogue, kind === null ? null : kindMeant(catalogue, kind)),
    isPeople: (label) => people.test(label.trim()),
  };
}

/** Gives nameless rows of the catalogue the one name that vendors receive and it does not explain. */
export function recoverNames(
  drafts: readonly EntryDraft[],
  catalogue: Catalogue,
  nameless: readonly Nameless[],
  notes: Note[],
): void {
  if (nameless.length === 0) return;
  const context = contextOf(catalogue);
  const unexplained = new Map<Kind, Map<string, string>>();
  for (const { categoryCells } of drafts) {
    for (const { cell } of categoryCells) {
      for (const { kind: label, name, isGap } of readCategoryCell(cell, context).categories) {
        const kind = label === null ? soleKind(catalogue) : kindMeant(catalogue, label);
        if (kind === null || (!isGap && kind.byName.has(plainText(name)))) continue;
        const names = unexplained.get(kind) ?? new Map<string, string>();
        names.set(plainText(name), names.get(plainText(name)) ?? name);
        unexplained.set(kind, names);
      }
    }
  }
  for (const [kind, names] of unexplained) {
    const lost = nameless.filter((one) => one.kind === kind);
    const [only] = lost;
    const [name] = names.values();
    if (lost.length !== 1 || names.size !== 1 || only === undefined || name === undefined) continue;
    nameSlot(catalogue, kind, only.slot, name);
    const { line } = only.source;
    notes.push({ code: 'category-name-recovered', values: { line, dataSubject: kind.name, name } });
  }
}

function soleKind({ kinds }: Catalogue): Kind | null {
  return kinds.length === 1 ? (kinds[0] ?? null) : null;
}

/** Looks up the data categories of an entry, and adds to the catalogue what it does not hold. */
export function receivedBy(draft: EntryDraft, catalogue: Catalogue, notes: Note[]): Received {
  const received: Received = new Map();
  const { row } = draft;
  const own: Kind[] = [];
  for (const { value, text, column } of draft.kinds) {
    const kind = kindMeant(catalogue, value) ?? kindNamed(catalogue, value, false);
    if (kind === null) leave(row, column, text, 'not-accepted');
    else {
      if (!own.includes(kind)) own.push(kind);
      understand(row, 'dataSubject', kind.name, column, text);
    }
  }
  for (const { cell, column } of draft.categoryCells) {
    if (isNone(cell.text)) {
      putNone(draft, catalogue, own, received, column, cell.text, notes);
      continue;
    }
    const reading = readCategoryCell(cell, contextOf(catalogue));
    for (const words of reading.rest) leave(row, column, words, 'rest');
    if (reading.isAmbiguous) {
      notes.push({ code: 'categories-guessed', values: { line: row.line, name: draft.entry.name } });
    }
    for (const category of reading.categories) put(draft, catalogue, own, received, column, category, notes);
  }
  return received;
}

function put(
  { row }: EntryDraft,
  catalogue: Catalogue,
  own: readonly Kind[],
  received: Received,
  column: number,
  { kind: label, name, text, isGap }: CategoryReading['categories'][number],
  notes: Note[],
): void {
  const kinds = kindsFor(catalogue, own, label, name, notes);
  if (typeof kinds === 'string') {
    leave(row, column, text, kinds);
    return;
  }
  for (const kind of kinds) {
    let slot = kind.byName.get(plainText(name)) ?? null;
    if (slot === null && isGap) {
      leave(row, column, text, 'unknown-entry');
      continue;
    }
    if (slot === null) {
      slot = addCategory(catalogue, kind, name);
      if (slot === null) {
        leave(row, column, text, kind.slots.length >= limits.dataCategories ? 'too-many' : 'not-accepted');
        continue;
      }
      if (kind.isStated) notes.push({ code: 'category-made', values: { name, dataSubject: kind.name } });
    }
    const slots = received.get(kind) ?? new Set();
    received.set(kind, slots.add(slot));
    understand(row, `dataCategories.${kind.name}`, slot.category.name, column, text);
  }
}

/** The kinds that a data category of a vendor belongs to; else why it cannot be told. */
function kindsFor(
  catalogue: Catalogue,
  own: readonly Kind[],
  label: string | null,
  name: string,
  notes: Note[],
): readonly Kind[] | 'several-kinds' | 'unknown-entry' | 'too-many' {
  if (label !== null) {
    const kind = kindMeant(catalogue, label) ?? kindNamed(catalogue, label, false);
    return kind === null ? 'too-many' : [kind];
  }
  if (own.length > 0) return own;
  // Only a catalogue says whose a category is; that another vendor's cell says so of its own is no sign.
  const stated = catalogue.kinds.filter(({ isStated }) => isStated);
  const having = stated.filter(({ byName }) => byName.has(plainText(name)));
  if (having.length === 1) return having;
  if (having.length > 1) return 'several-kinds';
  if (stated.length > 1) return 'unknown-entry';
  const kind = stated[0] ?? madeKind(catalogue, notes);
  return kind === null ? 'too-many' : [kind];
}

/** The kind under which the data categories of vendors stand where nothing names one. */
function madeKind(catalogue: Catalogue, notes: Note[]): Kind | null {
  const known = catalogue.byKind.get(plainText(unnamedKind));
  if (known !== undefined) return known;
  const kind = kindNamed(catalogue, unnamedKind, false);
  if (kind !== null) notes.push({ code: 'kind-made', values: { name: kind.name } });
  return kind;
}

/** "None": no data category of any kind. */
function putNone(
  { row }: EntryDraft,
  catalogue: Catalogue,
  own: readonly Kind[],
  received: Received,
  column: number,
  text: string,
  notes: Note[],
): void {
  const made = own.length > 0 || catalogue.kinds.length > 0 ? null : madeKind(catalogue, notes);
  const kinds = own.length > 0 ? own : made === null ? catalogue.kinds : [made];
  for (const kind of kinds) {
    if (!received.has(kind)) received.set(kind, new Set());
    understand(row, `dataCategories.${kind.name}`, text, column, text);
  }
}
