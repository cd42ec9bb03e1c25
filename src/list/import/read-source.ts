import { Refusal } from '../../errors.js';
import { limits } from '../document.js';
import { parseText } from '../read.js';
import { readCsv, separatorOf } from './csv.js';
import { pageOfData, readData } from './data.js';
import { decodeText } from './decode.js';
import type { Page } from './flow.js';
import { readHtml } from './html.js';
import { readMarkdown } from './markdown.js';
import { hasPipe, ruleWidth } from './pipes.js';
import type { ImportSource, LeftOver, SourceFormat, SourceTable } from './tables.js';
import { isCapture, readText } from './text.js';
import { most, unreadable } from './unreadable.js';
import { readXlsx } from './xlsx.js';

/*
 * PURE. The way in: the bytes of a file or of a pasted text, and what they are.
 */

/** Largest file that is read; a saved page with its pictures inside can be some megabytes. */
export const mostBytes = most.bytes;
/** YAML is read slowly: what only may be some is not tried beyond this. */
const mostGuessed = 100_000;

export interface SourceHint {
  fileName?: string | undefined;
  /** Media type, with its `charset` where it has one. */
  contentType?: string | undefined;
}

/**
 * Reads a file, a saved page or a pasted text as tables. What it is is told by its content; name and media
 * type decide only where the content leaves it open.
 * Refuses `import.unreadable` with a sentence that says what to do. The path of its first fault is one of
 * `unreadableReasons`; faults of a data file follow, with their lines. A list document of our own form that
 * has faults is refused as `document.invalid`, as `readList` does.
 */
export async function readSource(bytes: Uint8Array, hint: SourceHint): Promise<ImportSource> {
  try {
    const source = read(bytes, hint);
    if (source.list === null && source.tables.length === 0) throw unreadable('no-rows');
    if (isTooLarge(source.tables)) throw unreadable('too-large');
    return source;
  } catch (error) {
    // Nested so deeply that the stack does not suffice.
    if (error instanceof RangeError) throw unreadable('too-deep');
    throw error;
  }
}

/** Merged cells and headings above several tables repeat their texts, so that a small file can hold large tables. */
function isTooLarge(tables: readonly SourceTable[]): boolean {
  let [rows, letters] = [0, 0];
  for (const { caption, headings, columns, rows: own } of tables) {
    rows += own.length;
    for (const text of [caption ?? '', ...headings, ...columns]) letters += text.length;
    for (const { cells } of own) for (const { text } of cells) letters += text.length;
  }
  return tables.length > most.tables || rows > most.rows || letters > most.unpacked;
}

function read(bytes: Uint8Array, hint: SourceHint): ImportSource {
  if (bytes.length > mostBytes) throw unreadable('too-large');
  const signature = Buffer.from(bytes.subarray(0, 8)).toString('latin1');
  if (signature.startsWith('%PDF-')) throw unreadable('pdf');
  if (signature.startsWith('\u00d0\u00cf\u0011\u00e0')) throw unreadable('old-excel');
  if (signature.startsWith('PK\u0003\u0004')) return readArchive(bytes);
  const { text, encoding } = decodeText(bytes, /charset\s*=\s*"?([\w-]+)/i.exec(hint.contentType ?? '')?.[1] ?? null);
  if (text.trim() === '') throw unreadable('empty');
  if (isBinary(text)) throw unreadable('binary');
  if (
    /^(?:From|MIME-Version|Content-Type|Snapshot-Content-Location):/im.test(text.slice(0, 1_000)) &&
    /multipart\/related/i.test(text.slice(0, 4_000))
  ) {
    throw unreadable('web-archive');
  }
  if (text.startsWith('bplist')) throw unreadable('web-archive');
  // Line ends are one character from here on, so that lines are counted alike everywhere.
  return { ...readAs(formatOf(text, hint), text.replace(/\r\n?/g, '\n')), encoding };
}

function readArchive(bytes: Uint8Array): ImportSource {
  const names = Buffer.from(bytes).toString('latin1');
  if (!names.includes('xl/') && /word\/|ppt\/|META-INF\/|mimetype/.test(names)) throw unreadable('other-office');
  return { format: 'xlsx', encoding: 'utf-8', list: null, ...readXlsx(bytes) };
}

/** A text has hardly any control characters. */
function isBinary(text: string): boolean {
  const start = text.slice(0, 4_000);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const odd = start.match(/[\u0000-\u0008\u000e-\u001a\u001c-\u001f]/g)?.length ?? 0;
  return odd > start.length / 20;
}

type Named = Exclude<SourceFormat, 'xlsx' | 'text'>;
const endings: readonly (readonly [RegExp, Named])[] = [
  [/\.json$/i, 'json'],
  [/\.ya?ml$/i, 'yaml'],
  [/\.(?:csv|tsv|tab)$/i, 'csv'],
  [/\.(?:md|mdx|markdown|mkd)$/i, 'markdown'],
  [/\.x?html?$/i, 'html'],
];
const mediaTypes: readonly (readonly [RegExp, Named])[] = [
  [/json/i, 'json'],
  [/yaml/i, 'yaml'],
  [/csv|tab-separated/i, 'csv'],
  [/markdown/i, 'markdown'],
  [/html/i, 'html'],
];

/** The format of a text. Content that cannot be mistaken goes before the name: browsers save HTML as .xls and .txt. */
function formatOf(text: string, { fileName = '', contentType = '' }: SourceHint): Exclude<SourceFormat, 'xlsx'> {
  const start = text.trimStart();
  const named =
    endings.find(([ending]) => ending.test(fileName))?.[1] ?? mediaTypes.find(([type]) => type.test(contentType))?.[1];
  if (/^(?:<!doctype\s+html|<html|<\?xml[^>]*>\s*<(?:!doctype\s+)?html)/i.test(start)) return 'html';
  if (/^[[{]/.test(start) && isJson(start)) return 'json';
  const isTable = /^<(?:table|meta|style|div|section|main)\b/i.test(start) && /<table\b/i.test(text);
  if (isTable && named !== 'markdown') return 'html';
  if (named !== undefined) return named;
  const lines = text.split(/\r?\n|\r/);
  const hasRule = lines.some((line, at) => (ruleWidth(line) ?? 0) > 1 && hasPipe(lines[at - 1] ?? ''));
  if (hasRule) return isCapture(lines.join('\n')) || /\.txt$/i.test(fileName) ? 'text' : 'markdown';
  if (/<table\b/i.test(text)) return 'html';
  if (/^<(?:!--|[a-z])/i.test(start) && /<\/?(?:ul|ol|li|div|p|h[1-6])\b/i.test(text)) return 'html';
  const isMarkdown = lines.some((line) => /^ {0,3}(?:#{1,6}\s|[*-] {1,8}\[[^\]]{1,300}\]\()/.test(line));
  if (isEntries(text, lines)) return 'yaml';
  if (isMarkdown || /^---\s*\n/.test(start)) return 'markdown';
  return separatorOf(text) === null ? 'markdown' : 'csv';
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Whether a text is YAML that holds entries: `- name: …`, or keys with values. */
function isEntries(text: string, lines: readonly string[]): boolean {
  if (text.length > mostGuessed) return false;
  // Patterns that begin with blanks are tried on the beginnings of lines only: a long run of blanks costs nothing then.
  if (!lines.some((line) => /^(?:-\s+)?["']?[\w .-]{1,80}["']?:(?:\s|$)/.test(line.slice(0, 200).trimStart())))
    return false;
  try {
    return pageOfData(parseText(text, 'yaml')).tables.some(({ columns }) => columns.length > 1);
  } catch {
    return false;
  }
}

function readAs(format: Exclude<SourceFormat, 'xlsx'>, text: string): Omit<ImportSource, 'encoding'> {
  switch (format) {
    case 'json':
    case 'yaml':
      return readEntries(format, text);
    case 'csv':
      return { format, list: null, ...readCsv(text) };
    case 'html':
      return { format, list: null, ...readHtml(text) };
    case 'text':
      return { format, list: null, ...readText(text) };
    case 'markdown':
      return { format, list: null, ...readPageWithHead(text) };
  }
}

function readEntries(format: 'json' | 'yaml', text: string): Omit<ImportSource, 'encoding'> {
  if (format === 'yaml' && text.length > limits.bytes) throw unreadable('too-large');
  try {
    const source = readData(text, format);
    return {
      format,
      ...source,
      leftOver: [...source.leftOver, ...(format === 'yaml' && source.list === null ? commentsOf(text) : [])],
    };
  } catch (error) {
    // Parsing and our own rules refuse alike; only the former means that the file is none of these.
    if (!(error instanceof Refusal) || error.code === 'import.unreadable') throw error;
    if (/"(?:subProcessors|dataSubjects)"|^(?:subProcessors|dataSubjects):/m.test(text)) throw error;
    throw unreadable('broken-data', error.errors);
  }
}

/** Remarks of whoever keeps the file; they belong to no entry. What looks like one within quotes is none. */
function commentsOf(text: string): LeftOver[] {
  return text.split('\n').flatMap((line, at) => {
    const [, before = '', words = ''] = /^(|.*?\s)#+\s*(.*)$/.exec(line.slice(0, 2_000).trimEnd()) ?? [];
    return words === '' || (/["']/.test(before) && /["'],?$/.test(words)) ? [] : [{ line: at + 1, text: words }];
  });
}

/** Markdown with the YAML of a site generator above it, which may hold the title or the list itself. */
function readPageWithHead(text: string): Page {
  const head = /^\s*---[^\S\n]*\n([\s\S]*?)\n---[^\S\n]*(?:\n|$)/.exec(text);
  if (head === null) return readMarkdown(text, 1, null);
  const data = headOf(head[1] ?? '');
  if (data === null) return readMarkdown(text, 1, null);
  const firstLine = head[0].split('\n').length;
  const page = readMarkdown(text.slice(head[0].length), firstLine, data.title);
  return {
    tables: [...data.tables, ...page.tables],
    title: page.title,
    introduction: page.introduction ?? data.introduction,
    leftOver: [
      ...data.leftOver.map(({ line, text: words }) => ({ line: (line ?? 1) + 1, text: words })),
      ...page.leftOver,
    ],
  };
}

function headOf(text: string): Page | null {
  if (text.length > mostGuessed) return null;
  try {
    return pageOfData(parseText(text, 'yaml'));
  } catch {
    return null;
  }
}
