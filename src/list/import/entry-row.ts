import { countryNamed } from '../places.js';
import { completeAccount, leave, leaveCell, understand } from './account.js';
import type { BuiltRow } from './build-list.js';
import { isCount } from './category-cell.js';
import {
  type EntryInput,
  isPossibleName,
  type Place,
  putAddress,
  putCountry,
  putLine,
  putLong,
  putMembers,
  putNone,
  type SetField,
} from './entry-fields.js';
import { readAddresses } from './entry-links.js';
import { emptinessOf, isNone, optionalOf, relationshipOf } from './flags.js';
import type { ColumnTarget } from './mapping.js';
import { countryOfAddress, readNameCell, readProductName } from './name-cell.js';
import { commaPieces, namePieces, type Piece, placePieces, termPieces, textPieces } from './pieces.js';
import { type Cell, oneLine, type SourceRow } from './tables.js';

/*
 * PURE. A row of a table of sub-processors as an entry. What needs the rest of the list (data categories,
 * services, who engages whom) is kept for later.
 */

/** A reference by name, to be looked up once the whole list is read. */
export interface Reference extends Piece {
  column: number | null;
}

export interface EntryDraft {
  entry: EntryInput;
  row: BuiltRow;
  source: SourceRow;
  /** Cells that name data categories. */
  categoryCells: { cell: Cell; column: number }[];
  /** Whose data it is, from a column of its own. */
  kinds: Reference[];
  services: Reference[];
  parent: Reference | null;
  /** The name, where its end is a guess. */
  guessed: string | null;
}

interface RowContext {
  targets: readonly ColumnTarget[];
  headings: readonly string[];
  isName: (text: string) => boolean;
}

const piecesFor: Readonly<Record<SetField | 'purposes+commas', (cell: Cell) => Piece[]>> = {
  purposes: textPieces,
  'purposes+commas': commaPieces,
  securityMeasures: textPieces,
  dataLocations: placePieces,
  accessLocations: (cell) =>
    placePieces(cell).map(({ value, text }) => ({ value: countryNamed(value) ?? value, text })),
  regions: placePieces,
  transferMechanisms: termPieces,
};

/** Reads a row; null: it has no name, and everything in it is left. */
export function readEntryRow(source: SourceRow, row: BuiltRow, context: RowContext): EntryDraft | null {
  const draft: EntryDraft = {
    entry: { name: '' },
    row,
    source,
    categoryCells: [],
    kinds: [],
    services: [],
    parent: null,
    guessed: null,
  };
  const order = [...source.cells.entries()].sort(
    ([a], [b]) => rank(context.targets[a]) - rank(context.targets[b]) || a - b,
  );
  for (const [column, cell] of order) {
    const isName = rank(context.targets[column]) === 0;
    // Without a name there is no entry that the rest could be a part of.
    if (!isName && draft.entry.name === '') leaveCell(row, column, cell, leftAs(context, column) ?? 'no-name');
    else readCell(draft, cell, column, context);
  }
  if (draft.entry.name === '') {
    completeAccount(row, source);
    return null;
  }
  const { entry } = draft;
  const home = entry.address === undefined ? null : countryOfAddress(entry.address);
  if (home !== null && entry.country === undefined) {
    const from = row.understood.find(({ field }) => field === 'address')?.column ?? null;
    putCountry(entry, 'country', home.code, home.text, { row, column: from });
  }
  return draft;
}

/** The name first, however the columns stand. */
function rank(target: ColumnTarget | undefined): number {
  return target === 'name' || target === 'name+address' || target === 'name+product' ? 0 : 1;
}

function leftAs({ targets, headings }: RowContext, column: number): 'no-column' | 'column-ignored' | null {
  const target = targets[column];
  if (target !== undefined && target !== 'ignore') return null;
  return column < headings.length ? 'column-ignored' : 'no-column';
}

function readCell(draft: EntryDraft, cell: Cell, column: number, context: RowContext): void {
  const { entry, row } = draft;
  const { text, links } = cell;
  if (text.trim() === '' && links.length === 0) return;
  const left = leftAs(context, column);
  if (left !== null) {
    leaveCell(row, column, cell, left);
    return;
  }
  const target = context.targets[column] ?? 'ignore';
  const place: Place = { row, column };
  const emptiness = emptinessOf(text);
  if (emptiness !== null && target !== 'optional' && !(text.trim() === '' && links.length > 0)) {
    if (!(isNone(text) && putNothing(draft, target, cell, column))) leaveCell(row, column, cell, emptiness);
    return;
  }
  switch (target) {
    case 'name':
    case 'name+address':
    case 'name+product':
      readName(draft, target, cell, column, context);
      break;
    case 'legalName':
    case 'group':
    case 'duration':
    case 'contact':
      putLine(entry, target, text.split('\n').join(target === 'contact' ? ', ' : ' '), place, text);
      break;
    case 'product':
      putLine(entry, 'product', cell.items.length > 0 ? cell.items.join(', ') : text, place, text);
      break;
    case 'id':
      putLine(entry, 'id', text, place);
      break;
    case 'address':
    case 'condition':
    case 'notes':
      putLong(entry, target, text, place);
      break;
    case 'description':
      putLong(entry, 'notes', text, place);
      break;
    case 'purpose':
    case 'purposes+commas':
      putMembers(entry, 'purposes', piecesFor[target === 'purpose' ? 'purposes' : target](cell), place);
      break;
    case 'dataLocations':
      readLocations(draft, cell, column);
      break;
    case 'purposes':
    case 'securityMeasures':
    case 'accessLocations':
    case 'regions':
    case 'transferMechanisms':
      putMembers(entry, target, piecesFor[target](cell), place);
      break;
    case 'country':
    case 'corporateCountry':
      putCountry(entry, target, countryOfCell(text), text, place);
      break;
    case 'optional':
      readOptional(draft, text, column, context.headings[column] ?? '');
      break;
    case 'relationship': {
      const relationship = relationshipOf(text);
      if (relationship === null) leave(row, column, text, 'not-a-relationship');
      else if (entry.relationship !== undefined) leave(row, column, text, 'second-value');
      else {
        entry.relationship = relationship;
        understand(row, 'relationship', relationship, column, text);
      }
      break;
    }
    case 'dataCategories':
      if (isCount(text)) leave(row, column, text, 'counts-only');
      else draft.categoryCells.push({ cell, column });
      break;
    case 'dataSubject':
      draft.kinds.push(...namePieces(cell).map((piece) => ({ ...piece, column })));
      break;
    case 'services':
      // "All" sets no bounds, as nothing at all would.
      if (/^(?:all|any|alle)(?: (?:our |unsere )?(?:services|products|dienste|produkte))?$/i.test(text)) {
        leave(row, column, text, 'says-nothing');
      } else draft.services.push(...namePieces(cell).map((piece) => ({ ...piece, column })));
      break;
    case 'parent':
      if (draft.parent === null) draft.parent = { value: oneLine(text), text, column };
      else leave(row, column, text, 'second-value');
      break;
    case 'website':
    case 'dpaUrl':
    case 'links':
      readAddresses(draft, target, cell, column);
      return;
    default:
      leaveCell(row, column, cell, 'not-accepted');
      return;
  }
  if (rank(target) > 0) {
    for (const link of links) putAddress(entry, 'links', link, place, link.url);
  }
}

/** "None" in a field that can say so. */
function putNothing(draft: EntryDraft, target: ColumnTarget, cell: Cell, column: number): boolean {
  const place: Place = { row: draft.row, column };
  switch (target) {
    case 'dataCategories':
      draft.categoryCells.push({ cell, column });
      return true;
    case 'securityMeasures':
    case 'transferMechanisms':
    case 'accessLocations':
      putNone(draft.entry, target, cell.text, place);
      return true;
    default:
      return false;
  }
}

function readName(
  draft: EntryDraft,
  target: 'name' | 'name+address' | 'name+product',
  cell: Cell,
  column: number,
  { isName }: RowContext,
): void {
  const { entry, row } = draft;
  const place: Place = { row, column };
  if (entry.name !== '') {
    leaveCell(row, column, cell, 'second-value');
    return;
  }
  const { name, address, flag, isGuess } =
    target === 'name+address'
      ? readNameCell(cell, isName)
      : { name: cell.text, address: null, flag: null, isGuess: false };
  const { name: own, product } = target === 'name+product' ? readProductName(name) : { name, product: null };
  const value = oneLine(own);
  if (emptinessOf(value) !== null || !isPossibleName(value)) {
    leaveCell(row, column, cell, emptinessOf(value) ?? 'not-accepted');
    return;
  }
  entry.name = value;
  understand(row, 'name', value, column, own);
  if (isGuess) draft.guessed = value;
  if (flag !== null) readOptional(draft, flag, column, '');
  if (address !== null) putLong(entry, 'address', address, place);
  if (product !== null) putLine(entry, 'product', product, place);
  for (const link of cell.links) putAddress(entry, 'website', link, place, link.url);
}

function readOptional({ entry, row }: EntryDraft, text: string, column: number, heading: string): void {
  const flag = optionalOf(text, heading);
  if (flag === null) leave(row, column, text, 'not-a-flag');
  else if (entry.optional !== undefined) leave(row, column, text, 'second-value');
  else {
    entry.optional = flag;
    understand(row, 'optional', text, column, text);
  }
}

/** Places; "USA (Americas customers only)" says for whom it is one, too. */
function readLocations({ entry, row }: EntryDraft, cell: Cell, column: number): void {
  for (const { value, text } of placePieces(cell)) {
    // A longer text is no place, and would be searched again and again.
    const found =
      value.length > 300
        ? null
        : /^([^()]*[^()\s])\s*\(\s*(?:only )?(?:for )?([^()]*[^()\s]) customers?(?: only)?\s*\)$/i.exec(value);
    if (found === null) putMembers(entry, 'dataLocations', [{ value, text }], { row, column });
    else {
      putMembers(entry, 'dataLocations', [{ value: found[1] ?? '', text: found[1] ?? '' }], { row, column });
      const words = text.slice(text.indexOf('('));
      putMembers(entry, 'regions', [{ value: found[2] ?? '', text: words }], { row, column });
    }
  }
}

/** "Germany", "DE", "Munich, Germany", "Germany (Munich)". */
function countryOfCell(text: string): string | null {
  const line = oneLine(text);
  const base = line.replace(/\s*\([^()]*\)$/, '');
  return countryNamed(line) ?? countryNamed(base) ?? countryNamed(line.split(',').at(-1) ?? '');
}
