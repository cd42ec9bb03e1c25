import type { ListDocument } from '../document.js';
import { countryNamed } from '../places.js';
import { plainText } from '../plain.js';
import { isOwnHeading } from './entries.js';
import { relationshipOf } from './flags.js';
import { dataCategoryHeadings, headingWords, matchHeading, subProcessorHeadings } from './headings.js';
import type { ColumnTarget, HeadingTarget, TableMapping } from './mapping.js';
import { looksLikeAddress, readNameCell } from './name-cell.js';
import { isPlace, placePieces } from './pieces.js';
import { headingOf, isGenericHeading, placesOfHeading } from './table-heading.js';
import type { Cell, ImportSource, SourceTable } from './tables.js';

/*
 * PURE. What a table and its columns are, by their headings and by what stands in them.
 */

/** So many rows tell what a column holds. */
const mostLookedAt = 200;

/** Fields that hold one value; of two columns with the same one the second needs another meaning. */
const several: ReadonlySet<ColumnTarget> = new Set([
  'ignore',
  'purposes',
  'dataCategories',
  'dataLocations',
  'securityMeasures',
  'transferMechanisms',
  'links',
  'notes',
]);

export function recogniseTable(table: SourceTable, source: ImportSource, known: ListDocument | null): TableMapping {
  const vendors = vendorColumns(table, source);
  const categories = categoryColumns(table);
  const hasName = vendors.some(isNameTarget);
  if (isCatalogue(table, vendors, categories, hasName)) {
    const heading = headingOf(table);
    const isKind = heading !== null && !isDataHeading(heading.text) && !categories.includes('dataSubject');
    return {
      use: 'data-categories',
      headingAs: isKind && !heading.isCaption ? 'dataSubject' : 'ignore',
      columns: categories,
    };
  }
  if (!hasName) return { use: 'ignore', headingAs: 'ignore', columns: table.columns.map(() => 'ignore') };
  return { use: 'sub-processors', headingAs: recogniseHeading(table, vendors, source, known), columns: vendors };
}

function isNameTarget(target: ColumnTarget): boolean {
  return target === 'name' || target === 'name+address' || target === 'name+product';
}

/** A catalogue names data in its first column and says of it what no list of companies says. */
function isCatalogue(
  { columns, headings, caption }: SourceTable,
  vendors: readonly ColumnTarget[],
  categories: readonly ColumnTarget[],
  hasName: boolean,
): boolean {
  if (!categories.includes('name') || categories.filter((target) => target !== 'ignore').length < 2) return false;
  const heading = columns[categories.indexOf('name')] ?? '';
  const namesData = isDataHeading(heading);
  if (!hasName) return namesData || vendors.every((target) => target === 'ignore' || target === 'notes');
  // A column of companies beside that of the data: it says who receives what.
  if (vendors.findIndex(isNameTarget) !== categories.indexOf('name')) return false;
  const above = [...headings, caption ?? ''].join(' ');
  const count = (targets: readonly ColumnTarget[]) => targets.filter((target) => target !== 'ignore').length;
  return (
    namesData ||
    (isDataHeading(above) && !/process|vendor|supplier|verarbeiter/i.test(above) && count(categories) >= count(vendors))
  );
}

function isDataHeading(text: string): boolean {
  return (
    /\b(?:data|daten\p{L}*|personenbezogene\p{L}*|categor(?:y|ies)|kategorien?|données|datos)(?!\p{L})/iu.test(text) &&
    !/subject|betroffene|person(?:en|s)?\b$/i.test(text)
  );
}

function categoryColumns({ columns }: SourceTable): ColumnTarget[] {
  const taken = new Set<ColumnTarget>();
  return columns.map((heading) => {
    const target = matchHeading(heading, dataCategoryHeadings)?.target ?? 'ignore';
    if (taken.has(target)) return 'ignore';
    if (target !== 'ignore') taken.add(target);
    return target;
  });
}

function vendorColumns(table: SourceTable, source: ImportSource): ColumnTarget[] {
  const { columns } = table;
  const cells = columns.map((_, column) => cellsOf(table, column));
  if (columns.every((heading) => heading === '')) return byContent(cells);
  const targets = columns.map(
    (heading): ColumnTarget =>
      ownScope(heading, source) ?? matchHeading(heading, subProcessorHeadings)?.target ?? 'ignore',
  );
  const exact = columns.map((heading) => matchHeading(heading, subProcessorHeadings)?.exact ?? false);
  const taken = new Map<ColumnTarget, number>();
  // Whole spellings first: "Name" before "Name of contact".
  const order = [...targets.keys()].sort((a, b) => Number(exact[b]) - Number(exact[a]) || a - b);
  for (const column of order) {
    const target = targets[column] ?? 'ignore';
    const isSecond = isNameTarget(target) ? [...taken.keys()].some(isNameTarget) : taken.has(target);
    const now = byCells(target, cells[column] ?? [], columns[column] ?? '', isSecond, targets);
    targets[column] = taken.has(now) && !several.has(now) ? 'ignore' : now;
    if (now !== 'ignore') taken.set(now, column);
  }
  return separated(targets, columns);
}

function cellsOf({ rows }: SourceTable, column: number): Cell[] {
  return rows.slice(0, mostLookedAt).flatMap(({ cells }) => {
    const cell = cells[column];
    return cell === undefined || (cell.text === '' && cell.links.length === 0) ? [] : [cell];
  });
}

/** "Relevant Retool Services" on a page of Retool: for which of our own services. */
function ownScope(heading: string, { title }: ImportSource): ColumnTarget | null {
  const own = new Set(
    headingWords(title ?? '')
      .split(' ')
      .filter((word) => word.length > 2 && !isGenericHeading(word)),
  );
  const words = headingWords(heading).split(' ');
  const isOwn =
    words.some((word) => own.has(word)) &&
    words.some((word) => /^(?:products?|services?|plans?|produkte?|dienste?)$/.test(word));
  return isOwn ? 'services' : null;
}

const share = (cells: readonly Cell[], test: (cell: Cell) => boolean) =>
  cells.length === 0 ? 0 : cells.filter(test).length / cells.length;

const isAddress = ({ text, links }: Cell) => links.length > 0 || /^(?:https?:\/\/|www\.)\S+$/i.test(text);

/** What a column is, where its cells say it better than its heading. */
function byCells(
  target: ColumnTarget,
  cells: readonly Cell[],
  heading: string,
  isSecond: boolean,
  targets: readonly ColumnTarget[],
): ColumnTarget {
  switch (target) {
    case 'name':
      if (isSecond) return 'ignore';
      if (share(cells, (cell) => hasAddress(cell)) >= 0.5) return 'name+address';
      return hasProducts(cells) ? 'name+product' : 'name';
    case 'country':
      // "Germany, Ireland" is where the data is, and not where a company sits.
      return share(
        cells,
        ({ text }) =>
          countryNamed(
            text
              .replace(/\s*\([^()]*\)$/, '')
              .split(',')
              .at(-1) ?? '',
          ) !== null && placePieces({ ...emptyItems, text }).length < 2,
      ) < 0.5 &&
        cells.length > 0 &&
        !targets.includes('dataLocations')
        ? 'dataLocations'
        : 'country';
    case 'dataLocations':
      return isSecond && /region/i.test(heading) ? 'regions' : 'dataLocations';
    case 'purposes': {
      const isKind = /^(?:entity type|type|category|relationship|typ|kategorie)$/.test(headingWords(heading));
      if (isKind && cells.length > 0 && share(cells, ({ text }) => relationshipOf(text) !== null) === 1)
        return 'relationship';
      const isAlone = targets.filter((one) => one === 'purposes').length < 2;
      return isKind && (isSecond || !isAlone) ? 'group' : 'purposes';
    }
    case 'website':
      return cells.length > 0 &&
        share(cells, isAddress) < 0.5 &&
        share(cells, ({ text }) => /\.[a-z]{2,}/i.test(text)) < 0.5
        ? 'notes'
        : 'website';
    default:
      return target;
  }
}

const emptyItems = { items: [], links: [], strong: null };

function hasAddress(cell: Cell): boolean {
  const { address } = readNameCell(cell, () => false);
  return address !== null && (looksLikeAddress(address) || looksLikeAddress(cell.text.replaceAll('\n', ', ')));
}

/** "SolarWinds LLC (Loggly)" in each row, and not the same in all: "(AWS)" is a short form. */
function hasProducts(cells: readonly Cell[]): boolean {
  const products = cells.map(({ text }) => /\S\s*\(([^()]+)\)$/.exec(text)?.[1] ?? '');
  return cells.length > 2 && products.every((product) => product !== '') && new Set(products).size > 1;
}

/** Of several columns of purposes, one is the product used, where its heading says "service". */
function separated(targets: readonly ColumnTarget[], columns: readonly string[]): ColumnTarget[] {
  const purposes = targets.filter((target) => target === 'purposes').length;
  const hasProduct = targets.includes('product');
  return targets.map((target, column) => {
    const isService = /^(?:services?|dienste?|servicio|servizio)$/.test(headingWords(columns[column] ?? ''));
    return target === 'purposes' && purposes > 1 && isService && !hasProduct ? 'product' : target;
  });
}

/** Columns without headings: names first, addresses and places by what they are, the rest purposes. */
function byContent(cells: readonly (readonly Cell[])[]): ColumnTarget[] {
  let name = false;
  let purpose = false;
  return cells.map((column): ColumnTarget => {
    if (column.length === 0) return 'ignore';
    if (
      !name &&
      share(column, ({ text }) => text.length <= 200 && text !== '' && !isAddress({ ...emptyItems, text })) > 0.8
    ) {
      name = true;
      return share(column, hasAddress) >= 0.5 ? 'name+address' : 'name';
    }
    if (share(column, ({ text }) => /^(?:https?:\/\/|www\.)\S+$/i.test(text)) > 0.5) return 'website';
    if (share(column, (cell) => placePieces(cell).every(({ value }) => isPlace(value))) > 0.5) return 'dataLocations';
    if (purpose) return 'notes';
    purpose = true;
    return 'purposes';
  });
}

/** What the heading above a table of sub-processors says of its rows. */
function recogniseHeading(
  table: SourceTable,
  columns: readonly ColumnTarget[],
  source: ImportSource,
  known: ListDocument | null,
): HeadingTarget {
  const heading = headingOf(table);
  if (heading === null) return 'ignore';
  const { text } = heading;
  const plain = plainText(text);
  if (known?.services?.some(({ name }) => plainText(name) === plain)) return 'services';
  if (relationshipOf(text) !== null && !columns.includes('relationship')) return 'relationship';
  if (placesOfHeading(text).length > 0) return columns.includes('dataLocations') ? 'regions' : 'dataLocations';
  if (heading.isCaption || isGenericHeading(text)) return 'ignore';
  const at = columns.findIndex(isNameTarget);
  if (
    isOwnHeading(
      text,
      table.rows.map(({ cells }) => cells[at]?.text ?? ''),
    )
  )
    return 'relationship';
  // One heading above everything parts nothing.
  const others = source.tables.some(
    (other) => other !== table && headingOf(other)?.text !== text && sameColumns(other, table),
  );
  if (!others) return 'ignore';
  return columns.some((target) => target === 'purposes' || target === 'purposes+commas') ? 'group' : 'purposes';
}

function sameColumns(a: SourceTable, b: SourceTable): boolean {
  return a.columns.length > 0 && a.columns.some((heading) => heading !== '' && b.columns.includes(heading));
}
