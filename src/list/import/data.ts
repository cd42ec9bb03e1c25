import { type ListInput, listInputSchema } from '../document.js';
import { type Parsed, parseText, readList, readListValue } from '../read.js';
import type { Page } from './flow.js';
import { headingWords, matchHeading, subProcessorHeadings } from './headings.js';
import { readHtml } from './html.js';
import { looseCell } from './html-cell.js';
import { type Cell, emptyCell, linesOf, oneLine, type SourceTable } from './tables.js';
import { most, unreadable } from './unreadable.js';

/*
 * PURE. Lists kept as data: arrays of objects, at the top or nested under keys, whose keys are the columns;
 * and our own list document.
 */

export interface DataSource extends Page {
  list: ListInput | null;
}

/**
 * Reads JSON or YAML. A document of our own form comes as `list`.
 * Refuses `document.invalid` for text that is none, and for a list of our own form that has faults.
 */
export function readData(text: string, format: 'json' | 'yaml'): DataSource {
  const parsed = parseText(text, format);
  const own = ownList(parsed.value, () => readList(text, format));
  if (own !== null) {
    return { tables: [], title: own.title, introduction: own.introduction ?? null, leftOver: [], list: own };
  }
  return { ...pageOfData(parsed), list: null };
}

/**
 * Our own form: the bare document, or one within a version as the service gives it out.
 * @param refuse throws what is wrong with the bare document, with its lines
 */
function ownList(value: unknown, refuse: () => unknown): ListInput | null {
  if (!isObject(value)) return null;
  for (const candidate of [value, value.document, value.list]) {
    if (!isObject(candidate) || !Array.isArray(candidate.subProcessors) || !Array.isArray(candidate.dataSubjects))
      continue;
    const read = listInputSchema.safeParse(candidate);
    if (read.success) return read.data;
    if (candidate === value) refuse();
    else readListValue(candidate);
  }
  return null;
}

interface Walk extends Page {
  lineOf: Parsed['lineOf'];
}

/** The tables in a parsed value; scalars beside them are left over, but for a title and an introduction. */
export function pageOfData({ value, lineOf }: Parsed): Page {
  const walk: Walk = { tables: [], title: null, introduction: null, leftOver: [], lineOf };
  visit(value, [], [], walk);
  const { lineOf: _, ...page } = walk;
  return page;
}

/** Keys that hold the list itself, and say nothing of it. */
const plainKeys =
  /^(?:sub ?processors?|vendors?|companies|suppliers?|providers?|items|entries|list|data|rows|records|results)$/;

function visit(value: unknown, path: readonly string[], headings: readonly string[], walk: Walk): void {
  if (Array.isArray(value)) {
    const objects = value.filter(isObject);
    if (objects.length > 0) visitEntries(value, path, headings, walk);
    else if (value.length > 0 && value.every((one) => typeof one === 'string')) {
      const rows = value.map((one, at) => ({ line: lineAt([...path, String(at)], walk), cells: [looseCell(one)] }));
      walk.tables.push({ caption: null, headings: [...headings], columns: ['name'], rows });
    }
    return;
  }
  if (!isObject(value)) {
    leave(value, path, walk);
    return;
  }
  const entries = Object.entries(value);
  const inner = entries.map(([, one]) => one).filter(isObject);
  if (path.length > 0 && inner.length === entries.length && inner.length > 1 && inner.every(hasScalars)) {
    // `vendors: {stripe: {purpose: …}}`: the key is the name, where the entry has none.
    const named = entries.map(([key, one]) => (isObject(one) && nameKeyOf(one) === null ? { name: key, ...one } : one));
    visitEntries(
      named,
      path,
      headings,
      walk,
      entries.map(([key]) => key),
    );
    return;
  }
  for (const [key, one] of entries) {
    if (typeof one === 'string' && path.length === 0 && takeHead(key, one, walk)) continue;
    if (typeof one === 'string' && /<table\b/i.test(one)) {
      takePage(readHtml(one), lineAt([...path, key], walk), walk);
      continue;
    }
    const heading = plainKeys.test(headingWords(key)) ? [] : [key];
    visit(one, [...path, key], isObject(one) || Array.isArray(one) ? [...headings, ...heading] : headings, walk);
  }
}

/** A list of entries: one table, or one for each group of it. */
function visitEntries(
  entries: readonly unknown[],
  path: readonly string[],
  headings: readonly string[],
  walk: Walk,
  keys: readonly string[] = entries.map((_, at) => String(at)),
): void {
  const columns: string[] = [];
  const places = new Map<string, number>();
  const table: SourceTable = { caption: null, headings: [...headings], columns, rows: [] };
  const groups: (() => void)[] = [];
  for (const [at, entry] of entries.entries()) {
    const here = [...path, keys[at] ?? String(at)];
    if (!isObject(entry)) {
      leave(entry, here, walk);
      continue;
    }
    const nested = Object.entries(entry).find(([key, one]) => isGroup(key, one));
    if (nested !== undefined) {
      const [key, members] = nested;
      const name = Object.entries(entry).find(([other, one]) => other !== key && typeof one === 'string');
      groups.push(() => {
        for (const [other, one] of Object.entries(entry)) {
          if (other !== key && other !== name?.[0]) leave(one, [...here, other], walk);
        }
        visit(members, [...here, key], name === undefined ? headings : [...headings, oneLine(String(name[1]))], walk);
      });
      continue;
    }
    const cells: Cell[] = [];
    for (const [key, one] of Object.entries(entry)) {
      const place = places.get(key) ?? columns.length;
      if (place >= most.columns) {
        leave(one, [...here, key], walk);
        continue;
      }
      if (place === columns.length) columns.push(key);
      places.set(key, place);
      cells[place] = cellOfValue(one);
    }
    if (table.rows.length > most.rows) throw unreadable('too-large');
    table.rows.push({ line: lineAt(here, walk), cells });
  }
  for (const row of table.rows) row.cells = columns.map((_, at) => row.cells[at] ?? emptyCell);
  if (table.rows.length > 0) walk.tables.push(table);
  for (const group of groups) group();
}

/** Whether a key of an entry holds entries of its own, rather than facts about it. */
function isGroup(key: string, value: unknown): boolean {
  if (!Array.isArray(value) || value.length === 0 || !value.every(isObject)) return false;
  const target = matchHeading(key, subProcessorHeadings)?.target ?? 'name';
  return target === 'name' && value.every((one) => nameKeyOf(one) !== null);
}

function nameKeyOf(entry: Readonly<Record<string, unknown>>): string | null {
  return Object.keys(entry).find((key) => matchHeading(key, subProcessorHeadings)?.target === 'name') ?? null;
}

function hasScalars(entry: Readonly<Record<string, unknown>>): boolean {
  return Object.values(entry).some((one) => typeof one === 'string');
}

/** The cell that a value of a data file is; what is nested in it are its lines. */
function cellOfValue(value: unknown): Cell {
  if (!Array.isArray(value) && !isObject(value)) return looseCell(scalarText(value));
  const links: { label: string; url: string }[] = [];
  const items = linesOfValue(value, links).flatMap(linesOf);
  return { text: items.join('\n'), items, links, strong: null };
}

function linesOfValue(value: unknown, links: { label: string; url: string }[]): string[] {
  if (Array.isArray(value)) return value.flatMap((one) => linesOfValue(one, links));
  if (!isObject(value)) return [scalarText(value)];
  const url = [value.url, value.href, value.link].find((one) => typeof one === 'string' && /^https?:/i.test(one));
  const label = [value.label, value.name, value.title, value.text].find((one) => typeof one === 'string');
  if (typeof url === 'string') {
    const words = oneLine(typeof label === 'string' ? label : url);
    links.push({ label: words, url: oneLine(url) });
    const known = [url, label];
    const rest = Object.entries(value).filter(([, one]) => !known.includes(typeof one === 'string' ? one : undefined));
    return [words, ...rest.flatMap(([key, one]) => labelled(key, one, links))];
  }
  return Object.entries(value).flatMap(([key, one]) => labelled(key, one, links));
}

/** `advocates: [name, email]` as "advocates: name, email". */
function labelled(key: string, value: unknown, links: { label: string; url: string }[]): string[] {
  const lines = linesOfValue(value, links)
    .map(oneLine)
    .filter((line) => line !== '');
  return lines.length === 0 ? [] : [`${oneLine(key)}: ${lines.join(', ')}`];
}

function scalarText(value: unknown): string {
  return value === null || value === undefined ? '' : String(value);
}

function takeHead(key: string, text: string, walk: Walk): boolean {
  const words = headingWords(key);
  if (words === 'title' && walk.title === null) walk.title = oneLine(text) || null;
  else if (/^(?:introduction|intro|description|einleitung)$/.test(words) && walk.introduction === null) {
    walk.introduction = text.trim() === '' || text.length > 20_000 ? null : linesOf(text).join('\n\n');
  } else return false;
  return true;
}

function takePage(page: Page, line: number, walk: Walk): void {
  for (const table of page.tables) {
    walk.tables.push({ ...table, rows: table.rows.map((row) => ({ ...row, line: line + row.line - 1 })) });
  }
  for (const text of [page.title, page.introduction]) if (text !== null) walk.leftOver.push({ line, text });
  walk.leftOver.push(...page.leftOver.map((one) => ({ line: line + (one.line ?? 1) - 1, text: one.text })));
}

/** Nothing that was written is dropped: what belongs to no entry is told with its path. */
function leave(value: unknown, path: readonly string[], walk: Walk): void {
  const text = Array.isArray(value) || isObject(value) ? cellOfValue(value).text : scalarText(value);
  if (text.trim() === '') return;
  const key = path.filter((part) => !/^\d+$/.test(part)).join('.');
  walk.leftOver.push({ line: walk.lineOf(path.join('.')) ?? null, text: key === '' ? text : `${key}: ${text}` });
}

function lineAt(path: readonly string[], walk: Walk): number {
  return walk.lineOf(path.join('.')) ?? 1;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
